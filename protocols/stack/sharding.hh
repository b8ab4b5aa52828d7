// Which worker's stack a packet is for. Each worker has a complete stack of its own; a flow has one
// owner, and both of its directions have the same.
#pragma once

#include <array>
#include <cstdint>

#include "protocols/base/address.hh"
#include "protocols/base/bytes.hh"
#include "protocols/iface/config.hh"

namespace smol {

/// The Toeplitz hash by which network cards spread flows (receive side scaling), with a key that
/// repeats after 16 bits: symmetric, so that both directions of a flow meet the same queue. By the
/// key's period the hash of a flow depends on the exclusive or of its 16-bit words only, and costs
/// two look-ups. Every key made here spreads the 65,536 values of that word evenly.
class FlowHash {
 public:
  /// The key that Woo and Park proposed, with `pattern` in place of 0x6d5a. A pattern with an even
  /// number of ones could not tell all words apart: its last bit is turned.
  explicit FlowHash(std::uint16_t pattern = 0x6d5a) noexcept;

  /// `word`: the exclusive or of all 16-bit words of source, destination and ports, as in the
  /// packet.
  std::uint32_t operator()(std::uint16_t word) const noexcept {
    const auto half = static_cast<std::uint32_t>(high_[word >> 8] ^ low_[word & 0xff]);
    return half << 16 | half;
  }
  /// The key for a device, of any length.
  void write_key(MutBytes out) const noexcept;

 private:
  std::uint16_t pattern_;
  std::array<std::uint16_t, 256> high_;  ///< by the first octet of a word
  std::array<std::uint16_t, 256> low_;
};

/// How a frame is given to a worker.
struct Steer {
  enum class By : std::uint8_t {
    kHome,        ///< the interface's home worker: no flow, or all workers' business
    kFlow,        ///< by the hash of `word`
    kUdpPort,     ///< by whoever claimed `port`, else by the hash of `word`
    kIdentifier,  ///< of an echo that we sent: its sender chose it so
  };
  By by = By::kHome;
  std::uint16_t word = 0;  ///< folded addresses, and ports or what fragments share; an identifier
  std::uint16_t port = 0;  ///< destination port of a UDP datagram
};

/// Reads as much of a frame (Ethernet header first, up to two VLAN tags) as it takes to steer it:
/// flows of TCP and UDP by addresses and ports; fragments by addresses and identification, so that
/// those of one datagram meet; ICMP errors as the packet that they quote; echo replies by
/// identifier; all else, multicast and what cannot be read, home. `front`: the contiguous front of
/// the frame; 128 octets are enough.
Steer steer(Bytes front) noexcept;

/// Which of the workers this is, and who owns what. A value; equal on all workers but for the
/// index.
class Sharding {
 public:
  /// Buckets of the hash that workers share out, if the devices have no smaller table.
  static constexpr std::uint32_t kBuckets = 512;

  /// One worker, which owns everything.
  Sharding() noexcept : Sharding{1, 0, FlowHash{}} {}
  /// Precondition: index < workers. `buckets`: a power of two; bucket b is worker b % workers'.
  Sharding(unsigned workers, unsigned index, const FlowHash& hash,
           std::uint32_t buckets = kBuckets) noexcept
      : hash_{hash}, workers_{workers}, index_{index}, mask_{buckets - 1} {}

  unsigned workers() const noexcept { return workers_; }
  unsigned index() const noexcept { return index_; }
  bool is_shared() const noexcept { return workers_ > 1; }
  std::uint32_t buckets() const noexcept { return mask_ + 1; }
  const FlowHash& hash() const noexcept { return hash_; }

  /// The worker that speaks for an interface: ARP, neighbour discovery, groups.
  unsigned home(InterfaceId interface) const noexcept { return interface % workers_; }
  bool is_home(InterfaceId interface) const noexcept { return home(interface) == index_; }
  unsigned owner_of_word(std::uint16_t word) const noexcept {
    return (hash_(word) & mask_) % workers_;
  }
  /// Of a flow of TCP or UDP, whichever end is which.
  unsigned owner(const IpEndpoint& one, const IpEndpoint& other) const noexcept;
  bool owns(const IpEndpoint& one, const IpEndpoint& other) const noexcept {
    return !is_shared() || owner(one, other) == index_;
  }
  unsigned owner_of_identifier(std::uint16_t identifier) const noexcept {
    return identifier % workers_;
  }

 private:
  FlowHash hash_;
  unsigned workers_;
  unsigned index_;
  std::uint32_t mask_;
};

}  // namespace smol
