#include "tools/dump/printers.hh"

namespace smol::dump {
namespace {

constexpr std::uint8_t kSnap = 0xaa;
constexpr std::uint16_t kUnnumberedInformation = 0x03;

constexpr std::uint8_t kExchange = 0xaf;
constexpr std::uint8_t kExchangeFormat = 0x81;

constexpr Named kPoints[] = {
    {0x00, "Null"},  {0xff, "Global"},  {0x02, "802.1B I"},   {0x03, "802.1B G"},
    {0x04, "SNA"},   {0x06, "IP"},      {0x0e, "ProWay NM"},  {0x42, "STP"},
    {0x4e, "RS511"}, {0x7e, "ISO8208"}, {0x8e, "ProWay ASM"}, {0xaa, "SNAP"},
    {0xe0, "IPX"},   {0xf0, "NetBeui"}, {0xfe, "OSI"},
};

constexpr Named kCommands[] = {
    {0x03, "ui"},   {0xe3, "test"}, {0xaf, "xid"},  {0x6f, "sabme"},
    {0x43, "disc"}, {0x63, "ua"},   {0x87, "frmr"}, {0x0f, "dm"},
};

constexpr Named kSupervisory[] = {
    {0, "Receiver Ready"},
    {1, "Receiver not Ready"},
    {2, "Reject"},
};

/// Whether the frame is a response, and whether it polls: "Command", "Response", "Final".
const char* flags(bool response, bool poll) {
  if (response) return poll ? "Final" : "Response";
  return poll ? "Poll" : "Command";
}

struct Header {
  std::uint8_t destination;
  std::uint8_t source;
  std::uint16_t control;
  bool unnumbered;
};

std::string point(std::uint8_t number) {
  return std::string{name_or(kPoints, number, "Unknown")};
}

void print_header(Printout& out, const Header& header) {
  const auto destination = static_cast<std::uint8_t>(header.destination & 0xfe);
  const auto source = static_cast<std::uint8_t>(header.source & 0xfe);
  out.put("LLC, dsap {} (0x{:02x}) {}, ssap {} (0x{:02x}) {}", point(destination), destination,
          (header.destination & 1) != 0 ? "Group" : "Individual", point(source), source,
          (header.source & 1) != 0 ? "Response" : "Command");
  if (header.unnumbered) {
    out.put(", ctrl 0x{:02x}: ", header.control);
  } else {
    out.put(", ctrl 0x{:04x}: ", header.control);
  }
}

void print_points(Printout& out, const Header& header, Bytes source, Bytes destination) {
  const auto from = static_cast<std::uint8_t>(header.source & 0xfe);
  const auto to = static_cast<std::uint8_t>(header.destination & 0xfe);
  const auto name = [](std::uint8_t number, const char* what) {
    const char* known = name_of(kPoints, number);
    return known != nullptr ? std::string{known} : fmt::format("Unknown {} 0x{:02x}", what, number);
  };
  if (from == to) {
    out.put("{} > {} {} ", link_address_text(source), link_address_text(destination),
            name(to, "DSAP"));
  } else {
    out.put("{} {} > {} {} ", link_address_text(source), name(from, "SSAP"),
            link_address_text(destination), name(to, "DSAP"));
  }
}

void print_command(Printout& out, const Header& header, std::size_t length) {
  const bool response = (header.source & 1) != 0;
  const unsigned control = header.control;
  if (header.unnumbered) {
    const unsigned command = control & 0xef;
    const char* name = name_of(kCommands, command);
    out.put("Unnumbered, {}, Flags [{}], length {}",
            name != nullptr ? name : fmt::format("{:02x}", command),
            flags(response, (control & 0x10) != 0), length);
  } else if ((control & 3) == 1) {
    out.put("Supervisory, {}, rcv seq {}, Flags [{}], length {}",
            name_or(kSupervisory, control >> 2 & 3, "?"), control >> 9 & 0x7f,
            flags(response, (control & 0x100) != 0), length);
  } else {
    out.put("Information, send seq {}, rcv seq {}, Flags [{}], length {}", control >> 1 & 0x7f,
            control >> 9 & 0x7f, flags(response, (control & 0x100) != 0), length);
  }
}

/// What an exchange of identification holds. False: it is none, or has something else.
bool print_exchange(Printout& out, const Header& header, const Octets& octets) {
  if (!header.unnumbered || (header.control & 0xef) != kExchange) return false;
  if (octets.empty()) return true;
  if (octets.u8(0) != kExchangeFormat) return false;
  if (octets.holds(0, 3)) {
    out.put(": {:02x} {:02x}", octets.u8(1), octets.u8(2));
  } else {
    out.truncated();
    put_hex_and_text(out, "\n\t", octets.all());
  }
  return true;
}

/// RFC 1042: an EtherType behind a SNAP header of organization zero. False: another protocol.
bool print_snap(Printout& out, const Octets& octets, std::size_t length, Bytes source,
                Bytes destination) {
  constexpr std::size_t kSnapHeader = 5;
  out.protocol = "snap";
  if (!octets.holds(0, kSnapHeader) || length < kSnapHeader) {
    out.truncated();
    out.link_header += octets.size();
    return true;
  }
  out.link_header += kSnapHeader;
  const std::uint32_t organization = octets.be24(0);
  const std::uint16_t type = octets.be16(3);
  const bool ethernet = organization == 0;
  const char* name = ethernet ? ethertype_name(type) : nullptr;
  const auto identify = [&](bool with_organization) {
    if (with_organization) {
      out.put("oui {} (0x{:06x}), ", ethernet ? "Ethernet" : "Unknown", organization);
    }
    out.put("{} {} (0x{:04x}), length {}: ", ethernet ? "ethertype" : "pid",
            name != nullptr ? name : "Unknown", type, length - kSnapHeader);
  };
  if (out.options.link_header) identify(true);
  if (ethernet && print_ethertype(out, type, octets.from(kSnapHeader), length - kSnapHeader)) {
    return true;
  }
  if (!out.options.link_header) {
    out.put("{} > {} SNAP, ", link_address_text(source), link_address_text(destination));
    identify(!ethernet);
  }
  return false;
}

}  // namespace

void print_llc(Printout& out, const Octets& octets, std::size_t length, Bytes source,
               Bytes destination) {
  out.protocol = "llc";
  const auto raw = [&](const Octets& rest) {
    if (out.prints_raw()) put_hex_and_text(out, "\n\t", rest.all());
  };
  if (!octets.holds(0, 3) || length < 3) {
    out.truncated();
    put_hex_and_text(out, "\n\t", octets.all());
    out.link_header += octets.size();
    return;
  }
  Header header{octets.u8(0), octets.u8(1), octets.u8(2), (octets.u8(2) & 3) == 3};
  std::size_t front = 3;
  if (!header.unnumbered) {
    front = 4;
    if (!octets.holds(0, 4) || length < 4) {
      out.truncated();
      put_hex_and_text(out, "\n\t", octets.all());
      out.link_header += octets.size();
      return;
    }
    // The one little-endian field of the family.
    header.control = static_cast<std::uint16_t>(octets.u8(2) | octets.u8(3) << 8);
  }
  if (out.options.link_header) print_header(out, header);
  out.link_header += front;
  const Octets rest = octets.from(front);
  const bool snap = (header.source & 0xfe) == kSnap && (header.destination & 0xfe) == kSnap &&
                    header.control == kUnnumberedInformation;
  if (snap) {
    if (print_snap(out, rest, length - front, source, destination)) return;
  } else {
    if (!out.options.link_header) print_points(out, header, source, destination);
    print_command(out, header, length);
    if (!header.unnumbered && (header.control & 3) == 1) return;
    if (print_exchange(out, header, rest)) return;
  }
  raw(octets);
}

}  // namespace smol::dump
