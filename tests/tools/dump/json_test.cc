#include "tools/dump/json.hh"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/tools/dump/frames.hh"

namespace smol::dump {
namespace {

TEST(Json, HasTheKeysOfTheReferenceInItsOrder) {
  const Frame frame = tcp({.seq = 7, .ack = 9, .flags = 0x18, .payload = text("abc")});
  SourcePacket packet;
  packet.captured = captured(frame, 1'763'463'600'000'123'456);
  packet.meta.interface = "port0";
  packet.meta.worker = 2;
  packet.meta.queue = 3;
  packet.meta.direction = pcap::Direction::kInbound;
  packet.meta.verdict = "drop";
  packet.meta.reason = "tcp_bad_checksum";
  EXPECT_EQ(
      to_json(packet, "IP ..."),
      R"({"ts":"2025-11-18T11:00:00.000123456Z","if":"port0","worker":2,"queue":3,"dir":"in",)"
      R"("verdict":"drop","reason":"tcp_bad_checksum","len":57,"caplen":57,)"
      R"("eth":{"src":"02:00:00:00:00:01","dst":"02:00:00:00:00:02","type":"0x0800"},)"
      R"("ip":{"src":"192.0.2.1","dst":"192.0.2.2","ttl":64,"proto":6,"len":43},)"
      R"("tcp":{"sport":50000,"dport":80,"flags":"PA","seq":7,"ack":9,"win":502,"len":3},)"
      R"("text":"IP ..."})");
}

TEST(Json, HasTheVariablesOfAConnection) {
  const Frame frame = tcp({});
  SourcePacket packet;
  packet.captured = captured(frame);
  EXPECT_FALSE(nlohmann::json::parse(to_json(packet, "")).contains("tcp_info"));
  tcp::Trace& trace = packet.meta.tcp.emplace();
  trace.socket = 17;
  trace.state = tcp::State::kSynReceived;
  trace.congestion = tcp::CongestionControl::kBbr;
  trace.phase = tcp::TracePhase::kStartup;
  trace.episode = tcp::TraceEpisode::kLoss;
  trace.cwnd = 14'480;
  trace.snd_una = SeqNumber{0xffff'ffff};
  trace.srtt_us = 1500;
  trace.rto_us = 204'000;
  trace.marks = tcp::Trace::kTailProbe;
  const auto info = nlohmann::json::parse(to_json(packet, ""))["tcp_info"];
  EXPECT_EQ(info["socket"], 17);
  EXPECT_EQ(info["state"], "SYN-RECV");
  EXPECT_EQ(info["congestion"], "bbr");
  EXPECT_EQ(info["phase"], "startup");
  EXPECT_EQ(info["episode"], "loss");
  EXPECT_EQ(info["cwnd"], 14'480);
  EXPECT_EQ(info["snd_una"], 0xffff'ffff);
  EXPECT_EQ(info["rtt"], 1.5);
  EXPECT_EQ(info["rto"], 204.0);
  EXPECT_EQ(info["tail_probe"], true);
  EXPECT_EQ(info["retransmission"], false);
  EXPECT_FALSE(info.contains("ssthresh"));  // there was no loss
}

TEST(Json, LeavesOutWhatIsNotKnown) {
  const Frame frame = udp(53, 1024, text("x"));
  SourcePacket packet;
  packet.captured = captured(frame);
  const auto json = nlohmann::json::parse(to_json(packet, ""));
  for (const char* key : {"if", "worker", "queue", "dir", "verdict", "reason", "comment", "tcp"}) {
    EXPECT_FALSE(json.contains(key)) << key;
  }
  EXPECT_EQ(json["udp"]["sport"], 53);
  EXPECT_EQ(json["udp"]["len"], 1);
}

TEST(Json, LooksForNoPortsInALaterFragment) {
  Frame frame = udp(53, 1024, text("eight octets of it"));
  frame[21] = 1;  // offset 8
  SourcePacket packet;
  packet.captured = captured(frame);
  const auto json = nlohmann::json::parse(to_json(packet, ""));
  EXPECT_EQ(json["ip"]["offset"], 8);
  EXPECT_FALSE(json.contains("udp"));
}

TEST(Json, IsWellFormedForEveryCutOfAPacket) {
  const Frame tagged = octets({2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x81, 0, 0, 5, 8, 0}) +
                       text("whatever follows the tag");
  for (const Frame& frame : {tcp({}), udp(1, 2, text("abc")), tagged}) {
    for (std::size_t kept = 0; kept <= frame.size(); ++kept) {
      SourcePacket packet;
      packet.captured = {0, static_cast<std::uint32_t>(frame.size()), Bytes{frame}.first(kept),
                         Link::kEthernet};
      EXPECT_TRUE(nlohmann::json::accept(to_json(packet, "text")));
    }
  }
}

TEST(Json, ReplacesWhatIsNotUtf8) {
  SourcePacket packet;
  packet.meta.comment = "a\xff\"b";
  const auto json = nlohmann::json::parse(to_json(packet, ""));
  EXPECT_EQ(json["comment"], "a\xEF\xBF\xBD\"b");
}

}  // namespace
}  // namespace smol::dump
