#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "protocols/base/checksum.hh"
#include "tools/dump/octets.hh"
#include "tools/dump/printout.hh"

/// One function a protocol. `octets`: what was captured from the protocol's first octet on; it may
/// reach past `length`, the octets that the layer below says there are, which were on the wire
/// whether they were captured or not. All throw Cut where the capture ends too early.
namespace smol::dump {

/// The IP packet around a message: its addresses are printed with its ports, and summed.
struct Carrier {
  Octets packet;               ///< from the IP header on
  std::uint8_t version = 4;    ///< 4 or 6
  std::uint8_t protocol = 0;   ///< what the header itself is followed by
  std::uint8_t hop_limit = 0;  ///< or TTL
  bool fragment = false;       ///< only the first piece of the message is here

  std::string source(Printout& out) const;
  std::string destination(Printout& out) const;
  Bytes source_octets() const;
  Bytes destination_octets() const;
  /// Whether `message` of `length` octets verifies with the pseudo-header. Precondition: all of it
  /// was captured. `shouldbe`: what the field, now `field`, would have to hold.
  struct Verdict {
    bool right = false;
    std::uint16_t shouldbe = 0;
  };
  Verdict verify(const Octets& message, std::size_t length, std::uint8_t next_protocol,
                 std::uint16_t field) const;
};

/// What a checksum field should hold: `sum` is over all it covers, with `field` in it.
std::uint16_t checksum_should_be(std::uint16_t field, InternetSum sum) noexcept;

/// An Ethernet frame. Sets out.link_header, VLAN tags included.
void print_ethernet(Printout& out, const Octets& octets, std::size_t length);
/// What follows an EtherType. False: not a protocol that is printed here.
bool print_ethertype(Printout& out, std::uint16_t type, const Octets& octets, std::size_t length);
/// What follows the length of an 802.3 frame; its header is added to out.link_header. `source`,
/// `destination`: 6 octets each, shown when no protocol is found behind the header.
void print_llc(Printout& out, const Octets& octets, std::size_t length, Bytes source,
               Bytes destination);
/// IPv4 or IPv6, told apart by the version.
void print_raw_ip(Printout& out, const Octets& octets, std::size_t length);

void print_arp(Printout& out, const Octets& octets, std::size_t length);
void print_ip4(Printout& out, const Octets& octets, std::size_t length);
/// False: an option was not captured to its end.
bool print_ip4_options(Printout& out, const Octets& octets, std::size_t length);
void print_ip6(Printout& out, const Octets& octets, std::size_t length);
/// What follows an IP header and its extension headers.
void print_ip_payload(Printout& out, const Octets& octets, std::size_t length,
                      std::uint8_t protocol, const Carrier& carrier);

/// Extension headers. Each returns its octets, 0 if nothing is to be printed behind it.
/// `payload_length`: of the fixed header. `jumbo_length`: what it is instead, if that is allowed.
std::size_t print_hop_by_hop(Printout& out, const Octets& octets, std::size_t payload_length,
                             std::optional<std::uint32_t>& jumbo_length);
std::size_t print_destination_options(Printout& out, const Octets& octets);
std::size_t print_routing(Printout& out, const Octets& octets);
/// `left`: octets of the packet from this header on.
std::size_t print_fragment(Printout& out, const Octets& octets, std::size_t left);

void print_icmp4(Printout& out, const Octets& octets, std::size_t length, const Carrier& carrier);
/// What RFC 4884 puts behind the packet that an error quotes. `told`: the error says that it is
/// there.
void print_icmp_extensions(Printout& out, const Octets& octets, std::size_t length, bool told);
void print_icmp6(Printout& out, const Octets& octets, std::size_t length, const Carrier& carrier);
void print_nd_options(Printout& out, const Octets& octets, std::size_t length);
void print_mld_query(Printout& out, const Octets& octets, std::size_t length);
void print_mld_report(Printout& out, const Octets& octets, std::size_t length);
void print_mld1(Printout& out, const Octets& octets);
void print_igmp(Printout& out, const Octets& octets, std::size_t length);

/// How IGMPv3 and MLDv2 differ where they say the same.
struct GroupForm {
  std::size_t address_octets;  ///< 4 or 16
  const char* version;         ///< "v3": of records that have no name
};
/// The sources of a query, from `at` on.
void print_query_sources(Printout& out, const Octets& octets, std::size_t at, std::size_t count,
                         std::size_t length, GroupForm form);
/// The group records of a report, from its eighth octet on.
void print_group_records(Printout& out, const Octets& octets, std::size_t length, GroupForm form);

void print_udp(Printout& out, const Octets& octets, std::size_t length, const Carrier& carrier);
void print_tcp(Printout& out, const Octets& octets, std::size_t length, const Carrier& carrier);
/// The options behind the fixed part of a TCP header. `header`: from its first octet on.
/// `options_length`: octets of options, as the header says. `sack_base`: what to take off the edges
/// of SACK blocks. `whole_segment`: all of it was captured. False: the options are bad, and nothing
/// more is to be printed.
bool print_tcp_options(Printout& out, const Octets& header, std::size_t options_length,
                       std::uint32_t sack_base, bool whole_segment);

/// DNS. `over_tcp`: two octets of length come first.
void print_dns(Printout& out, const Octets& octets, std::size_t length, bool multicast,
               bool over_tcp);
/// Prints the domain name at `at` of `message`, pointers followed. Returns where it ends, or 0 if
/// it does not hold.
std::size_t print_domain_name(Printout& out, const Octets& message, std::size_t at);
void print_bootp(Printout& out, const Octets& octets, std::size_t length);
/// RFC 2132's options, from their cookie on.
void print_dhcp_options(Printout& out, const Octets& octets);

/// A protocol of text lines: its first line, or with -v all of them.
struct TextProtocol;
extern const TextProtocol kHttp;
extern const TextProtocol kFtp;
extern const TextProtocol kSmtp;
extern const TextProtocol kRtsp;
extern const TextProtocol kWhois;
void print_text_protocol(Printout& out, const TextProtocol& protocol, const Octets& octets,
                         std::size_t length);

/// What IP protocols and EtherTypes are called with -v and -e; nullptr: nothing.
const char* ip_protocol_name(std::uint8_t protocol) noexcept;
const char* ethertype_name(std::uint16_t type) noexcept;
/// What ARP's and BOOTP's hardware types are called; nullptr: nothing.
const char* hardware_name(std::uint16_t type) noexcept;

/// A packet in a packet: throws Nested when they are deeper than any honest one.
struct Nested {};
class Deeper {
 public:
  static constexpr int kDeepest = 64;
  explicit Deeper(Printout& out) : out_{out} {
    if (out_.depth >= kDeepest) throw Nested{};
    ++out_.depth;
  }
  ~Deeper() { --out_.depth; }
  Deeper(const Deeper&) = delete;
  Deeper& operator=(const Deeper&) = delete;

 private:
  Printout& out_;
};

}  // namespace smol::dump
