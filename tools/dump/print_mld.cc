#include "tools/dump/printers.hh"

namespace smol::dump {
namespace {

constexpr Named kRecords[] = {
    {1, "is_in"}, {2, "is_ex"}, {3, "to_in"}, {4, "to_ex"}, {5, "allow"}, {6, "block"},
};

void print_sources(Printout& out, const Octets& octets, std::size_t at, std::size_t count) {
  out.add(" {");
  for (std::size_t i = 0; i < count; ++i) out.put(" {}", out.v6(octets, at + 16 * i));
  out.add(" }");
}

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
  if (sources > 0) {
    if (length < 28 + 16 * sources) {
      out.add(" [invalid number of sources]");
    } else if (out.verbose(2)) {
      print_sources(out, octets, 28, sources);
    } else {
      out.put(", {} source(s)", sources);
    }
  }
  out.add("]");
}

void print_mld_report(Printout& out, const Octets& octets, std::size_t length) {
  if (length < 8) {
    out.put(" [invalid len {}]", length);
    return;
  }
  const std::size_t groups = octets.be16(6);
  out.put(", {} group record(s)", groups);
  if (!out.verbose()) return;
  std::size_t at = 8;
  for (std::size_t i = 0; i < groups; ++i) {
    if (length < at + 20) {
      out.add(" [invalid number of groups]");
      return;
    }
    out.put(" [gaddr {}", out.v6(octets, at + 4));
    const char* record = name_of(kRecords, octets.u8(at));
    out.put(" {}", record != nullptr ? record : fmt::format(" [v2-report-#{}]", octets.u8(at)));
    const std::size_t sources = octets.be16(at + 2);
    if (length < at + 20 + 16 * sources) {
      out.put(" [invalid number of sources {}]", sources);
      return;
    }
    if (out.verbose(2)) {
      print_sources(out, octets, at + 20, sources);
    } else {
      out.put(", {} source(s)", sources);
    }
    at += 20 + 16 * sources;
    out.add("]");
  }
}

}  // namespace smol::dump
