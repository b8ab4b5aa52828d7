#include "protocols/tcp/syn_cookie.hh"

#include <algorithm>
#include <array>

#include "protocols/base/bytes.hh"

namespace smol::tcp {
namespace {

constexpr unsigned kPeriodBits = 5;
constexpr unsigned kMssBits = 3;
constexpr unsigned kHashBits = 24;
constexpr std::uint32_t kHashMask = (1u << kHashBits) - 1;

// What peers say most often: Ethernet, tunnels over it, and jumbo frames. The first is the least
// that a connection goes down to.
using MssTable = std::array<std::uint16_t, 1u << kMssBits>;
constexpr MssTable kMss4{88, 536, 1200, 1360, 1400, 1440, 1460, 8960};
constexpr MssTable kMss6{88, 536, 1220, 1280, 1360, 1420, 1440, 8940};

// The choices, in the low bits of a timestamp.
constexpr std::uint32_t kChoiceBits = 6;
constexpr std::uint32_t kChoiceMask = (1u << kChoiceBits) - 1;
constexpr std::uint32_t kEcn = 1u << 0;
constexpr std::uint32_t kSack = 1u << 1;
constexpr unsigned kScaleShift = 2;
constexpr std::uint32_t kNoScale = 15;
constexpr std::uint8_t kMaxWindowShift = 14;  // RFC 7323 section 2.3

/// Sets the two uses of the secret apart.
enum class Use : std::uint8_t { kVeil = 1, kProof = 2 };

std::uint32_t keyed(const Secret& secret, const FlowKey& flow, SeqNumber irs, Use use,
                    std::uint64_t period, std::uint8_t mss_index) noexcept {
  std::array<std::uint8_t, 52> message;
  Writer w{message};
  w.bytes(flow.local.octets()).bytes(flow.remote.octets());
  w.be16(flow.local_port).be16(flow.remote_port).be16(flow.interface);
  w.be32(irs.raw).be32(static_cast<std::uint32_t>(period >> 32));
  w.be32(static_cast<std::uint32_t>(period));
  w.u8(mss_index).u8(static_cast<std::uint8_t>(use));
  return static_cast<std::uint32_t>(siphash24(secret, message));
}

/// Hides the period and the segment size, which would else show in every sequence number.
std::uint32_t veil(const Secret& secret, const FlowKey& flow, SeqNumber irs) noexcept {
  return keyed(secret, flow, irs, Use::kVeil, 0, 0);
}
std::uint32_t proof(const Secret& secret, const FlowKey& flow, SeqNumber irs, std::uint64_t period,
                    std::uint8_t mss_index) noexcept {
  return keyed(secret, flow, irs, Use::kProof, period, mss_index) & kHashMask;
}

std::uint64_t period_of(Instant now) noexcept {
  return static_cast<std::uint64_t>(now.time_since_epoch() / kSynCookiePeriod);
}

const MssTable& table_for(const FlowKey& flow) noexcept {
  return flow.local.is_v4() ? kMss4 : kMss6;
}

}  // namespace

SeqNumber syn_cookie(const Secret& secret, const FlowKey& flow, SeqNumber irs, std::uint16_t mss,
                     Instant now) noexcept {
  const MssTable& table = table_for(flow);
  const auto above = std::upper_bound(table.begin() + 1, table.end(), mss);
  const auto index = static_cast<std::uint8_t>(above - table.begin() - 1);
  const std::uint64_t period = period_of(now);
  const std::uint32_t plain = static_cast<std::uint32_t>(period) << (kMssBits + kHashBits) |
                              static_cast<std::uint32_t>(index) << kHashBits |
                              proof(secret, flow, irs, period, index);
  return {plain ^ veil(secret, flow, irs)};
}

std::optional<std::uint16_t> check_syn_cookie(const Secret& secret, const FlowKey& flow,
                                              SeqNumber irs, SeqNumber cookie,
                                              Instant now) noexcept {
  const std::uint32_t plain = cookie.raw ^ veil(secret, flow, irs);
  const auto index = static_cast<std::uint8_t>(plain >> kHashBits & ((1u << kMssBits) - 1));
  const std::uint64_t current = period_of(now);
  const std::uint64_t age =
      (current - (plain >> (kMssBits + kHashBits))) & ((1u << kPeriodBits) - 1);
  if (age > 1 || age > current) return std::nullopt;
  if ((plain & kHashMask) != proof(secret, flow, irs, current - age, index)) return std::nullopt;
  return table_for(flow)[index];
}

SegmentIn cookie_part(const SegmentIn& syn) noexcept {
  SegmentIn out = syn;
  out.len = 0;
  if (syn.options.timestamps) return out;
  out.options = TcpOptions{};
  out.options.mss = syn.options.mss;
  out.flags.raw = TcpFlags::kSyn;
  return out;
}

std::uint32_t timestamp_with_choices(std::uint32_t tsval, const SegmentIn& syn) noexcept {
  const TcpOptions& options = syn.options;
  const std::uint32_t scale =
      options.window_scale ? std::min(*options.window_scale, kMaxWindowShift) : kNoScale;
  const bool ecn = syn.flags.ece() && syn.flags.cwr();
  const std::uint32_t choices =
      scale << kScaleShift | (options.sack_permitted ? kSack : 0) | (ecn ? kEcn : 0);
  const std::uint32_t out = (tsval & ~kChoiceMask) | choices;
  return static_cast<std::int32_t>(tsval - out) >= 0 ? out : out - (kChoiceMask + 1);
}

SegmentIn syn_of_cookie(const SegmentIn& ack, std::uint16_t mss) noexcept {
  SegmentIn out;
  out.seq = ack.seq - 1;
  out.window = ack.window;
  out.flags.raw = TcpFlags::kSyn;
  out.options.mss = mss;
  if (!ack.options.timestamps) return out;
  out.options.timestamps = TcpTimestamps{ack.options.timestamps->tsval, 0};
  const std::uint32_t choices = ack.options.timestamps->tsecr & kChoiceMask;
  const std::uint32_t scale = choices >> kScaleShift;
  if (scale != kNoScale) out.options.window_scale = static_cast<std::uint8_t>(scale);
  out.options.sack_permitted = (choices & kSack) != 0;
  if ((choices & kEcn) != 0) out.flags.raw |= TcpFlags::kEce | TcpFlags::kCwr;
  return out;
}

}  // namespace smol::tcp
