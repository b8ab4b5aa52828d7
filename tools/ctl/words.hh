// The grammar of ip(8): words one after the other, each of which may be cut short.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace smol::ctl {

/// The words of a command line that are left.
class Words {
 public:
  explicit Words(std::vector<std::string> words) : left_{words.begin(), words.end()} {}

  bool empty() const noexcept { return left_.empty(); }
  std::size_t size() const noexcept { return left_.size(); }
  /// The next word; `what` it should be, for the message if there is none.
  std::string next(std::string_view what);
  /// Takes the next word if it is that, or the beginning of it.
  bool take(std::string_view keyword);
  /// Takes the next word, which must be one of these, or the beginning of just one.
  std::string next_of(const std::vector<std::string_view>& choices, std::string_view what);
  /// Nothing may be left.
  void end() const;

 private:
  std::deque<std::string> left_;
};

/// The one of `choices` that `word` is, or is the beginning of. Otherwise a Problem names them.
std::string_view choose(std::string_view word, const std::vector<std::string_view>& choices,
                        std::string_view what);

/// A whole number up to `max`; `what`: for the message.
std::uint64_t number(std::string_view text, std::uint64_t max, std::string_view what);

}  // namespace smol::ctl
