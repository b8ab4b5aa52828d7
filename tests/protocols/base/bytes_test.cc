#include "protocols/base/bytes.hh"

#include <array>
#include <memory>

#include <gtest/gtest.h>

namespace smol {
namespace {

TEST(Bytes, NumbersAreReadInNetworkOrderAtAnyOffset) {
  const std::array<std::uint8_t, 9> b = {0, 1, 2, 3, 4, 5, 6, 7, 0xf8};
  EXPECT_EQ(u8(b, 8), 0xf8);
  EXPECT_EQ(be16(b, 7), 0x07f8);
  EXPECT_EQ(be32(b, 5), 0x050607f8u);
  EXPECT_EQ(be64(b, 1), 0x01020304050607f8u);
}

TEST(Bytes, WhatIsPutIsReadBack) {
  std::array<std::uint8_t, 8> b{};
  put_u8(b, 0, 0xaa);
  put_be16(b, 1, 0xbbcc);
  put_be32(b, 3, 0xdeadbeef);
  EXPECT_EQ(b, (std::array<std::uint8_t, 8>{0xaa, 0xbb, 0xcc, 0xde, 0xad, 0xbe, 0xef, 0}));
}

// The store of a word has a form of its own at run time; both must agree.
TEST(Bytes, ConstantAndRunTimeStoresAgree) {
  constexpr auto at_compile_time = [] {
    std::array<std::uint8_t, 4> b{};
    put_be32(b, 0, 0x01020304);
    return b;
  }();
  std::array<std::uint8_t, 4> at_run_time{};
  put_be32(at_run_time, 0, 0x01020304);
  EXPECT_EQ(at_compile_time, at_run_time);
}

TEST(Bytes, CopyTakesEmptySpans) {
  std::array<std::uint8_t, 2> to = {1, 2};
  copy_bytes({}, {});
  copy_bytes(to, {});
  EXPECT_EQ(to[0], 1);
  const std::array<std::uint8_t, 1> from = {9};
  copy_bytes(to, from);
  EXPECT_EQ(to, (std::array<std::uint8_t, 2>{9, 2}));
}

TEST(Bytes, CopyingWhatDoesNotFitEndsTheProcess) {
  std::array<std::uint8_t, 1> to{};
  const std::array<std::uint8_t, 2> from{};
  EXPECT_DEATH(copy_bytes(to, from), "");
}

TEST(Reader, ReadsFrontToBack) {
  const std::array<std::uint8_t, 9> b = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  Reader r{b};
  EXPECT_EQ(r.u8(), 1);
  EXPECT_EQ(r.be16(), 0x0203);
  EXPECT_EQ(r.be32(), 0x04050607u);
  EXPECT_EQ(r.remaining(), 2u);
  EXPECT_EQ(r.take(1)[0], 8);
  EXPECT_EQ(r.rest().size(), 1u);
  EXPECT_TRUE(r.ok());
}

TEST(Reader, ReadingPastTheEndYieldsZeroAndFailsForGood) {
  const auto heap = std::make_unique<std::uint8_t[]>(3);
  heap[0] = heap[1] = heap[2] = 0xff;
  Reader r{Bytes{heap.get(), 3}};
  EXPECT_EQ(r.be32(), 0u);
  EXPECT_FALSE(r.ok());
  EXPECT_EQ(r.u8(), 0);  // the three that are there come too late
  EXPECT_EQ(r.be16(), 0);
  EXPECT_TRUE(r.take(1).empty());
  EXPECT_EQ(r.remaining(), 0u);
  EXPECT_FALSE(r.ok());
}

TEST(Reader, ReadingExactlyEverythingIsFine) {
  const std::array<std::uint8_t, 2> b = {1, 2};
  Reader r{b};
  EXPECT_EQ(r.be16(), 0x0102);
  EXPECT_TRUE(r.ok());
  EXPECT_TRUE(r.take(0).empty());
  EXPECT_TRUE(r.ok());
}

TEST(Writer, WritesFrontToBackAndCounts) {
  std::array<std::uint8_t, 10> b;
  b.fill(0xee);
  const std::array<std::uint8_t, 2> two = {8, 9};
  Writer w{b};
  w.u8(1).be16(0x0203).be32(0x04050607).bytes(two);
  EXPECT_EQ(w.written(), 9u);
  EXPECT_EQ(w.remaining(), 1u);
  w.zero_fill();
  EXPECT_EQ(w.remaining(), 0u);
  EXPECT_EQ(b, (std::array<std::uint8_t, 10>{1, 2, 3, 4, 5, 6, 7, 8, 9, 0}));
}

TEST(Writer, WritingPastTheEndEndsTheProcess) {
  std::array<std::uint8_t, 3> b{};
  EXPECT_DEATH(Writer{b}.be32(1), "");
  EXPECT_DEATH(Writer{b}.be16(1).be16(1), "");
  EXPECT_DEATH(Writer{b}.bytes(std::array<std::uint8_t, 4>{}), "");
}

}  // namespace
}  // namespace smol
