#include <optional>

#include "tools/dump/printers.hh"

namespace smol::dump {
namespace {

constexpr std::uint8_t kPad1 = 0;
constexpr std::uint8_t kPadN = 1;
constexpr std::uint8_t kRouterAlert = 0x05;
constexpr std::uint8_t kJumbo = 0xc2;
constexpr std::uint8_t kHomeAddress = 0xc9;

/// What follows the home address in its option.
void print_sub_options(Printout& out, const Octets& octets, std::size_t length) {
  for (std::size_t at = 0; at < length;) {
    const std::uint8_t type = octets.u8(at);
    if (type == kPad1) {
      out.add(", pad1");
      ++at;
      continue;
    }
    const std::size_t left = length - at;
    const std::size_t sub_length = left < 2 ? 0 : octets.u8(at + 1) + 2u;
    if (sub_length == 0 || sub_length > left) throw Cut{true};
    if (type == kPadN) {
      out.add(", padn");
    } else {
      out.put(", sopt_type 0x{:02x}: len={}", type, sub_length - 2);
    }
    at += sub_length;
  }
}

/// An option, and what its header has from it on.
struct Option {
  Octets octets;
  std::size_t left = 0;

  std::size_t data_length() const { return octets.u8(1); }
  std::size_t length() const { return data_length() + 2; }
};

/// Some options are named also where they are cut or of a wrong length.
[[noreturn]] void give_up(Printout& out, std::string_view text) {
  out.add(text);
  throw Cut{true};
}

/// The packet's payload length, where a jumbo payload option may give one, and what it gave.
struct Jumbo {
  std::optional<std::size_t> payload;
  std::optional<std::uint32_t> found;
  bool seen = false;
};

/// RFC 2675.
void print_jumbo(Printout& out, const Option& option, Jumbo& jumbo) {
  if (option.left < 6) give_up(out, "(jumbo: trunc)");
  if (option.data_length() != 4) {
    give_up(out, fmt::format("(jumbo: invalid len {})", option.data_length()));
  }
  const std::uint32_t length = option.octets.be32(2);
  const char* remark = "";
  if (jumbo.seen) {
    remark = " - already seen";
  } else if (!jumbo.payload) {
    remark = " - not a hop-by-hop option";
  } else if (*jumbo.payload != 0) {
    remark = " - payload len != 0";
  } else if (length < 65536) {
    remark = " - < 65536";
  } else {
    jumbo.found = length;
  }
  jumbo.seen = true;
  if (out.verbose()) out.put("(jumbo: {}{}) ", length, remark);
}

/// RFC 2711.
void print_router_alert(Printout& out, const Option& option) {
  if (option.left < 4) give_up(out, "(rtalert: trunc)");
  if (option.data_length() != 2) {
    give_up(out, fmt::format("(rtalert: invalid len {})", option.data_length()));
  }
  if (out.verbose()) out.put("(rtalert: 0x{:04x}) ", option.octets.be16(2));
}

/// RFC 6275 section 6.3.
void print_home_address(Printout& out, const Option& option) {
  if (option.left < 18) give_up(out, "(homeaddr: trunc)");
  if (option.data_length() < 16) {
    give_up(out, fmt::format("(homeaddr: invalid len {})", option.data_length()));
  }
  if (!out.verbose()) return;
  out.put("(homeaddr: {}", out.v6(option.octets, 2));
  if (option.length() > 18) print_sub_options(out, option.octets.from(18), option.length() - 18);
  out.add(")");
}

void print_option(Printout& out, const Option& option, Jumbo& jumbo) {
  switch (const std::uint8_t type = option.octets.u8(0)) {
    case kPadN:
      if (out.verbose()) out.add("(padn)");
      break;
    case kRouterAlert:
      return print_router_alert(out, option);
    case kJumbo:
      return print_jumbo(out, option, jumbo);
    case kHomeAddress:
      return print_home_address(out, option);
    default:
      if (out.verbose()) {
        out.put("(opt_type 0x{:02x}: len={})", type, option.data_length());
      }
      break;
  }
}

/// The options behind the two octets of a header of `length` octets.
void print_options(Printout& out, const Octets& octets, std::size_t length, Jumbo& jumbo) {
  for (std::size_t at = 2; at < length;) {
    const Option option{octets.from(at), length - at};
    if (option.octets.u8(0) == kPad1) {
      if (out.verbose()) out.add("(pad1)");
      ++at;
      continue;
    }
    if (option.left < 2 || option.length() > option.left) throw Cut{true};
    print_option(out, option, jumbo);
    at += option.length();
  }
  if (out.verbose()) out.add(" ");
}

}  // namespace

std::size_t print_hop_by_hop(Printout& out, const Octets& octets, std::size_t payload_length,
                             std::optional<std::uint32_t>& jumbo_length) {
  out.protocol = "hbhopt";
  Jumbo jumbo{payload_length, std::nullopt, false};
  const std::size_t length = (octets.u8(1) + 1u) * 8u;
  try {
    octets.need(0, length);
    out.add("HBH ");
    // Always looked through, for the length that may be in them.
    print_options(out, octets, length, jumbo);
  } catch (const Cut&) {
    out.truncated();
    jumbo_length = jumbo.found;
    return 0;
  }
  jumbo_length = jumbo.found;
  return length;
}

std::size_t print_destination_options(Printout& out, const Octets& octets) {
  out.protocol = "dstopt";
  Jumbo none;
  const std::size_t length = (octets.u8(1) + 1u) * 8u;
  octets.need_first(length);
  out.add("DSTOPT ");
  if (out.verbose()) print_options(out, octets, length, none);
  return length;
}

std::size_t print_routing(Printout& out, const Octets& octets) {
  out.protocol = "rt6";
  out.add("RT6");
  const std::size_t length = octets.u8(1);
  out.put(" (len={}", length);
  const std::uint8_t type = octets.u8(2);
  out.put(", type={}", type);
  if (type == 0) out.add(" [Deprecated]");
  out.put(", segleft={}", octets.u8(3));
  if (type == 0 || type == 2) {
    if (octets.be32(4) != 0 || out.verbose()) out.put(", rsv=0x{:x}", octets.be32(4));
  } else if (type == 4) {
    // RFC 8754: what stands behind the addresses is not shown.
    out.put(", last-entry={}", octets.u8(4));
    if (octets.u8(5) != 0 || out.verbose()) out.put(", flags=0x{:x}", octets.u8(5));
    out.put(", tag={:x}", octets.be16(6));
  } else {
    out.add(" (unknown type)");
    out.invalid();
    return 0;
  }
  if (length % 2 == 1) {
    out.put(" (invalid length {})", length);
    out.invalid();
    return 0;
  }
  for (std::size_t hop = 0; hop < length / 2; ++hop) {
    out.put(", [{}]{}", hop, out.v6(octets, 8 + 16 * hop));
  }
  out.add(") ");
  return (length + 1) * 8;
}

std::size_t print_fragment(Printout& out, const Octets& octets, std::size_t left) {
  out.protocol = "frag6";
  const unsigned offset = octets.be16(2) & 0xfff8u;
  const std::string id = out.verbose() ? fmt::format("0x{:08x}:", octets.be32(4)) : "";
  out.put("frag ({}", id);
  // A packet that says it has no payload wraps here, in the reference as well.
  out.put("{}|{})", offset, left - 8);
  // A later piece begins in the middle of something.
  if (offset != 0) return 0;
  out.add(" ");
  return octets.size() > 8 ? 8 : 0;
}

}  // namespace smol::dump
