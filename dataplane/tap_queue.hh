#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <sys/uio.h>
#include <vector>

#include "dataplane/mbuf_packet.hh"
#include "dataplane/vnet_header.hh"
#include "protocols/base/counter.hh"

namespace smol::dataplane {

/// A queue of a tap: a file over /dev/net/tun with IFF_VNET_HDR, from which and to which one system
/// call moves a frame, however long.
///
///   kernel ──readv──> | VnetHeader | mbuf ──> mbuf ──> ... |   as many as the frame fills
///   kernel <─writev── | VnetHeader | mbuf ──> mbuf ──> ... |
///
/// Thread: the worker's, but for construction, destruction and the counters.
class TapQueue {
 public:
  /// Owns `fd`, which does not block. `longest`: octets of a frame that fit the buffers that wait
  /// for it; what is longer is cut off there. `pool` outlives the queue.
  TapQueue(int fd, MbufPool& pool, std::size_t longest);
  ~TapQueue();
  TapQueue(const TapQueue&) = delete;
  TapQueue& operator=(const TapQueue&) = delete;

  int fd() const noexcept { return fd_; }
  /// As Port has them. What was merged from several segments has RTE_MBUF_F_RX_LRO and their size;
  /// what the kernel says no sense of has it with size 0. A checksum that nobody has filled in yet
  /// is asked for, as if the packet was about to leave.
  std::uint16_t receive(std::span<rte_mbuf*> burst) noexcept;
  std::uint16_t send(std::span<rte_mbuf*> burst) noexcept;

  Counter rx_errors;     ///< frames without octets
  Counter rx_no_buffer;  ///< times that frames had to wait for buffers
  Counter tx_errors;     ///< packets that the kernel refused, but for want of room

 private:
  /// Those of a packet to be segmented, as the kernel wants them.
  using Headers = std::array<std::uint8_t, 192>;

  bool fill() noexcept;
  rte_mbuf* take(std::size_t octets) noexcept;
  void describe(rte_mbuf* packet) const noexcept;
  bool write(rte_mbuf* packet) noexcept;

  const int fd_;
  MbufPool& pool_;
  VnetHeader header_{};           ///< of the frame that comes
  std::vector<rte_mbuf*> ready_;  ///< for the longest frame; the first `missing_` are not there
  std::size_t missing_;
  std::vector<iovec> rx_pieces_;  ///< the header, and those of `ready_`
  std::vector<iovec> tx_pieces_;
};

}  // namespace smol::dataplane
