#include "protocols/wire/tcp.hh"

namespace smol {
namespace {

// Option kinds (RFC 9293 section 3.2, RFC 7323, RFC 2018, RFC 2385, RFC 5482, RFC 5925, RFC 7413).
constexpr std::uint8_t kEnd = 0;
constexpr std::uint8_t kNop = 1;
constexpr std::uint8_t kMss = 2;
constexpr std::uint8_t kWindowScale = 3;
constexpr std::uint8_t kSackPermitted = 4;
constexpr std::uint8_t kSack = 5;
constexpr std::uint8_t kTimestamps = 8;
constexpr std::uint8_t kMd5 = 19;
constexpr std::uint8_t kUserTimeout = 28;
constexpr std::uint8_t kAuthentication = 29;
constexpr std::uint8_t kFastOpen = 34;

constexpr std::uint16_t kMinutes = 0x8000;  // the granularity bit of a user timeout

/// A cookie of a length that none can have counts for nothing (RFC 7413 section 4.1.1).
void take_fast_open(Bytes option, TcpOptions& out) noexcept {
  const std::size_t len = option.size() - 2;
  const bool possible =
      len == 0 || (len >= FastOpenCookie::kLeast && len <= FastOpenCookie::kMost && len % 2 == 0);
  if (!possible || out.fast_open) return;
  FastOpenCookie& cookie = out.fast_open.emplace();
  cookie.len = static_cast<std::uint8_t>(len);
  copy_bytes(MutBytes{cookie.octets}.first(len), option.subspan(2));
}

/// Takes one whole option, length checked against the header only. Of each kind the first counts.
/// False if the length is wrong for the kind.
bool take(Bytes option, TcpOptions& out) noexcept {
  const std::size_t len = option.size();
  switch (u8(option, 0)) {
    case kMss:
      if (len != 4) return false;
      if (!out.mss) out.mss = be16(option, 2);
      return true;
    case kWindowScale:
      if (len != 3) return false;
      if (!out.window_scale) out.window_scale = u8(option, 2);
      return true;
    case kSackPermitted:
      out.sack_permitted = true;
      return len == 2;
    case kTimestamps:
      if (len != 10) return false;
      if (!out.timestamps) out.timestamps = TcpTimestamps{be32(option, 2), be32(option, 6)};
      return true;
    case kSack: {
      if (len < 10 || len > 34 || len % 8 != 2) return false;
      if (!out.sack.empty()) return true;
      for (std::size_t at = 2; at < len; at += 8) {
        out.sack.push_back({{be32(option, at)}, {be32(option, at + 4)}});
      }
      return true;
    }
    case kMd5:
      out.md5 = true;
      return len == 18;
    case kAuthentication:
      out.authentication = true;
      return len >= 4;
    case kUserTimeout: {
      if (len != 4) return false;
      const std::uint16_t value = be16(option, 2);
      if (!out.user_timeout) {
        out.user_timeout =
            TcpUserTimeout{(value & kMinutes) != 0, static_cast<std::uint16_t>(value & ~kMinutes)};
      }
      return true;
    }
    case kFastOpen:
      take_fast_open(option, out);
      return true;
    default:
      return true;  // MUST-6: skipped by its length
  }
}

void put_timestamps(Writer& w, const TcpTimestamps& ts) noexcept {
  w.u8(kTimestamps).u8(10).be32(ts.tsval).be32(ts.tsecr);
}

}  // namespace

bool TcpOptions::read_any(Bytes options) noexcept {
  while (!options.empty()) {
    const std::uint8_t kind = u8(options, 0);
    if (kind == kEnd) break;
    if (kind == kNop) {
      options = options.subspan(1);
      continue;
    }
    if (options.size() < 2) return false;
    const std::size_t len = u8(options, 1);
    if (len < 2 || len > options.size() || !take(options.first(len), *this)) return false;
    options = options.subspan(len);
  }
  return true;
}

void TcpOptions::emit_any(MutBytes out) const noexcept {
  Writer w{out.first(padded_len())};
  const bool aligned = aligned_len() <= kMaxLen;
  const auto nops = [&](int n) {
    for (; aligned && n > 0; --n) w.u8(kNop);
  };
  if (mss) w.u8(kMss).u8(4).be16(*mss);
  if (sack_permitted) {
    if (!timestamps) nops(2);
    w.u8(kSackPermitted).u8(2);
  } else if (timestamps) {
    nops(2);
  }
  if (timestamps) put_timestamps(w, *timestamps);
  if (window_scale) {
    nops(1);
    w.u8(kWindowScale).u8(3).u8(*window_scale);
  }
  if (user_timeout) {
    const std::uint16_t value = user_timeout->minutes ? user_timeout->value | kMinutes
                                                      : user_timeout->value & (kMinutes - 1u);
    w.u8(kUserTimeout).u8(4).be16(value);
  }
  if (!sack.empty()) {
    nops(2);
    w.u8(kSack).u8(static_cast<std::uint8_t>(2 + 8 * sack.size()));
    for (const SackBlock& block : sack) w.be32(block.left.raw).be32(block.right.raw);
  }
  if (fast_open) {
    nops(2);
    w.u8(kFastOpen).u8(static_cast<std::uint8_t>(2 + fast_open->len)).bytes(fast_open->bytes());
  }
  w.zero_fill();  // the end of the option list is zeros (MUST-69)
}

}  // namespace smol
