#include <optional>

#include "tools/dump/printers.hh"

namespace smol::dump {
namespace {

constexpr std::uint8_t kUnreachable = 1;
constexpr std::uint8_t kTooBig = 2;
constexpr std::uint8_t kTimeExceeded = 3;
constexpr std::uint8_t kParameterProblem = 4;
constexpr std::uint8_t kEcho = 128;
constexpr std::uint8_t kEchoReply = 129;
constexpr std::uint8_t kListenerQuery = 130;
constexpr std::uint8_t kListenerReport = 131;
constexpr std::uint8_t kListenerDone = 132;
constexpr std::uint8_t kRouterSolicitation = 133;
constexpr std::uint8_t kRouterAdvertisement = 134;
constexpr std::uint8_t kNeighborSolicitation = 135;
constexpr std::uint8_t kNeighborAdvertisement = 136;
constexpr std::uint8_t kRedirect = 137;
constexpr std::uint8_t kListenerReport2 = 143;
/// Where the packet that an error is about begins.
constexpr std::size_t kQuoted = 8;

constexpr Named kTypes[] = {
    {1, "destination unreachable"},
    {2, "packet too big"},
    {3, "time exceeded in-transit"},
    {4, "parameter problem"},
    {128, "echo request"},
    {129, "echo reply"},
    {130, "multicast listener query"},
    {131, "multicast listener report"},
    {132, "multicast listener done"},
    {133, "router solicitation"},
    {134, "router advertisement"},
    {135, "neighbor solicitation"},
    {136, "neighbor advertisement"},
    {137, "redirect"},
    {138, "router renumbering"},
    {139, "who-are-you request"},
    {140, "who-are-you reply"},
    {141, "inverse neighbor solicitation"},
    {142, "inverse neighbor advertisement"},
    {143, "multicast listener report v2"},
    {144, "ha discovery request"},
    {145, "ha discovery reply"},
    {146, "mobile router solicitation"},
    {147, "mobile router advertisement"},
    {155, "RPL"},
    {200, "mtrace response"},
    {201, "mtrace message"},
};

constexpr Named kUnreachables[] = {
    {0, "unreachable route"},   {1, " unreachable prohibited"}, {2, "beyond scope"},
    {3, "unreachable address"}, {4, "unreachable port"},
};

constexpr Named kRouterFlags[] = {
    {0x80, "managed"},
    {0x40, "other stateful"},
    {0x20, "home agent"},
    {0x02, "ipv6 only"},
};

constexpr Named kAdvertisementFlags[] = {
    {0x8000'0000, "router"},
    {0x4000'0000, "solicited"},
    {0x2000'0000, "override"},
};

constexpr const char* kPreferences[] = {"medium", "high", "rsv", "low"};

/// With -v these tell their length before what they say.
bool tells_length_first(std::uint8_t type) {
  return (type >= kRouterSolicitation && type <= kRedirect) || type == 145 || type == 147;
}

struct Upper {
  std::uint8_t protocol = 0;
  std::uint16_t destination_port = 0;
};

/// The transport header of the quoted packet, past its extension headers.
std::optional<Upper> upper_layer(const Octets& quoted) {
  if (!quoted.holds(6, 1)) return std::nullopt;
  std::uint8_t next = quoted.u8(6);
  std::size_t at = 40;
  while (at < quoted.size()) {
    switch (next) {
      case 6:
      case 17:
        if (!quoted.holds(at + 2, 2)) return std::nullopt;
        return Upper{next, quoted.be16(at + 2)};
      case 0:
      case 43:
      case 60:
        if (!quoted.holds(at, 2)) return std::nullopt;
        next = quoted.u8(at);
        at += (quoted.u8(at + 1) + 1u) * 8u;
        break;
      case 44:
        if (!quoted.holds(at, 4) || (quoted.be16(at + 2) & 0xfff8) != 0) return std::nullopt;
        next = quoted.u8(at);
        at += 8;
        break;
      case 51:
        if (!quoted.holds(at, 2)) return std::nullopt;
        next = quoted.u8(at);
        at += (quoted.u8(at + 1) + 2u) * 4u;
        break;
      default:
        return std::nullopt;
    }
  }
  return std::nullopt;
}

/// False: nothing more is said of the message.
bool print_unreachable(Printout& out, const Octets& octets, std::size_t length) {
  const std::uint8_t code = octets.u8(1);
  const char* name = name_of(kUnreachables, code);
  out.put(", {}", name != nullptr ? name : fmt::format("unknown unreach code ({})", code));
  const auto host = [&] { return out.v6(octets, kQuoted + 24); };
  switch (code) {
    case 0:
    case 1:
    case 3:
      out.put(" {}", host());
      return true;
    case 2:
      out.put(" {}, source address {}", host(), out.v6(octets, kQuoted + 8));
      return true;
    case 4: {
      const auto upper = upper_layer(octets.from(kQuoted));
      if (!upper) throw Cut{true};
      const std::uint16_t port = upper->destination_port;
      if (upper->protocol == 6) {
        out.put(", {} tcp port {}", host(), out.names.tcp_port(port));
      } else {
        out.put(", {} udp port {}", host(), out.names.udp_port(port));
      }
      return true;
    }
    default:
      if (out.verbose(2)) return true;
      put_hex(out, "\n\t", octets.first(length).all());
      return false;
  }
}

void print_parameter_problem(Printout& out, const Octets& octets) {
  octets.need_first(kQuoted + 40);
  static constexpr Named kCodes[] = {
      {0, "erroneous"}, {1, "next header"}, {2, "option"}, {3, "incomplete header chain"}};
  const std::uint8_t code = octets.u8(1);
  if (const char* name = name_of(kCodes, code)) {
    out.put(", {} - octet {}", name, octets.be32(4));
  } else {
    out.put(", code-#{}", code);
  }
}

void print_time_exceeded(Printout& out, const Octets& octets) {
  switch (const std::uint8_t code = octets.u8(1)) {
    case 0:
      out.put(" for {}", out.v6(octets, kQuoted + 24));
      break;
    case 1:
      out.add(" (reassembly)");
      break;
    default:
      out.put(", unknown code ({})", code);
  }
}

void print_router_advertisement(Printout& out, const Octets& octets, std::size_t length) {
  if (!out.verbose()) return;
  octets.need(0, 16);
  const std::uint8_t flags = octets.u8(5);
  out.put(
      "\n\thop limit {}, Flags [{}], pref {}, router lifetime {}s, reachable time {}ms, "
      "retrans timer {}ms",
      octets.u8(4), bit_names(kRouterFlags, flags, ", "), kPreferences[flags >> 3 & 3],
      octets.be16(6), octets.be32(8), octets.be32(12));
  print_nd_options(out, octets.from(16), length - 16);
}

void print_neighbor(Printout& out, const Octets& octets, std::size_t length) {
  const bool solicitation = octets.u8(0) == kNeighborSolicitation;
  out.put(", {} {}", solicitation ? "who has" : "tgt is", out.v6(octets, 8));
  if (!out.verbose()) return;
  if (!solicitation) {
    out.put(", Flags [{}]", bit_names(kAdvertisementFlags, octets.be32(4), ", "));
  }
  print_nd_options(out, octets.from(24), length - 24);
}

void print_redirect(Printout& out, const Octets& octets, std::size_t length) {
  out.put(", {}", out.v6(octets, 24));
  out.put(" to {}", out.v6(octets, 8));
  if (out.verbose()) print_nd_options(out, octets.from(40), length - 40);
}

void print_listener_query(Printout& out, const Octets& octets, std::size_t length) {
  if (length == 24) {
    print_mld1(out, octets);
  } else if (length >= 28) {
    out.add(" v2");
    print_mld_query(out, octets, length);
  } else {
    out.put(" unknown-version (len {}) ", length);
  }
}

/// False: nothing more is said of the message.
bool print_body(Printout& out, std::uint8_t type, const Octets& octets, std::size_t length) {
  switch (type) {
    case kUnreachable:
      return print_unreachable(out, octets, length);
    case kTooBig:
      out.put(", mtu {}", octets.be32(4));
      return true;
    case kTimeExceeded:
      print_time_exceeded(out, octets);
      return true;
    case kParameterProblem:
      print_parameter_problem(out, octets);
      return true;
    case kEcho:
    case kEchoReply:
      out.put(", id {}, seq {}", octets.be16(4), octets.be16(6));
      return true;
    case kListenerQuery:
      print_listener_query(out, octets, length);
      return true;
    case kListenerReport:
    case kListenerDone:
      print_mld1(out, octets);
      return true;
    case kListenerReport2:
      print_mld_report(out, octets, length);
      return true;
    case kRouterSolicitation:
      if (out.verbose()) print_nd_options(out, octets.from(8), length - 8);
      return true;
    case kRouterAdvertisement:
      print_router_advertisement(out, octets, length);
      return true;
    case kNeighborSolicitation:
    case kNeighborAdvertisement:
      print_neighbor(out, octets, length);
      return true;
    case kRedirect:
      print_redirect(out, octets, length);
      return true;
    case 138:
    case 139:
    case 140:
    case 141:
    case 142:
    case 144:
    case 145:
    case 146:
    case 147:
    case 155:
      return true;
    default:
      out.put(", length {}", length);
      if (!out.verbose(2)) put_hex(out, "\n\t", octets.first(length).all());
      return false;
  }
}

}  // namespace

void print_icmp6(Printout& out, const Octets& octets, std::size_t length, const Carrier& carrier) {
  out.protocol = "icmp6";
  if (length == 0) {
    out.add("ICMP6, length 0");
    out.invalid();
    return;
  }
  const std::uint8_t type = octets.u8(0);
  if (out.verbose() && !carrier.fragment && octets.holds(0, length)) {
    const std::uint16_t field = octets.be16(2);
    const auto [right, shouldbe] = carrier.verify(octets, length, 58, field);
    if (right) {
      out.add("[icmp6 sum ok] ");
    } else {
      out.put("[bad icmp6 cksum 0x{:04x} -> 0x{:04x}!] ", field, shouldbe);
    }
  }
  const char* name = name_of(kTypes, type);
  out.put("ICMP6, {}", name != nullptr ? name : fmt::format("unknown icmp6 type ({})", type));
  if (out.verbose() && tells_length_first(type)) out.put(", length {}", length);
  octets.need(1, 1);
  if (print_body(out, type, octets, length) && !out.verbose()) out.put(", length {}", length);
}

}  // namespace smol::dump
