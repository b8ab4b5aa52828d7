#pragma once

#include <cstdint>
#include <string_view>

#include "protocols/base/address.hh"
#include "protocols/base/bytes.hh"
#include "protocols/base/result.hh"
#include "protocols/base/text.hh"

namespace smol {

/// IEEE 802 protocol numbers that this stack knows by name.
enum class EtherType : std::uint16_t {
  kIp4 = 0x0800,
  kArp = 0x0806,
  kVlan = 0x8100,
  kIp6 = 0x86dd,
};

/// "IPv4", or empty for a number without a name here.
std::string_view name(EtherType type) noexcept;

/// "type=IPv4", or "type=0x88b5".
void print_type(TextWriter& out, EtherType type) noexcept;

/// An Ethernet II header in place (RFC 894). A borrowed view: valid while the octets are.
class EthernetView {
 public:
  static constexpr std::size_t kHeader = 14;
  /// Type fields below this are IEEE 802.3 lengths (RFC 1122 section 2.3.3).
  static constexpr std::uint16_t kFirstType = 0x0600;

  /// Refuses what is shorter than a header (kEthTruncated) and sources with the group bit
  /// (kEthBadSource). The type is the caller's business.
  static constexpr Result<EthernetView> parse(Bytes frame) noexcept {
    if (frame.size() < kHeader) return fail(Drop::kEthTruncated);
    const EthernetView view{frame.first(kHeader)};
    if (view.source().is_group()) return fail(Drop::kEthBadSource);
    return view;
  }

  constexpr MacAddress destination() const noexcept { return MacAddress::from(h_); }
  constexpr MacAddress source() const noexcept { return MacAddress::from(h_.subspan(6)); }
  /// The raw type or length field.
  constexpr std::uint16_t type() const noexcept { return be16(h_, 12); }

 private:
  constexpr explicit EthernetView(Bytes h) noexcept : h_{h} {}
  Bytes h_;
};

/// An Ethernet II header as a value.
struct EthernetRepr {
  MacAddress destination{};
  MacAddress source{};
  EtherType type = EtherType::kIp4;

  static constexpr std::size_t header_len() noexcept { return EthernetView::kHeader; }

  static constexpr EthernetRepr parse(const EthernetView& view) noexcept {
    return {view.destination(), view.source(), static_cast<EtherType>(view.type())};
  }
  /// Writes out.first(header_len()). Precondition: it fits.
  constexpr void emit(MutBytes out) const noexcept {
    Writer w{out.first(header_len())};
    w.bytes(destination.octets).bytes(source.octets).be16(static_cast<std::uint16_t>(type));
  }
  /// "EthernetII src=02:00:00:00:00:01 dst=ff:ff:ff:ff:ff:ff type=ARP"
  void print(TextWriter& out) const noexcept;
  constexpr bool operator==(const EthernetRepr&) const noexcept = default;
};

}  // namespace smol
