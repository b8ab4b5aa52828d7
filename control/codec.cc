#include "control/codec.hh"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace smol::control {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// The digits that `text` begins with.
std::string_view digits_of(std::string_view text) {
  const auto end = std::find_if_not(text.begin(), text.end(), is_digit);
  return text.substr(0, static_cast<std::size_t>(end - text.begin()));
}

/// Precondition: digits. More than 64 bits of them: the largest number.
std::uint64_t value_of(std::string_view digits) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return error == std::errc{} ? value : std::numeric_limits<std::uint64_t>::max();
}

std::uint64_t times(std::uint64_t value, std::uint64_t factor) {
  std::uint64_t product = 0;
  return __builtin_mul_overflow(value, factor, &product) ? std::numeric_limits<std::uint64_t>::max()
                                                         : product;
}

/// What is wrong with digits that another reader might take for octal; empty: nothing.
std::string leading_zero(std::string_view text, std::string_view digits) {
  if (digits.size() < 2 || digits[0] != '0') return {};
  std::string_view rest = text;
  while (rest.size() > 1 && rest[0] == '0' && is_digit(rest[1])) rest.remove_prefix(1);
  return in_quotes(text) + " has a leading zero: write " + std::string{rest};
}

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::array<Unit, 3> kSizes = {
    {{"GiB", std::uint64_t{1} << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}}};

// In nanoseconds; printed with the first that leaves no remainder, minutes never: 60s reads better.
constexpr std::array<Unit, 6> kTimes = {{{"h", 3'600'000'000'000},
                                         {"s", 1'000'000'000},
                                         {"ms", 1'000'000},
                                         {"us", 1'000},
                                         {"ns", 1},
                                         {"m", 60'000'000'000}}};

constexpr std::array<Unit, 4> kRates = {
    {{"Gbit", 1'000'000'000}, {"Mbit", 1'000'000}, {"kbit", 1'000}, {"bit", 1}}};

std::string print_rate(const std::uint64_t& value) {
  for (const Unit& unit : kRates) {
    if (value % unit.factor == 0)
      return std::to_string(value / unit.factor) + std::string{unit.name};
  }
  return {};
}

Result<std::uint64_t, std::string> parse_rate(std::string_view text) {
  constexpr std::uint64_t kLeast = 1'000;
  constexpr std::uint64_t kMost = 400'000'000'000;
  const std::string_view digits = digits_of(text);
  const std::string_view name = text.substr(digits.size());
  const auto same = [](char a, char b) { return (a | 0x20) == (b | 0x20); };
  const auto unit = std::find_if(kRates.begin(), kRates.end(), [&](const Unit& known) {
    return std::equal(name.begin(), name.end(), known.name.begin(), known.name.end(), same);
  });
  if (digits.empty() || unit == kRates.end()) {
    return fail(in_quotes(text) +
                " is no rate: write a whole number and bit, kbit, Mbit or Gbit, such as 50Mbit");
  }
  if (std::string wrong = leading_zero(text, digits); !wrong.empty()) return fail(wrong);
  const std::uint64_t bits = times(value_of(digits), unit->factor);
  if (bits < kLeast || bits > kMost) {
    return fail(std::string{text} + " is out of range " +
                detail::range(print_rate(kLeast), print_rate(kMost)));
  }
  return bits;
}

std::string print_duration(Duration value) {
  const auto ns = static_cast<std::uint64_t>(value.count());
  if (ns == 0) return "0s";
  for (const Unit& unit : kTimes) {
    if (ns % unit.factor == 0) return std::to_string(ns / unit.factor) + std::string{unit.name};
  }
  return {};
}

Result<Duration, std::string> parse_duration(std::string_view text, Duration min, Duration max) {
  const std::string_view digits = digits_of(text);
  const std::string_view name = text.substr(digits.size());
  const auto unit = std::find_if(kTimes.begin(), kTimes.end(),
                                 [&](const Unit& known) { return known.name == name; });
  if (digits.empty() || (unit == kTimes.end() && !name.empty())) {
    return fail(in_quotes(text) +
                " is no time: write a whole number and ns, us, ms, s, m or h, such as 200ms");
  }
  if (std::string wrong = leading_zero(text, digits); !wrong.empty()) return fail(wrong);
  const std::uint64_t number = value_of(digits);
  if (name.empty() && number != 0) {
    return fail(in_quotes(text) + " has no unit: write " + std::string{text} + "s or " +
                std::string{text} + "ms");
  }
  const std::uint64_t ns = name.empty() ? 0 : times(number, unit->factor);
  const auto limit = static_cast<std::uint64_t>(max.count());
  if (ns > limit || ns < static_cast<std::uint64_t>(min.count())) {
    return fail(std::string{text} + " is out of range " +
                detail::range(print_duration(min), print_duration(max)));
  }
  return Duration{static_cast<std::int64_t>(ns)};
}

/// Digits with at most one point among them.
bool is_decimal(std::string_view text) {
  const std::string_view whole = digits_of(text);
  if (whole.empty()) return false;
  text.remove_prefix(whole.size());
  if (text.empty()) return true;
  if (text[0] != '.') return false;
  text.remove_prefix(1);
  return !text.empty() && digits_of(text).size() == text.size();
}

Result<double, std::string> parse_percent(std::string_view text) {
  std::string_view number = text;
  if (number.ends_with('%')) number.remove_suffix(1);
  double value = 0;
  if (is_decimal(number)) std::from_chars(number.data(), number.data() + number.size(), value);
  if (!is_decimal(number) || value > 100) {
    return fail(in_quotes(text) + " is no percentage: write a number from 0 to 100");
  }
  return value;
}

std::string print_double(double value) {
  std::array<char, 32> out;
  const auto [end, error] =
      std::to_chars(out.data(), out.data() + out.size(), value, std::chars_format::fixed);
  return {out.data(), end};
}

/// A codec of a type with a static parse() and a print().
template <class T>
Codec<T> parsed_by_type(std::string form, std::string objection) {
  return {std::move(form),
          [=](std::string_view text) -> Result<T, std::string> {
            const std::optional<T> value = T::parse(text);
            if (!value) return fail(in_quotes(text) + objection);
            return *value;
          },
          [](const T& value) { return printed(value); }};
}

}  // namespace

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kMax = 60;
  std::string out = "'";
  for (const char c : text.substr(0, kMax)) {
    // One line for one error, whatever was written.
    out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  }
  return out + (text.size() > kMax ? "...'" : "'");
}

namespace detail {

std::string range(const std::string& min, const std::string& max) {
  return min + ".." + max;
}

Result<std::uint64_t, std::string> parse_integer(std::string_view text, std::uint64_t min,
                                                 std::uint64_t max) {
  const std::string_view digits = digits_of(text);
  const std::string allowed = range(std::to_string(min), std::to_string(max));
  if (digits.empty() || digits.size() != text.size()) {
    return fail(in_quotes(text) + " is no whole number in " + allowed);
  }
  if (std::string wrong = leading_zero(text, digits); !wrong.empty()) return fail(wrong);
  const std::uint64_t value = value_of(digits);
  // value_of() saturates, and so the last number of 64 bits must be told from those beyond it.
  const bool beyond = digits.size() > 20 || (value == std::numeric_limits<std::uint64_t>::max() &&
                                             digits != "18446744073709551615");
  if (value < min || value > max || beyond) {
    return fail(std::string{text.substr(0, 40)} + " is out of range " + allowed);
  }
  return value;
}

Result<std::uint64_t, std::string> parse_size(std::string_view text, std::uint64_t min,
                                              std::uint64_t max) {
  const std::string_view digits = digits_of(text);
  const std::string_view name = text.substr(digits.size());
  const auto unit = std::find_if(kSizes.begin(), kSizes.end(),
                                 [&](const Unit& known) { return known.name == name; });
  if (digits.empty() || (unit == kSizes.end() && !name.empty())) {
    return fail(in_quotes(text) + " is no size: write octets, or a number with KiB, MiB or GiB");
  }
  if (std::string wrong = leading_zero(text, digits); !wrong.empty()) return fail(wrong);
  const std::uint64_t octets = times(value_of(digits), name.empty() ? 1 : unit->factor);
  if (octets < min || octets > max) {
    return fail(std::string{text.substr(0, 40)} + " is out of range " +
                range(print_size(min), print_size(max)));
  }
  return octets;
}

std::string print_size(std::uint64_t octets) {
  for (const Unit& unit : kSizes) {
    if (octets >= unit.factor && octets % unit.factor == 0) {
      return std::to_string(octets / unit.factor) + std::string{unit.name};
    }
  }
  return std::to_string(octets);
}

}  // namespace detail

Codec<Duration> duration(Duration min, Duration max, std::optional<Duration> off) {
  const std::string range = detail::range(print_duration(min), print_duration(max));
  return {off ? "off or " + range : range,
          [=](std::string_view text) -> Result<Duration, std::string> {
            if (off && text == "off") return *off;
            return parse_duration(text, min, max);
          },
          [=](const Duration& value) { return value == off ? "off" : print_duration(value); }};
}

Codec<double> percent() {
  return {"0..100", parse_percent, print_double};
}

Codec<std::uint64_t> bit_rate() {
  return {"1kbit..400Gbit", parse_rate, print_rate};
}

Codec<bool> boolean() {
  return {"on or off",
          [](std::string_view text) -> Result<bool, std::string> {
            if (text == "on" || text == "true" || text == "yes") return true;
            if (text == "off" || text == "false" || text == "no") return false;
            return fail(in_quotes(text) + " is neither on nor off");
          },
          [](const bool& value) -> std::string { return value ? "on" : "off"; }};
}

Codec<std::string> text(std::size_t min, std::size_t max) {
  const auto printable = [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; };
  return {
      "text",
      [=](std::string_view value) -> Result<std::string, std::string> {
        if (value.size() < min) return fail(std::string{"must not be empty"});
        if (value.size() > max) {
          return fail(in_quotes(value) + " is longer than " + std::to_string(max) + " characters");
        }
        if (!std::all_of(value.begin(), value.end(), printable)) {
          return fail(in_quotes(value) + " has characters that cannot be printed");
        }
        return std::string{value};
      },
      [](const std::string& value) { return value; }};
}

Codec<IpAddress> ip_address() {
  return parsed_by_type<IpAddress>(
      "an address", " is no IP address: write one such as 192.168.69.100 or fe80::100");
}

Codec<IpPrefix> ip_prefix() {
  return parsed_by_type<IpPrefix>(
      "a prefix",
      " is no address with a prefix length: write one such as 192.168.69.1/24 or fdaa::1/64");
}

Codec<MacAddress> mac_address() {
  return parsed_by_type<MacAddress>(
      "a MAC address", " is no MAC address: write six pairs of digits, such as 02:00:00:00:00:01");
}

}  // namespace smol::control
