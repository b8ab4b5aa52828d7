#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

#include "protocols/base/bytes.hh"

namespace smol::dump {

/// Addresses, ports and protocol numbers as text: numbers, or the names that this machine's
/// resolver and /etc/services have for them. A look-up may ask a name server and wait for it; each
/// is done once. At most kMostRemembered names are kept. Thread: one.
class Names {
 public:
  static constexpr std::size_t kMostRemembered = 65536;

  /// `look_up` false: numbers only (-n), and nothing is ever asked.
  explicit Names(bool look_up) noexcept : look_up_{look_up} {}

  /// `address`: 4 octets.
  std::string v4(Bytes address);
  /// `address`: 16 octets.
  std::string v6(Bytes address);
  std::string tcp_port(std::uint16_t port) { return port_name(port, "tcp"); }
  std::string udp_port(std::uint16_t port) { return port_name(port, "udp"); }
  /// The IP protocol's name; nothing with numbers only, or when it has none.
  std::optional<std::string> protocol(std::uint8_t number) const;

 private:
  std::string address_name(int family, Bytes address);
  std::string port_name(std::uint16_t port, const char* transport);

  bool look_up_;
  std::unordered_map<std::string, std::string> known_;
};

/// Dotted quad. `address`: 4 octets.
std::string v4_text(Bytes address);
/// As inet_ntop(3) writes it, mapped and compatible IPv4 addresses in dotted form. `address`: 16
/// octets.
std::string v6_text(Bytes address);
/// "02:00:00:00:00:01", of any length.
std::string link_address_text(Bytes address);

}  // namespace smol::dump
