#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "dataplane/counters.hh"
#include "dataplane/mbuf_packet.hh"
#include "dataplane/team.hh"
#include "protocols/stack/colleagues.hh"
#include "protocols/stack/driver.hh"
#include "protocols/stack/sharding.hh"

namespace smol::dataplane {

/// Where a worker takes in what others gave it.
class HandoverTaker {
 public:
  virtual ~HandoverTaker() = default;
  /// Packets of one interface, received by another worker for this one, or to be sent for another.
  virtual void take(InterfaceId interface, Direction direction,
                    std::span<MbufPacket> packets) noexcept = 0;
  virtual void take(const NeighborMessage& message) noexcept = 0;
  /// A packet could not be handed over: the other's ring is full.
  virtual void refused(InterfaceId interface, Direction direction, MbufPacket packet) noexcept = 0;
};

/// One worker's side of a Team: what it gives to others and takes from them, in bursts. Thread: the
/// worker's.
class Handover final : public Colleagues {
 public:
  /// `taker`: the worker itself. All of them outlive it.
  Handover(Team& team, unsigned worker, HandoverTaker& taker, WorkerCounters& counters);
  ~Handover() override;

  bool is_alone() const noexcept { return !sharding_.is_shared(); }
  const Sharding& sharding() const noexcept { return sharding_; }
  /// Whose a received frame is.
  unsigned owner(InterfaceId interface, const MbufPacket& frame) const noexcept;

  /// To another worker, by the next flush() at the latest. `packet`'s meta().interface is set here.
  void give(unsigned worker, InterfaceId interface, Direction direction,
            MbufPacket packet) noexcept;
  /// All that was given becomes visible, and who sleeps is woken.
  void flush() noexcept;
  /// Takes in what others gave, a bounded part of it. How much it was; 0: there was nothing.
  std::size_t take() noexcept;

  // --- Colleagues

  void ask(const NeighborQuestion& question) noexcept override;
  void tell(const NeighborNews& news) noexcept override;
  bool take_udp_port(std::uint16_t port, bool alone) noexcept override {
    return team_.take_udp_port(sharding_.index(), port, alone);
  }
  void release_udp_port(std::uint16_t port) noexcept override { team_.release_udp_port(port); }

 private:
  static constexpr std::size_t kBurst = 32;
  /// Bounds of a turn, for each of the others.
  static constexpr std::size_t kBurstsATurn = 8;
  static constexpr std::size_t kMessagesATurn = 32;

  struct Outbox {
    std::array<HandedPacket, kBurst> packets;
    std::size_t size = 0;
    bool unseen = false;  ///< something was pushed since the worker was last woken
  };

  void push(unsigned worker) noexcept;
  void say(unsigned worker, const NeighborMessage& message) noexcept;
  std::size_t take_packets(unsigned from) noexcept;

  Team& team_;
  const Sharding sharding_;
  HandoverTaker& taker_;
  WorkerCounters& counters_;
  std::vector<Outbox> outboxes_;  ///< by worker
};

}  // namespace smol::dataplane
