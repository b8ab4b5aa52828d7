#include "dataplane/tap_queue.hh"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <unistd.h>
#include <utility>

#include "dataplane/dpdk.hh"
#include "protocols/base/checksum.hh"

namespace smol::dataplane {
namespace {

/// The kernel takes no more pieces in one call (UIO_MAXIOV).
constexpr std::size_t kMostPieces = 1024;
constexpr std::size_t kEthernetHeader = 14;
constexpr std::size_t kTcpChecksum = 16;

}  // namespace

TapQueue::TapQueue(int fd, MbufPool& pool, std::size_t longest)
    : fd_{fd},
      pool_{pool},
      ready_(longest / MbufPool::kDataRoom + 1, nullptr),
      missing_{ready_.size()},
      rx_pieces_(1 + ready_.size()),
      tx_pieces_(kMostPieces) {
  rx_pieces_[0] = {&header_, sizeof header_};
}

TapQueue::~TapQueue() {
  for (std::size_t i = missing_; i < ready_.size(); ++i) MbufPacket::adopt(ready_[i]);
  close(fd_);
}

/// Replaces the buffers that the last frame took. Without all of them none is read: it is kept in
/// the kernel's queue rather than cut short.
bool TapQueue::fill() noexcept {
  while (missing_ > 0) {
    MbufPacket packet = pool_.allocate();
    if (!packet) [[unlikely]] {
      rx_no_buffer.add();
      return false;
    }
    rte_mbuf* mbuf = packet.release();
    ready_[--missing_] = mbuf;
    rx_pieces_[1 + missing_] = {rte_pktmbuf_mtod(mbuf, void*), MbufPool::kDataRoom};
  }
  return true;
}

std::uint16_t TapQueue::receive(std::span<rte_mbuf*> burst) noexcept {
  std::uint16_t count = 0;
  for (std::size_t i = 0; i < burst.size() && fill(); ++i) {
    const ssize_t got = readv(fd_, rx_pieces_.data(), static_cast<int>(rx_pieces_.size()));
    if (got < 0) break;  // there is none, or no interface any more
    if (static_cast<std::size_t>(got) <= sizeof header_) [[unlikely]] {
      rx_errors.add();
      continue;
    }
    burst[count++] = take(static_cast<std::size_t>(got) - sizeof header_);
  }
  return count;
}

/// The frame that was read, as a chain of the buffers that it is in.
rte_mbuf* TapQueue::take(std::size_t octets) noexcept {
  rte_mbuf* const head = ready_[0];
  head->pkt_len = static_cast<std::uint32_t>(octets);
  std::size_t used = 0;
  for (rte_mbuf** link = nullptr; octets > 0; ++used) {
    rte_mbuf* mbuf = ready_[used];
    if (link != nullptr) *link = mbuf;
    link = &mbuf->next;
    const std::size_t piece = std::min<std::size_t>(octets, MbufPool::kDataRoom);
    mbuf->data_len = static_cast<std::uint16_t>(piece);
    octets -= piece;
  }
  head->nb_segs = static_cast<std::uint16_t>(used);
  missing_ = used;
  describe(head);
  return head;
}

void TapQueue::describe(rte_mbuf* packet) const noexcept {
  if (header_.flags == 0 && header_.gso_type == 0) return;
  const std::optional<VnetFrame> frame = read_vnet_header(header_, packet->pkt_len);
  packet->tx_offload = 0;
  // Cut off where the buffers end, which are for more than there can be.
  const bool cut = packet->pkt_len == ready_.size() * MbufPool::kDataRoom;
  if (!frame || cut) [[unlikely]] {
    packet->ol_flags |= RTE_MBUF_F_RX_LRO;
    return;
  }
  if (frame->checksum_start <= kEthernetHeader) {
    if (frame->checksum_good) packet->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_GOOD;
  } else {
    packet->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_NONE;
    packet->ol_flags |=
        frame->checksum_offset == kTcpChecksum ? RTE_MBUF_F_TX_TCP_CKSUM : RTE_MBUF_F_TX_UDP_CKSUM;
    packet->l2_len = kEthernetHeader;
    packet->l3_len = (frame->checksum_start - kEthernetHeader) & 0x1ff;
  }
  if (frame->segment_size != 0) {
    packet->ol_flags |= RTE_MBUF_F_RX_LRO;
    packet->tso_segsz = frame->segment_size;
  }
}

std::uint16_t TapQueue::send(std::span<rte_mbuf*> burst) noexcept {
  std::uint16_t count = 0;
  for (; count < burst.size() && write(burst[count]); ++count) MbufPacket::adopt(burst[count]);
  return count;
}

/// False: the kernel does not take it.
bool TapQueue::write(rte_mbuf* packet) noexcept {
  const TxOffload& tx = MbufPacket::meta_of(packet).tx;
  VnetHeader header =
      vnet_header_for(tx, {rte_pktmbuf_mtod(packet, const std::uint8_t*), packet->data_len});
  std::size_t count = 0;
  const auto add = [&](void* data, std::size_t octets) {
    if (count < tx_pieces_.size()) tx_pieces_[count] = {data, octets};
    ++count;
  };
  add(&header, sizeof header);
  std::size_t skip = 0;
  Headers headers;
  if (tx.segment_size != 0) {
    // Of DPDK's devices each segment's length is added to the pseudo-header's sum as it is cut; for
    // the kernel the length of the whole is in it. Others may be looking at the packet.
    skip = header.hdr_len;
    if (skip > headers.size() || skip > packet->data_len) [[unlikely]] {
      tx_errors.add();
      return false;
    }
    std::memcpy(headers.data(), rte_pktmbuf_mtod(packet, void*), skip);
    const std::size_t field = header.csum_start + kTcpChecksum;
    InternetSum sum{be16(Bytes{headers}, field)};
    sum.add_dword(packet->pkt_len - header.csum_start);
    put_be16(MutBytes{headers}, field, sum.folded());
    add(headers.data(), skip);
  }
  for (rte_mbuf* at = packet; at != nullptr; at = at->next, skip = 0) {
    if (at->data_len > skip) {
      add(rte_pktmbuf_mtod_offset(at, std::uint8_t*, skip), at->data_len - skip);
    }
  }
  if (count <= tx_pieces_.size() && writev(fd_, tx_pieces_.data(), static_cast<int>(count)) >= 0)
      [[likely]] {
    return true;
  }
  if (count > tx_pieces_.size() || errno != EAGAIN) tx_errors.add();
  return false;
}

}  // namespace smol::dataplane
