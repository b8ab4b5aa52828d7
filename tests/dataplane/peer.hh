#pragma once

#include <memory_resource>
#include <vector>

#include "protocols/packet/mem_packet.hh"
#include "protocols/stack/stack.hh"
#include "tests/dataplane/frames.hh"

namespace smol::dataplane::testing {

/// The other end of the tests' link: a stack over plain memory, whose frames the test carries.
class Peer final : private PacketSink<MemPacket> {
 public:
  explicit Peer(Instant start)
      : stack_{{}, {}, {pool_, *std::pmr::new_delete_resource(), *this, drops_}, start} {
    InterfaceConfig config;
    config.name = "peer";
    config.mac = kPeerMac;
    config.addresses = {IpPrefix{kPeerIp, 24}};
    SMOL_CHECK(stack_.add_interface(config));
  }

  Sockets& sockets() noexcept { return stack_; }
  /// A turn with what came in; what went out is returned.
  std::vector<Octets> turn(Instant now, const std::vector<Octets>& frames) {
    std::vector<MemPacket> burst;
    for (const Octets& frame : frames) {
      burst.push_back(pool_.allocate());
      copy_bytes(burst.back().append(frame.size()), frame);
    }
    stack_.receive(now, 0, burst);
    stack_.expire(now, 100);
    for (const SocketEvent& event : stack_.events()) {
      if ((event.events & SocketEvents::kConnected) != 0) connected_ = true;
      if ((event.events & SocketEvents::kPeerClosed) != 0) peer_closed_ = true;
    }
    stack_.transmit(now, 100);
    return std::exchange(sent_, {});
  }
  bool connected() const noexcept { return connected_; }
  bool peer_closed() const noexcept { return peer_closed_; }

 private:
  void send(InterfaceId, std::span<MemPacket> burst) noexcept override {
    for (MemPacket& packet : burst) {
      sent_.emplace_back(packet.size());
      packet_copy(packet, 0, sent_.back());
      packet = MemPacket{};
    }
  }

  MemPool pool_{512, 2048 + 128, *std::pmr::new_delete_resource()};
  DropCounters drops_;
  std::vector<Octets> sent_;
  bool connected_ = false;
  bool peer_closed_ = false;
  Stack<MemPacket> stack_;
};

}  // namespace smol::dataplane::testing
