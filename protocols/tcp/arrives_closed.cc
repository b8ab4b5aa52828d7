// RFC 9293 section 3.10.7.1: SEGMENT ARRIVES, CLOSED state.
#include "protocols/tcp/segment.hh"

namespace smol::tcp {

SegmentOut reset_for(const SegmentIn& segment) noexcept {
  SegmentOut out;
  out.header.control = TcpControl::kRst;
  if (segment.flags.ack()) {
    out.header.seq = segment.ack;
  } else {
    out.header.seq = SeqNumber{0};
    out.header.ack = segment.seq + segment.seq_len();
  }
  return out;
}

}  // namespace smol::tcp
