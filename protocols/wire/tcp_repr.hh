#pragma once

#include <cstdint>
#include <optional>

#include "protocols/base/bytes.hh"
#include "protocols/base/result.hh"
#include "protocols/base/seq.hh"
#include "protocols/base/text.hh"
#include "protocols/wire/tcp.hh"

namespace smol {

/// At most one of them stands in a segment of ours: SYN with FIN cannot be said.
enum class TcpControl : std::uint8_t {
  kNone = 0,
  kFin = TcpFlags::kFin,
  kSyn = TcpFlags::kSyn,
  kRst = TcpFlags::kRst,
  kPsh = TcpFlags::kPsh,
  kFinPsh = TcpFlags::kFin | TcpFlags::kPsh,
};

/// Everything this stack can say in a TCP header: host order, every combination legal.
struct TcpRepr {
  std::uint16_t src_port = 0;
  std::uint16_t dst_port = 0;
  SeqNumber seq{};
  std::optional<SeqNumber> ack{};  ///< engaged if and only if the ACK bit is set
  TcpControl control = TcpControl::kNone;
  std::uint16_t window = 0;  ///< as on the wire, already shifted (RFC 7323 section 2.3)
  /// Urgent data ends so many octets behind `seq`; with 0 there is no URG, and one that comes with
  /// 0 says nothing.
  std::uint16_t urgent = 0;
  bool ece = false;  ///< congestion was experienced (RFC 3168 section 6.1)
  bool cwr = false;  ///< the congestion window was reduced
  TcpOptions options{};

  /// Octets emit() writes: 20..60, a multiple of 4.
  constexpr std::size_t header_len() const noexcept {
    return TcpView::kMinHeader + options.padded_len();
  }

  /// Refuses flags that no segment of sense carries (kTcpBadFlags: SYN with FIN or RST, FIN with
  /// RST, none at all), port zero (kTcpBadPort) and bad options. URG, ECE and CWR do not count as
  /// flags there. PSH beside SYN or RST is let go.
  static Result<TcpRepr> parse(const TcpView& view) noexcept;
  /// Why parse() would refuse it, or nothing: then `options`, which must be empty, holds what
  /// parse() would have read of them. For who takes the other fields from the view.
  static std::optional<Drop> read_options(const TcpView& view, TcpOptions& options) noexcept;
  /// Writes out.first(header_len()), padding included: a recycled buffer cannot leak. The checksum
  /// is left zero: offload or the stack fills it in. Precondition: it fits.
  constexpr void emit(MutBytes out) const noexcept;
  /// "TCP src=49500 dst=80 syn seq=1 ack=2 win=64240 mss=1460 ws=7 sACK tsval=1 tsecr=0"
  void print(TextWriter& out) const noexcept;
  constexpr bool operator==(const TcpRepr&) const noexcept = default;

 private:
  // Reads into an empty value, in place; see TcpOptions::read().
  std::optional<Drop> read(const TcpView& view) noexcept;
};

inline std::optional<Drop> TcpRepr::read_options(const TcpView& view,
                                                 TcpOptions& options) noexcept {
  const TcpFlags flags = view.flags();
  const auto one =
      static_cast<std::uint8_t>(flags.raw & (TcpFlags::kFin | TcpFlags::kSyn | TcpFlags::kRst));
  if ((one & (one - 1)) != 0 || (one == 0 && !flags.ack() && !flags.psh())) [[unlikely]] {
    return Drop::kTcpBadFlags;
  }
  if (view.src_port() == 0 || view.dst_port() == 0) [[unlikely]]
    return Drop::kTcpBadPort;
  if (!options.read(view.options())) [[unlikely]]
    return Drop::kTcpBadOption;
  return std::nullopt;
}

inline std::optional<Drop> TcpRepr::read(const TcpView& view) noexcept {
  if (const std::optional<Drop> refused = read_options(view, options)) return refused;
  const TcpFlags flags = view.flags();
  src_port = view.src_port();
  dst_port = view.dst_port();
  seq = view.seq();
  if (flags.ack()) ack = view.ack();
  // A push goes with data and FIN; beside SYN and RST it says nothing.
  const bool push = flags.psh() && !flags.syn() && !flags.rst();
  control =
      static_cast<TcpControl>((flags.raw & (TcpFlags::kFin | TcpFlags::kSyn | TcpFlags::kRst)) |
                              (push ? TcpFlags::kPsh : 0));
  window = view.window();
  urgent = flags.urg() ? view.urgent_pointer() : std::uint16_t{0};
  ece = flags.ece();
  cwr = flags.cwr();
  return std::nullopt;
}

inline Result<TcpRepr> TcpRepr::parse(const TcpView& view) noexcept {
  Result<TcpRepr> out;
  if (const std::optional<Drop> refused = out->read(view)) out = fail(*refused);
  return out;
}

constexpr void TcpRepr::emit(MutBytes out) const noexcept {
  const bool common = options.timestamps_alone();
  const std::size_t len =
      TcpView::kMinHeader + (common ? TcpOptions::kTimestampsAloneLen : options.padded_len());
  const auto flags = static_cast<std::uint32_t>(
      static_cast<std::uint8_t>(control) | (ack ? TcpFlags::kAck : 0) |
      (urgent != 0 ? TcpFlags::kUrg : 0) | (ece ? TcpFlags::kEce : 0) | (cwr ? TcpFlags::kCwr : 0));
  // Whole words: each becomes one store.
  put_be32(out, 0, static_cast<std::uint32_t>(src_port) << 16 | dst_port);
  put_be32(out, 4, seq.raw);
  put_be32(out, 8, ack.value_or(SeqNumber{}).raw);
  put_be32(out, 12, static_cast<std::uint32_t>(len) << 26 | flags << 16 | window);
  put_be32(out, 16, urgent);  // behind the checksum
  const MutBytes rest = out.subspan(TcpView::kMinHeader, len - TcpView::kMinHeader);
  common ? options.emit_timestamps_alone(rest) : options.emit(rest);
}

}  // namespace smol
