#include "tools/dump/names.hh"

#include <arpa/inet.h>
#include <array>
#include <cstring>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <fmt/format.h>

#include "protocols/base/check.hh"

namespace smol::dump {
namespace {

std::string text_of(int family, Bytes address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  SMOL_CHECK(address.size() == (family == AF_INET ? 4u : 16u));
  inet_ntop(family, address.data(), text.data(), text.size());
  return text.data();
}

/// The resolver's name of an address; empty: it has none.
std::string resolved(int family, Bytes address) {
  sockaddr_storage place{};
  socklen_t len = 0;
  if (family == AF_INET) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    std::memcpy(&in.sin_addr, address.data(), sizeof in.sin_addr);
    std::memcpy(&place, &in, len = sizeof in);
  } else {
    sockaddr_in6 in{};
    in.sin6_family = AF_INET6;
    std::memcpy(&in.sin6_addr, address.data(), sizeof in.sin6_addr);
    std::memcpy(&place, &in, len = sizeof in);
  }
  std::array<char, NI_MAXHOST> host{};
  // The interface of sockets: any sockaddr goes in as the general one.
  const int status = getnameinfo(reinterpret_cast<const sockaddr*>(&place), len, host.data(),
                                 host.size(), nullptr, 0, NI_NAMEREQD);
  return status == 0 ? host.data() : std::string{};
}

}  // namespace

std::string v4_text(Bytes address) {
  return text_of(AF_INET, address);
}

std::string v6_text(Bytes address) {
  return text_of(AF_INET6, address);
}

std::string link_address_text(Bytes address) {
  std::string out;
  for (const std::uint8_t octet : address) {
    if (!out.empty()) out += ':';
    fmt::format_to(std::back_inserter(out), "{:02x}", octet);
  }
  return out;
}

std::string Names::v4(Bytes address) {
  return look_up_ ? address_name(AF_INET, address) : v4_text(address);
}

std::string Names::v6(Bytes address) {
  return look_up_ ? address_name(AF_INET6, address) : v6_text(address);
}

std::string Names::address_name(int family, Bytes address) {
  const std::string number = text_of(family, address);
  const auto found = known_.find(number);
  if (found != known_.end()) return found->second;
  std::string name = resolved(family, address);
  if (name.empty()) name = number;
  if (known_.size() >= kMostRemembered) known_.clear();
  known_.emplace(number, name);
  return name;
}

std::string Names::port_name(std::uint16_t port, const char* transport) {
  const std::string number = std::to_string(port);
  if (!look_up_) return number;
  const std::string key = number + "/" + transport;
  const auto found = known_.find(key);
  if (found != known_.end()) return found->second;
  const servent* service = getservbyport(htons(port), transport);
  std::string name = service != nullptr ? service->s_name : number;
  if (known_.size() >= kMostRemembered) known_.clear();
  known_.emplace(key, name);
  return name;
}

std::optional<std::string> Names::protocol(std::uint8_t number) const {
  if (!look_up_) return std::nullopt;
  const protoent* protocol = getprotobynumber(number);
  if (protocol == nullptr) return std::nullopt;
  return protocol->p_name;
}

}  // namespace smol::dump
