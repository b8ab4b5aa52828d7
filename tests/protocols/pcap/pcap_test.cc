// Records to the octet, as the formats' drafts draw them, and whole files as libpcap, tcpdump and
// tshark, which are not ours, read them.

#include "protocols/pcap/pcap.hh"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>
#include <pcap/pcap.h>

namespace smol::pcap {
namespace {

using Octets = std::vector<std::uint8_t>;

template <class Record>
Octets written(std::size_t (*write)(MutBytes, const Record&) noexcept, const Record& record,
               std::size_t size) {
  Octets out(size, 0xee);
  EXPECT_EQ(write(out, record), size);
  return out;
}
Octets block(const Section& s) {
  return written(write_section, s, size_of(s));
}
Octets block(const Interface& i) {
  return written(write_interface, i, size_of(i));
}
Octets block(const Packet& p) {
  return written(write_packet, p, size_of(p));
}
Octets block(const Statistics& s) {
  return written(write_statistics, s, size_of(s));
}

/// "0a 0d" as octets.
Octets octets(std::string hex) {
  hex.erase(std::remove(hex.begin(), hex.end(), ' '), hex.end());
  Octets out;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    out.push_back(static_cast<std::uint8_t>(std::stoul(hex.substr(i, 2), nullptr, 16)));
  }
  return out;
}

constexpr std::int64_t kWhen = 1'795'000'000'123'456'789;  // 0x18e9'1efd'632f'4d15

const Octets kArp = octets(
    "ff ff ff ff ff ff 02 00 00 00 00 01 08 06 00 01 08 00 06 04 00 01"
    "02 00 00 00 00 01 c0 00 02 01 00 00 00 00 00 00 c0 00 02 02 00");  // 43: needs padding

Packet arp() {
  Packet out;
  out.unix_ns = kWhen;
  out.length = 60;
  out.octets = kArp;
  return out;
}

TEST(Pcap, FileHeaderIsNanosecondsLittleEndian) {
  Octets out(kFileHeaderOctets);
  EXPECT_EQ(write_file_header(out, LinkType::kIeee802154NoFcs, 65'535), kFileHeaderOctets);
  EXPECT_EQ(out, octets("4d 3c b2 a1 02 00 04 00 00 00 00 00 00 00 00 00 ff ff 00 00 e6 00 00 00"));
}

TEST(Pcap, RecordHasSecondsNanosecondsAndBothLengths) {
  Packet packet = arp();
  packet.octets = packet.octets.first(3);
  EXPECT_EQ(written(write_record, packet, size_of_record(packet)),
            octets("c0 86 fd 6a 15 cd 5b 07 03 00 00 00 3c 00 00 00 ff ff ff"));
}

TEST(Pcapng, SectionHeaderNamesTheApplication) {
  EXPECT_EQ(block(Section{.hardware = {}, .os = {}, .application = "smold", .comment = {}}),
            octets("0a 0d 0d 0a 2c 00 00 00 4d 3c 2b 1a 01 00 00 00 ff ff ff ff ff ff ff ff"
                   "04 00 05 00 73 6d 6f 6c 64 00 00 00 00 00 00 00 2c 00 00 00"));
}

TEST(Pcapng, SectionWithNothingToSayHasNoOptions) {
  EXPECT_EQ(block(Section{}), octets("0a 0d 0d 0a 1c 00 00 00 4d 3c 2b 1a 01 00 00 00"
                                     "ff ff ff ff ff ff ff ff 1c 00 00 00"));
}

TEST(Pcapng, InterfaceHasItsNameNanosecondsAndFilter) {
  EXPECT_EQ(block(Interface{.link = LinkType::kEthernet,
                            .snap_length = 256,
                            .name = "smol0",
                            .description = {},
                            .filter = "arp"}),
            octets("01 00 00 00 34 00 00 00 01 00 00 00 00 01 00 00"
                   "02 00 05 00 73 6d 6f 6c 30 00 00 00 09 00 01 00 09 00 00 00"
                   "0b 00 04 00 00 61 72 70 00 00 00 00 34 00 00 00"));
}

TEST(Pcapng, PacketSaysAllThereIsToSay) {
  Packet packet = arp();
  packet.octets = packet.octets.first(5);
  packet.interface = 2;
  packet.direction = Direction::kOutbound;
  packet.dropped_before = 7;
  packet.packet_id = 0x0102'0304'0506'0708;
  packet.queue = 3;
  packet.comment = "drop";
  EXPECT_EQ(block(packet), octets("06 00 00 00 5c 00 00 00 02 00 00 00 fd 1e e9 18 15 4d 2f 63"
                                  "05 00 00 00 3c 00 00 00 ff ff ff ff ff 00 00 00"
                                  "02 00 04 00 02 00 00 00 04 00 08 00 07 00 00 00 00 00 00 00"
                                  "05 00 08 00 08 07 06 05 04 03 02 01 06 00 04 00 03 00 00 00"
                                  "01 00 04 00 64 72 6f 70 00 00 00 00 5c 00 00 00"));
}

TEST(Pcapng, PacketWithNothingToSayHasNoOptions) {
  Packet packet = arp();
  packet.octets = {};
  EXPECT_EQ(block(packet), octets("06 00 00 00 20 00 00 00 00 00 00 00 fd 1e e9 18 15 4d 2f 63"
                                  "00 00 00 00 3c 00 00 00 20 00 00 00"));
}

TEST(Pcapng, StatisticsSayWhatIsKnown) {
  Statistics statistics;
  statistics.interface = 1;
  statistics.unix_ns = kWhen;
  statistics.received = 9;
  statistics.dropped = 8;
  statistics.accepted = 7;
  statistics.os_dropped = 6;
  statistics.delivered = 5;
  EXPECT_EQ(block(statistics),
            octets("05 00 00 00 58 00 00 00 01 00 00 00 fd 1e e9 18 15 4d 2f 63"
                   "04 00 08 00 09 00 00 00 00 00 00 00 05 00 08 00 08 00 00 00 00 00 00 00"
                   "06 00 08 00 07 00 00 00 00 00 00 00 07 00 08 00 06 00 00 00 00 00 00 00"
                   "08 00 08 00 05 00 00 00 00 00 00 00 00 00 00 00 58 00 00 00"));
}

TEST(Pcapng, CommentTooLongIsCutBetweenCharacters) {
  std::string text(65'533, 'x');
  text += "\xc3\xa9 and more";
  Packet packet = arp();
  const std::size_t plain = size_of(packet);
  packet.comment = text;
  const Octets out = block(packet);
  ASSERT_EQ(out.size(), plain + 4 + 65'536 + 4);
  EXPECT_EQ(out[plain - 4], 1);
  EXPECT_EQ(out[plain - 4 + 2] | out[plain - 4 + 3] << 8, 65'533);
}

/// Nothing behind the buffer is written, whatever its size.
TEST(Pcapng, RecordThatDoesNotFitIsNotWritten) {
  Packet packet = arp();
  packet.comment = "why";
  const Section section{.hardware = {}, .os = {}, .application = "a", .comment = {}};
  const Interface interface;
  Statistics statistics;
  statistics.received = 1;
  const std::vector<std::pair<std::size_t, std::function<std::size_t(MutBytes)>>> rows = {
      {kFileHeaderOctets, [](MutBytes o) { return write_file_header(o, LinkType::kRawIp, 1); }},
      {size_of_record(packet), [&](MutBytes o) { return write_record(o, packet); }},
      {size_of(section), [&](MutBytes o) { return write_section(o, section); }},
      {size_of(interface), [&](MutBytes o) { return write_interface(o, interface); }},
      {size_of(packet), [&](MutBytes o) { return write_packet(o, packet); }},
      {size_of(statistics), [&](MutBytes o) { return write_statistics(o, statistics); }},
  };
  for (const auto& [size, write] : rows) {
    for (std::size_t room = 0; room <= size + 4; ++room) {
      Octets out(room + 8, 0xee);
      EXPECT_EQ(write(MutBytes{out}.first(room)), room < size ? 0 : size);
      for (std::size_t i = room; i < out.size(); ++i) ASSERT_EQ(out[i], 0xee) << room;
    }
  }
}

class PcapTools : public ::testing::Test {
 protected:
  std::string path_ = SMOL_TEST_TMP "/pcap_test." + std::to_string(getpid());

  void TearDown() override { std::remove(path_.c_str()); }

  void save(std::initializer_list<Octets> parts) {
    std::FILE* file = std::fopen(path_.c_str(), "wb");
    ASSERT_NE(file, nullptr);
    for (const Octets& part : parts) {
      EXPECT_EQ(std::fwrite(part.data(), 1, part.size(), file), part.size());
    }
    std::fclose(file);
  }
  void save_pcap() {
    Octets head(kFileHeaderOctets);
    write_file_header(head, LinkType::kEthernet, 65'535);
    const Packet packet = arp();
    save({head, written(write_record, packet, size_of_record(packet))});
  }
  void save_pcapng() {
    Packet first = arp();
    first.direction = Direction::kInbound;
    first.queue = 3;
    first.packet_id = 77;
    first.comment = "drop: tcp_bad_checksum";
    Packet second = arp();
    second.unix_ns += 1;
    second.interface = 1;
    second.direction = Direction::kOutbound;
    second.dropped_before = 5;
    Interface one;
    one.name = "smol0";
    Interface two;
    two.name = "smol1";
    Statistics end;
    end.unix_ns = kWhen + 2;
    end.received = 2;
    save({block(Section{.hardware = {}, .os = {}, .application = "test", .comment = {}}),
          block(one), block(two), block(first), block(second), block(end)});
  }
  /// What the command prints; the test is skipped without the tool.
  static std::string output_of(const std::string& command) {
    std::FILE* pipe = popen(command.c_str(), "r");
    if (pipe == nullptr) return "no shell";
    std::string out;
    std::array<char, 4096> part{};
    while (const std::size_t n = std::fread(part.data(), 1, part.size(), pipe)) {
      out.append(part.data(), n);
    }
    const int status = pclose(pipe);
    return status == 0 ? out : out + "(failed)";
  }
  static bool installed(const char* tool) {
    return std::system((std::string{"command -v "} + tool + " >/dev/null").c_str()) == 0;
  }
};

TEST_F(PcapTools, LibpcapReadsBothFormats) {
  for (const bool ng : {false, true}) {
    ng ? save_pcapng() : save_pcap();
    std::array<char, PCAP_ERRBUF_SIZE> error{};
    pcap_t* file = pcap_open_offline_with_tstamp_precision(
        path_.c_str(), PCAP_TSTAMP_PRECISION_NANO, error.data());
    ASSERT_NE(file, nullptr) << error.data();
    EXPECT_EQ(pcap_datalink(file), DLT_EN10MB);
    pcap_pkthdr* head = nullptr;
    const u_char* data = nullptr;
    for (int n = 0; n < (ng ? 2 : 1); ++n) {
      ASSERT_EQ(pcap_next_ex(file, &head, &data), 1) << pcap_geterr(file);
      EXPECT_EQ(head->ts.tv_sec * 1'000'000'000 + head->ts.tv_usec, kWhen + n);
      EXPECT_EQ(head->len, 60u);
      EXPECT_EQ(Octets(data, data + head->caplen), kArp);
    }
    EXPECT_EQ(pcap_next_ex(file, &head, &data), PCAP_ERROR_BREAK) << pcap_geterr(file);
    pcap_close(file);
  }
}

TEST_F(PcapTools, TcpdumpReadsBothFormats) {
  if (!installed("tcpdump")) GTEST_SKIP() << "no tcpdump: apt-get install tcpdump";
  const std::string line = "ARP, Request who-has 192.0.2.2 tell 192.0.2.1, length 46\n";
  const std::string command = "TZ=UTC tcpdump -n -tt --nano -r " + path_ + " 2>/dev/null";
  save_pcap();
  EXPECT_EQ(output_of(command), "1795000000.123456789 " + line);
  save_pcapng();
  EXPECT_EQ(output_of(command), "1795000000.123456789 " + line + "1795000000.123456790 " + line);
}

TEST_F(PcapTools, TsharkShowsWhatTheBlocksSay) {
  if (!installed("tshark")) GTEST_SKIP() << "no tshark: apt-get install tshark";
  save_pcapng();
  EXPECT_EQ(output_of("tshark -r " + path_ +
                      " -T fields -E separator=, -e frame.interface_name"
                      " -e frame.packet_flags_direction -e frame.interface_queue"
                      " -e frame.packet_id -e frame.drop_count -e frame.comment"
                      " -e frame.time_epoch 2>/dev/null"),
            "smol0,0x00000001,3,77,,drop: tcp_bad_checksum,1795000000.123456789\n"
            "smol1,0x00000002,,,5,,1795000000.123456790\n");
}

}  // namespace
}  // namespace smol::pcap
