#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/bridge_control.hh"
#include "dataplane/config.hh"
#include "dataplane/impaired_link.hh"
#include "dataplane/mbuf_packet.hh"
#include "dataplane/port_queue.hh"
#include "protocols/base/counter.hh"
#include "protocols/base/time.hh"

namespace smol::dataplane {

/// Two ports joined by two links, one a direction; no stack sees a frame. Frames pass unchanged but
/// for what the links do to them. A capture sees a frame as it arrives at one port, with the reason
/// if it is dropped, and as it leaves through the other. Thread: the worker's; counters() any.
///
///   port a ──> link a_to_b ──> port b
///   port a <── link b_to_a <── port b
class Bridge final : public BridgeControl, private FrameTaker {
 public:
  /// What a bridge is made from; all of it outlives the bridge.
  struct Environment {
    std::array<PortQueue*, 2> ports;  ///< a and b
    const Config& config;
    MbufPool& pool;
    DropCounters& drops;
    std::uint64_t seed;
    Instant start;
  };

  explicit Bridge(const Environment& environment);

  /// Before the ports are polled: lets go of what is due. Returns how many frames that were.
  std::size_t release(Instant now) noexcept;
  /// After it: what came through goes out.
  void flush() noexcept;
  /// When release() has something to do.
  Instant next_deadline() const noexcept;
  void configure(Way way, const LinkConfig& link) noexcept override;
  const LinkCounters& counters(Way way) const noexcept {
    return sides_[static_cast<std::size_t>(way)].link.counters();
  }

 private:
  /// A direction: from a port through a link to the other port.
  struct Side final : FaultOutlet<MbufPacket> {
    Side(const Environment& environment, std::size_t way, const LinkConfig& config,
         std::uint64_t seed);
    void pass(MbufPacket packet) noexcept override;
    void drop(MbufPacket packet, Drop reason) noexcept override;
    void send() noexcept;

    ImpairedLink<MbufPacket> link;
    PortQueue& from;
    PortQueue& to;
    DropCounters& drops;
    Instant now{};
    std::array<MbufPacket, PortQueue::kBurst> out;
    std::size_t waiting = 0;  ///< in `out`
  };

  void take(Instant now, InterfaceId from, std::span<MbufPacket> burst) noexcept override;

  std::array<Side, 2> sides_;  ///< by Way
};

}  // namespace smol::dataplane
