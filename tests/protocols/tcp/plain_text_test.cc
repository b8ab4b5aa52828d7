// Bulk data takes a shorter way through the machine than the steps of RFC 9293 section 3.10.7.4.
// Both must come to the same.
#include <random>
#include <tuple>

#include <gtest/gtest.h>

#include "tests/protocols/tcp/scenario.hh"

namespace smol::tcp::script {
namespace {

using TcpPlainText = Scenario;
INSTANTIATE_TEST_SUITE_P(From, TcpPlainText, kStarts, start_name);

auto told(const Info& i) {
  return std::tuple_cat(
      std::tuple{i.state, i.waits_for, i.snd_una.raw, i.snd_nxt.raw, i.rcv_nxt.raw, i.snd_wnd},
      std::tuple{i.rcv_wnd, i.cwnd, i.ssthresh, i.rcv_mss, i.srtt, i.rto, i.ato, i.probes},
      std::tuple{i.receive_buffer, i.rcv_space, i.unsent, i.unacked, i.in_flight, i.lost},
      std::tuple{i.unread, i.out_of_order, i.bytes_received, i.bytes_acked, i.segs_in},
      std::tuple{i.segs_out, i.dup_acks_in, i.dsacks_out, i.sacks_out, i.last_received},
      std::tuple{i.retransmit_timer, i.loss_timer, i.persist_timer, i.delayed_ack_timer,
                 i.keep_alive_timer});
}

/// Two ends that are told the same; to the second all of it goes the long way, for each segment has
/// an URG that points nowhere, and so says nothing.
class Twins {
 public:
  Twins(Scripted& plain, Scripted& long_way)
      : plain_{plain},
        long_way_{long_way},
        now_{plain.now()},
        next_{plain.given().start.irs + 1},
        stamps_{plain.endpoint().connection().ts_recent() - Connection::timestamp_clock(now_)} {}

  void arrives(SegmentIn segment) {
    plain_.endpoint().arrives(now_, segment);
    segment.flags.raw |= TcpFlags::kUrg;
    segment.urgent = 0;
    long_way_.endpoint().arrives(now_, segment);
  }
  template <class Do>
  void both(Do&& act) {
    act(plain_.endpoint());
    act(long_way_.endpoint());
  }
  void compare() {
    Endpoint& a = plain_.endpoint();
    Endpoint& b = long_way_.endpoint();
    ASSERT_EQ(told(plain_.info()), told(long_way_.info()));
    ASSERT_EQ(a.connection().ts_recent(), b.connection().ts_recent());
    ASSERT_EQ(a.notes(), b.notes());
    ASSERT_EQ(a.deadline(), b.deadline());
    ASSERT_EQ(a.received().next().raw, b.received().next().raw);
    ASSERT_EQ(a.sent().size(), b.sent().size());
    for (std::size_t i = 0; i < a.sent().size(); ++i) {
      ASSERT_EQ(a.sent()[i].segment.header, b.sent()[i].segment.header);
      ASSERT_EQ(a.sent()[i].segment.len, b.sent()[i].segment.len);
    }
    both([](Endpoint& e) {
      e.sent().clear();
      e.clear_notes(~0u);
    });
  }

  /// What a peer may say that has text for us and takes ours: mostly the next of it, in order.
  void step(std::mt19937& random) {
    const auto chance = [&](unsigned percent) { return random() % 100 < percent; };
    now_ += microseconds(random() % 3 == 0 ? 0 : random() % 20'000);
    if (chance(2)) now_ += seconds(1);
    both([&](Endpoint& e) { e.timeout(now_); });
    if (chance(5)) both([&](Endpoint& e) { e.write(now_, 1500); });
    const Connection& c = plain_.endpoint().connection();
    const std::uint32_t mss = plain_.given().mss;
    SegmentIn in;
    in.flags.raw = TcpFlags::kAck;
    if (chance(10)) in.flags.raw |= TcpFlags::kPsh;
    in.len = chance(60) ? mss : chance(20) ? 0 : 1 + static_cast<std::uint32_t>(random()) % mss;
    if (chance(3)) in.len = plain_.info().rcv_wnd + static_cast<std::uint32_t>(random()) % 3;
    in.seq = next_;
    if (chance(4)) in.seq = next_ + mss;
    if (chance(4)) in.seq = next_ - mss / 2;
    in.ack = chance(80) ? c.snd_una() : c.snd_nxt();
    in.window = chance(5) ? 0 : chance(20) ? 20'000 : 30'000;
    if (c.timestamps()) {
      const std::uint32_t tsval = Connection::timestamp_clock(now_) + stamps_;
      in.options.timestamps = TcpTimestamps{chance(3) ? tsval - 2'000 : tsval, 0};
    }
    if (chance(2)) in.ecn = Ecn::kCe;
    arrives(in);
    next_ = c.rcv_nxt();
    if (chance(60)) both([&](Endpoint& e) { e.read(now_, reads_); });
    if (chance(50)) both([&](Endpoint& e) { e.transmit(now_); });
    reads_ = static_cast<std::uint32_t>(random()) % (3 * mss);
  }

 private:
  Scripted& plain_;
  Scripted& long_way_;
  Instant now_;
  SeqNumber next_;
  std::uint32_t stamps_;  ///< the peer's clock is so far ahead
  std::uint32_t reads_ = 1000;
};

// RFC 9293 section 3.10.7.4: the steps of an arriving segment, in their order, whichever way it
// takes.
TEST_P(TcpPlainText, ShortWayComesToTheSameAsTheSteps) {
  for (const bool timestamps : {false, true}) {
    for (unsigned seed = 1; seed <= 20; ++seed) {
      const Given given{.mss = 1000, .receive_buffer = 40'000, .timestamps = timestamps};
      Scripted plain = established(given);
      Scripted long_way = established(given);
      Twins twins{plain, long_way};
      std::mt19937 random{seed};
      for (int i = 0; i < 500 && plain.state() == State::kEstablished; ++i) {
        twins.step(random);
        ASSERT_NO_FATAL_FAILURE(twins.compare()) << "seed " << seed << ", step " << i;
      }
      EXPECT_GT(plain.info().bytes_received, 50'000u);
    }
  }
}

}  // namespace
}  // namespace smol::tcp::script
