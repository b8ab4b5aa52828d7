// The user timeout option (RFC 5482): telling a peer how long we wait for it, and waiting as long
// as it asks for.
#include <algorithm>

#include "protocols/tcp/connection.hh"

namespace smol::tcp {
namespace {

/// The least that says at least as much: the option has 15 bits, of seconds or of minutes.
TcpUserTimeout option_of(Duration wait) noexcept {
  constexpr std::int64_t kMost = 0x7fff;
  const std::int64_t seconds = (wait + milliseconds(999)) / milliseconds(1000);
  if (seconds <= kMost)
    return {false, static_cast<std::uint16_t>(std::max<std::int64_t>(seconds, 1))};
  return {true, static_cast<std::uint16_t>(std::min((seconds + 59) / 60, kMost))};
}

}  // namespace

/// On the SYN, which may meet a middlebox that takes it away, and on the first segment after it
/// without text and SACK blocks: there it costs nobody room.
void Connection::offer_user_timeout(const Context& context, SegmentOut& out) noexcept {
  if (!user_timeout_due_ || !out.header.options.sack.empty()) return;
  if (out.header.control != TcpControl::kSyn) user_timeout_due_ = false;
  if (user_timeout_ms_ == kForeverMs) return;
  const Duration wait =
      user_timeout_ms_ > 0 ? milliseconds(user_timeout_ms_) : context.config.user_timeout;
  out.header.options.user_timeout = option_of(wait);
}

/// USER_TIMEOUT = min(U_LIMIT, max(ADV_UTO, REMOTE_UTO, L_LIMIT)) (section 3.1), unless the user
/// has chosen: then it stands (section 3, CHANGEABLE). Zero says nothing.
void Connection::hear_user_timeout(const Context& context, const TcpUserTimeout& theirs) noexcept {
  if (!user_timeout_option_ || user_timeout_chosen_ || theirs.seconds() == 0) return;
  const Config& config = context.config;
  const Duration asked = std::max<Duration>(seconds(theirs.seconds()), config.user_timeout);
  const Duration wait = std::clamp(asked, config.least_user_timeout,
                                   std::max(config.least_user_timeout, config.most_user_timeout));
  user_timeout_ms_ = static_cast<std::uint32_t>(wait / milliseconds(1));
}

}  // namespace smol::tcp
