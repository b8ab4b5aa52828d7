#include "tools/bench/runner.hh"

#include <ctime>
#include <optional>
#include <sched.h>

#include <fmt/core.h>

#include "tools/bench/failure.hh"
#include "tools/bench/load.hh"

namespace smol::bench {
namespace {

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

/// Where the thread may run, given back at the end.
class Affinity {
 public:
  Affinity() { valid_ = sched_getaffinity(0, sizeof saved_, &saved_) == 0; }
  ~Affinity() {
    if (valid_) sched_setaffinity(0, sizeof saved_, &saved_);
  }
  Affinity(const Affinity&) = delete;
  Affinity& operator=(const Affinity&) = delete;

  /// Not where it was not allowed to run before (taskset): then it stays as it is.
  void stay_on(unsigned processor) {
    if (!valid_ || !CPU_ISSET(processor, &saved_)) return;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(processor, &one);
    sched_setaffinity(0, sizeof one, &one);
  }

 private:
  cpu_set_t saved_{};
  bool valid_ = false;
};

SeriesResult described(const Series& series, const Plan& plan) {
  SeriesResult out;
  out.name = series.name;
  out.title = series.title;
  out.conditions = series.conditions;
  out.started = utc_now();
  out.machine = describe_machine();
  out.runs = plan.runs;
  out.quick = plan.quick;
  for (const Row& row : series.rows) {
    RowResult& to = out.rows.emplace_back();
    to.name = row.name;
    to.group = row.group;
    to.unit = row.unit;
    to.better = row.better;
    to.reference = row.reference;
    to.yardstick = row.yardstick;
    to.goal = row.goal;
  }
  return out;
}

}  // namespace

SeriesResult run(const Series& series, const Plan& plan, const Progress& progress) {
  SeriesResult out = described(series, plan);
  Neighbours neighbours{plan.patience};
  std::optional<Calibrator> calibrator;
  if (plan.calibrate) calibrator.emplace();
  Affinity affinity;
  for (unsigned i = 0; i < plan.runs; ++i) {
    for (std::size_t r = 0; r < series.rows.size(); ++r) {
      if (!out.rows[r].failure.empty()) continue;
      progress(
          fmt::format("{}: run {} of {}: {}", series.name, i + 1, plan.runs, series.rows[r].name));
      Sample sample;
      const Neighbours::Glance glance = neighbours.wait();
      sample.others_before = glance.others;
      sample.quiet = glance.quiet;
      if (series.one_thread) affinity.stay_on(glance.idlest);
      try {
        if (calibrator) sample.before = calibrator->run();
        neighbours.begin();
        sample.figure = series.rows[r].measure(plan.effort);
        sample.others_during = neighbours.others();
        if (calibrator) sample.after = calibrator->run();
        out.rows[r].samples.push_back(std::move(sample));
      } catch (const Failure& failure) {
        out.rows[r].failure = failure.what();
      }
    }
  }
  out.waited = neighbours.waited().count();
  return out;
}

}  // namespace smol::bench
