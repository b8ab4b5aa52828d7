#include <array>
#include <random>

#include <gtest/gtest.h>

#include "protocols/pcap/pcap.hh"
#include "tests/tools/dump/frames.hh"
#include "tools/dump/packet_source.hh"
#include "tools/dump/pcapng_metadata.hh"

namespace smol::dump {
namespace {

TEST(Comment, IsTakenApartAndPutTogetherAgain) {
  PacketMeta meta;
  read_comment("worker 2; drop: tcp_bad_checksum; seen twice", meta);
  EXPECT_EQ(meta.worker, 2u);
  EXPECT_EQ(meta.verdict, "drop");
  EXPECT_EQ(meta.reason, "tcp_bad_checksum");
  EXPECT_EQ(meta.comment, "seen twice");
  EXPECT_EQ(comment_of(meta), "worker 2; drop: tcp_bad_checksum; seen twice");
}

TEST(Comment, OfAnotherFormIsKeptAsItIs) {
  PacketMeta meta;
  read_comment("worker two; hello", meta);
  EXPECT_FALSE(meta.worker);
  EXPECT_EQ(meta.verdict, "");
  EXPECT_EQ(meta.comment, "worker two; hello");
}

tcp::Trace trace() {
  tcp::Trace out;
  out.state = tcp::State::kEstablished;
  out.congestion = tcp::CongestionControl::kCubic;
  out.phase = tcp::TracePhase::kSlowStart;
  out.cwnd = 14'480;
  out.srtt_us = 310;
  out.rttvar_us = 155;
  out.iss = SeqNumber{1000};
  out.snd_una = SeqNumber{1001};
  out.snd_nxt = SeqNumber{2449};
  out.marks = tcp::Trace::kRetransmission;
  return out;
}

TEST(Comment, HasTheVariablesOfAConnection) {
  PacketMeta meta;
  meta.worker = 2;
  meta.tcp = trace();
  meta.comment = "mine";
  const std::string comment = comment_of(meta);
  EXPECT_TRUE(comment.starts_with("worker 2; tcp: ESTAB cubic slow_start open retransmission "))
      << comment;
  PacketMeta back;
  read_comment(comment, back);
  EXPECT_EQ(back.worker, 2u);
  EXPECT_EQ(back.tcp, trace());
  EXPECT_EQ(back.comment, "mine");
}

TEST(Comment, ThatOnlyLooksLikeAConnectionsIsKeptAsItIs) {
  PacketMeta meta;
  read_comment("tcp: is what this is", meta);
  EXPECT_FALSE(meta.tcp);
  EXPECT_EQ(meta.comment, "tcp: is what this is");
}

TEST(TcpInfoText, IsALineBelowInTheWordsOfSs) {
  PacketMeta meta;
  EXPECT_EQ(tcp_info_text(meta), "");
  meta.tcp = trace();
  EXPECT_EQ(tcp_info_text(meta),
            "\tESTAB cubic slow_start open retransmission cwnd:14480 una:1 nxt:1449 rcv_nxt:0 "
            "rtt:0.310/0.155 iss:1000 irs:0 waits-for:nothing\n");
}

TEST(PcapngMetadata, GivesTheVariablesOfAConnectionBack) {
  PacketMeta meta;
  meta.tcp = trace();
  const std::string comment = comment_of(meta);
  Frame out(4096);
  std::size_t at = pcap::write_section(out, {});
  at += pcap::write_interface(MutBytes{out}.subspan(at), {});
  pcap::Packet packet;
  packet.comment = comment;
  at += pcap::write_packet(MutBytes{out}.subspan(at), packet);
  PcapngMetadata metadata;
  metadata.feed(Bytes{out}.first(at));
  EXPECT_EQ(metadata.take().tcp, trace());
}

TEST(MetaText, HasThePartsThatAreKnown) {
  PacketMeta meta;
  EXPECT_EQ(meta_text(meta), "");
  meta.interface = "port0";
  meta.queue = 2;
  EXPECT_EQ(meta_text(meta), "[port0 q2] ");
  meta.worker = 2;
  meta.direction = pcap::Direction::kInbound;
  meta.verdict = "drop";
  meta.reason = "tcp_bad_checksum";
  EXPECT_EQ(meta_text(meta), "[w2 port0 q2 in drop:tcp_bad_checksum] ");
}

TEST(MetaText, DoesNotLetAFileWriteToTheTerminalsControls) {
  PacketMeta meta;
  meta.interface = "a\033[2Jb\n";
  EXPECT_EQ(meta_text(meta), "[a?[2Jb?] ");
}

/// A pcapng stream of one section, two interfaces and three packets, the second with everything.
Frame stream() {
  Frame out(4096);
  std::size_t at = 0;
  const auto rest = [&] { return MutBytes{out}.subspan(at); };
  at += pcap::write_section(rest(), {});
  pcap::Interface interface;
  for (const char* name : {"port0", "port1"}) {
    interface.name = name;
    at += pcap::write_interface(rest(), interface);
  }
  pcap::Packet packet;
  const Frame octets = text("abc");
  packet.octets = octets;
  packet.length = 3;
  at += pcap::write_packet(rest(), packet);
  packet.interface = 1;
  packet.direction = pcap::Direction::kOutbound;
  packet.queue = 7;
  packet.dropped_before = 5;
  packet.comment = "drop: no_route";
  at += pcap::write_packet(rest(), packet);
  at += pcap::write_packet(rest(), {});
  out.resize(at);
  return out;
}

void expect_stream(PcapngMetadata& metadata) {
  EXPECT_EQ(metadata.take().interface, "port0");
  const PacketMeta second = metadata.take();
  EXPECT_EQ(second.interface, "port1");
  EXPECT_EQ(second.direction, pcap::Direction::kOutbound);
  EXPECT_EQ(second.queue, 7u);
  EXPECT_EQ(second.dropped_before, 5u);
  EXPECT_EQ(second.reason, "no_route");
  EXPECT_EQ(metadata.take().interface, "port0");
}

TEST(PcapngMetadata, GivesThePacketsOfAStreamInTheirOrder) {
  PcapngMetadata metadata;
  metadata.feed(stream());
  expect_stream(metadata);
  EXPECT_TRUE(metadata.saw_direction());
}

TEST(PcapngMetadata, TakesAStreamInPiecesOfAnySize) {
  const Frame all = stream();
  for (std::size_t size = 1; size < 40; ++size) {
    PcapngMetadata metadata;
    for (std::size_t at = 0; at < all.size(); at += size) {
      metadata.feed(Bytes{all}.subspan(at, std::min(size, all.size() - at)));
    }
    expect_stream(metadata);
  }
}

TEST(PcapngMetadata, ReadsBigEndianFiles) {
  const Frame all =
      octets({0x0a, 0x0d, 0x0d, 0x0a, 0,    0,    0,    28,   0x1a, 0x2b, 0x3c, 0x4d, 0, 1,
              0,    0,    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0,    0,    0, 28}) +
      octets({0, 0, 0, 1, 0,   0,   0,   32, 0, 1, 0, 0, 0, 0, 0, 0,
              0, 2, 0, 3, 'e', 't', 'h', 0,  0, 0, 0, 0, 0, 0, 0, 32}) +
      octets({0, 0, 0, 6, 0, 0, 0, 40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
              0, 0, 0, 0, 0, 0, 0, 0,  0, 2, 0, 4, 0, 0, 0, 1, 0, 0, 0, 40});
  PcapngMetadata metadata;
  metadata.feed(all);
  const PacketMeta meta = metadata.take();
  EXPECT_EQ(meta.interface, "eth");
  EXPECT_EQ(meta.direction, pcap::Direction::kInbound);
}

TEST(PcapngMetadata, KnowsNothingOfOtherFiles) {
  PcapngMetadata metadata;
  metadata.feed(octets({0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0}));
  EXPECT_FALSE(metadata.is_pcapng());
  EXPECT_EQ(meta_text(metadata.take()), "");
}

TEST(PcapngMetadata, OutlivesDamagedStreams) {
  const Frame all = stream();
  std::mt19937 chance{1};
  for (int round = 0; round < 2000; ++round) {
    Frame damaged = all;
    for (int i = 0; i < 4; ++i) {
      damaged[chance() % damaged.size()] = static_cast<std::uint8_t>(chance());
    }
    damaged.resize(chance() % damaged.size());
    PcapngMetadata metadata;
    metadata.feed(damaged);
    for (int i = 0; i < 4; ++i) meta_text(metadata.take());
  }
}

}  // namespace
}  // namespace smol::dump
