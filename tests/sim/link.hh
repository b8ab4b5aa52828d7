#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <limits>
#include <set>
#include <string_view>
#include <vector>

#include "protocols/base/random.hh"
#include "protocols/base/time.hh"
#include "tests/sim/codel.hh"
#include "tests/sim/trace.hh"
#include "tests/sim/wire.hh"

namespace smol::sim {

/// What a link does to what is sent over it, in one direction. Chances are out of a thousand
/// frames, times out of the start of the run.
struct LinkOptions {
  struct Outage {
    Duration from{0};
    Duration until{0};
  };
  struct MtuChange {
    Duration at{0};
    std::uint16_t mtu = 1500;  ///< octets of an IP packet
  };

  std::uint32_t loss = 0;
  // Gilbert and Elliott: a good state and a bad one, in which frames are lost in bursts.
  std::uint32_t to_bad = 0;    ///< from the good state, at each frame
  std::uint32_t to_good = 0;   ///< and back
  std::uint32_t bad_loss = 0;  ///< while in the bad state
  std::uint32_t duplication = 0;
  std::uint32_t corruption = 0;  ///< one bit is turned over
  std::uint32_t truncation = 0;  ///< the end is missing
  std::uint32_t reordering = 0;  ///< held up by `detour`, so that others overtake
  Duration delay = milliseconds(1);
  Duration jitter{0};  ///< up to this much more, in order
  Duration detour = milliseconds(20);
  std::uint64_t octets_a_second = 0;     ///< 0: no limit, and no queue
  std::uint32_t queue_octets = 1 << 20;  ///< that wait for their turn; more are lost
  bool codel = false;                    ///< the queue is managed (RFC 8289)
  bool ecn = false;                      ///< CoDel marks, where it may, what it would drop
  std::uint32_t mark_octets = 0;         ///< marks what finds this much queued; 0: never
  std::vector<Outage> outages;           ///< the link is silent
  std::vector<MtuChange> mtus;           ///< in order of time; before the first: no limit
  bool says_too_big = true;  ///< an ICMP error answers what does not fit; else a black hole
  /// Frames, by their number in this direction from 0 (neighbour talk is not counted), that are
  /// lost.
  std::set<std::uint64_t> lost;
};

/// What becomes of frames.
enum class Fate : std::uint8_t {
  kLost,
  kLostInBurst,
  kQueueFull,
  kCodel,
  kOutage,
  kTooBig,
  kDuplicated,
  kCorrupted,
  kTruncated,
  kReordered,
  kMarked,
};
inline constexpr std::size_t kFates = 11;
std::string_view name(Fate fate);
/// Does the frame end there?
constexpr bool is_loss(Fate fate) {
  return fate <= Fate::kTooBig;
}

/// One direction of a wire, in virtual time. What becomes of a frame is drawn from the seed, from
/// another well for each thing that may: so a scenario without duplication loses the same frames.
/// ARP and neighbour discovery are only delayed, for it is not the neighbours that are on trial.
///
///   send --> loss, MTU --> queue (rate) --> corruption, delay, detour --> arrived
class Link {
 public:
  /// `from`: the side that sends.
  Link(const LinkOptions& options, int from, bool v6, std::uint64_t seed, Instant start);

  void send(Instant now, Parcel parcel);
  /// Puts a frame in, from somewhere along the way.
  void inject(Instant arrives, Parcel parcel);
  /// When something is to be done; kNever: nothing is on its way.
  Instant next() const;
  /// Moves time on. Call it before arrived().
  void advance(Instant now);
  /// The next frame that has arrived; false: none.
  bool arrived(Instant now, Parcel& out);
  /// ICMP errors to who sent over this link, for frames that did not fit.
  std::vector<Octets> take_errors() { return std::exchange(errors_, {}); }
  /// Memory of frames that are gone.
  void set_spare(std::vector<Octets>* spare) { spare_ = spare; }
  void set_trace(Trace* trace) { trace_ = trace; }

  std::uint64_t sent() const { return sent_; }
  std::uint64_t delivered() const { return delivered_; }
  std::uint64_t injected() const { return injected_; }
  std::uint64_t count(Fate fate) const { return fates_[static_cast<std::size_t>(fate)]; }
  std::uint64_t lost() const;
  /// Octets that left the queue.
  std::uint64_t octets_through() const { return octets_through_; }
  /// Frames lost by chance, by their numbers, that another run may lose without any.
  const std::vector<std::uint64_t>& lost_by_chance() const { return lost_by_chance_; }
  /// sent + injected + duplicated = delivered + lost + on their way; false: it does not add up.
  bool adds_up() const;

 private:
  /// The wells.
  enum class Well : std::uint8_t {
    kLoss,
    kBurst,
    kDuplication,
    kCorruption,
    kTruncation,
    kReordering,
    kJitter
  };
  struct Flying {
    Instant at;
    std::uint64_t order = 0;
    Parcel parcel;
  };
  struct Waiting {
    Instant since;
    Parcel parcel;
  };
  struct Later {
    bool operator()(const Flying& a, const Flying& b) const {
      return a.at != b.at ? a.at > b.at : a.order > b.order;
    }
  };

  Rng& well(Well which) { return wells_[static_cast<std::size_t>(which)]; }
  bool happens(Well which, std::uint32_t chance);
  void count(Fate fate, std::uint64_t id);
  void lose(Fate fate, Parcel parcel);
  bool lost_on_the_way(Instant now, const Parcel& parcel, Fate& fate);
  bool fits(Instant now, const Parcel& parcel);
  void enqueue(Instant now, Parcel parcel);
  void serve(Instant now);
  Duration time_of(std::uint64_t octets) const;
  void depart(Instant leaves, Parcel parcel);
  void fly(Instant arrives, Parcel parcel);

  LinkOptions options_;
  int from_;
  bool v6_;
  Instant start_;
  std::array<Rng, 7> wells_;
  std::deque<Waiting> queue_;
  std::uint64_t queued_octets_ = 0;
  Instant free_at_{};  ///< when the last octet that was served has left
  Codel codel_;
  std::vector<Flying> flying_;  ///< a heap
  std::uint64_t order_ = 0;
  Instant last_{};  ///< arrival of the last frame that took no detour
  bool bad_ = false;
  Instant bad_since_{};
  std::uint64_t number_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t delivered_ = 0;
  std::uint64_t injected_ = 0;
  std::uint64_t octets_through_ = 0;
  std::array<std::uint64_t, kFates> fates_{};
  std::vector<std::uint64_t> lost_by_chance_;
  std::vector<Octets> errors_;
  std::vector<Octets>* spare_ = nullptr;
  Trace* trace_ = nullptr;
};

}  // namespace smol::sim
