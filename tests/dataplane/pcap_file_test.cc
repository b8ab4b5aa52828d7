// Capture files, read back with libpcap, which is not ours.

#include "dataplane/pcap_file.hh"

#include <cstring>

#include "tests/dataplane/capture_fixture.hh"
#include "tests/dataplane/pcap_reader.hh"

namespace smol::dataplane {
namespace {

class PcapFileTest : public testing::CaptureFixture {};

class PcapFormat : public PcapFileTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(PcapFormat, IsReadByLibpcap) {
  const std::string path = folder_ / GetParam();
  constexpr std::int64_t kWhen = 1'795'000'000'123'456'789;
  {
    auto file = PcapFile::create(path, {"smol0", "smol1"}, 65'535).value();
    CapturedPacket packet;
    for (std::uint32_t n = 60; n < 64; ++n) {  // every padding there is
      packet.length = 100;
      packet.interface = static_cast<InterfaceId>(n % 2);
      packet.direction = n % 2 == 0 ? Direction::kRx : Direction::kTx;
      packet.dropped = n == 61;
      packet.reason = Drop::kInjectedDrop;
      const std::vector<std::uint8_t> octets(n, static_cast<std::uint8_t>(n));
      packet.unix_ns = kWhen + n;
      packet.octets = octets;
      EXPECT_TRUE(file->write(packet));
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

TEST_F(PcapFileTest, PcapngIsChosenByTheName) {
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

TEST_F(PcapFileTest, PcapngSaysDirectionQueueReasonAndLoss) {
  const std::string path = folder_ / "x.pcapng";
  {
    auto file = PcapFile::create(path, {"smol0"}, 100).value();
    CapturedPacket packet;
    const std::vector<std::uint8_t> octets{1, 2, 3};
    packet.length = 3;
    packet.octets = octets;
    packet.queue = 5;
    packet.direction = Direction::kRx;
    packet.dropped = true;
    packet.reason = Drop::kInjectedDrop;
    file->write(packet);
    packet.direction = Direction::kTx;
    packet.dropped = false;
    packet.lost = 7;
    file->write(packet);
    file->finish(3, 9, 7);
  }
  const auto file = contents(path);
  using Options = std::vector<std::pair<int, std::string>>;
  EXPECT_EQ(options(file, 1, 0), (Options{{2, "smol0"}, {9, "\x09"}}));
  EXPECT_EQ(options(file, 6, 0),
            (Options{{2, octets_of(1)}, {6, octets_of(5)}, {1, "drop: injected_drop"}}));
  const std::string none(4, '\0');
  EXPECT_EQ(options(file, 6, 1),
            (Options{{2, octets_of(2)}, {4, octets_of(7) + none}, {6, octets_of(5)}}));
  EXPECT_EQ(options(file, 5, 0), (Options{{4, octets_of(9) + none}, {5, octets_of(7) + none}}));
}

TEST_F(PcapFileTest, FileThatCannotBeCreatedIsOneClearLine) {
  const std::string path = folder_ / "not" / "there.pcap";
  const auto file = PcapFile::create(path, {"smol0"}, 100);
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().message,
            "capture file " + path + ": cannot create: No such file or directory");
}

}  // namespace
}  // namespace smol::dataplane
