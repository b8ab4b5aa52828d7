#include "tests/protocols/tcp/cc/path_model.hh"

#include <algorithm>

namespace smol::tcp::cc_test {
namespace {

constexpr std::uint64_t kReordering = 3;
constexpr std::uint32_t kInitialSegments = 10;

Duration at_rate(std::uint64_t octets, std::uint64_t rate) {
  return nanoseconds(static_cast<std::int64_t>(octets * 1'000'000'000 / rate));
}

}  // namespace

Flow::Flow(CongestionControl kind, std::uint32_t mss, bool dctcp, bool paced)
    : congestion{kind, dctcp}, mss_{mss}, paced_{paced} {}

Model::Model(const Path& path) : path_{path}, random_{path.seed * 0x9e37'79b9'7f4a'7c15 | 1} {}

double Model::chance() {
  random_ ^= random_ << 13;
  random_ ^= random_ >> 7;
  random_ ^= random_ << 17;
  return static_cast<double>(random_ >> 11) / static_cast<double>(std::uint64_t{1} << 53);
}

void Model::schedule(Instant at, Kind kind, std::uint32_t flow, std::uint64_t packet) {
  events_.push({at, order_++, kind, flow, packet});
}

Flow& Model::add(CongestionControl kind, std::uint32_t mss, bool dctcp, bool paced) {
  const auto index = static_cast<std::uint32_t>(flows_.size());
  Flow& flow = flows_.emplace_back(kind, mss, dctcp, paced);
  flow.congestion.begin(now_, mss, kInitialSegments, false, 7 * index + 3);
  // The handshake took a round trip.
  flow.srtt_ = flow.min_rtt_ = path_.round_trip;
  flow.rttvar_ = path_.round_trip / 2;
  flow.delivered_at_ = flow.first_sent_ = flow.app_at_ = flow.last_sent_ = now_;
  wake(index, now_);
  return flow;
}

void Model::reset_peaks() noexcept {
  peak_queue_ = 0;
  for (Flow& flow : flows_) flow.reset_peaks();
}

void Model::run(Duration time) {
  const Instant end = now_ + time;
  // An application that was stopped, or whose rate has changed, is asked again.
  for (std::uint32_t i = 0; i < flows_.size(); ++i) wake(i, now_);
  while (!events_.empty() && events_.top().at <= end) {
    const Event event = events_.top();
    events_.pop();
    now_ = std::max(now_, event.at);
    switch (event.kind) {
      case Kind::kAck:
        acknowledged(event.flow, event.packet);
        break;
      case Kind::kSend:
        if (flows_[event.flow].wakes_at_ != event.at) break;
        flows_[event.flow].wakes_at_ = kNever;
        send(event.flow);
        break;
      case Kind::kTimer:
        timer(event.flow);
        break;
    }
  }
  now_ = end;
}

double Model::utilisation(Duration time) {
  std::uint64_t before = 0;
  std::uint64_t after = 0;
  for (const Flow& flow : flows_) before += flow.delivered();
  run(time);
  for (const Flow& flow : flows_) after += flow.delivered();
  return static_cast<double>(after - before) * 1e9 /
         (static_cast<double>(path_.rate) * static_cast<double>(time.count()));
}

void Model::wake(std::uint32_t index, Instant at) {
  Flow& flow = flows_[index];
  if (flow.wakes_at_ <= at) return;
  flow.wakes_at_ = at;
  schedule(at, Kind::kSend, index, 0);
}

bool Model::application_has(Flow& flow) {
  if (flow.app_stopped) return false;
  if (flow.app_rate == 0) return true;
  flow.app_budget_ += static_cast<double>((now_ - flow.app_at_).count()) * 1e-9 *
                      static_cast<double>(flow.app_rate);
  flow.app_at_ = now_;
  if (flow.app_budget_ >= flow.mss_) {
    flow.app_budget_ -= flow.mss_;
    return true;
  }
  return false;
}

void Model::send(std::uint32_t index) {
  Flow& flow = flows_[index];
  while (true) {
    if (flow.in_flight_ + flow.mss_ > flow.congestion.cwnd()) {
      flow.limited_until_ = flow.next_;
      return;
    }
    if (flow.paced_ && flow.next_send_ > now_) {
      wake(index, flow.next_send_);
      return;
    }
    if (!application_has(flow)) {
      flow.app_limited_until_ = std::max<std::uint64_t>(flow.delivered_ + flow.in_flight_, 1);
      if (!flow.app_stopped) wake(index, now_ + microseconds(500));
      return;
    }
    transmit(index);
  }
}

void Model::transmit(std::uint32_t index) {
  Flow& flow = flows_[index];
  const Duration rto = std::max<Duration>(flow.srtt_ + 4 * flow.rttvar_, milliseconds(200));
  if (flow.in_flight_ == 0) {
    const Duration idle = now_ - flow.last_sent_;
    if (idle > rto) flow.congestion.on_idle(now_, flow.mss_, kInitialSegments, idle);
    flow.first_sent_ = flow.delivered_at_ = now_;
  }
  flow.last_sent_ = now_;
  Flow::Packet packet;
  packet.number = flow.next_++;
  packet.sent = now_;
  packet.first_sent = flow.first_sent_;
  packet.delivered_at = flow.delivered_at_;
  packet.delivered = flow.delivered_;
  packet.lost = flow.lost_;
  flow.in_flight_ += flow.mss_;
  packet.tx_in_flight = flow.in_flight_;
  packet.app_limited = flow.app_limited_until_ != 0;
  flow.sent_ += flow.mss_;
  flow.prr_out_ += flow.mss_;
  // The bottleneck.
  const Instant free_at = std::max(free_at_, now_);
  const auto queued = static_cast<std::uint64_t>(static_cast<double>((free_at - now_).count()) *
                                                 1e-9 * static_cast<double>(path_.rate));
  const bool dropped =
      queued + flow.mss_ > path_.queue || (path_.loss > 0 && chance() < path_.loss);
  packet.ce = queued > path_.mark_above;
  if (!dropped) {
    peak_queue_ = std::max(peak_queue_, queued + flow.mss_);
    free_at_ = free_at + at_rate(flow.mss_, path_.rate);
    schedule(free_at_ + path_.round_trip, Kind::kAck, index, packet.number);
  }
  flow.outstanding_.push_back(packet);
  if (flow.paced_) {
    const std::uint64_t rate = flow.congestion.pacing_rate(flow.srtt_);
    if (rate > 0) {
      // Up to a millisecond late is made up for.
      flow.next_send_ =
          std::max(flow.next_send_, now_ - milliseconds(1)) + at_rate(flow.mss_, rate);
    }
  }
  flow.timer_ = now_ + rto * (1 << std::min(flow.backoff_, 6u));
  if (!flow.timer_queued_) {
    flow.timer_queued_ = true;
    schedule(flow.timer_, Kind::kTimer, index, 0);
  }
}

void Model::acknowledged(std::uint32_t index, std::uint64_t number) {
  Flow& flow = flows_[index];
  const auto found = std::find_if(flow.outstanding_.begin(), flow.outstanding_.end(),
                                  [&](const Flow::Packet& p) { return p.number == number; });
  if (found == flow.outstanding_.end()) return;  // a timeout took it for lost
  const Flow::Packet packet = *found;
  flow.outstanding_.erase(found);
  AckSample ack;
  ack.now = now_;
  ack.mss = flow.mss_;
  ack.paced = flow.paced_;
  ack.acked = ack.delivered = flow.mss_;
  flow.delivered_ += flow.mss_;
  flow.delivered_at_ = now_;
  flow.first_sent_ = packet.sent;
  flow.in_flight_ -= flow.mss_;
  if (flow.delivered_ > flow.app_limited_until_) flow.app_limited_until_ = 0;
  ack.rtt = now_ - packet.sent;
  const Duration error = ack.rtt > flow.srtt_ ? ack.rtt - flow.srtt_ : flow.srtt_ - ack.rtt;
  flow.rttvar_ = (3 * flow.rttvar_ + error) / 4;
  flow.srtt_ = (7 * flow.srtt_ + ack.rtt) / 8;
  flow.min_rtt_ = std::min(flow.min_rtt_, ack.rtt);
  flow.backoff_ = 0;
  while (!flow.outstanding_.empty() && flow.outstanding_.front().number + kReordering <= number) {
    flow.outstanding_.pop_front();
    flow.in_flight_ -= flow.mss_;
    flow.lost_ += flow.mss_;
    ack.lost += flow.mss_;
  }
  ack.in_flight = flow.in_flight_;
  ack.srtt = flow.srtt_;
  ack.min_rtt = flow.min_rtt_;
  ack.total_delivered = flow.delivered_;
  ack.prior_delivered = packet.delivered;
  ack.tx_in_flight = packet.tx_in_flight;
  ack.lost_since = static_cast<std::uint32_t>(flow.lost_ - packet.lost);
  ack.rate_delivered = static_cast<std::uint32_t>(flow.delivered_ - packet.delivered);
  ack.interval = std::max(packet.sent - packet.first_sent, now_ - packet.delivered_at);
  ack.app_limited = packet.app_limited;
  ack.cwnd_limited = number < flow.limited_until_;
  if (packet.ce) ack.ce_marked = flow.mss_;
  recover(flow, ack, number);
  flow.peak_cwnd_ = std::max(flow.peak_cwnd_, flow.congestion.cwnd());
  flow.least_in_flight_ = std::min(flow.least_in_flight_, flow.in_flight_);
  send(index);
}

void Model::recover(Flow& flow, AckSample& ack, std::uint64_t number) {
  Congestion& congestion = flow.congestion;
  if (flow.cwr_ && number >= flow.cwr_until_) flow.cwr_ = false;
  const bool repaired =
      flow.outstanding_.empty() || flow.outstanding_.front().number >= flow.recover_;
  if (flow.in_recovery_ && repaired && ack.lost == 0) {
    flow.in_recovery_ = false;
    congestion.on_recovery_end(now_, flow.mss_, flow.in_flight_);
  }
  const std::uint32_t flight = ack.in_flight + ack.lost;
  if (ack.lost > 0 && !flow.in_recovery_) {
    flow.in_recovery_ = true;
    flow.recover_ = flow.next_;
    flow.prr_delivered_ = flow.prr_out_ = 0;
    flow.recover_fs_ = flight + flow.mss_;
    ++flow.cuts_;
    congestion.on_congestion(now_, flow.mss_, flow.recover_fs_, CongestionSignal::kLoss);
  } else if (ack.ce_marked > 0 && !flow.in_recovery_ && !flow.cwr_) {
    flow.cwr_ = true;
    flow.cwr_until_ = flow.next_;
    ++flow.cuts_;
    congestion.on_congestion(now_, flow.mss_, flight, CongestionSignal::kEcn);
    if (congestion.reduces_by_prr()) congestion.set_cwnd(congestion.ssthresh());
  }
  ack.in_recovery = flow.in_recovery_;
  congestion.on_ack(ack);
  if (!flow.in_recovery_ || !congestion.reduces_by_prr()) return;
  flow.prr_delivered_ += ack.delivered;
  const std::uint32_t ssthresh = congestion.ssthresh();
  std::int64_t more = 0;
  if (flow.in_flight_ > ssthresh) {
    const std::uint64_t fs = std::max(flow.recover_fs_, 1u);
    more = static_cast<std::int64_t>((flow.prr_delivered_ * ssthresh + fs - 1) / fs) -
           static_cast<std::int64_t>(flow.prr_out_);
  } else {
    more = std::min<std::int64_t>(
        ssthresh - flow.in_flight_,
        std::max<std::int64_t>(static_cast<std::int64_t>(flow.prr_delivered_) -
                                   static_cast<std::int64_t>(flow.prr_out_),
                               ack.delivered) +
            flow.mss_);
  }
  congestion.set_cwnd(flow.in_flight_ +
                      static_cast<std::uint32_t>(std::max<std::int64_t>(more, 0)));
}

void Model::timer(std::uint32_t index) {
  Flow& flow = flows_[index];
  flow.timer_queued_ = false;
  if (flow.outstanding_.empty()) return;
  if (flow.timer_ > now_) {
    flow.timer_queued_ = true;
    schedule(flow.timer_, Kind::kTimer, index, 0);
    return;
  }
  ++flow.timeouts_;
  flow.congestion.on_timeout(now_, flow.mss_, flow.in_flight_, flow.backoff_ == 0);
  ++flow.backoff_;
  flow.lost_ += flow.in_flight_;
  flow.in_flight_ = 0;
  flow.outstanding_.clear();
  flow.in_recovery_ = flow.cwr_ = false;
  flow.next_send_ = now_;
  send(index);
}

}  // namespace smol::tcp::cc_test
