// The user timeout option: RFC 5482. TCP-087.
#include <gtest/gtest.h>

#include "tests/protocols/tcp/scenario.hh"

namespace smol::tcp::script {
namespace {

SocketOptions with_option(Duration own = Duration::zero()) {
  SocketOptions out;
  out.user_timeout_option = true;
  out.user_timeout = own;
  return out;
}

/// A bare ACK, or a SYN-ACK, with the option.
SegmentIn asking_for(const Scripted& c, TcpUserTimeout wait, std::uint8_t flags = TcpFlags::kAck) {
  SegmentIn in;
  in.seq = c.given().start.irs + ((flags & TcpFlags::kSyn) != 0 ? 0u : 1u);
  in.ack = c.given().start.iss + 1;
  in.flags.raw = flags;
  in.window = 50'000;
  in.options.user_timeout = wait;
  return in;
}

/// When a connection that hears of nobody is given up, after the first octet was sent.
Duration patience_of(Scripted& c) {
  const Instant begin = c.now();
  c.endpoint().write(begin, 100);
  c.endpoint().transmit(begin);
  Instant now = begin;
  while (!c.endpoint().closed() && c.endpoint().deadline() != kNever) {
    now = c.endpoint().deadline();
    c.endpoint().timeout(now);
    c.endpoint().transmit(now);
  }
  EXPECT_EQ(c.endpoint().error(), Error::kTimedOut);
  return now - begin;
}

std::vector<TcpUserTimeout> told_by(Scripted& c) {
  std::vector<TcpUserTimeout> out;
  for (const Endpoint::Sent& sent : c.endpoint().sent()) {
    if (sent.segment.header.options.user_timeout) {
      out.push_back(*sent.segment.header.options.user_timeout);
      EXPECT_EQ(sent.segment.len, 0u) << "it takes no room from text";
    }
  }
  c.endpoint().sent().clear();
  return out;
}

// TCP-087: off, nothing is told, and nothing heard.
TEST(TcpUserTimeoutOption, IsOffByDefault) {
  Scripted c = closed();
  c.endpoint().connect(c.now());
  c.endpoint().transmit(c.now());
  EXPECT_TRUE(told_by(c).empty());
  c.endpoint().arrives(c.now(), asking_for(c, {true, 20}, TcpFlags::kSyn | TcpFlags::kAck));
  c.endpoint().transmit(c.now());
  EXPECT_TRUE(told_by(c).empty());
  EXPECT_EQ(patience_of(c), seconds(300));
}

// TCP-087: on the SYN, and once more on the first segment after it.
TEST(TcpUserTimeoutOption, IsToldOnTheSynAndOnceAfterIt) {
  Scripted c = closed({.options = with_option(seconds(500))});
  c.endpoint().connect(c.now());
  c.endpoint().transmit(c.now());
  EXPECT_EQ(told_by(c), (std::vector<TcpUserTimeout>{{false, 500}}));
  c.endpoint().arrives(c.now(), asking_for(c, {false, 1}, TcpFlags::kSyn | TcpFlags::kAck));
  c.endpoint().transmit(c.now());
  EXPECT_EQ(told_by(c), (std::vector<TcpUserTimeout>{{false, 500}}));
  c.endpoint().write(c.now(), 5000);
  SegmentIn more = asking_for(c, {});
  more.options.user_timeout.reset();
  more.len = 1500;
  c.endpoint().arrives(c.now(), more);
  c.endpoint().transmit(c.now());
  EXPECT_TRUE(told_by(c).empty());
}

// TCP-087: what does not fit 15 bits of seconds is told in minutes, and never as less.
TEST(TcpUserTimeoutOption, IsInMinutesWhereSecondsDoNotReach) {
  const auto told = [](Duration wait) {
    Scripted c = closed({.options = with_option(wait)});
    c.endpoint().connect(c.now());
    c.endpoint().transmit(c.now());
    const std::vector<TcpUserTimeout> out = told_by(c);
    return out.empty() ? TcpUserTimeout{} : out.front();
  };
  EXPECT_EQ(told(milliseconds(1)), (TcpUserTimeout{false, 1}));
  EXPECT_EQ(told(milliseconds(1500)), (TcpUserTimeout{false, 2}));
  EXPECT_EQ(told(seconds(32'767)), (TcpUserTimeout{false, 32'767}));
  EXPECT_EQ(told(seconds(32'768)), (TcpUserTimeout{true, 547}));
  EXPECT_EQ(told(Duration::zero()), (TcpUserTimeout{false, 300})) << "the stack's own";
  EXPECT_EQ(told(SocketOptions::kForever), TcpUserTimeout{}) << "for ever cannot be said";
}

struct HeardRow {
  const char* sentence;
  TcpUserTimeout theirs;
  Duration wait;
};

// TCP-087: min(U_LIMIT, max(ADV_UTO, REMOTE_UTO, L_LIMIT)).
TEST(TcpUserTimeoutOption, IsWaitedForWithinLimits) {
  const HeardRow rows[] = {{"longer than ours", {true, 20}, seconds(1200)},
                           {"shorter than ours", {false, 200}, seconds(300)},
                           {"tiny", {false, 1}, seconds(300)},
                           {"zero says nothing", {false, 0}, seconds(300)},
                           {"beyond the limit", {true, 0x7fff}, seconds(3600)}};
  for (const HeardRow& row : rows) {
    Scripted c = established({.options = with_option()});
    c.endpoint().arrives(c.now(), asking_for(c, row.theirs));
    EXPECT_EQ(patience_of(c), row.wait) << row.sentence;
  }
}

// TCP-087: what the user has chosen is not the peer's to change; what the peer asked for is the
// user's, whenever it is chosen.
TEST(TcpUserTimeoutOption, GivesWayToTheUser) {
  Scripted chosen = established({.options = with_option(seconds(150))});
  chosen.endpoint().arrives(chosen.now(), asking_for(chosen, {true, 20}));
  EXPECT_EQ(patience_of(chosen), seconds(150));

  Scripted later = established({.options = with_option()});
  later.endpoint().arrives(later.now(), asking_for(later, {true, 20}));
  later.set_options(with_option());
  later.endpoint().arrives(later.now(), asking_for(later, {true, 10}));
  later.set_options(with_option(seconds(200)));
  EXPECT_EQ(patience_of(later), seconds(200));

  Scripted kept = established({.options = with_option()});
  kept.endpoint().arrives(kept.now(), asking_for(kept, {true, 20}));
  SocketOptions other = with_option();
  other.nagle = false;
  kept.set_options(other);
  EXPECT_EQ(patience_of(kept), seconds(1200)) << "another option leaves it alone";
}

}  // namespace
}  // namespace smol::tcp::script
