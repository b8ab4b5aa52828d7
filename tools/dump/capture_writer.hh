#pragma once

#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "protocols/base/result.hh"
#include "tools/dump/packet_source.hh"

namespace smol::dump {

enum class FileForm : std::uint8_t { kPcap, kPcapng };

/// Packets into a file that tcpdump, tshark and Wireshark read: pcap with nanoseconds, or pcapng
/// with all that is known of each packet. An interface is described before its first packet.
/// Thread: one.
class CaptureWriter {
 public:
  /// `path` "-": standard output. `link_type`: as libpcap numbers it. Error: a sentence.
  static Result<std::unique_ptr<CaptureWriter>, std::string> create(const std::string& path,
                                                                    FileForm form, int link_type,
                                                                    std::uint32_t snap_length,
                                                                    const std::string& filter);
  ~CaptureWriter();
  CaptureWriter(const CaptureWriter&) = delete;
  CaptureWriter& operator=(const CaptureWriter&) = delete;

  /// False: it cannot be written; errno says why. The same for those below.
  bool write(const SourcePacket& packet);
  bool flush();
  /// All that was written is in the file afterwards. `counts`: what was seen and lost, for pcapng
  /// to tell if all packets are of one interface.
  bool close(const std::optional<CaptureCounts>& counts = std::nullopt);

 private:
  CaptureWriter(std::FILE* file, FileForm form, pcap::LinkType link, std::uint32_t snap_length,
                std::string filter)
      : file_{file},
        form_{form},
        link_{link},
        snap_length_{snap_length},
        filter_{std::move(filter)} {}

  bool write_header();
  bool write_counts(const CaptureCounts& counts);
  bool put(std::size_t octets);
  MutBytes room(std::size_t octets);
  /// The number of an interface, described if it is new. -1: it cannot be written.
  std::int64_t interface_id(const std::string& name);

  std::FILE* file_;
  const FileForm form_;
  const pcap::LinkType link_;
  const std::uint32_t snap_length_;
  const std::string filter_;
  std::vector<std::uint8_t> record_;
  std::vector<std::string> interfaces_;
  std::int64_t last_ns_ = 0;  ///< when the last packet was seen
  std::uint64_t written_ = 0;
};

}  // namespace smol::dump
