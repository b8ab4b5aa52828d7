#pragma once

#include <cstdint>
#include <deque>
#include <queue>
#include <vector>

#include "protocols/base/time.hh"
#include "protocols/tcp/cc/congestion.hh"

namespace smol::tcp::cc_test {

/// A path of one bottleneck, in closed loop with senders that have nothing but a Congestion and
/// perfect loss recovery: for what an algorithm comes to in the long run. Deterministic: chance is
/// a seeded generator, time is virtual.
///
///     senders --> [ queue ] --rate--> receiver
///        ^------------ round_trip ---------|
struct Path {
  std::uint64_t rate = 12'500'000;               ///< octets a second
  Duration round_trip = milliseconds(20);        ///< without queue
  std::uint64_t queue = 250'000;                 ///< octets; what does not fit is lost
  double loss = 0;                               ///< of each packet, by chance
  std::uint64_t mark_above = ~std::uint64_t{0};  ///< octets queued, from which on CE is set
  std::uint64_t seed = 1;
};

class Model;

/// One sender. It may be slowed down to what an application writes.
class Flow {
 public:
  Flow(CongestionControl kind, std::uint32_t mss, bool dctcp, bool paced);

  Congestion congestion;
  std::uint64_t app_rate = 0;  ///< octets a second; 0: there is always more
  bool app_stopped = false;

  std::uint64_t delivered() const noexcept { return delivered_; }
  std::uint64_t lost() const noexcept { return lost_; }
  std::uint64_t sent() const noexcept { return sent_; }
  std::uint32_t in_flight() const noexcept { return in_flight_; }
  std::uint32_t cuts() const noexcept { return cuts_; }
  std::uint32_t timeouts() const noexcept { return timeouts_; }
  Duration srtt() const noexcept { return srtt_; }
  /// The largest cwnd since reset_peaks().
  std::uint32_t peak_cwnd() const noexcept { return peak_cwnd_; }
  std::uint32_t least_in_flight() const noexcept { return least_in_flight_; }
  void reset_peaks() noexcept {
    peak_cwnd_ = 0;
    least_in_flight_ = ~0u;
  }

 private:
  friend class Model;

  struct Packet {
    std::uint64_t number = 0;
    Instant sent{};
    Instant first_sent{};
    Instant delivered_at{};
    std::uint64_t delivered = 0;
    std::uint64_t lost = 0;
    std::uint32_t tx_in_flight = 0;
    bool app_limited = false;
    bool ce = false;
  };

  const std::uint32_t mss_;
  const bool paced_;
  std::deque<Packet> outstanding_;
  std::uint64_t next_ = 0;
  std::uint64_t limited_until_ = 0;  ///< packets before it met a full window
  std::uint64_t recover_ = 0;
  bool in_recovery_ = false;
  bool cwr_ = false;
  std::uint64_t cwr_until_ = 0;
  std::uint64_t delivered_ = 0;
  std::uint64_t lost_ = 0;
  std::uint64_t sent_ = 0;
  std::uint32_t in_flight_ = 0;
  Instant first_sent_{};
  Instant delivered_at_{};
  std::uint64_t app_limited_until_ = 0;  ///< in delivered octets; 0: not limited
  Duration srtt_{0};
  Duration rttvar_{0};
  Duration min_rtt_{0};
  Instant next_send_{};
  Instant timer_ = kNever;
  Instant last_sent_{};
  bool timer_queued_ = false;
  Instant wakes_at_ = kNever;  ///< of the one event that sends on
  std::uint32_t backoff_ = 0;
  double app_budget_ = 0;
  Instant app_at_{};
  // PRR (RFC 9937).
  std::uint64_t prr_delivered_ = 0;
  std::uint64_t prr_out_ = 0;
  std::uint32_t recover_fs_ = 0;
  std::uint32_t cuts_ = 0;
  std::uint32_t timeouts_ = 0;
  std::uint32_t peak_cwnd_ = 0;
  std::uint32_t least_in_flight_ = ~0u;
};

class Model {
 public:
  explicit Model(const Path& path);

  /// A sender that begins now.
  Flow& add(CongestionControl kind, std::uint32_t mss = 1250, bool dctcp = false,
            bool paced = true);
  void run(Duration time);
  /// Octets that all flows delivered in `time` from now on, as a share of what the path can carry.
  double utilisation(Duration time);
  Instant now() const noexcept { return now_; }
  Path& path() noexcept { return path_; }
  /// The longest queue since reset_peaks(), in octets.
  std::uint64_t peak_queue() const noexcept { return peak_queue_; }
  void reset_peaks() noexcept;

 private:
  enum class Kind : std::uint8_t { kAck, kSend, kTimer };
  struct Event {
    Instant at;
    std::uint64_t order;
    Kind kind;
    std::uint32_t flow;
    std::uint64_t packet;
    bool operator>(const Event& other) const noexcept {
      return at != other.at ? at > other.at : order > other.order;
    }
  };

  void schedule(Instant at, Kind kind, std::uint32_t flow, std::uint64_t packet);
  void send(std::uint32_t index);
  void wake(std::uint32_t index, Instant at);
  bool application_has(Flow& flow);
  void transmit(std::uint32_t index);
  void acknowledged(std::uint32_t index, std::uint64_t number);
  void recover(Flow& flow, AckSample& ack, std::uint64_t number);
  void timer(std::uint32_t index);
  double chance();

  Path path_;
  Instant now_{seconds(1000)};
  std::uint64_t order_ = 0;
  std::uint64_t random_;
  Instant free_at_{};
  std::uint64_t peak_queue_ = 0;
  std::deque<Flow> flows_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
};

}  // namespace smol::tcp::cc_test
