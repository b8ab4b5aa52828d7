#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "protocols/base/bytes.hh"

namespace smol {

/// Text built in a caller's buffer: printed forms need no allocation and no library. What does not
/// fit is cut, and truncated() says so; the buffer is never overrun and needs no terminator.
class TextWriter {
 public:
  explicit TextWriter(std::span<char> out) noexcept : out_{out} {}

  std::string_view view() const noexcept { return {out_.data(), used_}; }
  bool truncated() const noexcept { return truncated_; }
  void clear() noexcept {
    used_ = 0;
    truncated_ = false;
  }

  TextWriter& put(std::string_view text) noexcept;
  TextWriter& put(char c) noexcept { return put(std::string_view{&c, 1}); }
  /// Decimal.
  TextWriter& dec(std::uint64_t value) noexcept;
  /// Lower-case hexadecimal, zero-padded to at least `digits`.
  TextWriter& hex(std::uint64_t value, int digits = 1) noexcept;

 private:
  std::span<char> out_;
  std::size_t used_ = 0;
  bool truncated_ = false;
};

/// A printed form on the stack: `Text<64> text; address.print(text); log(text.view());`
template <std::size_t N>
class Text : public TextWriter {
 public:
  Text() noexcept : TextWriter{std::span<char>{storage_, N}} {}
  Text(const Text&) = delete;
  Text& operator=(const Text&) = delete;

 private:
  char storage_[N];
};

}  // namespace smol
