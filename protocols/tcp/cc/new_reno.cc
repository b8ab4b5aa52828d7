#include "protocols/tcp/cc/new_reno.hh"

namespace smol::tcp::cc {

void NewReno::avoid(Window& window, std::uint32_t mss, std::uint32_t acked) noexcept {
  // RFC 5681 section 3.1: one segment a window, and no more however much one ACK covers.
  acked_ += std::min(acked, window.cwnd);
  if (acked_ < window.cwnd) return;
  acked_ -= window.cwnd;
  window.grow(mss);
}

}  // namespace smol::tcp::cc
