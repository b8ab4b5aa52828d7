#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory_resource>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/application.hh"
#include "protocols/packet/mem_packet.hh"
#include "protocols/stack/stack.hh"
#include "tests/support/fake_sockets.hh"

namespace smol::apps {

/// A stack whose frames pile up until the other one takes them.
struct Host final : private PacketSink<MemPacket> {
  Host(std::uint8_t number, Instant start)
      : pool{8192, 2048, *std::pmr::new_delete_resource()},
        stack{config(),
              secrets(number),
              {pool, *std::pmr::new_delete_resource(), *this, drops},
              start} {
    InterfaceConfig interface;
    interface.name = "eth0";
    interface.mac = MacAddress{{2, 0, 0, 0, 0, number}};
    interface.addresses = {IpPrefix{IpAddress::v4(192, 168, 69, number), 24},
                           IpPrefix{IpAddress::v6(0xfdaa, 0, 0, 0, 0, 0, 0, number), 64}};
    EXPECT_TRUE(stack.add_interface(interface));
  }

  static StackConfig config() {
    StackConfig config;
    config.limits.connections = 64;
    config.limits.time_wait = 64;
    config.limits.reassembly_ranges = 1024;
    config.limits.sent_runs = 4096;
    config.tcp.defaults.send_buffer = 256 << 10;
    config.tcp.defaults.receive_buffer = 256 << 10;
    return config;
  }
  static StackSecrets secrets(std::uint8_t number) {
    StackSecrets secrets;
    secrets.hash = {number, 1};
    secrets.isn = {number, 2};
    secrets.seed = number;
    return secrets;
  }

  void send(InterfaceId, std::span<MemPacket> burst) noexcept override {
    for (MemPacket& packet : burst) {
      std::vector<std::uint8_t>& frame = out.emplace_back();
      for (std::size_t i = 0; !packet.segment(i).empty(); ++i) {
        const Bytes piece = packet.segment(i);
        frame.insert(frame.end(), piece.begin(), piece.end());
      }
      packet = MemPacket{};
    }
  }

  void receive(Instant now, const std::vector<std::vector<std::uint8_t>>& frames) {
    for (const std::vector<std::uint8_t>& frame : frames) {
      MemPacket packet = pool.allocate();
      ASSERT_TRUE(packet);
      copy_bytes(packet.append(frame.size()), frame);
      stack.receive(now, 0, {&packet, 1});
    }
  }

  MemPool pool;
  DropCounters drops;
  std::vector<std::vector<std::uint8_t>> out;
  Stack<MemPacket> stack;
};

/// An application on a real stack and a client on another, over a wire of 1 ms and in virtual time.
class StackPair {
 public:
  explicit StackPair(std::function<std::unique_ptr<dataplane::Application>(dataplane::Log&)> make)
      : server{1, now_}, client{100, now_}, app{make(log)} {
    EXPECT_EQ(app->start(server.stack, 0), "");
  }

  /// Turns of both until `done`, for a minute of virtual time at most; then a failure of the test.
  void run_until(const std::function<bool()>& done) {
    const Instant end = now_ + seconds(60);
    while (!done()) {
      ASSERT_LT(now_, end) << "nothing came of it in a minute";
      turn();
    }
  }
  void run_for(Duration time) {
    for (const Instant end = now_ + time; now_ < end;) turn();
  }

  /// One frame in so many is lost; 0: none.
  std::uint32_t loss = 0;

  SocketId connect(std::uint16_t port, IpFamily family = IpFamily::kIp4) {
    TcpConnectOptions options;
    options.remote = {family == IpFamily::kIp4 ? IpAddress::v4(192, 168, 69, 1)
                                               : IpAddress::v6(0xfdaa, 0, 0, 0, 0, 0, 0, 1),
                      port};
    options.socket = client.stack.tcp_defaults();
    const Result<SocketId, Error> socket = client.stack.tcp_connect(options);
    EXPECT_TRUE(socket);
    return socket.value_or(SocketId{});
  }
  /// All of `text`, however often the send queue is full.
  void send(SocketId socket, std::string_view text) {
    run_until([&] {
      const Bytes data{reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
      text.remove_prefix(client.stack.write(socket, data).value_or(0));
      return text.empty();
    });
  }
  /// `octets` of them, or all until the end of the stream.
  std::string receive(SocketId socket, std::size_t octets) {
    std::string out;
    run_until([&] {
      std::vector<std::uint8_t> some(octets - out.size());
      some.resize(client.stack.read(socket, some));
      out.append(some.begin(), some.end());
      return out.size() == octets || client.stack.at_end(socket);
    });
    return out;
  }

 private:
  void turn() {
    const auto to_server = std::exchange(client.out, {});
    const auto to_client = std::exchange(server.out, {});
    now_ += milliseconds(1);
    server.receive(now_, survivors(to_server));
    client.receive(now_, survivors(to_client));
    server.stack.expire(now_, 1000);
    client.stack.expire(now_, 1000);
    if (const auto events = server.stack.events(); !events.empty()) {
      app->on_events(server.stack, events);
    }
    client.stack.events();
    server.stack.transmit(now_, 1000);
    client.stack.transmit(now_, 1000);
  }

  std::vector<std::vector<std::uint8_t>> survivors(
      const std::vector<std::vector<std::uint8_t>>& frames) {
    std::vector<std::vector<std::uint8_t>> out;
    for (const auto& frame : frames) {
      if (loss == 0 || ++frames_ % loss != 0) out.push_back(frame);
    }
    return out;
  }

  Instant now_{seconds(1000)};
  std::uint32_t frames_ = 0;

 public:
  testing::RecordingLog log;
  Host server;
  Host client;
  std::unique_ptr<dataplane::Application> app;
};

}  // namespace smol::apps
