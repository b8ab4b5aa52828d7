#include "apps/http_body.hh"

#include <algorithm>
#include <optional>

namespace smol::apps {
namespace {

std::optional<std::uint64_t> hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return static_cast<std::uint64_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<std::uint64_t>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<std::uint64_t>(c - 'A' + 10);
  return std::nullopt;
}

/// What may stand in an extension or a trailer: no bare CR, LF or other control.
bool is_text(char c) noexcept {
  const auto octet = static_cast<std::uint8_t>(c);
  return octet == '\t' || (octet >= 0x20 && octet != 0x7f);
}

constexpr std::uint16_t kMaxDigits = 16;

}  // namespace

HttpBody::HttpBody(const HttpRequest& request, std::uint64_t limit) noexcept : allowed_{limit} {
  if (request.chunked) {
    part_ = Part::kSize;
  } else if (request.content_length > limit) {
    refuse(HttpStatus::kContentTooLarge);
  } else if (request.content_length > 0) {
    left_ = request.content_length;
    part_ = Part::kContent;
  }
}

std::size_t HttpBody::skip(std::string_view data) noexcept {
  std::size_t at = 0;
  while (at < data.size() && !done() && !refused()) {
    if (part_ == Part::kContent || part_ == Part::kData) {
      at += skip_content(data.size() - at);
    } else {
      take(data[at++]);
    }
  }
  return at;
}

std::size_t HttpBody::skip_content(std::size_t available) noexcept {
  const std::uint64_t n = std::min<std::uint64_t>(available, left_);
  left_ -= n;
  if (left_ == 0) part_ = part_ == Part::kContent ? Part::kDone : Part::kDataCr;
  return static_cast<std::size_t>(n);
}

/// One octet of chunked framing.
void HttpBody::take(char c) noexcept {
  switch (part_) {
    case Part::kSize:
      return take_size(c);
    case Part::kExtension:
      if (c == '\r') return expect(c, '\r', Part::kSizeEnd);
      if (!is_text(c) || ++overhead_ > kMaxExtension) refuse(HttpStatus::kBadRequest);
      return;
    case Part::kSizeEnd:
      if (c != '\n') return refuse(HttpStatus::kBadRequest);
      return size_is_known();
    case Part::kDataCr:
      return expect(c, '\r', Part::kDataEnd);
    case Part::kDataEnd:
      digits_ = 0;
      return expect(c, '\n', Part::kSize);
    case Part::kTrailer:
      if (c == '\r') return expect(c, '\r', Part::kLastEnd);
      part_ = Part::kTrailerLine;
      [[fallthrough]];
    case Part::kTrailerLine:
      if (c == '\r') return expect(c, '\r', Part::kTrailerEnd);
      if (!is_text(c)) return refuse(HttpStatus::kBadRequest);
      if (++overhead_ > kMaxTrailers) refuse(HttpStatus::kHeaderFieldsTooLarge);
      return;
    case Part::kTrailerEnd:
      return expect(c, '\n', Part::kTrailer);
    case Part::kLastEnd:
      return expect(c, '\n', Part::kDone);
    case Part::kContent:
    case Part::kData:
    case Part::kDone:
    case Part::kRefused:
      return;
  }
}

void HttpBody::take_size(char c) noexcept {
  if (const std::optional<std::uint64_t> digit = hex_digit(c)) {
    if (++digits_ > kMaxDigits) return refuse(HttpStatus::kBadRequest);
    left_ = (digits_ == 1 ? 0 : left_) << 4 | *digit;
    return;
  }
  overhead_ = 0;
  if (digits_ == 0 || (c != '\r' && c != ';')) return refuse(HttpStatus::kBadRequest);
  part_ = c == '\r' ? Part::kSizeEnd : Part::kExtension;
}

void HttpBody::size_is_known() noexcept {
  if (left_ == 0) {
    overhead_ = 0;
    part_ = Part::kTrailer;
  } else if (left_ > allowed_) {
    refuse(HttpStatus::kContentTooLarge);
  } else {
    allowed_ -= left_;
    part_ = Part::kData;
  }
}

void HttpBody::expect(char c, char expected, Part next) noexcept {
  if (c == expected) {
    part_ = next;
  } else {
    refuse(HttpStatus::kBadRequest);
  }
}

void HttpBody::refuse(HttpStatus status) noexcept {
  part_ = Part::kRefused;
  refusal_ = status;
}

}  // namespace smol::apps
