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
  bool beside = false;   ///< beside another that takes all
  bool stalled = false;  ///< stops before the stream begins
  std::string reference = "nobody";
};

const std::vector<std::string> kAll = {"-s", "96", "tcp"};

class Rig {
 public:
  explicit Rig(const DaemonPlaces& places) : places_{places}, smold_{places, here_} {
    if (places.smoldump.empty()) throw Failure{"no smoldump beside this program: build it"};
  }

  Figure stream(const Looker& looker, Seconds time) {
    std::optional<Dump> dump;
    if (!looker.none) dump.emplace(places_, smold_, looker.words);
    std::optional<Dump> other;
    if (looker.beside) other.emplace(places_, smold_, kAll);
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
  const Looker lookers[] = {
      {.name = "nobody", .words = {}, .none = true, .reference = ""},
      {.name = "matches nothing", .words = {"tcp port 9"}},
      {.name = "all, 96 octets", .words = kAll},
      {.name = "all, does not read", .words = kAll, .stalled = true},
      {.name = "all, by two", .words = kAll, .beside = true},
      {.name = "all, one does not read",
       .words = kAll,
       .beside = true,
       .stalled = true,
       .reference = "all, by two"},
  };
  Series out;
  out.name = "capture";
  out.title = "one stream from smold to Linux over net_tap, and who looks at it";
  out.conditions = {
      "MTU 1500; no thread is pinned; smoldump writes to /dev/null; one that does not read is "
      "stopped (SIGSTOP) before the stream begins",
      "goals: what nobody's row gives, less 3 % for a filter that matches nothing, 25 % for every "
      "packet; one of two that does not read: less 1 % of what both give that do",
      "who reads keeps processors awake, which makes the stream faster on machines whose idle "
      "processors are slow to wake: so the last two rows both have one",
  };
  for (const Looker& looker : lookers) {
    Row row;
    row.name = looker.name;
    row.group = "one stream, server to Linux client";
    row.unit = "Gbit/s";
    row.better = Better::kHigher;
    row.reference = looker.reference;
    row.measure = [rig, looker](const Effort& effort) {
      return rig->stream(looker, effort.device);
    };
    out.rows.push_back(std::move(row));
  }
  return out;
}

}  // namespace smol::bench
