#include "tests/sim/link.hh"

#include <algorithm>
#include <string>
#include <utility>

#include "protocols/wire/ipv4.hh"

namespace smol::sim {
namespace {

/// Bursts are counted in frames, and who waits a minute for each would wait for hours.
constexpr Duration kLongestBurst = seconds(5);

}  // namespace

std::string_view name(Fate fate) {
  switch (fate) {
    case Fate::kLost:
      return "lost";
    case Fate::kLostInBurst:
      return "lost in a burst";
    case Fate::kQueueFull:
      return "lost: queue full";
    case Fate::kCodel:
      return "dropped by CoDel";
    case Fate::kOutage:
      return "lost in an outage";
    case Fate::kTooBig:
      return "lost: too big";
    case Fate::kDuplicated:
      return "duplicated";
    case Fate::kCorrupted:
      return "corrupted";
    case Fate::kTruncated:
      return "truncated";
    case Fate::kReordered:
      return "took a detour";
    case Fate::kMarked:
      return "marked CE";
  }
  return "";
}

Link::Link(const LinkOptions& options, int from, bool v6, std::uint64_t seed, Instant start)
    : options_{options}, from_{from}, v6_{v6}, start_{start}, wells_{Rng{seed * 8 + 1},
                                                                     Rng{seed * 8 + 2},
                                                                     Rng{seed * 8 + 3},
                                                                     Rng{seed * 8 + 4},
                                                                     Rng{seed * 8 + 5},
                                                                     Rng{seed * 8 + 6},
                                                                     Rng{seed * 8 + 7}} {}

/// Draws even for a chance of 0, so that what a frame's number draws depends on nothing else.
bool Link::happens(Well which, std::uint32_t chance) {
  return well(which).below(1000) < chance;
}

void Link::count(Fate fate, std::uint64_t id) {
  ++fates_[static_cast<std::size_t>(fate)];
  if (trace_ != nullptr) trace_->note(id, name(fate));
}

void Link::lose(Fate fate, Parcel parcel) {
  count(fate, parcel.id);
  if (spare_ != nullptr) spare_->push_back(std::move(parcel.octets));
}

bool Link::lost_on_the_way(Instant now, const Parcel& parcel, Fate& fate) {
  const std::uint64_t number = number_++;
  const Duration at = now - start_;
  fate = Fate::kOutage;
  for (const LinkOptions::Outage& outage : options_.outages) {
    if (outage.from <= at && at < outage.until) return true;
  }
  fate = Fate::kLostInBurst;
  if (options_.to_bad > 0) {
    const bool was_bad = bad_ && now - bad_since_ < kLongestBurst;
    bad_ =
        was_bad ? !happens(Well::kBurst, options_.to_good) : happens(Well::kBurst, options_.to_bad);
    if (bad_ && !was_bad) bad_since_ = now;
    if (bad_ && happens(Well::kBurst, options_.bad_loss)) {
      lost_by_chance_.push_back(number);
      return true;
    }
  }
  fate = Fate::kLost;
  if (happens(Well::kLoss, options_.loss)) {
    lost_by_chance_.push_back(number);
    return true;
  }
  if (options_.lost.count(number) > 0) return true;
  fate = Fate::kTooBig;
  return !fits(now, parcel);
}

/// The packet fits the path; if not, its sender may be told. A router would cut an IPv4 packet
/// without DF; here nobody sends one that long.
bool Link::fits(Instant now, const Parcel& parcel) {
  std::uint16_t mtu = std::numeric_limits<std::uint16_t>::max();
  for (const LinkOptions::MtuChange& change : options_.mtus) {
    if (change.at <= now - start_) mtu = change.mtu;
  }
  const Bytes frame = parcel.octets;
  if (frame.size() <= kIpAt + mtu) return true;
  if (options_.says_too_big && (is_v6(frame) || is_v4(frame))) {
    errors_.push_back(too_big_frame(from_, v6_, mtu, frame.subspan(kIpAt)));
  }
  return false;
}

void Link::send(Instant now, Parcel parcel) {
  ++sent_;
  if (is_neighbor_talk(parcel.octets)) return fly(now + options_.delay, std::move(parcel));
  Fate fate{};
  if (lost_on_the_way(now, parcel, fate)) return lose(fate, std::move(parcel));
  if (options_.octets_a_second == 0) return depart(now, std::move(parcel));
  serve(now);
  enqueue(now, std::move(parcel));
  serve(now);
}

Duration Link::time_of(std::uint64_t octets) const {
  return nanoseconds(static_cast<std::int64_t>(octets * 1'000'000'000 / options_.octets_a_second));
}

void Link::enqueue(Instant now, Parcel parcel) {
  if (queued_octets_ + parcel.octets.size() > options_.queue_octets) {
    // What is alone is taken, however small the queue.
    if (!queue_.empty() || free_at_ > now) return lose(Fate::kQueueFull, std::move(parcel));
  }
  if (options_.mark_octets > 0 && queued_octets_ >= options_.mark_octets &&
      mark_congestion(parcel.octets)) {
    count(Fate::kMarked, parcel.id);
  }
  queued_octets_ += parcel.octets.size();
  queue_.push_back({now, std::move(parcel)});
}

/// Sends what the line has had time for.
void Link::serve(Instant now) {
  while (!queue_.empty()) {
    const Instant turn = std::max(free_at_, queue_.front().since);
    if (turn > now) return;
    Waiting first = std::move(queue_.front());
    queue_.pop_front();
    queued_octets_ -= first.parcel.octets.size();
    if (options_.codel &&
        codel_.drops(turn, turn - first.since, queued_octets_, first.parcel.octets.size())) {
      if (!options_.ecn || !mark_congestion(first.parcel.octets)) {
        lose(Fate::kCodel, std::move(first.parcel));
        continue;
      }
      count(Fate::kMarked, first.parcel.id);
    }
    free_at_ = turn + time_of(first.parcel.octets.size());
    octets_through_ += first.parcel.octets.size();
    depart(free_at_, std::move(first.parcel));
  }
}

void Link::depart(Instant leaves, Parcel parcel) {
  if (happens(Well::kCorruption, options_.corruption)) {
    const std::size_t at =
        well(Well::kCorruption).below(static_cast<std::uint32_t>(parcel.octets.size()));
    const std::uint32_t bit = well(Well::kCorruption).below(8);
    // No checksum guards the next header of IPv6, and a host may say by ICMP that it knows no such
    // protocol, which ends a connection that begins.
    if (at != kIpAt + 6) {
      parcel.octets[at] = static_cast<std::uint8_t>(parcel.octets[at] ^ 1u << bit);
      count(Fate::kCorrupted, parcel.id);
    }
  }
  if (happens(Well::kTruncation, options_.truncation)) {
    parcel.octets.resize(
        1 + well(Well::kTruncation).below(static_cast<std::uint32_t>(parcel.octets.size())));
    count(Fate::kTruncated, parcel.id);
  }
  Instant arrives = leaves + options_.delay;
  if (options_.jitter > Duration::zero()) {
    const auto most = static_cast<std::uint32_t>(options_.jitter / microseconds(1));
    arrives += microseconds(well(Well::kJitter).below(most + 1));
  }
  if (happens(Well::kReordering, options_.reordering)) {
    count(Fate::kReordered, parcel.id);
    arrives += options_.detour;
  } else {
    arrives = last_ = std::max(last_, arrives);
  }
  if (happens(Well::kDuplication, options_.duplication)) {
    count(Fate::kDuplicated, parcel.id);
    fly(arrives + options_.detour / 2, parcel);
  }
  fly(arrives, std::move(parcel));
}

void Link::fly(Instant arrives, Parcel parcel) {
  flying_.push_back({arrives, order_++, std::move(parcel)});
  std::push_heap(flying_.begin(), flying_.end(), Later{});
}

void Link::inject(Instant arrives, Parcel parcel) {
  ++injected_;
  fly(arrives, std::move(parcel));
}

Instant Link::next() const {
  Instant out = flying_.empty() ? kNever : flying_.front().at;
  if (!queue_.empty()) out = std::min(out, std::max(free_at_, queue_.front().since));
  return out;
}

void Link::advance(Instant now) {
  if (!queue_.empty()) serve(now);
}

bool Link::arrived(Instant now, Parcel& out) {
  if (flying_.empty() || flying_.front().at > now) return false;
  std::pop_heap(flying_.begin(), flying_.end(), Later{});
  out = std::move(flying_.back().parcel);
  flying_.pop_back();
  ++delivered_;
  return true;
}

std::uint64_t Link::lost() const {
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < kFates; ++i) {
    if (is_loss(static_cast<Fate>(i))) out += fates_[i];
  }
  return out;
}

bool Link::adds_up() const {
  return sent_ + injected_ + count(Fate::kDuplicated) ==
         delivered_ + lost() + queue_.size() + flying_.size();
}

}  // namespace smol::sim
