#pragma once

#include <cstdint>
#include <optional>

#include "protocols/base/address.hh"
#include "protocols/iface/config.hh"

namespace smol {

/// What a message on the link told of a neighbour, as the interface's home worker heard it.
struct NeighborNews {
  enum class Kind : std::uint8_t {
    kSpoke,       ///< of itself, while asking (RFC 4861 section 7.2.3)
    kAdvertised,  ///< an ARP reply or a neighbour advertisement (section 7.2.5)
  };
  Kind kind = Kind::kSpoke;
  bool create = false;  ///< it asked for us, so we shall want to answer it
  bool solicited = false;
  bool override_ = false;
  bool is_router = false;
  InterfaceId interface = 0;
  std::optional<MacAddress> mac;  ///< of kSpoke always there
  IpAddress address;
};

/// A worker needs to know a neighbour.
struct NeighborQuestion {
  bool still_there = false;  ///< it knows where; it has not been heard of for a while
  InterfaceId interface = 0;
  IpAddress address;
};

/// The other workers' stacks, as one stack sees them. The driver's; a stack without has none.
class Colleagues {
 public:
  virtual ~Colleagues() = default;
  /// To the interface's home worker, which answers with news as soon as there are any. It may get
  /// lost: who asked asks again.
  virtual void ask(const NeighborQuestion& question) noexcept = 0;
  /// To all others. It may get lost: who needs it asks.
  virtual void tell(const NeighborNews& news) noexcept = 0;
  /// A UDP socket of this worker wants this port. `alone`: datagrams to it come to this worker from
  /// then on, whatever their flow; else all workers that have it share them out by flow. False:
  /// another worker has it alone, or this is to have it alone and another has it. Once a socket.
  virtual bool take_udp_port(std::uint16_t port, bool alone) noexcept = 0;
  virtual void release_udp_port(std::uint16_t port) noexcept = 0;
};

}  // namespace smol
