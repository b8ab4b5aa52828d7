#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "protocols/base/bytes.hh"
#include "protocols/base/result.hh"
#include "protocols/base/seq.hh"
#include "protocols/base/static_vector.hh"

namespace smol {

/// The nine flags of a TCP header (RFC 9293 section 3.1; AE: RFC 9768).
struct TcpFlags {
  static constexpr std::uint8_t kFin = 0x01;
  static constexpr std::uint8_t kSyn = 0x02;
  static constexpr std::uint8_t kRst = 0x04;
  static constexpr std::uint8_t kPsh = 0x08;
  static constexpr std::uint8_t kAck = 0x10;
  static constexpr std::uint8_t kUrg = 0x20;
  static constexpr std::uint8_t kEce = 0x40;
  static constexpr std::uint8_t kCwr = 0x80;

  std::uint8_t raw = 0;

  constexpr bool fin() const noexcept { return (raw & kFin) != 0; }
  constexpr bool syn() const noexcept { return (raw & kSyn) != 0; }
  constexpr bool rst() const noexcept { return (raw & kRst) != 0; }
  constexpr bool psh() const noexcept { return (raw & kPsh) != 0; }
  constexpr bool ack() const noexcept { return (raw & kAck) != 0; }
  constexpr bool urg() const noexcept { return (raw & kUrg) != 0; }
  constexpr bool ece() const noexcept { return (raw & kEce) != 0; }
  constexpr bool cwr() const noexcept { return (raw & kCwr) != 0; }
  constexpr bool operator==(const TcpFlags&) const noexcept = default;
};

/// A TCP header in place (RFC 9293 section 3.1). A borrowed view: owns nothing, valid while the
/// octets are. Invariant, set by parse() and never re-checked: 20 <= header_len() <= octets viewed.
/// There is no payload(): payload belongs to the packet, which may be a chain of segments.
class TcpView {
 public:
  static constexpr std::size_t kMinHeader = 20;
  static constexpr std::size_t kMaxHeader = 60;

  /// The only door from untrusted octets. `head`: the contiguous front of the IP payload, as much
  /// as a header can be. The checksum is not looked at.
  static constexpr Result<TcpView> parse(Bytes head) noexcept {
    if (head.size() < kMinHeader) return fail(Drop::kTcpTruncated);
    const std::size_t len = 4u * (u8(head, 12) >> 4);
    if (len < kMinHeader || len > head.size()) return fail(Drop::kTcpBadOffset);
    return TcpView{head.first(len)};
  }

  constexpr std::uint16_t src_port() const noexcept { return be16(h_, 0); }
  constexpr std::uint16_t dst_port() const noexcept { return be16(h_, 2); }
  constexpr SeqNumber seq() const noexcept { return {be32(h_, 4)}; }
  /// Meaningful only with flags().ack().
  constexpr SeqNumber ack() const noexcept { return {be32(h_, 8)}; }
  constexpr std::size_t header_len() const noexcept { return h_.size(); }
  constexpr TcpFlags flags() const noexcept { return {u8(h_, 13)}; }
  /// As on the wire, not scaled.
  constexpr std::uint16_t window() const noexcept { return be16(h_, 14); }
  constexpr std::uint16_t checksum() const noexcept { return be16(h_, 16); }
  constexpr std::uint16_t urgent_pointer() const noexcept { return be16(h_, 18); }
  constexpr Bytes options() const noexcept { return h_.subspan(kMinHeader); }

 private:
  constexpr explicit TcpView(Bytes h) noexcept : h_{h} {}
  Bytes h_;
};

/// TSopt (RFC 7323 section 3).
struct TcpTimestamps {
  std::uint32_t tsval = 0;
  std::uint32_t tsecr = 0;
  constexpr bool operator==(const TcpTimestamps&) const noexcept = default;
};

/// [left, right) of data received beyond the cumulative acknowledgement (RFC 2018 section 3).
struct SackBlock {
  SeqNumber left{};
  SeqNumber right{};
  constexpr bool empty() const noexcept { return left == right; }
  constexpr bool operator==(const SackBlock&) const noexcept = default;
};

/// What a server gives a client, to be shown when it comes again with text on its SYN (RFC 7413
/// section 4.1.1). Without octets: a client asks for one.
struct FastOpenCookie {
  static constexpr std::size_t kLeast = 4;
  static constexpr std::size_t kMost = 16;

  std::array<std::uint8_t, kMost> octets{};  ///< beyond `len`: zero
  std::uint8_t len = 0;                      ///< 0, or 4..16 and even

  constexpr bool is_request() const noexcept { return len == 0; }
  constexpr Bytes bytes() const noexcept { return Bytes{octets}.first(len); }
  constexpr bool operator==(const FastOpenCookie&) const noexcept = default;
};

/// How long the sender will wait for an acknowledgement (RFC 5482 section 3).
struct TcpUserTimeout {
  bool minutes = false;     ///< else seconds
  std::uint16_t value = 0;  ///< 15 bits

  constexpr std::uint32_t seconds() const noexcept { return minutes ? value * 60u : value; }
  constexpr bool operator==(const TcpUserTimeout&) const noexcept = default;
};

/// The options this stack understands. Others are skipped by their length (MUST-6).
struct TcpOptions {
  std::optional<TcpTimestamps> timestamps{};
  std::optional<std::uint16_t> mss{};
  std::optional<std::uint8_t> window_scale{};  ///< as sent, not clamped to 14
  bool sack_permitted = false;
  /// The segment is signed, by an MD5 digest (RFC 2385) or by TCP-AO (RFC 5925). Read, never said:
  /// emit() leaves it out.
  bool md5 = false;
  bool authentication = false;
  std::optional<TcpUserTimeout> user_timeout{};
  std::optional<FastOpenCookie> fast_open{};  ///< of impossible length: as if absent (RFC 7413)
  StaticVector<SackBlock, 4> sack{};

  /// Any option may stand in any segment and at any offset (MUST-5, MUST-64). A length of 0 or 1,
  /// beyond the header, or wrong for its kind fails with kTcpBadOption (MUST-7). O(40).
  static Result<TcpOptions> parse(Bytes options) noexcept {
    Result<TcpOptions> out;
    if (!out->read(options)) out = fail(Drop::kTcpBadOption);
    return out;
  }

  /// Octets emit() writes: 0..40, a multiple of 4. Precondition: they fit in 40 (checked): up to 3
  /// SACK blocks beside timestamps, 4 without. Whatever parse() returned fits.
  constexpr std::size_t padded_len() const noexcept {
    if (timestamps_alone()) [[likely]]
      return kTimestampsAloneLen;
    return padded_len_any();
  }
  /// Writes all of out.first(padded_len()). Every option starts where Linux puts it, its values on
  /// a word of 4 octets: MSS, then SACK-permitted and timestamps in one, window scale, user
  /// timeout, SACK, fast open, with NOPs before what needs them. A set that does not fit in 40 so
  /// is written without NOPs.
  constexpr void emit(MutBytes out) const noexcept {
    if (timestamps_alone()) [[likely]]
      return emit_timestamps_alone(out);
    emit_any(out);
  }
  /// Just what nearly every segment carries once a connection is open.
  constexpr bool timestamps_alone() const noexcept {
    return timestamps.has_value() && sack.empty() && !mss.has_value() &&
           !window_scale.has_value() && !sack_permitted && !user_timeout.has_value() &&
           !fast_open.has_value();
  }
  constexpr bool operator==(const TcpOptions& other) const noexcept;

  /// Writes NOP NOP TS, 12 octets. Precondition: timestamps_alone().
  constexpr void emit_timestamps_alone(MutBytes out) const noexcept {
    put_be32(out, 0, kTimestampsAlone);
    put_be32(out, 4, timestamps->tsval);
    put_be32(out, 8, timestamps->tsecr);
  }

  static constexpr std::uint32_t kTimestampsAlone = 0x0101080a;
  static constexpr std::size_t kTimestampsAloneLen = 12;
  static constexpr std::size_t kMaxLen = TcpView::kMaxHeader - TcpView::kMinHeader;

 private:
  friend struct TcpRepr;

  // Reads into an empty set, in place: a copy of so many small fields would wait for their stores.
  bool read(Bytes options) noexcept {
    // NOP NOP TS and nothing else: what nearly every segment of a modern peer carries.
    if (options.size() == kTimestampsAloneLen && be32(options, 0) == kTimestampsAlone) [[likely]] {
      timestamps.emplace(TcpTimestamps{be32(options, 4), be32(options, 8)});
      return true;
    }
    return options.empty() || read_any(options);
  }
  bool read_any(Bytes options) noexcept;
  // Out of line, so that what every segment takes stays small enough to be inlined.
  [[gnu::noinline]] constexpr std::size_t padded_len_any() const noexcept {
    const std::size_t aligned = aligned_len();
    return aligned <= kMaxLen ? aligned : compact_len();
  }
  constexpr std::size_t aligned_len() const noexcept {
    std::size_t len = 0;
    if (mss) len += 4;
    if (timestamps) {
      len += kTimestampsAloneLen;  // SACK-permitted takes the place of the NOPs
    } else if (sack_permitted) {
      len += 4;
    }
    if (window_scale) len += 4;
    if (user_timeout) len += 4;
    if (!sack.empty()) len += 4 + 8 * sack.size();
    if (fast_open) len += (4u + fast_open->len + 3) / 4 * 4;
    return len;
  }
  constexpr std::size_t compact_len() const noexcept {
    std::size_t len = 0;
    if (mss) len += 4;
    if (sack_permitted) len += 2;
    if (timestamps) len += 10;
    if (window_scale) len += 3;
    if (user_timeout) len += 4;
    if (!sack.empty()) len += 2 + 8 * sack.size();
    if (fast_open) len += 2u + fast_open->len;
    SMOL_CHECK(len <= kMaxLen);
    return (len + 3) / 4 * 4;
  }
  void emit_any(MutBytes out) const noexcept;
};

constexpr bool TcpOptions::operator==(const TcpOptions& other) const noexcept {
  if (sack.size() != other.sack.size()) return false;
  for (std::size_t i = 0; i < sack.size(); ++i) {
    if (!(sack[i] == other.sack[i])) return false;
  }
  return timestamps == other.timestamps && mss == other.mss && window_scale == other.window_scale &&
         sack_permitted == other.sack_permitted && md5 == other.md5 &&
         authentication == other.authentication && user_timeout == other.user_timeout &&
         fast_open == other.fast_open;
}

}  // namespace smol
