// Sources, filters and outputs together, over files in memory-backed temporary folders.
#include "tools/dump/session.hh"

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/tools/dump/frames.hh"
#include "tools/dump/file_source.hh"
#include "tools/dump/filter.hh"

namespace smol::dump {
namespace {
namespace fs = std::filesystem;

using testing::HasSubstr;

/// A live source that has packets to give after it was interrupted, and loses some.
struct ScriptedSource final : PacketSource {
  int datalink() const override { return 1; }
  std::uint32_t snap_length() const override { return kLongestPacket; }
  std::string description() const override { return "a script"; }
  bool knows_direction() const override { return true; }
  bool filters() const override { return true; }
  bool drains() const override { return true; }
  Result<std::optional<SourcePacket>, Failure> next() override {
    if (interrupted ? under_way-- == 0 : first-- == 0) {
      if (std::exchange(interrupted, true)) return std::optional<SourcePacket>{};
      on_last();
      return next();
    }
    SourcePacket packet;
    packet.captured = captured(frame);
    return std::optional{packet};
  }
  void interrupt() noexcept override { interrupted = true; }
  void finish() override { finished = true; }
  std::optional<CaptureCounts> counts() const override { return lost; }

  Frame frame = udp(1, 2, text("x"));
  int first = 2;
  int under_way = 3;
  CaptureCounts lost{12, 4, 3};
  std::function<void()> on_last = [] {};
  bool interrupted = false;
  bool finished = false;
};

class SessionTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_NE(mkdtemp(folder_), nullptr); }
  void TearDown() override { fs::remove_all(folder_); }

  std::string path(const std::string& name) const { return std::string{folder_} + "/" + name; }

  /// Two datagrams and a segment: in on queue 1, out, and dropped.
  std::string write_sample(const std::string& name, FileForm form) {
    auto writer = CaptureWriter::create(path(name), form, 1, 262144, "");
    EXPECT_TRUE(writer);
    const Frame frames[] = {udp(1, 2, text("in")), udp(3, 4, text("out")),
                            tcp({.seq = 5, .flags = 0x02})};
    UnixNs when = 1'000'000'000'123'456'789;
    for (std::size_t i = 0; i < 3; ++i) {
      SourcePacket packet;
      packet.captured = captured(frames[i], when);
      packet.meta.interface = i == 1 ? "port1" : "port0";
      packet.meta.direction = i == 1 ? pcap::Direction::kOutbound : pcap::Direction::kInbound;
      if (i == 0) packet.meta.queue = 1;
      if (i == 2) {
        packet.meta.verdict = "drop";
        packet.meta.reason = "tcp_bad_checksum";
        packet.meta.worker = 2;
      }
      EXPECT_TRUE((*writer)->write(packet));
      when += 1'000;
    }
    EXPECT_TRUE((*writer)->close());
    return path(name);
  }

  /// What a run prints; `failure` holds what ended it early.
  std::string run(const Options& options, const std::string& file) {
    auto source = open_file(file);
    EXPECT_TRUE(source) << (source ? "" : source.error().text);
    return source ? run(options, **source) : std::string{};
  }
  std::string run(Options options, PacketSource& source) {
    options.print.numbers_only = true;
    options.print.time = TimeForm::kNone;
    const std::string out_path = path("out");
    std::FILE* out = std::fopen(out_path.c_str(), "w+");
    Session session{options, out};
    if (auto* live = dynamic_cast<ScriptedSource*>(&source)) {
      live->on_last = [&session] { session.stop(); };
    }
    const auto result = session.run(source);
    failure = result ? std::optional<Failure>{} : result.error();
    std::fclose(out);
    std::ifstream in{out_path};
    return {std::istreambuf_iterator<char>{in}, {}};
  }

  std::optional<Failure> failure;

 private:
  char folder_[32] = "/tmp/smoldump-test-XXXXXX";
};

TEST_F(SessionTest, PrintsWhatTheFilterLetsThrough) {
  const std::string file = write_sample("a.pcapng", FileForm::kPcapng);
  Options options;
  options.filter = "udp port 3";
  EXPECT_EQ(run(options, file), "IP 192.0.2.1.3 > 192.0.2.2.4: UDP, length 3\n");
  EXPECT_FALSE(failure);
}

TEST_F(SessionTest, SaysWhatIsKnownOfEachPacket) {
  const std::string file = write_sample("a.pcapng", FileForm::kPcapng);
  Options options;
  options.meta = true;
  EXPECT_EQ(run(options, file),
            "[port0 q1 in] IP 192.0.2.1.1 > 192.0.2.2.2: UDP, length 2\n"
            "[port1 out] IP 192.0.2.1.3 > 192.0.2.2.4: UDP, length 3\n"
            "[w2 port0 in drop:tcp_bad_checksum] IP 192.0.2.1.50000 > 192.0.2.2.80: Flags [S], "
            "seq 5, win 502, length 0\n");
}

TEST_F(SessionTest, TakesOneDirectionAlone) {
  const std::string file = write_sample("a.pcapng", FileForm::kPcapng);
  Options options;
  options.direction = pcap::Direction::kOutbound;
  EXPECT_EQ(run(options, file), "IP 192.0.2.1.3 > 192.0.2.2.4: UDP, length 3\n");
  EXPECT_FALSE(failure);
}

TEST_F(SessionTest, RefusesADirectionWhereTheFileHasNone) {
  const std::string file = write_sample("a.pcap", FileForm::kPcap);
  Options options;
  options.direction = pcap::Direction::kInbound;
  EXPECT_EQ(run(options, file), "");
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->status, client::ExitStatus::kFailed);
  EXPECT_THAT(failure->text, HasSubstr("-Q: no packet here says"));
}

TEST_F(SessionTest, CountsAndStopsWhereItIsTold) {
  const std::string file = write_sample("a.pcap", FileForm::kPcap);
  Options options;
  options.count_only = true;
  EXPECT_EQ(run(options, file), "3 packets\n");
  options.packets = 1;
  EXPECT_EQ(run(options, file), "1 packet\n");
}

TEST_F(SessionTest, WritesAndReadsBackEverything) {
  const std::string file = write_sample("a.pcapng", FileForm::kPcapng);
  Options options;
  options.write_file = path("b.pcapng");
  options.filter = "tcp";
  EXPECT_EQ(run(options, file), "");
  Options shown;
  shown.meta = true;
  EXPECT_THAT(run(shown, path("b.pcapng")), HasSubstr("[w2 port0 in drop:tcp_bad_checksum] IP"));
}

TEST_F(SessionTest, ChoosesTheFormOfAFileByItsName) {
  const std::string file = write_sample("a.pcapng", FileForm::kPcapng);
  const auto first_octet = [&](const std::string& name, std::optional<FileForm> form) {
    Options options;
    options.write_file = path(name);
    options.write_form = form;
    run(options, file);
    std::ifstream in{path(name), std::ios::binary};
    return in.get();
  };
  EXPECT_EQ(first_octet("x.pcap", std::nullopt), 0x4d);
  EXPECT_EQ(first_octet("x.pcapng", std::nullopt), 0x0a);
  EXPECT_EQ(first_octet("x.bin", std::nullopt), 0x0a);
  EXPECT_EQ(first_octet("x.pcapng", FileForm::kPcap), 0x4d);
}

TEST_F(SessionTest, KeepsTheFrontOfPacketsAloneInAFile) {
  const std::string file = write_sample("a.pcap", FileForm::kPcap);
  Options options;
  options.write_file = path("b.pcap");
  options.snap_length = 30;
  run(options, file);
  EXPECT_THAT(run({}, path("b.pcap")), HasSubstr("[|ip]"));
}

TEST_F(SessionTest, AFileWithoutPacketsIsReadable) {
  const std::string file = write_sample("a.pcapng", FileForm::kPcapng);
  Options options;
  options.write_file = path("none.pcapng");
  options.filter = "icmp";
  run(options, file);
  EXPECT_EQ(run({}, path("none.pcapng")), "");
  EXPECT_FALSE(failure);
}

TEST_F(SessionTest, PrintsJsonLines) {
  const std::string file = write_sample("a.pcapng", FileForm::kPcapng);
  Options options;
  options.json = true;
  options.filter = "port 1";
  EXPECT_THAT(run(options, file), HasSubstr(R"("if":"port0","queue":1,"dir":"in","len":44)"));
}

TEST_F(SessionTest, AWrongFilterGetsLibpcapsOwnWords) {
  const std::string file = write_sample("a.pcap", FileForm::kPcap);
  Options options;
  options.filter = "tcp prot 80";
  EXPECT_EQ(run(options, file), "");
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->status, client::ExitStatus::kFailed);
  EXPECT_EQ(failure->text, "can't parse filter expression: syntax error");
}

TEST_F(SessionTest, SaysThatTheOutputIsFull) {
  const std::string file = write_sample("a.pcap", FileForm::kPcap);
  Options options;
  options.write_file = "/dev/full";
  run(options, file);
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->status, client::ExitStatus::kCannotWrite);
  EXPECT_THAT(failure->text, HasSubstr("cannot write to /dev/full: No space left on device"));
}

TEST_F(SessionTest, PrintsNothingOfALinkTypeThatItDoesNotKnow) {
  {
    std::ofstream out{path("ppp.pcap"), std::ios::binary};
    const Frame header = octets(
        {0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 9, 0, 0, 0});
    for (const std::uint8_t octet : header) out.put(static_cast<char>(octet));
  }
  EXPECT_EQ(run({}, path("ppp.pcap")), "");
  ASSERT_TRUE(failure);
  EXPECT_THAT(failure->text, HasSubstr("packets of link-type PPP cannot be printed"));
}

TEST_F(SessionTest, WhatWasUnderWayWhenALiveCaptureIsStoppedIsStillShown) {
  ScriptedSource source;
  Options options;
  options.filter = "udp port 99";  // was applied elsewhere
  testing::internal::CaptureStderr();
  const std::string out = run(options, source);
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 5);
  EXPECT_TRUE(source.finished);
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "~~ 7 packets not captured; until now: rings 4, stream 3 ~~\n"
            "5 packets captured\n12 packets received by filter\n"
            "7 packets dropped by capture (rings 4, stream 3)\n");
  EXPECT_FALSE(failure);
}

TEST_F(SessionTest, LossIsAnObjectInJsonAndAStatusIfOneLikes) {
  ScriptedSource source;
  Options options;
  options.json = true;
  options.packets = 1;
  options.fail_on_loss = true;
  const std::string out = run(options, source);
  EXPECT_THAT(out, testing::StartsWith("{\"lost\":{\"more\":7,\"ring\":4,\"stream\":3}}\n"));
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->status, client::ExitStatus::kPacketsLost);
  EXPECT_EQ(failure->text, "");
}

TEST_F(SessionTest, APcapngFileTellsWhatItLacks) {
  ScriptedSource source;
  Options options;
  options.write_file = path("lossy.pcapng");
  testing::internal::CaptureStderr();
  run(options, source);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("~~ 7 packets not captured"));
  std::ifstream in{options.write_file, std::ios::binary};
  const std::string octets{std::istreambuf_iterator<char>{in}, {}};
  // An interface statistics block: its type, then isb_osdrop (7) and its 8 octets.
  const std::size_t block = octets.find(std::string{"\x05\0\0\0", 4});
  ASSERT_NE(block, std::string::npos);
  EXPECT_NE(octets.find(std::string{"\x07\0\x08\0\x07\0\0\0\0\0\0\0", 12}, block),
            std::string::npos);
}

TEST_F(SessionTest, NamesTheFileThatCannotBeRead) {
  EXPECT_EQ(open_file("/nonexistent").error().text, "/nonexistent: No such file or directory");
  std::ofstream{path("text")} << "this is no capture file, by any means";
  EXPECT_THAT(open_file(path("text")).error().text, HasSubstr("unknown file format"));
}

TEST(Filter, RefusesWhatOnlyLinuxCouldAnswer) {
  for (const char* expression : {"inbound", "tcp and outbound"}) {
    const auto filter = Filter::compile(expression, 1, 262144);
    ASSERT_FALSE(filter) << expression;
    EXPECT_EQ(filter.error(), "inbound and outbound are of Linux's own captures: -Q in, -Q out");
  }
}

TEST(Filter, MatchesTheOctetsThatWereCaptured) {
  const auto filter = Filter::compile("udp port 2", 1, 262144);
  ASSERT_TRUE(filter);
  EXPECT_TRUE(filter->matches(captured(udp(1, 2, {}))));
  EXPECT_FALSE(filter->matches(captured(udp(1, 3, {}))));
}

}  // namespace
}  // namespace smol::dump
