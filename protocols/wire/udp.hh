#pragma once

#include <cstdint>

#include "protocols/base/bytes.hh"
#include "protocols/base/result.hh"
#include "protocols/base/text.hh"

namespace smol {

/// A UDP header in place (RFC 768). A borrowed view: valid while the octets are.
/// Invariant, set by parse(): 8 <= length() <= octets of the IP payload.
class UdpView {
 public:
  static constexpr std::size_t kHeader = 8;

  /// `head`: contiguous front of the IP payload; `ip_payload_len`: all of it. Octets beyond
  /// length() are no part of the datagram.
  static constexpr Result<UdpView> parse(Bytes head, std::size_t ip_payload_len) noexcept {
    if (head.size() < kHeader) return fail(Drop::kUdpTruncated);
    const std::size_t length = be16(head, 4);
    if (length < kHeader || length > ip_payload_len) return fail(Drop::kUdpTruncated);
    return UdpView{head.first(kHeader)};
  }

  constexpr std::uint16_t src_port() const noexcept { return be16(h_, 0); }
  constexpr std::uint16_t dst_port() const noexcept { return be16(h_, 2); }
  /// Header and data.
  constexpr std::size_t length() const noexcept { return be16(h_, 4); }
  /// Zero: the sender computed none (IPv4 only).
  constexpr std::uint16_t checksum() const noexcept { return be16(h_, 6); }

 private:
  constexpr explicit UdpView(Bytes h) noexcept : h_{h} {}
  Bytes h_;
};

struct UdpRepr {
  std::uint16_t src_port = 0;
  std::uint16_t dst_port = 0;
  std::uint16_t payload_len = 0;

  static constexpr std::size_t header_len() noexcept { return UdpView::kHeader; }

  static constexpr UdpRepr parse(const UdpView& view) noexcept {
    return {view.src_port(), view.dst_port(),
            static_cast<std::uint16_t>(view.length() - UdpView::kHeader)};
  }
  /// Writes out.first(header_len()) with a zero checksum. Precondition: it fits.
  constexpr void emit(MutBytes out) const noexcept {
    Writer w{out.first(header_len())};
    w.be16(src_port).be16(dst_port);
    w.be16(static_cast<std::uint16_t>(header_len() + payload_len)).be16(0);
  }
  /// "UDP src=53 dst=1024 len=12"
  void print(TextWriter& out) const noexcept;
  constexpr bool operator==(const UdpRepr&) const noexcept = default;
};

}  // namespace smol
