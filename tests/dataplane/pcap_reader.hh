#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <pcap/pcap.h>

namespace smol::dataplane::testing {

/// A packet as libpcap, which is not ours, reads it.
struct ReadPacket {
  std::int64_t unix_ns;
  std::vector<std::uint8_t> octets;
  std::size_t length;
};

/// All packets of a file of Ethernet frames; a failure of the test if it is not one.
inline std::vector<ReadPacket> read_pcap(const std::string& path) {
  std::array<char, PCAP_ERRBUF_SIZE> error{};
  pcap_t* file = pcap_open_offline_with_tstamp_precision(path.c_str(), PCAP_TSTAMP_PRECISION_NANO,
                                                         error.data());
  EXPECT_NE(file, nullptr) << error.data();
  std::vector<ReadPacket> out;
  if (file == nullptr) return out;
  EXPECT_EQ(pcap_datalink(file), DLT_EN10MB);
  pcap_pkthdr* head = nullptr;
  const u_char* data = nullptr;
  int status = 0;
  while ((status = pcap_next_ex(file, &head, &data)) == 1) {
    out.push_back({head->ts.tv_sec * 1'000'000'000LL + head->ts.tv_usec,
                   {data, data + head->caplen},
                   head->len});
  }
  EXPECT_EQ(status, PCAP_ERROR_BREAK) << pcap_geterr(file);
  pcap_close(file);
  return out;
}

}  // namespace smol::dataplane::testing
