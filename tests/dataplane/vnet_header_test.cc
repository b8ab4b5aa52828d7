// What a frame of a tap says of itself, both ways.

#include "dataplane/vnet_header.hh"

#include <array>
#include <cstdint>

#include <gtest/gtest.h>

namespace smol::dataplane {
namespace {

/// Ethernet, IPv4 or IPv6, TCP with these flags.
std::array<std::uint8_t, 94> head_of(std::uint8_t version, std::size_t tcp, std::uint8_t flags) {
  std::array<std::uint8_t, 94> out{};
  out[14] = static_cast<std::uint8_t>(version << 4);
  out[tcp + 13] = flags;
  return out;
}

TxOffload tcp4() {
  TxOffload out;
  out.l2_len = 14;
  out.l3_len = 20;
  out.l4_len = 32;
  out.tcp_checksum = true;
  return out;
}

TEST(VnetHeaderFor, FrameWithoutWishesIsAllZeros) {
  const VnetHeader header = vnet_header_for(TxOffload{}, head_of(4, 34, 0));
  EXPECT_EQ(header.flags, 0);
  EXPECT_EQ(header.gso_type, 0);
  EXPECT_EQ(header.csum_start, 0);
}

TEST(VnetHeaderFor, ChecksumGoesWhereItsProtocolHasIt) {
  TxOffload tx = tcp4();
  VnetHeader header = vnet_header_for(tx, head_of(4, 34, 0x10));
  EXPECT_EQ(header.flags, VnetHeader::kNeedsChecksum);
  EXPECT_EQ(header.csum_start, 34);
  EXPECT_EQ(header.csum_offset, 16);
  EXPECT_EQ(header.gso_type, 0);
  EXPECT_EQ(header.gso_size, 0);
  tx.tcp_checksum = false;
  tx.udp_checksum = true;
  tx.l3_len = 40;
  header = vnet_header_for(tx, head_of(6, 54, 0));
  EXPECT_EQ(header.csum_start, 54);
  EXPECT_EQ(header.csum_offset, 6);
}

TEST(VnetHeaderFor, SegmentsAreOfTheFamilyOfThePacket) {
  TxOffload tx = tcp4();
  tx.segment_size = 1448;
  VnetHeader header = vnet_header_for(tx, head_of(4, 34, 0x10));
  EXPECT_EQ(header.flags, VnetHeader::kNeedsChecksum);
  EXPECT_EQ(header.gso_type, VnetHeader::kTcp4);
  EXPECT_EQ(header.gso_size, 1448);
  EXPECT_EQ(header.hdr_len, 66);
  EXPECT_EQ(header.csum_start, 34);
  tx.l3_len = 40;
  header = vnet_header_for(tx, head_of(6, 54, 0x10));
  EXPECT_EQ(header.gso_type, VnetHeader::kTcp6);
  EXPECT_EQ(header.hdr_len, 86);
}

// RFC 3168 section 6.1.2: the others of the segments do not say it again.
TEST(VnetHeaderFor, ReducedWindowIsForTheFirstSegment) {
  TxOffload tx = tcp4();
  tx.segment_size = 1448;
  EXPECT_EQ(vnet_header_for(tx, head_of(4, 34, 0x90)).gso_type,
            VnetHeader::kTcp4 | VnetHeader::kEcn);
  EXPECT_EQ(vnet_header_for(tx, head_of(4, 34, 0x50)).gso_type, VnetHeader::kTcp4);
}

TEST(ReadVnetHeader, PlainFrameIsUnknown) {
  const auto frame = read_vnet_header(VnetHeader{}, 60);
  ASSERT_TRUE(frame);
  EXPECT_FALSE(frame->checksum_good);
  EXPECT_EQ(frame->checksum_start, 0);
  EXPECT_EQ(frame->segment_size, 0);
}

TEST(ReadVnetHeader, VerifiedChecksumIsGoodAndThere) {
  VnetHeader header;
  header.flags = VnetHeader::kDataValid;
  const auto frame = read_vnet_header(header, 60);
  ASSERT_TRUE(frame);
  EXPECT_TRUE(frame->checksum_good);
  EXPECT_EQ(frame->checksum_start, 0);
}

TEST(ReadVnetHeader, ChecksumLeftOutIsGoodAndToBeFilledIn) {
  VnetHeader header;
  header.flags = VnetHeader::kNeedsChecksum;
  header.csum_start = 34;
  header.csum_offset = 6;
  const auto frame = read_vnet_header(header, 42);
  ASSERT_TRUE(frame);
  EXPECT_TRUE(frame->checksum_good);
  EXPECT_EQ(frame->checksum_start, 34);
  EXPECT_EQ(frame->checksum_offset, 6);
}

VnetHeader merged(std::uint8_t type) {
  VnetHeader header;
  header.flags = VnetHeader::kNeedsChecksum;
  header.gso_type = type;
  header.gso_size = 1448;
  header.csum_start = 34;
  header.csum_offset = 16;
  return header;
}

TEST(ReadVnetHeader, MergedFrameSaysOfWhat) {
  for (const int type :
       {int{VnetHeader::kTcp4}, int{VnetHeader::kTcp6}, VnetHeader::kTcp4 | VnetHeader::kEcn}) {
    const auto frame = read_vnet_header(merged(static_cast<std::uint8_t>(type)), 65'000);
    ASSERT_TRUE(frame) << type;
    EXPECT_EQ(frame->segment_size, 1448);
    EXPECT_TRUE(frame->checksum_good);
  }
}

TEST(ReadVnetHeader, WhatMakesNoSenseIsRefused) {
  struct Row {
    const char* what;
    void (*spoil)(VnetHeader&);
  };
  constexpr std::array kRows = {
      Row{"a sum beyond the end", [](VnetHeader& h) { h.csum_start = 64'983; }},
      Row{"the longest places that can be written",
          [](VnetHeader& h) { h.csum_start = h.csum_offset = 0xffff; }},
      Row{"a sum from the start", [](VnetHeader& h) { h.csum_start = 0; }},
      Row{"a sum over its own first octets", [](VnetHeader& h) { h.csum_offset = 0; }},
      Row{"segments without text", [](VnetHeader& h) { h.gso_size = 0; }},
      Row{"fragments of UDP", [](VnetHeader& h) { h.gso_type = 3; }},
      Row{"segments of UDP", [](VnetHeader& h) { h.gso_type = 5; }},
      Row{"segments of nothing", [](VnetHeader& h) { h.gso_type = VnetHeader::kEcn; }},
      Row{"segments whose sum is not TCP's", [](VnetHeader& h) { h.csum_offset = 6; }},
      Row{"segments without a sum", [](VnetHeader& h) { h.flags = VnetHeader::kDataValid; }},
  };
  for (const Row& row : kRows) {
    VnetHeader header = merged(VnetHeader::kTcp4);
    row.spoil(header);
    EXPECT_FALSE(read_vnet_header(header, 65'000)) << row.what;
  }
}

}  // namespace
}  // namespace smol::dataplane
