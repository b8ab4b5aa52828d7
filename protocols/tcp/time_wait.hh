#pragma once

#include <cstdint>
#include <memory_resource>

#include "protocols/base/seq.hh"
#include "protocols/base/time.hh"
#include "protocols/tcp/isn.hh"
#include "protocols/tcp/segment.hh"

namespace smol::tcp {

/// What is kept of a connection in TIME-WAIT: enough to answer a retransmitted FIN and to know
/// whether a new SYN is newer (RFC 9293 section 3.6.1, RFC 6191, RFC 1337).
struct TimeWait {
  FlowKey flow;
  SeqNumber snd_nxt;
  SeqNumber rcv_nxt;
  std::uint32_t ts_recent = 0;
  std::uint32_t ts_offset = 0;
  std::uint32_t expires_ms = 0;  ///< on Connection::timestamp_clock()
  std::uint16_t window = 0;      ///< as it goes on the wire
  std::uint8_t hop_limit = 64;
  std::uint8_t dscp : 6 = 0;
  bool timestamps : 1 = false;
  bool gone : 1 = false;  ///< reopened or restarted; its place in the ring comes free in turn
};
static_assert(sizeof(TimeWait) <= 64);

enum class TimeWaitVerdict : std::uint8_t {
  kIgnore,       ///< nothing to say
  kAcknowledge,  ///< answer with acknowledgement()
  kRestart,      ///< the peer's FIN again: answer, and wait 2 MSL from now
  kReopen,       ///< a newer SYN: the record goes, a listener may take it
  kEnd,          ///< the record goes
};

/// A segment for a connection in TIME-WAIT. A RST changes nothing (RFC 1337), unless `rst_ends` it
/// and its number is exact (Config::rst_ends_time_wait).
TimeWaitVerdict time_wait_arrives(const TimeWait& record, const SegmentIn& segment,
                                  bool rst_ends = false) noexcept;

/// <SEQ=SND.NXT><ACK=RCV.NXT>. `ts_now`: the timestamp clock, before the record's offset.
SegmentOut acknowledgement(const TimeWait& record, std::uint32_t ts_now) noexcept;

/// The connections in TIME-WAIT, in the order in which they end: all wait equally long, so a ring
/// does, and an entry costs its record and nothing more. Taking the oldest is how it makes room.
class TimeWaitRing {
 public:
  TimeWaitRing(std::uint32_t capacity, std::pmr::memory_resource& memory);
  ~TimeWaitRing();
  TimeWaitRing(const TimeWaitRing&) = delete;
  TimeWaitRing& operator=(const TimeWaitRing&) = delete;

  bool empty() const noexcept { return first_ == next_; }
  bool full() const noexcept { return next_ - first_ == capacity_; }
  /// Precondition: not full(). Returns the record's slot, its name until it is popped.
  std::uint32_t push(const TimeWait& record) noexcept;
  TimeWait& at(std::uint32_t slot) noexcept { return records_[slot]; }
  const TimeWait& at(std::uint32_t slot) const noexcept { return records_[slot]; }
  /// Slot of the oldest. Precondition: not empty().
  std::uint32_t front() const noexcept { return static_cast<std::uint32_t>(first_ % capacity_); }
  void pop_front() noexcept { ++first_; }
  /// The records lie at the positions [first_position(), end_position()), which only grow.
  std::uint64_t first_position() const noexcept { return first_; }
  std::uint64_t end_position() const noexcept { return next_; }
  const TimeWait& at_position(std::uint64_t position) const noexcept {
    return records_[position % capacity_];
  }
  /// Calls visit(record) for each that is not gone, oldest first. O(size).
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (std::uint64_t i = first_; i != next_; ++i) {
      const TimeWait& record = records_[i % capacity_];
      if (!record.gone) visit(record);
    }
  }

 private:
  std::pmr::memory_resource& memory_;
  std::uint32_t capacity_;
  TimeWait* records_;
  std::uint64_t first_ = 0;
  std::uint64_t next_ = 0;
};

}  // namespace smol::tcp
