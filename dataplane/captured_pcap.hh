#pragma once

#include <string>

#include "dataplane/captured_packet.hh"
#include "protocols/base/text.hh"
#include "protocols/pcap/pcap.hh"

namespace smol::dataplane {

/// A captured packet for a capture file: pcapng's comment says why it was dropped, if it was
/// ("drop: tcp_bad_checksum"), and has its connection's variables ("tcp: ESTAB cubic ...",
/// tcp::Trace::print()); "; " is between the two. What it shows of the packet is borrowed, and of
/// `comment`, which is overwritten.
inline pcap::Packet pcap_packet(const CapturedPacket& packet, std::string& comment) {
  comment.clear();
  if (packet.dropped) {
    comment = "drop: ";
    comment += name(packet.reason);
  }
  if (packet.trace != nullptr) {
    Text<tcp::Trace::kMaxText> text;
    packet.trace->print(text);
    comment += comment.empty() ? "tcp: " : "; tcp: ";
    comment += text.view();
  }
  pcap::Packet out;
  out.unix_ns = packet.unix_ns;
  out.length = packet.length;
  out.octets = packet.octets;
  out.interface = packet.interface;
  out.direction =
      packet.direction == Direction::kRx ? pcap::Direction::kInbound : pcap::Direction::kOutbound;
  out.dropped_before = packet.lost;
  out.queue = packet.queue;
  out.comment = comment;
  return out;
}

}  // namespace smol::dataplane
