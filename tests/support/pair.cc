#include "tests/support/pair.hh"

#include <utility>

namespace smol {
namespace {

void set_up(Host& host, int side) {
  InterfaceConfig config;
  config.name = "wire0";
  config.mac = {{2, 0, 0, 0, 0, static_cast<std::uint8_t>(side + 1)}};
  config.addresses = {IpPrefix{Pair::address4(side), 24}, IpPrefix{Pair::address6(side), 64}};
  host.add_interface(config);
  host.show_frames = false;
  host.keep_packets = true;
}

}  // namespace

Pair::Pair(const Host::Options& left, const Host::Options& right) : a{left}, b{right} {
  set_up(a, 0);
  set_up(b, 1);
}

void Pair::carry(Host& from, Host& to) {
  for (const MemPacket& packet : std::exchange(from.kept, {})) {
    if (longest != 0 && packet.size() > longest + 14) {
      ++vanished;
      continue;
    }
    MemPacket copy = to.pool().allocate();
    if (!copy) {
      ++lost;
      continue;
    }
    packet_copy(packet, 0, copy.append(packet.size()));
    to.receive(std::move(copy));
  }
}

void Pair::step(Duration time) {
  a.advance(time);
  b.advance(time);
  carry(a, b);
  carry(b, a);
  a.turn();
  b.turn();
}

}  // namespace smol
