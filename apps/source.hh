#pragma once

#include <cstdint>

#include "apps/tcp_service.hh"

namespace smol::apps {

struct SourceConfig {
  bool enabled = false;
  std::uint16_t port = 6972;
};

struct SourceConnection : ConnectionBase {
  std::uint64_t position = 0;  ///< octets written so far
};

/// Sends without end: octet i of the stream is i mod 251, a prime, so that a lost, doubled or
/// shifted packet cannot look right. What the peer sends is thrown away; its FIN ends the
/// connection.
class Source final : public TcpService<SourceConnection> {
 public:
  Source(const SourceConfig& config, dataplane::Log& log);

 private:
  void on_ready(Sockets& sockets, SourceConnection& connection) override;
  void on_drain(Sockets& sockets, SourceConnection& connection) override;

  void fill(Sockets& sockets, SourceConnection& connection) noexcept;
};

}  // namespace smol::apps
