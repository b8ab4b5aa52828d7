// The daemon's own captures: a file and the log.

#include "dataplane/capture_writer.hh"

#include <algorithm>
#include <cstdio>
#include <thread>

#include "dataplane/wall_clock.hh"
#include "tests/dataplane/capture_fixture.hh"
#include "tests/dataplane/pcap_reader.hh"

namespace smol::dataplane {
namespace {

class CaptureWriterTest : public testing::CaptureFixture {
 protected:
  std::FILE* printed_ = std::tmpfile();
  CaptureHub hub_{{.ring_octets = 1 << 20, .max_sessions = 8, .own_thread = true}};
  CaptureTap& tap_ = hub_.add_tap();

  void TearDown() override {
    std::fclose(printed_);
    CaptureFixture::TearDown();
  }
  std::string printed() {
    std::string out(1 << 16, '\0');
    std::rewind(printed_);
    out.resize(std::fread(out.data(), 1, out.size(), printed_));
    return out;
  }
};

TEST_F(CaptureWriterTest, WithoutFileAndWithoutDebugNothingIsCaptured) {
  Logger log{LogLevel::kInfo, printed_};
  auto writer = CaptureWriter::create({}, {"smol0"}, log).value();
  writer->start(hub_);
  EXPECT_FALSE(tap_.active());
}

TEST_F(CaptureWriterTest, WritesWhatWasPublishedBeforeItEnds) {
  const std::string path = folder_ / "x.pcap";
  {
    Logger log{LogLevel::kInfo, printed_};
    auto writer = CaptureWriter::create({.file = path}, {"smol0"}, log).value();
    writer->start(hub_);
    for (int i = 0; i < 1000; ++i) {
      auto packets = burst({static_cast<std::uint8_t>(i)});
      tap_.settle(show(tap_, monotonic_now(), Direction::kRx, packets));
    }
  }
  const auto packets = testing::read_pcap(path);
  ASSERT_EQ(packets.size(), 1000u);
  EXPECT_NEAR(static_cast<double>(packets[0].unix_ns) * 1e-9,
              static_cast<double>(std::time(nullptr)), 5);
  EXPECT_TRUE(std::is_sorted(packets.begin(), packets.end(),
                             [](const auto& a, const auto& b) { return a.unix_ns < b.unix_ns; }));
}

TEST_F(CaptureWriterTest, FlushPutsItIntoTheFileAtOnce) {
  const std::string path = folder_ / "x.pcap";
  Logger log{LogLevel::kInfo, printed_};
  auto writer = CaptureWriter::create({.file = path}, {"smol0"}, log).value();
  writer->start(hub_);
  auto packets = burst({1, 2, 3});
  tap_.settle(show(tap_, monotonic_now(), Direction::kRx, packets));
  writer->flush(std::chrono::seconds{10});
  EXPECT_EQ(testing::read_pcap(path).size(), 3u);
}

TEST_F(CaptureWriterTest, LossIsReportedAtTheEnd) {
  CaptureHub hub{{.ring_octets = 1 << 16, .max_sessions = 8, .own_thread = false}};
  CaptureTap& tap = hub.add_tap();
  {
    Logger log{LogLevel::kInfo, printed_};
    auto writer = CaptureWriter::create({.file = folder_ / "x.pcap"}, {"smol0"}, log).value();
    writer->start(hub);
    for (int i = 0; i < 1000; ++i) receive(tap, monotonic_now(), 1, 2000);  // nobody reads yet
    std::thread reader{[&] {
      while (!hub.sessions().empty()) std::this_thread::yield();
      hub.flush({});
    }};
    writer.reset();
    reader.join();
  }
  EXPECT_NE(printed().find("of 1000 packets were lost: they came faster than they could be "
                           "written; raise capture.ring or"),
            std::string::npos)
      << printed();
}

TEST_F(CaptureWriterTest, DebugPrintsDroppedPacketsAlone) {
  {
    Logger log{LogLevel::kDebug, printed_};
    auto writer = CaptureWriter::create({}, {"smol0"}, log).value();
    writer->start(hub_);
    auto packets = burst({1, 2});
    const std::size_t mark = show(tap_, monotonic_now(), Direction::kRx, packets);
    tap_.on_drop(monotonic_now(), 0, 0, Direction::kRx, packets[1], Drop::kEthUnknownType);
    tap_.settle(mark);
  }
  const std::string text = printed();
  EXPECT_NE(text.find("level=debug component=smol0 msg=\"<- EthernetII src=02:02:02:02:02:02"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("drop: eth_unknown_type: Ethertype that no protocol here takes."),
            std::string::npos)
      << text;
  EXPECT_EQ(text.find("src=01:01:01:01:01:01"), std::string::npos) << text;
}

TEST_F(CaptureWriterTest, TracePrintsEveryPacketWithItsDirection) {
  {
    Logger log{LogLevel::kTrace, printed_};
    auto writer = CaptureWriter::create({}, {"smol0"}, log).value();
    writer->start(hub_);
    auto in = burst({4});
    tap_.settle(show(tap_, monotonic_now(), Direction::kRx, in));
    auto out = burst({2});
    tap_.settle(show(tap_, monotonic_now(), Direction::kTx, out));
  }
  const std::string text = printed();
  EXPECT_NE(text.find("level=trace component=smol0 msg=\"<- EthernetII src=04:"), std::string::npos)
      << text;
  EXPECT_NE(text.find("level=trace component=smol0 msg=\"-> EthernetII src=02:"), std::string::npos)
      << text;
}

TEST_F(CaptureWriterTest, FileThatCannotBeWrittenEndsTheCaptureNotTheDaemon) {
  {
    Logger log{LogLevel::kInfo, printed_};
    auto made = CaptureWriter::create({.file = "/dev/full"}, {"smol0"}, log);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().message,
              "capture file /dev/full: cannot write: No space left on device");
  }
}

}  // namespace
}  // namespace smol::dataplane
