#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocols/base/time.hh"

namespace smol::tcp::script {

/// What is wrong with a line of a script, or with what came of it.
struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};
[[noreturn]] void fail_with(const std::string& what);

/// A whole decimal number; fails on anything else.
std::int64_t number(std::string_view text);

/// "1.5s", "200ms"; units ns, us, ms, s, min, h, d. None if it does not begin as a time.
std::optional<Duration> time_of(std::string_view text);
/// In the largest unit up to seconds that divides it.
std::string text_of(Duration time);

/// The words of a line, and what is left of it.
class Words {
 public:
  explicit Words(std::string_view line) noexcept : rest_{line} { skip_space(); }

  bool empty() const noexcept { return rest_.empty(); }
  std::string_view rest() const noexcept { return rest_; }
  std::string_view peek() const noexcept;
  /// Takes the next word; fails at the end of the line, naming `what` was expected.
  std::string_view next(const char* what);
  /// Takes the next word if it is this one.
  bool take(std::string_view word) noexcept;
  /// Fails if there is more.
  void end() const;

 private:
  void skip_space() noexcept;

  std::string_view rest_;
};

/// The letter of each flag, from the lowest bit of the header's octet up.
inline constexpr std::string_view kFlagLetters = "FSRP.UEC";

/// TSopt as written; what is not written is left open.
struct TimestampsLine {
  std::optional<std::int64_t> val;
  std::optional<std::int64_t> ecr;
};

struct OptionsLine {
  std::optional<std::int64_t> mss;
  std::optional<std::int64_t> wscale;
  bool sack_permitted = false;
  std::optional<TimestampsLine> timestamps;
};

/// A segment as written, in relative numbers: `P. 1:1001(1000) ack 1 win 2000 <TS val 5 ecr 0>`.
struct SegmentLine {
  std::uint8_t flags = 0;  ///< as in the header
  std::optional<std::pair<std::int64_t, std::int64_t>> text;
  std::optional<std::int64_t> ack;
  std::optional<std::int64_t> window;
  std::vector<std::pair<std::int64_t, std::int64_t>> sack;
  std::optional<std::int64_t> urgent;
  std::string ecn;  ///< "ect0", "ect1", "ce"; empty: not marked, nor markable
  char fill = 0;
  std::optional<OptionsLine> options;

  bool has(std::uint8_t bits) const noexcept { return (flags & bits) != 0; }
};

/// Fails with what is wrong.
SegmentLine segment_of(Words words);

}  // namespace smol::tcp::script
