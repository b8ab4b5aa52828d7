#include "dataplane/mbuf_packet.hh"

#include <algorithm>
#include <cstring>

#include "dataplane/eal.hh"

namespace smol::dataplane {

static_assert(PacketBuffer<MbufPacket>);
static_assert(PacketPool<MbufPool, MbufPacket>);

namespace {

/// What each mempool carries beside DPDK's own: where a packet of it gets views of itself.
struct PoolPrivate {
  rte_pktmbuf_pool_private dpdk;
  rte_mempool* views;
};

rte_mempool* views_of(const rte_mbuf* m) noexcept {
  return static_cast<PoolPrivate*>(rte_mempool_get_priv(m->pool))->views;
}

constexpr std::uint32_t element_octets(std::uint16_t data_room) noexcept {
  return static_cast<std::uint32_t>(sizeof(rte_mbuf)) + MbufPool::kPrivate + MbufPool::kHeadroom +
         data_room;
}

/// A mempool caches per thread up to 512 buffers; more than two thirds of a pool make no sense.
std::uint32_t cache_size(std::uint32_t packets) noexcept {
  return std::min<std::uint32_t>(RTE_MEMPOOL_CACHE_MAX_SIZE, packets / 4);
}

rte_mempool* create_mempool(const std::string& name, std::uint32_t packets, std::uint16_t data_room,
                            int numa_node, bool shared) {
  rte_mempool* pool =
      rte_mempool_create_empty(name.c_str(), packets, element_octets(data_room),
                               cache_size(packets), sizeof(PoolPrivate), numa_node, 0);
  if (pool == nullptr) return nullptr;
  // A ring would cycle through all of the pool's memory; a stack reuses what is still in the cache.
  if (rte_mempool_set_ops_byname(pool, shared ? "lf_stack" : "stack", nullptr) != 0) {
    rte_mempool_free(pool);
    return nullptr;
  }
  PoolPrivate settings{};
  settings.dpdk.mbuf_data_room_size = static_cast<std::uint16_t>(MbufPool::kHeadroom + data_room);
  settings.dpdk.mbuf_priv_size = MbufPool::kPrivate;
  rte_pktmbuf_pool_init(pool, &settings.dpdk);
  if (rte_mempool_populate_default(pool) < 0) {
    rte_mempool_free(pool);
    return nullptr;
  }
  rte_mempool_obj_iter(pool, rte_pktmbuf_init, nullptr);
  return pool;
}

}  // namespace

Result<std::unique_ptr<MbufPool>, StartError> MbufPool::create(const std::string& name,
                                                               const PoolConfig& config,
                                                               int numa_node, bool shared) {
  const std::string wanted = std::to_string(config.packets) + " + " +
                             std::to_string(config.small_packets) + " packets take " +
                             std::to_string(memory_octets(config) >> 20) + " MiB";
  // All of it is touched here: the kernel would not refuse, but kill.
  if (const std::size_t free = available_memory_octets();
      rte_eal_has_hugepages() == 0 && memory_octets(config) > free) {
    return fail(StartError{"packet pool: " + wanted + ", and " + std::to_string(free >> 20) +
                           " MiB are free: lower pool.packets"});
  }
  rte_mempool* full = create_mempool(name, config.packets, kDataRoom, numa_node, shared);
  rte_mempool* small = full == nullptr ? nullptr
                                       : create_mempool(name + "-small", config.small_packets,
                                                        kSmallDataRoom, numa_node, shared);
  if (small == nullptr) {
    rte_mempool_free(full);
    return fail(StartError{"packet pool: " + wanted +
                           ", more than DPDK has: lower pool.packets or raise eal.memory_mb"});
  }
  static_cast<PoolPrivate*>(rte_mempool_get_priv(full))->views = small;
  static_cast<PoolPrivate*>(rte_mempool_get_priv(small))->views = small;
  return std::unique_ptr<MbufPool>{new MbufPool{full, small}};
}

MbufPool::~MbufPool() {
  rte_mempool_free(full_);
  rte_mempool_free(small_);
}

std::size_t MbufPool::memory_octets(const PoolConfig& config) noexcept {
  // The mempool's own header and the alignment to cache lines cost up to two lines an element.
  constexpr std::size_t kOverhead = 2 * RTE_CACHE_LINE_SIZE;
  return config.packets * (element_octets(kDataRoom) + kOverhead) +
         config.small_packets * (element_octets(kSmallDataRoom) + kOverhead);
}

MbufPacket MbufPacket::received(rte_mbuf* mbuf, Instant now, InterfaceId interface) noexcept {
  PacketMeta& meta = meta_of(mbuf);
  meta = PacketMeta{};
  meta.at = now;
  meta.interface = interface;
  const std::uint64_t flags = mbuf->ol_flags;
  if ((flags & (RTE_MBUF_F_RX_IP_CKSUM_MASK | RTE_MBUF_F_RX_L4_CKSUM_MASK)) != 0) {
    const std::uint64_t ip = flags & RTE_MBUF_F_RX_IP_CKSUM_MASK;
    const std::uint64_t l4 = flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;
    // NONE is a virtual device's "not filled in, but not damaged"; it is verified like UNKNOWN,
    // because whoever is on the other side of a wire may have set it off.
    if (ip == RTE_MBUF_F_RX_IP_CKSUM_GOOD) meta.ip_checksum = ChecksumState::kGood;
    if (ip == RTE_MBUF_F_RX_IP_CKSUM_BAD) meta.ip_checksum = ChecksumState::kBad;
    if (l4 == RTE_MBUF_F_RX_L4_CKSUM_GOOD) meta.l4_checksum = ChecksumState::kGood;
    if (l4 == RTE_MBUF_F_RX_L4_CKSUM_BAD) meta.l4_checksum = ChecksumState::kBad;
    // Our own tap says where it goes, and there is no wire.
    if (l4 == RTE_MBUF_F_RX_L4_CKSUM_NONE && (flags & RTE_MBUF_F_TX_L4_MASK) != 0) {
      const std::uint64_t asked = flags & RTE_MBUF_F_TX_L4_MASK;
      meta.l4_checksum = ChecksumState::kGood;
      meta.tx.l2_len = mbuf->l2_len;
      meta.tx.l3_len = mbuf->l3_len;
      meta.tx.tcp_checksum = asked == RTE_MBUF_F_TX_TCP_CKSUM;
      meta.tx.udp_checksum = asked == RTE_MBUF_F_TX_UDP_CKSUM;
    }
  }
  if ((flags & RTE_MBUF_F_RX_RSS_HASH) != 0) {
    meta.hash = mbuf->hash.rss;
    meta.hash_valid = true;
  }
  return MbufPacket{mbuf};
}

void MbufPacket::prepare_to_send() noexcept {
  const TxOffload& tx = meta().tx;
  std::uint64_t flags = head_->ol_flags & (RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL);
  if (tx.any()) {
    const bool v6 = (data_of(head_)[tx.l2_len] >> 4) == 6;
    flags |= v6 ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4;
    if (tx.ip4_checksum) flags |= RTE_MBUF_F_TX_IP_CKSUM;
    if (tx.udp_checksum) flags |= RTE_MBUF_F_TX_UDP_CKSUM;
    if (tx.tcp_checksum) flags |= RTE_MBUF_F_TX_TCP_CKSUM;
    if (tx.segment_size != 0) flags |= RTE_MBUF_F_TX_TCP_SEG;
    head_->tx_offload = 0;
    head_->l2_len = tx.l2_len & 0x7f;
    head_->l3_len = tx.l3_len & 0x1ff;
    head_->l4_len = tx.l4_len;
    head_->tso_segsz = tx.segment_size;
  }
  head_->ol_flags = flags;
}

MutBytes MbufPacket::append(std::size_t n) noexcept {
  rte_mbuf* last = rte_pktmbuf_lastseg(head_);
  if (tailroom_of(last) < n) return {};
  std::uint8_t* at = data_of(last) + last->data_len;
  last->data_len = static_cast<std::uint16_t>(last->data_len + n);
  head_->pkt_len += static_cast<std::uint32_t>(n);
  return {at, n};
}

void MbufPacket::trim_front_slow(std::size_t n) noexcept {
  SMOL_CHECK(n <= head_->pkt_len);
  std::uint32_t left = head_->pkt_len - static_cast<std::uint32_t>(n);
  while (n > head_->data_len || (n == head_->data_len && head_->next != nullptr)) {
    n -= head_->data_len;
    rte_mbuf* first = head_;
    rte_mbuf* next = first->next;
    SMOL_CHECK(next != nullptr);
    meta_of(next) = meta_of(first);
    next->nb_segs = static_cast<std::uint16_t>(first->nb_segs - 1);
    head_ = next;
    free_one(first);
  }
  cut_front(head_, static_cast<std::uint16_t>(n));
  head_->pkt_len = left;
}

void MbufPacket::trim_back(std::size_t n) noexcept {
  SMOL_CHECK(n <= head_->pkt_len);
  std::uint32_t keep = head_->pkt_len - static_cast<std::uint32_t>(n);
  head_->pkt_len = keep;
  rte_mbuf* at = head_;
  std::uint16_t segments = 1;
  for (; at->next != nullptr && keep > at->data_len; at = at->next, ++segments) {
    keep -= at->data_len;
  }
  at->data_len = static_cast<std::uint16_t>(keep);
  if (at->next != nullptr) {
    free_chain(std::exchange(at->next, nullptr));
    head_->nb_segs = segments;
  }
}

MutBytes MbufPacket::pull_up(std::size_t n) noexcept {
  if (n > head_->pkt_len) return {};
  const std::size_t missing = n - head_->data_len;
  if (tailroom_of(head_) < missing || rte_mbuf_refcnt_read(head_) > 1) return {};
  std::uint8_t* to = data_of(head_) + head_->data_len;
  std::size_t left = missing;
  while (left > 0) {
    rte_mbuf* from = head_->next;
    const auto piece = static_cast<std::uint16_t>(left < from->data_len ? left : from->data_len);
    std::memcpy(to, data_of(from), piece);
    to += piece;
    left -= piece;
    cut_front(from, piece);
    if (from->data_len == 0) {
      // segment() promises that an empty piece is the end.
      head_->next = from->next;
      head_->nb_segs = static_cast<std::uint16_t>(head_->nb_segs - 1);
      free_one(from);
    }
  }
  head_->data_len = static_cast<std::uint16_t>(n);
  return {data_of(head_), n};
}

std::optional<MbufPacket> MbufPacket::share(std::size_t offset, std::size_t length) const noexcept {
  MbufPacket out;
  rte_mbuf* tail = nullptr;
  const std::size_t wanted = length;
  for (rte_mbuf* at = head_; at != nullptr && length > 0; at = at->next) {
    if (offset >= at->data_len) {
      offset -= at->data_len;
      continue;
    }
    rte_mbuf* view = allocate_from(views_of(at));
    if (view == nullptr) return std::nullopt;
    rte_pktmbuf_attach(view, at);
    const std::size_t here = at->data_len - offset;
    const std::size_t piece = here < length ? here : length;
    view->data_off = static_cast<std::uint16_t>(at->data_off + offset);
    private_of(view).floor = offset == 0 ? floor_of(at) : view->data_off;
    view->data_len = static_cast<std::uint16_t>(piece);
    view->pkt_len = view->data_len;
    if (tail == nullptr) {
      meta_of(view) = PacketMeta{};
      out.head_ = view;
    } else {
      tail->next = view;
      out.head_->nb_segs = static_cast<std::uint16_t>(out.head_->nb_segs + 1);
    }
    tail = view;
    offset = 0;
    length -= piece;
  }
  SMOL_CHECK(length == 0 && tail != nullptr);
  out.head_->pkt_len = static_cast<std::uint32_t>(wanted);
  return out;
}

MbufPacket MbufPacket::hold() noexcept {
  // Freeing a chain lets go of each mbuf by itself, so each is counted.
  for (rte_mbuf* m = head_; m != nullptr; m = m->next) rte_mbuf_refcnt_update(m, 1);
  return MbufPacket{head_};
}

bool MbufPacket::unique() const noexcept {
  for (rte_mbuf* m = head_; m != nullptr; m = m->next) {
    if (rte_mbuf_refcnt_read(m) > 1) return false;
    if (!RTE_MBUF_DIRECT(m) && rte_mbuf_refcnt_read(rte_mbuf_from_indirect(m)) > 1) return false;
  }
  return true;
}

void MbufPacket::chain(MbufPacket other) noexcept {
  if (!other || other.size() == 0) return;
  head_->pkt_len += other.head_->pkt_len;
  head_->nb_segs = static_cast<std::uint16_t>(head_->nb_segs + other.head_->nb_segs);
  // Not rte_pktmbuf_chain(): it writes the other's length, which another holder still reads.
  rte_pktmbuf_lastseg(head_)->next = other.release();
}

std::size_t MbufPacket::true_size() const noexcept {
  std::size_t total = 0;
  for (const rte_mbuf* m = head_; m != nullptr; m = m->next) {
    total += m->pool->elt_size;
    // An indirect mbuf keeps the direct one alive beside itself.
    if (!RTE_MBUF_DIRECT(m)) total += element_octets(0) - MbufPool::kHeadroom + m->buf_len;
  }
  return total;
}

}  // namespace smol::dataplane
