#include "control/stats_service.hh"

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include <grpcpp/alarm.h>

#include "control/convert.hh"
#include "control/listing.hh"
#include "protocols/base/drop.hh"

namespace smol::control {
namespace {

constexpr Duration kShortest = milliseconds(10);
constexpr Duration kLongest = seconds(3600);

using Prefixes = std::vector<std::string>;

void fill(const dataplane::Daemon& daemon, const RemoteCounters& remote, const Prefixes& prefixes,
          v1::Stats& to) {
  put_time(unix_now(), *to.mutable_time());
  auto rows = dataplane::named(daemon.snapshot());
  rows.emplace_back("remote.listen_token_expired", remote.listen_token_expired);
  for (const auto& row : rows) {
    const bool wanted =
        prefixes.empty() || std::any_of(prefixes.begin(), prefixes.end(), [&](const auto& prefix) {
          return row.first.starts_with(prefix);
        });
    if (!wanted) continue;
    v1::Counter& counter = *to.add_counters();
    counter.set_name(row.first);
    counter.set_value(row.second);
  }
}

}  // namespace

/// One who watches: a message, a pause, and so on until somebody ends it.
class StatsService::Watcher final : public grpc::ServerWriteReactor<v1::WatchStatsResponse> {
 public:
  Watcher(StatsService& service, Prefixes prefixes, Duration interval)
      : service_{service}, prefixes_{std::move(prefixes)}, interval_{interval} {}

  void begin() { write(); }

  /// The end, now or after the message that is being written.
  void end(const grpc::Status& status) {
    const std::lock_guard lock{mutex_};
    if (ending_) return;
    ending_ = true;
    status_ = status;
    if (pausing_) alarm_.Cancel();
  }

  void OnWriteDone(bool ok) override {
    {
      const std::lock_guard lock{mutex_};
      if (ok && !ending_) {
        pausing_ = true;
        alarm_.Set(std::chrono::system_clock::now() + std::chrono::nanoseconds{interval_},
                   [this](bool) { on_pause_over(); });
        return;
      }
      if (!ending_) status_ = grpc::Status::CANCELLED;
      ending_ = true;
    }
    this->Finish(status_);
  }
  void OnCancel() override { end(grpc::Status::CANCELLED); }
  void OnDone() override {
    {
      const std::lock_guard lock{service_.mutex_};
      service_.watchers_.erase(this);
    }
    delete this;
  }

 private:
  void on_pause_over() {
    bool over = false;
    {
      const std::lock_guard lock{mutex_};
      pausing_ = false;
      over = ending_;
    }
    if (over) {
      this->Finish(status_);
    } else {
      write();
    }
  }
  void write() {
    response_.Clear();
    fill(service_.daemon_, service_.remote_, prefixes_, *response_.mutable_stats());
    this->StartWrite(&response_);
  }

  StatsService& service_;
  const Prefixes prefixes_;
  const Duration interval_;
  v1::WatchStatsResponse response_;
  std::mutex mutex_;
  bool pausing_ = false;
  bool ending_ = false;
  grpc::Status status_;
  grpc::Alarm alarm_;
};

grpc::Status StatsService::GetStats(grpc::ServerContext*, const v1::GetStatsRequest* request,
                                    v1::GetStatsResponse* response) {
  fill(daemon_, remote_, {request->prefixes().begin(), request->prefixes().end()},
       *response->mutable_stats());
  return grpc::Status::OK;
}

grpc::ServerWriteReactor<v1::WatchStatsResponse>* StatsService::WatchStats(
    grpc::CallbackServerContext*, const v1::WatchStatsRequest* request) {
  Duration interval = seconds(1);
  if (request->has_interval()) {
    const auto parsed = parse(request->interval(), "interval", kShortest, kLongest);
    if (!parsed) return refuse_listing<v1::WatchStatsResponse>(to_status(parsed.error()));
    interval = *parsed;
  }
  const std::unique_lock lock{mutex_};
  if (ended_) return refuse_listing<v1::WatchStatsResponse>(stopping());
  auto* watcher =
      new Watcher{*this, {request->prefixes().begin(), request->prefixes().end()}, interval};
  watchers_.insert(watcher);
  watcher->begin();
  return watcher;
}

grpc::Status StatsService::ListDropReasons(grpc::ServerContext*,
                                           const v1::ListDropReasonsRequest* request,
                                           v1::ListDropReasonsResponse* response) {
  const dataplane::Snapshot snapshot = daemon_.snapshot();
  for (std::size_t i = 0; i < kDropCount; ++i) {
    if (request->occurred_only() && snapshot.drops[i] == 0) continue;
    const auto drop = static_cast<Drop>(i);
    v1::DropReason& reason = *response->add_reasons();
    reason.set_name(std::string{name(drop)});
    reason.set_stage(std::string{name(stage(drop))});
    reason.set_sentence(std::string{sentence(drop)});
    reason.set_count(snapshot.drops[i]);
  }
  return grpc::Status::OK;
}

void StatsService::end() {
  const std::lock_guard lock{mutex_};
  ended_ = true;
  for (Watcher* watcher : watchers_) watcher->end(stopping());
}

}  // namespace smol::control
