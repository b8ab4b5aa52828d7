#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocols/base/address.hh"
#include "protocols/base/result.hh"
#include "protocols/base/time.hh"

namespace smol::control {

/// How a value of type V is written in a configuration: the one place for its text, both ways.
template <class V>
struct Codec {
  /// What a person may write: "4KiB..1GiB", "on or off".
  std::string form;
  /// The value of `text`, or what is wrong with it: a sentence that quotes it and says what to
  /// write.
  std::function<Result<V, std::string>(std::string_view text)> parse;
  /// Text that parse() takes and that gives the same value.
  std::function<std::string(const V&)> print;
};

namespace detail {

Result<std::uint64_t, std::string> parse_integer(std::string_view text, std::uint64_t min,
                                                 std::uint64_t max);
Result<std::uint64_t, std::string> parse_size(std::string_view text, std::uint64_t min,
                                              std::uint64_t max);
std::string print_size(std::uint64_t octets);
std::string range(const std::string& min, const std::string& max);

template <class T>
Result<T, std::string> narrowed(const Result<std::uint64_t, std::string>& wide) {
  if (!wide) return fail(wide.error());
  return static_cast<T>(*wide);
}

}  // namespace detail

/// "'x' is ...": a text that was written, for error messages; long ones are cut.
std::string in_quotes(std::string_view text);

/// A whole number, decimal; no sign, no leading zeros.
template <class T>
Codec<T> integer(T min, T max = std::numeric_limits<T>::max()) {
  return {detail::range(std::to_string(min), std::to_string(max)),
          [=](std::string_view text) {
            return detail::narrowed<T>(detail::parse_integer(text, min, max));
          },
          [](const T& value) { return std::to_string(value); }};
}

/// Octets, or with KiB, MiB or GiB behind. `unit`: what the value counts, where that is not octets.
template <class T>
Codec<T> size(std::uint64_t min, std::uint64_t max, std::uint64_t unit = 1) {
  return {detail::range(detail::print_size(min), detail::print_size(max)),
          [=](std::string_view text) -> Result<T, std::string> {
            const Result<std::uint64_t, std::string> octets = detail::parse_size(text, min, max);
            if (!octets) return fail(octets.error());
            if (*octets % unit != 0) {
              return fail(std::string{text} + " is no multiple of " + detail::print_size(unit));
            }
            return static_cast<T>(*octets / unit);
          },
          [=](const T& value) { return detail::print_size(std::uint64_t{value} * unit); }};
}

/// "200ms", with ns, us, ms, s, m or h. `off`: the value that the word `off` stands for, if it may
/// be written; it need not lie within the range.
Codec<Duration> duration(Duration min, Duration max, std::optional<Duration> off = std::nullopt);

/// 0..100, with decimals and a % if one likes.
Codec<double> percent();

/// "50Mbit", with bit, kbit, Mbit or Gbit a second, in whole numbers; at least 1 kbit.
Codec<std::uint64_t> bit_rate();

/// on, true, yes; off, false, no.
Codec<bool> boolean();

/// Text of `min` to `max` characters, all of them printable.
Codec<std::string> text(std::size_t min, std::size_t max);

Codec<IpAddress> ip_address();
/// An address with its prefix length; without one it is /32 or /128.
Codec<IpPrefix> ip_prefix();
Codec<MacAddress> mac_address();

/// One of a few words.
template <class E>
Codec<E> enumeration(std::vector<std::pair<std::string, E>> words) {
  std::string form;
  for (const auto& [word, value] : words) form += (form.empty() ? "" : ", ") + word;
  return {form,
          [=](std::string_view text) -> Result<E, std::string> {
            for (const auto& [word, value] : words) {
              if (word == text) return value;
            }
            return fail(in_quotes(text) + " is none of " + form);
          },
          [=](const E& value) -> std::string {
            for (const auto& [word, known] : words) {
              if (known == value) return word;
            }
            return {};
          }};
}

/// A value that a word stands for when there is none: `word` is what absent is written as.
template <class V>
Codec<std::optional<V>> optional(std::string word, Codec<V> codec) {
  return {word + " or " + codec.form,
          [=](std::string_view text) -> Result<std::optional<V>, std::string> {
            if (text == word) return std::optional<V>{};
            const Result<V, std::string> value = codec.parse(text);
            if (!value) return fail(value.error());
            return std::optional<V>{*value};
          },
          [=](const std::optional<V>& value) { return value ? codec.print(*value) : word; }};
}

/// The same for a number of which zero says "none".
template <class V>
Codec<V> zero_is(std::string word, Codec<V> codec) {
  return {word + " or " + codec.form,
          [=](std::string_view text) -> Result<V, std::string> {
            if (text == word) return V{};
            return codec.parse(text);
          },
          [=](const V& value) { return value == V{} ? word : codec.print(value); }};
}

/// Values that `codec` takes and `rule` has no objection to; rule(value) returns one, or an empty
/// string.
template <class V, class Rule>
Codec<V> checked(Codec<V> codec, Rule rule) {
  return {codec.form,
          [=](std::string_view text) -> Result<V, std::string> {
            Result<V, std::string> value = codec.parse(text);
            if (!value) return value;
            if (std::string objection = rule(*value); !objection.empty()) {
              return fail(std::move(objection));
            }
            return value;
          },
          codec.print};
}

/// "192.168.69.1/24": what print() of an address, prefix or endpoint writes.
template <class T>
std::string printed(const T& value) {
  Text<80> text;
  value.print(text);
  return std::string{text.view()};
}

}  // namespace smol::control
