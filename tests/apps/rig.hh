#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/fake_sockets.hh"

namespace smol::apps {

inline constexpr IpAddress kServer4 = IpAddress::v4(192, 168, 69, 1);
inline constexpr IpAddress kServer6 = IpAddress::v6(0xfdaa, 0, 0, 0, 0, 0, 0, 1);
inline constexpr IpEndpoint kClient4{IpAddress::v4(192, 168, 69, 100), 40000};
inline constexpr IpEndpoint kClient6{IpAddress::v6(0xfdaa, 0, 0, 0, 0, 0, 0, 0x100), 40000};

/// An application on fake sockets, run as a worker runs it.
template <class App, class AppConfig>
struct Rig {
  explicit Rig(const AppConfig& config = {}, const tcp::SocketOptions& defaults = {})
      : app{config, log} {
    sockets.defaults = defaults;
    const std::string refusal = app.start(sockets, kOwner);
    EXPECT_EQ(refusal, "");
  }

  static constexpr std::uint16_t kOwner = 3;

  /// Turns until nothing changes.
  void settle() {
    for (std::vector<SocketEvent> events = sockets.events(); !events.empty();
         events = sockets.events()) {
      app.on_events(sockets, events);
    }
  }
  /// A connection from the usual client, accepted.
  std::size_t connect(std::uint16_t port) {
    const std::size_t number = sockets.connect({kServer4, port}, kClient4);
    settle();
    return number;
  }
  void send(std::size_t number, std::string_view text) {
    sockets.send(number, text);
    settle();
  }
  void send_fin(std::size_t number) {
    sockets.send_fin(number);
    settle();
  }
  void advance(Duration by) {
    sockets.advance(by);
    settle();
  }
  /// All that the peer gets, reading on while the application writes on.
  std::string receive(std::size_t number, std::size_t limit = SIZE_MAX) {
    std::string all;
    for (std::string some = sockets.take(number, limit); !some.empty();
         some = sockets.take(number, limit - all.size())) {
      all += some;
      settle();
      if (all.size() >= limit) break;
    }
    return all;
  }
  testing::FakeSockets::Peer& peer(std::size_t number) { return sockets.peer(number); }

  testing::FakeSockets sockets;
  testing::RecordingLog log;
  App app;
};

}  // namespace smol::apps
