#pragma once

#include <cstdint>

#include "apps/tcp_service.hh"

namespace smol::apps {

struct SinkConfig {
  bool enabled = false;
  std::uint16_t port = 6971;
  Duration keep_alive = seconds(1);  ///< probe an idle connection this often; zero: never
  Duration user_timeout =
      seconds(2);        ///< give a silent peer up after this; zero: the stack's default
  bool checksum = true;  ///< CRC-32C of what is received; costs 0.1 ns an octet
};

struct SinkConnection : ConnectionBase {
  IpEndpoint peer;
  std::uint64_t octets = 0;
  std::uint32_t crc = 0;
};

/// Discards what it receives. When a connection ends, one line says from whom, how much and with
/// which CRC-32C: "192.168.69.100:40000 closed: 1073741824 octets, crc32c 0x1234abcd".
class Sink final : public TcpService<SinkConnection> {
 public:
  Sink(const SinkConfig& config, dataplane::Log& log);

 private:
  tcp::SocketOptions socket_options(const tcp::SocketOptions& defaults) const override;
  void on_accepted(Sockets& sockets, SinkConnection& connection) override;
  void on_ready(Sockets& sockets, SinkConnection& connection) override;
  void on_over(Sockets& sockets, SinkConnection& connection, std::optional<Error> how) override;
  void on_drain(Sockets& sockets, SinkConnection& connection) override;

  void take_all(Sockets& sockets, SinkConnection& connection) noexcept;
  void report(const SinkConnection& connection, std::string_view why);

  SinkConfig config_;
};

}  // namespace smol::apps
