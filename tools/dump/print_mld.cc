#include "tools/dump/printers.hh"

namespace smol::dump {
namespace {

constexpr GroupForm kForm{16, "v2"};

/// RFC 3810 sections 5.1.3 and 5.1.9: small values as they are, large ones as floating point.
unsigned floating(unsigned code, unsigned mantissa_bits) {
  const unsigned limit = 1u << (mantissa_bits + 3);
  if (code < limit) return code;
  const unsigned mantissa = (code & ((1u << mantissa_bits) - 1)) | 1u << mantissa_bits;
  return mantissa << ((code >> mantissa_bits & 7) + 3);
}

}  // namespace

void print_mld1(Printout& out, const Octets& octets) {
  if (!octets.holds(0, 24)) return;
  out.put("max resp delay: {} addr: {}", octets.be16(4), out.v6(octets, 8));
}

void print_mld_query(Printout& out, const Octets& octets, std::size_t length) {
  if (length < 28) {
    out.put(" [invalid len {}]", length);
    return;
  }
  const unsigned delay = floating(octets.be16(4), 12);
  if (out.verbose()) out.put(" [max resp delay={}]", delay);
  out.put(" [gaddr {}", out.v6(octets, 8));
  if (out.verbose()) {
    const std::uint8_t flags = octets.u8(24);
    if ((flags & 0x08) != 0) out.add(" sflag");
    if ((flags & 0x07) != 0) out.put(" robustness={}", flags & 0x07);
    out.put(" qqi={}", floating(octets.u8(25), 4));
  }
  const std::size_t sources = octets.be16(26);
  if (sources > 0) print_query_sources(out, octets, 28, sources, length, kForm);
  out.add("]");
}

void print_mld_report(Printout& out, const Octets& octets, std::size_t length) {
  if (length < 8) {
    out.put(" [invalid len {}]", length);
    return;
  }
  print_group_records(out, octets, length, kForm);
}

}  // namespace smol::dump
