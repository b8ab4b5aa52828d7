#include "protocols/tcp/cc/new_reno.hh"

#include <algorithm>

namespace smol::tcp::cc {

std::uint32_t NewReno::count(const Window& window, std::uint32_t mss,
                             std::uint32_t acked) noexcept {
  // What a window has beyond whole segments is not in flight, and no ACK of this round trip tells
  // of it: a window of 4.5 segments would wait for a ninth of the next.
  const std::uint32_t in_use = window.cwnd - (window.cwnd > mss ? window.cwnd % mss : 0);
  acked_ += std::min(acked, in_use);
  return in_use;
}

void NewReno::avoid(Window& window, std::uint32_t mss, std::uint32_t acked) noexcept {
  // RFC 5681 section 3.1: one segment a window, and no more however much one ACK covers.
  const std::uint32_t in_use = count(window, mss, acked);
  if (acked_ < in_use) return;
  acked_ -= in_use;
  window.grow(mss);
}

}  // namespace smol::tcp::cc
