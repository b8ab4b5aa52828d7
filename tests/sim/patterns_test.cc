// A short conversation, and every frame, and every two frames, of it lost: it ends right all the
// same. What a seed finds by chance in a large space, this finds for certain in a small one.
#include <gtest/gtest.h>

#include "tests/sim/simulation.hh"

namespace smol::sim {
namespace {

/// The handshake, four segments one way, an answer the other, and the close.
Scenario short_exchange(Ending client, Ending server, bool both_connect = false,
                        Duration write_pause = milliseconds(60)) {
  Scenario out;
  out.seed = 7;
  FlowPlan& flow = out.flows[0];
  flow.both_connect = both_connect;
  flow.users[0].octets = 4 * 1000;
  flow.users[0].write_most = 1000;
  flow.users[0].write_pause = write_pause;
  flow.users[1].octets = 1000;
  flow.users[0].ending = client;
  flow.users[1].ending = server;
  for (UserPlan& user : flow.users) user.socket.nagle = false;
  out.listener_stays = false;
  return out;
}

struct Row {
  const char* sentence;
  Scenario scenario;
};
void PrintTo(const Row& row, std::ostream* out) {
  *out << row.sentence;
}

/// A frame by its sender and its number.
struct Place {
  std::size_t side;
  std::uint64_t number;
};

class Patterns : public ::testing::TestWithParam<Row> {
 protected:
  static Outcome lose(const std::vector<Place>& frames) {
    Scenario scenario = GetParam().scenario;
    std::string trace = "lost:";
    for (const Place& frame : frames) {
      scenario.links[frame.side].lost.insert(frame.number);
      trace += ' ' + std::to_string(frame.side) + '.' + std::to_string(frame.number);
    }
    SCOPED_TRACE(trace);
    const Outcome out = Simulation{scenario}.run();
    EXPECT_EQ(out.faults, std::vector<std::string>{});
    // The machines' own ends, that no user sees any more, come by the other's word as well.
    EXPECT_EQ(out.coverage.count("counter tcp_abort_on_timeout"), 0u);
    EXPECT_LT(out.took / seconds(1), 100) << "seconds";
    return out;
  }
  static std::vector<Place> places(const Outcome& of) {
    std::vector<Place> out;
    for (std::size_t side = 0; side < 2; ++side) {
      for (std::uint64_t i = 0; i < of.frames[side]; ++i) out.push_back({side, i});
    }
    return out;
  }
};

TEST_P(Patterns, EverySingleLossIsMadeUpFor) {
  const std::vector<Place> frames = places(lose({}));
  EXPECT_GE(frames.size(), 7u);
  RecordProperty("frames", static_cast<int>(frames.size()));
  for (const Place& frame : frames) lose({frame});
}

TEST_P(Patterns, EveryDoubleLossIsMadeUpFor) {
  for (const Place& first : places(lose({}))) {
    if (HasFailure()) return;
    // The loss of the first makes for more frames; the second may be one of those.
    for (const Place& second : places(lose({first}))) {
      if (second.side != first.side || second.number > first.number) lose({first, second});
    }
  }
}

std::string row_name(const ::testing::TestParamInfo<Row>& row) {
  return row.param.sentence;
}
INSTANTIATE_TEST_SUITE_P(
    Exchange, Patterns,
    ::testing::Values(Row{"TheClientClosesFirst", short_exchange(Ending::kCloses, Ending::kWaits)},
                      Row{"TheServerClosesFirst", short_exchange(Ending::kWaits, Ending::kCloses)},
                      Row{"BothHalfClose", short_exchange(Ending::kHalfClose, Ending::kHalfClose)},
                      Row{"TheClosesCross", short_exchange(Ending::kTogether, Ending::kTogether)},
                      Row{"TheOpensCross",
                          short_exchange(Ending::kHalfClose, Ending::kHalfClose, true)},
                      Row{"InOneBurst", short_exchange(Ending::kHalfClose, Ending::kHalfClose,
                                                       false, Duration{0})}),
    row_name);

}  // namespace
}  // namespace smol::sim
