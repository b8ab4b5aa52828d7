#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocols/base/bytes.hh"
#include "tools/dump/flows.hh"
#include "tools/dump/names.hh"
#include "tools/dump/printout.hh"
#include "tools/dump/timestamp.hh"

namespace smol::dump {

/// What a packet begins with, of the kinds that are printed.
enum class Link : std::uint8_t { kEthernet, kRawIp };

/// A captured packet as a printer needs it. Borrowed.
struct Captured {
  UnixNs when = 0;
  std::uint32_t length = 0;  ///< octets on the wire
  Bytes octets;              ///< those that were captured
  Link link = Link::kEthernet;
};

/// Packets as lines of text, octet for octet as tcpdump 4.99.3 prints them: Ethernet, VLAN tags,
/// ARP, IPv4, IPv6 and its extension headers, ICMP, ICMPv6 with neighbour discovery and MLD, IGMP,
/// TCP, UDP, DNS, DHCP and HTTP. It prints broken and cut packets too, and reads nothing out of
/// bounds whatever they hold. Remembers what one line needs of those before it: the number of
/// packets, their time, where connections began (bounded, see Flows).
///
///     LinePrinter printer{options};
///     for (...) write(printer.print(packet));
///
/// Thread: one.
class LinePrinter {
 public:
  explicit LinePrinter(const PrintOptions& options);

  /// The packet's lines, each with its end. `meta`: goes behind the time. Valid until the next
  /// call.
  std::string_view print(const Captured& packet, std::string_view meta = {});

  /// The packet alone, with no number, time or octets, its lines joined into one.
  std::string line(const Captured& packet);

 private:
  void print_packet(const Captured& packet);
  bool print_if_invalid(const Captured& packet);
  void print_octets(const Captured& packet);

  PrintOptions options_;
  Names names_;
  Flows flows_;
  Timestamps timestamps_;
  Printout out_;
  std::uint64_t count_ = 0;
};

}  // namespace smol::dump
