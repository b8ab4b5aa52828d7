#include <algorithm>

#include "tools/dump/printers.hh"

namespace smol::dump {
namespace {

constexpr std::uint16_t kIp4Type = 0x0800;
constexpr std::uint16_t kTrailerType = 0x1000;
constexpr std::uint16_t kFrameRelay = 15;

constexpr Named kOperations[] = {
    {1, "Request"},         {2, "Reply"},         {3, "Reverse Request"}, {4, "Reverse Reply"},
    {8, "Inverse Request"}, {9, "Inverse Reply"}, {10, "NACK Reply"},
};

constexpr Named kHardware[] = {
    {1, "Ethernet"}, {6, "TokenRing"},  {7, "ArcNet"}, {15, "FrameRelay"},
    {23, "Strip"},   {24, "IEEE 1394"}, {19, "ATM"},   {32, "InfiniBand"},
};

/// The message's fields by their places, which its own length octets decide.
struct Arp {
  Octets octets;
  std::uint16_t hardware = 0;
  std::uint16_t protocol = 0;
  std::size_t hardware_length = 0;
  std::size_t protocol_length = 0;
  std::uint16_t operation = 0;

  Bytes sender_hardware() const { return octets.bytes(8, hardware_length); }
  std::size_t sender_protocol_at() const { return 8 + hardware_length; }
  Bytes target_hardware() const {
    return octets.bytes(8 + hardware_length + protocol_length, hardware_length);
  }
  std::size_t target_protocol_at() const { return 8 + 2 * hardware_length + protocol_length; }
};

/// Q.922: 10, 16 or 23 bits of address; the lowest bit marks the last octet.
std::string frame_relay_address(Bytes address) {
  constexpr const char* kCut = "<Truncated>";
  constexpr const char* kInvalid = "<Invalid DLCI>";
  const auto last = [&](std::size_t at) { return (address[at] & 1) != 0; };
  if (last(0)) return kInvalid;
  if (address.size() < 2) return kCut;
  std::uint32_t dlci = (address[0] & 0xfcu) << 2 | (address[1] & 0xf0u) >> 4;
  if (last(1)) return fmt::format("DLCI {}", dlci);
  std::size_t at = 2;
  if (at < address.size() && !last(at)) dlci = dlci << 7 | address[at++] >> 1u;
  if (at >= address.size()) return kCut;
  if (!last(at)) return kInvalid;
  return fmt::format("DLCI {}", dlci << 6 | address[at] >> 2u);
}

std::string hardware_address(const Arp& arp, Bytes address) {
  if (address.empty()) return "<empty>";
  return arp.hardware == kFrameRelay ? frame_relay_address(address) : link_address_text(address);
}

std::string protocol_address(Printout& out, const Arp& arp, std::size_t at) {
  if (arp.protocol != kIp4Type && arp.protocol != kTrailerType) return "<wrong proto type>";
  if (arp.protocol_length != 4) return "<wrong len>";
  return out.v4(arp.octets, at);
}

bool is_zero(Bytes octets) {
  return std::all_of(octets.begin(), octets.end(), [](std::uint8_t octet) { return octet == 0; });
}

/// What the operation says. False: it is unknown, and its octets were printed.
bool print_operation(Printout& out, const Arp& arp) {
  switch (arp.operation) {
    case 1:
      out.put(" who-has {}", protocol_address(out, arp, arp.target_protocol_at()));
      if (!is_zero(arp.target_hardware())) {
        out.put(" ({})", hardware_address(arp, arp.target_hardware()));
      }
      out.put(" tell {}", protocol_address(out, arp, arp.sender_protocol_at()));
      return true;
    case 2:
      out.put(" {} is-at {}", protocol_address(out, arp, arp.sender_protocol_at()),
              hardware_address(arp, arp.sender_hardware()));
      return true;
    case 3:
    case 8:
      out.put(" who-is {} tell {}", hardware_address(arp, arp.target_hardware()),
              hardware_address(arp, arp.sender_hardware()));
      return true;
    case 4:
      out.put(" {} at {}", hardware_address(arp, arp.target_hardware()),
              protocol_address(out, arp, arp.target_protocol_at()));
      return true;
    case 9:
      out.put(" {} at {}", hardware_address(arp, arp.sender_hardware()),
              protocol_address(out, arp, arp.sender_protocol_at()));
      return true;
    default:
      out.add(" ");
      put_hex_and_text(out, "\n\t", arp.octets.all());
      return false;
  }
}

}  // namespace

const char* hardware_name(std::uint16_t type) noexcept {
  return name_of(kHardware, type);
}

void print_arp(Printout& out, const Octets& octets, std::size_t length) {
  out.protocol = "arp";
  octets.need(0, 8);
  Arp arp{octets, octets.be16(0), octets.be16(2), octets.u8(4), octets.u8(5), octets.be16(6)};
  octets.need(arp.target_protocol_at(), arp.protocol_length);

  if (!out.options.link_header) out.add("ARP, ");
  const bool ordinary = (arp.protocol == kIp4Type || arp.protocol == kTrailerType) &&
                        arp.protocol_length == 4 && arp.hardware_length != 0;
  if (!ordinary || out.verbose()) {
    const char* hardware = hardware_name(arp.hardware);
    const char* protocol = ethertype_name(arp.protocol);
    out.put(
        "{} (len {}), {} (len {})",
        hardware != nullptr ? hardware : fmt::format("Unknown Hardware ({})", arp.hardware),
        arp.hardware_length,
        protocol != nullptr ? protocol : fmt::format("Unknown Protocol (0x{:04x})", arp.protocol),
        arp.protocol_length);
    if (!out.verbose()) {
      out.put(", length {}", length);
      return;
    }
    out.add(", ");
  }
  const char* operation = name_of(kOperations, arp.operation);
  out.add(operation != nullptr ? operation : fmt::format("Unknown ({})", arp.operation));
  if (print_operation(out, arp)) out.put(", length {}", length);
}

}  // namespace smol::dump
