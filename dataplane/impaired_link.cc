#include "dataplane/impaired_link.hh"

#include <algorithm>
#include <utility>

#include "dataplane/mbuf_packet.hh"
#include "dataplane/packet_damage.hh"
#include "protocols/packet/mem_packet.hh"

namespace smol::dataplane {
namespace {

constexpr std::size_t kEthernetHeader = 14;
constexpr double kTwoTo32 = 4294967296.0;

/// Each a generator of its own, that all follow from one seed.
template <std::size_t... I>
std::array<Rng, sizeof...(I)> generators(std::uint64_t seed, std::index_sequence<I...>) {
  Rng source{seed};
  std::array<std::uint64_t, sizeof...(I)> seeds{};
  for (std::uint64_t& each : seeds) each = source.next();
  return {Rng{seeds[I]}...};
}

/// What `octets` take at `rate` bits a second. No overflow below 9 GB.
Duration time_of(std::uint64_t octets, std::uint64_t rate) noexcept {
  return Duration{static_cast<Duration::rep>(octets * 8 * 1'000'000'000 / rate)};
}

void show(Counter& gauge, std::uint64_t value) noexcept {
  gauge.add(value - gauge.value());
}

}  // namespace

template <PacketBuffer P>
ImpairedLink<P>::ImpairedLink(const LinkConfig& config, std::size_t store, std::uint64_t seed,
                              typename P::Pool& pool, Instant start)
    : config_{config},
      pool_{pool},
      capacity_{store},
      chances_{generators(seed, std::make_index_sequence<kChances>{})},
      since_{start},
      busy_until_{start},
      queue_{store},
      store_{store} {
  derive();
}

template <PacketBuffer P>
ImpairedLink<P>::~ImpairedLink() {
  for (; !queue_.empty(); queue_.pop()) P::adopt(queue_.front().packet);
}

template <PacketBuffer P>
void ImpairedLink<P>::configure(Instant now, const LinkConfig& config) noexcept {
  config_ = config;
  since_ = now;
  // What is on the wire arrives as it would have; the next frame need not wait for it.
  busy_until_ = std::min(busy_until_, now);
  derive();
}

template <PacketBuffer P>
void ImpairedLink<P>::derive() noexcept {
  const LinkConfig& c = config_;
  bucket_ = c.rate == 0 ? Duration::zero() : time_of(c.burst, c.rate);
  in_burst_ = in_burst_ && c.burst_enter > 0;
  transparent_ = c.loss <= 0 && c.burst_enter <= 0 && c.blackout <= Duration::zero() &&
                 c.mtu == 0 && c.truncate <= 0 && c.corrupt <= 0 && c.duplicate <= 0 &&
                 c.rate == 0 && c.delay + c.jitter <= Duration::zero() && c.reorder <= 0;
}

template <PacketBuffer P>
void ImpairedLink<P>::feed(Instant now, P packet, FaultOutlet<P>& outlet) noexcept {
  counters_.received.add();
  counters_.received_octets.add(packet.size());
  if (transparent_ && held() == 0) return pass(std::move(packet), outlet);
  if (blacked_out(now)) {
    return drop(counters_.blacked_out, std::move(packet), Drop::kBridgeBlackout, outlet);
  }
  if (config_.burst_enter > 0) {
    const bool turns = happens(kBurst, in_burst_ ? config_.burst_leave : config_.burst_enter);
    in_burst_ = in_burst_ != turns;
  }
  if (happens(kLoss, in_burst_ ? config_.burst_loss : config_.loss)) {
    if (in_burst_) {
      return drop(counters_.burst_lost, std::move(packet), Drop::kBridgeBurstLoss, outlet);
    }
    return drop(counters_.lost, std::move(packet), Drop::kBridgeLoss, outlet);
  }
  if (config_.mtu != 0 && packet.size() > config_.mtu + link_header_octets(packet.segment(0))) {
    return drop(counters_.too_long, std::move(packet), Drop::kBridgeTooLong, outlet);
  }
  if (happens(kTruncate, config_.truncate) &&
      cut_short(packet, pool_, chances_[kTruncate], kEthernetHeader)) {
    counters_.truncated.add();
  }
  if (happens(kCorrupt, config_.corrupt) && flip_a_bit(packet, pool_, chances_[kCorrupt])) {
    counters_.corrupted.add();
  }
  P twin;
  if (happens(kDuplicate, config_.duplicate)) twin = own_copy(packet, pool_);
  admit(now, std::move(packet), outlet);
  if (twin) {
    counters_.duplicated.add();
    admit(now, std::move(twin), outlet);
  }
  show_sizes();
}

template <PacketBuffer P>
std::size_t ImpairedLink<P>::release(Instant now, FaultOutlet<P>& outlet) noexcept {
  if (held() == 0) return 0;
  const std::uint64_t before = counters_.sent.value();
  const std::size_t queued = queue_.size();
  serve(now, outlet);
  std::size_t moved = queued - queue_.size();
  while (store_.next_due() <= now) pass(store_.pop(), outlet);
  moved += counters_.sent.value() - before;
  if (moved > 0) show_sizes();
  return moved;
}

template <PacketBuffer P>
Instant ImpairedLink<P>::next_deadline() const noexcept {
  const Instant due = store_.next_due();
  return queue_.empty() ? due : std::min(due, service_begin());
}

template <PacketBuffer P>
bool ImpairedLink<P>::happens(Chance which, double percent) noexcept {
  if (percent <= 0) return false;
  const auto threshold = static_cast<std::uint64_t>(percent / 100 * kTwoTo32);
  return (chances_[which].next() >> 32) < threshold;
}

/// 0 <= result < 1.
template <PacketBuffer P>
double ImpairedLink<P>::share(Chance which) noexcept {
  return static_cast<double>(chances_[which].next() >> 32) / kTwoTo32;
}

template <PacketBuffer P>
bool ImpairedLink<P>::blacked_out(Instant now) const noexcept {
  if (config_.blackout <= Duration::zero()) return false;
  Duration into = now - since_ - config_.blackout_after;
  if (into < Duration::zero()) return false;
  if (config_.blackout_every > Duration::zero()) into %= config_.blackout_every;
  return into < config_.blackout;
}

template <PacketBuffer P>
void ImpairedLink<P>::drop(Counter& counter, P packet, Drop reason,
                           FaultOutlet<P>& outlet) noexcept {
  counter.add();
  outlet.drop(std::move(packet), reason);
}

/// To the queue, or without a rate on the way.
template <PacketBuffer P>
void ImpairedLink<P>::admit(Instant now, P packet, FaultOutlet<P>& outlet) noexcept {
  serve(now, outlet);
  if (held() >= capacity_) {
    return drop(counters_.store_full, std::move(packet), Drop::kBridgeStoreFull, outlet);
  }
  if (config_.rate == 0) return travel(now, now, std::move(packet), outlet);
  const std::size_t octets = packet.size();
  const bool fits = queue_.size() < config_.queue_packets &&
                    (config_.queue_octets == 0 || queued_octets_ + octets <= config_.queue_octets);
  // What can go at once needs no room.
  if (!fits && !(queue_.empty() && busy_until_ - bucket_ <= now)) {
    return drop(counters_.queue_full, std::move(packet), Drop::kBridgeQueueFull, outlet);
  }
  full_size_ = std::max(full_size_, static_cast<std::uint32_t>(octets));
  queued_octets_ += octets;
  queue_.push({packet.release(), now, static_cast<std::uint32_t>(octets)});
  serve(now, outlet);
}

/// When the head of the queue gets the wire. Precondition: the queue is not empty.
template <PacketBuffer P>
Instant ImpairedLink<P>::service_begin() const noexcept {
  return std::max(queue_.front().arrival, busy_until_ - bucket_);
}

/// What the wire took from the queue until now.
template <PacketBuffer P>
void ImpairedLink<P>::serve(Instant now, FaultOutlet<P>& outlet) noexcept {
  while (!queue_.empty()) {
    const Instant at = service_begin();
    if (at > now) return;
    P packet = take_from_queue(at, outlet);
    if (!packet) return;
    const std::size_t octets = packet.size();
    travel(now, on_the_wire(at, octets), std::move(packet), outlet);
  }
}

/// The next packet that CoDel lets through. Empty: there is none left.
template <PacketBuffer P>
P ImpairedLink<P>::take_from_queue(Instant at, FaultOutlet<P>& outlet) noexcept {
  const Codel::Config law{config_.codel_target, config_.codel_interval};
  while (!queue_.empty()) {
    const Queued head = queue_.front();
    queue_.pop();
    queued_octets_ -= head.octets;
    P packet = P::adopt(head.packet);
    const Duration sojourn = at - head.arrival;
    const bool over = config_.aqm == LinkConfig::Aqm::kCodel &&
                      codel_.should_drop(law, at, sojourn, queued_octets_, full_size_);
    const bool marks = (over && config_.ecn) ||
                       (config_.ce_threshold > Duration::zero() && sojourn > config_.ce_threshold);
    const bool marked = marks && mark_congestion(packet, pool_);
    if (marked) counters_.marked.add();
    if (over && !(marked && config_.ecn)) {
      drop(counters_.codel_dropped, std::move(packet), Drop::kBridgeCodel, outlet);
      continue;
    }
    show(counters_.queue_delay_us, static_cast<std::uint64_t>(sojourn / microseconds(1)));
    if (queue_.empty()) codel_.on_empty();
    return packet;
  }
  codel_.on_empty();
  return {};
}

/// When the last octet of a frame that begins at `at` is on the wire.
template <PacketBuffer P>
Instant ImpairedLink<P>::on_the_wire(Instant at, std::size_t octets) noexcept {
  if (config_.rate == 0) return at;
  busy_until_ = std::max(busy_until_, at) + time_of(octets, config_.rate);
  return std::max(at, busy_until_ - bucket_);
}

/// On the way from `at`, which may be before `now` or after it.
template <PacketBuffer P>
void ImpairedLink<P>::travel(Instant now, Instant at, P packet, FaultOutlet<P>& outlet) noexcept {
  Instant due = at + config_.delay;
  if (config_.jitter > Duration::zero()) {
    const double jitter = static_cast<double>(config_.jitter.count()) * share(kJitter);
    due += Duration{static_cast<Duration::rep>(jitter)};
  }
  if (happens(kReorder, config_.reorder)) {
    counters_.reordered.add();
    counters_.delayed.add();
    return store_.push_late(due + config_.reorder_by, std::move(packet));
  }
  if (!config_.jitter_reorders) {
    due = last_leaves_ = std::max(due, last_leaves_);
  }
  if (due <= now) return pass(std::move(packet), outlet);
  counters_.delayed.add();
  store_.push(due, std::move(packet));
}

template <PacketBuffer P>
void ImpairedLink<P>::pass(P packet, FaultOutlet<P>& outlet) noexcept {
  counters_.sent.add();
  counters_.sent_octets.add(packet.size());
  outlet.pass(std::move(packet));
}

template <PacketBuffer P>
void ImpairedLink<P>::show_sizes() noexcept {
  show(counters_.queued, queue_.size());
  show(counters_.queued_octets, queued_octets_);
  show(counters_.held, held());
}

template class ImpairedLink<MemPacket>;
template class ImpairedLink<MbufPacket>;

}  // namespace smol::dataplane
