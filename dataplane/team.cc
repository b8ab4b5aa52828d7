#include "dataplane/team.hh"

namespace smol::dataplane {

Team::Team(unsigned workers, const FlowHash& hash, std::uint32_t buckets)
    : workers_{workers},
      hash_{hash},
      buckets_{buckets},
      rings_(std::size_t{workers} * workers),
      wakers_(workers, nullptr),
      udp_ports_(workers > 1 ? 65'536 : 0),
      draining_{workers} {
  for (unsigned from = 0; from < workers; ++from) {
    for (unsigned to = 0; to < workers; ++to) {
      if (from != to) rings_[from * workers + to] = std::make_unique<Ring>();
    }
  }
}

void Team::wake(unsigned worker) noexcept {
  // Either the taker's last look before its sleep comes after what was pushed, or we see that it is
  // about to sleep.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (wakers_[worker] != nullptr) wakers_[worker]->wake();
}

bool Team::take_udp_port(unsigned worker, std::uint16_t port, bool alone) noexcept {
  const std::uint32_t holder = alone ? (worker + 1) << kHolderShift : 0;
  constexpr std::uint32_t kCount = (1u << kHolderShift) - 1;
  std::uint32_t word = udp_ports_[port].load(std::memory_order_relaxed);
  for (;;) {
    const std::uint32_t count = word & kCount;
    if (count > 0 && word - count != holder) return false;
    if (udp_ports_[port].compare_exchange_weak(word, holder | (count + 1),
                                               std::memory_order_relaxed)) {
      return true;
    }
  }
}

void Team::release_udp_port(std::uint16_t port) noexcept {
  constexpr std::uint32_t kCount = (1u << kHolderShift) - 1;
  std::uint32_t word = udp_ports_[port].load(std::memory_order_relaxed);
  // The last one takes its claim along.
  while (!udp_ports_[port].compare_exchange_weak(word, (word & kCount) == 1 ? 0 : word - 1,
                                                 std::memory_order_relaxed)) {
  }
}

}  // namespace smol::dataplane
