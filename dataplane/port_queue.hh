#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "dataplane/capture.hh"
#include "dataplane/counters.hh"
#include "dataplane/fault_injector.hh"
#include "dataplane/handover.hh"
#include "dataplane/mbuf_packet.hh"
#include "dataplane/port.hh"
#include "dataplane/stack_mbuf.hh"
#include "protocols/base/counter.hh"
#include "protocols/base/time.hh"

struct rte_mbuf;

namespace smol::dataplane {

/// Who takes the frames of a port in the place of the stack.
class FrameTaker {
 public:
  virtual ~FrameTaker() = default;
  /// Takes every frame of the burst: leaves empty handles.
  virtual void take(Instant now, InterfaceId from, std::span<MbufPacket> burst) noexcept = 0;
};

/// One port's queue pair of one worker, and what lies between it and the worker's stack: faults,
/// captures, counters.
///
///   port ──> too long? ──> faults ──> capture ──> stack
///   port <── capture <── faults <── stack
///
/// A capture sees a packet as the stack is about to, or as the wire will; dropped ones too, once.
class PortQueue {
 public:
  static constexpr std::size_t kBurst = 32;

  /// What a queue is made from; all of it outlives the queue.
  struct Environment {
    Port& port;
    std::uint16_t queue;
    InterfaceId interface;
    Stack<MbufPacket>& stack;
    MbufPool& pool;
    DropCounters& drops;
    CaptureTap* tap;       ///< null: nobody can capture
    std::uint64_t seed;    ///< of the faults
    bool single_segments;  ///< the port takes no chains: packets are copied into one buffer
    Handover& handover;    ///< of the worker whose queue it is
  };

  explicit PortQueue(const Environment& environment);

  /// Frames go there from now on, and none to the stack. `taker` outlives the last receive().
  void set_taker(FrameTaker* taker) noexcept { taker_ = taker; }
  /// One burst from the port to the stack, and what the faults held until now. Returns how many
  /// packets moved.
  std::size_t receive(Instant now) noexcept;
  /// Packets that another worker received for this one.
  void take_received(Instant now, std::span<MbufPacket> burst) noexcept;
  /// Packets of a worker whose port has no queue for it: out by this one.
  void send_for_other(Instant now, std::span<MbufPacket> burst) noexcept;
  /// Another worker took no more.
  void refused(Instant now, Direction direction, MbufPacket packet) noexcept {
    now_ = now;
    drop(direction, std::move(packet), Drop::kHandoverFull);
  }
  /// Takes every packet of the burst; what the port refuses is freed and counted.
  void send(Instant now, std::span<MbufPacket> burst) noexcept;
  /// A packet of this interface that the stack dropped; it counts by itself.
  void on_drop(Instant now, Direction direction, const MbufPacket& packet, Drop reason) noexcept {
    tap_.on_drop(now, interface_, queue_, direction, packet, reason);
  }
  /// When the faults let go of the next packet.
  Instant next_deadline() const noexcept;

  Port& port() const noexcept { return port_; }
  /// False: the port has fewer queues than there are workers. Another worker, whose number is the
  /// queue's, receives and sends for this one.
  bool is_own() const noexcept { return own_; }
  std::uint16_t queue() const noexcept { return queue_; }
  InterfaceId interface() const noexcept { return interface_; }
  const PortCounters& counters() const noexcept { return counters_; }

 private:
  /// Packets that go on together.
  struct Burst {
    std::array<MbufPacket, kBurst> packets;
    std::size_t size = 0;

    bool full() const noexcept { return size == packets.size(); }
    void push(MbufPacket packet) noexcept { packets[size++] = std::move(packet); }
    std::span<MbufPacket> take() noexcept { return {packets.data(), std::exchange(size, 0)}; }
  };
  /// Where a direction's faults let packets out to.
  class Outlet final : public FaultOutlet<MbufPacket> {
   public:
    Outlet(PortQueue& queue, Direction direction) noexcept : queue_{queue}, direction_{direction} {}
    void pass(MbufPacket packet) noexcept override;
    void drop(MbufPacket packet, Drop reason) noexcept override {
      queue_.drop(direction_, std::move(packet), reason);
    }

   private:
    PortQueue& queue_;
    const Direction direction_;
  };
  struct Faults {
    Faults(PortQueue& queue, const FaultConfig& config, std::uint64_t seed, MbufPool& pool);

    FaultInjector<MbufPacket> rx;
    FaultInjector<MbufPacket> tx;
    Outlet rx_outlet;
    Outlet tx_outlet;
  };

  struct Verdict {
    std::optional<Drop> bad;
    bool merged = false;  ///< by the device, from several segments
  };

  void poll() noexcept;
  Verdict verdict_on(const rte_mbuf* mbuf) const noexcept;
  void deliver() noexcept;
  void steer() noexcept;
  void deliver_here(std::span<MbufPacket> burst) noexcept;
  void offer(std::span<rte_mbuf*> mbufs) noexcept;
  void transmit(std::span<MbufPacket> burst) noexcept;
  std::size_t hand_to_port(std::span<rte_mbuf*> mbufs) noexcept;
  bool make_single_segment(MbufPacket& packet) noexcept;
  Drop why_refused() noexcept;
  void drop(Direction direction, MbufPacket packet, Drop reason) noexcept;

  Port& port_;
  const std::uint16_t queue_;
  const bool own_;
  const InterfaceId interface_;
  const std::uint32_t max_frame_;
  const bool single_segments_;
  Stack<MbufPacket>& stack_;
  FrameTaker* taker_ = nullptr;  ///< null: the stack takes the frames
  MbufPool& pool_;
  DropCounters& drops_;
  CaptureTap& tap_;
  Handover& handover_;
  Instant now_{};
  Instant link_asked_{};  ///< a down interface is not asked about with every burst
  bool link_up_ = true;
  Burst rx_;
  Burst tx_;  ///< between the faults and the port
  PortCounters counters_;
  std::unique_ptr<Faults> faults_;  ///< null: none
};

}  // namespace smol::dataplane
