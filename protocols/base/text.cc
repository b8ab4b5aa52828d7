#include "protocols/base/text.hh"

#include <algorithm>
#include <array>
#include <cstring>

namespace smol {

TextWriter& TextWriter::put(std::string_view text) noexcept {
  const std::size_t fits = std::min(text.size(), out_.size() - used_);
  if (fits > 0) std::memcpy(out_.data() + used_, text.data(), fits);
  used_ += fits;
  truncated_ = truncated_ || fits < text.size();
  return *this;
}

TextWriter& TextWriter::dec(std::uint64_t value) noexcept {
  std::array<char, 20> digits;
  std::size_t at = digits.size();
  do {
    digits[--at] = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  return put(std::string_view{digits.data() + at, digits.size() - at});
}

TextWriter& TextWriter::hex(std::uint64_t value, int digits) noexcept {
  std::array<char, 16> out;
  std::size_t at = out.size();
  do {
    out[--at] = "0123456789abcdef"[value & 0xf];
    value >>= 4;
  } while (value != 0);
  while (at > 0 && out.size() - at < static_cast<std::size_t>(digits)) out[--at] = '0';
  return put(std::string_view{out.data() + at, out.size() - at});
}

}  // namespace smol
