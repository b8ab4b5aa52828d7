#include "protocols/tcp/time_wait.hh"

#include <memory>

namespace smol::tcp {
namespace {

/// RFC 6191 section 2: a SYN may end TIME-WAIT if its timestamp is newer, or, where that cannot
/// tell, its sequence number is beyond all that the old connection received.
bool is_newer(const TimeWait& record, const SegmentIn& syn) noexcept {
  if (record.timestamps && syn.options.timestamps) {
    const auto age = static_cast<std::int32_t>(syn.options.timestamps->tsval - record.ts_recent);
    if (age != 0) return age > 0;
  }
  return syn.seq.after(record.rcv_nxt);
}

}  // namespace

TimeWaitVerdict time_wait_arrives(const TimeWait& record, const SegmentIn& segment,
                                  bool rst_ends) noexcept {
  if (segment.flags.rst()) {
    return rst_ends && segment.seq == record.rcv_nxt ? TimeWaitVerdict::kEnd
                                                     : TimeWaitVerdict::kIgnore;
  }
  if (segment.flags.syn()) {
    return !segment.flags.ack() && is_newer(record, segment) ? TimeWaitVerdict::kReopen
                                                             : TimeWaitVerdict::kIgnore;
  }
  if (!segment.flags.ack()) return TimeWaitVerdict::kIgnore;
  if (segment.flags.fin() && segment.seq + segment.seq_len() == record.rcv_nxt) {
    return TimeWaitVerdict::kRestart;
  }
  // Anything else that takes sequence space is a stray that wants the present state; a bare ACK
  // gets no answer, so that two ends cannot keep each other busy.
  return segment.seq_len() > 0 ? TimeWaitVerdict::kAcknowledge : TimeWaitVerdict::kIgnore;
}

SegmentOut acknowledgement(const TimeWait& record, std::uint32_t ts_now) noexcept {
  SegmentOut out;
  out.header.seq = record.snd_nxt;
  out.header.ack = record.rcv_nxt;
  out.header.window = record.window;
  if (record.timestamps) {
    out.header.options.timestamps = TcpTimestamps{ts_now + record.ts_offset, record.ts_recent};
  }
  return out;
}

TimeWaitRing::TimeWaitRing(std::uint32_t capacity, std::pmr::memory_resource& memory)
    : memory_{memory},
      capacity_{capacity},
      records_{static_cast<TimeWait*>(memory.allocate(sizeof(TimeWait) * capacity, 64))} {
  SMOL_CHECK(capacity > 0);
}

TimeWaitRing::~TimeWaitRing() {
  memory_.deallocate(records_, sizeof(TimeWait) * capacity_, 64);
}

std::uint32_t TimeWaitRing::push(const TimeWait& record) noexcept {
  SMOL_CHECK(!full());
  const auto slot = static_cast<std::uint32_t>(next_ % capacity_);
  std::construct_at(&records_[slot], record);
  ++next_;
  return slot;
}

}  // namespace smol::tcp
