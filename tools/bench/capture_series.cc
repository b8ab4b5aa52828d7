#include "tools/bench/capture_series.hh"

#include <csignal>
#include <memory>
#include <thread>
#include <utility>

#include "tools/bench/failure.hh"
#include "tools/bench/kernel_stream.hh"
#include "tools/bench/stopwatch.hh"

namespace smol::bench {
namespace {

constexpr Seconds kLongestStart{5};

/// A smoldump that captures while it lives.
class Dump {
 public:
  Dump(const DaemonPlaces& places, const SmoldProcess& smold, std::vector<std::string> words) {
    words.insert(words.begin(),
                 {places.smoldump.string(), "--server", smold.server(), "-w", "/dev/null"});
    process_.emplace(words, Process::Options{});
    const Stopwatch watch;
    while (process_->alive() && watch.elapsed() < kLongestStart) {
      if (process_->output().find("listening on") != std::string::npos) return;
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
    }
    throw Failure{"smoldump does not listen: " + process_->output()};
  }
  ~Dump() { kill(process_->pid(), SIGCONT); }
  Dump(const Dump&) = delete;
  Dump& operator=(const Dump&) = delete;

  /// It reads no more, and does not know.
  void stall() { kill(process_->pid(), SIGSTOP); }

 private:
  std::optional<Process> process_;
};

/// Who looks at a stream.
struct Looker {
  std::string name;
  std::vector<std::string> words;  ///< of smoldump
  bool none = false;
  bool stalled = false;
};

class Rig {
 public:
  explicit Rig(const DaemonPlaces& places) : places_{places}, smold_{places, here_} {
    if (places.smoldump.empty()) throw Failure{"no smoldump beside this program: build it"};
  }

  Figure stream(const Looker& looker, Seconds time) {
    std::optional<Dump> dump;
    if (!looker.none) dump.emplace(places_, smold_, looker.words);
    if (looker.stalled) dump->stall();
    const double before = smold_.cpu();
    const Stopwatch watch;
    const StreamFigure figure = run_client(here_, SmoldProcess::kAddress, Way::kFromServer, time);
    const double smold = (smold_.cpu() - before) / watch.elapsed().count();
    return {figure.gbit_a_second, {{"smold CPU", smold}, {"client CPU", figure.cpu}}};
  }

 private:
  const DaemonPlaces places_;
  NetworkNamespace here_;
  SmoldProcess smold_;
};

}  // namespace

Series capture_series(const DaemonPlaces& places) {
  const auto rig = std::make_shared<Rig>(places);
  const std::vector<std::string> all = {"-s", "96", "tcp"};
  const Looker lookers[] = {
      {.name = "nobody", .words = {}, .none = true},
      {.name = "matches nothing", .words = {"tcp port 9"}},
      {.name = "all, 96 octets", .words = all},
      {.name = "all, does not read", .words = all, .stalled = true},
  };
  Series out;
  out.name = "capture";
  out.title = "one stream from smold to Linux over net_tap, and who looks at it";
  out.conditions = {
      "MTU 1500; no thread is pinned; smoldump writes to /dev/null; one that does not read is "
      "stopped (SIGSTOP) before the stream begins",
      "goals: what the row beside it gives, less 3 % for a filter that matches nothing, 25 % for "
      "every packet",
  };
  for (const Looker& looker : lookers) {
    Row row;
    row.name = looker.name;
    row.group = "one stream, server to Linux client";
    row.unit = "Gbit/s";
    row.better = Better::kHigher;
    if (!looker.none) row.reference = looker.stalled ? "all, 96 octets" : "nobody";
    row.measure = [rig, looker](const Effort& effort) {
      return rig->stream(looker, effort.device);
    };
    out.rows.push_back(std::move(row));
  }
  return out;
}

}  // namespace smol::bench
