#include "tools/dump/printers.hh"

namespace smol::dump {
namespace {

constexpr Named kOperations[] = {{1, "Request"}, {2, "Reply"}};

}  // namespace

void print_bootp(Printout& out, const Octets& octets, std::size_t length) {
  out.protocol = "bootp";
  const std::uint8_t operation = octets.u8(0);
  const char* name = name_of(kOperations, operation);
  out.put("BOOTP/DHCP, {}",
          name != nullptr ? name : fmt::format("unknown (0x{:02x})", operation));
  const bool ethernet = octets.u8(1) == 1 && octets.u8(2) == 6;
  if (ethernet && operation == 1) {
    octets.need(28, 6);
    out.put(" from {}", link_address_text(octets.bytes(28, 6)));
  }
  out.put(", length {}", length);
}

}  // namespace smol::dump
