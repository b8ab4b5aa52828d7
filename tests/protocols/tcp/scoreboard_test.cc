// What is in flight, octet by octet, against a model that keeps an entry for each octet.
#include "protocols/tcp/scoreboard.hh"

#include <algorithm>
#include <deque>

#include <gtest/gtest.h>

#include "protocols/base/random.hh"

namespace smol::tcp {
namespace {

Instant at(std::int64_t us) {
  return Instant{microseconds(us)};
}

/// One octet.
struct Octet {
  enum Fate : char { kInFlight, kSacked, kLost } fate = kInFlight;
  Instant sent_at;
  bool resent = false;
};

/// Both, side by side.
class Board {
 public:
  explicit Board(std::uint32_t una, std::uint32_t more = 4096)
      : pool_{1, more, *std::pmr::get_default_resource()}, una_{una}, nxt_{una} {}
  ~Board() { board_.clear(pool_); }

  SeqNumber una() const { return una_; }
  SeqNumber nxt() const { return nxt_; }
  std::uint32_t octets() const { return static_cast<std::uint32_t>(model_.size()); }
  Scoreboard& board() { return board_; }
  SentPool& pool() { return pool_; }

  void send(Instant now, std::uint32_t n) {
    board_.sent(pool_, now, nxt_, nxt_ + n, {});
    nxt_ += n;
    model_.insert(model_.end(), n, Octet{Octet::kInFlight, now, false});
  }
  /// What was told of as news must be what the model did not know yet.
  void ack(std::uint32_t n) {
    std::uint32_t told = 0;
    board_.acknowledged(pool_, una_ + n,
                        [&](const SentRun&, SeqNumber, std::uint32_t octets) { told += octets; });
    std::uint32_t expected = 0;
    for (std::uint32_t i = 0; i < n; ++i) {
      expected += model_.front().fate != Octet::kSacked ? 1 : 0;
      model_.pop_front();
    }
    una_ += n;
    EXPECT_EQ(told, expected);
  }
  void sack(std::uint32_t from, std::uint32_t to) {
    std::uint32_t budget = 10'000;
    std::uint32_t told = 0;
    board_.selectively_acknowledged(
        pool_, una_ + from, una_ + to, budget,
        [&](const SentRun&, SeqNumber, std::uint32_t octets) { told += octets; });
    std::uint32_t expected = 0;
    for (std::uint32_t i = from; i < to; ++i) {
      expected += model_[i].fate != Octet::kSacked ? 1 : 0;
      model_[i].fate = Octet::kSacked;
    }
    EXPECT_EQ(told, expected);
  }
  void lose_before(Instant when) {
    const std::uint32_t lost =
        board_.detect_lost(pool_, [&](const SentRun& run) { return run.sent_at < when; });
    std::uint32_t expected = 0;
    for (Octet& octet : model_) {
      if (octet.fate != Octet::kInFlight || octet.sent_at >= when) continue;
      octet.fate = Octet::kLost;
      ++expected;
    }
    EXPECT_EQ(lost, expected);
  }
  void lose_first(std::uint32_t n) {
    const std::uint32_t lost = board_.lose_first(pool_, n);
    // It takes the first run, or a part of it: octets sent together.
    for (std::uint32_t i = 0; i < lost; ++i) {
      EXPECT_EQ(model_[i].fate, Octet::kInFlight);
      model_[i].fate = Octet::kLost;
    }
  }
  void lose_range(std::uint32_t from, std::uint32_t to) {
    const std::uint32_t lost = board_.lose_range(pool_, una_ + from, una_ + to);
    std::uint32_t expected = 0;
    for (std::uint32_t i = from; i < to; ++i) {
      if (model_[i].fate != Octet::kInFlight) continue;
      model_[i].fate = Octet::kLost;
      ++expected;
    }
    EXPECT_EQ(lost, expected);
  }
  void resend(Instant now, std::uint32_t most) {
    if (board_.lost() == 0) return;
    const Scoreboard::Hole hole = board_.next_hole(pool_, most);
    const auto first = std::find_if(model_.begin(), model_.end(),
                                    [](const Octet& o) { return o.fate == Octet::kLost; });
    ASSERT_NE(first, model_.end());
    const auto begin = static_cast<std::uint32_t>(first - model_.begin());
    std::uint32_t end = begin;
    while (end < model_.size() && end - begin < most && model_[end].fate == Octet::kLost) ++end;
    EXPECT_EQ(hole.begin, una_ + begin);
    EXPECT_EQ(hole.end, una_ + end);
    board_.resent(pool_, now, hole.begin, hole.end, {});
    again(now, begin, end);
  }
  void resend_tail(Instant now, std::uint32_t n) {
    board_.resent(pool_, now, nxt_ - n, nxt_, {});
    again(now, octets() - n, octets());
  }
  void nothing_is_lost() {
    board_.nothing_is_lost(pool_);
    for (Octet& o : model_) o.fate = o.fate == Octet::kLost ? Octet::kInFlight : o.fate;
  }
  void nothing_is_sacked() {
    board_.nothing_is_sacked(pool_);
    for (Octet& o : model_) o.fate = o.fate == Octet::kSacked ? Octet::kInFlight : o.fate;
  }
  bool tail_in_flight(std::uint32_t n) const {
    return std::all_of(model_.end() - n, model_.end(),
                       [](const Octet& o) { return o.fate == Octet::kInFlight; });
  }

  void check() const {
    const auto count = [&](Octet::Fate fate) {
      return std::count_if(model_.begin(), model_.end(),
                           [&](const Octet& o) { return o.fate == fate; });
    };
    EXPECT_EQ(board_.in_flight(), count(Octet::kInFlight));
    EXPECT_EQ(board_.sacked(), count(Octet::kSacked));
    EXPECT_EQ(board_.lost(), count(Octet::kLost));
    EXPECT_EQ(board_.empty(), model_.empty());
    EXPECT_EQ(board_.runs(), pool_.size());
  }

 private:
  void again(Instant now, std::uint32_t begin, std::uint32_t end) {
    for (std::uint32_t i = begin; i < end; ++i) model_[i] = {Octet::kInFlight, now, true};
  }

  SentPool pool_;
  Scoreboard board_;
  SeqNumber una_;
  SeqNumber nxt_;
  std::deque<Octet> model_;
};

// TCP-217, TCP-177: whatever happens in whatever order, over the wrap of numbers.
TEST(Scoreboard, KnowsTheFateOfEachOctet) {
  for (std::uint32_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng{seed};
    Board board{seed % 3 == 0 ? 0xffff'ff00u : seed % 3 == 1 ? 0x7fff'ff00u : 1000u};
    std::int64_t now = 1;
    for (int step = 0; step < 400 && !testing::Test::HasFailure(); ++step) {
      if (rng.below(3) != 0) ++now;
      switch (rng.below(11)) {
        case 0:
        case 1:
        case 2:
          if (board.octets() < 400) board.send(at(now), 1 + rng.below(40));
          break;
        case 3:
          if (board.octets() > 0) board.ack(1 + rng.below(board.octets()) / 4);
          break;
        case 4:
        case 5: {
          if (board.octets() < 2) break;
          const std::uint32_t from = 1 + rng.below(board.octets() - 1);
          board.sack(from, from + 1 + rng.below(board.octets() - from));
          break;
        }
        case 6:
          board.lose_before(at(now - rng.below(20)));
          break;
        case 7:
          board.lose_first(1 + rng.below(30));
          break;
        case 8:
          board.resend(at(now), 1 + rng.below(50));
          break;
        case 9: {
          if (board.octets() < 2) break;
          const std::uint32_t from = rng.below(board.octets() - 1);
          board.lose_range(from, from + 1 + rng.below(board.octets() - from));
          break;
        }
        default:
          if (rng.below(4) == 0) board.nothing_is_lost();
          if (rng.below(8) == 0) {
            // When each of those went is forgotten: what the peer threw away goes again anyhow.
            board.nothing_is_sacked();
            board.check();
            board.lose_before(at(now + 1));
            board.resend(at(now), 1'000'000);
            board.check();
            board.ack(board.octets());
          }
          if (const std::uint32_t n = 1 + rng.below(10);
              board.octets() >= n && board.tail_in_flight(n)) {
            board.resend_tail(at(now), n);
          }
          break;
      }
      board.check();
    }
    if (board.octets() > 0) board.ack(board.octets());
    board.check();
  }
}

// What goes in one turn is one run, and so is what was SACKed: a window of loss is as long as its
// holes.
TEST(Scoreboard, IsAsLongAsThereAreHoles) {
  Board board{1};
  for (int turn = 0; turn < 100; ++turn) {
    for (int i = 0; i < 10; ++i) board.send(at(turn), 10);
  }
  EXPECT_EQ(board.board().runs(), 100u);
  board.sack(100, 5000);
  board.sack(5010, 10'000);
  EXPECT_EQ(board.board().runs(), 4u) << "a run, SACKed, a hole, SACKed";
  board.check();
}

// TCP-215, TRAP-20: a peer that SACKs every other octet costs neither runs nor steps without bound.
TEST(Scoreboard, IsBoundedWhateverThePeerSacks) {
  Board board{1, 1'000'000};
  for (int i = 0; i < 1000; ++i) board.send(at(i), 60);
  std::uint32_t budget = 1 << 30;
  const auto ignore = [](const SentRun&, SeqNumber, std::uint32_t) {};
  for (std::uint32_t i = 1; i + 1 < 60'000; i += 2) {
    board.board().selectively_acknowledged(board.pool(), board.una() + i, board.una() + i + 1,
                                           budget, ignore);
  }
  EXPECT_LE(board.board().runs(), Scoreboard::kMostRuns);
  EXPECT_EQ(board.board().in_flight() + board.board().sacked(), 60'000u);
  budget = 100;
  board.board().selectively_acknowledged(board.pool(), board.una() + 1, board.una() + 2, budget,
                                         ignore);
  EXPECT_EQ(budget, 0u) << "far from where the last block was, it gives up";
}

// Others have used up what is shared: one run is enough to get through.
TEST(Scoreboard, OneRunIsEnough) {
  SentPool pool{2, 0, *std::pmr::get_default_resource()};
  Scoreboard a;
  Scoreboard b;
  const auto ignore = [](const SentRun&, SeqNumber, std::uint32_t) {};
  for (std::uint32_t i = 0; i < 10; ++i) {
    a.sent(pool, at(i), SeqNumber{i * 100}, SeqNumber{i * 100 + 100}, {});
    b.sent(pool, at(i), SeqNumber{i * 100}, SeqNumber{i * 100 + 100}, {});
  }
  EXPECT_EQ(a.runs() + b.runs(), 2u);
  EXPECT_EQ(a.in_flight(), 1000u);
  std::uint32_t budget = 100;
  a.selectively_acknowledged(pool, SeqNumber{300}, SeqNumber{400}, budget, ignore);
  EXPECT_EQ(a.sacked(), 0u) << "may be sent again, never the other way round";
  EXPECT_EQ(a.lose_first(pool, 100), 1000u);
  a.resent(pool, at(20), SeqNumber{0}, SeqNumber{100}, {});
  EXPECT_EQ(a.in_flight(), 1000u);
  a.acknowledged(pool, SeqNumber{1000}, ignore);
  EXPECT_TRUE(a.empty());
  EXPECT_EQ(pool.size(), 1u);
  b.clear(pool);
  EXPECT_EQ(pool.size(), 0u);
}

// What a run remembers is of when it went: text sent with it at once makes it longer, text of
// another moment, another state of delivery, or not right behind it, does not.
TEST(Scoreboard, ARunIsWhatWentAtOnce) {
  SentPool pool{1, 100, *std::pmr::get_default_resource()};
  Scoreboard board;
  const Delivery first{.delivered = 10, .delivered_at = at(1), .first_sent_at = at(2)};
  Delivery later = first;
  later.delivered = 20;
  Delivery limited = later;
  limited.app_limited = true;
  board.sent(pool, at(5), SeqNumber{0}, SeqNumber{100}, first);
  EXPECT_EQ(board.last(pool).tx_in_flight, 100u);
  board.sent(pool, at(5), SeqNumber{100}, SeqNumber{200}, first);
  EXPECT_EQ(board.runs(), 1u);
  EXPECT_EQ(board.last(pool).tx_in_flight, 200u);
  EXPECT_EQ(board.last(pool).delivery.first_sent_at, at(2));
  board.sent(pool, at(5), SeqNumber{200}, SeqNumber{300}, later);
  EXPECT_EQ(board.runs(), 2u);
  board.sent(pool, at(5), SeqNumber{300}, SeqNumber{400}, limited);
  EXPECT_EQ(board.runs(), 3u);
  board.sent(pool, at(6), SeqNumber{400}, SeqNumber{500}, limited);
  EXPECT_EQ(board.runs(), 4u);
  EXPECT_EQ(board.last(pool).tx_in_flight, 500u);
  Delivery now = limited;
  now.delivered = 30;
  board.resent(pool, at(7), SeqNumber{450}, SeqNumber{500}, now);
  EXPECT_EQ(board.last(pool).delivery.delivered, 30u);
  EXPECT_EQ(board.last(pool).tx_in_flight, 500u);
  EXPECT_TRUE(board.last(pool).resent);
  EXPECT_FALSE(board.last(pool).resent_often);
  board.resent(pool, at(8), SeqNumber{450}, SeqNumber{500}, now);
  EXPECT_TRUE(board.last(pool).resent_often);
  board.sent(pool, at(8), SeqNumber{500}, SeqNumber{600}, now);
  EXPECT_FALSE(board.last(pool).resent) << "new text is no retransmission";
  board.clear(pool);
  EXPECT_EQ(board.in_flight() + board.lost() + board.sacked(), 0u);
  EXPECT_EQ(pool.size(), 0u);
}

// Without room for a run, text shares the fate of what went before it: of the later moment, and in
// flight, whatever was thought of it.
TEST(Scoreboard, WithoutRoomTextJoinsWhatWentBeforeIt) {
  for (const bool lost : {false, true}) {
    SentPool pool{1, 0, *std::pmr::get_default_resource()};
    Scoreboard board;
    board.sent(pool, at(1), SeqNumber{0}, SeqNumber{100}, {});
    if (lost) {
      EXPECT_EQ(board.lose_all(pool), 100u);
    }
    Delivery now;
    now.delivered = 7;
    board.sent(pool, at(9), SeqNumber{100}, SeqNumber{200}, now);
    EXPECT_EQ(board.lost(), 0u);
    EXPECT_EQ(board.in_flight(), 200u);
    EXPECT_EQ(board.last(pool).sent_at, at(9));
    EXPECT_EQ(board.last(pool).delivery.delivered, 7u);
    EXPECT_EQ(board.last(pool).tx_in_flight, 200u);
    EXPECT_EQ(board.detect_lost(pool, [](const SentRun& run) { return run.sent_at < at(9); }), 0u);
    EXPECT_EQ(board.lose_all(pool), 200u);
    board.clear(pool);
  }
}

// RACK goes by time: what was brought back into flight takes its old place.
TEST(Scoreboard, TimeOrderSurvivesAnUndo) {
  Board board{1};
  for (int i = 0; i < 8; ++i) board.send(at(10 * i), 100);
  board.lose_before(at(35));   // the first four
  board.resend(at(100), 100);  // one of them again
  board.nothing_is_lost();
  board.lose_before(at(55));  // the three, and the next two
  board.check();
  EXPECT_EQ(board.board().lost(), 500u);
}

}  // namespace
}  // namespace smol::tcp
