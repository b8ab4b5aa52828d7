#include "tools/dump/printers.hh"

namespace smol::dump {
namespace {

constexpr std::uint8_t kEchoReply = 0;
constexpr std::uint8_t kUnreachable = 3;
constexpr std::uint8_t kSourceQuench = 4;
constexpr std::uint8_t kRedirect = 5;
constexpr std::uint8_t kEcho = 8;
constexpr std::uint8_t kRouterAdvertisement = 9;
constexpr std::uint8_t kTimeExceeded = 11;
constexpr std::uint8_t kParameterProblem = 12;
constexpr std::uint8_t kTimestamp = 13;
constexpr std::uint8_t kTimestampReply = 14;
constexpr std::uint8_t kMaskReply = 18;
/// Where the packet that an error is about begins.
constexpr std::size_t kQuoted = 8;
/// Where RFC 4884's extensions begin: behind a quoted packet padded to 128 octets.
constexpr std::size_t kExtensions = 136;

constexpr Named kTypes[] = {
    {0, "echo reply"},           {4, "source quench"},       {8, "echo request"},
    {10, "router solicitation"}, {13, "time stamp request"}, {14, "time stamp reply"},
    {15, "information request"}, {16, "information reply"},  {17, "address mask request"},
};

/// What is before and behind the address in "host 192.0.2.1 unreachable".
struct Around {
  std::uint8_t code;
  const char* before;
  const char* behind;
};

constexpr Around kUnreachables[] = {
    {0, "net ", " unreachable"},
    {1, "host ", " unreachable"},
    {5, "", " unreachable - source route failed"},
    {6, "net ", " unreachable - unknown"},
    {7, "host ", " unreachable - unknown"},
    {8, "", " unreachable - source host isolated"},
    {9, "net ", " unreachable - admin prohibited"},
    {10, "host ", " unreachable - admin prohibited"},
    {11, "net ", " unreachable - tos prohibited"},
    {12, "host ", " unreachable - tos prohibited"},
    {13, "host ", " unreachable - admin prohibited filter"},
    {14, "host ", " unreachable - host precedence violation"},
    {15, "host ", " unreachable - precedence cutoff"},
};

bool is_error(std::uint8_t type) {
  return type == kUnreachable || type == kSourceQuench || type == kRedirect ||
         type == kTimeExceeded || type == kParameterProblem;
}

std::string port_unreachable(Printout& out, const Octets& octets) {
  octets.need_first(kQuoted + 10);
  const std::uint8_t protocol = octets.u8(kQuoted + 9);
  const std::size_t header = 4u * (octets.u8(kQuoted) & 0x0f);
  const std::uint16_t port = octets.be16(kQuoted + header + 2);
  const std::string host = out.v4(octets, kQuoted + 16);
  if (protocol == 6)
    return fmt::format("{} tcp port {} unreachable", host, out.names.tcp_port(port));
  if (protocol == 17) {
    return fmt::format("{} udp port {} unreachable", host, out.names.udp_port(port));
  }
  return fmt::format("{} protocol {} port {} unreachable", host, protocol, port);
}

std::string unreachable(Printout& out, const Octets& octets) {
  const std::uint8_t code = octets.u8(1);
  for (const Around& around : kUnreachables) {
    if (around.code == code) return around.before + out.v4(octets, kQuoted + 16) + around.behind;
  }
  if (code == 3) return port_unreachable(out, octets);
  const std::string host = out.v4(octets, kQuoted + 16);
  switch (code) {
    case 2:
      return fmt::format("{} protocol {} unreachable", host, octets.u8(kQuoted + 9));
    case 4:
      if (const std::uint16_t mtu = octets.be16(6)) {
        return fmt::format("{} unreachable - need to frag (mtu {})", host, mtu);
      }
      return host + " unreachable - need to frag";
    default:
      return fmt::format("{} unreachable - #{}", host, code);
  }
}

std::string redirect(Printout& out, const Octets& octets) {
  const std::string host = out.v4(octets, kQuoted + 16);
  const std::string gateway = out.v4(octets, 4);
  switch (const std::uint8_t code = octets.u8(1)) {
    case 0:
      return fmt::format("redirect {} to net {}", host, gateway);
    case 1:
      return fmt::format("redirect {} to host {}", host, gateway);
    case 2:
      return fmt::format("redirect-tos {} to net {}", host, gateway);
    case 3:
      return fmt::format("redirect-tos {} to host {}", host, gateway);
    default:
      return fmt::format("redirect-#{} {} to {}", code, host, gateway);
  }
}

/// RFC 1256.
std::string router_advertisement(Printout& out, const Octets& octets) {
  octets.need_first(8);
  std::string text = "router advertisement lifetime ";
  const unsigned seconds = octets.be16(6);
  if (seconds < 60) {
    text += fmt::format("{}", seconds);
  } else if (seconds < 3600) {
    text += fmt::format("{}:{:02}", seconds / 60, seconds % 60);
  } else {
    text += fmt::format("{}:{:02}:{:02}", seconds / 3600, seconds % 3600 / 60, seconds % 60);
  }
  const std::size_t count = octets.u8(4);
  text += fmt::format(" {}:", count);
  if (octets.u8(5) != 2) return text + fmt::format(" [size {}]", octets.u8(5));
  for (std::size_t i = 0; i < count; ++i) {
    octets.need_first(16 + 8 * i);
    text += fmt::format(" {{{} {}}}", out.v4(octets, 8 + 8 * i), octets.be32(12 + 8 * i));
  }
  return text;
}

std::string time_exceeded(const Octets& octets) {
  octets.need_first(kQuoted + 20);
  switch (const std::uint8_t code = octets.u8(1)) {
    case 0:
      return "time exceeded in-transit";
    case 1:
      return "ip reassembly time exceeded";
    default:
      return fmt::format("time exceeded-#{}", code);
  }
}

/// Milliseconds since midnight.
std::string time_of_day(std::uint32_t milliseconds) {
  const std::uint32_t seconds = milliseconds / 1000;
  return fmt::format("{:02}:{:02}:{:02}.{:03}", seconds / 3600, seconds / 60 % 60, seconds % 60,
                     milliseconds % 1000);
}

std::string described(Printout& out, const Octets& octets) {
  switch (const std::uint8_t type = octets.u8(0)) {
    case kEcho:
    case kEchoReply:
      return fmt::format("echo {}, id {}, seq {}", type == kEcho ? "request" : "reply",
                         octets.be16(4), octets.be16(6));
    case kUnreachable:
      return unreachable(out, octets);
    case kRedirect:
      return redirect(out, octets);
    case kRouterAdvertisement:
      return router_advertisement(out, octets);
    case kTimeExceeded:
      return time_exceeded(octets);
    case kParameterProblem:
      if (octets.u8(1) != 0) return fmt::format("parameter problem - code {}", octets.u8(1));
      return fmt::format("parameter problem - octet {}", octets.u8(4));
    case kMaskReply:
      return fmt::format("address mask is 0x{:08x}", octets.be32(8));
    case kTimestamp:
      return fmt::format("time stamp query id {} seq {}", octets.be16(4), octets.be16(6));
    case kTimestampReply:
      octets.need_first(20);
      return fmt::format("time stamp reply id {} seq {}: org {}, recv {}, xmit {}", octets.be16(4),
                         octets.be16(6), time_of_day(octets.be32(8)), time_of_day(octets.be32(12)),
                         time_of_day(octets.be32(16)));
    default: {
      const char* name = name_of(kTypes, type);
      return name != nullptr ? name : fmt::format("type-#{}", type);
    }
  }
}

void print_quoted(Printout& out, const Octets& octets) {
  const Octets quoted = octets.from(kQuoted);
  out.add("\n\t");
  const std::size_t total = quoted.be16(2);
  // A length that does not cover itself is not gone into.
  quoted.first(total).need(0, 4);
  // Behind the packet stands what RFC 4884 adds, which is none of it.
  try {
    print_ip4(out, quoted.first(total), total);
  } catch (const Cut& cut) {
    if (!cut.keeps_link_header) throw;
    out.truncated();
  }
}

}  // namespace

void print_icmp4(Printout& out, const Octets& octets, std::size_t length, const Carrier& carrier) {
  out.protocol = "icmp";
  const std::uint8_t type = octets.u8(0);
  octets.need(1, 1);
  const std::string text = described(out, octets);
  out.put("ICMP {}, length {}", text, length);
  if (out.verbose() && !carrier.fragment && octets.holds(0, length)) {
    const InternetSum sum = internet_sum(octets.bytes(0, length));
    if (!sum.verifies()) {
      const std::uint16_t field = octets.be16(2);
      out.put(" (wrong icmp cksum {:x} (->{:x})!)", field, checksum_should_be(field, sum));
    }
  }
  if (!out.verbose() || !is_error(type)) return;
  print_quoted(out, octets);
  const bool may_extend =
      type == kUnreachable || type == kTimeExceeded || type == kParameterProblem;
  if (!may_extend || length <= kExtensions) return;
  out.protocol = "icmp";
  print_icmp_extensions(out, octets.from(kExtensions), length - kExtensions, octets.u8(5) > 0);
}

}  // namespace smol::dump
