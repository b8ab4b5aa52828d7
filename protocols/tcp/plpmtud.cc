#include "protocols/tcp/plpmtud.hh"

#include <algorithm>

namespace smol::tcp {
namespace {

/// Timeouts in a row after which segments that never got through are taken to vanish, and those
/// that did. The second is R1 (RFC 9293 SHLD-10): then the path is in doubt anyway.
constexpr std::uint8_t kUnproven = 2;
constexpr std::uint8_t kProven = 3;

/// RFC 4821 section 7.3: the path may have become wider.
constexpr std::uint32_t kRestMs = 600'000;

/// Full segments so little above the base gain nothing by falling to it: hardly a path carries one
/// and not the other. Over IPv6 the base is the least MTU there is, which many paths have.
constexpr std::uint16_t kWorthIt4 = 64;

constexpr std::uint16_t kHeaders4 = 40;
constexpr std::uint16_t kHeaders6 = 60;
constexpr std::uint16_t kLeast6 = 1280;

std::uint32_t ms(Instant now) noexcept {
  return static_cast<std::uint32_t>(now.time_since_epoch() / milliseconds(1));
}

}  // namespace

std::uint16_t Plpmtud::base(const Config& config, bool is_v6) noexcept {
  const std::uint16_t mtu = is_v6 ? std::max(config.probe_base, kLeast6) : config.probe_base;
  return static_cast<std::uint16_t>(mtu - (is_v6 ? kHeaders6 : kHeaders4));
}

void Plpmtud::begin(const Config& config, bool is_v6) noexcept {
  if (config.path_probing != PathProbing::kAlways || bound_ <= base(config, is_v6)) return;
  size_ = base(config, is_v6);
  state_ = State::kSearching;
}

/// What was learned of longer segments is void.
void Plpmtud::cut_to(std::uint16_t size) noexcept {
  size_ = size;
  mark_size_ = 0;
  if (proven_ > size) proven_ = 0;
}

void Plpmtud::set_bound(std::uint16_t bound) noexcept {
  bound_ = bound;
  if (bound < size_ || state_ == State::kFollowing) {
    if (bound < size_) cut_to(bound);
    size_ = bound;
  }
  // What there is to search lies between size() and the bound.
  if (failed_ > bound) failed_ = 0;
}

/// The longest first, for links say mostly the truth; then the middle of what is left (RFC 4821
/// section 7.3).
std::uint16_t Plpmtud::candidate(Instant now) noexcept {
  if (state_ == State::kResting) {
    if (static_cast<std::int32_t>(ms(now) - rest_until_ms_) < 0) return 0;
    failed_ = 0;
    state_ = State::kSearching;
  }
  if (failed_ == 0 && bound_ > size_) return bound_;
  const auto left = static_cast<std::uint16_t>(failed_ == 0 ? 0 : failed_ - size_);
  if (left > kStep) return static_cast<std::uint16_t>(size_ + left / 2);
  state_ = size_ == bound_ ? State::kFollowing : State::kResting;
  rest_until_ms_ = ms(now) + kRestMs;
  return 0;
}

bool Plpmtud::arrived(SeqNumber una) noexcept {
  if (aside_size_ != 0 && una.after(aside_)) aside_size_ = 0;
  if (una.before(mark_end_)) return false;
  const std::uint16_t size = mark_size_;
  mark_size_ = 0;
  proven_ = std::max(proven_, size);
  if (size <= size_) return false;
  size_ = size;
  if (size_ == bound_) state_ = State::kFollowing;
  return true;
}

void Plpmtud::probe_lost(SeqNumber snd_nxt) noexcept {
  failed_ = mark_size_;
  pause(snd_nxt);
}

Plpmtud::Verdict Plpmtud::too_big(std::uint16_t size, SeqNumber quoted) noexcept {
  if (size >= size_) {
    if (mark_size_ == kOutdated && quoted.before(mark_end_)) {
      mark_size_ = kPause;  // they go again, and are short then
      return Verdict::kCutBefore;
    }
    // Of a probe: it tells where to look next (RFC 4821 section 7.6.2).
    if (size >= mark_size_ || !quoted.before(mark_end_)) return Verdict::kNoNews;
    bound_ = size;
    failed_ = 0;
    mark_size_ = 0;
    return Verdict::kTaken;
  }
  if (proven_ > size) {
    aside_size_ = aside_size_ == 0 ? size : std::min(aside_size_, size);
    aside_ = quoted;
    return Verdict::kPutAside;
  }
  set_bound(size);
  return Verdict::kTaken;
}

bool Plpmtud::timed_out(const Config& config, bool is_v6, SeqNumber una, SeqNumber snd_nxt,
                        std::uint16_t head, std::uint8_t times) noexcept {
  if (probing()) {
    // At the head of what is lost is the probe: it is to blame. Else nothing is known of it.
    una.at_or_after(mark_end_ - mark_size_) ? probe_lost(snd_nxt) : pause(snd_nxt);
  }
  if (aside_size_ != 0 && aside_size_ < std::min(size_, head)) {
    const std::uint16_t size = aside_size_;
    aside_size_ = 0;
    state_ = State::kFollowing;
    set_bound(size);
    return true;
  }
  const std::uint16_t least = base(config, is_v6);
  const std::uint16_t worth_it = is_v6 ? std::uint16_t{1} : kWorthIt4;
  if (config.path_probing == PathProbing::kOff || head <= least || size_ < least + worth_it) {
    return false;
  }
  if (times < (proven_ < head ? kUnproven : kProven)) return false;
  failed_ = size_;
  cut_to(least);
  pause(snd_nxt);
  state_ = State::kSearching;
  return true;
}

}  // namespace smol::tcp
