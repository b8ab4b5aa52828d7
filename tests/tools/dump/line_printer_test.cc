// What only many lines show, and the lines of the reference's sample. The rest of the forms are
// compared with tcpdump itself: tests/interop/test_golden.py.
#include "tools/dump/line_printer.hh"

#include <cstdlib>
#include <ctime>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/tools/dump/frames.hh"

namespace smol::dump {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

constexpr UnixNs kSecond = 1'000'000'000;

PrintOptions untimed() {
  PrintOptions options;
  options.numbers_only = true;
  options.time = TimeForm::kNone;
  return options;
}

std::string line(const Frame& frame, const PrintOptions& options = untimed()) {
  return LinePrinter{options}.line(captured(frame));
}

struct Sample {
  const char* sentence;
  Frame frame;
  const char* expected;
};

TEST(LinePrinter, PrintsTheSamplesOfTheReference) {
  const Frame request = octets(
      {0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 192, 0, 2, 2});
  const Frame echo = octets({8, 0, 0xf7, 0xb1, 0, 77, 0, 1}) + Frame(56);
  const Frame question = octets({0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 7}) + text("example") +
                         octets({3}) + text("com") + octets({0, 0, 1, 0, 1});
  const Sample samples[] = {
      {"an ARP request", ethernet(0x0806, request),
       "ARP, Request who-has 192.0.2.2 tell 192.0.2.1, length 28"},
      {"an echo request", ip4(1, echo),
       "IP 192.0.2.1 > 192.0.2.2: ICMP echo request, id 77, seq 1, length 64"},
      {"a datagram", udp(5000, 6000, text("hello")),
       "IP 192.0.2.1.5000 > 192.0.2.2.6000: UDP, length 5"},
      {"a DNS query", udp(45353, 53, question),
       "IP 192.0.2.1.45353 > 192.0.2.2.53: 4660+ A? example.com. (29)"},
      {"an HTTP request",
       tcp({.seq = 1, .ack = 2, .flags = 0x18, .payload = text("GET / HTTP/1.1\r\n")}),
       "IP 192.0.2.1.50000 > 192.0.2.2.80: Flags [P.], seq 1:17, ack 2, win 502, length 16: "
       "HTTP: GET / HTTP/1.1"},
      {"half a TCP header", ip4(6, Frame(10)), "IP 192.0.2.1.0 > 192.0.2.2.0:  [|tcp]"},
  };
  for (const Sample& sample : samples) {
    EXPECT_EQ(line(sample.frame), sample.expected) << sample.sentence;
  }
}

TEST(LinePrinter, CountsSequenceNumbersFromTheConnectionsBeginning) {
  LinePrinter printer{untimed()};
  printer.line(captured(tcp({.seq = 1000, .flags = 0x02})));
  EXPECT_THAT(printer.line(captured(tcp({.source = 80,
                                         .destination = 50000,
                                         .seq = 5000,
                                         .ack = 1001,
                                         .flags = 0x12,
                                         .away = false}))),
              HasSubstr("Flags [S.], seq 5000, ack 1001"));
  EXPECT_THAT(printer.line(captured(tcp({.seq = 1001, .ack = 5001, .payload = text("abc")}))),
              HasSubstr("seq 1:4, ack 1"));
}

TEST(LinePrinter, PrintsSequenceNumbersAsTheyAreWhenAsked) {
  PrintOptions options = untimed();
  options.absolute_numbers = true;
  LinePrinter printer{options};
  printer.line(captured(tcp({.seq = 1000, .ack = 1})));
  EXPECT_THAT(printer.line(captured(tcp({.seq = 1001, .ack = 5001, .payload = text("abc")}))),
              HasSubstr("seq 1001:1004, ack 5001"));
}

TEST(LinePrinter, EndsALineThatWasCutWithTheProtocol) {
  const Frame whole = tcp({.seq = 1, .ack = 1});
  for (std::size_t kept = 0; kept < whole.size(); ++kept) {
    const Captured cut{0, static_cast<std::uint32_t>(whole.size()), Bytes{whole}.first(kept),
                       Link::kEthernet};
    const std::string text = LinePrinter{untimed()}.line(cut);
    if (kept == 0) {
      EXPECT_EQ(text, "[Invalid header: caplen==0]");
    } else {
      EXPECT_THAT(text, HasSubstr("[|")) << kept;
    }
  }
}

TEST(LinePrinter, RefusesARecordThatSaysWhatCannotBe) {
  const Frame frame(60);
  EXPECT_EQ(LinePrinter{untimed()}.line({0, 0, frame, Link::kEthernet}),
            "[Invalid header: len==0]");
  EXPECT_EQ(LinePrinter{untimed()}.line({0, 10, frame, Link::kEthernet}),
            "[Invalid header: len(10) < caplen(60)]");
  EXPECT_EQ(LinePrinter{untimed()}.line({0, 262145, frame, Link::kEthernet}),
            "[Invalid header: len(262145) > 262144]");
}

TEST(LinePrinter, GoesNoDeeperIntoPacketsInPacketsThanAnHonestOneIs) {
  Frame nested = octets({0x45, 0, 0, 20, 0, 0, 0, 0, 64, 59, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2});
  for (int i = 0; i < 1000; ++i) {
    Frame outer = octets({0x45, 0, 0, 0, 0, 0, 0, 0, 64, 4, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2});
    put_be16(outer, 2, static_cast<std::uint16_t>(20 + nested.size()));
    nested = outer + nested;
  }
  EXPECT_THAT(line(ethernet(0x0800, nested)), EndsWith(" [nested too deep]"));
}

TEST(LinePrinter, PutsMetadataBehindTheTime) {
  PrintOptions options;
  options.numbers_only = true;
  options.time = TimeForm::kSeconds;
  EXPECT_EQ(LinePrinter{options}.print(captured(udp(1, 2, {}), 5 * kSecond), "[w2] "),
            "5.000000 [w2] IP 192.0.2.1.1 > 192.0.2.2.2: UDP, length 0\n");
}

TEST(LinePrinter, TellsRawIpByItsVersion) {
  const Frame frame = udp(1, 2, {});
  const Bytes packet = Bytes{frame}.subspan(14);
  EXPECT_EQ(LinePrinter{untimed()}.line({0, 28, packet, Link::kRawIp}),
            "IP 192.0.2.1.1 > 192.0.2.2.2: UDP, length 0");
}

class Times : public testing::Test {
 protected:
  void SetUp() override {
    setenv("TZ", "UTC", 1);
    tzset();
  }
  std::string times(TimeForm form, bool nanoseconds) {
    Timestamps stamps{form, nanoseconds};
    Names names{false};
    Flows flows;
    const PrintOptions options;
    Printout out{options, names, flows};
    for (const UnixNs when : {1'700'000'000 * kSecond + 123'456'789,
                              1'700'000'001 * kSecond + 123'457'001, 1'699'999'999 * kSecond}) {
      stamps.print(out, when);
      out.add("|");
    }
    return out.text;
  }
};

TEST_F(Times, HaveTheFormThatTheNumberOfTsAsksFor) {
  EXPECT_EQ(times(TimeForm::kTime, false), "22:13:20.123456 |22:13:21.123457 |22:13:19.000000 |");
  EXPECT_EQ(times(TimeForm::kNone, false), "|||");
  EXPECT_EQ(times(TimeForm::kSeconds, true),
            "1700000000.123456789 |1700000001.123457001 |1699999999.000000000 |");
  EXPECT_EQ(times(TimeForm::kDelta, true),
            " 00:00:00.000000000 | 00:00:01.000000212 |-00:00:02.123457001 |");
  EXPECT_EQ(times(TimeForm::kDate, false),
            "2023-11-14 22:13:20.123456 |2023-11-14 22:13:21.123457 |2023-11-14 22:13:19.000000 |");
  EXPECT_EQ(times(TimeForm::kSinceFirst, false),
            " 00:00:00.000000 | 00:00:01.000001 |-00:00:01.123456 |");
}

}  // namespace
}  // namespace smol::dump
