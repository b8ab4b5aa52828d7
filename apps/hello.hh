#pragma once

#include <cstdint>

#include "apps/listeners.hh"
#include "dataplane/application.hh"

namespace smol::apps {

struct HelloConfig {
  bool enabled = false;
  std::uint16_t udp_port = 6969;
  std::uint16_t tcp_port = 6969;
};

/// Answers every UDP datagram with "hello\n"; greets every TCP connection with the same and closes
/// it.
class Hello final : public dataplane::Application {
 public:
  Hello(const HelloConfig& config, dataplane::Log& log) : config_{config}, log_{log} {}

  std::string start(Sockets& sockets, std::uint16_t owner) override;
  void on_events(Sockets& sockets, std::span<const SocketEvent> events) override;
  void drain(Sockets& sockets) override;

 private:
  void answer_datagrams(Sockets& sockets, SocketId socket);
  void greet_connections(Sockets& sockets, SocketId listener);
  void greet(Sockets& sockets, SocketId socket);
  void await_end(Sockets& sockets, SocketId socket, std::uint16_t events);

  HelloConfig config_;
  dataplane::Log& log_;
  Listeners listeners_;
};

}  // namespace smol::apps
