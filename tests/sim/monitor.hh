#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tests/sim/coverage.hh"
#include "tests/sim/station.hh"
#include "tests/sim/wire.hh"

namespace smol::sim {

/// Runs of numbers, joined where they touch.
class Intervals {
 public:
  void add(std::uint32_t begin, std::uint32_t end);
  bool holds(std::uint32_t begin, std::uint32_t end) const;
  const std::vector<std::pair<std::uint32_t, std::uint32_t>>& runs() const { return runs_; }
  /// One past the run that begins at 0.
  std::uint32_t edge() const { return runs_.empty() || runs_[0].first > 0 ? 0 : runs_[0].second; }

 private:
  std::vector<std::pair<std::uint32_t, std::uint32_t>> runs_;
};

/// Watches the wire of one stack with a memory of its own: what reached it, and what it says. From
/// that alone follows what it may say: acknowledge what came and no more, promise no window and
/// take it back, stay within the peer's, say the same octets under the same numbers.
class Monitor {
 public:
  Monitor(int side, Faults& faults, Coverage& coverage)
      : side_{side}, faults_{faults}, coverage_{coverage} {}

  /// From now on a connection of these ports is flow `flow`.
  void expect_flow(std::uint16_t local_port, std::uint16_t remote_port, std::uint32_t flow);
  /// The stack has sent this. `verify`: its checksum too.
  void sent(Bytes frame, bool verify);
  /// This has reached the stack, as the other end sent it or worse.
  void arrived(Bytes frame);
  /// The frame came from somewhere else: what it says does not bind the peer.
  void injected(Bytes frame);

  /// Segments that the stack takes for sent have not left it, for want of a packet.
  void lost_inside(bool some) { lost_inside_ = some; }
  std::uint64_t segments_sent() const { return segments_sent_; }

 private:
  struct Peer;
  struct Syn {
    SeqNumber seq;
    TcpOptions options;
    std::uint16_t window = 0;
    std::uint32_t len = 0;  ///< of its text
  };

  static std::uint32_t key(std::uint16_t local, std::uint16_t remote) {
    return std::uint32_t{local} << 16 | remote;
  }
  static Syn syn_of(const WireSegment& segment);
  static bool answers(SeqNumber ack, const Syn& syn);
  static const Syn* answered(const Peer& peer, SeqNumber ack);
  void note_wire(const WireSegment& segment);
  static void take_syn(Peer& peer, const Syn& syn);
  void sent_syn(Peer& peer, const WireSegment& segment);
  void check_ack(Peer& peer, const WireSegment& segment);
  void check_window(Peer& peer, const WireSegment& segment);
  void check_text(Peer& peer, const WireSegment& segment);
  void check_timestamps(Peer& peer, const WireSegment& segment);
  void fault(const Peer& peer, const std::string& what);

  /// A connection as the wire shows it. Numbers count from the SYN, which is 0.
  struct Peer {
    std::uint32_t flow = 0;
    bool syn_sent = false;
    bool syn_taken = false;
    std::optional<Syn> syn;    ///< the last that came and is not taken
    std::optional<Syn> again;  ///< that is taken, and came once more
    std::vector<Syn> forged;   ///< that somebody else sent
    Syn taken;
    Syn own;  ///< the first that the stack sent
    SeqNumber iss;
    SeqNumber irs;
    Intervals received;
    std::uint32_t below = 0;  ///< how far text that came reached below the SYN: an older stream's
    std::uint32_t sent_end = 0;
    std::uint32_t acked = 0;      ///< by the peer
    std::uint32_t peer_edge = 0;  ///< of the window that the peer granted, at most
    std::uint32_t our_edge = 0;   ///< of the window that was granted to the peer
    bool window_seen = false;
    std::uint32_t fin_at = 0;  ///< 0: none was sent
    TcpOptions offered;        ///< on our SYN
    TcpOptions peer_offered;
    std::uint32_t last_tsval = 0;
    std::vector<std::uint32_t> tsvals;  ///< the peer's, no two alike in a row

    void take(const WireSegment& segment);
    /// These octets came.
    bool has(std::uint32_t left, std::uint32_t right) const;
    bool scales() const {
      return offered.window_scale.has_value() && peer_offered.window_scale.has_value();
    }
    std::uint32_t shift(const TcpOptions& of) const {
      if (!scales()) return 0;
      return *of.window_scale > 14 ? 14u : *of.window_scale;
    }
  };

  int side_;
  Faults& faults_;
  Coverage& coverage_;
  std::unordered_map<std::uint32_t, Peer> peers_;
  std::uint64_t segments_sent_ = 0;
  bool lost_inside_ = false;
};

}  // namespace smol::sim
