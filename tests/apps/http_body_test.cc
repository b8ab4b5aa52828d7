#include "apps/http_body.hh"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace smol::apps {
namespace {

constexpr std::uint64_t kLimit = 1000;

HttpRequest chunked() {
  HttpRequest request;
  request.chunked = true;
  return request;
}

HttpRequest of_length(std::uint64_t octets) {
  HttpRequest request;
  request.content_length = octets;
  return request;
}

TEST(HttpBody, IsDoneAtOnceWithoutABody) {
  HttpBody body{of_length(0), kLimit};
  EXPECT_TRUE(body.done());
  EXPECT_EQ(body.skip("GET"), 0u);
}

TEST(HttpBody, TakesContentLengthOctetsAndNoMore) {
  HttpBody body{of_length(5), kLimit};
  EXPECT_EQ(body.skip("ab"), 2u);
  EXPECT_FALSE(body.done());
  EXPECT_EQ(body.skip("cdeGET / HTTP/1.1"), 3u);
  EXPECT_TRUE(body.done());
}

TEST(HttpBody, RefusesMoreThanTheLimit) {
  EXPECT_FALSE(HttpBody(of_length(kLimit), kLimit).refused());
  HttpBody body{of_length(kLimit + 1), kLimit};
  EXPECT_TRUE(body.refused());
  EXPECT_EQ(body.refusal(), HttpStatus::kContentTooLarge);
}

struct Row {
  std::string sentence;
  std::string body;
};

const std::vector<Row>& good() {
  static const std::vector<Row> rows = {
      {"no chunk", "0\r\n\r\n"},
      {"one chunk", "5\r\nabcde\r\n0\r\n\r\n"},
      {"chunks with line ends in them", "2\r\n\r\n\r\n1\r\n\n\r\n0\r\n\r\n"},
      {"hexadecimal sizes of both cases", "0a\r\n0123456789\r\nB\r\n0123456789a\r\n00000\r\n\r\n"},
      {"extensions", "1;a=\"b c\";d\r\nx\r\n0;last\r\n\r\n"},
      {"trailers", "1\r\nx\r\n0\r\nA: b\r\nC: d\r\n\r\n"},
  };
  return rows;
}

TEST(HttpBody, FindsTheEndOfChunks) {
  for (const Row& row : good()) {
    HttpBody body{chunked(), kLimit};
    EXPECT_EQ(body.skip(row.body + "GET"), row.body.size()) << row.sentence;
    EXPECT_TRUE(body.done()) << row.sentence;
  }
}

TEST(HttpBody, FindsTheEndOfChunksOctetByOctet) {
  for (const Row& row : good()) {
    HttpBody body{chunked(), kLimit};
    for (const char& octet : row.body) {
      EXPECT_FALSE(body.done()) << row.sentence;
      EXPECT_EQ(body.skip({&octet, 1}), 1u) << row.sentence;
    }
    EXPECT_TRUE(body.done()) << row.sentence;
  }
}

struct Refused {
  std::string sentence;
  std::string body;
  HttpStatus status = HttpStatus::kBadRequest;
};

const std::vector<Refused>& bad() {
  static const std::vector<Refused> rows = {
      {"no size", "\r\n"},
      {"a size that is none", "x\r\n"},
      {"a signed size", "+1\r\n"},
      {"a blank before a size", " 1\r\n"},
      {"a blank behind a size", "1 \r\n"},
      {"a bare LF behind a size", "1\nx\r\n"},
      {"something else than LF behind a size's CR", "1\rx\n"},
      {"a bare LF in an extension", "1;a\nb\r\nx\r\n"},
      {"a chunk longer than it says", "1\r\nxx\r\n"},
      {"a chunk that ends with a bare LF", "1\r\nx\n0\r\n\r\n"},
      {"a chunk that ends with CR and something", "1\r\nx\rx"},
      {"a bare LF in a trailer", "0\r\nA: b\n\r\n"},
      {"a CR in a trailer", "0\r\nA: b\rc\r\n\r\n"},
      {"a CR without LF at the end", "0\r\n\rx"},
      {"a size of 17 digits", "00000000000000001\r\nx\r\n"},
      {"an extension of 257 octets", "1;" + std::string(257, 'a')},
      {"trailers of more than 8192 octets", "0\r\n" + std::string(8193, 'a'),
       HttpStatus::kHeaderFieldsTooLarge},
      {"a chunk over the limit", "3e9\r\n", HttpStatus::kContentTooLarge},
      {"the largest chunk there is", "ffffffffffffffff\r\n", HttpStatus::kContentTooLarge},
      {"chunks that are over the limit together", "3e8\r\n" + std::string(1000, 'x') + "\r\n1\r\n",
       HttpStatus::kContentTooLarge},
  };
  return rows;
}

TEST(HttpBody, RefusesBadChunks) {
  for (const Refused& row : bad()) {
    HttpBody body{chunked(), kLimit};
    body.skip(row.body);
    EXPECT_TRUE(body.refused()) << row.sentence;
    EXPECT_EQ(body.refusal(), row.status) << row.sentence;
    EXPECT_EQ(body.skip("more"), 0u) << row.sentence;
  }
}

}  // namespace
}  // namespace smol::apps
