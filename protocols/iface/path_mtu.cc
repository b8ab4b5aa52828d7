#include "protocols/iface/path_mtu.hh"

#include <algorithm>

namespace smol {
namespace {

constexpr std::uint32_t kLeast4 = 68;    // RFC 791 section 3.2
constexpr std::uint32_t kLeast6 = 1280;  // RFC 8200 section 5

/// Between two calls to look again.
constexpr Duration kQuiet = milliseconds(10);
/// Expired entries that one look removes.
constexpr int kMostALook = 64;

}  // namespace

std::uint16_t next_plateau(std::uint32_t total_len) noexcept {
  constexpr std::uint16_t kPlateaus[] = {65'535, 32'000, 17'914, 8166, 4352, 2002,
                                         1492,   1006,   508,    296,  68};
  for (const std::uint16_t plateau : kPlateaus) {
    if (plateau < total_len) return plateau;
  }
  return kLeast4;
}

std::optional<std::uint16_t> believable_mtu(const PathMtuConfig& config, IpFamily family,
                                            std::uint32_t claimed) noexcept {
  const bool v4 = family == IpFamily::kIp4;
  if (claimed < (v4 ? kLeast4 : kLeast6)) return std::nullopt;
  const std::uint32_t least = v4 ? config.least4 : kLeast6;
  return static_cast<std::uint16_t>(std::clamp<std::uint32_t>(claimed, least, 0xffff));
}

PathMtuCache::PathMtuCache(const PathMtuConfig& config, std::uint32_t capacity,
                           const Secret& secret, std::pmr::memory_resource& memory)
    : config_{config}, secret_{secret}, slab_{capacity, memory}, table_{capacity, memory} {}

std::uint64_t PathMtuCache::hash(InterfaceId scope, const IpAddress& destination) const noexcept {
  return mix(destination.low() ^ secret_.k0, destination.high() ^ secret_.k1 ^ scope);
}

std::uint32_t PathMtuCache::index_of(InterfaceId scope,
                                     const IpAddress& destination) const noexcept {
  return table_.find(hash(scope, destination), [&](std::uint32_t i) {
    const Entry& entry = slab_.at(i);
    return entry.scope == scope && entry.destination == destination;
  });
}

const PathMtuCache::Entry* PathMtuCache::find(Instant now, InterfaceId scope,
                                              const IpAddress& destination) const noexcept {
  if (slab_.size() == 0) return nullptr;
  const std::uint32_t index = index_of(scope, destination);
  return index == kNone || slab_.at(index).expires <= now ? nullptr : &slab_.at(index);
}

std::optional<std::uint16_t> PathMtuCache::lookup(Instant now, InterfaceId scope,
                                                  const IpAddress& destination) const noexcept {
  const Entry* entry = find(now, scope, destination);
  return entry == nullptr ? std::nullopt : std::optional{entry->mtu};
}

bool PathMtuCache::lower(Instant now, InterfaceId scope, const IpAddress& destination,
                         std::uint16_t mtu) noexcept {
  if (slab_.capacity() == 0) return false;
  std::uint32_t index = index_of(scope, destination);
  if (index != kNone) {
    Entry& known = slab_.at(index);
    const bool over = known.expires <= now;
    if (!over && mtu > known.mtu) return false;
    const bool news = over || mtu < known.mtu;
    known.mtu = mtu;
    unlink(index);
    link_newest(index);
    known.expires = now + config_.lifetime;
    if (!news) return false;
  } else {
    if (slab_.full()) {
      remove(oldest_);
      ++evicted_;
    }
    index = slab_.emplace().index;
    Entry& made = slab_.at(index);
    made.destination = destination;
    made.scope = scope;
    made.mtu = mtu;
    made.expires = now + config_.lifetime;
    table_.insert(hash(scope, destination), index);
    link_newest(index);
  }
  news_ = true;
  look_by(told_at_ == Instant::min() ? now : std::max(now, told_at_ + kQuiet));
  return true;
}

bool PathMtuCache::look(Instant now) noexcept {
  for (int i = 0; i < kMostALook && oldest_ != kNone && slab_.at(oldest_).expires <= now; ++i) {
    remove(oldest_);
    news_ = true;
  }
  look_at_ = oldest_ == kNone ? kNever : slab_.at(oldest_).expires;
  if (!news_) return false;
  news_ = false;
  told_at_ = now;
  return true;
}

void PathMtuCache::link_newest(std::uint32_t index) noexcept {
  Entry& entry = slab_.at(index);
  entry.older = newest_;
  entry.newer = kNone;
  (newest_ == kNone ? oldest_ : slab_.at(newest_).newer) = index;
  newest_ = index;
}

void PathMtuCache::unlink(std::uint32_t index) noexcept {
  const Entry& entry = slab_.at(index);
  (entry.older == kNone ? oldest_ : slab_.at(entry.older).newer) = entry.newer;
  (entry.newer == kNone ? newest_ : slab_.at(entry.newer).older) = entry.older;
}

void PathMtuCache::remove(std::uint32_t index) noexcept {
  const Entry& entry = slab_.at(index);
  table_.erase(hash(entry.scope, entry.destination), index);
  unlink(index);
  slab_.erase(index);
}

}  // namespace smol
