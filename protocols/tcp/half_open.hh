#pragma once

#include <array>
#include <cstdint>
#include <memory_resource>
#include <optional>

#include "protocols/base/seq.hh"
#include "protocols/base/slab.hh"
#include "protocols/base/time.hh"
#include "protocols/tcp/config.hh"
#include "protocols/tcp/isn.hh"
#include "protocols/tcp/segment.hh"

namespace smol::tcp {

/// What is kept of a connection that a peer asks for, from its SYN until the handshake is complete:
/// the SYN's own values. When the ACK comes, the machine is run through SYN, SYN-ACK and ACK in one
/// go (Connection::resume_passive()), so that only who answered costs a connection's memory.
struct HalfOpen {
  FlowKey flow;
  std::uint16_t interface = 0;  ///< through which the SYN came
  SeqNumber irs;
  SeqNumber iss;
  std::uint32_t tsval = 0;
  std::uint32_t born_us = 0;  ///< when the SYN came: microseconds, and they wrap
  std::uint32_t due_ms = 0;   ///< on Connection::timestamp_clock(): when to ask again
  Handle listener;
  std::uint32_t before = 0;  ///< neighbours in the list of those who wait equally long
  std::uint32_t behind = 0;
  std::uint16_t window = 0;
  std::uint16_t mss = 0;
  std::uint8_t window_scale = 0;
  std::uint8_t retries = 0;  ///< SYN-ACKs sent again because time went by
  std::uint8_t answers = 0;  ///< segments sent because something other than the ACK came
  bool has_mss : 1 = false;
  bool has_scale : 1 = false;
  bool has_timestamps : 1 = false;
  bool sack_permitted : 1 = false;
  bool ece : 1 = false;
  bool cwr : 1 = false;
  bool sent_again : 1 = false;    ///< the SYN-ACK: whose ACK it is that comes, nobody knows
  bool wants_cookie : 1 = false;  ///< for fast open (RFC 7413)
  bool measured : 1 = true;       ///< the time from SYN to ACK is a round trip; not with a cookie
};
static_assert(sizeof(HalfOpen) <= 96);

/// The record of a SYN that came at `now`.
HalfOpen half_open_of(const FlowKey& flow, const SegmentIn& syn, SeqNumber iss,
                      Instant now) noexcept;
/// The SYN that a record was made of; its text is not kept.
SegmentIn syn_of(const HalfOpen& record) noexcept;
/// When the SYN of a record came. The record is younger than 71 minutes.
Instant born(const HalfOpen& record, Instant now) noexcept;
/// How long to wait for an answer after the SYN-ACK was sent again `retries` times.
Duration syn_ack_wait(const Config& config, std::uint8_t retries) noexcept;

/// The half-open connections of a stack and when each is due. Those who have asked equally often
/// wait equally long, so a list for each count is in the order of time, and all is O(1) but finding
/// the first, which looks at one head a list.
class HalfOpenTable {
 public:
  HalfOpenTable(std::uint32_t capacity, std::pmr::memory_resource& memory)
      : records_{capacity, memory} {}

  bool full() const noexcept { return records_.size() == records_.capacity(); }
  std::uint32_t size() const noexcept { return records_.size(); }
  HalfOpen& at(std::uint32_t index) noexcept { return records_.at(index); }
  const HalfOpen& at(std::uint32_t index) const noexcept { return records_.at(index); }
  const HalfOpen* get(Handle handle) const noexcept { return records_.get(handle); }
  const Slab<HalfOpen>& slab() const noexcept { return records_; }
  const void* address_of(std::uint32_t index) const noexcept { return records_.address_of(index); }

  /// `record.due_ms` is not before that of any record with as many retries. Precondition: not
  /// full().
  std::uint32_t add(const HalfOpen& record) noexcept;
  void remove(std::uint32_t index) noexcept;
  /// One more retry, and due at `due_ms`, which is not before that of any record with as many.
  void retry(std::uint32_t index, std::uint32_t due_ms) noexcept;
  /// Who is due first; none if the table is empty.
  std::optional<std::uint32_t> first() const noexcept;

 private:
  static constexpr std::uint32_t kEnd = 0xffff'ffff;
  static constexpr std::size_t kLists = 16;
  struct List {
    std::uint32_t head = kEnd;
    std::uint32_t tail = kEnd;
  };

  List& list_of(const HalfOpen& record) noexcept {
    return lists_[record.retries < kLists ? record.retries : kLists - 1];
  }
  void link(std::uint32_t index) noexcept;
  void unlink(std::uint32_t index) noexcept;

  Slab<HalfOpen> records_;
  std::array<List, kLists> lists_;
};

}  // namespace smol::tcp
