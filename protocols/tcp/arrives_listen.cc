// RFC 9293 section 3.10.7.2: SEGMENT ARRIVES, LISTEN state.
#include "protocols/tcp/segment.hh"

namespace smol::tcp {

ListenVerdict listen_arrives(const SegmentIn& segment) noexcept {
  if (segment.flags.rst()) return ListenVerdict::kIgnore;  // first
  if (segment.flags.ack()) return ListenVerdict::kReset;   // second
  if (segment.flags.syn()) return ListenVerdict::kOpen;    // third
  return ListenVerdict::kIgnore;                           // fourth
}

}  // namespace smol::tcp
