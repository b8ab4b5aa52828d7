#include "apps/http_parser.hh"

#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace smol::apps {
namespace {

using Outcome = HttpParser::Outcome;

std::string get(std::string_view fields) {
  return "GET / HTTP/1.1\r\nHost: a\r\n" + std::string{fields} + "\r\n";
}

// --- what is understood --------------------------------------------------------------------------

struct Accepted {
  std::string sentence;
  std::string head;
  HttpMethod method;
  std::string path;
  bool keep_alive;
};

const std::vector<Accepted>& accepted() {
  static const std::vector<Accepted> rows = {
      {"the least of HTTP/1.1", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", HttpMethod::kGet, "/", true},
      {"as curl sends it",
       "GET /hello HTTP/1.1\r\nHost: 192.168.69.1\r\nUser-Agent: curl/7.88.1\r\nAccept: "
       "*/*\r\n\r\n",
       HttpMethod::kGet, "/hello", true},
      {"no blank behind the colon, many before the end",
       "HEAD /x HTTP/1.1\r\nHost:a:80 \t \r\n\r\n", HttpMethod::kHead, "/x", true},
      {"an empty Host is one", "GET / HTTP/1.1\r\nHost:\r\n\r\n", HttpMethod::kGet, "/", true},
      {"a query is not part of the path", "GET /a?b=/c?d HTTP/1.1\r\nHost: a\r\n\r\n",
       HttpMethod::kGet, "/a", true},
      {"absolute form", "GET http://a.example:80/x?y HTTP/1.1\r\nHost: a\r\n\r\n", HttpMethod::kGet,
       "/x", true},
      {"absolute form without a path", "GET HTTP://[fdaa::1]:80 HTTP/1.1\r\nHost: a\r\n\r\n",
       HttpMethod::kGet, "/", true},
      {"absolute form with a query alone", "GET http://a?q HTTP/1.1\r\nHost: a\r\n\r\n",
       HttpMethod::kGet, "/", true},
      {"the server as a whole", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", HttpMethod::kOptions, "/",
       true},
      {"a method that is known", "DELETE /x HTTP/1.1\r\nHost: a\r\n\r\n", HttpMethod::kOther, "/x",
       true},
      {"a method that is not, in whatever form its target is",
       "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", HttpMethod::kUnknown, "/", true},
      {"methods are in capitals", "get / HTTP/1.1\r\nHost: a\r\n\r\n", HttpMethod::kUnknown, "/",
       true},
      {"HTTP/1.0 closes", "GET / HTTP/1.0\r\n\r\n", HttpMethod::kGet, "/", false},
      {"HTTP/1.0 may ask to stay", "GET / HTTP/1.0\r\nCONNECTION: Keep-Alive\r\n\r\n",
       HttpMethod::kGet, "/", true},
      {"a later 1.x is read as 1.1", "GET / HTTP/1.9\r\nHost: a\r\n\r\n", HttpMethod::kGet, "/",
       true},
      {"HTTP/1.1 may ask to close", get("connection: CLOSE\r\n"), HttpMethod::kGet, "/", false},
      {"among other options", get("Connection: upgrade,\t close ,x\r\n"), HttpMethod::kGet, "/",
       false},
      {"close wins", get("Connection: keep-alive\r\nConnection: close\r\n"), HttpMethod::kGet, "/",
       false},
      {"a word that only begins so is another", get("Connection: closed\r\n"), HttpMethod::kGet,
       "/", true},
      {"empty lines before the request", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
       HttpMethod::kGet, "/", true},
      {"obs-text and tabs in a value", get("X: \xe9\t\xff\r\n"), HttpMethod::kGet, "/", true},
      {"an empty value", get("X:\r\n"), HttpMethod::kGet, "/", true},
      {"a target of 7985 octets", "GET /" + std::string(7984, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n",
       HttpMethod::kGet, "/" + std::string(7984, 'x'), true},
      {"fields of 8192 octets", get("X: " + std::string(8192 - 9 - 2 - 5, 'x') + "\r\n"),
       HttpMethod::kGet, "/", true},
  };
  return rows;
}

TEST(HttpParser, UnderstandsAWholeRequest) {
  for (const Accepted& row : accepted()) {
    HttpParser parser;
    const std::string more = row.head + "GET /next HTTP/1.1\r\n";
    ASSERT_EQ(parser.parse(more), Outcome::kComplete) << row.sentence;
    EXPECT_EQ(parser.head_length(), row.head.size()) << row.sentence;
    EXPECT_EQ(parser.request().method, row.method) << row.sentence;
    EXPECT_EQ(parser.request().path(more), row.path) << row.sentence;
    EXPECT_EQ(parser.request().keep_alive, row.keep_alive) << row.sentence;
  }
}

// At every octet boundary, and at another place each time.
TEST(HttpParser, UnderstandsARequestInTwoPieces) {
  for (const Accepted& row : accepted()) {
    for (std::size_t cut = 0; cut < row.head.size(); ++cut) {
      HttpParser parser;
      const std::string first = row.head.substr(0, cut);
      ASSERT_EQ(parser.parse(first), Outcome::kIncomplete) << row.sentence << " cut at " << cut;
      const std::string whole = row.head;
      ASSERT_EQ(parser.parse(whole), Outcome::kComplete) << row.sentence << " cut at " << cut;
      ASSERT_EQ(parser.head_length(), row.head.size());
      ASSERT_EQ(parser.request().method, row.method);
      ASSERT_EQ(parser.request().path(whole), row.path);
      ASSERT_EQ(parser.request().keep_alive, row.keep_alive);
    }
  }
}

TEST(HttpParser, UnderstandsARequestOctetByOctet) {
  for (const Accepted& row : accepted()) {
    HttpParser parser;
    for (std::size_t n = 0; n < row.head.size(); ++n) {
      ASSERT_EQ(parser.parse(row.head.substr(0, n)), Outcome::kIncomplete) << row.sentence << n;
    }
    ASSERT_EQ(parser.parse(row.head), Outcome::kComplete) << row.sentence;
    EXPECT_EQ(parser.request().path(row.head), row.path) << row.sentence;
  }
}

// --- bodies --------------------------------------------------------------------------------------

TEST(HttpParser, KnowsHowLongTheBodyIs) {
  HttpParser parser;
  ASSERT_EQ(parser.parse(get("Content-Length: 0017\r\n")), Outcome::kComplete);
  EXPECT_EQ(parser.request().content_length, 17u);
  EXPECT_FALSE(parser.request().chunked);
  parser.reset();
  ASSERT_EQ(parser.parse(get("Transfer-Encoding: Chunked\r\nExpect: 100-Continue\r\n")),
            Outcome::kComplete);
  EXPECT_TRUE(parser.request().chunked);
  EXPECT_TRUE(parser.request().expects_continue);
}

TEST(HttpParser, IgnoresAnExpectationOfHttp10) {
  HttpParser parser;
  ASSERT_EQ(parser.parse("GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n"), Outcome::kComplete);
  EXPECT_FALSE(parser.request().expects_continue);
}

// --- what is refused -----------------------------------------------------------------------------

struct Refused {
  std::string sentence;
  std::string head;
  HttpStatus status;
};

const std::vector<Refused>& refused() {
  using S = HttpStatus;
  static const std::vector<Refused> rows = {
      {"a bare LF ends no line", "GET / HTTP/1.1\nHost: a\n\n", S::kBadRequest},
      {"a bare LF ends no field", "GET / HTTP/1.1\r\nHost: a\n\r\n", S::kBadRequest},
      {"a bare LF alone", "\n", S::kBadRequest},
      {"a CR inside a line", "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", S::kBadRequest},
      {"nine empty lines", "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n", S::kBadRequest},
      {"garbage with a line end", "\x16\x03\x01\x02\r\n", S::kBadRequest},
      {"HTTP/0.9", "GET /\r\n", S::kBadRequest},
      {"two blanks", "GET  / HTTP/1.1\r\n", S::kBadRequest},
      {"a blank in the target", "GET /a b HTTP/1.1\r\n", S::kBadRequest},
      {"a blank at the end", "GET / HTTP/1.1 \r\n", S::kBadRequest},
      {"a blank in front", " GET / HTTP/1.1\r\n", S::kBadRequest},
      {"a tab is no blank", "GET\t/\tHTTP/1.1\r\n", S::kBadRequest},
      {"no method", " / HTTP/1.1\r\n", S::kBadRequest},
      {"a method that is no token", "GE(T / HTTP/1.1\r\n", S::kBadRequest},
      {"a target without a slash", "GET hello HTTP/1.1\r\n", S::kBadRequest},
      {"a fragment", "GET /a#b HTTP/1.1\r\n", S::kBadRequest},
      {"a control in the target", "GET /a\x01 HTTP/1.1\r\n", S::kBadRequest},
      {"an octet above ASCII in the target", "GET /\xe9 HTTP/1.1\r\n", S::kBadRequest},
      {"an asterisk is for OPTIONS", "GET * HTTP/1.1\r\n", S::kBadRequest},
      {"another scheme", "GET ftp://a/ HTTP/1.1\r\n", S::kBadRequest},
      {"absolute form without a host", "GET http:///x HTTP/1.1\r\n", S::kBadRequest},
      {"a user before the host", "GET http://u@a/ HTTP/1.1\r\n", S::kBadRequest},
      {"HTTP/2 in clear", "PRI * HTTP/2.0\r\n", S::kVersionNotSupported},
      {"HTTP/0", "GET / HTTP/0.9\r\n", S::kVersionNotSupported},
      {"a version of other letters", "GET / http/1.1\r\n", S::kBadRequest},
      {"a version of too many digits", "GET / HTTP/1.10\r\n", S::kBadRequest},
      {"a version of none", "GET / HTTP/1.\r\n", S::kBadRequest},
      {"no Host", "GET / HTTP/1.1\r\n\r\n", S::kBadRequest},
      {"two Hosts", get("Host: a\r\n"), S::kBadRequest},
      {"two Hosts of HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\nhost: a\r\n\r\n", S::kBadRequest},
      {"a Host with a slash", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", S::kBadRequest},
      {"a folded line", get("X: a\r\n b\r\n"), S::kBadRequest},
      {"a line that begins with a blank", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", S::kBadRequest},
      {"a blank before the colon", get("X : a\r\n"), S::kBadRequest},
      {"a field without a colon", get("X\r\n"), S::kBadRequest},
      {"a field without a name", get(": a\r\n"), S::kBadRequest},
      {"a name that is no token", get("X[1]: a\r\n"), S::kBadRequest},
      {"a NUL in a value", get(std::string{"X: a\0b\r\n", 8}), S::kBadRequest},
      {"both framings", get("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), S::kBadRequest},
      {"both framings, the other way", get("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
       S::kBadRequest},
      {"two lengths", get("Content-Length: 5\r\nContent-Length: 5\r\n"), S::kBadRequest},
      {"a list of lengths", get("Content-Length: 5, 5\r\n"), S::kBadRequest},
      {"a signed length", get("Content-Length: +5\r\n"), S::kBadRequest},
      {"a negative length", get("Content-Length: -5\r\n"), S::kBadRequest},
      {"a hexadecimal length", get("Content-Length: 0x5\r\n"), S::kBadRequest},
      {"no length", get("Content-Length:\r\n"), S::kBadRequest},
      {"a length beyond 64 bits", get("Content-Length: 99999999999999999999999\r\n"),
       S::kContentTooLarge},
      {"such a length that is none", get("Content-Length: 99999999999999999999999x\r\n"),
       S::kBadRequest},
      {"another coding", get("Transfer-Encoding: gzip, chunked\r\n"), S::kNotImplemented},
      {"identity is none", get("Transfer-Encoding: identity\r\n"), S::kNotImplemented},
      {"a coding that looks like it", get("Transfer-Encoding: xchunked\r\n"), S::kNotImplemented},
      {"two codings", get("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
       S::kBadRequest},
      {"chunks in HTTP/1.0", "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
       S::kBadRequest},
      {"another expectation", get("Expect: coffee\r\n"), S::kExpectationFailed},
      {"a request line of 8001 octets", "GET /" + std::string(7987, 'x') + " HTTP/1.1\r\n",
       S::kUriTooLong},
      {"fields of 8193 octets", get("X: " + std::string(8193 - 9 - 2 - 5, 'x') + "\r\n"),
       S::kHeaderFieldsTooLarge},
  };
  return rows;
}

TEST(HttpParser, RefusesWhatTwoReadersCouldTakeForTwoThings) {
  for (const Refused& row : refused()) {
    HttpParser parser;
    ASSERT_EQ(parser.parse(row.head), Outcome::kRefused) << row.sentence;
    EXPECT_EQ(parser.refusal(), row.status) << row.sentence;
  }
}

TEST(HttpParser, RefusesTheSameOctetByOctet) {
  for (const Refused& row : refused()) {
    HttpParser parser;
    Outcome outcome = Outcome::kIncomplete;
    for (std::size_t n = 0; n <= row.head.size() && outcome == Outcome::kIncomplete; ++n) {
      outcome = parser.parse(row.head.substr(0, n));
    }
    ASSERT_EQ(outcome, Outcome::kRefused) << row.sentence;
    EXPECT_EQ(parser.refusal(), row.status) << row.sentence;
  }
}

// Nobody should have to send a line end to be told.
const std::vector<Refused>& refused_early() {
  using S = HttpStatus;
  static const std::vector<Refused> rows = {
      {"the first octets of TLS", "\x16\x03\x01", S::kBadRequest},
      {"a binary first octet", std::string{"\0", 1}, S::kBadRequest},
      {"an endless method", std::string(32, 'A'), S::kNotImplemented},
      {"an endless target", "GET /" + std::string(8000, 'x'), S::kUriTooLong},
      {"an endless field", "GET / HTTP/1.1\r\nX: " + std::string(8190, 'x'),
       S::kHeaderFieldsTooLarge},
  };
  return rows;
}

TEST(HttpParser, RefusesBeforeTheLineEnds) {
  for (const Refused& row : refused_early()) {
    HttpParser parser;
    ASSERT_EQ(parser.parse(row.head), Outcome::kRefused) << row.sentence;
    EXPECT_EQ(parser.refusal(), row.status) << row.sentence;
  }
}

TEST(HttpParser, DecidesOnTheLongestHead) {
  std::string head(2 * HttpParser::kMaxEmptyLines, '\n');
  for (std::size_t i = 0; i < head.size(); i += 2) head[i] = '\r';
  head += "GET /" + std::string(8000 - 14, 'x') + " HTTP/1.1\r\n";
  head += "Host: a\r\nX: " + std::string(8191 - 9 - 3, 'x');
  EXPECT_EQ(head.size(), HttpParser::kMaxHead - 1);
  HttpParser parser;
  EXPECT_EQ(parser.parse(head), Outcome::kIncomplete);
  EXPECT_EQ(parser.parse(head + "x"), Outcome::kRefused);
  head.replace(head.size() - 3, 3, "\r\n\r");
  parser.reset();
  EXPECT_EQ(parser.parse(head), Outcome::kIncomplete);
  EXPECT_EQ(parser.parse(head + "\n"), Outcome::kComplete);
}

// A head that comes octet by octet must not cost its length squared. That octets which were
// searched are not searched again shows when they are others the second time.
TEST(HttpParser, LooksOnceForTheEndOfALine) {
  HttpParser parser;
  const std::string head = "GET / HTTP/1.1\r\nX: abc";
  ASSERT_EQ(parser.parse(head), Outcome::kIncomplete);
  std::string other = head + "de";
  other[head.size() - 1] = '\n';
  EXPECT_EQ(parser.parse(other), Outcome::kIncomplete);
}

TEST(HttpParser, StartsAfreshWhenReset) {
  HttpParser parser;
  ASSERT_EQ(parser.parse(get("Connection: close\r\nContent-Length: 5\r\n")), Outcome::kComplete);
  parser.reset();
  ASSERT_EQ(parser.parse("GET /x HTTP/1.1\r\nHost: a\r\n\r\n"), Outcome::kComplete);
  EXPECT_TRUE(parser.request().keep_alive);
  EXPECT_EQ(parser.request().content_length, 0u);
}

}  // namespace
}  // namespace smol::apps
