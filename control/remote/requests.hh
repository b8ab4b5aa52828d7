// What the requests of all kinds of remote sockets share.
#pragma once

#include <optional>
#include <string_view>

#include "control/convert.hh"
#include "dataplane/daemon.hh"
#include "smol/v1/tcp.pb.h"

namespace smol::control {

/// A local endpoint: an absent address is the unspecified one of `family`.
Parsed<IpEndpoint> parse_local(const v1::Endpoint& in, std::string_view field, IpFamily family);
/// By its name; none if that is empty.
Parsed<std::optional<InterfaceId>> parse_interface(const dataplane::Daemon& daemon,
                                                   std::string_view name, std::string_view field);
/// `base`, but for what `in` has.
Parsed<tcp::SocketOptions> parse_options(const tcp::SocketOptions& base, const v1::TcpOptions& in,
                                         std::string_view field);

/// "what: the error's words".
grpc::Status failed(std::string_view what, Error error);

}  // namespace smol::control
