#include "control/convert.hh"

#include <ctime>

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include "control/codec.hh"

namespace smol::control {
namespace {

constexpr std::int64_t kNanosASecond = 1'000'000'000;

std::string below(std::string_view field, std::string_view name) {
  return std::string{field} + "." + std::string{name};
}

}  // namespace

Parsed<IpAddress> parse(const v1::IpAddress& in, std::string_view field) {
  switch (in.address_case()) {
    case v1::IpAddress::kV4:
      return IpAddress::v4(in.v4());
    case v1::IpAddress::kV6: {
      const std::string& octets = in.v6();
      if (octets.size() != 16) {
        return invalid(below(field, "v6"),
                       std::to_string(octets.size()) + " octets; an IPv6 address has 16");
      }
      const auto address = IpAddress::v6(bytes_of(octets));
      if (address.is_v4()) {
        return invalid(below(field, "v6"),
                       "an IPv4-mapped address: say " + printed(address) + " in v4");
      }
      return address;
    }
    case v1::IpAddress::ADDRESS_NOT_SET:
      break;
  }
  return invalid(field, "an address is missing");
}

Parsed<IpPrefix> parse(const v1::IpPrefix& in, std::string_view field) {
  const auto address = parse(in.address(), below(field, "address"));
  if (!address) return fail(address.error());
  const unsigned max = IpPrefix::max_length(address->family());
  if (in.length() > max) {
    return invalid(below(field, "length"),
                   std::to_string(in.length()) + " is too long: at most " + std::to_string(max));
  }
  return IpPrefix{*address, in.length()};
}

Parsed<std::uint16_t> parse_port(std::uint32_t in, std::string_view field) {
  if (in > 65'535) {
    return invalid(field, std::to_string(in) + " is no port: 0 to 65535");
  }
  return static_cast<std::uint16_t>(in);
}

Parsed<IpEndpoint> parse(const v1::Endpoint& in, std::string_view field) {
  const auto address = parse(in.address(), below(field, "address"));
  if (!address) return fail(address.error());
  const auto port = parse_port(in.port(), below(field, "port"));
  if (!port) return fail(port.error());
  return IpEndpoint{*address, *port};
}

Parsed<MacAddress> parse_mac(std::string_view in, std::string_view field) {
  if (in.size() != 6) {
    return invalid(field, std::to_string(in.size()) + " octets; a MAC address has 6");
  }
  const MacAddress mac = MacAddress::from(bytes_of(in));
  if (mac.is_zero()) return invalid(field, "all zeros are no station's address");
  if (mac.is_group()) return invalid(field, printed(mac) + " is a group's address");
  return mac;
}

Parsed<Duration> parse(const google::protobuf::Duration& in, std::string_view field, Duration min,
                       Duration max) {
  const bool mixed = in.seconds() < 0 || in.nanos() < 0 || in.nanos() >= kNanosASecond;
  if (mixed || in.seconds() > max / seconds(1)) {
    return invalid(field, "is out of range: " + duration(min, max).form);
  }
  const Duration value = seconds(in.seconds()) + nanoseconds(in.nanos());
  if (value < min || value > max) {
    return invalid(field, "is out of range: " + duration(min, max).form);
  }
  return value;
}

void put(const IpAddress& in, v1::IpAddress& out) {
  if (in.is_v4()) {
    out.set_v4(in.v4_value());
  } else {
    out.set_v6(in.octets().data(), in.octets().size());
  }
}

void put(const IpPrefix& in, v1::IpPrefix& out) {
  put(in.address(), *out.mutable_address());
  out.set_length(in.length());
}

void put(const IpEndpoint& in, v1::Endpoint& out) {
  put(in.address, *out.mutable_address());
  out.set_port(in.port);
}

void put(const MacAddress& in, std::string& out) {
  out.assign(in.octets.begin(), in.octets.end());
}

void put(Duration in, google::protobuf::Duration& out) {
  out.set_seconds(in.count() / kNanosASecond);
  out.set_nanos(static_cast<std::int32_t>(in.count() % kNanosASecond));
}

void put_time(std::int64_t unix_ns, google::protobuf::Timestamp& out) {
  out.set_seconds(unix_ns / kNanosASecond);
  out.set_nanos(static_cast<std::int32_t>(unix_ns % kNanosASecond));
}

std::int64_t unix_now() noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return std::int64_t{now.tv_sec} * kNanosASecond + now.tv_nsec;
}

}  // namespace smol::control
