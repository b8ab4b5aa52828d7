#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dataplane/application.hh"
#include "dataplane/bridge.hh"
#include "dataplane/capture.hh"
#include "dataplane/config.hh"
#include "dataplane/counters.hh"
#include "dataplane/errand.hh"
#include "dataplane/handover.hh"
#include "dataplane/idle.hh"
#include "dataplane/logger.hh"
#include "dataplane/mbuf_packet.hh"
#include "dataplane/port.hh"
#include "dataplane/port_queue.hh"
#include "dataplane/stack_mbuf.hh"
#include "dataplane/stack_memory.hh"
#include "protocols/base/counter.hh"

namespace smol::dataplane {

/// One thread with a queue of every port, a stack and the applications of its own. Nothing of it is
/// shared: what others may touch is named so. Made, configured and destroyed on the main thread.
class Worker final : private PacketSink<MbufPacket>,
                     private DropObserver<MbufPacket>,
                     private HandoverTaker,
                     private SegmentObserver<MbufPacket> {
 public:
  /// What a worker is made from; all of it outlives the worker.
  struct Environment {
    unsigned index;  ///< of the worker, and of its queue on each port
    const Config& config;
    std::span<const std::unique_ptr<Port>> ports;
    MbufPool& pool;
    Team& team;
    RingLog& log;
    CaptureTap* tap;  ///< null: nobody captures
    StackSecrets secrets;
    std::uint64_t fault_seed;
    bool sleep;  ///< what idle.sleep came to
    bool huge_pages;
  };

  explicit Worker(const Environment& environment);
  ~Worker() override;
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Interfaces over the ports, in their order, and routes. Error: one line.
  Result<void, StartError> configure();
  /// In the order of their owner numbers. Error: what an application could not open, with its name.
  Result<void, StartError> start_applications(std::span<const ApplicationSpec> specs);

  /// Turns until it is asked to stop and has drained. Thread: its own, which this makes the
  /// worker's.
  void run() noexcept;
  /// One turn: what came in, timers, applications, what goes out. True: there was something to do.
  bool turn(Instant now) noexcept;

  /// First request: applications drain, and it ends when no connection is left or the time is over.
  /// Second: it ends with the turn. Thread: any; signal handlers too.
  void request_stop() noexcept;
  /// Where control threads leave errands for this worker, while it runs.
  Desk& desk() noexcept { return desk_; }
  /// Whom finished errands wake. Before run().
  void set_courier(Desk::Waker& courier) noexcept { desk_.set_wakers(idle_.get(), &courier); }

  // --- observation, any thread

  const WorkerCounters& counters() const noexcept { return counters_; }
  const StackCounters& stack_counters() const noexcept { return stack_.counters(); }
  const DropCounters& drops() const noexcept { return drops_; }
  const PortCounters& port_counters(std::size_t port) const noexcept {
    return queues_[port]->counters();
  }
  /// Null: the worker does not bridge.
  const Bridge* bridge() const noexcept { return bridge_.get(); }
  /// Connections that the drain time cut off.
  std::uint64_t cut_off() const noexcept { return cut_off_.value(); }

  /// The worker that the calling thread is; null: none. For the report of a broken invariant.
  static Worker* current() noexcept;
  unsigned index() const noexcept { return environment_.index; }
  /// The packets of the burst at hand go to the capture: this thread is about to die.
  void publish_capture() noexcept;

 private:
  void send(InterfaceId interface, std::span<MbufPacket> burst) noexcept override;
  void on_drop(InterfaceId interface, Direction direction, const MbufPacket& packet,
               Drop reason) noexcept override;
  void take(InterfaceId interface, Direction direction,
            std::span<MbufPacket> packets) noexcept override;
  void take(const NeighborMessage& message) noexcept override;
  void refused(InterfaceId interface, Direction direction, MbufPacket packet) noexcept override;
  void on_segment(Direction direction, MbufPacket& packet, SocketId socket,
                  const tcp::Trace& trace) noexcept override;

  std::size_t run_errands() noexcept;
  bool run_applications() noexcept;
  void give(std::span<const SocketEvent> events) noexcept;
  Instant next_deadline() const noexcept;
  bool drained(Instant now) noexcept;
  bool may_end(Instant now) noexcept;
  void make_bridge();
  Result<void, StartError> add_interface(const Port& port);
  Result<void, StartError> add_route(const RouteConfig& route);

  const Environment environment_;
  DropCounters drops_;
  WorkerCounters counters_;
  Handover handover_;
  StackMemory memory_;
  Stack<MbufPacket> stack_;
  std::vector<std::unique_ptr<PortQueue>> queues_;  ///< by interface
  std::unique_ptr<Bridge> bridge_;                  ///< null: the frames are the stack's
  std::unique_ptr<Idle> idle_;
  Desk desk_;
  std::vector<std::unique_ptr<Application>> applications_;  ///< by owner
  std::array<SocketEvent, 256> grouped_;
  Instant now_{};
  bool draining_ = false;
  bool drained_ = false;
  Instant drain_until_ = kNever;
  Counter cut_off_;
  std::atomic<unsigned> stop_requests_{0};
};

}  // namespace smol::dataplane
