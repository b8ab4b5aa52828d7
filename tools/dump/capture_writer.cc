#include "tools/dump/capture_writer.hh"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <pcap/pcap.h>

namespace smol::dump {
namespace {

/// The number that files have for what libpcap has another one for (raw IP, of the likely ones).
pcap::LinkType in_files(int datalink) {
  return datalink == DLT_RAW ? pcap::LinkType::kRawIp : static_cast<pcap::LinkType>(datalink);
}

}  // namespace

Result<std::unique_ptr<CaptureWriter>, std::string> CaptureWriter::create(
    const std::string& path, FileForm form, int link_type, std::uint32_t snap_length,
    const std::string& filter) {
  std::FILE* file = path == "-" ? stdout : std::fopen(path.c_str(), "wbe");
  if (file == nullptr) return fail(fmt::format("{}: {}", path, std::strerror(errno)));
  std::unique_ptr<CaptureWriter> out{
      new CaptureWriter{file, form, in_files(link_type), snap_length, filter}};
  if (!out->write_header()) return fail(fmt::format("{}: {}", path, std::strerror(errno)));
  return out;
}

CaptureWriter::~CaptureWriter() {
  close();
}

bool CaptureWriter::close(const std::optional<CaptureCounts>& counts) {
  if (file_ == nullptr) return true;
  // Readers refuse a section without an interface, also where it has no packet.
  bool described = form_ == FileForm::kPcap || !interfaces_.empty() || interface_id({}) >= 0;
  if (counts && form_ == FileForm::kPcapng && interfaces_.size() == 1) {
    described = write_counts(*counts) && described;
  }
  std::FILE* file = file_;
  file_ = nullptr;
  const bool written = file == stdout ? std::fflush(file) == 0 : std::fclose(file) == 0;
  return described && written;
}

bool CaptureWriter::write_counts(const CaptureCounts& counts) {
  pcap::Statistics statistics;
  statistics.unix_ns = last_ns_;
  statistics.accepted = counts.matched;
  statistics.os_dropped = counts.lost();
  statistics.delivered = written_;
  return put(pcap::write_statistics(room(pcap::size_of(statistics)), statistics));
}

MutBytes CaptureWriter::room(std::size_t octets) {
  record_.resize(octets);
  return record_;
}

bool CaptureWriter::put(std::size_t octets) {
  return std::fwrite(record_.data(), 1, octets, file_) == octets;
}

bool CaptureWriter::write_header() {
  if (form_ == FileForm::kPcap) {
    return put(pcap::write_file_header(room(pcap::kFileHeaderOctets), link_, snap_length_));
  }
  pcap::Section section;
  section.application = "smoldump";
  return put(pcap::write_section(room(pcap::size_of(section)), section));
}

std::int64_t CaptureWriter::interface_id(const std::string& name) {
  const auto found = std::find(interfaces_.begin(), interfaces_.end(), name);
  if (found != interfaces_.end()) return found - interfaces_.begin();
  pcap::Interface interface;
  interface.link = link_;
  interface.snap_length = snap_length_;
  interface.name = name;
  interface.filter = filter_;
  if (!put(pcap::write_interface(room(pcap::size_of(interface)), interface))) return -1;
  interfaces_.push_back(name);
  return static_cast<std::int64_t>(interfaces_.size()) - 1;
}

bool CaptureWriter::write(const SourcePacket& packet) {
  pcap::Packet out;
  out.unix_ns = std::max<std::int64_t>(packet.captured.when, 0);
  out.length = packet.captured.length;
  out.octets = packet.captured.octets;
  last_ns_ = out.unix_ns;
  ++written_;
  if (form_ == FileForm::kPcap) {
    return put(pcap::write_record(room(pcap::size_of_record(out)), out));
  }
  const std::int64_t interface = interface_id(packet.meta.interface);
  if (interface < 0) return false;
  const std::string comment = comment_of(packet.meta);
  out.interface = static_cast<std::uint32_t>(interface);
  out.direction = packet.meta.direction;
  out.queue = packet.meta.queue;
  out.dropped_before = packet.meta.dropped_before;
  out.comment = comment;
  return put(pcap::write_packet(room(pcap::size_of(out)), out));
}

bool CaptureWriter::flush() {
  return std::fflush(file_) == 0;
}

}  // namespace smol::dump
