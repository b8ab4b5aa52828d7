// What congestion control is told of delivery, by what it makes of it: two ends and a path that has
// a rate, a delay and a queue (section 4.1 of draft-ietf-ccwg-bbr).
#include <algorithm>
#include <map>
#include <set>
#include <string_view>

#include <gtest/gtest.h>

#include "tests/support/tcp_endpoint.hh"

namespace smol::tcp::script {
namespace {

constexpr std::uint32_t kUnbounded = 0xffff'ffff;

struct Shape {
  CongestionControl congestion = CongestionControl::kBbr;
  std::uint32_t rate = 1'000'000;  ///< octets a second
  Duration rtt = milliseconds(50);
  std::uint32_t queue = 1'000'000;  ///< octets
};

/// One sends to the other: text takes its turn in the queue, acknowledgements do not.
class Path {
 public:
  explicit Path(const Shape& shape)
      : shape_{shape}, from_{Config{}, setup(1000)}, to_{Config{}, setup(5'000'000)} {
    to_.listen();
    from_.connect(now_);
    pass(2 * shape.rtt);
  }

  /// The sender writes `octets` every `pause`; zero: always enough.
  void run(Duration length, std::uint32_t octets = 0, Duration pause = milliseconds(10)) {
    for (const Instant end = now_ + length; now_ < end;) {
      if (octets > 0) {
        from_.write(now_, octets);
      } else if (from_.connection().unsent() < 4'000'000) {
        from_.write(now_, 4'000'000);
      }
      pass(pause);
      const CongestionInfo info = congestion();
      phases_.insert(info.phase);
      if (info.inflight_shortterm != kUnbounded) lowered_ = true;
    }
  }
  CongestionInfo congestion() const { return from_.connection().info().congestion; }
  std::uint32_t cwnd() const { return from_.connection().info().cwnd; }
  bool was_in(std::string_view phase) const { return phases_.count(phase) > 0; }
  /// BBR took loss for a sign of too much in flight.
  bool lowered() const { return lowered_; }
  std::uint64_t arrived() const { return to_.received().octets(); }
  std::uint32_t lost() const { return lost_; }
  void expect_no_faults() {
    for (const std::string& fault : from_.faults()) ADD_FAILURE() << fault;
    for (const std::string& fault : to_.faults()) ADD_FAILURE() << fault;
  }

 private:
  Connection::Setup setup(std::uint32_t iss) const {
    Connection::Setup out;
    out.iss = {iss};
    out.local_mss = 1012;  // a thousand octets beside timestamps
    out.options.congestion_control = shape_.congestion;
    out.options.send_buffer = out.options.receive_buffer = 1u << 26;
    return out;
  }
  void pass(Duration length) {
    const Instant end = now_ + length;
    for (;;) {
      carry(from_, to_);
      carry(to_, from_);
      const Instant arrival = wire_.empty() ? kNever : wire_.begin()->first;
      const Instant next = std::min({from_.deadline(), to_.deadline(), arrival, end});
      now_ = std::max(now_, next);
      if (next == end) return;
      while (!wire_.empty() && wire_.begin()->first <= now_) {
        const auto [end_of, segment] = wire_.begin()->second;
        wire_.erase(wire_.begin());
        end_of->arrives(now_, segment);
        to_.read(now_, 1u << 26);
      }
      if (from_.deadline() <= now_) from_.timeout(now_);
      if (to_.deadline() <= now_) to_.timeout(now_);
    }
  }
  void carry(Endpoint& by, Endpoint& towards) {
    by.transmit(now_);
    for (const Endpoint::Sent& sent : by.sent()) {
      Instant at = now_;
      if (const std::uint32_t len = sent.segment.len; len > 0) {
        const Instant begin = std::max(free_, now_);
        const Duration wait = begin - now_;
        if (wait * shape_.rate / seconds(1) + len > shape_.queue) {
          ++lost_;
          continue;
        }
        free_ = at = begin + seconds(1) * std::int64_t{len} / shape_.rate;
      }
      wire_.emplace(at + shape_.rtt / 2, std::pair{&towards, arriving(sent.segment)});
    }
    by.sent().clear();
  }

  Shape shape_;
  Endpoint from_;
  Endpoint to_;
  Instant now_{seconds(1000)};
  Instant free_{};
  std::multimap<Instant, std::pair<Endpoint*, SegmentIn>> wire_;
  std::set<std::string_view> phases_;
  bool lowered_ = false;
  std::uint32_t lost_ = 0;
};

// The rate is that of the path, the round trip that of an empty queue, and Startup ends
// when the rate grows no more.
TEST(TcpDeliveryRate, BbrFindsWhatThePathDelivers) {
  Path path{{}};
  path.run(seconds(3));
  EXPECT_NEAR(static_cast<double>(path.congestion().bandwidth), 1e6, 3e4);
  EXPECT_NEAR(static_cast<double>(path.congestion().min_rtt.count()), 51e6, 1e6);
  EXPECT_TRUE(path.was_in("startup"));
  EXPECT_TRUE(path.was_in("drain"));
  EXPECT_TRUE(path.was_in("probe_bw_cruise"));
  EXPECT_EQ(path.congestion().inflight_longterm, kUnbounded) << "nothing was lost";
  EXPECT_FALSE(path.lowered());
  path.expect_no_faults();
}

// An application that writes little tells nothing of the path; when it writes more, it
// does.
TEST(TcpDeliveryRate, WhatAnApplicationDoesNotWriteIsNotThePathsFault) {
  Path path{{}};
  path.run(seconds(4), 1000, milliseconds(100));
  EXPECT_EQ(path.congestion().phase, "startup");
  EXPECT_LT(path.congestion().bandwidth, 200'000u);
  path.run(seconds(3));
  EXPECT_NE(path.congestion().phase, "startup");
  EXPECT_NEAR(static_cast<double>(path.congestion().bandwidth), 1e6, 3e4);
  path.expect_no_faults();
}

// A queue that overflows bounds what may be in flight, by what was in flight then.
TEST(TcpDeliveryRate, BbrLearnsFromLossHowMuchThePathHolds) {
  Path path{{.queue = 15'000}};
  path.run(seconds(12));
  EXPECT_GT(path.lost(), 10u);
  EXPECT_TRUE(path.lowered());
  EXPECT_LT(path.congestion().inflight_longterm, 150'000u);
  EXPECT_GT(path.congestion().inflight_longterm, 40'000u) << "the path alone holds 50,000";
  EXPECT_GT(path.arrived(), 9'000'000u);
  path.expect_no_faults();
}

// Westwood+ cuts to what it measured.
TEST(TcpDeliveryRate, WestwoodMeasuresThePath) {
  Path path{{.congestion = CongestionControl::kWestwood}};
  path.run(seconds(4));
  EXPECT_NEAR(static_cast<double>(path.congestion().bandwidth), 1e6, 1e5);
  path.expect_no_faults();
}

// TCP-241: slow start ends when round trips grow, before anything is lost.
TEST(TcpDeliveryRate, RoundTripsThatGrowEndSlowStart) {
  Path path{{.congestion = CongestionControl::kCubic, .queue = 100'000'000}};
  path.run(seconds(3));
  EXPECT_TRUE(path.was_in("conservative_slow_start"));
  EXPECT_EQ(path.congestion().phase, "avoidance");
  EXPECT_EQ(path.lost(), 0u);
  path.expect_no_faults();
}

// TCP-235: a window that is not used does not grow.
TEST(TcpDeliveryRate, AWindowThatIsNotUsedDoesNotGrow) {
  Path path{{.congestion = CongestionControl::kNewReno}};
  path.run(seconds(1), 2000, milliseconds(50));
  EXPECT_EQ(path.cwnd(), 10'000u);
  path.expect_no_faults();
}

}  // namespace
}  // namespace smol::tcp::script
