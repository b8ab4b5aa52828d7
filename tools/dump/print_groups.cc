// What IGMPv3 and MLDv2 say in the same form, but for the size of an address: RFC 3376 section 4.2,
// RFC 3810 section 5.2.
#include "tools/dump/printers.hh"

namespace smol::dump {
namespace {

constexpr Named kRecords[] = {
    {1, "is_in"}, {2, "is_ex"}, {3, "to_in"}, {4, "to_ex"}, {5, "allow"}, {6, "block"},
};

std::string address(Printout& out, const Octets& octets, std::size_t at, GroupForm form) {
  return form.address_octets == 4 ? out.v4(octets, at) : out.v6(octets, at);
}

void print_sources(Printout& out, const Octets& octets, std::size_t at, std::size_t count,
                   GroupForm form) {
  if (!out.verbose(2)) {
    out.put(", {} source(s)", count);
    return;
  }
  out.add(" {");
  for (std::size_t i = 0; i < count; ++i) {
    out.put(" {}", address(out, octets, at + form.address_octets * i, form));
  }
  out.add(" }");
}

}  // namespace

void print_query_sources(Printout& out, const Octets& octets, std::size_t at, std::size_t count,
                         std::size_t length, GroupForm form) {
  if (length < at + form.address_octets * count) {
    out.add(" [invalid number of sources]");
  } else {
    print_sources(out, octets, at, count, form);
  }
}

void print_group_records(Printout& out, const Octets& octets, std::size_t length, GroupForm form) {
  const std::size_t head = 4 + form.address_octets;
  const std::size_t groups = octets.be16(6);
  out.put(", {} group record(s)", groups);
  if (!out.verbose()) return;
  std::size_t at = 8;
  for (std::size_t i = 0; i < groups; ++i) {
    if (length < at + head) {
      out.add(" [invalid number of groups]");
      return;
    }
    out.put(" [gaddr {}", address(out, octets, at + 4, form));
    const char* record = name_of(kRecords, octets.u8(at));
    out.put(" {}", record != nullptr
                       ? record
                       : fmt::format(" [{}-report-#{}]", form.version, octets.u8(at)));
    const std::size_t sources = octets.be16(at + 2);
    if (length < at + head + form.address_octets * sources) {
      out.put(" [invalid number of sources {}]", sources);
      return;
    }
    print_sources(out, octets, at + head, sources, form);
    at += head + form.address_octets * sources;
    out.add("]");
  }
}

}  // namespace smol::dump
