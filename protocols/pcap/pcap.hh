#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "protocols/base/bytes.hh"

/// Capture files and streams as tcpdump, tshark and Wireshark read them: classic pcap with
/// nanoseconds, and pcapng. Everything is built in the caller's buffer: no file, no memory of its
/// own. Octets are little-endian on every machine; both formats tell their reader.
/// Formats: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng. Thread: any.
///
/// Every write_*() returns how many octets of `out` it filled, and 0 if the whole of it does not
/// fit: a record is written or it is not. size_of() says beforehand what fits.
namespace smol::pcap {

/// What a packet begins with (https://www.tcpdump.org/linktypes.html).
enum class LinkType : std::uint16_t {
  kEthernet = 1,
  kRawIp = 101,
  kIeee802154NoFcs = 230,
};

/// As the interface saw the packet (pcapng's epb_flags).
enum class Direction : std::uint8_t { kUnknown, kInbound, kOutbound };

/// A packet for either format. Classic pcap keeps the time, the lengths and the octets.
struct Packet {
  std::int64_t unix_ns = 0;     ///< nanoseconds since 1970; not negative
  std::uint32_t length = 0;     ///< octets of the frame on the wire
  Bytes octets;                 ///< those that were kept: the first `octets.size()` of them
  std::uint32_t interface = 0;  ///< by order of its description in the section
  Direction direction = Direction::kUnknown;
  std::uint64_t dropped_before = 0;        ///< since the packet before on this interface; 0: unsaid
  std::optional<std::uint64_t> packet_id;  ///< the same packet at another place has the same one
  std::optional<std::uint32_t> queue;      ///< of the interface
  std::string_view comment;                ///< UTF-8; empty: none. Past 65,535 octets it is cut
};

// --- classic pcap

inline constexpr std::size_t kFileHeaderOctets = 24;
inline constexpr std::size_t kRecordHeaderOctets = 16;

/// The 24 octets that a file begins with. `snap_length`: the most octets that a packet will have.
std::size_t write_file_header(MutBytes out, LinkType link, std::uint32_t snap_length) noexcept;

/// Header and octets of a record.
std::size_t write_record(MutBytes out, const Packet& packet) noexcept;
constexpr std::size_t size_of_record(const Packet& packet) noexcept {
  return kRecordHeaderOctets + packet.octets.size();
}

// --- pcapng: blocks, each a multiple of four octets
//
//   section header, interface descriptions, packets and statistics in any order

/// A section begins: interface numbers start from 0 again. Its length is left unsaid, as a stream
/// has to.
struct Section {
  std::string_view hardware;  ///< empty: unsaid, as with all texts here
  std::string_view os;
  std::string_view application;
  std::string_view comment;
};
std::size_t write_section(MutBytes out, const Section& section) noexcept;
std::size_t size_of(const Section& section) noexcept;

/// An interface; its number is how many stood before it in the section. Times are in nanoseconds.
struct Interface {
  LinkType link = LinkType::kEthernet;
  std::uint32_t snap_length = 0;  ///< 0: no limit
  std::string_view name;
  std::string_view description;
  std::string_view filter;  ///< pcap-filter(7) expression that was captured with
};
std::size_t write_interface(MutBytes out, const Interface& interface) noexcept;
std::size_t size_of(const Interface& interface) noexcept;

/// An enhanced packet block.
std::size_t write_packet(MutBytes out, const Packet& packet) noexcept;
std::size_t size_of(const Packet& packet) noexcept;

/// What became of an interface's packets, from the start of the capture until `unix_ns`.
struct Statistics {
  std::uint32_t interface = 0;
  std::int64_t unix_ns = 0;
  std::optional<std::uint64_t> received;    ///< reached the interface (isb_ifrecv)
  std::optional<std::uint64_t> dropped;     ///< lost for want of room (isb_ifdrop)
  std::optional<std::uint64_t> accepted;    ///< passed the filter (isb_filteraccept)
  std::optional<std::uint64_t> os_dropped;  ///< lost behind the filter (isb_osdrop)
  std::optional<std::uint64_t> delivered;   ///< reached the user (isb_usrdeliv)
};
std::size_t write_statistics(MutBytes out, const Statistics& statistics) noexcept;
std::size_t size_of(const Statistics& statistics) noexcept;

}  // namespace smol::pcap
