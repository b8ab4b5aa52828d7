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
  out.both_connect = both_connect;
  out.users[0].octets = 4 * 1000;
  out.users[0].write_most = 1000;
  out.users[0].write_pause = write_pause;
  out.users[1].octets = 1000;
  out.users[0].ending = client;
  out.users[1].ending = server;
  for (UserPlan& user : out.users) user.socket.nagle = false;
  return out;
}

struct Row {
  const char* sentence;
  Scenario scenario;
};
void PrintTo(const Row& row, std::ostream* out) {
  *out << row.sentence;
}

class Patterns : public ::testing::TestWithParam<Row> {
 protected:
  static Outcome lose(std::set<std::uint64_t> frames) {
    Scenario scenario = GetParam().scenario;
    scenario.lost = std::move(frames);
    std::string trace = "lost:";
    for (const std::uint64_t frame : scenario.lost) trace += ' ' + std::to_string(frame);
    SCOPED_TRACE(trace);
    const Outcome out = Simulation{scenario}.run();
    EXPECT_EQ(out.hung, "");
    for (std::size_t side = 0; side < 2; ++side) {
      EXPECT_EQ(out.read[side], scenario.users[1 - side].octets) << "side " << side;
      EXPECT_EQ(error_of(out.errors[side]), "none") << "side " << side;
    }
    // The machines' own ends, that no user sees any more, come by the other's word as well.
    EXPECT_EQ(out.happened.at("tcp_abort_on_timeout"), 0u);
    EXPECT_LT((out.end - scenario.start) / seconds(1), 100) << "seconds";
    return out;
  }
};

TEST_P(Patterns, EverySingleLossIsMadeUpFor) {
  const std::uint64_t frames = lose({}).frames;
  EXPECT_GE(frames, 7u);
  RecordProperty("frames", static_cast<int>(frames));
  for (std::uint64_t i = 0; i < frames; ++i) lose({i});
}

TEST_P(Patterns, EveryDoubleLossIsMadeUpFor) {
  const std::uint64_t frames = lose({}).frames;
  for (std::uint64_t i = 0; i < frames && !HasFailure(); ++i) {
    // The loss of the first makes for more frames; the second may be one of those.
    const std::uint64_t all = lose({i}).frames;
    for (std::uint64_t j = i + 1; j < all; ++j) lose({i, j});
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
