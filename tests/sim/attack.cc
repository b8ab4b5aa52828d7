#include "tests/sim/attack.hh"

#include <algorithm>
#include <array>

namespace smol::sim {
namespace {

constexpr std::array<std::uint8_t, 64> kPoison = {0xbd};

/// In the window, but not at its left edge; beyond it, where it is shut.
SeqNumber within(const tcp::Info& info, Rng& rng) {
  return info.rcv_nxt + 1 + rng.below(std::max(info.rcv_wnd, 2u) - 1);
}

/// What was never sent.
SeqNumber impossible_ack(const tcp::Info& info, Rng& rng) {
  return info.snd_nxt + 2 + rng.below(1u << 30);
}

Octets about_segment(const Victim& victim, SeqNumber seq, std::uint8_t type, std::uint8_t code,
                     std::uint32_t rest) {
  SegmentToBuild quoted;
  quoted.src_port = victim.local_port;
  quoted.dst_port = victim.remote_port;
  quoted.seq = seq;
  quoted.ack = victim.info.rcv_nxt;
  const Octets frame = tcp_frame(victim.side, victim.v6, quoted);
  return icmp_error_frame(victim.side, victim.v6, type, code, rest, Bytes{frame}.subspan(kIpAt));
}

}  // namespace

std::string_view name(Attack attack) {
  static constexpr std::array<std::string_view, kAttacks> kNames = {
      "RST", "SYN", "text", "text beyond", "ACK", "FIN", "too big", "unreachable", "stray"};
  return kNames[static_cast<std::size_t>(attack)];
}

Octets attack_frame(Attack attack, const Victim& victim, Rng& rng) {
  const tcp::Info& info = victim.info;
  SegmentToBuild out;
  out.src_port = victim.remote_port;
  out.dst_port = victim.local_port;
  out.window = static_cast<std::uint16_t>(rng.below(65'536));
  switch (attack) {
    case Attack::kReset: {
      out.seq =
          rng.below(2) == 0 ? within(info, rng) : SeqNumber{static_cast<std::uint32_t>(rng.next())};
      if (out.seq == info.rcv_nxt) out.seq += 1;
      out.flags = TcpFlags::kRst;
      break;
    }
    case Attack::kSyn:
      out.seq = SeqNumber{static_cast<std::uint32_t>(rng.next())};
      out.flags = TcpFlags::kSyn;
      break;
    case Attack::kText:
      out.seq = rng.below(2) == 0 ? info.rcv_nxt : within(info, rng);
      out.ack = impossible_ack(info, rng);
      out.text = kPoison;
      break;
    case Attack::kTextBeyond:
      out.seq = info.rcv_nxt + info.rcv_wnd + 70'000 + rng.below(1u << 30);
      out.ack = info.snd_nxt;
      out.text = kPoison;
      break;
    case Attack::kAck:
      out.seq = info.rcv_nxt;
      out.ack = impossible_ack(info, rng);
      break;
    case Attack::kFin:
      out.seq = info.rcv_nxt;
      out.ack = impossible_ack(info, rng);
      out.flags = TcpFlags::kFin;
      break;
    case Attack::kTooBig:
      return about_segment(victim, info.snd_nxt + 1 + rng.below(1u << 30), victim.v6 ? 2 : 3,
                           victim.v6 ? 0 : 4, victim.v6 ? 1280 : 68 + rng.below(500));
    case Attack::kUnreachable: {
      const bool near = rng.below(2) == 0;
      return about_segment(victim, near ? info.snd_una : info.snd_nxt + 1 + rng.below(1u << 30),
                           victim.v6 ? 1 : 3, victim.v6 ? 4 : 3, 0);
    }
    case Attack::kStray:
      out.src_port = static_cast<std::uint16_t>(50'000 + rng.below(1000));
      out.seq = SeqNumber{static_cast<std::uint32_t>(rng.next())};
      out.flags = TcpFlags::kFin;
      break;
  }
  return tcp_frame(1 - victim.side, victim.v6, out);
}

}  // namespace smol::sim
