#include "dataplane/pcap_file.hh"

#include <cerrno>
#include <cstring>

#include "dataplane/captured_pcap.hh"

namespace smol::dataplane {
namespace {

constexpr std::size_t kFileBuffer = 1 << 20;

}  // namespace

Result<std::unique_ptr<PcapFile>, StartError> PcapFile::create(
    const std::string& path, const std::vector<std::string>& interfaces,
    std::uint32_t snap_length) {
  std::FILE* file = std::fopen(path.c_str(), "wbe");
  if (file == nullptr) {
    return fail(StartError{"capture file " + path + ": cannot create: " + std::strerror(errno)});
  }
  std::setvbuf(file, nullptr, _IOFBF, kFileBuffer);
  const bool ng = path.ends_with(".pcapng");
  std::unique_ptr<PcapFile> out{new PcapFile{file, ng, interfaces.size()}};
  if (!out->write_headers(interfaces, snap_length) || !out->flush()) {
    return fail(StartError{"capture file " + path + ": cannot write: " + std::strerror(errno)});
  }
  return out;
}

PcapFile::~PcapFile() {
  std::fclose(file_);
}

MutBytes PcapFile::room(std::size_t octets) {
  if (record_.size() < octets) record_.resize(octets);
  return record_;
}

bool PcapFile::put(std::size_t octets) {
  return std::fwrite(record_.data(), 1, octets, file_) == octets;
}

bool PcapFile::flush() {
  return std::fflush(file_) == 0;
}

bool PcapFile::write_headers(const std::vector<std::string>& interfaces,
                             std::uint32_t snap_length) {
  if (!ng_) {
    return put(pcap::write_file_header(room(pcap::kFileHeaderOctets), pcap::LinkType::kEthernet,
                                       snap_length));
  }
  pcap::Section section;
  section.application = "smold";
  if (!put(pcap::write_section(room(pcap::size_of(section)), section))) return false;
  for (const std::string& name : interfaces) {
    pcap::Interface interface;
    interface.snap_length = snap_length;
    interface.name = name;
    if (!put(pcap::write_interface(room(pcap::size_of(interface)), interface))) return false;
  }
  return true;
}

bool PcapFile::write(const CapturedPacket& packet) {
  const pcap::Packet out = pcap_packet(packet, comment_);
  if (!ng_) return put(pcap::write_record(room(pcap::size_of_record(out)), out));
  return put(pcap::write_packet(room(pcap::size_of(out)), out));
}

bool PcapFile::finish(std::int64_t unix_ns, std::uint64_t received, std::uint64_t lost) {
  if (!ng_) return flush();
  for (std::uint32_t i = 0; i < interfaces_; ++i) {
    pcap::Statistics statistics;
    statistics.interface = i;
    statistics.unix_ns = unix_ns;
    // The rings are per worker, not per port: the totals stand with the first.
    if (i == 0) {
      statistics.received = received;
      statistics.dropped = lost;
    }
    if (!put(pcap::write_statistics(room(pcap::size_of(statistics)), statistics))) return false;
  }
  return flush();
}

}  // namespace smol::dataplane
