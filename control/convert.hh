// Between the messages of the API and the values of the stack. What a client sends ends here: it
// is checked once, and what is wrong is named by its path in the request.
#pragma once

#include <string>
#include <string_view>

#include "control/error.hh"
#include "protocols/base/address.hh"
#include "protocols/base/bytes.hh"
#include "protocols/base/time.hh"
#include "protocols/tcp/info.hh"
#include "smol/v1/socket.pb.h"
#include "smol/v1/types.pb.h"

namespace google::protobuf {
class Duration;
class Timestamp;
}  // namespace google::protobuf

namespace smol::control {

// --- from requests. `field`: the path for messages. An absent message is refused as missing.

Parsed<IpAddress> parse(const v1::IpAddress& in, std::string_view field);
/// Host bits are kept.
Parsed<IpPrefix> parse(const v1::IpPrefix& in, std::string_view field);
/// The port may be 0. An address must be there.
Parsed<IpEndpoint> parse(const v1::Endpoint& in, std::string_view field);
Parsed<std::uint16_t> parse_port(std::uint32_t in, std::string_view field);
/// 6 octets, of a station: neither a group nor all zeros.
Parsed<MacAddress> parse_mac(std::string_view in, std::string_view field);
/// Not negative, and within [min, max].
Parsed<Duration> parse(const google::protobuf::Duration& in, std::string_view field, Duration min,
                       Duration max);

// --- to answers

void put(const IpAddress& in, v1::IpAddress& out);
void put(const IpPrefix& in, v1::IpPrefix& out);
void put(const IpEndpoint& in, v1::Endpoint& out);
void put(const MacAddress& in, std::string& out);
void put(Duration in, google::protobuf::Duration& out);
/// `unix_ns`: nanoseconds since 1970.
void put_time(std::int64_t unix_ns, google::protobuf::Timestamp& out);
v1::TcpState to_proto(tcp::State state) noexcept;
v1::TcpWaitsFor to_proto(tcp::WaitsFor what) noexcept;
void put(const tcp::Info& in, v1::TcpInfo& out);

/// The octets of a `bytes` field, lent.
inline Bytes bytes_of(std::string_view in) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(in.data()), in.size()};
}

/// The time of the machine's clock, in nanoseconds since 1970.
std::int64_t unix_now() noexcept;

}  // namespace smol::control
