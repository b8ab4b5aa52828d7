#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/base/random.hh"
#include "protocols/base/time.hh"
#include "tests/sim/coverage.hh"
#include "tests/sim/monitor.hh"
#include "tests/sim/station.hh"
#include "tests/sim/wire.hh"

namespace smol::sim {

/// What a peer does that our stack would not.
enum class Quirk : std::uint8_t {
  kAckDivision,     ///< acknowledges a segment in pieces
  kStretchAcks,     ///< acknowledges every eighth segment, or late
  kDuplicateAcks,   ///< says each ACK three times
  kOptimisticAcks,  ///< acknowledges what has not arrived
  kLosesAcks,       ///< keeps two ACKs of three to itself
  kReneges,         ///< throws away what it told of by SACK
  kLiesBySack,      ///< SACK blocks of what was never sent, or is acknowledged, or back to front
  kShrinksWindow,   ///< takes the right edge back
  kClosesWindow,    ///< for a while, again and again
  kTinyWindow,      ///< grants a few octets at a time
  kIgnoresProbes,   ///< answers one of three segments that find the window closed
  kOctets,          ///< sends octet by octet
  kShuffles,        ///< sends what it has in any order, the FIN too
  kOverlaps,        ///< begins each segment within the one before
  kBeyondWindow,    ///< sends more than the window takes
  kTextOnSyn,       ///< its SYN has text
  kTextAfterFin,    ///< goes on behind its FIN
  kUrgent,          ///< everything is urgent
  kNoTimestamps,    ///< leaves agreed timestamps out at times
  kFrozenClock,     ///< its timestamps stand still
  kOddOptions,      ///< options that nobody knows, and ends of lists
  kStrayFlags,      ///< ECE, CWR and reserved bits; segments without ACK
  kSynAgain,        ///< sends its SYN again in the midst
  kGoesSilent,      ///< is never heard of again
  kResets,          ///< ends with a RST
  kShutsForGood,    ///< its window is never open again, and it answers for ever
};
inline constexpr std::size_t kQuirks = 26;
std::string_view name(Quirk quirk);

struct StrangerPlan {
  bool connects = false;     ///< else it is connected to
  std::uint64_t octets = 0;  ///< it sends
  std::uint32_t quirks = 0;  ///< a bit each
  std::uint32_t window = 65'535;
  std::optional<std::uint16_t> mss = std::uint16_t{1460};
  std::optional<std::uint8_t> scale;
  bool timestamps = false;
  bool sack = false;
  Duration turns_at{0};  ///< when it goes silent, resets or shuts its window

  bool has(Quirk quirk) const { return (quirks >> static_cast<unsigned>(quirk) & 1u) != 0; }
};

/// The other end of a connection, written without any of our TCP: a window, a timer, go-back-N. It
/// keeps all that it gets, looks at every octet, and is of a strange kind if its plan says so.
class Stranger {
 public:
  static constexpr std::uint16_t kClientPort = 40'000;
  static constexpr std::uint16_t kServerPort = 80;

  /// It is side 1 of flow 0. `peer_octets`: what it will get.
  Stranger(const StrangerPlan& plan, bool v6, std::uint64_t seed, std::uint64_t peer_octets,
           Faults& faults);

  void arrives(Instant now, Bytes frame);
  /// Timers, and what there is to send.
  void act(Instant now);
  Instant wakes_at() const;
  /// Its SYN shows a fast open cookie that nobody gave it.
  void open_fast() { shows_cookie_ = true; }
  /// From now on it only answers.
  void rest() { rests_ = true; }
  /// It is gone.
  void leave() { state_ = State::kOver; }
  std::vector<Octets>& sent() { return sent_; }
  /// Grows while it gets anywhere.
  std::uint64_t progress() const { return std::uint64_t{snd_una_} + acked_out_; }

  /// Nothing more is wanted of it: both streams have ended, or it has turned.
  bool done() const;
  /// All of the peer's stream is here. One who acknowledges what has not come cannot say.
  bool has_all() const { return plan_.has(Quirk::kOptimisticAcks) || text_edge() >= peer_octets_; }
  std::string status() const;

 private:
  enum class State : std::uint8_t { kListens, kConnects, kOpen, kOver };

  // Numbers count from the SYN: 0 is the SYN, 1 .. n the text, n + 1 the FIN.
  std::uint32_t fin_at() const { return static_cast<std::uint32_t>(plan_.octets) + 1; }
  std::uint32_t text_edge() const;
  bool chance(std::uint32_t one_in) { return rng_.below(one_in) == 0; }
  Instant turns_at() const;
  bool is_shut(Instant now) const {
    return plan_.has(Quirk::kShutsForGood) && start_ + plan_.turns_at <= now;
  }
  void take_syn(Instant now, const WireSegment& segment);
  void take_ack(Instant now, const WireSegment& segment);
  void take_text(const WireSegment& segment);
  void answer(Instant now, const WireSegment& segment);
  std::uint32_t window_now(Instant now);
  void send_syn(Instant now);
  void send_ack(Instant now, std::uint32_t ack);
  void send_text(Instant now, std::uint32_t begin, std::uint32_t end);
  void send_window(Instant now);
  void strange_segments(Instant now);
  void emit(Instant now, std::uint32_t seq, std::uint8_t flags, Bytes text, bool syn);
  Octets options(Instant now, bool syn);
  void sack_blocks(TcpOptions& out);
  void fault(const std::string& what);

  StrangerPlan plan_;
  bool v6_;
  std::uint64_t peer_octets_;
  Faults& faults_;
  Rng rng_;
  State state_;
  Instant start_{};
  Instant heard_at_{};
  bool begun_ = false;
  bool rests_ = false;
  bool shows_cookie_ = false;
  SeqNumber iss_;
  SeqNumber irs_;
  bool timestamps_ = false;  ///< agreed on; so are the next two
  bool sack_ = false;
  bool scales_ = false;
  std::uint32_t peer_shift_ = 0;
  std::uint16_t peer_mss_ = 536;
  Intervals received_;
  std::uint32_t highest_ = 1;    ///< of the peer's numbers seen
  std::uint32_t acked_out_ = 0;  ///< what was acknowledged to the peer
  std::uint32_t edge_ = 0;       ///< right edge of the window that it was granted last
  std::optional<std::uint32_t> peer_fin_;
  std::uint32_t last_tsval_ = 0;  ///< the peer's
  std::uint32_t snd_una_ = 0;
  std::uint32_t snd_nxt_ = 0;
  std::uint32_t snd_max_ = 0;
  std::uint32_t snd_edge_ = 1;
  Instant retransmit_at_ = kNever;
  Instant late_ack_at_ = kNever;
  Instant opens_at_ = kNever;  ///< a window that is closed
  std::uint32_t backoff_ = 0;
  std::uint32_t retries_ = 0;
  std::uint32_t unanswered_ = 0;
  std::uint64_t told_ = 0;
  std::vector<Octets> sent_;
};

}  // namespace smol::sim
