#include "dataplane/capture_hub.hh"

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <pthread.h>
#include <thread>
#include <utility>

#include "dataplane/capture.hh"
#include "dataplane/capture_merge.hh"
#include "dataplane/capture_queue.hh"
#include "dataplane/capture_rules.hh"
#include "dataplane/wall_clock.hh"
#include "protocols/base/check.hh"

namespace smol::dataplane {
namespace {

/// How often the rings are looked at while somebody captures: workers do not wake us. A ring of 16
/// MiB holds 10 ms at 10 Gbit/s.
constexpr Duration kLook = milliseconds(5);
/// Records of one step, so that whoever opens, closes or flushes does not wait for long.
constexpr std::size_t kRecordsAStep = 8192;
/// How long open() waits for a slot that is on its way out.
constexpr std::chrono::milliseconds kSlotWait{500};

CaptureError invalid(std::string message) {
  return {CaptureError::Kind::kInvalid, std::move(message)};
}

/// Bits of the numbers; all if there are none. Error: one of them has no bit.
template <class Number>
Result<std::uint64_t, CaptureError> bits(const std::vector<Number>& numbers, const char* field) {
  if (numbers.empty()) return ~std::uint64_t{0};
  std::uint64_t out = 0;
  for (const Number number : numbers) {
    if (number >= 64) {
      return fail(invalid(std::string{"capture: "} + field + ": " + std::to_string(number) +
                          ": there is none above 63"));
    }
    out |= std::uint64_t{1} << number;
  }
  return out;
}

Result<std::shared_ptr<CaptureRule>, CaptureError> make_rule(const CaptureSpec& spec) {
  auto rule = std::make_shared<CaptureRule>();
  rule->taps = static_cast<std::uint8_t>((spec.rx ? kTapRx : 0) | (spec.tx ? kTapTx : 0) |
                                         (spec.drop ? kTapDrop : 0));
  if (rule->taps == 0) return fail(invalid("capture: taps: none: ask for rx, tx or drop"));
  if (spec.queue_octets < (std::size_t{64} << 10) || spec.queue_octets > (std::size_t{1} << 30)) {
    return fail(invalid("capture: queue_octets: " + std::to_string(spec.queue_octets) +
                        ": 65536 to 1073741824"));
  }
  if (spec.flush_interval < Duration::zero() || spec.flush_interval > seconds(1)) {
    return fail(invalid("capture: flush_interval: 0 to 1 second"));
  }
  const auto interfaces = bits(spec.interfaces, "interfaces");
  if (!interfaces) return fail(interfaces.error());
  const auto workers = bits(spec.workers, "workers");
  if (!workers) return fail(workers.error());
  auto filter = filter::Filter::create(spec.filter);
  if (!filter) return fail(invalid("capture: " + filter.error().message()));

  constexpr std::uint32_t kMostOctets = 262'144;
  rule->snap_length = spec.snap_length == 0 ? kMostOctets : std::min(spec.snap_length, kMostOctets);
  rule->interfaces = *interfaces;
  rule->workers = *workers;
  rule->filter = std::move(*filter);
  rule->reasons = spec.reasons;
  rule->tcp_info = spec.tcp_info;
  if (spec.reasons.none()) rule->reasons.set();
  rule->dropped = spec.verdict != CaptureSpec::Verdict::kAccepted;
  // Who names reasons wants drops.
  rule->accepted = spec.verdict != CaptureSpec::Verdict::kDropped && spec.reasons.none();
  return rule;
}

}  // namespace

/// A session's part that the hub shares. What is not const belongs to the capture thread, under the
/// core's mutex.
struct CaptureSession::State {
  State(const CaptureSpec& spec, std::shared_ptr<const CaptureRule> wanted)
      : name{spec.name}, rule{std::move(wanted)}, queue{spec.queue_octets, spec.flush_interval} {}

  const std::string name;
  const std::shared_ptr<const CaptureRule> rule;
  CaptureQueue queue;
  unsigned slot = 0;
  bool published = false;
  /// Of the slot, per tap, when it became this session's, and once it is no more.
  std::vector<std::uint64_t> matched_before;
  std::vector<std::uint64_t> lost_before;
  std::vector<std::uint64_t> matched_after;
  std::vector<std::uint64_t> lost_after;
  std::uint64_t captured = 0;
  std::uint64_t lost_stream = 0;
  std::uint64_t lost_ring_seen = 0;  ///< as of the step's beginning
  std::uint64_t lost_told = 0;       ///< in the packets that were captured
};

/// The hub, as sessions share it: rings, rules, slots, and the thread.
class CaptureSession::Core {
 public:
  explicit Core(const CaptureHub::Options& options)
      : ring_octets_{options.ring_octets},
        max_sessions_{std::clamp(options.max_sessions, 1u, 16u)} {
    if (!options.own_thread) return;
    thread_ = std::thread{[this] { run(); }};
    pthread_setname_np(thread_.native_handle(), "smol-capture");
  }

  ~Core() { delete rules_.load(std::memory_order_relaxed); }
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  CaptureTap& add_tap();
  Result<std::shared_ptr<State>, CaptureError> open(const CaptureSpec& spec);
  void stop(State& state) noexcept;
  void flush(std::chrono::milliseconds limit) noexcept;
  void step(Instant now);
  void shut_down();
  CaptureStats stats(const State& state) const;
  std::vector<CaptureHub::SessionInfo> sessions() const;

 private:
  /// Rules, and a session, that workers may still be using.
  struct Retired {
    std::unique_ptr<const CaptureRules> rules;
    std::shared_ptr<State> session;      ///< null: it goes on
    std::vector<std::uint64_t> busy;     ///< of each tap, when the rules were replaced
    std::vector<std::uint64_t> written;  ///< of each ring, when no worker used them any more
    bool unused = false;
  };

  void run();
  bool work(Instant now, bool everything);
  void publish(std::unique_ptr<const CaptureRules> next, std::shared_ptr<State> gone);
  void publish_without(State& state);
  bool retire(Retired& retired);
  void finish(State& state);
  void take(const CaptureTap& tap, const CaptureTap::Entry& entry, Instant now);
  bool idle() const noexcept { return open_ == 0 && retired_.empty(); }
  Duration look_interval() const noexcept;
  CaptureStats stats_locked(const State& state) const;
  std::uint64_t lost_ring(const State& state) const noexcept;

  const std::size_t ring_octets_;
  const unsigned max_sessions_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable changed_;  ///< a slot is free, or a flush was done
  std::vector<std::unique_ptr<CaptureTap>> taps_;
  std::atomic<const CaptureRules*> rules_{nullptr};  ///< owned; replaced under the mutex
  std::array<std::shared_ptr<State>, kCaptureSlots> slots_;
  std::vector<Retired> retired_;
  unsigned open_ = 0;
  CaptureMerge merge_{taps_};
  WallClock wall_;
  bool stop_ = false;
  std::uint64_t flushes_wanted_ = 0;
  std::uint64_t flushes_done_ = 0;
  std::thread thread_;
};

// --- rules

CaptureTap& CaptureSession::Core::add_tap() {
  const std::lock_guard lock{mutex_};
  SMOL_CHECK(idle());
  taps_.push_back(
      std::make_unique<CaptureTap>(rules_, static_cast<std::uint16_t>(taps_.size()), ring_octets_));
  return *taps_.back();
}

Result<std::shared_ptr<CaptureSession::State>, CaptureError> CaptureSession::Core::open(
    const CaptureSpec& spec) {
  auto rule = make_rule(spec);
  if (!rule) return fail(rule.error());
  auto state = std::make_shared<State>(spec, std::move(*rule));

  std::unique_lock lock{mutex_};
  if (open_ >= max_sessions_) {
    return fail(CaptureError{CaptureError::Kind::kTooMany,
                             "capture: " + std::to_string(open_) +
                                 " are open, which is all there can be: end one first"});
  }
  const auto free_slot = [&] { return std::find(slots_.begin(), slots_.end(), nullptr); };
  if (!changed_.wait_for(lock, kSlotWait, [&] { return free_slot() != slots_.end(); })) {
    return fail(CaptureError{CaptureError::Kind::kTooMany,
                             "capture: too many were ended just now: try again"});
  }
  state->slot = static_cast<unsigned>(free_slot() - slots_.begin());
  for (const auto& tap : taps_) {
    state->matched_before.push_back(tap->matched(state->slot));
    state->lost_before.push_back(tap->lost(state->slot));
  }
  slots_[state->slot] = state;
  state->published = true;
  ++open_;

  const CaptureRules* before = rules_.load(std::memory_order_relaxed);
  auto next = before == nullptr ? std::make_unique<CaptureRules>()
                                : std::make_unique<CaptureRules>(*before);
  next->open |= CaptureMask{1} << state->slot;
  next->rules[state->slot] = state->rule;
  if (state->rule->tcp_info) next->tcp_info |= CaptureMask{1} << state->slot;
  publish(std::move(next), nullptr);
  wake_.notify_all();
  return state;
}

void CaptureSession::Core::stop(State& state) noexcept {
  const std::lock_guard lock{mutex_};
  if (state.published) publish_without(state);
}

void CaptureSession::Core::publish_without(State& state) {
  state.published = false;
  --open_;
  auto next = std::make_unique<CaptureRules>(*rules_.load(std::memory_order_relaxed));
  next->open &= ~(CaptureMask{1} << state.slot);
  next->tcp_info &= next->open;
  next->rules[state.slot].reset();
  if (next->open == 0) next.reset();
  publish(std::move(next), slots_[state.slot]);
  wake_.notify_all();
}

void CaptureSession::Core::publish(std::unique_ptr<const CaptureRules> next,
                                   std::shared_ptr<State> gone) {
  std::unique_ptr<const CaptureRules> before{
      rules_.exchange(next.release(), std::memory_order_seq_cst)};
  if (before == nullptr) return;
  Retired retired;
  retired.rules = std::move(before);
  retired.session = std::move(gone);
  for (const auto& tap : taps_) retired.busy.push_back(tap->busy());
  retired_.push_back(std::move(retired));
}

/// True: it is done with.
bool CaptureSession::Core::retire(Retired& retired) {
  if (!retired.unused) {
    for (std::size_t i = 0; i < taps_.size(); ++i) {
      const bool left = retired.busy[i] % 2 == 0 || taps_[i]->busy() != retired.busy[i];
      if (!left) return false;
    }
    retired.unused = true;
    retired.rules.reset();
    for (const auto& tap : taps_) retired.written.push_back(tap->ring().published());
  }
  if (retired.session == nullptr) return true;
  for (std::size_t i = 0; i < taps_.size(); ++i) {
    if (taps_[i]->ring().consumed() < retired.written[i]) return false;
  }
  finish(*retired.session);
  return true;
}

/// Nothing of the session is on its way any more: its slot is free.
void CaptureSession::Core::finish(State& state) {
  for (const auto& tap : taps_) {
    state.matched_after.push_back(tap->matched(state.slot));
    state.lost_after.push_back(tap->lost(state.slot));
  }
  slots_[state.slot].reset();
  state.queue.end();
  changed_.notify_all();
  const bool last = open_ == 0 && std::all_of(slots_.begin(), slots_.end(),
                                              [](const auto& slot) { return slot == nullptr; });
  if (!last) return;
  for (const auto& tap : taps_) {
    if (tap->front() == std::nullopt) tap->ring().release_memory();
  }
}

// --- the capture thread

void CaptureSession::Core::run() {
  std::unique_lock lock{mutex_};
  while (!stop_) {
    const std::uint64_t wanted = flushes_wanted_;
    const bool flush = wanted > flushes_done_;
    lock.unlock();
    const bool more = work(monotonic_now(), flush);
    lock.lock();
    if (more) continue;
    if (flush) {
      flushes_done_ = wanted;
      changed_.notify_all();
    }
    const auto due = [&] { return stop_ || flushes_wanted_ > flushes_done_; };
    if (idle()) {
      wake_.wait(lock, [&] { return due() || !idle(); });
    } else {
      wake_.wait_for(lock, std::chrono::nanoseconds{look_interval().count()}, due);
    }
  }
}

Duration CaptureSession::Core::look_interval() const noexcept {
  Duration out = kLook;
  for (const auto& session : slots_) {
    if (session != nullptr) out = std::min(out, session->queue.flush_interval() / 2);
  }
  return std::max(out, milliseconds(1));
}

/// Takes records from the rings, in order of time. True: there are more. `everything`: whatever
/// their age, and sessions have them at once.
bool CaptureSession::Core::work(Instant now, bool everything) {
  std::array<std::shared_ptr<State>, kCaptureSlots> sessions;
  bool more = false;
  {
    const std::lock_guard lock{mutex_};
    wall_.refresh();
    sessions = slots_;
    for (const auto& session : sessions) {
      if (session != nullptr) session->lost_ring_seen = lost_ring(*session);
    }
    more = merge_.take(
        now, everything, kRecordsAStep,
        [&](const CaptureTap& tap, const CaptureTap::Entry& entry) { take(tap, entry, now); });
    if (!more) std::erase_if(retired_, [&](Retired& retired) { return retire(retired); });
  }
  for (const auto& session : sessions) {
    if (session == nullptr) continue;
    if (everything && !more) session->queue.flush();
    session->queue.call_reader(now);
  }
  return more;
}

void CaptureSession::Core::take(const CaptureTap& tap, const CaptureTap::Entry& entry,
                                Instant now) {
  CapturedPacket packet;
  packet.unix_ns = wall_.unix_ns(entry.record.at);
  packet.length = entry.record.length;
  packet.interface = entry.record.interface;
  packet.worker = tap.worker();
  packet.queue = entry.record.queue;
  packet.direction = entry.record.direction;
  packet.dropped = entry.record.dropped;
  packet.reason = entry.record.reason;
  CaptureRules::for_each(entry.record.captures, [&](unsigned slot) {
    SMOL_CHECK(slots_[slot] != nullptr);  // it is freed after the last record for it
    State& session = *slots_[slot];
    packet.trace = session.rule->tcp_info && entry.trace ? &*entry.trace : nullptr;
    packet.octets =
        entry.octets.first(std::min<std::size_t>(entry.octets.size(), session.rule->snap_length));
    const std::uint64_t lost = session.lost_ring_seen + session.lost_stream;
    packet.lost = static_cast<std::uint32_t>(lost - session.lost_told);
    if (session.queue.push(now, packet)) {
      ++session.captured;
      session.lost_told = lost;
    } else {
      ++session.lost_stream;
    }
  });
}

void CaptureSession::Core::step(Instant now) {
  while (work(now, false)) {
  }
}

void CaptureSession::Core::flush(std::chrono::milliseconds limit) noexcept {
  if (!thread_.joinable()) {
    while (work(monotonic_now(), true)) {
    }
    return;
  }
  std::unique_lock lock{mutex_, std::defer_lock};
  // The process may be about to die with the mutex in anybody's hands.
  const auto until = std::chrono::steady_clock::now() + limit;
  while (!lock.try_lock()) {
    if (std::chrono::steady_clock::now() >= until) return;
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
  const std::uint64_t mine = ++flushes_wanted_;
  wake_.notify_all();
  changed_.wait_until(lock, until, [&] { return flushes_done_ >= mine; });
}

void CaptureSession::Core::shut_down() {
  {
    const std::lock_guard lock{mutex_};
    stop_ = true;
    for (const auto& session : slots_) {
      if (session != nullptr && session->published) publish_without(*session);
    }
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  while (work(monotonic_now(), true)) {
  }
}

// --- counts

CaptureStats CaptureSession::Core::stats(const State& state) const {
  const std::lock_guard lock{mutex_};
  return stats_locked(state);
}

/// Of a session that has its slot yet.
std::uint64_t CaptureSession::Core::lost_ring(const State& state) const noexcept {
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < state.lost_before.size(); ++i) {
    out += taps_[i]->lost(state.slot) - state.lost_before[i];
  }
  return out;
}

CaptureStats CaptureSession::Core::stats_locked(const State& state) const {
  CaptureStats out;
  const bool ended = !state.matched_after.empty();
  for (std::size_t i = 0; i < state.matched_before.size(); ++i) {
    const std::uint64_t matched = ended ? state.matched_after[i] : taps_[i]->matched(state.slot);
    const std::uint64_t lost = ended ? state.lost_after[i] : taps_[i]->lost(state.slot);
    out.matched += matched - state.matched_before[i];
    out.lost_ring += lost - state.lost_before[i];
    out.lost_ring_by_worker.push_back(lost - state.lost_before[i]);
  }
  out.captured = state.captured;
  out.lost_stream = state.lost_stream;
  out.delivered = state.queue.delivered();
  return out;
}

std::vector<CaptureHub::SessionInfo> CaptureSession::Core::sessions() const {
  const std::lock_guard lock{mutex_};
  std::vector<CaptureHub::SessionInfo> out;
  for (const auto& session : slots_) {
    if (session != nullptr && session->published) {
      out.push_back({session->name, stats_locked(*session)});
    }
  }
  return out;
}

// --- the faces

CaptureSession::CaptureSession(std::shared_ptr<Core> core, std::shared_ptr<State> state) noexcept
    : core_{std::move(core)}, state_{std::move(state)} {}

CaptureSession::~CaptureSession() {
  core_->stop(*state_);
  state_->queue.close();
}

CaptureRead CaptureSession::read(CaptureBatch& into, std::chrono::nanoseconds timeout) {
  const Instant now = monotonic_now();
  const bool forever = timeout > std::chrono::nanoseconds{(kNever - now).count()};
  const Instant until = forever ? kNever : now + nanoseconds(timeout.count());
  return state_->queue.wait(into, until, monotonic_now);
}

CaptureRead CaptureSession::try_read(CaptureBatch& into, std::function<void()> when_ready) {
  return state_->queue.take(into, monotonic_now(), std::move(when_ready));
}

void CaptureSession::stop() noexcept {
  core_->stop(*state_);
}

CaptureStats CaptureSession::stats() const {
  return core_->stats(*state_);
}

CaptureHub::CaptureHub(const Options& options)
    : core_{std::make_shared<CaptureSession::Core>(options)} {}

CaptureHub::~CaptureHub() {
  core_->shut_down();
}

CaptureTap& CaptureHub::add_tap() {
  return core_->add_tap();
}

Result<std::unique_ptr<CaptureSession>, CaptureError> CaptureHub::open(const CaptureSpec& spec) {
  auto state = core_->open(spec);
  if (!state) return fail(state.error());
  return std::unique_ptr<CaptureSession>{new CaptureSession{core_, std::move(*state)}};
}

void CaptureHub::flush(std::chrono::milliseconds limit) noexcept {
  core_->flush(limit);
}

std::vector<CaptureHub::SessionInfo> CaptureHub::sessions() const {
  return core_->sessions();
}

void CaptureHub::step(Instant now) {
  core_->step(now);
}

}  // namespace smol::dataplane
