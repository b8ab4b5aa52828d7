// The library alone: two stacks, two queues between them, and a clock that is a number. One side
// asks for a file of a megabyte, the other sends it; no device, no thread, no real time.
#include <array>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <vector>

#include "protocols/packet/mem_packet.hh"
#include "protocols/stack/stack.hh"

namespace {

using namespace smol;  // NOLINT: an example reads better without the prefix

constexpr std::size_t kFile = 1'000'000;

/// A wire: what one stack sends is what the other receives at the end of the step.
struct Wire final : PacketSink<MemPacket> {
  std::deque<MemPacket> frames;
  void send(InterfaceId, std::span<MemPacket> burst) noexcept override {
    for (MemPacket& frame : burst) frames.push_back(std::move(frame));
  }
};

/// A host: a stack with all that it needs to live.
struct Host {
  MemPool pool{4096, 2048, *std::pmr::new_delete_resource()};
  Wire out;
  DropCounters drops;
  Stack<MemPacket> stack;

  Host(std::uint8_t number, Instant start)
      : stack{StackConfig{},
              StackSecrets{{number, 1}, {number, 2}, number},
              {pool, *std::pmr::new_delete_resource(), out, drops},
              start} {
    InterfaceConfig interface;
    interface.name = "wire0";
    interface.mac = {{2, 0, 0, 0, 0, number}};
    interface.offloads.reads_only = false;  // the frames change hands
    interface.addresses = {IpPrefix{IpAddress::v4(10, 0, 0, number), 24}};
    SMOL_CHECK(stack.add_interface(interface).has_value());
  }

  void receive(Instant now, Wire& from) {
    std::vector<MemPacket> burst;
    for (; !from.frames.empty(); from.frames.pop_front()) {
      burst.push_back(std::move(from.frames.front()));
    }
    stack.receive(now, 0, burst);
    stack.expire(now, 1000);
  }
};

}  // namespace

int main() {
  Instant now{};
  Host server{1, now};
  Host client{2, now};

  TcpListenOptions listen;
  listen.local = {IpAddress::v4(0), 80};
  const SocketId listener = *server.stack.tcp_listen(listen);
  TcpConnectOptions connect;
  connect.remote = {IpAddress::v4(10, 0, 0, 1), 80};
  const SocketId download = *client.stack.tcp_connect(connect);

  SocketId upload;
  std::size_t sent = 0;
  std::size_t received = 0;
  while (!client.stack.at_end(download)) {
    server.receive(now, client.out);
    for (const SocketEvent& event : server.stack.events()) {
      if (event.socket == listener) upload = *server.stack.tcp_accept(listener);
    }
    while (upload && sent < kFile) {
      const MutBytes room = server.stack.reserve(upload, kFile - sent);
      if (room.empty()) break;
      for (std::uint8_t& octet : room) octet = static_cast<std::uint8_t>(sent++ % 251);
      server.stack.commit(upload, room.size());
      if (sent == kFile) server.stack.close(upload);
    }
    server.stack.transmit(now, 1000);

    client.receive(now, server.out);
    for (Bytes piece; !(piece = client.stack.readable(download)).empty();) {
      for (const std::uint8_t octet : piece) {
        if (octet != received++ % 251) return 1;
      }
      client.stack.consume(download, piece.size());
    }
    client.stack.transmit(now, 1000);

    now += microseconds(100);  // the time a frame takes, and the only clock there is
  }
  client.stack.close(download);
  const double seconds = std::chrono::duration<double>(now.time_since_epoch()).count();
  std::printf("%zu octets in %.4f s of virtual time\n", received, seconds);
  return received == kFile ? 0 : 1;
}
