#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "apps/connections.hh"
#include "apps/listeners.hh"
#include "dataplane/application.hh"

namespace smol::apps {

/// How a TCP service of one port is set up.
struct TcpServiceOptions {
  std::string_view name;  ///< a literal: the component of its log lines
  std::uint16_t port = 0;
  std::uint32_t connections = 65536;  ///< at once, on one worker; more are reset
};

/// The part that services of one TCP port share: listen, accept, find the connection of an event,
/// give up what is over. A service says what its connections do; T is the state of one.
template <class T>
class TcpService : public dataplane::Application {
 public:
  std::string start(Sockets& sockets, std::uint16_t owner) final {
    return listeners_.open_tcp(sockets, options_.port, owner,
                               socket_options(sockets.tcp_defaults()));
  }

  void on_events(Sockets& sockets, std::span<const SocketEvent> events) final {
    for (const SocketEvent& event : events) {
      if (event.socket.kind == SocketKind::kTcpListener) {
        accept_all(sockets, event.socket);
      } else if (T* connection = connections_.find(event)) {
        dispatch(sockets, *connection, event.events);
      }
    }
  }

  void drain(Sockets& sockets) final {
    draining_ = true;
    listeners_.close(sockets);
    connections_.for_each([&](T& connection) { on_drain(sockets, connection); });
  }

  /// How many connections are open: for tests and listings.
  std::uint32_t connections() const noexcept { return connections_.size(); }

 protected:
  TcpService(const TcpServiceOptions& options, dataplane::Log& log)
      : options_{options}, log_{log}, connections_{options.connections} {}

  /// What accepted connections inherit; `defaults` are the configured ones.
  virtual tcp::SocketOptions socket_options(const tcp::SocketOptions& defaults) const {
    return defaults;
  }
  /// A connection was accepted; on_ready() follows at once.
  virtual void on_accepted(Sockets&, T&) {}
  /// Something changed: read what is there, write what there is room for. Levels, not edges.
  virtual void on_ready(Sockets& sockets, T& connection) = 0;
  /// The deadline that the service had set has passed. False: the connection is finished; else
  /// on_ready() follows.
  virtual bool on_deadline(Sockets&, T&) { return true; }
  /// The connection is over and its socket still answers questions; `how` is absent if both sides
  /// had closed in order. finish() follows.
  virtual void on_over(Sockets&, T&, std::optional<Error>) {}
  /// The daemon shuts down: finish soon.
  virtual void on_drain(Sockets& sockets, T& connection) = 0;

  /// Closes the socket, gives the state back: `connection` is gone on return.
  void finish(Sockets& sockets, T& connection) noexcept {
    sockets.close(connection.socket);
    connections_.remove(connection);
  }
  /// The same with a RST.
  void abort(Sockets& sockets, T& connection) noexcept {
    sockets.abort(connection.socket);
    connections_.remove(connection);
  }

  bool draining() const noexcept { return draining_; }
  std::string_view name() const noexcept { return options_.name; }
  const TcpServiceOptions& options() const noexcept { return options_; }
  dataplane::Log& log() noexcept { return log_; }

 private:
  void accept_all(Sockets& sockets, SocketId listener) {
    while (const Result<SocketId, Error> socket = sockets.tcp_accept(listener)) {
      T* connection = connections_.add(sockets, *socket);
      if (connection == nullptr) {
        refuse(sockets, *socket);
        continue;
      }
      on_accepted(sockets, *connection);
      on_ready(sockets, *connection);  // data may have come before; what it writes leaves this turn
    }
  }

  void dispatch(Sockets& sockets, T& connection, std::uint16_t events) {
    if ((events & SocketEvents::kClosed) != 0) {
      on_over(sockets, connection, sockets.error(connection.socket));
      finish(sockets, connection);
      return;
    }
    if ((events & SocketEvents::kDeadline) != 0 && !on_deadline(sockets, connection)) return;
    on_ready(sockets, connection);
  }

  void refuse(Sockets& sockets, SocketId socket) {
    PeerText peer{sockets, socket};
    sockets.abort(socket);
    const Instant now = sockets.now();
    if (now < next_warning_) return;  // one line a second, however many are refused
    next_warning_ = now + seconds(1);
    Text<160> text;
    text.put(peer.view()).put(" refused: all ").dec(options_.connections);
    text.put(" connections of this worker are in use");
    log_.write(dataplane::LogLevel::kWarning, options_.name, text.view());
  }

  TcpServiceOptions options_;
  dataplane::Log& log_;
  Connections<T> connections_;
  Listeners listeners_;
  Instant next_warning_{};
  bool draining_ = false;
};

}  // namespace smol::apps
