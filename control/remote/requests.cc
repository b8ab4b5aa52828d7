#include "control/remote/requests.hh"

#include <algorithm>
#include <string>

#include <google/protobuf/duration.pb.h>

namespace smol::control {
namespace {

constexpr Duration kLongest = seconds(std::int64_t{100} * 366 * 86'400);

std::string path(std::string_view field, std::string_view name) {
  return std::string{field} + "." + std::string{name};
}

}  // namespace

Parsed<IpEndpoint> parse_local(const v1::Endpoint& in, std::string_view field, IpFamily family) {
  if (in.has_address()) return parse(in, field);
  const auto port = parse_port(in.port(), path(field, "port"));
  if (!port) return fail(port.error());
  return IpEndpoint{IpAddress::any(family), *port};
}

Parsed<std::optional<InterfaceId>> parse_interface(const dataplane::Daemon& daemon,
                                                   std::string_view name, std::string_view field) {
  if (name.empty()) return std::optional<InterfaceId>{};
  const auto& all = daemon.interfaces();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.name == name; });
  if (found == all.end()) {
    return fail(Refusal{Error::kNoDevice, std::string{field},
                        "there is no interface '" + std::string{name} + "'"});
  }
  return std::optional{static_cast<InterfaceId>(found - all.begin())};
}

Parsed<tcp::SocketOptions> parse_options(const dataplane::Daemon& daemon, const v1::TcpOptions& in,
                                         std::string_view field) {
  tcp::SocketOptions out = daemon.tcp_defaults();
  if (in.has_nodelay()) out.nagle = !in.nodelay();
  if (in.has_keep_alive()) {
    const auto parsed = parse(in.keep_alive(), path(field, "keep_alive"), Duration{}, kLongest);
    if (!parsed) return fail(parsed.error());
    out.keep_alive = *parsed;
  }
  if (in.has_user_timeout()) {
    const auto parsed = parse(in.user_timeout(), path(field, "user_timeout"), Duration{}, kLongest);
    if (!parsed) return fail(parsed.error());
    out.user_timeout = *parsed;
  }
  constexpr std::uint32_t kLeast = 4096;
  constexpr std::uint32_t kMost = 1 << 30;
  const auto is_buffer = [](std::uint32_t octets) { return octets >= kLeast && octets <= kMost; };
  if (in.has_send_buffer()) {
    if (!is_buffer(in.send_buffer()))
      return invalid(path(field, "send_buffer"), "must be 4 KiB to 1 GiB");
    out.send_buffer = in.send_buffer();
  }
  if (in.has_receive_buffer()) {
    if (!is_buffer(in.receive_buffer())) {
      return invalid(path(field, "receive_buffer"), "must be 4 KiB to 1 GiB");
    }
    out.receive_buffer = in.receive_buffer();
  }
  return out;
}

grpc::Status failed(std::string_view what, Error error) {
  // Nobody else says so: the worker has ended, and cancelled what was under way.
  if (error == Error::kNotConnected) return stopping();
  return to_status(Refusal{error, {}, std::string{what} + ": " + std::string{sentence(error)}});
}

}  // namespace smol::control
