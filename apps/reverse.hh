#pragma once

#include <array>
#include <cstdint>

#include "apps/tcp_service.hh"

namespace smol::apps {

struct ReverseConfig {
  bool enabled = false;
  std::uint16_t port = 6970;
};

struct ReverseConnection : ConnectionBase {
  IpEndpoint peer;
  std::uint32_t chunk = 0;  ///< octets of the chunk being answered; 0: none
  std::uint32_t sent = 0;   ///< octets of its answer that are in the send queue
};

/// Sends each chunk back in reverse: a final newline is taken off first and put on again, so that
/// lines stay lines. A chunk is what lies in one piece when it is looked at, so it is a line when
/// the peer sends lines. It stays unread until its whole answer is in the send queue: a peer that
/// does not read is soon not read from either.
class Reverse final : public TcpService<ReverseConnection> {
 public:
  Reverse(const ReverseConfig& config, dataplane::Log& log);

 private:
  static constexpr std::size_t kMaxChunk = 65536;

  void on_accepted(Sockets& sockets, ReverseConnection& connection) override;
  void on_ready(Sockets& sockets, ReverseConnection& connection) override;
  void on_over(Sockets& sockets, ReverseConnection& connection, std::optional<Error> how) override;
  void on_drain(Sockets& sockets, ReverseConnection& connection) override;

  Bytes answer(Bytes chunk) noexcept;
  void disconnect(Sockets& sockets, ReverseConnection& connection);
  void report(const ReverseConnection& connection, std::string_view what);

  std::array<std::uint8_t, kMaxChunk + 1> scratch_;
};

}  // namespace smol::apps
