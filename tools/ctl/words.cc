#include "tools/ctl/words.hh"

#include <algorithm>
#include <charconv>

#include "tools/client/problem.hh"

namespace smol::ctl {

using client::Problem;

namespace {

std::string joined(const std::vector<std::string_view>& words) {
  std::string out;
  for (const std::string_view word : words) out += (out.empty() ? "" : ", ") + std::string{word};
  return out;
}

}  // namespace

std::string_view choose(std::string_view word, const std::vector<std::string_view>& choices,
                        std::string_view what) {
  std::vector<std::string_view> found;
  for (const std::string_view choice : choices) {
    if (choice == word) return choice;
    if (!word.empty() && choice.starts_with(word)) found.push_back(choice);
  }
  if (found.size() == 1) return found.front();
  const bool none = found.empty();
  throw Problem{"'" + std::string{word} + "' is " + (none ? "no " : "more than one ") +
                std::string{what} + ": " + joined(none ? choices : found)};
}

std::uint64_t number(std::string_view text, std::uint64_t max, std::string_view what) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc{} && end == text.data() + text.size() && value <= max) return value;
  throw Problem{"'" + std::string{text} + "' is no " + std::string{what} +
                ": a whole number up to " + std::to_string(max)};
}

std::string Words::next(std::string_view what) {
  if (left_.empty()) throw Problem{std::string{what} + " is missing"};
  std::string word = left_.front();
  left_.pop_front();
  return word;
}

bool Words::take(std::string_view keyword) {
  if (left_.empty() || left_.front().empty() || !keyword.starts_with(left_.front())) return false;
  left_.pop_front();
  return true;
}

std::string Words::next_of(const std::vector<std::string_view>& choices, std::string_view what) {
  return std::string{choose(next(what), choices, what)};
}

void Words::end() const {
  if (!left_.empty()) throw Problem{"'" + left_.front() + "' is one word too many"};
}

}  // namespace smol::ctl
