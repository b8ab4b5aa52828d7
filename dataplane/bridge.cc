#include "dataplane/bridge.hh"

#include <algorithm>
#include <utility>

namespace smol::dataplane {

Bridge::Side::Side(const Environment& environment, std::size_t way, const LinkConfig& config,
                   std::uint64_t seed)
    : link{config, bridge_store(environment.config), seed, environment.pool, environment.start},
      from{*environment.ports[way]},
      to{*environment.ports[1 - way]},
      drops{environment.drops},
      now{environment.start} {}

Bridge::Bridge(const Environment& environment)
    // Seeds apart, so that one direction's chance does not depend on the other's frames.
    : sides_{{{environment, 0, environment.config.bridge.a_to_b, environment.seed},
              {environment, 1, environment.config.bridge.b_to_a, ~environment.seed}}} {
  for (PortQueue* port : environment.ports) port->set_taker(this);
}

void Bridge::Side::pass(MbufPacket packet) noexcept {
  out[waiting++] = std::move(packet);
  if (waiting == out.size()) send();
}

void Bridge::Side::drop(MbufPacket packet, Drop reason) noexcept {
  drops.add(reason);
  from.on_drop(now, Direction::kRx, packet, reason);
}

void Bridge::Side::send() noexcept {
  if (waiting > 0) to.send(now, {out.data(), std::exchange(waiting, 0)});
}

std::size_t Bridge::release(Instant now) noexcept {
  std::size_t moved = 0;
  for (Side& side : sides_) {
    side.now = now;
    moved += side.link.release(now, side);
  }
  return moved;
}

void Bridge::take(Instant now, InterfaceId from, std::span<MbufPacket> burst) noexcept {
  Side& side = sides_[sides_[0].from.interface() == from ? 0 : 1];
  for (MbufPacket& packet : burst) side.link.feed(now, std::move(packet), side);
}

void Bridge::flush() noexcept {
  for (Side& side : sides_) side.send();
}

Instant Bridge::next_deadline() const noexcept {
  return std::min(sides_[0].link.next_deadline(), sides_[1].link.next_deadline());
}

void Bridge::configure(Way way, const LinkConfig& link) noexcept {
  Side& side = sides_[static_cast<std::size_t>(way)];
  side.link.configure(side.now, link);
}

}  // namespace smol::dataplane
