#include "protocols/base/address.hh"

#include <algorithm>

namespace smol {
namespace {

/// `text` from `at` on. substr() would bring exceptions in. Precondition: at <= text.size().
std::string_view from(std::string_view text, std::size_t at) noexcept {
  text.remove_prefix(at);
  return text;
}

/// Decimal 0..max without sign, blanks or leading zeros ("010" means eight to some readers).
std::optional<unsigned> parse_decimal(std::string_view text, unsigned max) noexcept {
  if (text.empty() || text.size() > 5 || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  unsigned value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  if (value > max) return std::nullopt;
  return value;
}

std::optional<unsigned> hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

std::optional<std::uint32_t> parse_v4(std::string_view text) noexcept {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) {
    const std::size_t dot = text.find('.');
    if ((dot == std::string_view::npos) != (i == 3)) return std::nullopt;
    const std::optional<unsigned> octet = parse_decimal(text.substr(0, dot), 255);
    if (!octet) return std::nullopt;
    value = value << 8 | *octet;
    if (i < 3) text.remove_prefix(dot + 1);
  }
  return value;
}

/// The groups of one side of "::". A dotted quad may stand for the last two.
struct Groups {
  std::array<std::uint16_t, 8> value{};
  std::size_t count = 0;

  bool add(std::uint32_t group) noexcept {
    if (count == value.size()) return false;
    value[count++] = static_cast<std::uint16_t>(group);
    return true;
  }
};

bool parse_group(std::string_view text, Groups& out) noexcept {
  if (text.empty() || text.size() > 4) return false;
  std::uint32_t value = 0;
  for (const char c : text) {
    const std::optional<unsigned> digit = hex_digit(c);
    if (!digit) return false;
    value = value << 4 | *digit;
  }
  return out.add(value);
}

bool parse_groups(std::string_view text, bool quad_allowed, Groups& out) noexcept {
  while (!text.empty()) {
    const std::size_t colon = text.find(':');
    const std::string_view group = text.substr(0, colon);
    if (colon == std::string_view::npos) {
      if (!quad_allowed || group.find('.') == std::string_view::npos)
        return parse_group(group, out);
      const std::optional<std::uint32_t> quad = parse_v4(group);
      return quad && out.add(*quad >> 16) && out.add(*quad & 0xffff);
    }
    if (!parse_group(group, out)) return false;
    text.remove_prefix(colon + 1);
    if (text.empty()) return false;  // a trailing colon
  }
  return true;
}

std::optional<IpAddress> parse_v6(std::string_view text) noexcept {
  Groups left;
  Groups right;
  const std::size_t gap = text.find("::");
  if (gap == std::string_view::npos) {
    if (!parse_groups(text, true, left) || left.count != 8) return std::nullopt;
  } else {
    const std::string_view tail = from(text, gap + 2);
    if (!parse_groups(text.substr(0, gap), false, left) || !parse_groups(tail, true, right) ||
        left.count + right.count > 7) {
      return std::nullopt;
    }
  }
  std::array<std::uint8_t, 16> octets{};
  for (std::size_t i = 0; i < left.count; ++i) put_be16(octets, 2 * i, left.value[i]);
  for (std::size_t i = 0; i < right.count; ++i) {
    put_be16(octets, 2 * (8 - right.count + i), right.value[i]);
  }
  const IpAddress out = IpAddress::v6(octets);
  if (out.is_v4()) return std::nullopt;
  return out;
}

/// Where RFC 5952 section 4.2 puts "::": the longest run of two or more zero groups, the first of
/// equals. Length 0: nowhere.
struct ZeroRun {
  std::size_t begin = 0;
  std::size_t length = 0;
};

ZeroRun longest_zero_run(const std::array<std::uint8_t, 16>& octets) noexcept {
  ZeroRun best;
  for (std::size_t i = 0; i < 8;) {
    std::size_t end = i;
    while (end < 8 && be16(octets, 2 * end) == 0) ++end;
    if (end - i >= 2 && end - i > best.length) best = {i, end - i};
    i = std::max(end, i + 1);
  }
  return best;
}

}  // namespace

std::optional<MacAddress> MacAddress::parse(std::string_view text) noexcept {
  if (text.size() != 17) return std::nullopt;
  MacAddress out;
  for (std::size_t i = 0; i < 6; ++i) {
    const std::optional<unsigned> high = hex_digit(text[3 * i]);
    const std::optional<unsigned> low = hex_digit(text[3 * i + 1]);
    if (!high || !low || (i < 5 && text[3 * i + 2] != ':')) return std::nullopt;
    out.octets[i] = static_cast<std::uint8_t>(*high << 4 | *low);
  }
  return out;
}

void MacAddress::print(TextWriter& out) const noexcept {
  for (std::size_t i = 0; i < 6; ++i) {
    if (i > 0) out.put(':');
    out.hex(octets[i], 2);
  }
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) noexcept {
  if (text.find(':') != std::string_view::npos) return parse_v6(text);
  const std::optional<std::uint32_t> value = parse_v4(text);
  if (!value) return std::nullopt;
  return v4(*value);
}

void IpAddress::print(TextWriter& out) const noexcept {
  if (is_v4()) {
    for (std::size_t i = 12; i < 16; ++i) {
      if (i > 12) out.put('.');
      out.dec(octets_[i]);
    }
    return;
  }
  const ZeroRun gap = longest_zero_run(octets_);
  for (std::size_t i = 0; i < 8; ++i) {
    if (gap.length > 0 && i == gap.begin) {
      out.put("::");
      i += gap.length - 1;
      continue;
    }
    if (i > 0 && !(gap.length > 0 && i == gap.begin + gap.length)) out.put(':');
    out.hex(be16(octets_, 2 * i));
  }
}

std::optional<IpPrefix> IpPrefix::parse(std::string_view text) noexcept {
  const std::size_t slash = text.find('/');
  const std::optional<IpAddress> address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  const unsigned max = max_length(address->family());
  if (slash == std::string_view::npos) return IpPrefix{*address, max};
  const std::optional<unsigned> length = parse_decimal(from(text, slash + 1), max);
  if (!length) return std::nullopt;
  return IpPrefix{*address, *length};
}

void IpPrefix::print(TextWriter& out) const noexcept {
  address_.print(out);
  out.put('/').dec(length_);
}

IpAddress IpPrefix::network() const noexcept {
  std::array<std::uint8_t, 16> octets = address_.octets();
  for (unsigned i = 0; i < 16; ++i) {
    const unsigned kept = std::clamp(mapped_length(), 8 * i, 8 * i + 8) - 8 * i;
    octets[i] = static_cast<std::uint8_t>(octets[i] & (0xff00u >> kept));
  }
  return IpAddress::v6(octets);
}

std::optional<IpAddress> IpPrefix::broadcast() const noexcept {
  if (!address_.is_v4() || length_ >= 31) return std::nullopt;
  return IpAddress::v4(address_.v4_value() | (0xffff'ffffu >> length_));
}

std::optional<IpEndpoint> IpEndpoint::parse(std::string_view text) noexcept {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = from(host.substr(0, host.size() - 1), 1);
  const std::optional<IpAddress> address = IpAddress::parse(host);
  const std::optional<unsigned> port = parse_decimal(from(text, colon + 1), 65535);
  if (!address || !port || bracketed != address->is_v6()) return std::nullopt;
  return IpEndpoint{*address, static_cast<std::uint16_t>(*port)};
}

void IpEndpoint::print(TextWriter& out) const noexcept {
  if (address.is_v6()) out.put('[');
  address.print(out);
  if (address.is_v6()) out.put(']');
  out.put(':').dec(port);
}

}  // namespace smol
