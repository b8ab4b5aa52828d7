#pragma once

#include <cstdint>
#include <string_view>

namespace smol::apps {

/// A status of RFC 9110 section 15 that this server answers with.
enum class HttpStatus : std::uint16_t {
  kOk = 200,
  kBadRequest = 400,
  kNotFound = 404,
  kMethodNotAllowed = 405,
  kRequestTimeout = 408,
  kContentTooLarge = 413,
  kUriTooLong = 414,
  kExpectationFailed = 417,
  kHeaderFieldsTooLarge = 431,
  kNotImplemented = 501,
  kServiceUnavailable = 503,
  kVersionNotSupported = 505,
};

enum class HttpMethod : std::uint8_t {
  kGet,
  kHead,
  kOptions,
  kOther,    ///< known to RFC 9110 or 5789 and offered by no resource here
  kUnknown,  ///< 501
};

/// What of a request's head matters to a server without dynamic content. `target` is a place in the
/// head and not a view, because the head may move while it comes in pieces.
struct HttpRequest {
  HttpMethod method = HttpMethod::kUnknown;
  bool keep_alive = false;  ///< the connection outlives this request (RFC 9112 section 9.3)
  bool http_1_0 = false;
  bool chunked = false;  ///< the body is chunked
  bool expects_continue = false;
  bool asterisk = false;  ///< `OPTIONS *`: the server, no resource
  std::uint16_t path_offset = 0;
  std::uint16_t path_length = 0;  ///< without the query
  std::uint64_t content_length = 0;

  /// "/hello". `head`: what was parsed.
  std::string_view path(std::string_view head) const noexcept {
    return path_length == 0 ? std::string_view{"/"} : head.substr(path_offset, path_length);
  }
};

/// Reads the head of one HTTP/1.x request (RFC 9112), strictly: what two readers could understand
/// in two ways is refused, so that nobody can smuggle a request past a proxy in front. Lines end
/// with CRLF and nothing else; no folded lines; one Host; never both Content-Length and
/// Transfer-Encoding.
///
/// Works on octets that lie in one piece and keeps none of them. When more came, call again with
/// the same octets and more behind them, at the same or another place: lines that were read are not
/// read again, so a head that comes octet by octet costs no more than one that comes at once.
class HttpParser {
 public:
  static constexpr std::size_t kMaxRequestLine = 8000;  ///< octets (RFC 9112 section 3); else 414
  static constexpr std::size_t kMaxFields = 8192;       ///< octets of header fields; else 431
  static constexpr std::size_t kMaxEmptyLines = 8;      ///< before the request line; else 400
  /// The longest head there is: parse() of so many octets is never kIncomplete.
  static constexpr std::size_t kMaxHead = 2 * kMaxEmptyLines + kMaxRequestLine + 2 + kMaxFields;

  enum class Outcome : std::uint8_t { kIncomplete, kComplete, kRefused };

  Outcome parse(std::string_view head) noexcept;

  /// After kComplete.
  const HttpRequest& request() const noexcept { return request_; }
  /// After kComplete: octets of the head with its final empty line; the body begins there.
  std::size_t head_length() const noexcept { return next_line_; }
  /// After kRefused.
  HttpStatus refusal() const noexcept { return refusal_; }
  /// Ready for the next request.
  void reset() noexcept { *this = HttpParser{}; }

 private:
  enum class Part : std::uint8_t { kRequestLine, kFields, kEnd };

  bool begins_well(std::string_view line) noexcept;
  bool take_line(std::string_view line) noexcept;
  bool request_line(std::string_view line) noexcept;
  bool target(std::string_view text) noexcept;
  bool absolute_target(std::string_view text) noexcept;
  bool version(std::string_view text) noexcept;
  bool field_line(std::string_view line) noexcept;
  bool known_field(std::string_view name, std::string_view value) noexcept;
  bool host(std::string_view value) noexcept;
  bool content_length(std::string_view value) noexcept;
  bool transfer_encoding(std::string_view value) noexcept;
  bool expect(std::string_view value) noexcept;
  void connection(std::string_view value) noexcept;
  bool end_of_fields() noexcept;

  HttpRequest request_;
  std::size_t next_line_ = 0;  ///< where the first unread line begins
  std::size_t searched_ = 0;   ///< no line end between there and here
  std::size_t fields_ = 0;     ///< where the fields begin
  Part part_ = Part::kRequestLine;
  HttpStatus refusal_ = HttpStatus::kBadRequest;
  bool has_host_ = false;
  bool has_length_ = false;
  bool has_encoding_ = false;
  bool wants_close_ = false;
  bool wants_keep_alive_ = false;
};

}  // namespace smol::apps
