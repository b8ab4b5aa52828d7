#include "tests/sim/link.hh"

#include <algorithm>
#include <utility>

namespace smol::sim {
namespace {

constexpr std::size_t kIp = 14;
constexpr std::size_t kIp6NextHeader = kIp + 6;

}  // namespace

bool is_neighbor_talk(const Octets& frame) {
  const std::uint16_t type = be16(frame, 12);
  if (type == static_cast<std::uint16_t>(EtherType::kArp)) return true;
  return type == static_cast<std::uint16_t>(EtherType::kIp6) && frame[kIp6NextHeader] == 58 &&
         frame[kIp + 40] >= 133;
}

/// One bit, anywhere. But for the next header of IPv6: no checksum guards it, and a host may say by
/// ICMP that it knows no such protocol, which ends a connection that begins.
void Link::corrupt(Octets& frame) {
  const std::size_t at = rng_.below(static_cast<std::uint32_t>(frame.size()));
  if (at == kIp6NextHeader) return;
  frame[at] = static_cast<std::uint8_t>(frame[at] ^ 1u << rng_.below(8));
}

void Link::send(Instant now, Octets frame) {
  if (is_neighbor_talk(frame)) {
    on_its_way_.emplace(now + options_.delay, std::move(frame));
    return;
  }
  if (happens(options_.loss)) return;
  Instant leaves = now;
  if (options_.octets_a_second > 0) {
    const auto time_of = [&](std::uint64_t octets) {
      return nanoseconds(
          static_cast<std::int64_t>(octets * 1'000'000'000 / options_.octets_a_second));
    };
    busy_until_ = std::max(busy_until_, now);
    if (busy_until_ - now > time_of(options_.queue_octets)) return;
    busy_until_ += time_of(frame.size());
    leaves = busy_until_;
  }
  if (happens(options_.corruption)) corrupt(frame);
  Instant arrives = leaves + options_.delay;
  if (options_.jitter > Duration::zero()) {
    const auto most = static_cast<std::uint32_t>(options_.jitter / microseconds(1));
    arrives += microseconds(rng_.below(most + 1));
  }
  if (happens(options_.reordering)) {
    arrives += options_.detour;
  } else {
    arrives = last_ = std::max(last_, arrives);
  }
  if (happens(options_.duplication)) on_its_way_.emplace(arrives + options_.detour / 2, frame);
  on_its_way_.emplace(arrives, std::move(frame));
}

std::vector<Octets> Link::arrived(Instant now) {
  std::vector<Octets> out;
  while (!on_its_way_.empty() && on_its_way_.begin()->first <= now) {
    out.push_back(std::move(on_its_way_.begin()->second));
    on_its_way_.erase(on_its_way_.begin());
  }
  return out;
}

}  // namespace smol::sim
