#include "tools/bench/stack_pair.hh"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "tools/bench/failure.hh"

namespace smol::bench {
namespace {

/// As a worker of smold has them.
constexpr std::size_t kBurst = 32;
constexpr std::size_t kTimersATurn = 256;
constexpr std::size_t kSegmentsATurn = 256;

constexpr std::uint32_t kBlock = 2048;  // octets a packet, headroom included
constexpr std::uint16_t kPort = 80;

IpAddress address_of(IpFamily family, std::uint8_t number) {
  return family == IpFamily::kIp4 ? IpAddress::v4(10, 0, 0, number)
                                  : IpAddress::v6(0xfdaa, 0, 0, 0, 0, 0, 0, number);
}

/// A full window in each direction fits the share of the pool that sockets may take.
std::uint32_t blocks_for(std::uint32_t window) {
  return window / 1000 * 2 + 4096;
}

StackConfig config_for(const StackPair::Options& options) {
  StackConfig config;
  config.limits.connections = options.connections;
  config.limits.time_wait = 65'536;
  config.limits.listeners = 16;
  config.limits.udp_sockets = 16;
  config.limits.neighbors = 64;
  config.limits.reassembly_ranges = 1024;
  config.tcp.defaults.send_buffer = options.window;
  config.tcp.defaults.receive_buffer = options.window;
  config.tcp.time_wait = milliseconds(1);
  return config;
}

}  // namespace

StackPair::End::End(const Options& options, std::uint8_t number, MemPool& pool, Instant start)
    : offload_{options.offload},
      address_{address_of(options.family, number)},
      stack{config_for(options),
            StackSecrets{{number, 1}, {number, 2}, number},
            {pool, memory_, *this, drops_},
            start} {
  inbox_.reserve(blocks_for(options.window));
  InterfaceConfig interface;
  interface.name = "wire0";
  interface.mac = MacAddress{{2, 0, 0, 0, 0, number}};
  interface.addresses = {IpPrefix{address_, static_cast<std::uint8_t>(address_.is_v4() ? 24 : 64)}};
  // A frame that arrives is the other's to keep and to cut.
  interface.offloads.reads_only = false;
  interface.offloads.ip4_checksum = offload_;
  interface.offloads.tcp_checksum = offload_;
  if (!stack.add_interface(interface)) throw Failure{"the stack refuses its interface"};
}

void StackPair::End::send(InterfaceId, std::span<MemPacket> burst) noexcept {
  sent_ += burst.size();
  for (MemPacket& packet : burst) {
    if (offload_) {
      packet.meta().ip_checksum = ChecksumState::kGood;
      packet.meta().l4_checksum = ChecksumState::kGood;
    }
    peer_->inbox_.push_back(std::move(packet));
  }
}

std::size_t StackPair::End::receive(Instant now) noexcept {
  const std::size_t n = std::min(kBurst, inbox_.size() - next_);
  if (n > 0) stack.receive(now, 0, std::span{inbox_}.subspan(next_, n));
  next_ += n;
  if (next_ == inbox_.size()) {
    inbox_.clear();
    next_ = 0;
  }
  stack.expire(now, kTimersATurn);
  return n;
}

std::size_t StackPair::End::transmit(Instant now) noexcept {
  const std::size_t before = sent_;
  stack.transmit(now, kSegmentsATurn);
  return sent_ - before;
}

StackPair::StackPair(const Options& options)
    : pool_{blocks_for(options.window), kBlock, memory_},
      client{options, 2, pool_, now_},
      server{options, 1, pool_, now_} {
  client.connect_to(server);
  server.connect_to(client);
  TcpListenOptions listen;
  listen.local = {IpAddress::any(options.family), kPort};
  listen.socket = server.stack.tcp_defaults();
  const Result<SocketId, Error> made = server.stack.tcp_listen(listen);
  if (!made) throw Failure{fmt::format("cannot listen: {}", sentence(made.error()))};
  listener = *made;
}

StackPair::Sockets StackPair::open() {
  TcpConnectOptions options;
  options.remote = {server.address(), kPort};
  options.socket = client.stack.tcp_defaults();
  const Result<SocketId, Error> connecting = client.stack.tcp_connect(options);
  if (!connecting) throw Failure{fmt::format("cannot connect: {}", sentence(connecting.error()))};
  for (int i = 0; i < 100; ++i) {
    for (End* end : {&client, &server}) {
      const Instant at = turn();
      end->receive(at);
      end->transmit(at);
    }
    const Result<SocketId, Error> accepted = server.stack.tcp_accept(listener);
    if (accepted) return {*connecting, *accepted};
  }
  throw Failure{"the two stacks do not get connected"};
}

void StackPair::check() const {
  for (const End* end : {&client, &server}) {
    if (const auto again = end->stack.counters().tcp_retrans_segs.value(); again > 0) {
      throw Failure{fmt::format("{} segments were sent twice where nothing is lost", again)};
    }
    for (std::size_t i = 0; i < kDropCount; ++i) {
      const auto drop = static_cast<Drop>(i);
      if (const std::uint64_t count = end->drops().value(drop); count > 0) {
        throw Failure{fmt::format("{} packets were dropped: {}", count, name(drop))};
      }
    }
  }
}

}  // namespace smol::bench
