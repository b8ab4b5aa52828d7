#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "dataplane/errand.hh"
#include "dataplane/handover_ring.hh"
#include "protocols/stack/colleagues.hh"
#include "protocols/stack/sharding.hh"

struct rte_mbuf;

namespace smol::dataplane {

/// A packet on its way from one worker to another.
class HandedPacket {
 public:
  constexpr HandedPacket() noexcept = default;
  HandedPacket(rte_mbuf* mbuf, bool to_send) noexcept
      : word_{reinterpret_cast<std::uintptr_t>(mbuf) | (to_send ? 1u : 0u)} {}

  /// An MbufPacket's node; its meta().interface says where it belongs.
  rte_mbuf* mbuf() const noexcept {
    return reinterpret_cast<rte_mbuf*>(word_ & ~std::uintptr_t{1});
  }
  /// Out by a queue of the taker; else it was received, and is of a flow of his.
  bool to_send() const noexcept { return (word_ & 1) != 0; }

 private:
  std::uintptr_t word_ = 0;
};

/// A word between workers about a neighbour.
struct NeighborMessage {
  bool is_question = false;
  NeighborQuestion question;
  NeighborNews news;
};

/// What the workers of a daemon share: who owns what, the rings between each two of them, the UDP
/// ports that a worker has alone, and how they end together. Made before the workers, outlives
/// them.
class Team {
 public:
  /// What waits between two workers: a turn's worth of bursts. More of it is loss, and counted.
  static constexpr std::size_t kPackets = 1024;
  static constexpr std::size_t kMessages = 128;

  /// `buckets`: as of Sharding.
  Team(unsigned workers, const FlowHash& hash, std::uint32_t buckets);
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  unsigned workers() const noexcept { return workers_; }
  Sharding sharding(unsigned worker) const noexcept { return {workers_, worker, hash_, buckets_}; }

  // --- rings; `from` and `to` differ

  HandoverRing<HandedPacket, kPackets>& packets(unsigned from, unsigned to) noexcept {
    return ring(from, to).packets;
  }
  HandoverRing<NeighborMessage, kMessages>& messages(unsigned from, unsigned to) noexcept {
    return ring(from, to).messages;
  }
  /// Before the workers run: what wakes each.
  void set_waker(unsigned worker, Desk::Waker* waker) noexcept { wakers_[worker] = waker; }
  /// What the caller pushed is seen by the worker's next turn, which comes at once. Thread: any.
  void wake(unsigned worker) noexcept;

  // --- UDP ports; thread: any

  /// As Colleagues::take_udp_port(). Calls, not packets.
  bool take_udp_port(unsigned worker, std::uint16_t port, bool alone) noexcept;
  void release_udp_port(std::uint16_t port) noexcept;
  /// Who has the port alone, counted from 1; 0: nobody.
  unsigned holder_of_udp_port(std::uint16_t port) const noexcept {
    return udp_ports_[port].load(std::memory_order_relaxed) >> kHolderShift;
  }

  // --- the end: a worker turns on until all have drained, for others' packets may come by it

  void has_drained() noexcept { draining_.fetch_sub(1, std::memory_order_seq_cst); }
  bool all_drained() const noexcept { return draining_.load(std::memory_order_relaxed) == 0; }

 private:
  struct Ring {
    HandoverRing<HandedPacket, kPackets> packets;
    HandoverRing<NeighborMessage, kMessages> messages;
  };
  /// In a port's word: above, who has it alone, from 1; below, how many sockets have it.
  static constexpr unsigned kHolderShift = 20;

  Ring& ring(unsigned from, unsigned to) noexcept { return *rings_[from * workers_ + to]; }

  const unsigned workers_;
  const FlowHash hash_;
  const std::uint32_t buckets_;
  std::vector<std::unique_ptr<Ring>> rings_;
  std::vector<Desk::Waker*> wakers_;
  std::vector<std::atomic<std::uint32_t>> udp_ports_;
  std::atomic<unsigned> draining_;
};

}  // namespace smol::dataplane
