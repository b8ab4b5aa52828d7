#include "dataplane/logger.hh"

#include <cstdio>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "dataplane/wall_clock.hh"

namespace smol::dataplane {
namespace {

class LoggerTest : public ::testing::Test {
 protected:
  std::FILE* out_ = std::tmpfile();

  void TearDown() override { std::fclose(out_); }
  std::string printed() {
    std::string text(4 << 20, '\0');
    std::rewind(out_);
    text.resize(std::fread(text.data(), 1, text.size(), out_));
    return text;
  }
  /// Without the time.
  std::string line() {
    const std::string text = printed();
    return text.substr(text.find(' ') + 1);
  }
};

TEST_F(LoggerTest, LineIsKeysAndValues) {
  { Logger{LogLevel::kInfo, out_}.write(LogLevel::kWarning, "port", "smol0: down"); }
  EXPECT_EQ(line(), "level=warning component=port msg=\"smol0: down\"\n");
  EXPECT_EQ(printed().substr(0, 5), "ts=20");
  EXPECT_EQ(printed()[printed().find(' ') - 1], 'Z');
}

TEST_F(LoggerTest, LevelBelowIsNotPrinted) {
  {
    Logger log{LogLevel::kInfo, out_};
    EXPECT_FALSE(log.wants(LogLevel::kDebug));
    EXPECT_TRUE(log.wants(LogLevel::kInfo));
    log.write(LogLevel::kDebug, "x", "no");
    RingLog& ring = log.add_ring();
    EXPECT_FALSE(ring.wants(LogLevel::kDebug));
    ring.write(LogLevel::kDebug, "x", "no");
  }
  EXPECT_EQ(printed(), "");
}

TEST_F(LoggerTest, TextOfAPeerCannotMakeALineOfItsOwn) {
  {
    Logger log{LogLevel::kInfo, out_};
    log.write(LogLevel::kInfo, "http", "a\"b\\c\nts=0 level=error\x1b[2J\r");
  }
  EXPECT_EQ(line(),
            "level=info component=http msg=\"a\\\"b\\\\c\\nts=0 level=error\\x1b[2J\\x0d\"\n");
}

TEST_F(LoggerTest, WorkersMessagesArePrintedWithTheTimeOfTheTurn) {
  {
    Logger log{LogLevel::kInfo, out_};
    RingLog& ring = log.add_ring();
    ring.set_time(monotonic_now() - seconds(86'400 * 365));
    ring.write(LogLevel::kInfo, "http", "one");
    ring.write(LogLevel::kError, "http", "two");
  }
  const std::string text = printed();
  EXPECT_NE(text.find("level=info component=http msg=\"one\"\n"), std::string::npos) << text;
  EXPECT_NE(text.find("level=error component=http msg=\"two\"\n"), std::string::npos) << text;
  EXPECT_LT(text.find("one"), text.find("two"));
  const std::time_t now = std::time(nullptr);
  const std::time_t year = now - 86'400 * 365;
  char expected[16];
  std::strftime(expected, sizeof expected, "ts=%Y-", std::gmtime(&year));
  EXPECT_EQ(text.substr(0, 8), expected);
}

TEST_F(LoggerTest, WorkersMessagesArePrintedWhileItRuns) {
  Logger log{LogLevel::kInfo, out_};
  // Its thread waits for the first ring by now; if not, the test shows less, but is no less right.
  std::this_thread::sleep_for(std::chrono::milliseconds{50});
  RingLog& ring = log.add_ring();
  ring.set_time(monotonic_now());
  ring.write(LogLevel::kInfo, "http", "hello");
  for (int i = 0; i < 500 && std::ftell(out_) <= 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
  }
  EXPECT_GT(std::ftell(out_), 0);
}

TEST_F(LoggerTest, LongTextIsCut) {
  {
    Logger log{LogLevel::kInfo, out_};
    RingLog& ring = log.add_ring();
    ring.set_time(monotonic_now());
    ring.write(LogLevel::kInfo, "x", std::string(10'000, 'a'));
  }
  EXPECT_EQ(line().size(), std::string{"level=info component=x msg=\"\"\n"}.size() + 4000);
}

TEST_F(LoggerTest, FullRingLosesMessagesAndTheEndSaysHowMany) {
  {
    Logger log{LogLevel::kInfo, out_};
    RingLog& ring = log.add_ring();
    ring.set_time(monotonic_now());
    const std::string text(4000, 'a');
    while (ring.lost() < 5) ring.write(LogLevel::kInfo, "x", text);
  }
  const std::string text = printed();
  EXPECT_NE(text.find("component=log msg=\"5 messages were lost: they came faster"),
            std::string::npos)
      << text.substr(text.size() - 300);
}

TEST_F(LoggerTest, ManyThreadsMayWrite) {
  {
    Logger log{LogLevel::kInfo, out_};
    RingLog& ring = log.add_ring();
    std::thread worker{[&] {
      for (int i = 0; i < 1000; ++i) {
        ring.set_time(monotonic_now());
        ring.write(LogLevel::kInfo, "worker", "w");
      }
    }};
    for (int i = 0; i < 1000; ++i) log.write(LogLevel::kInfo, "main", "m");
    worker.join();
  }
  const std::string text = printed();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2000);
}

}  // namespace
}  // namespace smol::dataplane
