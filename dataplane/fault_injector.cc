#include "dataplane/fault_injector.hh"

#include <algorithm>

#include "dataplane/mbuf_packet.hh"
#include "dataplane/packet_damage.hh"
#include "protocols/packet/mem_packet.hh"

namespace smol::dataplane {

template <PacketBuffer P>
FaultInjector<P>::FaultInjector(const FaultConfig& config, Direction direction, std::uint64_t seed,
                                typename P::Pool& pool)
    : config_{config}, direction_{direction}, pool_{pool}, rng_{seed} {
  if (config.reorder_chance > 0) reordered_.reserve(kMaxReordered);
  if (config.delay + config.delay_jitter > Duration::zero()) delayed_.reserve(config.queue);
}

template <PacketBuffer P>
FaultInjector<P>::~FaultInjector() {
  for (const Reordered& held : reordered_) P::adopt(held.packet);
  for (const Delayed& held : delayed_) P::adopt(held.packet);
}

template <PacketBuffer P>
void FaultInjector<P>::feed(Instant now, P packet, FaultOutlet<P>& outlet) noexcept {
  if (happens(config_.drop_chance)) return outlet.drop(std::move(packet), Drop::kInjectedDrop);
  if (config_.size_limit != 0 && packet.size() > config_.size_limit) {
    return outlet.drop(std::move(packet), Drop::kInjectedSizeLimit);
  }
  if (!within_rate(now)) {
    const bool rx = direction_ == Direction::kRx;
    return outlet.drop(std::move(packet), rx ? Drop::kInjectedRxRate : Drop::kInjectedTxRate);
  }
  if (happens(config_.corrupt_chance)) flip_a_bit(packet, pool_, rng_);
  if (happens(config_.duplicate_chance)) {
    if (P twin = own_copy(packet, pool_)) admit(now, std::move(twin), outlet);
  }
  admit(now, std::move(packet), outlet);
}

template <PacketBuffer P>
void FaultInjector<P>::release(Instant now, FaultOutlet<P>& outlet) noexcept {
  while (!reordered_.empty() && reordered_.front().until <= now) {
    P packet = P::adopt(reordered_.front().packet);
    reordered_.erase(reordered_.begin());
    forward(now, std::move(packet), outlet);
  }
  while (!delayed_.empty() && delayed_.front().due <= now) {
    std::pop_heap(delayed_.begin(), delayed_.end(), later);
    P packet = P::adopt(delayed_.back().packet);
    delayed_.pop_back();
    outlet.pass(std::move(packet));
  }
}

template <PacketBuffer P>
Instant FaultInjector<P>::next_deadline() const noexcept {
  const Instant reordered = reordered_.empty() ? kNever : reordered_.front().until;
  const Instant delayed = delayed_.empty() ? kNever : delayed_.front().due;
  return std::min(reordered, delayed);
}

template <PacketBuffer P>
bool FaultInjector<P>::happens(double percent) noexcept {
  if (percent <= 0) return false;
  const auto threshold = static_cast<std::uint64_t>(percent / 100 * 4294967296.0);
  return (rng_.next() >> 32) < threshold;
}

template <PacketBuffer P>
bool FaultInjector<P>::within_rate(Instant now) noexcept {
  const std::uint32_t limit =
      direction_ == Direction::kRx ? config_.rx_rate_limit : config_.tx_rate_limit;
  if (limit == 0) return true;
  if (now >= interval_end_) {
    interval_end_ = now + config_.shaping_interval;
    left_in_interval_ = limit;
  }
  if (left_in_interval_ == 0) return false;
  --left_in_interval_;
  return true;
}

template <PacketBuffer P>
void FaultInjector<P>::admit(Instant now, P packet, FaultOutlet<P>& outlet) noexcept {
  if (happens(config_.reorder_chance) && reordered_.size() < kMaxReordered) {
    reordered_.push_back({packet.release(), 1 + rng_.below(config_.reorder_distance),
                          now + config_.reorder_timeout});
    return;
  }
  forward(now, std::move(packet), outlet);
  overtake(now, outlet);
}

template <PacketBuffer P>
void FaultInjector<P>::overtake(Instant now, FaultOutlet<P>& outlet) noexcept {
  for (std::size_t i = 0; i < reordered_.size();) {
    if (--reordered_[i].behind > 0) {
      ++i;
      continue;
    }
    P packet = P::adopt(reordered_[i].packet);
    reordered_.erase(reordered_.begin() + static_cast<std::ptrdiff_t>(i));
    forward(now, std::move(packet), outlet);
  }
}

template <PacketBuffer P>
void FaultInjector<P>::forward(Instant now, P packet, FaultOutlet<P>& outlet) noexcept {
  if (config_.delay + config_.delay_jitter <= Duration::zero()) {
    return outlet.pass(std::move(packet));
  }
  if (held() >= config_.queue) return outlet.drop(std::move(packet), Drop::kInjectorFull);
  Duration delay = config_.delay;
  if (config_.delay_jitter > Duration::zero()) {
    // 32 bits of chance over the whole range: a step of a second's jitter is a quarter nanosecond.
    const auto share = static_cast<double>(rng_.next() >> 32) / 4294967296.0;
    delay += Duration{
        static_cast<Duration::rep>(static_cast<double>(config_.delay_jitter.count()) * share)};
  }
  delayed_.push_back({packet.release(), now + delay, arrivals_++});
  std::push_heap(delayed_.begin(), delayed_.end(), later);
}

template class FaultInjector<MemPacket>;
template class FaultInjector<MbufPacket>;

}  // namespace smol::dataplane
