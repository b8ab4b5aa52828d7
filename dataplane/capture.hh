#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <utility>

#include "dataplane/record_ring.hh"
#include "dataplane/tx_checksum.hh"
#include "protocols/base/counter.hh"
#include "protocols/base/drop.hh"
#include "protocols/base/time.hh"
#include "protocols/packet/buffer.hh"
#include "protocols/stack/driver.hh"

namespace smol::dataplane {

/// What a capture keeps of a packet beside its octets.
struct CapturedPacket {
  Instant at{};
  std::uint32_t length = 0;    ///< octets of the frame
  std::uint32_t captured = 0;  ///< octets of it that were kept
  std::uint32_t lost = 0;      ///< packets that found the ring full since the one before
  InterfaceId interface = 0;
  Direction direction = Direction::kRx;
  bool dropped = false;
  Drop reason{};  ///< if dropped
};

/// Where packets leave a worker as copies: each that was received, sent or dropped, once, with its
/// fate. A worker without one pays one branch a burst. The worker fills a ring, and another thread
/// reads it: the worker never waits, a full ring loses the copy and counts it.
///
/// A burst on its way through the stack is unpublished until the stack is done with it, so that a
/// packet dropped there carries the reason in its one record.
class CaptureTap {
 public:
  enum class Scope : std::uint8_t {
    kDrops,  ///< what was dropped
    kAll,
  };

  CaptureTap(Scope scope, std::size_t ring_octets, std::uint32_t snap_length)
      : ring_{ring_octets}, scope_{scope}, snap_length_{snap_length} {}

  // --- the worker

  /// Before the stack, or the port, gets the burst. What is returned goes to settle() when it is
  /// done with it. While one burst is with the stack, the stack may send another.
  template <PacketBuffer P>
  [[nodiscard]] std::size_t on_burst(Instant now, InterfaceId interface, Direction direction,
                                     std::span<P> burst) noexcept {
    const std::size_t mark = pending_count_;
    ++open_;
    if (scope_ == Scope::kDrops) return mark;
    for (P& packet : burst) {
      std::uint8_t* record = write(now, interface, direction, packet, packet.meta().tx);
      if (pending_count_ < pending_.size()) {
        pending_[pending_count_++] = {&packet.meta(), direction, record};
      }
    }
    return mark;
  }
  /// The burst met its fate.
  void settle(std::size_t mark) noexcept {
    pending_count_ = mark;
    --open_;
    publish();
  }
  /// A packet ends here. One that is part of the unpublished burst gets the reason written to its
  /// record.
  template <PacketBuffer P>
  void on_drop(Instant now, InterfaceId interface, Direction direction, const P& packet,
               Drop reason) noexcept {
    // The metadata's place is what identifies a packet; nothing is written to it. The direction
    // too: the buffer of a packet that came in may by now be one on its way out.
    const PacketMeta& meta = const_cast<P&>(packet).meta();
    for (std::size_t i = 0; i < pending_count_; ++i) {
      const Pending& pending = pending_[i];
      if (pending.packet == &meta && pending.direction == direction) {
        return mark(pending.record, reason);
      }
    }
    mark(write(now, interface, direction, packet, meta.tx), reason);
  }
  /// What was dropped outside of any burst.
  void publish() noexcept {
    if (open_ == 0) ring_.publish();
  }
  /// All there is, whatever becomes of it: the process is about to die.
  void publish_all() noexcept { ring_.publish(); }

  // --- the reading thread

  /// The oldest packet and its octets; none: nothing there. Valid until pop().
  struct Entry {
    CapturedPacket packet;
    Bytes octets;
  };
  std::optional<Entry> front() noexcept {
    const Bytes record = ring_.front();
    if (record.empty()) return std::nullopt;
    Entry entry;
    std::memcpy(&entry.packet, record.data(), sizeof(CapturedPacket));
    entry.octets = record.subspan(sizeof(CapturedPacket), entry.packet.captured);
    return entry;
  }
  void pop() noexcept { ring_.pop(); }

  // --- any thread

  std::uint64_t packets() const noexcept { return packets_.value(); }
  std::uint64_t lost() const noexcept { return lost_.value(); }

 private:
  /// Of a burst on its way in, and of one on its way out at the same time.
  static constexpr std::size_t kMaxPending = 64;

  struct Pending {
    const PacketMeta* packet;
    Direction direction;
    std::uint8_t* record;
  };

  template <PacketBuffer P>
  std::uint8_t* write(Instant now, InterfaceId interface, Direction direction, const P& packet,
                      const TxOffload& tx) noexcept {
    const std::size_t length = packet.size();
    const std::size_t kept = std::min<std::size_t>(length, snap_length_);
    packets_.add();
    const MutBytes record = ring_.reserve(sizeof(CapturedPacket) + kept);
    if (record.empty()) {
      lost_.add();
      ++lost_since_;
      return nullptr;
    }
    CapturedPacket head;
    head.at = now;
    head.length = static_cast<std::uint32_t>(length);
    head.captured = static_cast<std::uint32_t>(kept);
    head.lost = std::exchange(lost_since_, 0);
    head.interface = interface;
    head.direction = direction;
    std::memcpy(record.data(), &head, sizeof head);
    const MutBytes octets = record.subspan(sizeof head);
    packet_copy(packet, 0, octets);
    if (direction == Direction::kTx && tx.any()) tx_checksums(packet, tx).write(octets);
    return record.data();
  }
  static void mark(std::uint8_t* record, Drop reason) noexcept {
    if (record == nullptr) return;
    CapturedPacket head;
    std::memcpy(&head, record, sizeof head);
    head.dropped = true;
    head.reason = reason;
    std::memcpy(record, &head, sizeof head);
  }

  RecordRing ring_;
  const Scope scope_;
  const std::uint32_t snap_length_;
  std::uint32_t lost_since_ = 0;
  std::array<Pending, kMaxPending> pending_{};
  std::size_t pending_count_ = 0;
  unsigned open_ = 0;
  Counter packets_;
  Counter lost_;
};

}  // namespace smol::dataplane
