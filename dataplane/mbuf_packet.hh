#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "dataplane/config.hh"
#include "dataplane/dpdk.hh"
#include "protocols/base/bytes.hh"
#include "protocols/base/result.hh"
#include "protocols/packet/buffer.hh"
#include "protocols/packet/meta.hh"
#include "protocols/stack/config.hh"

namespace smol::dataplane {

class MbufPool;

/// The DPDK model of PacketBuffer: an owned chain of mbufs. PacketMeta lies in the private area of
/// the first one, so every mbuf that becomes an MbufPacket comes from an MbufPool (a port receives
/// into one; net_ring hands over what another port of this process received into one).
///
///   | rte_mbuf, 128 | PacketMeta and ours, 64 | headroom, 128 |XXXX data XXXX| tailroom |
///
/// share() is an indirect mbuf over the same octets. It has no tailroom, and headroom only if it
/// begins where the packet's data did: what lies around its window belongs to somebody else. hold()
/// counts up every mbuf of the chain.
class MbufPacket {
 public:
  using Node = rte_mbuf;
  using Pool = MbufPool;

  MbufPacket() noexcept = default;
  MbufPacket(MbufPacket&& other) noexcept : head_{std::exchange(other.head_, nullptr)} {}
  MbufPacket& operator=(MbufPacket&& other) noexcept {
    if (this != &other) {
      reset();
      head_ = std::exchange(other.head_, nullptr);
    }
    return *this;
  }
  MbufPacket(const MbufPacket&) = delete;
  MbufPacket& operator=(const MbufPacket&) = delete;
  ~MbufPacket() { reset(); }

  explicit operator bool() const noexcept { return head_ != nullptr; }
  std::size_t size() const noexcept { return head_->pkt_len; }
  MutBytes pull(std::size_t n) noexcept {
    if (n <= head_->data_len) [[likely]]
      return {data_of(head_), n};
    return pull_up(n);
  }
  MutBytes prepend(std::size_t n) noexcept {
    if (head_->data_off < n + floor_of(head_)) return {};
    const auto octets = static_cast<std::uint16_t>(n);
    head_->data_off = static_cast<std::uint16_t>(head_->data_off - octets);
    head_->data_len = static_cast<std::uint16_t>(head_->data_len + octets);
    head_->pkt_len += octets;
    return {data_of(head_), n};
  }
  MutBytes append(std::size_t n) noexcept;
  std::size_t tailroom() const noexcept { return tailroom_of(rte_pktmbuf_lastseg(head_)); }
  void trim_front(std::size_t n) noexcept {
    if (n < head_->data_len) [[likely]] {
      cut_front(head_, static_cast<std::uint16_t>(n));
      head_->pkt_len -= static_cast<std::uint32_t>(n);
      return;
    }
    trim_front_slow(n);
  }
  void trim_back(std::size_t n) noexcept;
  Bytes segment(std::size_t n) const noexcept {
    const rte_mbuf* at = head_;
    for (; n > 0 && at != nullptr; --n) at = at->next;
    return at == nullptr ? Bytes{} : Bytes{data_of(at), at->data_len};
  }
  std::optional<MbufPacket> share(std::size_t offset, std::size_t length) const noexcept;
  MbufPacket hold() noexcept;
  bool unique() const noexcept;
  void chain(MbufPacket other) noexcept;
  std::size_t true_size() const noexcept;
  PacketMeta& meta() noexcept { return meta_of(head_); }
  Node* release() noexcept { return std::exchange(head_, nullptr); }
  const Node* node() const noexcept { return head_; }
  static MbufPacket adopt(Node* node) noexcept { return MbufPacket{node}; }
  static PacketMeta& meta_of(Node* node) noexcept { return private_of(node).meta; }

  /// A packet fresh from a port: its metadata is written anew from what the device says of it.
  static MbufPacket received(rte_mbuf* mbuf, Instant now, InterfaceId interface) noexcept;
  /// For the port: what the packet asks of the device (meta().tx) is put into the mbuf.
  void prepare_to_send() noexcept;

 private:
  friend class MbufPool;

  /// The private area of an mbuf: one cache line.
  struct Private {
    PacketMeta meta;
    std::uint16_t floor;  ///< of a view: where in the buffer its headroom begins
  };
  static_assert(sizeof(Private) <= RTE_CACHE_LINE_SIZE);

  explicit MbufPacket(rte_mbuf* head) noexcept : head_{head} {}
  static Private& private_of(rte_mbuf* m) noexcept { return *reinterpret_cast<Private*>(m + 1); }
  static std::uint16_t floor_of(rte_mbuf* m) noexcept {
    return RTE_MBUF_DIRECT(m) ? std::uint16_t{0} : private_of(m).floor;
  }
  void reset() noexcept {
    if (head_ != nullptr) free_chain(std::exchange(head_, nullptr));
  }
  static rte_mbuf* allocate_from(rte_mempool* pool) noexcept {
    rte_mbuf* m = rte_mbuf_raw_alloc(pool);
    if (m == nullptr) [[unlikely]]
      return nullptr;
    tsan_take(m);
    rte_pktmbuf_reset(m);
    return m;
  }
  static void free_chain(rte_mbuf* m) noexcept {
    tsan_give(m);
    rte_pktmbuf_free(m);
  }
  static void free_one(rte_mbuf* m) noexcept {
    m->next = nullptr;
    m->nb_segs = 1;
    free_chain(m);
  }
  static std::uint8_t* data_of(const rte_mbuf* m) noexcept {
    return rte_pktmbuf_mtod(m, std::uint8_t*);
  }
  static std::uint16_t tailroom_of(const rte_mbuf* m) noexcept {
    return RTE_MBUF_DIRECT(m) ? rte_pktmbuf_tailroom(m) : std::uint16_t{0};
  }
  static void cut_front(rte_mbuf* m, std::uint16_t n) noexcept {
    m->data_off = static_cast<std::uint16_t>(m->data_off + n);
    m->data_len = static_cast<std::uint16_t>(m->data_len - n);
  }
  MutBytes pull_up(std::size_t n) noexcept;
  void trim_front_slow(std::size_t n) noexcept;

  rte_mbuf* head_ = nullptr;
};

/// Two mempools that belong together: full-size mbufs, and small ones for headers and for indirect
/// views. Last in, first out, so that the buffers in circulation stay few and warm. All memory is
/// taken at construction. Thread: create and destroy on any; allocate on the owner, free on any EAL
/// or registered thread.
class MbufPool {
 public:
  static constexpr std::uint16_t kHeadroom = RTE_PKTMBUF_HEADROOM;
  static constexpr std::uint16_t kDataRoom = 2048;                ///< octets behind the headroom
  static constexpr std::uint16_t kSmallDataRoom = 128;            ///< of a small one
  static constexpr std::uint16_t kPrivate = RTE_CACHE_LINE_SIZE;  ///< of an mbuf, for PacketMeta

  /// `name`: unique in the process, up to 20 characters. `numa_node`: of the worker, -1: any.
  /// `shared`: other workers give back packets of it; one that is held up halfway holds up nobody.
  static Result<std::unique_ptr<MbufPool>, StartError> create(const std::string& name,
                                                              const PoolConfig& config,
                                                              int numa_node, bool shared = false);
  ~MbufPool();
  MbufPool(const MbufPool&) = delete;
  MbufPool& operator=(const MbufPool&) = delete;

  MbufPacket allocate() noexcept { return take(full_); }
  MbufPacket allocate_small() noexcept { return take(small_); }
  /// Exact but for what other threads' caches hold. A few loads: no scan over caches.
  std::size_t available() const noexcept { return count(full_); }
  std::size_t capacity() const noexcept { return full_->size; }
  std::size_t small_available() const noexcept { return count(small_); }
  std::size_t small_capacity() const noexcept { return small_->size; }

  /// Packets that somebody has, whoever's cache the others are in. Thread: any. Scans all caches:
  /// for people.
  std::size_t in_use() const noexcept {
    return rte_mempool_in_use_count(full_) + rte_mempool_in_use_count(small_);
  }

  /// Where a port's receive queue takes its buffers from.
  rte_mempool* rx_mempool() noexcept { return full_; }

  /// Octets of DPDK memory that a pool of this size takes.
  static std::size_t memory_octets(const PoolConfig& config) noexcept;

 private:
  MbufPool(rte_mempool* full, rte_mempool* small) noexcept : full_{full}, small_{small} {}

  static MbufPacket take(rte_mempool* pool) noexcept {
    rte_mbuf* mbuf = MbufPacket::allocate_from(pool);
    if (mbuf == nullptr) [[unlikely]]
      return {};
    MbufPacket::meta_of(mbuf) = PacketMeta{};
    return MbufPacket{mbuf};
  }
  static std::size_t count(rte_mempool* pool) noexcept {
    const rte_mempool_cache* cache = rte_mempool_default_cache(pool, rte_lcore_id());
    // The "stack" operations keep an rte_stack there.
    return rte_stack_count(static_cast<rte_stack*>(pool->pool_data)) +
           (cache == nullptr ? 0 : cache->len);
  }

  rte_mempool* full_;
  rte_mempool* small_;
};

}  // namespace smol::dataplane
