#include "tools/dump/printers.hh"

namespace smol::dump {
namespace {

constexpr std::uint8_t kSourceLink = 1;
constexpr std::uint8_t kTargetLink = 2;
constexpr std::uint8_t kPrefix = 3;
constexpr std::uint8_t kRedirected = 4;
constexpr std::uint8_t kMtu = 5;
constexpr std::uint8_t kInterval = 7;
constexpr std::uint8_t kHomeAgent = 8;
constexpr std::uint8_t kRoute = 24;
constexpr std::uint8_t kDnsServers = 25;
constexpr std::uint8_t kDnsSearch = 31;

constexpr Named kOptions[] = {
    {kSourceLink, "source link-address"},
    {kTargetLink, "destination link-address"},
    {kPrefix, "prefix info"},
    {kRedirected, "redirected header"},
    {kMtu, "mtu"},
    {kDnsServers, "rdnss"},
    {kDnsSearch, "dnssl"},
    {kInterval, "advertisement interval"},
    {kHomeAgent, "homeagent information"},
    {kRoute, "route info"},
};

constexpr Named kPrefixFlags[] = {{0x80, "onlink"}, {0x40, "auto"}, {0x20, "router"}};
constexpr const char* kPreferences[] = {"medium", "high", "rsv", "low"};

std::string lifetime(std::uint32_t seconds) {
  return seconds == 0xffff'ffff ? "infinity" : fmt::format("{}s", seconds);
}

void print_prefix(Printout& out, const Octets& option, std::size_t length) {
  out.put("{}/{}{}, Flags [{}], valid time {}", out.v6(option, 16), option.u8(2),
          length != 32 ? "badlen" : "", bit_names(kPrefixFlags, option.u8(3), ", "),
          lifetime(option.be32(4)));
  out.put(", pref. time {}", lifetime(option.be32(8)));
}

void print_dns_servers(Printout& out, const Octets& option, std::size_t length) {
  out.put(" lifetime {}s,", option.be32(4));
  for (std::size_t i = 0; i < (length / 8 - 1) / 2; ++i) {
    out.put(" addr: {}", out.v6(option, 8 + 16 * i));
  }
}

void print_dns_search(Printout& out, const Octets& option, std::size_t length) {
  out.put(" lifetime {}s, domain(s):", option.be32(4));
  for (std::size_t at = 8; at < length && option.u8(at) != 0;) {
    out.add(" ");
    at = print_domain_name(out, option, at);
    if (at == 0) throw Cut{true};
  }
}

/// RFC 4191: as much of the prefix as the option's length leaves room for.
void print_route(Printout& out, const Octets& option, std::size_t length) {
  option.need_first(8);
  if (length > 24) throw Cut{true};
  std::uint8_t prefix[16] = {};
  copy_bytes(prefix, option.bytes(8, length - 8));
  out.put(" {}/{}, pref={}, lifetime={}", out.names.v6(prefix), option.u8(2),
          kPreferences[option.u8(3) >> 3 & 3], lifetime(option.be32(4)));
}

/// False: this is the last option that is looked at.
bool print_body(Printout& out, const Octets& octets, const Octets& option, std::size_t length) {
  switch (option.u8(0)) {
    case kSourceLink:
    case kTargetLink:
      out.add(link_address_text(option.bytes(2, length - 2)));
      return true;
    case kPrefix:
      print_prefix(out, option, length);
      return true;
    case kRedirected:
      put_hex(out, "\n\t    ", octets.first(length).all());
      return true;
    case kMtu:
      out.put(" {}{}", option.be32(4), length != 8 ? "bad option length" : "");
      return true;
    case kDnsServers:
      print_dns_servers(out, option, length);
      return true;
    case kDnsSearch:
      print_dns_search(out, option, length);
      return true;
    case kInterval:
      out.put(" {}ms", option.be32(4));
      return true;
    case kHomeAgent:
      out.put(" preference {}, lifetime {}", option.be16(4), option.be16(6));
      return true;
    case kRoute:
      print_route(out, option, length);
      return true;
    default:
      if (out.verbose(2)) return true;
      put_hex(out, "\n\t  ", option.bytes(2, length - 2));
      return false;
  }
}

}  // namespace

void print_nd_options(Printout& out, const Octets& octets, std::size_t length) {
  // Where the message is shorter than its fixed part, `length` has wrapped: signed, it is negative.
  auto left = static_cast<std::int64_t>(length);
  for (std::size_t at = 0; at < octets.size();) {
    const Octets option = octets.from(at);
    if (left <= 0) return;
    option.need_first(2);
    const std::size_t option_length = option.u8(1) * 8u;
    if (option_length == 0 || option_length > option.size()) throw Cut{true};
    const char* name = name_of(kOptions, option.u8(0));
    out.put("\n\t  {} option ({}), length {} ({}): ", name != nullptr ? name : "unknown",
            option.u8(0), option_length, option.u8(1));
    if (!print_body(out, octets, option, option_length)) return;
    if (out.verbose(2)) put_hex(out, "\n\t    ", option.bytes(2, option_length - 2));
    at += option_length;
    left -= static_cast<std::int64_t>(option_length);
  }
}

}  // namespace smol::dump
