#include "protocols/wire/ethernet.hh"

namespace smol {

std::string_view name(EtherType type) noexcept {
  switch (type) {
    case EtherType::kIp4:
      return "IPv4";
    case EtherType::kArp:
      return "ARP";
    case EtherType::kVlan:
      return "VLAN";
    case EtherType::kIp6:
      return "IPv6";
  }
  return {};
}

void print_type(TextWriter& out, EtherType type) noexcept {
  out.put("type=");
  if (const std::string_view known = name(type); !known.empty()) {
    out.put(known);
  } else {
    out.put("0x").hex(static_cast<std::uint16_t>(type), 4);
  }
}

void EthernetRepr::print(TextWriter& out) const noexcept {
  out.put("EthernetII src=");
  source.print(out);
  out.put(" dst=");
  destination.print(out);
  out.put(' ');
  print_type(out, type);
}

}  // namespace smol
