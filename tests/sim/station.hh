#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "protocols/packet/mem_packet.hh"
#include "protocols/stack/stack.hh"
#include "tests/sim/wire.hh"

namespace smol::sim {

/// What did not hold. The first is what counts: the rest may be its consequences.
class Faults {
 public:
  void add(std::string what) { all_.push_back(std::move(what)); }
  /// Adds what `condition` fails to hold.
  template <class Text>
  void expect(bool condition, Text&& what) {
    if (!condition) [[unlikely]]
      add(what());
  }
  bool any() const { return !all_.empty(); }
  const std::vector<std::string>& all() const { return all_; }

 private:
  std::vector<std::string> all_;
};

/// A configuration with tables that cost nothing to make.
StackConfig small_stack();

/// A host of the simulated network: a stack over plain memory, and the driver that it expects. At
/// the end its books must balance and every packet be back in the pool.
class Station final : private PacketSink<MemPacket> {
 public:
  struct Options {
    int side = 0;
    bool v6 = false;
    StackConfig config = small_stack();
    StackSecrets secrets{Secret{1, 2}, Secret{3, 4}, 5};
    std::uint32_t packets = 256;
    std::uint16_t mtu = 1500;
    bool offloads = false;      ///< the device fills checksums in, and says of what comes: good
    bool segmentation = false;  ///< beside `offloads`: and cuts packets into segments
    bool trusted = false;       ///< checksums are nobody's
    Duration transmission{0};   ///< the port gives a packet back this long after it was sent
    Instant start{seconds(1000)};
  };

  Station(const Options& options, Faults& faults);
  ~Station() override;
  Station(const Station&) = delete;
  Station& operator=(const Station&) = delete;

  Stack<MemPacket>& stack() { return *stack_; }
  const Stack<MemPacket>& stack() const { return *stack_; }

  // --- a turn, in this order

  /// Frames from the wire, up to 32. What finds no packet is lost, and counted.
  void receive(Instant now, std::span<const Parcel> burst);
  void expire(Instant now);
  /// Calls visit(event) for each event.
  template <class Visit>
  void events(Visit&& visit) {
    for (std::span<const SocketEvent> some = stack_->events(); !some.empty();
         some = stack_->events()) {
      for (const SocketEvent& event : some) visit(event);
    }
  }
  /// What is to be sent is in sent(), for the caller to take.
  void transmit(Instant now);
  std::vector<Octets>& sent() { return sent_; }

  Instant next_deadline() const;

  // --- what must hold

  /// The books, after a turn.
  void check_books();
  /// Nothing of any connection or packet is left.
  void check_empty();
  std::uint64_t drops(Drop reason) const { return drops_.value(reason); }
  std::uint64_t without_packet() const { return without_packet_; }
  /// Packets that the device was to cut into segments.
  std::uint64_t packets_cut() const { return packets_cut_; }
  std::size_t packets_in_use() const { return pool_->capacity() - pool_->available(); }

  /// Memory of frames that are gone.
  void set_spare(std::vector<Octets>* spare) { spare_ = spare; }

 private:
  void send(InterfaceId interface, std::span<MemPacket> burst) noexcept override;
  Octets octets_of(MemPacket& packet);
  void fault(std::string what) { faults_.add(name_ + ": " + std::move(what)); }

  Faults& faults_;
  std::string name_;
  bool offloads_;
  bool trusted_;
  Duration transmission_;
  Instant now_;
  DropCounters drops_;
  std::unique_ptr<MemPool> pool_;
  std::unique_ptr<Stack<MemPacket>> stack_;
  std::vector<Octets> sent_;
  std::deque<std::pair<Instant, MemPacket>> in_transmission_;
  std::uint64_t without_packet_ = 0;
  std::uint64_t packets_cut_ = 0;
  std::vector<Octets>* spare_ = nullptr;
};

}  // namespace smol::sim
