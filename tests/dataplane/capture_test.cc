// The tap that a worker copies packets into, and the files made from it. The files are read back
// with libpcap, which is not ours.

#include "dataplane/capture.hh"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory_resource>
#include <string>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/capture_writer.hh"
#include "dataplane/pcap_file.hh"
#include "protocols/packet/mem_packet.hh"
#include "protocols/wire/ethernet.hh"
#include "tests/dataplane/pcap_reader.hh"

namespace smol::dataplane {
namespace {

constexpr Instant at(std::int64_t ns) {
  return Instant{nanoseconds(ns)};
}

class CaptureTest : public ::testing::Test {
 protected:
  MemPool pool_{256, 2048 + 128, *std::pmr::new_delete_resource()};
  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("smol-capture-" + std::to_string(getpid()));

  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  MemPacket packet(std::uint8_t fill, std::size_t size = 60) {
    MemPacket p = pool_.allocate();
    const MutBytes octets = p.append(size);
    std::fill(octets.begin(), octets.end(), fill);
    return p;
  }
  std::vector<MemPacket> burst(std::initializer_list<std::uint8_t> fills) {
    std::vector<MemPacket> out;
    for (const std::uint8_t fill : fills) out.push_back(packet(fill));
    return out;
  }
  static std::size_t show(CaptureTap& tap, Instant now, Direction direction,
                          std::vector<MemPacket>& packets) {
    return tap.on_burst(now, 0, direction, std::span<MemPacket>{packets});
  }
  struct Seen {
    CapturedPacket packet;
    std::vector<std::uint8_t> octets;
  };
  static std::vector<Seen> drain(CaptureTap& tap) {
    std::vector<Seen> out;
    while (const auto entry = tap.front()) {
      out.push_back({entry->packet, {entry->octets.begin(), entry->octets.end()}});
      tap.pop();
    }
    return out;
  }
  static std::vector<std::uint8_t> contents(const std::string& path) {
    std::ifstream in{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
  }
};

TEST_F(CaptureTest, BurstIsCopiedWhenItIsPublished) {
  CaptureTap tap{CaptureTap::Scope::kAll, 1 << 16, 65'535};
  auto packets = burst({1, 2});
  const std::size_t mark = show(tap, at(5), Direction::kRx, packets);
  EXPECT_TRUE(drain(tap).empty());
  tap.settle(mark);
  const auto seen = drain(tap);
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].octets, std::vector<std::uint8_t>(60, 1));
  EXPECT_EQ(seen[1].octets, std::vector<std::uint8_t>(60, 2));
  EXPECT_EQ(seen[0].packet.at, at(5));
  EXPECT_EQ(seen[0].packet.length, 60u);
  EXPECT_EQ(seen[0].packet.direction, Direction::kRx);
  EXPECT_FALSE(seen[0].packet.dropped);
}

TEST_F(CaptureTest, PacketDroppedByTheStackAppearsOnceWithItsReason) {
  CaptureTap tap{CaptureTap::Scope::kAll, 1 << 16, 65'535};
  auto packets = burst({1, 2, 3});
  const std::size_t mark = show(tap, at(5), Direction::kRx, packets);
  packets[1].trim_front(14);  // as the stack leaves it
  tap.on_drop(at(5), 0, Direction::kRx, packets[1], Drop::kTcpBadChecksum);
  tap.settle(mark);
  const auto seen = drain(tap);
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_FALSE(seen[0].packet.dropped);
  EXPECT_TRUE(seen[1].packet.dropped);
  EXPECT_EQ(seen[1].packet.reason, Drop::kTcpBadChecksum);
  EXPECT_EQ(seen[1].octets.size(), 60u);
  EXPECT_FALSE(seen[2].packet.dropped);
}

TEST_F(CaptureTest, PacketDroppedLaterIsARecordOfItsOwn) {
  CaptureTap tap{CaptureTap::Scope::kAll, 1 << 16, 65'535};
  auto packets = burst({1});
  tap.settle(show(tap, at(5), Direction::kRx, packets));
  tap.on_drop(at(9), 0, Direction::kRx, packets[0], Drop::kUdpSocketFull);
  tap.publish();
  const auto seen = drain(tap);
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_FALSE(seen[0].packet.dropped);
  EXPECT_EQ(seen[1].packet.reason, Drop::kUdpSocketFull);
  EXPECT_EQ(seen[1].packet.at, at(9));
}

// The buffer of a received packet may carry the answer before the burst is through.
TEST_F(CaptureTest, DroppedAnswerInTheBufferOfAReceivedPacketIsNotTheReceivedPacket) {
  CaptureTap tap{CaptureTap::Scope::kAll, 1 << 16, 65'535};
  auto packets = burst({1});
  const std::size_t mark = show(tap, at(5), Direction::kRx, packets);
  tap.on_drop(at(5), 0, Direction::kTx, packets[0], Drop::kNoRoute);
  tap.settle(mark);
  const auto seen = drain(tap);
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_FALSE(seen[0].packet.dropped);
  EXPECT_EQ(seen[1].packet.reason, Drop::kNoRoute);
  EXPECT_EQ(seen[1].packet.direction, Direction::kTx);
}

// The stack sends when its own burst is full, while the one that came in is still with it.
TEST_F(CaptureTest, BurstSentMeanwhileDoesNotEndTheOneThatCameIn) {
  CaptureTap tap{CaptureTap::Scope::kAll, 1 << 16, 65'535};
  auto in = burst({1, 2});
  auto out = burst({3});
  const std::size_t outer = show(tap, at(5), Direction::kRx, in);
  const std::size_t inner = show(tap, at(5), Direction::kTx, out);
  tap.on_drop(at(5), 0, Direction::kTx, out[0], Drop::kTxRingFull);
  tap.settle(inner);
  EXPECT_TRUE(drain(tap).empty());
  tap.on_drop(at(5), 0, Direction::kRx, in[1], Drop::kTcpPortClosed);
  tap.settle(outer);
  const auto seen = drain(tap);
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_FALSE(seen[0].packet.dropped);
  EXPECT_EQ(seen[1].packet.reason, Drop::kTcpPortClosed);
  EXPECT_EQ(seen[2].packet.reason, Drop::kTxRingFull);
}

TEST_F(CaptureTest, ScopeOfDropsLeavesOutTheRest) {
  CaptureTap tap{CaptureTap::Scope::kDrops, 1 << 16, 65'535};
  auto packets = burst({1, 2});
  const std::size_t mark = show(tap, at(5), Direction::kRx, packets);
  tap.on_drop(at(5), 0, Direction::kRx, packets[1], Drop::kIp4Truncated);
  tap.settle(mark);
  const auto seen = drain(tap);
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].packet.reason, Drop::kIp4Truncated);
  EXPECT_EQ(seen[0].octets[0], 2);
}

TEST_F(CaptureTest, SnapLengthCutsTheCopyAndKeepsTheLength) {
  CaptureTap tap{CaptureTap::Scope::kAll, 1 << 16, 64};
  std::vector<MemPacket> packets;
  packets.push_back(packet(1, 200));
  tap.settle(show(tap, at(5), Direction::kRx, packets));
  const auto seen = drain(tap);
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].packet.length, 200u);
  EXPECT_EQ(seen[0].octets.size(), 64u);
}

TEST_F(CaptureTest, ChainIsCopiedWhole) {
  CaptureTap tap{CaptureTap::Scope::kAll, 1 << 16, 65'535};
  std::vector<MemPacket> packets;
  packets.push_back(packet(1, 10));
  packets[0].chain(packet(2, 10));
  tap.settle(show(tap, at(5), Direction::kTx, packets));
  const auto seen = drain(tap);
  ASSERT_EQ(seen.size(), 1u);
  ASSERT_EQ(seen[0].octets.size(), 20u);
  EXPECT_EQ(seen[0].octets[9], 1);
  EXPECT_EQ(seen[0].octets[10], 2);
}

TEST_F(CaptureTest, FullRingLosesTheCopyAndSaysSo) {
  CaptureTap tap{CaptureTap::Scope::kAll, 4096, 65'535};
  for (int i = 0; i < 100; ++i) {
    auto packets = burst({1});
    tap.settle(show(tap, at(i), Direction::kRx, packets));
  }
  const std::size_t kept = drain(tap).size();
  EXPECT_GT(kept, 10u);
  EXPECT_EQ(tap.lost(), 100 - kept);
  EXPECT_EQ(tap.packets(), 100u);
  auto packets = burst({1});
  tap.settle(show(tap, at(200), Direction::kRx, packets));
  const auto seen = drain(tap);
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].packet.lost, 100 - kept);
}

// RFC 1071's own example of a sum, as an IPv4 header and as a TCP segment.
TEST_F(CaptureTest, CopyHasTheChecksumsThatTheDeviceWillFillIn) {
  MemPacket p = packet(0, 14 + 20 + 20 + 3);
  const MutBytes frame = p.pull(p.size());
  frame[14] = 0x45;
  frame[14 + 8] = 64;
  frame[54] = 0xab;
  frame[56] = 0xcd;
  put_be16(frame, 34 + 16, 0x1234);  // the pseudo-header's sum
  p.meta().tx = {.l2_len = 14,
                 .l4_len = 20,
                 .l3_len = 20,
                 .segment_size = 0,
                 .ip4_checksum = true,
                 .tcp_checksum = true,
                 .udp_checksum = false};
  std::vector<MemPacket> packets;
  packets.push_back(std::move(p));
  CaptureTap tap{CaptureTap::Scope::kAll, 1 << 16, 65'535};
  tap.settle(show(tap, at(1), Direction::kTx, packets));
  const auto seen = drain(tap);
  ASSERT_EQ(seen.size(), 1u);
  const Bytes copy{seen[0].octets};
  EXPECT_TRUE(internet_sum(copy.subspan(14, 20)).verifies());
  InternetSum whole = internet_sum(copy.subspan(34));
  whole.add_word(0x1234);
  EXPECT_TRUE(whole.verifies());
  EXPECT_EQ(be16(packets[0].segment(0), 34 + 16), 0x1234) << "the packet itself was written to";
}

TEST_F(CaptureTest, UdpChecksumOfZeroIsWrittenAsAllOnes) {
  MemPacket p = packet(0, 14 + 20 + 8);
  put_be16(p.pull(p.size()), 34 + 6, 0xffff);
  const TxOffload tx{.l2_len = 14,
                     .l4_len = 8,
                     .l3_len = 20,
                     .segment_size = 0,
                     .ip4_checksum = false,
                     .tcp_checksum = false,
                     .udp_checksum = true};
  const TxChecksums checksums = tx_checksums(p, tx);
  ASSERT_TRUE(checksums.transport);
  EXPECT_EQ(checksums.transport->value, 0xffff);
  EXPECT_FALSE(checksums.ip4);
}

TEST_F(CaptureTest, PacketToBeSegmentedGetsItsOwnLengthIntoTheSum) {
  MemPacket p = packet(0, 14 + 20 + 20 + 3000 - 2000);
  put_be16(p.pull(54), 34 + 16, 0x1111);  // without the length
  const TxOffload tx{.l2_len = 14,
                     .l4_len = 20,
                     .l3_len = 20,
                     .segment_size = 500,
                     .ip4_checksum = false,
                     .tcp_checksum = true,
                     .udp_checksum = false};
  const TxChecksums checksums = tx_checksums(p, tx);
  ASSERT_TRUE(checksums.transport);
  EXPECT_EQ(checksums.transport->value, static_cast<std::uint16_t>(~(0x1111 + 1020)));
}

class PcapFormat : public CaptureTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(PcapFormat, IsReadByLibpcap) {
  const std::string path = folder_ / GetParam();
  constexpr std::int64_t kWhen = 1'795'000'000'123'456'789;
  {
    auto file = PcapFile::create(path, {"smol0", "smol1"}, 65'535).value();
    CapturedPacket packet;
    for (std::uint32_t n = 60; n < 64; ++n) {  // every padding there is
      packet.length = 100;
      packet.captured = n;
      packet.interface = static_cast<InterfaceId>(n % 2);
      packet.direction = n % 2 == 0 ? Direction::kRx : Direction::kTx;
      packet.dropped = n == 61;
      packet.reason = Drop::kInjectedDrop;
      const std::vector<std::uint8_t> octets(n, static_cast<std::uint8_t>(n));
      EXPECT_TRUE(file->write(kWhen + n, packet, octets));
    }
    EXPECT_TRUE(file->finish(kWhen + 100, 4, 0));
  }
  const auto packets = testing::read_pcap(path);
  ASSERT_EQ(packets.size(), 4u);
  for (std::uint32_t n = 60; n < 64; ++n) {
    EXPECT_EQ(packets[n - 60].unix_ns, kWhen + n);
    EXPECT_EQ(packets[n - 60].length, 100u);
    EXPECT_EQ(packets[n - 60].octets, std::vector<std::uint8_t>(n, static_cast<std::uint8_t>(n)));
  }
}

INSTANTIATE_TEST_SUITE_P(Files, PcapFormat, ::testing::Values("a.pcap", "a.pcapng", "noname"),
                         [](const auto& row) {
                           std::string name{row.param};
                           std::replace(name.begin(), name.end(), '.', '_');
                           return name;
                         });

TEST_F(CaptureTest, PcapngIsChosenByTheName) {
  PcapFile::create(folder_ / "x.pcap", {"a"}, 100).value();
  PcapFile::create(folder_ / "x.pcapng", {"a"}, 100).value();
  const auto classic = contents(folder_ / "x.pcap");
  const auto ng = contents(folder_ / "x.pcapng");
  std::uint32_t magic = 0;
  std::memcpy(&magic, classic.data(), 4);
  EXPECT_EQ(magic, 0xa1b23c4du);  // nanoseconds
  std::memcpy(&magic, ng.data(), 4);
  EXPECT_EQ(magic, 0x0a0d0d0au);
}

/// Options of the n-th block of a type: (code, value).
std::vector<std::pair<int, std::string>> options(const std::vector<std::uint8_t>& file,
                                                 std::uint32_t type, std::size_t skip) {
  const auto word = [&](std::size_t offset) {
    std::uint32_t v = 0;
    std::memcpy(&v, file.data() + offset, 4);
    return v;
  };
  const auto half = [&](std::size_t offset) {
    std::uint16_t v = 0;
    std::memcpy(&v, file.data() + offset, 2);
    return v;
  };
  std::vector<std::pair<int, std::string>> out;
  for (std::size_t block = 0; block + 12 <= file.size(); block += word(block + 4)) {
    EXPECT_EQ(word(block + 4), word(block + word(block + 4) - 4)) << "lengths differ";
    if (word(block) != type || skip-- > 0) continue;
    std::size_t option = block + 8;
    if (type == 6) option += 20 + (word(block + 20) + 3) / 4 * 4;
    if (type == 5) option += 12;
    if (type == 1) option += 8;
    while (half(option) != 0) {
      const std::size_t length = half(option + 2);
      out.emplace_back(
          half(option),
          std::string{reinterpret_cast<const char*>(file.data()) + option + 4, length});
      option += 4 + (length + 3) / 4 * 4;
    }
    return out;
  }
  return out;
}

std::string octets_of(std::uint32_t v) {
  std::string out(4, '\0');
  std::memcpy(out.data(), &v, 4);
  return out;
}

TEST_F(CaptureTest, PcapngSaysDirectionReasonAndLoss) {
  const std::string path = folder_ / "x.pcapng";
  {
    auto file = PcapFile::create(path, {"smol0"}, 100).value();
    CapturedPacket packet;
    packet.length = packet.captured = 3;
    const std::vector<std::uint8_t> octets{1, 2, 3};
    packet.direction = Direction::kRx;
    packet.dropped = true;
    packet.reason = Drop::kInjectedDrop;
    file->write(1, packet, octets);
    packet.direction = Direction::kTx;
    packet.dropped = false;
    packet.lost = 7;
    file->write(2, packet, octets);
    file->finish(3, 9, 7);
  }
  const auto file = contents(path);
  using Options = std::vector<std::pair<int, std::string>>;
  EXPECT_EQ(options(file, 1, 0), (Options{{2, "smol0"}, {9, "\x09"}}));
  EXPECT_EQ(options(file, 6, 0), (Options{{2, octets_of(1)}, {1, "drop: injected_drop"}}));
  const std::string none(4, '\0');
  EXPECT_EQ(options(file, 6, 1), (Options{{2, octets_of(2)}, {4, octets_of(7) + none}}));
  EXPECT_EQ(options(file, 5, 0), (Options{{4, octets_of(9) + none}, {5, octets_of(7) + none}}));
}

TEST_F(CaptureTest, FileThatCannotBeCreatedIsOneClearLine) {
  const std::string path = folder_ / "not" / "there.pcap";
  const auto file = PcapFile::create(path, {"smol0"}, 100);
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().message,
            "capture file " + path + ": cannot create: No such file or directory");
}

class CaptureWriterTest : public CaptureTest {
 protected:
  std::FILE* printed_ = std::tmpfile();

  void TearDown() override {
    std::fclose(printed_);
    CaptureTest::TearDown();
  }
  std::string printed() {
    std::string out(1 << 16, '\0');
    std::rewind(printed_);
    out.resize(std::fread(out.data(), 1, out.size(), printed_));
    return out;
  }
};

TEST_F(CaptureWriterTest, WithoutFileAndWithoutDebugThereIsNoTap) {
  Logger log{LogLevel::kInfo, printed_};
  auto writer = CaptureWriter::create({}, {"smol0"}, log).value();
  EXPECT_EQ(writer->add_tap(), nullptr);
}

TEST_F(CaptureWriterTest, WritesWhatWasPublishedBeforeItEnds) {
  const std::string path = folder_ / "x.pcap";
  {
    Logger log{LogLevel::kInfo, printed_};
    auto writer = CaptureWriter::create({.file = path}, {"smol0"}, log).value();
    CaptureTap* tap = writer->add_tap();
    ASSERT_NE(tap, nullptr);
    writer->start();
    for (int i = 0; i < 1000; ++i) {
      auto packets = burst({static_cast<std::uint8_t>(i)});
      tap->settle(show(*tap, monotonic_now(), Direction::kRx, packets));
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
  CaptureTap* tap = writer->add_tap();
  writer->start();
  auto packets = burst({1, 2, 3});
  tap->settle(show(*tap, monotonic_now(), Direction::kRx, packets));
  writer->flush(std::chrono::seconds{10});
  EXPECT_EQ(testing::read_pcap(path).size(), 3u);
}

TEST_F(CaptureWriterTest, LossIsReportedAtTheEnd) {
  {
    Logger log{LogLevel::kInfo, printed_};
    auto writer =
        CaptureWriter::create({.file = folder_ / "x.pcap", .ring_mb = 1}, {"smol0"}, log).value();
    CaptureTap* tap = writer->add_tap();
    std::vector<MemPacket> packets;
    packets.push_back(packet(1, 2000));
    for (int i = 0; i < 1000; ++i) {  // nobody reads yet
      tap->settle(show(*tap, monotonic_now(), Direction::kRx, packets));
    }
    writer->start();
  }
  EXPECT_NE(printed().find("of 1000 packets were lost: they came faster than they could be "
                           "written; raise capture.ring_mb"),
            std::string::npos)
      << printed();
}

TEST_F(CaptureWriterTest, DebugPrintsDroppedPacketsAlone) {
  {
    Logger log{LogLevel::kDebug, printed_};
    auto writer = CaptureWriter::create({}, {"smol0"}, log).value();
    CaptureTap* tap = writer->add_tap();
    ASSERT_NE(tap, nullptr);
    writer->start();
    auto packets = burst({1, 2});
    const std::size_t mark = show(*tap, monotonic_now(), Direction::kRx, packets);
    tap->on_drop(monotonic_now(), 0, Direction::kRx, packets[1], Drop::kEthUnknownType);
    tap->settle(mark);
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
    CaptureTap* tap = writer->add_tap();
    writer->start();
    auto in = burst({4});
    tap->settle(show(*tap, monotonic_now(), Direction::kRx, in));
    auto out = burst({2});
    tap->settle(show(*tap, monotonic_now(), Direction::kTx, out));
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
