#include "tests/sim/trace.hh"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <ostream>
#include <utility>

#include "protocols/base/text.hh"
#include "protocols/pcap/pcap.hh"

namespace smol::sim {
namespace {

std::string flags_text(TcpFlags flags) {
  std::string out;
  if (flags.syn()) out += 'S';
  if (flags.fin()) out += 'F';
  if (flags.rst()) out += 'R';
  if (flags.psh()) out += 'P';
  if (flags.urg()) out += 'U';
  if (flags.ece()) out += 'E';
  if (flags.cwr()) out += 'W';
  if (flags.ack()) out += '.';
  return out;
}

/// "S. 40000 > 80 seq 17:18 ack 4 win 512 <mss 1460 ts 1 0>"
std::string line_of(Bytes frame) {
  const std::optional<WireSegment> segment = segment_in(frame, true);
  if (!segment) {
    return std::to_string(frame.size()) + " octets, " +
           (is_neighbor_talk(frame) ? "neighbour discovery" : "no good TCP segment");
  }
  const WireSegment& s = *segment;
  std::string out = flags_text(s.flags) + " " + std::to_string(s.src_port) + " > " +
                    std::to_string(s.dst_port) + " seq " + std::to_string(s.seq.raw);
  if (s.seq_len() > 0) out += ":" + std::to_string((s.seq + s.seq_len()).raw);
  if (s.flags.ack()) out += " ack " + std::to_string(s.ack.raw);
  out += " win " + std::to_string(s.window);
  std::string options;
  if (s.options.mss) options += " mss " + std::to_string(*s.options.mss);
  if (s.options.window_scale) options += " ws " + std::to_string(*s.options.window_scale);
  if (s.options.sack_permitted) options += " sackOK";
  if (s.options.timestamps) {
    options += " ts " + std::to_string(s.options.timestamps->tsval) + " " +
               std::to_string(s.options.timestamps->tsecr);
  }
  for (const SackBlock& block : s.options.sack) {
    options += " sack " + std::to_string(block.left.raw) + ":" + std::to_string(block.right.raw);
  }
  if (!options.empty()) out += " <" + options.substr(1) + ">";
  if (s.ecn != Ecn::kNotEct) out += s.ecn == Ecn::kCe ? " CE" : " ECT";
  return out;
}

template <class Write>
void append(std::vector<std::uint8_t>& file, std::size_t size, Write&& write) {
  const std::size_t at = file.size();
  file.resize(at + size);
  write(MutBytes{file}.subspan(at));
}

}  // namespace

void Trace::add(Instant now, int side, Way way, const Parcel& parcel) {
  entries_.push_back({now, side, way, parcel.id, parcel.octets, {}});
}

void Trace::note(std::uint64_t id, std::string_view text) {
  if (keeps_ == Keeps::kSent) return;
  std::string& all = notes_[id];
  if (!all.empty()) all += ", ";
  all += text;
}

void Trace::event(Instant now, std::string text) {
  entries_.push_back({now, 0, Way::kEvent, 0, {}, std::move(text)});
}

std::string Trace::notes_of(std::uint64_t id) const {
  const auto found = notes_.find(id);
  return found == notes_.end() ? std::string{} : found->second;
}

void Trace::begin_pcapng(std::vector<std::uint8_t>& file, std::string_view comment) {
  pcap::Section section;
  section.application = "smolplane simulator";
  section.comment = comment;
  append(file, pcap::size_of(section), [&](MutBytes out) { pcap::write_section(out, section); });
  for (const char* name : {"host0", "host1"}) {
    pcap::Interface interface;
    interface.name = name;
    append(file, pcap::size_of(interface),
           [&](MutBytes out) { pcap::write_interface(out, interface); });
  }
}

std::vector<int> Trace::append_packets(std::vector<std::uint8_t>& file, Duration later) const {
  std::vector<int> sides;
  for (const Entry& entry : entries_) {
    if (entry.way == Way::kEvent) continue;
    const std::string notes = notes_of(entry.id);
    pcap::Packet packet;
    packet.unix_ns = (entry.at - start_ + later).count();
    packet.length = static_cast<std::uint32_t>(entry.octets.size());
    packet.octets = entry.octets;
    packet.interface = static_cast<std::uint32_t>(entry.side);
    packet.direction =
        entry.way == Way::kOut ? pcap::Direction::kOutbound : pcap::Direction::kInbound;
    packet.packet_id = entry.id;
    packet.comment = notes;
    append(file, pcap::size_of(packet), [&](MutBytes out) { pcap::write_packet(out, packet); });
    sides.push_back(entry.side);
  }
  return sides;
}

bool Trace::write_pcapng(const std::string& path, std::string_view comment) const {
  std::vector<std::uint8_t> file;
  begin_pcapng(file, comment);
  append_packets(file, Duration{0});
  std::ofstream out{path, std::ios::binary};
  out.write(reinterpret_cast<const char*>(file.data()), static_cast<std::streamsize>(file.size()));
  return static_cast<bool>(out.flush());
}

void Trace::print(std::ostream& out) const {
  for (const Entry& entry : entries_) {
    std::array<char, 32> time{};
    std::snprintf(time.data(), time.size(), "%12.6f",
                  static_cast<double>((entry.at - start_).count()) / 1e9);
    out << time.data() << ' ';
    if (entry.way == Way::kEvent) {
      out << "        " << entry.text << '\n';
      continue;
    }
    out << entry.side << (entry.way == Way::kOut ? " sends " : " gets  ") << line_of(entry.octets);
    // What became of it stands where it was sent; where it arrives, only what it arrives as.
    if (const std::string notes = notes_of(entry.id); !notes.empty()) out << "   -- " << notes;
    out << '\n';
  }
}

}  // namespace smol::sim
