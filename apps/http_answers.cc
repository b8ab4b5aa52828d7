#include "apps/http_answers.hh"

#include <array>
#include <string>

#include "protocols/base/check.hh"

namespace smol::apps {
namespace {

constexpr std::string_view kPage =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\">\n"
    "<head><meta charset=\"utf-8\"><title>smolplane</title></head>\n"
    "<body>\n"
    "<h1>It works</h1>\n"
    "<p>This page comes from <b>smold</b>, a TCP/IP stack of its own on DPDK: the kernel of this "
    "host\n"
    "has neither this address nor this connection.</p>\n"
    "<p>Also try, with this page's address for ADDR:</p>\n"
    "<pre>\n"
    "ping ADDR\n"
    "curl -v http://ADDR/hello\n"
    "socat stdio udp4-connect:ADDR:6969    answers hello\n"
    "socat stdio tcp4-connect:ADDR:6970    returns lines reversed\n"
    "</pre>\n"
    "</body>\n"
    "</html>\n";

constexpr std::string_view kHtml = "text/html; charset=utf-8";
constexpr std::string_view kText = "text/plain; charset=utf-8";
constexpr std::string_view kMethods = "GET, HEAD, OPTIONS";

/// One answer. `allow`: whether the methods are listed; RFC 9110 section 15.5.6 wants them with a
/// 405.
struct Row {
  HttpStatus status;
  std::string_view reason;
  std::string_view type;  ///< empty: no content
  std::string_view content;
  bool allow = false;
};

constexpr std::size_t kPageRow = 0;
constexpr std::size_t kHelloRow = 1;
constexpr std::size_t kOptionsRow = 2;

constexpr std::array<Row, 14> kRows = {{
    {HttpStatus::kOk, "OK", kHtml, kPage},
    {HttpStatus::kOk, "OK", kText, "hello\n"},
    {HttpStatus::kOk, "OK", "", "", true},
    {HttpStatus::kBadRequest, "Bad Request", kText,
     "400: this is no HTTP/1.1 request as RFC 9112 has it.\n"},
    {HttpStatus::kNotFound, "Not Found", kText, "404: there are / and /hello here.\n"},
    {HttpStatus::kMethodNotAllowed, "Method Not Allowed", kText,
     "405: use GET, HEAD or OPTIONS here.\n", true},
    {HttpStatus::kRequestTimeout, "Request Timeout", kText,
     "408: the request did not come in time.\n"},
    {HttpStatus::kContentTooLarge, "Content Too Large", kText,
     "413: the request's content is larger than this server takes.\n"},
    {HttpStatus::kUriTooLong, "URI Too Long", kText,
     "414: the request line is longer than 8000 octets.\n"},
    {HttpStatus::kExpectationFailed, "Expectation Failed", kText,
     "417: the only expectation known is 100-continue.\n"},
    {HttpStatus::kHeaderFieldsTooLarge, "Request Header Fields Too Large", kText,
     "431: the header fields are longer than 8192 octets.\n"},
    {HttpStatus::kNotImplemented, "Not Implemented", kText,
     "501: no such method or transfer encoding here.\n"},
    {HttpStatus::kServiceUnavailable, "Service Unavailable", kText,
     "503: too many requests are coming in pieces; try again later.\n"},
    {HttpStatus::kVersionNotSupported, "HTTP Version Not Supported", kText,
     "505: this server speaks HTTP/1.1 and HTTP/1.0.\n"},
}};

constexpr std::array<std::string_view, 3> kConnectionFields = {"", "Connection: keep-alive\r\n",
                                                               "Connection: close\r\n"};

struct Answer {
  std::string text;
  std::size_t head = 0;  ///< octets before the content
};

Answer build(const Row& row, std::string_view connection_field) {
  Answer answer;
  std::string& text = answer.text;
  text.append("HTTP/1.1 ").append(std::to_string(static_cast<unsigned>(row.status)));
  text.append(" ").append(row.reason).append("\r\n");
  if (!row.type.empty()) text.append("Content-Type: ").append(row.type).append("\r\n");
  text.append("Content-Length: ").append(std::to_string(row.content.size())).append("\r\n");
  if (row.allow) text.append("Allow: ").append(kMethods).append("\r\n");
  text.append(connection_field).append("\r\n");
  answer.head = text.size();
  text.append(row.content);
  return answer;
}

using Answers = std::array<std::array<Answer, kConnectionFields.size()>, kRows.size()>;

const Answers& answers() {
  static const Answers* const built = [] {
    auto* all = new Answers;
    for (std::size_t row = 0; row < kRows.size(); ++row) {
      for (std::size_t field = 0; field < kConnectionFields.size(); ++field) {
        (*all)[row][field] = build(kRows[row], kConnectionFields[field]);
      }
    }
    return all;
  }();
  return *built;
}

std::size_t row_of(HttpStatus status) noexcept {
  for (std::size_t row = kOptionsRow + 1; row < kRows.size(); ++row) {
    if (kRows[row].status == status) return row;
  }
  SMOL_CHECK(false && "a status without an answer");
  return 0;
}

std::size_t row_for(const HttpRequest& request, std::string_view path) noexcept {
  if (request.method == HttpMethod::kUnknown) return row_of(HttpStatus::kNotImplemented);
  if (request.asterisk) return kOptionsRow;
  const bool page = path == "/";
  if (!page && path != "/hello") return row_of(HttpStatus::kNotFound);
  if (request.method == HttpMethod::kOptions) return kOptionsRow;
  if (request.method == HttpMethod::kOther) return row_of(HttpStatus::kMethodNotAllowed);
  return page ? kPageRow : kHelloRow;
}

}  // namespace

std::string_view http_answer(const HttpRequest& request, std::string_view path,
                             HttpPersistence persistence) noexcept {
  const Answer& answer = answers()[row_for(request, path)][static_cast<std::size_t>(persistence)];
  const std::string_view text = answer.text;
  return request.method == HttpMethod::kHead ? text.substr(0, answer.head) : text;
}

std::string_view http_refusal(HttpStatus status) noexcept {
  return answers()[row_of(status)][static_cast<std::size_t>(HttpPersistence::kClose)].text;
}

void prepare_http_answers() {
  answers();
}

}  // namespace smol::apps
