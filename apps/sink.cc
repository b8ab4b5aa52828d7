#include "apps/sink.hh"

#include "apps/crc32c.hh"

namespace smol::apps {

Sink::Sink(const SinkConfig& config, dataplane::Log& log)
    : TcpService{{.name = "sink", .port = config.port}, log}, config_{config} {}

tcp::SocketOptions Sink::socket_options(const tcp::SocketOptions& defaults) const {
  tcp::SocketOptions options = defaults;
  options.keep_alive = config_.keep_alive;
  if (config_.keep_alive > Duration::zero()) options.keep_alive_interval = config_.keep_alive;
  options.user_timeout = config_.user_timeout;
  return options;
}

void Sink::on_accepted(Sockets& sockets, SinkConnection& connection) {
  connection.peer = sockets.remote_endpoint(connection.socket).value_or(IpEndpoint{});
}

void Sink::on_ready(Sockets& sockets, SinkConnection& connection) {
  take_all(sockets, connection);
  if (!sockets.at_end(connection.socket)) return;
  on_over(sockets, connection, sockets.error(connection.socket));
  finish(sockets, connection);
}

void Sink::on_over(Sockets& sockets, SinkConnection& connection, std::optional<Error> how) {
  take_all(sockets, connection);
  report(connection, how ? sentence(*how) : std::string_view{});
}

void Sink::on_drain(Sockets& sockets, SinkConnection& connection) {
  take_all(sockets, connection);
  report(connection, "shutting down");
  finish(sockets, connection);
}

void Sink::take_all(Sockets& sockets, SinkConnection& connection) noexcept {
  for (;;) {
    const Bytes data = sockets.readable(connection.socket);
    if (data.empty()) return;
    if (config_.checksum) connection.crc = crc32c(connection.crc, data);
    connection.octets += data.size();
    sockets.consume(connection.socket, data.size());
  }
}

/// `why`: empty when the peer closed in order.
void Sink::report(const SinkConnection& connection, std::string_view why) {
  if (!log().wants(dataplane::LogLevel::kInfo)) return;
  Text<256> text;
  connection.peer.print(text);
  text.put(" closed: ").dec(connection.octets).put(" octets");
  if (config_.checksum) text.put(", crc32c 0x").hex(connection.crc, 8);
  if (!why.empty()) text.put(" (").put(why).put(')');
  log().write(dataplane::LogLevel::kInfo, name(), text.view());
}

}  // namespace smol::apps
