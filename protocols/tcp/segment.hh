#pragma once

#include <cstdint>

#include "protocols/base/drop.hh"
#include "protocols/base/error.hh"
#include "protocols/base/seq.hh"
#include "protocols/base/static_vector.hh"
#include "protocols/wire/ip.hh"
#include "protocols/wire/tcp.hh"
#include "protocols/wire/tcp_repr.hh"

namespace smol::tcp {

/// A segment that arrived: header values in host order, and how much text there is; the octets stay
/// with the packet.
struct SegmentIn {
  SeqNumber seq;
  SeqNumber ack;             ///< meaningful with flags.ack()
  std::uint32_t len = 0;     ///< octets of text
  std::uint16_t window = 0;  ///< as on the wire
  std::uint16_t urgent = 0;  ///< urgent pointer; meaningful with flags.urg()
  Ecn ecn = Ecn::kNotEct;    ///< of the IP header
  TcpFlags flags;
  TcpOptions options;

  /// SEG.LEN: text and the octets that SYN and FIN count as (RFC 9293 section 3.4).
  constexpr std::uint32_t seq_len() const noexcept {
    return len + (flags.syn() ? 1u : 0u) + (flags.fin() ? 1u : 0u);
  }
};

/// A segment to send. The caller adds ports and addresses, and `len` octets of the send queue from
/// `header.seq` on (after SYN and FIN, which take a number and no octet).
struct SegmentOut {
  TcpRepr header;
  std::uint32_t len = 0;
  /// It is several, which the device cuts: octets of text of each but the last. 0: it is one.
  std::uint16_t segment_size = 0;
  Ecn ecn = Ecn::kNotEct;  ///< for the IP header
  bool retransmission = false;
  bool probe = false;  ///< longer than a full segment, to see whether it gets through (RFC 4821)
  bool fast_open = false;  ///< a SYN that is to carry the cookie option (RFC 7413)
  bool garbage = false;    ///< the one octet is not from the queue and means nothing (keep-alive)
  // For who looks on.
  bool tail_probe = false;    ///< RFC 8985
  bool window_probe = false;  ///< into a closed window
  bool keep_alive = false;

  /// Number of the first octet of text: behind a SYN.
  constexpr SeqNumber text_begin() const noexcept {
    return header.control == TcpControl::kSyn ? header.seq + 1 : header.seq;
  }
  /// How many segments there will be on the wire.
  constexpr std::uint32_t segments() const noexcept {
    return segment_size == 0 ? 1 : (len + segment_size - 1) / segment_size;
  }
  /// Takes `next` behind itself, to leave as one packet of at most `most` octets of text that a
  /// device cuts. False: nothing changes, and it must go by itself. What a device makes of the one
  /// header is what the segments would have said: only the first may have CWR, only the last FIN,
  /// PSH or less than a full segment's text, and all else is the same in all.
  bool join(const SegmentOut& next, std::uint32_t most) noexcept;
};

/// What to do with received text that is not simply next in line. A range is a run of octets beyond
/// a hole; its number is the caller's key to the packets that hold it.
struct ReassemblyStep {
  enum class Kind : std::uint8_t {
    kStoreBack,   ///< put this part of the segment behind what range holds
    kStoreFront,  ///< put it in front
    kAppend,      ///< move all that `other` holds behind what `range` holds; `other` is gone
    kDeliver,     ///< all that `range` holds is next in line; the range is gone
  };
  Kind kind = Kind::kStoreBack;
  std::uint32_t range = 0;
  std::uint32_t other = 0;
  std::uint32_t offset = 0;  ///< of the part, in the text of the segment
  std::uint32_t len = 0;
};
/// At most one part of a segment is stored, so the packet itself can be.
using ReassemblySteps = StaticVector<ReassemblyStep, 4>;

/// What happened to a connection that its user or the counters want to know, as bits.
struct Note {
  static constexpr std::uint32_t kReadable = 1u << 0;  ///< text, or the peer's FIN, is next in line
  static constexpr std::uint32_t kWritable = 1u << 1;  ///< the send queue has room again
  static constexpr std::uint32_t kConnected = 1u << 2;   ///< ESTABLISHED
  static constexpr std::uint32_t kPeerClosed = 1u << 3;  ///< the peer's FIN
  static constexpr std::uint32_t kSent = 1u << 4;        ///< all that was queued is acknowledged
  static constexpr std::uint32_t kDeadline = 1u << 5;    ///< the user's own timer
  static constexpr std::uint32_t kSoftError = 1u << 6;
  static constexpr std::uint32_t kChallengeWithheld = 1u << 7;
  static constexpr std::uint32_t kTimeout = 1u << 8;  ///< a retransmission timeout
  static constexpr std::uint32_t kFastRetransmit = 1u << 9;
  static constexpr std::uint32_t kChallengeAck = 1u << 10;
  static constexpr std::uint32_t kOutOfOrder = 1u << 11;
  static constexpr std::uint32_t kKeepAlive = 1u << 12;
  static constexpr std::uint32_t kZeroWindowProbe = 1u << 13;
  static constexpr std::uint32_t kReachedR1 = 1u
                                              << 14;  ///< the path is in doubt: check the neighbour
  static constexpr std::uint32_t kForwardProgress = 1u << 15;  ///< new data acknowledged
  static constexpr std::uint32_t kTextAfterClose = 1u << 16;
  static constexpr std::uint32_t kTailProbe = 1u << 17;  ///< RFC 8985
  static constexpr std::uint32_t kUndone = 1u << 18;     ///< an episode of recovery was for nothing
  static constexpr std::uint32_t kPathMtu = 1u << 20;  ///< a router's word on the path MTU is taken
  static constexpr std::uint32_t kPathMtuDoubted = 1u << 21;  ///< it is put aside
  static constexpr std::uint32_t kBlackHole = 1u << 22;       ///< long segments seem to vanish
  static constexpr std::uint32_t kProbeArrived = 1u << 24;
  static constexpr std::uint32_t kProbeLost = 1u << 25;
  static constexpr std::uint32_t kUrgent = 1u << 26;  ///< urgent data: the first, or more of it
  static constexpr std::uint32_t kCongestionExperienced = 1u << 27;  ///< a packet was marked CE
  static constexpr std::uint32_t kFastOpenLost = 1u << 28;  ///< a SYN with its option, RFC 7413
  static constexpr std::uint32_t kGaveUp = 1u << 30;        ///< nobody has answered for too long
  static constexpr std::uint32_t kLingered = 1u << 29;      ///< long enough: abort() it
};

/// The effects of an event on a connection. The caller performs them, in this order: free `acked`
/// octets, take the text, answer, put the connection on its ready list, tell the user, move or free
/// it.
struct Actions {
  std::uint32_t acked = 0;  ///< octets to take off the front of the send queue
  std::uint32_t text_offset =
      0;  ///< part of the text to keep, next in line: after what is delivered so far
  std::uint32_t text_len = 0;
  std::uint32_t notes = 0;  ///< Note bits
  Drop drop{};              ///< why the segment went no further (dropped)
  bool dropped = false;
  bool send = false;       ///< next_segment() may have something
  bool reset = false;      ///< answer the segment with the RST that reset_for() builds
  bool time_wait = false;  ///< the connection is to live on as a TIME-WAIT record
  bool closed = false;     ///< the connection is over; error() says how

  void drop_segment(Drop reason) noexcept {
    drop = reason;
    dropped = true;
  }
  void note(std::uint32_t bits) noexcept { notes |= bits; }
};

/// The answer of a port without connection (RFC 9293 section 3.10.7.1). Precondition: `segment` is
/// no RST: a RST is never answered.
SegmentOut reset_for(const SegmentIn& segment) noexcept;

/// What a listener makes of a segment (RFC 9293 section 3.10.7.2).
enum class ListenVerdict : std::uint8_t {
  kIgnore,  ///< RST, or nothing of interest
  kReset,   ///< an ACK: it belongs to no connection
  kOpen,    ///< a SYN
};
ListenVerdict listen_arrives(const SegmentIn& segment) noexcept;

}  // namespace smol::tcp
