#include "protocols/wire/arp.hh"

#include "protocols/wire/ethernet.hh"

namespace smol {
namespace {

constexpr std::uint16_t kHardwareEthernet = 1;
/// Address lengths 6 and 4, as one word.
constexpr std::uint16_t kLengths = 0x0604;

}  // namespace

Result<ArpRepr> ArpRepr::parse(Bytes packet) noexcept {
  if (packet.size() < packet_len()) return fail(Drop::kArpTruncated);
  if (be16(packet, 0) != kHardwareEthernet ||
      be16(packet, 2) != static_cast<std::uint16_t>(EtherType::kIp4) ||
      be16(packet, 4) != kLengths) {
    return fail(Drop::kArpUnsupported);
  }
  const auto operation = static_cast<ArpOperation>(be16(packet, 6));
  if (operation != ArpOperation::kRequest && operation != ArpOperation::kReply) {
    return fail(Drop::kArpUnsupported);
  }
  return ArpRepr{operation, MacAddress::from(packet.subspan(8)), IpAddress::v4(packet.subspan(14)),
                 MacAddress::from(packet.subspan(18)), IpAddress::v4(packet.subspan(24))};
}

void ArpRepr::emit(MutBytes out) const noexcept {
  Writer w{out.first(packet_len())};
  w.be16(kHardwareEthernet).be16(static_cast<std::uint16_t>(EtherType::kIp4)).be16(kLengths);
  w.be16(static_cast<std::uint16_t>(operation));
  w.bytes(sender_mac.octets).be32(sender_ip.v4_value());
  w.bytes(target_mac.octets).be32(target_ip.v4_value());
}

void ArpRepr::print(TextWriter& out) const noexcept {
  out.put("ARP op=").put(operation == ArpOperation::kRequest ? "Request" : "Reply");
  out.put(" src=");
  sender_mac.print(out);
  out.put('/');
  sender_ip.print(out);
  out.put(" tgt=");
  target_mac.print(out);
  out.put('/');
  target_ip.print(out);
}

}  // namespace smol
