#include "tools/dump/printers.hh"

namespace smol::dump {
namespace {

constexpr GroupForm kForm{4, "v3"};

/// In tenths of a second.
void print_response_time(Printout& out, unsigned tenths) {
  out.add(" [max resp time ");
  if (tenths < 600) {
    out.put("{}.{}s", tenths / 10, tenths % 10);
  } else {
    out.put("{}m", tenths / 600);
    if (tenths % 600 != 0) out.put("{}s", tenths % 600 / 10);
  }
  out.add("]");
}

/// RFC 3376 section 4.1.
void print_v3_query(Printout& out, const Octets& octets, std::size_t length) {
  out.add(" v3");
  if (length < 12 || length % 4 != 0) {
    out.put(" [invalid len {}]", length);
    return;
  }
  const unsigned code = octets.u8(1);
  const unsigned tenths =
      code < 128 ? code : ((code & 0x0fu) | 0x10u) << (((code & 0x70u) >> 4) + 3u);
  if (code != 100) print_response_time(out, tenths);
  if (octets.be32(4) == 0) return;
  out.put(" [gaddr {}", out.v4(octets, 4));
  const std::size_t sources = octets.be16(10);
  if (sources > 0) print_query_sources(out, octets, 12, sources, length, kForm);
  out.add("]");
}

/// RFC 3376 section 4.2.
void print_v3_report(Printout& out, const Octets& octets, std::size_t length) {
  if (length < 16 || length % 4 != 0) {
    out.put(" [invalid len {}]", length);
    return;
  }
  print_group_records(out, octets, length, kForm);
}

void print_old_query(Printout& out, const Octets& octets, std::size_t length) {
  const std::uint8_t code = octets.u8(1);
  if (code == 0) {
    out.add(" v1");
  } else {
    out.add(" v2");
    if (code != 100) out.put(" [max resp time {}]", code);
  }
  if (octets.be32(4) != 0) out.put(" [gaddr {}]", out.v4(octets, 4));
  if (length != 8) out.put(" [len {}]", length);
}

void print_group(Printout& out, const char* what, const Octets& octets) {
  out.put("igmp {} {}", what, out.v4(octets, 4));
}

void print_message(Printout& out, const Octets& octets, std::size_t length) {
  switch (const std::uint8_t type = octets.u8(0)) {
    case 0x11:
      out.add("igmp query");
      if (length >= 12) return print_v3_query(out, octets, length);
      return print_old_query(out, octets, length);
    case 0x12:
      print_group(out, "v1 report", octets);
      if (length != 8) out.put(" [len {}]", length);
      return;
    case 0x16:
      return print_group(out, "v2 report", octets);
    case 0x17:
      return print_group(out, "leave", octets);
    case 0x22:
      out.add("igmp v3 report");
      return print_v3_report(out, octets, length);
    default:
      out.put("igmp-{}", type);
  }
}

}  // namespace

void print_igmp(Printout& out, const Octets& octets, std::size_t length) {
  out.protocol = "igmp";
  if (out.quiet()) {
    out.add("igmp");
    return;
  }
  print_message(out, octets, length);
  if (out.verbose() && length >= 4 && octets.holds(0, length) &&
      !internet_sum(octets.bytes(0, length)).verifies()) {
    out.put(" bad igmp cksum {:x}!", octets.be16(2));
  }
}

}  // namespace smol::dump
