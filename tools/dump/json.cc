#include "tools/dump/json.hh"

#include <ctime>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "protocols/tcp/cc/congestion.hh"
#include "protocols/tcp/trace.hh"
#include "protocols/wire/arp.hh"
#include "protocols/wire/ethernet.hh"
#include "protocols/wire/icmpv4.hh"
#include "protocols/wire/icmpv6.hh"
#include "protocols/wire/ip.hh"
#include "protocols/wire/ipv4.hh"
#include "protocols/wire/ipv6.hh"
#include "protocols/wire/tcp.hh"
#include "protocols/wire/udp.hh"
#include "tools/dump/names.hh"

namespace smol::dump {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kTag = 4;

std::string utc(UnixNs when) {
  const std::time_t seconds = when / 1'000'000'000;
  std::tm time{};
  gmtime_r(&seconds, &time);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", time.tm_year + 1900,
                     time.tm_mon + 1, time.tm_mday, time.tm_hour, time.tm_min, time.tm_sec,
                     when % 1'000'000'000);
}

std::string text_of(const IpAddress& ip4) {
  return v4_text(ip4.wire());
}

std::string flags_of(const TcpFlags& flags) {
  std::string out;
  const auto add = [&](bool set, char letter) {
    if (set) out += letter;
  };
  add(flags.fin(), 'F');
  add(flags.syn(), 'S');
  add(flags.rst(), 'R');
  add(flags.psh(), 'P');
  add(flags.ack(), 'A');
  add(flags.urg(), 'U');
  add(flags.ece(), 'E');
  add(flags.cwr(), 'C');
  return out;
}

Bytes front(Bytes octets, std::size_t most) {
  return octets.first(std::min(octets.size(), most));
}

void put_tcp(Json& out, Bytes octets, std::size_t length) {
  const auto tcp = TcpView::parse(front(octets, 60));
  if (!tcp) return;
  Json& json = out["tcp"];
  json = {{"sport", tcp->src_port()}, {"dport", tcp->dst_port()}, {"flags", flags_of(tcp->flags())},
          {"seq", tcp->seq().raw},    {"ack", tcp->ack().raw},    {"win", tcp->window()}};
  if (length >= tcp->header_len()) json["len"] = length - tcp->header_len();
}

void put_transport(Json& out, IpProtocol protocol, Bytes octets, std::size_t length) {
  switch (protocol) {
    case IpProtocol::kTcp:
      put_tcp(out, octets, length);
      break;
    case IpProtocol::kUdp:
      if (const auto udp = UdpView::parse(octets, length)) {
        out["udp"] = {{"sport", udp->src_port()},
                      {"dport", udp->dst_port()},
                      {"len", udp->length() - UdpView::kHeader}};
      }
      break;
    case IpProtocol::kIcmp:
      if (const auto icmp = Icmp4View::parse(octets, length)) {
        out["icmp"] = {{"type", static_cast<unsigned>(icmp->type())}, {"code", icmp->code()}};
      }
      break;
    case IpProtocol::kIcmp6:
      if (const auto icmp = Icmp6View::parse(octets, length)) {
        out["icmp6"] = {{"type", static_cast<unsigned>(icmp->type())}, {"code", icmp->code()}};
      }
      break;
    case IpProtocol::kHopByHop:
    case IpProtocol::kRouting:
    case IpProtocol::kFragment:
    case IpProtocol::kNoNextHeader:
    case IpProtocol::kDestinationOptions:
      break;
  }
}

void put_ip4(Json& out, Bytes octets, std::size_t length) {
  const auto ip = Ip4View::parse(octets, length);
  if (!ip) return;
  Json& json = out["ip"];
  json = {{"src", text_of(ip->source())},
          {"dst", text_of(ip->destination())},
          {"ttl", ip->ttl()},
          {"proto", static_cast<unsigned>(ip->protocol())},
          {"len", ip->total_len()}};
  if (ip->is_fragment()) {
    json["id"] = ip->identification();
    json["offset"] = ip->fragment_offset();
    json["more"] = ip->more_fragments();
  }
  if (ip->fragment_offset() != 0) return;
  const std::size_t payload = ip->total_len() - ip->header_len();
  const Bytes rest = octets.subspan(ip->header_len());
  put_transport(out, ip->protocol(), front(rest, payload), payload);
}

void put_ip6(Json& out, Bytes octets, std::size_t length) {
  const auto ip = Ip6View::parse(octets, length);
  if (!ip) return;
  out["ip6"] = {{"src", v6_text(ip->source().octets())},
                {"dst", v6_text(ip->destination().octets())},
                {"hlim", ip->hop_limit()},
                {"next", static_cast<unsigned>(ip->next_header())},
                {"len", ip->payload_len()}};
  const Bytes rest = octets.subspan(Ip6View::kHeader);
  put_transport(out, ip->next_header(), front(rest, ip->payload_len()), ip->payload_len());
}

void put_arp(Json& out, Bytes octets) {
  const auto arp = ArpRepr::parse(octets);
  if (!arp) return;
  out["arp"] = {{"op", static_cast<unsigned>(arp->operation)},
                {"sha", link_address_text(arp->sender_mac.octets)},
                {"spa", text_of(arp->sender_ip)},
                {"tha", link_address_text(arp->target_mac.octets)},
                {"tpa", text_of(arp->target_ip)}};
}

void put_network(Json& out, std::uint16_t type, Bytes octets, std::size_t length) {
  switch (static_cast<EtherType>(type)) {
    case EtherType::kIp4:
      put_ip4(out, octets, length);
      break;
    case EtherType::kIp6:
      put_ip6(out, octets, length);
      break;
    case EtherType::kArp:
      put_arp(out, octets);
      break;
    case EtherType::kVlan:
      break;
  }
}

void put_ethernet(Json& out, Bytes octets, std::size_t length) {
  const auto frame = EthernetView::parse(octets);
  if (!frame) return;
  std::uint16_t type = frame->type();
  std::size_t header = EthernetView::kHeader;
  Json vlans = Json::array();
  while ((type == 0x8100 || type == 0x88a8) && octets.size() >= header + kTag) {
    vlans.push_back(be16(octets, header) & 0x0fff);
    type = be16(octets, header + 2);
    header += kTag;
  }
  Json& json = out["eth"];
  json = {{"src", link_address_text(frame->source().octets)},
          {"dst", link_address_text(frame->destination().octets)},
          {"type", fmt::format("0x{:04x}", type)}};
  if (!vlans.empty()) json["vlan"] = std::move(vlans);
  if (length >= header) put_network(out, type, octets.subspan(header), length - header);
}

/// With the keys of `smolctl -j ss -i`; times in milliseconds, sequence numbers as on the wire.
void put_trace(Json& out, const tcp::Trace& trace) {
  const auto ms = [](std::uint32_t us) { return us / 1e3; };
  const auto marked = [&](std::uint8_t mark) { return (trace.marks & mark) != 0; };
  Json& json = out["tcp_info"];
  json = {{"socket", trace.socket},
          {"state", tcp::ss_name(trace.state)},
          {"congestion", tcp::name(trace.congestion)},
          {"phase", tcp::name(trace.phase)},
          {"episode", tcp::name(trace.episode)},
          {"cwnd", trace.cwnd},
          {"in_flight", trace.in_flight},
          {"sacked", trace.sacked},
          {"lost", trace.lost},
          {"notsent", trace.unsent},
          {"snd_wnd", trace.snd_wnd},
          {"rcv_wnd", trace.rcv_wnd},
          {"mss", trace.mss},
          {"iss", trace.iss.raw},
          {"irs", trace.irs.raw},
          {"snd_una", trace.snd_una.raw},
          {"snd_nxt", trace.snd_nxt.raw},
          {"rcv_nxt", trace.rcv_nxt.raw},
          {"rto", ms(trace.rto_us)},
          {"backoff", trace.backoff},
          {"pacing_rate", trace.pacing_rate},
          {"delivered", trace.delivered},
          {"app_limited", marked(tcp::Trace::kAppLimited)},
          {"retransmission", marked(tcp::Trace::kRetransmission)},
          {"tail_probe", marked(tcp::Trace::kTailProbe)},
          {"window_probe", marked(tcp::Trace::kWindowProbe)},
          {"path_probe", marked(tcp::Trace::kPathProbe)},
          {"keep_alive", marked(tcp::Trace::kKeepAlive)},
          {"waits_for", tcp::name(trace.waits_for)}};
  if (trace.ssthresh != 0) json["ssthresh"] = trace.ssthresh;
  if (trace.srtt_us != 0) {
    json["rtt"] = ms(trace.srtt_us);
    json["rttvar"] = ms(trace.rttvar_us);
    json["minrtt"] = ms(trace.min_rtt_us);
  }
}

void put_meta(Json& out, const PacketMeta& meta) {
  if (!meta.interface.empty()) out["if"] = meta.interface;
  if (meta.worker) out["worker"] = *meta.worker;
  if (meta.queue) out["queue"] = *meta.queue;
  if (meta.direction != pcap::Direction::kUnknown) {
    out["dir"] = meta.direction == pcap::Direction::kInbound ? "in" : "out";
  }
  if (!meta.verdict.empty()) out["verdict"] = meta.verdict;
  if (!meta.reason.empty()) out["reason"] = meta.reason;
  if (meta.tcp) put_trace(out, *meta.tcp);
  if (!meta.comment.empty()) out["comment"] = meta.comment;
  if (meta.dropped_before > 0) out["dropped_before"] = meta.dropped_before;
}

}  // namespace

std::string to_json(const SourcePacket& packet, std::string_view text) {
  const Captured& captured = packet.captured;
  Json out;
  out["ts"] = utc(captured.when);
  put_meta(out, packet.meta);
  out["len"] = captured.length;
  out["caplen"] = captured.octets.size();
  if (captured.link == Link::kEthernet) {
    put_ethernet(out, captured.octets, captured.length);
  } else if (!captured.octets.empty()) {
    const bool v6 = captured.octets[0] >> 4 == 6;
    put_network(out, static_cast<std::uint16_t>(v6 ? EtherType::kIp6 : EtherType::kIp4),
                captured.octets, captured.length);
  }
  out["text"] = text;
  constexpr int kOneLine = -1;
  return out.dump(kOneLine, ' ', false, Json::error_handler_t::replace);
}

}  // namespace smol::dump
