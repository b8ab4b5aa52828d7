#include "tools/dump/printers.hh"

namespace smol::dump {
namespace {

constexpr std::size_t kClientAddress = 12;
constexpr std::size_t kYourAddress = 16;
constexpr std::size_t kServerAddress = 20;
constexpr std::size_t kGatewayAddress = 24;
constexpr std::size_t kHardwareAddress = 28;
constexpr std::size_t kServerName = 44;
constexpr std::size_t kServerNameLength = 64;
constexpr std::size_t kFile = 108;
constexpr std::size_t kFileLength = 128;
constexpr std::size_t kVendor = 236;
constexpr std::uint32_t kOptionsCookie = 0x6382'5363;

constexpr Named kOperations[] = {{1, "Request"}, {2, "Reply"}};
constexpr Named kFlags[] = {{0x8000, "Broadcast"}};

void print_address(Printout& out, const char* name, const Octets& octets, std::size_t at) {
  if (octets.be32(at) != 0) out.put("\n\t  {} {}", name, out.v4(octets, at));
}

/// Text up to a zero. False: it has none, or the capture ends in it.
bool print_field(Printout& out, const char* name, const Octets& octets, std::size_t at,
                 std::size_t length) {
  if (octets.u8(at) == 0) return true;
  out.put("\n\t  {} \"", name);
  bool whole = false;
  for (const std::uint8_t octet : octets.from(at).first(length).all()) {
    if (octet == 0) {
      whole = true;
      break;
    }
    put_safely(out, octet);
  }
  out.add("\"");
  if (!whole) out.truncated();
  return whole;
}

void print_numbers(Printout& out, const Octets& octets) {
  // The length of an Ethernet address goes without saying, of an Ethernet address.
  if (octets.u8(1) != 1) out.put(", htype {}", octets.u8(1));
  if (octets.u8(1) != 1 || octets.u8(2) != 6) out.put(", hlen {}", octets.u8(2));
  if (octets.u8(3) != 0) out.put(", hops {}", octets.u8(3));
  if (octets.be32(4) != 0) out.put(", xid 0x{:x}", octets.be32(4));
  if (octets.be16(8) != 0) out.put(", secs {}", octets.be16(8));
  const std::uint16_t flags = octets.be16(10);
  out.put(", Flags [{}]", bit_names(kFlags, flags, ", "));
  if (out.verbose(2)) out.put(" (0x{:04x})", flags);
}

void print_fields(Printout& out, const Octets& octets, bool ethernet) {
  octets.need_first(10);
  print_numbers(out, octets);
  print_address(out, "Client-IP", octets, kClientAddress);
  print_address(out, "Your-IP", octets, kYourAddress);
  print_address(out, "Server-IP", octets, kServerAddress);
  print_address(out, "Gateway-IP", octets, kGatewayAddress);
  if (ethernet) {
    out.put("\n\t  Client-Ethernet-Address {}",
            link_address_text(octets.bytes(kHardwareAddress, 6)));
  }
  if (!print_field(out, "sname", octets, kServerName, kServerNameLength)) return;
  if (!print_field(out, "file", octets, kFile, kFileLength)) return;
  octets.need_first(kVendor + 4);
  const std::uint32_t cookie = octets.be32(kVendor);
  if (cookie == kOptionsCookie) {
    print_dhcp_options(out, octets.from(kVendor));
  } else if (cookie != 0) {
    out.put("\n\t  Vendor-#0x{:x}", cookie);
  }
}

}  // namespace

void print_bootp(Printout& out, const Octets& octets, std::size_t length) {
  out.protocol = "bootp";
  const std::uint8_t operation = octets.u8(0);
  const char* name = name_of(kOperations, operation);
  out.put("BOOTP/DHCP, {}", name != nullptr ? name : fmt::format("unknown (0x{:02x})", operation));
  const std::uint8_t hardware = octets.u8(1);
  const bool ethernet = octets.u8(2) == 6 && hardware == 1;
  if (ethernet && operation == 1) {
    out.put(" from {}", link_address_text(octets.bytes(kHardwareAddress, 6)));
  }
  out.put(", length {}", length);
  if (out.verbose()) print_fields(out, octets, ethernet);
}

}  // namespace smol::dump
