#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/mbuf_packet.hh"

struct rte_mbuf;
struct rte_ring;

namespace smol::dataplane::testing {

using Octets = std::vector<std::uint8_t>;

/// A net_ring device made of two rings a queue, of which the test holds the other ends.
class RingLink {
 public:
  /// `name`: unique in the process. `slots`: a power of two; one fewer packets fit.
  explicit RingLink(const std::string& name, unsigned slots = 1024, unsigned queues = 1);
  ~RingLink();
  RingLink(const RingLink&) = delete;
  RingLink& operator=(const RingLink&) = delete;

  /// For PortConfig.
  std::string device() const { return "net_ring_" + name_; }

  /// The frame waits for the next poll of that queue of the port. False: the ring is full.
  bool put(const Octets& frame, unsigned queue = 0);
  /// The same as a device gives it that merged TCP segments of so much text each.
  bool put_merged(const Octets& frame, std::uint16_t segment_size);
  /// What the port sent, queue by queue, in order.
  std::vector<Octets> take();
  /// As take(), without copying or freeing: what is done with it is the receiver's business.
  std::vector<MbufPacket> take_packets();

 private:
  rte_mbuf* chain_of(const Octets& frame);
  bool enqueue(rte_mbuf* mbuf, unsigned queue);

  std::string name_;
  std::unique_ptr<MbufPool> pool_;
  std::vector<rte_ring*> to_port_;  ///< by queue
  std::vector<rte_ring*> from_port_;
};

}  // namespace smol::dataplane::testing
