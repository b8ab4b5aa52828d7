#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/captured_packet.hh"
#include "dataplane/config.hh"
#include "protocols/base/bytes.hh"
#include "protocols/base/result.hh"
#include "protocols/pcap/pcap.hh"

namespace smol::dataplane {

/// A capture file of Ethernet frames that tcpdump, tshark and Wireshark read. Classic pcap with
/// nanoseconds, or, if the name ends in ".pcapng", pcapng: an interface description a port, and
/// with each packet its direction, its queue, how many were lost before it, and why it was dropped
/// as its comment. Thread: one.
class PcapFile {
 public:
  /// Truncates what is there. `interfaces`: names, in the order of their ids. Error: the file
  /// cannot be created.
  static Result<std::unique_ptr<PcapFile>, StartError> create(
      const std::string& path, const std::vector<std::string>& interfaces,
      std::uint32_t snap_length);
  ~PcapFile();
  PcapFile(const PcapFile&) = delete;
  PcapFile& operator=(const PcapFile&) = delete;

  /// False: the file cannot be written; errno says why.
  bool write(const CapturedPacket& packet);
  /// What was written is in the kernel's hands afterwards. False as of write().
  bool flush();
  /// pcapng's interface statistics, at the end.
  bool finish(std::int64_t unix_ns, std::uint64_t received, std::uint64_t lost);

 private:
  PcapFile(std::FILE* file, bool ng, std::size_t interfaces)
      : file_{file}, ng_{ng}, interfaces_{interfaces} {}

  bool write_headers(const std::vector<std::string>& interfaces, std::uint32_t snap_length);
  MutBytes room(std::size_t octets);
  bool put(std::size_t octets);

  std::FILE* file_;
  const bool ng_;
  const std::size_t interfaces_;
  std::vector<std::uint8_t> record_;  ///< being built; keeps its memory
  std::string comment_;
};

}  // namespace smol::dataplane
