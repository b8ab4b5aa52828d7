#include "tools/dump/printers.hh"

namespace smol::dump {
namespace {

constexpr std::uint8_t kMpls = 1;
constexpr std::size_t kObjectHeader = 4;

constexpr Named kClasses[] = {{kMpls, "MPLS Stack Entry"}, {2, "Interface Identification"}};

/// RFC 3032: label, traffic class, bottom of the stack, TTL.
void print_mpls(Printout& out, std::uint32_t entry) {
  out.put("\n\t    label {}, tc {}", entry >> 12, entry >> 9 & 7);
  if ((entry >> 8 & 1) != 0) out.add(", [S]");
  out.put(", ttl {}", entry & 0xff);
}

}  // namespace

void print_icmp_extensions(Printout& out, const Octets& octets, std::size_t length, bool told) {
  octets.need_first(kObjectHeader + 1);
  const bool whole = octets.holds(0, length);
  const bool right = whole && internet_sum(octets.bytes(0, length)).verifies();
  // What nobody announced may as well be more of the quoted packet.
  if (!told && whole && !right) return;
  out.put("\n\tICMP Multi-Part extension v{}", octets.u8(0) >> 4);
  if ((octets.u8(0) >> 4) != 2) {
    out.add(" packet not supported");
    return;
  }
  if (whole) {
    out.put(", checksum 0x{:04x} ({}correct), length {}", octets.be16(2), right ? "" : "in",
            length);
  }
  std::size_t at = kObjectHeader;
  while (length - at > kObjectHeader) {
    const Octets object = octets.from(at);
    object.need_first(kObjectHeader);
    const std::size_t object_length = object.be16(0);
    const std::uint8_t number = object.u8(2);
    out.put("\n\t  {} Object ({}), Class-Type: {}, length {}", name_or(kClasses, number, "unknown"),
            number, object.u8(3), object_length);
    if (number == 0 || object_length < kObjectHeader) return;
    if (number == kMpls && object.u8(3) == 1) {
      print_mpls(out, object.be32(kObjectHeader));
    } else {
      put_hex(out, "\n\t    ",
              object.from(kObjectHeader).first(object_length - kObjectHeader).all());
    }
    if (object_length > length - at) return;
    at += object_length;
  }
}

}  // namespace smol::dump
