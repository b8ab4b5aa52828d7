#include "protocols/tcp/segment.hh"

namespace smol::tcp {
namespace {

/// Text from the stream, and nothing that concerns this one segment alone.
bool is_plain(const SegmentOut& out) noexcept {
  const bool for_text =
      out.header.control == TcpControl::kNone || out.header.control == TcpControl::kPsh ||
      out.header.control == TcpControl::kFin || out.header.control == TcpControl::kFinPsh;
  return out.len > 0 && for_text && out.header.urgent == 0 && !out.probe && !out.garbage &&
         !out.window_probe && !out.tail_probe;
}

}  // namespace

bool SegmentOut::join(const SegmentOut& next, std::uint32_t most) noexcept {
  const std::uint32_t size = segment_size == 0 ? len : segment_size;
  const bool all_full = len % (size == 0 ? 1 : size) == 0 && header.control == TcpControl::kNone;
  if (!all_full || !is_plain(*this) || !is_plain(next)) return false;
  if (next.len > size || next.len > most || len > most - next.len) return false;
  if (next.header.seq != header.seq + len || next.retransmission != retransmission ||
      next.ecn != ecn) {
    return false;
  }
  const bool says_the_same = next.header.ack == header.ack && next.header.window == header.window &&
                             next.header.ece == header.ece && !next.header.cwr &&
                             next.header.options == header.options;
  if (!says_the_same || size > 0xffff) return false;
  segment_size = static_cast<std::uint16_t>(size);
  len += next.len;
  header.control = next.header.control;
  return true;
}

}  // namespace smol::tcp
