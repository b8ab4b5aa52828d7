#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

#include "dataplane/capture_rules.hh"
#include "dataplane/record_ring.hh"
#include "dataplane/tx_checksum.hh"
#include "protocols/base/counter.hh"
#include "protocols/base/drop.hh"
#include "protocols/base/time.hh"
#include "protocols/packet/buffer.hh"
#include "protocols/stack/driver.hh"
#include "protocols/tcp/trace.hh"

namespace smol::dataplane {

/// A copy on its way from a worker to the captures that it is for. Room for the connection's
/// variables follows, if a capture wants them, and then its octets.
struct CaptureRecord {
  Instant at{};
  std::uint32_t length = 0;    ///< octets of the frame
  std::uint32_t captured = 0;  ///< octets of it that were kept: the most that any capture wants
  CaptureMask captures = 0;
  InterfaceId interface = 0;
  std::uint16_t queue = 0;
  Direction direction = Direction::kRx;
  bool dropped = false;
  Drop reason{};  ///< if dropped
  bool trace_room = false;
  bool traced = false;  ///< and they are there
};

/// Where packets leave a worker as copies, each once, with its fate, for the captures that want it.
/// Their filters run before anything is copied. With no capture open a burst costs a load and a
/// branch. The worker fills a ring, and another thread reads it: the worker never waits, a full
/// ring loses the copy and counts it for each capture.
///
/// A burst on its way through the stack is unpublished until the stack is done with it, so that a
/// packet dropped there carries the reason in its one record; whether a capture wants it for what
/// became of it is asked then.
///
/// The rules change while the worker runs. It reads them anew with each burst, and says by an odd
/// count (`busy`) that it may be looking at them: who replaced them waits for the count to move,
/// or finds it even, before they go.
class CaptureTap {
 public:
  /// `rules`: null while no capture is open; outlives the tap.
  CaptureTap(const std::atomic<const CaptureRules*>& rules, std::uint16_t worker,
             std::size_t ring_octets)
      : published_rules_{rules},
        worker_bit_{worker < 64 ? std::uint64_t{1} << worker : ~std::uint64_t{0}},
        worker_{worker},
        ring_{ring_octets} {}

  /// One that no capture reaches; for a worker that nobody watches.
  static CaptureTap& none() noexcept {
    static const std::atomic<const CaptureRules*> no_rules{nullptr};
    static CaptureTap tap{no_rules, 0, 0};
    return tap;
  }

  // --- the worker

  /// Whether to call the rest at all.
  bool active() const noexcept {
    return published_rules_.load(std::memory_order_relaxed) != nullptr;
  }
  /// Before the stack, or the port, gets the burst. What is returned goes to settle() when it is
  /// done with it. While one burst is with the stack, the stack may send another.
  template <PacketBuffer P>
  [[nodiscard]] std::size_t on_burst(Instant now, InterfaceId interface, std::uint16_t queue,
                                     Direction direction, std::span<P> burst) noexcept {
    enter();
    const std::size_t mark = pending_count_;
    if (rules_ == nullptr) return mark;
    const std::uint8_t tap = direction == Direction::kRx ? kTapRx : kTapTx;
    for (P& packet : burst) {
      const CaptureMask captures = matching(tap, interface, packet);
      if (captures == 0 || pending_count_ == pending_.size()) continue;
      Pending& pending = pending_[pending_count_++];
      pending = {&packet.meta(), nullptr, captures, Drop{}, direction, false, false};
      write(now, interface, queue, packet, pending);
      // Where on_segment() finds it.
      if (direction == Direction::kRx) {
        packet.meta().tag = static_cast<std::uint32_t>(pending_count_);
      }
    }
    return mark;
  }
  /// The burst met its fate.
  void settle(std::size_t mark) noexcept {
    for (std::size_t i = mark; i < pending_count_; ++i) finish(pending_[i]);
    pending_count_ = mark;
    leave();
  }
  /// A packet ends here. One that is part of an unpublished burst gets the reason written to its
  /// record. Nothing to do while no capture is open.
  template <PacketBuffer P>
  void on_drop(Instant now, InterfaceId interface, std::uint16_t queue, Direction direction,
               const P& packet, Drop reason) noexcept {
    if (open_ == 0 && !active()) [[likely]]
      return;
    enter();
    if (rules_ != nullptr) dropped(now, interface, queue, direction, packet, reason);
    leave();
  }
  /// Whether on_segment() is to be called until the next turn.
  bool wants_segments() noexcept {
    if (!active()) [[likely]]
      return false;
    enter();
    const bool out = rules_ != nullptr && rules_->tcp_info != 0;
    leave();
    return out;
  }
  /// A segment of a connection, before what becomes of it is known, or before it goes to the port:
  /// its copy will have `trace`, unless kTraces others come before that copy is made.
  template <PacketBuffer P>
  void on_segment(Direction direction, P& packet, const tcp::Trace& trace) noexcept {
    PacketMeta& meta = packet.meta();
    if (direction == Direction::kRx) attach(meta, trace);
    traces_[next_trace_ % kTraces] = {next_trace_, trace};
    meta.tag = next_trace_;
    next_trace_ = next_trace_ == ~std::uint32_t{0} ? kTraces : next_trace_ + 1;
  }
  /// All there is, whatever becomes of it: the process is about to die.
  void publish_all() noexcept {
    for (std::size_t i = 0; i < pending_count_; ++i) finish(pending_[i]);
    pending_count_ = 0;
    ring_.publish();
  }

  // --- the reading thread

  /// The oldest record and its octets; none: nothing there. Valid until pop().
  struct Entry {
    CaptureRecord record;
    Bytes octets;
    std::optional<tcp::Trace> trace;  ///< if record.traced
  };
  std::optional<Entry> front() noexcept {
    const Bytes record = ring_.front();
    if (record.empty()) return std::nullopt;
    Entry entry;
    std::memcpy(&entry.record, record.data(), sizeof(CaptureRecord));
    const std::size_t head = head_octets(entry.record);
    entry.octets = record.subspan(head, entry.record.captured);
    if (entry.record.traced) {
      std::memcpy(&entry.trace.emplace(), record.data() + sizeof(CaptureRecord),
                  sizeof(tcp::Trace));
    }
    return entry;
  }
  void pop() noexcept { ring_.pop(); }
  RecordRing& ring() noexcept { return ring_; }

  // --- any thread

  std::uint16_t worker() const noexcept { return worker_; }
  /// Packets for the capture of this slot, and those of them that found the ring full, since the
  /// tap was made.
  std::uint64_t matched(unsigned slot) const noexcept { return matched_[slot].value(); }
  std::uint64_t lost(unsigned slot) const noexcept { return lost_[slot].value(); }
  /// Odd: the worker may be looking at rules that it read since the count became odd.
  std::uint64_t busy() const noexcept { return busy_.load(std::memory_order_seq_cst); }

 private:
  /// Of a burst on its way in, and of one on its way out at the same time.
  static constexpr std::size_t kMaxPending = 64;
  /// Segments between the stack and the port, or on their way through the stack.
  static constexpr std::uint32_t kTraces = 256;

  struct NumberedTrace {
    std::uint32_t number = 0;
    tcp::Trace trace;
  };

  struct Pending {
    const PacketMeta* packet;
    std::uint8_t* record;  ///< null: the ring was full
    CaptureMask captures;
    Drop reason;
    Direction direction;
    bool dropped;
    bool traced;
  };

  static std::size_t head_octets(const CaptureRecord& record) noexcept {
    return sizeof(CaptureRecord) + (record.trace_room ? sizeof(tcp::Trace) : 0);
  }

  void enter() noexcept {
    if (open_++ > 0) return;
    // In one order with the store of new rules and the look at the count: either the new rules are
    // seen here, or the odd count there.
    busy_.store(++entered_, std::memory_order_seq_cst);
    rules_ = published_rules_.load(std::memory_order_seq_cst);
  }
  void leave() noexcept {
    if (--open_ > 0) return;
    rules_ = nullptr;
    ring_.publish();
    busy_.store(++entered_, std::memory_order_release);
  }

  template <PacketBuffer P>
  CaptureMask matching(std::uint8_t tap, InterfaceId interface, const P& packet) const noexcept {
    const std::uint64_t interface_bit =
        interface < 64 ? std::uint64_t{1} << interface : ~std::uint64_t {
      0
    };
    CaptureMask out = 0;
    CaptureRules::for_each(rules_->open, [&](unsigned slot) {
      const CaptureRule& rule = *rules_->rules[slot];
      if ((rule.taps & tap) == 0 || (rule.interfaces & interface_bit) == 0 ||
          (rule.workers & worker_bit_) == 0) {
        return;
      }
      if (rule.filter.matches(packet)) out |= CaptureMask{1} << slot;
    });
    return out;
  }

  template <PacketBuffer P>
  void dropped(Instant now, InterfaceId interface, std::uint16_t queue, Direction direction,
               const P& packet, Drop reason) noexcept {
    // The metadata's place is what identifies a packet; nothing is written to it. The direction
    // too: the buffer of a packet that came in may by now be one on its way out.
    const PacketMeta& meta = const_cast<P&>(packet).meta();
    CaptureMask captures = matching(kTapDrop, interface, packet);
    for (std::size_t i = 0; i < pending_count_; ++i) {
      Pending& pending = pending_[i];
      if (pending.packet != &meta || pending.direction != direction) continue;
      pending.dropped = true;
      pending.reason = reason;
      captures &= ~pending.captures;  // they have it already
    }
    if (captures == 0) return;
    Pending pending{&meta, nullptr, captures, reason, direction, true, false};
    write(now, interface, queue, packet, pending);
    finish(pending);
  }

  /// To the copy of a packet that is with the stack.
  void attach(const PacketMeta& meta, const tcp::Trace& trace) noexcept {
    if (meta.tag == 0 || meta.tag > pending_count_) return;
    Pending& pending = pending_[meta.tag - 1];
    if (pending.packet != &meta || pending.direction != Direction::kRx) return;
    put(pending, trace);
  }
  static void put(Pending& pending, const tcp::Trace& trace) noexcept {
    if (pending.record == nullptr) return;
    CaptureRecord head;
    std::memcpy(&head, pending.record, sizeof head);
    if (!head.trace_room) return;
    std::memcpy(pending.record + sizeof head, &trace, sizeof trace);
    pending.traced = true;
  }

  /// The copy for pending.captures.
  template <PacketBuffer P>
  void write(Instant now, InterfaceId interface, std::uint16_t queue, const P& packet,
             Pending& pending) noexcept {
    std::uint32_t snap_length = 0;
    CaptureRules::for_each(pending.captures, [&](unsigned slot) {
      snap_length = std::max(snap_length, rules_->rules[slot]->snap_length);
    });
    const std::size_t length = packet.size();
    const std::size_t kept = std::min<std::size_t>(length, snap_length);
    CaptureRecord head;
    head.trace_room = (pending.captures & rules_->tcp_info) != 0;
    const MutBytes record = ring_.reserve(head_octets(head) + kept);
    if (record.empty()) return;
    head.at = now;
    head.length = static_cast<std::uint32_t>(length);
    head.captured = static_cast<std::uint32_t>(kept);
    head.interface = interface;
    head.queue = queue;
    head.direction = pending.direction;
    std::memcpy(record.data(), &head, sizeof head);
    pending.record = record.data();
    const PacketMeta& meta = const_cast<P&>(packet).meta();
    const NumberedTrace& trace = traces_[meta.tag % kTraces];
    if (head.trace_room && trace.number == meta.tag && meta.tag != 0) put(pending, trace.trace);
    const MutBytes octets = record.subspan(head_octets(head));
    packet_copy(packet, 0, octets);
    if (meta.tx.any()) {
      tx_checksums(packet, meta.tx).write(octets);
    }
  }

  /// What became of the packet is known: who still wants it?
  void finish(const Pending& pending) noexcept {
    CaptureMask captures = 0;
    CaptureRules::for_each(pending.captures, [&](unsigned slot) {
      if (!rules_->rules[slot]->wants(pending.dropped, pending.reason)) return;
      captures |= CaptureMask{1} << slot;
      matched_[slot].add();
      if (pending.record == nullptr) lost_[slot].add();
    });
    if (pending.record == nullptr) return;
    CaptureRecord head;
    std::memcpy(&head, pending.record, sizeof head);
    head.captures = captures;
    head.dropped = pending.dropped;
    head.reason = pending.reason;
    head.traced = pending.traced;
    std::memcpy(pending.record, &head, sizeof head);
  }

  const std::atomic<const CaptureRules*>& published_rules_;
  const std::uint64_t worker_bit_;
  const std::uint16_t worker_;
  RecordRing ring_;
  const CaptureRules* rules_ = nullptr;  ///< while open_ > 0
  unsigned open_ = 0;                    ///< bursts that are with the stack or the port
  std::uint64_t entered_ = 0;
  std::array<Pending, kMaxPending> pending_{};
  std::size_t pending_count_ = 0;
  std::array<NumberedTrace, kTraces> traces_{};  ///< by PacketMeta::tag
  std::uint32_t next_trace_ = kTraces;           ///< below: a place in pending_, and one
  std::array<Counter, kCaptureSlots> matched_;
  std::array<Counter, kCaptureSlots> lost_;
  alignas(64) std::atomic<std::uint64_t> busy_{0};
};

}  // namespace smol::dataplane
