#include "tools/dump/printers.hh"

namespace smol::dump {
namespace {

constexpr std::uint8_t kEnd = 0;
constexpr std::uint8_t kNop = 1;
constexpr std::uint8_t kRecordRoute = 7;
constexpr std::uint8_t kTimestamp = 68;
constexpr std::uint8_t kLooseRoute = 131;
constexpr std::uint8_t kStrictRoute = 137;
constexpr std::uint8_t kRouterAlert = 148;

constexpr Named kOptions[] = {
    {kEnd, "EOL"},         {kNop, "NOP"},        {kTimestamp, "timestamp"},
    {130, "security"},     {kRecordRoute, "RR"}, {kStrictRoute, "SSRR"},
    {kLooseRoute, "LSRR"}, {kRouterAlert, "RA"}, {82, "traceroute"},
};

/// RFC 791: the addresses of a route, those behind the pointer not yet filled in.
void print_route(Printout& out, const Octets& option, std::size_t length) {
  if (length < 3) {
    out.put(" [bad length {}]", length);
    return;
  }
  if ((length + 1) % 4 != 0) out.put(" [bad length {}]", length);
  const std::uint32_t pointer = option.u8(2) - 1u;  // zero wraps, and is bad
  if (pointer < 3 || (pointer + 1) % 4 != 0 || pointer > length + 1) {
    out.put(" [bad ptr {}]", option.u8(2));
  }
  for (std::size_t at = 3; at < length; at += 4) {
    out.put(" {}", out.v4(option, at));
    if (pointer > at) out.add(",");
  }
}

/// RFC 781.
void print_timestamps(Printout& out, const Octets& option, std::size_t length) {
  if (length < 4) {
    out.put("[bad length {}]", length);
    return;
  }
  out.add(" TS{");
  const unsigned kind = option.u8(3) & 0x0f;
  const unsigned overflow = option.u8(3) >> 4;
  const std::size_t hop = kind == 0 ? 4 : 8;
  if ((length - 4) % hop != 0) out.put("[bad length {}]", length);
  const std::uint32_t pointer = option.u8(2) - 1u;
  if (pointer < 4 || (pointer - 4) % hop != 0 || pointer > length + 1) {
    out.put("[bad ptr {}]", option.u8(2));
  }
  static constexpr Named kKinds[] = {{0, "TSONLY"}, {1, "TS+ADDR"}, {3, "PRESPEC"}};
  std::size_t at = 0;
  if (const char* name = name_of(kKinds, kind)) {
    out.add(name);
    for (at = 4; at < length; at += hop) {
      option.need(at, hop);
      out.put("{}{}@{}", pointer == at ? " ^ " : " ", option.be32(at + hop - 4),
              hop == 8 ? out.v4(option, at) : std::string{});
    }
  } else {
    out.put("[bad ts type {}]", kind);
  }
  if (pointer == at) out.add(" ^ ");
  if (overflow != 0) {
    out.put(" [{} hops not recorded]}} ", overflow);
  } else {
    out.add("}");
  }
}

void print_body(Printout& out, std::uint8_t code, const Octets& option, std::size_t length) {
  switch (code) {
    case kTimestamp:
      print_timestamps(out, option, length);
      break;
    case kRecordRoute:
    case kLooseRoute:
    case kStrictRoute:
      print_route(out, option, length);
      break;
    case kRouterAlert:
      if (length < 4) {
        out.put(" [bad length {}]", length);
      } else if (option.be16(2) != 0) {
        out.put(" value {}", option.be16(2));
      }
      break;
    default:
      break;
  }
}

}  // namespace

bool print_ip4_options(Printout& out, const Octets& octets, std::size_t length) {
  const char* separator = "";
  for (std::size_t at = 0; at < length;) {
    out.add(separator);
    separator = ",";
    const Octets option = octets.from(at);
    const std::uint8_t code = option.u8(0);
    const char* name = name_of(kOptions, code);
    out.add(name != nullptr ? name : fmt::format("unknown {}", code));
    std::size_t option_length = 1;
    if (code != kNop && code != kEnd) {
      option_length = option.u8(1);
      if (option_length < 2) {
        out.put(" [bad length {}]", option_length);
        return true;
      }
    }
    if (option_length > length - at) {
      out.put(" [bad length {}]", option_length);
      return true;
    }
    if (!option.holds(0, option_length)) return false;
    if (code == kEnd) return true;
    try {
      print_body(out, code, option, option_length);
    } catch (const Cut&) {
      return false;
    }
    at += option_length;
  }
  return true;
}

}  // namespace smol::dump
