#include "protocols/tcp/half_open.hh"

#include <algorithm>

#include "protocols/tcp/connection.hh"

namespace smol::tcp {
namespace {

std::uint32_t microseconds_of(Instant at) noexcept {
  return static_cast<std::uint32_t>(at.time_since_epoch() / microseconds(1));
}

}  // namespace

HalfOpen half_open_of(const FlowKey& flow, const SegmentIn& syn, SeqNumber iss,
                      Instant now) noexcept {
  HalfOpen out;
  out.flow = flow;
  out.irs = syn.seq;
  out.iss = iss;
  out.born_us = microseconds_of(now);
  out.window = syn.window;
  const TcpOptions& options = syn.options;
  out.has_mss = options.mss.has_value();
  out.mss = options.mss.value_or(0);
  out.has_scale = options.window_scale.has_value();
  out.window_scale = options.window_scale.value_or(0);
  out.has_timestamps = options.timestamps.has_value();
  if (options.timestamps) out.tsval = options.timestamps->tsval;
  out.sack_permitted = options.sack_permitted;
  out.ece = syn.flags.ece();
  out.cwr = syn.flags.cwr();
  return out;
}

SegmentIn syn_of(const HalfOpen& record) noexcept {
  SegmentIn out;
  out.seq = record.irs;
  out.window = record.window;
  out.flags.raw = static_cast<std::uint8_t>(TcpFlags::kSyn | (record.ece ? TcpFlags::kEce : 0) |
                                            (record.cwr ? TcpFlags::kCwr : 0));
  if (record.has_mss) out.options.mss = record.mss;
  if (record.has_scale) out.options.window_scale = record.window_scale;
  if (record.has_timestamps) out.options.timestamps = TcpTimestamps{record.tsval, 0};
  out.options.sack_permitted = record.sack_permitted;
  return out;
}

Instant born(const HalfOpen& record, Instant now) noexcept {
  return now - microseconds(microseconds_of(now) - record.born_us);
}

Duration syn_ack_wait(const Config& config, std::uint8_t retries) noexcept {
  constexpr std::uint8_t kMostDoublings = 20;  // far beyond any max_rto
  return std::min(config.initial_rto * (std::int64_t{1} << std::min(retries, kMostDoublings)),
                  std::max(config.max_rto, config.initial_rto));
}

/// The SYN-ACK is said once more, into the void and at the time when it really left: the machine's
/// books are then as if this connection had been there from the beginning.
void Connection::resume_passive(const Context& context, const HalfOpen& record,
                                Instant now) noexcept {
  const Instant at = born(record, now);
  open_passive(context, at, syn_of(record));
  SegmentOut said;
  next_segment(context, at, said);
  // Karn: which of several SYN-ACKs is acknowledged cannot be told. A cookie's age is not known.
  if (record.sent_again || !record.measured) timing_ = false;
  syn_lost_ = record.sent_again;
  segs_out_ += record.retries;
  sum_retrans_ += record.retries;
}

std::uint32_t HalfOpenTable::add(const HalfOpen& record) noexcept {
  const Handle made = records_.emplace(record);
  SMOL_CHECK(made);
  link(made.index);
  return made.index;
}

void HalfOpenTable::remove(std::uint32_t index) noexcept {
  unlink(index);
  records_.erase(index);
}

void HalfOpenTable::retry(std::uint32_t index, std::uint32_t due_ms) noexcept {
  unlink(index);
  HalfOpen& record = records_.at(index);
  if (record.retries < 0xff) ++record.retries;
  record.due_ms = due_ms;
  link(index);
}

std::optional<std::uint32_t> HalfOpenTable::first() const noexcept {
  std::optional<std::uint32_t> out;
  for (const List& list : lists_) {
    if (list.head == kEnd) continue;
    if (!out || static_cast<std::int32_t>(at(list.head).due_ms - at(*out).due_ms) < 0) {
      out = list.head;
    }
  }
  return out;
}

void HalfOpenTable::link(std::uint32_t index) noexcept {
  HalfOpen& record = records_.at(index);
  List& list = list_of(record);
  record.before = list.tail;
  record.behind = kEnd;
  (list.tail == kEnd ? list.head : records_.at(list.tail).behind) = index;
  list.tail = index;
}

void HalfOpenTable::unlink(std::uint32_t index) noexcept {
  HalfOpen& record = records_.at(index);
  List& list = list_of(record);
  (record.before == kEnd ? list.head : records_.at(record.before).behind) = record.behind;
  (record.behind == kEnd ? list.tail : records_.at(record.behind).before) = record.before;
}

}  // namespace smol::tcp
