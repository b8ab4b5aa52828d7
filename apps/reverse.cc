#include "apps/reverse.hh"

#include <algorithm>

namespace smol::apps {

Reverse::Reverse(const ReverseConfig& config, dataplane::Log& log)
    : TcpService{{.name = "reverse", .port = config.port}, log} {}

void Reverse::on_accepted(Sockets& sockets, ReverseConnection& connection) {
  connection.peer = sockets.remote_endpoint(connection.socket).value_or(IpEndpoint{});
  report(connection, "connected");
}

void Reverse::on_ready(Sockets& sockets, ReverseConnection& connection) {
  for (;;) {
    const Bytes data = sockets.readable(connection.socket);
    if (data.empty()) break;
    if (connection.chunk == 0) {
      connection.chunk = static_cast<std::uint32_t>(std::min(data.size(), kMaxChunk));
      connection.sent = 0;
    }
    SMOL_CHECK(connection.chunk <= data.size());  // what was shown once stays in one piece
    const Bytes reversed = answer(data.first(connection.chunk));
    const Result<std::size_t, Error> written =
        sockets.write(connection.socket, reversed.subspan(connection.sent));
    if (!written) return;  // the connection is ending: on_over() follows
    connection.sent += static_cast<std::uint32_t>(*written);
    if (connection.sent < reversed.size()) return;  // kWritable follows
    sockets.consume(connection.socket, connection.chunk);
    connection.chunk = 0;
  }
  if (draining() || sockets.at_end(connection.socket)) disconnect(sockets, connection);
}

void Reverse::on_over(Sockets&, ReverseConnection& connection, std::optional<Error> how) {
  report(connection, how ? sentence(*how) : "disconnected");
}

void Reverse::on_drain(Sockets& sockets, ReverseConnection& connection) {
  on_ready(sockets, connection);
}

/// The answer to a chunk, in scratch_. Precondition: at most kMaxChunk octets.
Bytes Reverse::answer(Bytes chunk) noexcept {
  if (!chunk.empty() && chunk.back() == '\n') chunk = chunk.first(chunk.size() - 1);
  std::reverse_copy(chunk.begin(), chunk.end(), scratch_.begin());
  scratch_[chunk.size()] = '\n';
  return Bytes{scratch_}.first(chunk.size() + 1);
}

void Reverse::disconnect(Sockets& sockets, ReverseConnection& connection) {
  report(connection, "disconnected");
  finish(sockets, connection);
}

void Reverse::report(const ReverseConnection& connection, std::string_view what) {
  if (!log().wants(dataplane::LogLevel::kDebug)) return;
  Text<160> text;
  connection.peer.print(text);
  text.put(' ').put(what);
  log().write(dataplane::LogLevel::kDebug, name(), text.view());
}

}  // namespace smol::apps
