#include "apps/http.hh"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/apps/rig.hh"

namespace smol::apps {
namespace {

using HttpRig = Rig<Http, HttpConfig>;

constexpr std::string_view kGet = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kHello =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: "
    "6\r\n\r\nhello\n";
constexpr std::string_view kHelloAndClose =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 6\r\n"
    "Connection: close\r\n\r\nhello\n";

std::string times(std::string_view text, int n) {
  std::string out;
  for (int i = 0; i < n; ++i) out += text;
  return out;
}

std::string status_line(const std::string& answer) {
  return answer.substr(0, answer.find("\r\n"));
}

bool has_line(const std::string& answer, std::string_view line) {
  return answer.find("\r\n" + std::string{line} + "\r\n") != std::string::npos;
}

// --- answers -------------------------------------------------------------------------------------

TEST(Http, ServesAPage) {
  HttpRig rig;
  const std::size_t c = rig.connect(80);
  rig.send(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const std::string answer = rig.receive(c);
  EXPECT_EQ(status_line(answer), "HTTP/1.1 200 OK");
  EXPECT_TRUE(has_line(answer, "Content-Type: text/html; charset=utf-8"));
  const std::string content = answer.substr(answer.find("\r\n\r\n") + 4);
  EXPECT_TRUE(has_line(answer, "Content-Length: " + std::to_string(content.size())));
  EXPECT_TRUE(content.starts_with("<!DOCTYPE html>"));
  EXPECT_TRUE(content.ends_with("</html>\n"));
  EXPECT_LT(answer.size(), 1448u) << "the page fits into one segment";
}

TEST(Http, StaysOpenForTheNextRequest) {
  HttpRig rig;
  const std::size_t c = rig.connect(80);
  for (int i = 0; i < 3; ++i) {
    rig.send(c, kGet);
    EXPECT_EQ(rig.receive(c), kHello);
  }
  EXPECT_FALSE(rig.peer(c).closed_by_app);
}

struct Row {
  std::string_view sentence;
  std::string request;
  std::string_view status;
  std::string_view field;  ///< one that the answer has
  bool closes;
};

const std::vector<Row>& rows() {
  static const std::vector<Row> all = {
      {"an unknown path", "GET /x HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 404 Not Found",
       "Content-Length: 34", false},
      {"a method that no resource has", "DELETE / HTTP/1.1\r\nHost: a\r\n\r\n",
       "HTTP/1.1 405 Method Not Allowed", "Allow: GET, HEAD, OPTIONS", false},
      {"such a method on an unknown path", "PUT /x HTTP/1.1\r\nHost: a\r\n\r\n",
       "HTTP/1.1 404 Not Found", "", false},
      {"a method that nobody knows", "BREW / HTTP/1.1\r\nHost: a\r\n\r\n",
       "HTTP/1.1 501 Not Implemented", "", false},
      {"what the server can", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK",
       "Allow: GET, HEAD, OPTIONS", false},
      {"what a resource can", "OPTIONS /hello HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK",
       "Content-Length: 0", false},
      {"HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK", "Connection: close", true},
      {"HTTP/1.0 that stays", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "HTTP/1.1 200 OK",
       "Connection: keep-alive", false},
      {"a client that closes", "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
       "HTTP/1.1 200 OK", "Connection: close", true},
      {"garbage", "nonsense\r\n", "HTTP/1.1 400 Bad Request", "Connection: close", true},
      {"TLS", "\x16\x03\x01", "HTTP/1.1 400 Bad Request", "Connection: close", true},
      {"an endless target", "GET /" + std::string(8000, 'x'), "HTTP/1.1 414 URI Too Long",
       "Connection: close", true},
      {"endless fields", "GET / HTTP/1.1\r\nX: " + std::string(8200, 'x'),
       "HTTP/1.1 431 Request Header Fields Too Large", "Connection: close", true},
      {"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/1.1 505 HTTP Version Not Supported",
       "Connection: close", true},
      {"a coding that is not known",
       "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
       "HTTP/1.1 501 Not Implemented", "Connection: close", true},
      {"too large a body", "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n",
       "HTTP/1.1 413 Content Too Large", "Connection: close", true},
      {"a client that waits for leave to send",
       "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n",
       "HTTP/1.1 405 Method Not Allowed", "Connection: close", true},
      {"an expectation without a body", "GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n",
       "HTTP/1.1 200 OK", "", false},
      {"an expectation that is not known", "PUT / HTTP/1.1\r\nHost: a\r\nExpect: coffee\r\n\r\n",
       "HTTP/1.1 417 Expectation Failed", "Connection: close", true},
  };
  return all;
}

TEST(Http, AnswersAsRfc9110Wants) {
  for (const Row& row : rows()) {
    HttpRig rig;
    const std::size_t c = rig.connect(80);
    rig.send(c, row.request);
    const std::string answer = rig.receive(c);
    EXPECT_EQ(status_line(answer), row.status) << row.sentence;
    EXPECT_TRUE(row.field.empty() || has_line(answer, row.field)) << row.sentence << answer;
    EXPECT_EQ(rig.peer(c).fin_to_peer, row.closes) << row.sentence;
    EXPECT_EQ(has_line(answer, "Connection: close"), row.closes) << row.sentence;
    EXPECT_FALSE(rig.peer(c).reset_to_peer) << row.sentence;
    EXPECT_EQ(rig.peer(c).to_app.size(), 0u) << row.sentence;
  }
}

TEST(Http, LeavesTheContentOutForHead) {
  HttpRig rig;
  const std::size_t c = rig.connect(80);
  rig.send(c, "HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(rig.receive(c), kHello.substr(0, kHello.size() - 6));
  rig.send(c, "HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n");
  const std::string answer = rig.receive(c);
  EXPECT_TRUE(has_line(answer, "Content-Length: 34"));
  EXPECT_TRUE(answer.ends_with("\r\n\r\n"));
}

// --- pieces and pipelines ------------------------------------------------------------------------

constexpr std::string_view kThree =
    "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"
    "PUT /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nGET "
    "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

std::string answer_to_three() {
  HttpRig rig;
  const std::size_t c = rig.connect(80);
  rig.send(c, kThree);
  return rig.receive(c);
}

TEST(Http, AnswersPipelinedRequestsInOrder) {
  const std::string answer = answer_to_three();
  EXPECT_TRUE(answer.starts_with(std::string{kHello} + "HTTP/1.1 405 Method Not Allowed\r\n"));
  EXPECT_TRUE(answer.ends_with(kHelloAndClose));
}

TEST(Http, AnswersTheSameHoweverTheRequestsAreCut) {
  const std::string expected = answer_to_three();
  for (std::size_t first = 1; first < kThree.size(); ++first) {
    for (const std::size_t second : {first + 1, first + 7, kThree.size() - 1}) {
      if (second <= first || second >= kThree.size()) continue;
      HttpRig rig;
      const std::size_t c = rig.connect(80);
      rig.send(c, kThree.substr(0, first));
      rig.send(c, kThree.substr(first, second - first));
      rig.send(c, kThree.substr(second));
      ASSERT_EQ(rig.receive(c), expected) << "cut at " << first << " and " << second;
      ASSERT_TRUE(rig.peer(c).closed_by_app) << "cut at " << first << " and " << second;
    }
  }
}

TEST(Http, AnswersTheSameOctetByOctet) {
  HttpRig rig;
  const std::size_t c = rig.connect(80);
  for (const char& octet : kThree) rig.sockets.send(c, {&octet, 1});
  rig.settle();
  EXPECT_EQ(rig.receive(c), answer_to_three());
}

TEST(Http, PutsTheAnswersOfABurstBehindEachOtherIntoFewPackets) {
  HttpRig rig;
  const std::size_t c = rig.connect(80);
  rig.peer(c).packet_room = 100;  // less than an answer
  rig.send(c, times(kGet, 100));
  EXPECT_EQ(rig.receive(c), times(kHello, 100));
}

TEST(Http, SkipsAChunkedBody) {
  HttpRig rig;
  const std::size_t c = rig.connect(80);
  rig.send(c, "POST /hello HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  EXPECT_EQ(rig.receive(c), "") << "answered before the body was there";
  rig.send(c, "5\r\nGET /\r\n0\r\n");
  rig.send(c, "\r\n" + std::string{kGet});
  const std::string answer = rig.receive(c);
  EXPECT_EQ(status_line(answer), "HTTP/1.1 405 Method Not Allowed");
  EXPECT_TRUE(answer.ends_with(kHello));
}

TEST(Http, RefusesABadBody) {
  HttpRig rig;
  const std::size_t c = rig.connect(80);
  rig.send(c, "POST /hello HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxx\r\n" +
                  std::string{kGet});
  const std::string answer = rig.receive(c);
  EXPECT_EQ(status_line(answer), "HTTP/1.1 400 Bad Request");
  EXPECT_TRUE(has_line(answer, "Connection: close"));
  EXPECT_EQ(answer.find("hello\n"), std::string::npos) << "answered what came behind";
}

TEST(Http, TakesABodyOfTheLargestSizeAndNoMore) {
  HttpConfig config;
  config.max_content = 5;
  HttpRig rig{config};
  const std::size_t c = rig.connect(80);
  rig.send(c, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12345");
  EXPECT_EQ(status_line(rig.receive(c)), "HTTP/1.1 405 Method Not Allowed");
  rig.send(c, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n123456");
  EXPECT_EQ(status_line(rig.receive(c)), "HTTP/1.1 413 Content Too Large");
}

TEST(Http, AnswersAGoodRequestBeforeABadOne) {
  HttpRig rig;
  const std::size_t c = rig.connect(80);
  rig.send(c, std::string{kGet} + "bad\r\n" + std::string{kGet});
  const std::string answer = rig.receive(c);
  EXPECT_TRUE(answer.starts_with(std::string{kHello} + "HTTP/1.1 400 Bad Request\r\n"));
  EXPECT_EQ(answer.find("hello\n", kHello.size()), std::string::npos);
}

TEST(Http, AnswersNothingBehindAClose) {
  HttpRig rig;
  const std::size_t c = rig.connect(80);
  rig.send(c, "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" + std::string{kGet});
  EXPECT_EQ(rig.receive(c), kHelloAndClose);
  EXPECT_TRUE(rig.peer(c).fin_to_peer);
  EXPECT_FALSE(rig.peer(c).reset_to_peer) << "the RST may destroy the answer";
}

// --- a peer that does not read -------------------------------------------------------------------

TEST(Http, KeepsRequestsUnreadWhoseAnswersFindNoRoom) {
  for (const std::size_t limit : {1u, 50u, 107u, 108u, 109u, 250u}) {
    HttpRig rig;
    const std::size_t c = rig.connect(80);
    rig.peer(c).send_limit = limit;
    rig.send(c, times(kGet, 20));
    EXPECT_LE(rig.peer(c).to_peer.size(), limit);
    EXPECT_GE(rig.sockets.unread({SocketKind::kTcp, {static_cast<std::uint32_t>(c), 1}}),
              16 * kGet.size());
    EXPECT_EQ(rig.receive(c), times(kHello, 20)) << limit;
  }
}

// The close that the last request asks for must not take the answers before it away.
TEST(Http, AnswersAllBeforeACloseThatFindNoRoom) {
  for (const std::size_t limit : {50u, 107u, 108u, 109u, 250u}) {
    HttpRig rig;
    const std::size_t c = rig.connect(80);
    rig.peer(c).send_limit = limit;
    rig.send(c, times(kGet, 3) + "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(rig.receive(c), times(kHello, 3) + std::string{kHelloAndClose}) << limit;
    EXPECT_TRUE(rig.peer(c).closed_by_app) << limit;
  }
}

TEST(Http, ClosesAfterTheLastAnswerWentOutPieceByPiece) {
  HttpRig rig;
  const std::size_t c = rig.connect(80);
  rig.peer(c).send_limit = 10;
  rig.send(c, "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_FALSE(rig.peer(c).closed_by_app);
  EXPECT_EQ(rig.receive(c), kHelloAndClose);
  EXPECT_TRUE(rig.peer(c).closed_by_app);
}

TEST(Http, AbortsAPeerThatNeverReads) {
  HttpRig rig;
  const std::size_t c = rig.connect(80);
  rig.peer(c).send_limit = 10;
  rig.send(c, kGet);
  rig.advance(seconds(59));
  EXPECT_FALSE(rig.peer(c).closed_by_app);
  rig.advance(seconds(1));
  EXPECT_TRUE(rig.peer(c).reset_to_peer);
  EXPECT_EQ(rig.app.connections(), 0u);
}

TEST(Http, BearsWithAPeerThatReadsSlowly) {
  HttpRig rig;
  const std::size_t c = rig.connect(80);
  rig.peer(c).send_limit = 10;
  rig.send(c, kGet);
  for (std::size_t i = 0; i < kHello.size() / 10; ++i) {
    rig.advance(seconds(50));
    ASSERT_EQ(rig.sockets.take(c), kHello.substr(10 * i, 10));
    rig.settle();
  }
}

// --- time ----------------------------------------------------------------------------------------

TEST(Http, ClosesAnIdleConnectionAfterAMinute) {
  HttpRig rig;
  const std::size_t c = rig.connect(80);
  rig.send(c, kGet);
  rig.advance(seconds(40));
  rig.send(c, kGet);
  rig.advance(seconds(59));
  EXPECT_FALSE(rig.peer(c).closed_by_app);
  rig.advance(seconds(1));
  EXPECT_TRUE(rig.peer(c).closed_by_app);
  EXPECT_FALSE(rig.peer(c).reset_to_peer);
}

TEST(Http, ClosesAConnectionThatNeverAsks) {
  HttpRig rig;
  const std::size_t c = rig.connect(80);
  rig.advance(seconds(9));
  EXPECT_FALSE(rig.peer(c).closed_by_app);
  rig.advance(seconds(1));
  EXPECT_TRUE(rig.peer(c).closed_by_app);
  EXPECT_EQ(rig.receive(c), "");
}

// "Slow loris": a head octet by octet, for ever.
TEST(Http, EndsAHeadThatTakesLongerThanTenSeconds) {
  HttpRig rig;
  const std::size_t c = rig.connect(80);
  rig.send(c, kGet);
  rig.receive(c);
  rig.advance(seconds(30));
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(rig.receive(c), "");
    rig.send(c, kGet.substr(static_cast<std::size_t>(i), 1));
    rig.advance(seconds(1));
  }
  EXPECT_EQ(status_line(rig.receive(c)), "HTTP/1.1 408 Request Timeout");
  EXPECT_TRUE(rig.peer(c).fin_to_peer);
  rig.advance(seconds(2));
  EXPECT_TRUE(rig.peer(c).closed_by_app);
}

TEST(Http, WaitsTwoSecondsForTheEndOfAPeerItRefused) {
  HttpRig rig;
  const std::size_t c = rig.connect(80);
  rig.send(c, "bad\r\n");
  rig.receive(c);
  rig.advance(milliseconds(1999));
  rig.send(c, "and more of it");
  EXPECT_EQ(rig.peer(c).to_app.size(), 0u);
  EXPECT_FALSE(rig.peer(c).closed_by_app);
  rig.advance(milliseconds(1));
  EXPECT_TRUE(rig.peer(c).closed_by_app);
}

TEST(Http, TakesItsTimersFromTheConfiguration) {
  HttpConfig config;
  config.idle_timeout = seconds(3);
  config.header_timeout = seconds(1);
  HttpRig rig{config};
  const std::size_t fresh = rig.connect(80);
  const std::size_t idle = rig.connect(80);
  rig.send(idle, kGet);
  rig.advance(seconds(1));
  EXPECT_TRUE(rig.peer(fresh).closed_by_app);
  EXPECT_FALSE(rig.peer(idle).closed_by_app);
  rig.advance(seconds(2));
  EXPECT_TRUE(rig.peer(idle).closed_by_app);
}

// --- ends ----------------------------------------------------------------------------------------

TEST(Http, AnswersAPeerThatHalfClosed) {
  HttpRig rig;
  const std::size_t c = rig.connect(80);
  rig.sockets.send(c, kGet);
  rig.send_fin(c);
  EXPECT_EQ(rig.receive(c), kHello);
  EXPECT_TRUE(rig.peer(c).closed_by_app);
}

TEST(Http, ClosesWhenThePeerGoesInTheMiddleOfAHead) {
  HttpRig rig;
  const std::size_t c = rig.connect(80);
  rig.send(c, kGet.substr(0, 10));
  rig.send_fin(c);
  EXPECT_TRUE(rig.peer(c).closed_by_app);
  EXPECT_EQ(rig.receive(c), "");
}

TEST(Http, GivesADeadConnectionUpInAnyPhase) {
  const std::vector<std::string> phases = {
      "", std::string{kGet.substr(0, 10)}, std::string{kGet}, "bad\r\n",
      "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n1"};
  for (const std::string& sent : phases) {
    HttpRig rig;
    const std::size_t c = rig.connect(80);
    if (!sent.empty()) rig.send(c, sent);
    rig.sockets.kill(c, Error::kConnectionReset);
    rig.settle();
    EXPECT_TRUE(rig.peer(c).closed_by_app) << sent;
    EXPECT_EQ(rig.app.connections(), 0u) << sent;
  }
}

TEST(Http, BoundsTheHeadsThatComeInPieces) {
  HttpRig rig;
  std::vector<std::size_t> all;
  for (std::size_t i = 0; i <= HttpHeadBuffers::kLimit; ++i) {
    all.push_back(rig.connect(80));
    rig.send(all.back(), "GET");
  }
  EXPECT_EQ(rig.receive(all[0]), "");
  EXPECT_EQ(status_line(rig.receive(all.back())), "HTTP/1.1 503 Service Unavailable");
  // A buffer that is given back serves the next.
  rig.send(all[0], std::string{kGet.substr(3)});
  EXPECT_EQ(rig.receive(all[0]), kHello);
  const std::size_t next = rig.connect(80);
  rig.send(next, "GET");
  rig.send(next, std::string{kGet.substr(3)});
  EXPECT_EQ(rig.receive(next), kHello);
}

TEST(Http, TellsThoseWhoWaitThatTheDaemonShutsDown) {
  HttpRig rig;
  const std::size_t idle = rig.connect(80);
  rig.send(idle, kGet);
  const std::size_t fresh = rig.connect(80);
  const std::size_t asking = rig.connect(80);
  rig.send(asking, kGet.substr(0, 10));
  rig.app.drain(rig.sockets);
  EXPECT_EQ(rig.sockets.listening(), 0u);
  EXPECT_TRUE(rig.peer(idle).closed_by_app);
  EXPECT_TRUE(rig.peer(fresh).closed_by_app);
  EXPECT_FALSE(rig.peer(asking).closed_by_app);
  rig.send(asking, kGet.substr(10));
  EXPECT_EQ(rig.receive(asking), kHelloAndClose);
  EXPECT_TRUE(rig.peer(asking).fin_to_peer);
  rig.send_fin(asking);
  EXPECT_TRUE(rig.peer(asking).closed_by_app);
}

}  // namespace
}  // namespace smol::apps
