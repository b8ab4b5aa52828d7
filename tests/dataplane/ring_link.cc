#include "tests/dataplane/ring_link.hh"

#include <rte_bus_vdev.h>
#include <rte_eth_ring.h>
#include <rte_ring.h>

#include "protocols/base/check.hh"

namespace smol::dataplane::testing {

RingLink::RingLink(const std::string& name, unsigned slots, unsigned queues)
    : name_{name},
      pool_{MbufPool::create("link-" + name, {.packets = 4096, .small_packets = 64}, -1).value()} {
  for (unsigned queue = 0; queue < queues; ++queue) {
    const std::string which = name + std::to_string(queue);
    to_port_.push_back(rte_ring_create((which + "-in").c_str(), slots, SOCKET_ID_ANY, 0));
    from_port_.push_back(rte_ring_create((which + "-out").c_str(), slots, SOCKET_ID_ANY, 0));
    SMOL_CHECK(to_port_.back() != nullptr && from_port_.back() != nullptr);
  }
  SMOL_CHECK(
      rte_eth_from_rings(name.c_str(), to_port_.data(), queues, from_port_.data(), queues, 0) >= 0);
}

RingLink::~RingLink() {
  rte_vdev_uninit(device().c_str());
  take_packets();
  for (rte_ring* ring : to_port_) {
    void* mbuf = nullptr;
    while (rte_ring_dequeue(ring, &mbuf) == 0) rte_pktmbuf_free(static_cast<rte_mbuf*>(mbuf));
    rte_ring_free(ring);
  }
  for (rte_ring* ring : from_port_) rte_ring_free(ring);
}

rte_mbuf* RingLink::chain_of(const Octets& frame) {
  MbufPacket packet;
  for (std::size_t done = 0; done < frame.size();) {
    MbufPacket piece = pool_->allocate();
    SMOL_CHECK(piece);
    const std::size_t size = std::min(piece.tailroom(), frame.size() - done);
    copy_bytes(piece.append(size), Bytes{frame}.subspan(done, size));
    done += size;
    if (packet) {
      packet.chain(std::move(piece));
    } else {
      packet = std::move(piece);
    }
  }
  return packet.release();
}

bool RingLink::put(const Octets& frame, unsigned queue) {
  return enqueue(chain_of(frame), queue);
}

bool RingLink::put_merged(const Octets& frame, std::uint16_t segment_size) {
  rte_mbuf* mbuf = chain_of(frame);
  mbuf->ol_flags |= RTE_MBUF_F_RX_LRO;
  mbuf->tso_segsz = segment_size;
  return enqueue(mbuf, 0);
}

bool RingLink::enqueue(rte_mbuf* mbuf, unsigned queue) {
  tsan_give(mbuf);
  if (rte_ring_enqueue(to_port_[queue], mbuf) == 0) return true;
  MbufPacket::adopt(mbuf);
  return false;
}

std::vector<MbufPacket> RingLink::take_packets() {
  std::vector<MbufPacket> out;
  for (rte_ring* ring : from_port_) {
    void* mbuf = nullptr;
    while (rte_ring_dequeue(ring, &mbuf) == 0) {
      tsan_take(static_cast<rte_mbuf*>(mbuf));
      out.push_back(MbufPacket::adopt(static_cast<rte_mbuf*>(mbuf)));
    }
  }
  return out;
}

std::vector<Octets> RingLink::take() {
  std::vector<Octets> out;
  for (const MbufPacket& packet : take_packets()) {
    out.emplace_back(packet.size());
    packet_copy(packet, 0, out.back());
  }
  return out;
}

}  // namespace smol::dataplane::testing
