#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "apps/http_parser.hh"

namespace smol::apps {

/// Finds the end of a request's body (RFC 9112 sections 6 and 7.1) and throws the body away: no
/// resource here takes one. As strict as HttpParser. Holds no octets.
class HttpBody {
 public:
  static constexpr std::size_t kMaxExtension = 256;  ///< octets after a chunk's size; else 400
  static constexpr std::size_t kMaxTrailers = 8192;  ///< octets of trailer fields; else 431

  /// No body.
  HttpBody() noexcept = default;
  /// The body of `request`, of which up to `limit` octets are taken; else 413.
  HttpBody(const HttpRequest& request, std::uint64_t limit) noexcept;

  /// Takes what of `data` belongs to the body; returns how many octets. Stops at the end and when
  /// refused.
  std::size_t skip(std::string_view data) noexcept;

  bool done() const noexcept { return part_ == Part::kDone; }
  bool refused() const noexcept { return part_ == Part::kRefused; }
  /// After refused().
  HttpStatus refusal() const noexcept { return refusal_; }

 private:
  enum class Part : std::uint8_t {
    kDone,
    kRefused,
    kContent,      ///< left_ octets, then done
    kSize,         ///< hexadecimal digits of a chunk's size
    kExtension,    ///< to the CR
    kSizeEnd,      ///< the LF after a size
    kData,         ///< left_ octets of a chunk
    kDataCr,       ///< the CR after them
    kDataEnd,      ///< the LF after them
    kTrailer,      ///< at the beginning of a trailer line
    kTrailerLine,  ///< inside one, to the CR
    kTrailerEnd,   ///< the LF after one
    kLastEnd,      ///< the LF of the empty line
  };

  std::size_t skip_content(std::size_t available) noexcept;
  void take(char c) noexcept;
  void take_size(char c) noexcept;
  void expect(char c, char expected, Part next) noexcept;
  void refuse(HttpStatus status) noexcept;
  void size_is_known() noexcept;

  std::uint64_t left_ = 0;
  std::uint64_t allowed_ = 0;   ///< octets of further chunks
  std::uint16_t digits_ = 0;    ///< of this chunk's size
  std::uint16_t overhead_ = 0;  ///< octets of this extension, or of all trailers
  Part part_ = Part::kDone;
  HttpStatus refusal_ = HttpStatus::kBadRequest;
};

}  // namespace smol::apps
