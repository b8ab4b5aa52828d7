#include "tools/bench/bridge_series.hh"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <sstream>
#include <thread>
#include <unistd.h>
#include <utility>

#include <fmt/core.h>

#include "tools/bench/failure.hh"
#include "tools/bench/kernel_stream.hh"
#include "tools/bench/places.hh"
#include "tools/bench/stopwatch.hh"

namespace smol::bench {
namespace {

namespace fs = std::filesystem;

constexpr Seconds kLongestStart{10};
/// Of the time of other benchmarks: there are hundreds of rows.
constexpr double kShare = 0.6;
constexpr const char* kLeft = "192.168.69.100";
constexpr const char* kRight = SmoldProcess::kAddress;

/// What the link does, and who sends over it with which congestion control.
struct Cell {
  double loss;  ///< percent, in the direction of the data
  int rtt_ms;
  int rate_mbit;
  std::string congestion;  ///< as Linux calls it
  Way way;

  /// Frames of one round trip at that rate: the queue.
  int queue_packets() const { return std::max(50, rate_mbit * rtt_ms * 1000 / 8 / 1514); }
};

/// As smold calls it.
std::string smolds_name(const std::string& congestion) {
  return congestion == "reno" ? "newreno" : congestion;
}

std::string config_of_smold(const std::string& congestion, const fs::path& socket) {
  return fmt::format(R"(# What smolbench runs smold with.
log:
  level: info
ports:
  - name: smol0
    device: net_memif0,socket={},socket-abstract=no,role=client
    addresses:
      - {}/24
pool:
  packets: 32768
tcp:
  congestion_control: {}
  send_buffer: 8MiB
  receive_buffer: 8MiB
apps:
  sink:
    enabled: on
    checksum: off
    user_timeout: off
  source:
    enabled: on
)",
                     socket.string(), kRight, smolds_name(congestion));
}

std::string text_of(const fs::path& file) {
  std::ifstream in{file};
  return {std::istreambuf_iterator<char>{in}, {}};
}

/// A smold that is ready, with its log in a file.
class Daemon {
 public:
  Daemon(const fs::path& log, std::vector<std::string> argv, const NetworkNamespace& where)
      : log_{log} {
    argv.insert(argv.end(), {"--log-level", "info"});
    process_.emplace(argv, Process::Options{.where = &where, .output_file = log.string()});
    const Stopwatch watch;
    while (text_of(log_).find("ready in") == std::string::npos) {
      if (!process_->alive() || watch.elapsed() > kLongestStart) {
        throw Failure{"smold does not start: " + text_of(log_)};
      }
      usleep(10'000);
    }
  }
  double cpu() const {
    const std::optional<ProcessUse> use = process_use(process_->pid());
    if (!use) throw Failure{"smold has ended: " + text_of(log_)};
    return use->total();
  }

 private:
  fs::path log_;
  std::optional<Process> process_;
};

void settle(const NetworkNamespace& where, const char* interface, const char* address) {
  where.run([&] {
    set_ip4_address(interface, address, 24);
    set_up(interface);
    // Each stream begins as if it were the first.
    std::ofstream{"/proc/sys/net/ipv4/tcp_no_metrics_save"} << "1" << std::flush;
  });
}

/// A bridge with Linux on its left, and on its right Linux or a smold.
class Path {
 public:
  Path(const DaemonPlaces& places, std::string name, bool to_smold)
      : places_{places}, name_{std::move(name)}, to_smold_{to_smold} {}

  Figure stream(const Cell& cell, Seconds time) {
    if (congestion_ != cell.congestion) start(cell.congestion);
    set_link(cell);
    StreamOptions options;
    options.congestion = cell.congestion;
    options.warm_up = std::min(time, Seconds{0.5} + Seconds{cell.rtt_ms * 10e-3});
    options.standstill = Seconds{15};
    const double before = bridge_->cpu();
    const Stopwatch watch;
    const StreamFigure figure = run_client(*left_, kRight, cell.way, time, options);
    const double cpu = (bridge_->cpu() - before) / watch.elapsed().count();
    return {figure.gbit_a_second * 1e3, {{"bridge CPU", cpu}}};
  }

 private:
  fs::path file(const std::string& what) const { return places_.out / (name_ + "-" + what); }

  /// Both anew: a smold's congestion control is that of its start.
  void start(const std::string& congestion) {
    server_.reset();
    smold_.reset();
    bridge_.reset();
    left_.emplace();
    middle_.emplace();
    right_.emplace();
    const fs::path socket = fs::absolute(file("memif.sock"));
    api_ = "unix://" + fs::absolute(file("ctl.sock")).string();
    const std::string far =
        to_smold_ ? "net_memif0,socket=" + socket.string() + ",socket-abstract=no,role=server"
                  : "tap:right";
    std::vector<std::string> argv = {
        places_.smold.string(), "--bridge", "tap:left", far, "--grpc", api_, "--fault-seed", "1"};
    bridge_.emplace(file("bridge.log"), argv, *middle_);
    move_interface(*middle_, "left", *left_);
    settle(*left_, "left", kLeft);
    if (to_smold_) {
      const fs::path config = file("smold.yaml");
      write_file(config, config_of_smold(congestion, socket));
      argv = {places_.smold.string(), "--config", config.string(), "--grpc", "off"};
      smold_.emplace(file("smold.log"), argv, *middle_);
    } else {
      move_interface(*middle_, "right", *right_);
      settle(*right_, "right", kRight);
      server_.emplace(*right_, kRight, congestion);
    }
    congestion_ = congestion;
  }

  void set_link(const Cell& cell) {
    const std::string lossy = fmt::format("loss={}", cell.loss);
    const bool to_right = cell.way == Way::kToServer;
    const std::vector<std::string> both = {fmt::format("delay={}us", cell.rtt_ms * 500),
                                           fmt::format("rate={}Mbit", cell.rate_mbit),
                                           fmt::format("queue_packets={}", cell.queue_packets())};
    set({}, both);
    set("a_to_b", {to_right ? lossy : "loss=0"});
    set("b_to_a", {to_right ? "loss=0" : lossy});
  }

  void set(const std::string& way, const std::vector<std::string>& settings) {
    std::vector<std::string> argv = {places_.smolctl.string(), "--server", api_, "bridge", "set"};
    if (!way.empty()) argv.push_back(way);
    argv.insert(argv.end(), settings.begin(), settings.end());
    const Process::Ended ended = run_to_end(argv, {});
    if (ended.status != 0) throw Failure{"smolctl bridge set: " + ended.output};
  }

  const DaemonPlaces places_;
  const std::string name_;
  const bool to_smold_;
  std::string api_;
  std::string congestion_;
  std::optional<NetworkNamespace> left_;
  std::optional<NetworkNamespace> middle_;
  std::optional<NetworkNamespace> right_;
  std::optional<Daemon> bridge_;
  std::optional<Daemon> smold_;
  std::optional<KernelServer> server_;
};

/// Those that both know. BBR is not there on every kernel.
std::vector<std::string> congestion_controls(const DaemonPlaces& places) {
  std::ifstream file{"/proc/sys/net/ipv4/tcp_available_congestion_control"};
  std::vector<std::string> kernels{std::istream_iterator<std::string>{file}, {}};
  std::vector<std::string> out;
  for (const char* name : {"reno", "cubic", "bbr"}) {
    if (std::find(kernels.begin(), kernels.end(), name) == kernels.end()) continue;
    const fs::path config = places.out / "bridge-try.yaml";
    write_file(config, config_of_smold(name, "/tmp/none"));
    const Process::Ended tried =
        run_to_end({places.smold.string(), "--check-config", config.string()}, {});
    if (tried.status == 0) out.emplace_back(name);
  }
  if (out.empty()) throw Failure{"smold and this kernel have no congestion control in common"};
  return out;
}

struct Rigs {
  explicit Rigs(const DaemonPlaces& places)
      : ours{places, "bridge-smold", true}, reference{places, "bridge-linux", false} {}

  Path ours;
  Path reference;
};

void add_rows(Series& series, const std::shared_ptr<Rigs>& rigs, const Cell& cell) {
  const bool from = cell.way == Way::kFromServer;
  const std::string name =
      fmt::format("{} {} {} % {} ms {} Mbit/s", cell.congestion, from ? "from" : "to", cell.loss,
                  cell.rtt_ms, cell.rate_mbit);
  Row ours;
  ours.name = name + " smold";
  ours.group = fmt::format("{}, {}", cell.congestion,
                           from ? "smold sends to Linux" : "Linux sends to smold");
  ours.unit = "Mbit/s";
  ours.better = Better::kHigher;
  ours.reference = name + " kernel";
  ours.measure = [rigs, cell](const Effort& effort) {
    return rigs->ours.stream(cell, kShare * effort.device);
  };
  Row reference = ours;
  reference.name = ours.reference;
  reference.reference.clear();
  reference.measure = [rigs, cell](const Effort& effort) {
    return rigs->reference.stream(cell, kShare * effort.device);
  };
  series.rows.push_back(std::move(ours));
  series.rows.push_back(std::move(reference));
}

}  // namespace

Series bridge_series(const DaemonPlaces& places) {
  if (places.smold.empty()) throw Failure{"no smold beside this program: build it"};
  if (places.smolctl.empty()) throw Failure{"no smolctl beside this program: build it"};
  const auto rigs = std::make_shared<Rigs>(places);
  Series out;
  out.name = "bridge";
  out.title = "streams through smold --bridge: Linux and smold, and Linux and Linux";
  out.conditions = {
      "the same link in either case: delay of half of the round trip in both directions, the rate "
      "with a queue of one round trip (at least 50 frames), loss in the direction of the data",
      "goal: at least 90 % of what Linux to Linux has with the same congestion control; BBR is "
      "compared up to 1 % of loss, because the kernel's is version 1",
      "MTU 1500; payload a second after a warm-up of half a second and ten round trips; buffers of "
      "8 MiB in smold, the kernel's as they are; no thread is pinned",
  };
  for (const std::string& congestion : congestion_controls(places)) {
    for (const Way way : {Way::kFromServer, Way::kToServer}) {
      for (const double loss : {0.0, 0.1, 1.0, 3.0}) {
        if (congestion == "bbr" && loss > 1) continue;
        for (const int rtt : {2, 20, 100}) {
          for (const int rate : {50, 200}) add_rows(out, rigs, {loss, rtt, rate, congestion, way});
        }
      }
    }
  }
  return out;
}

}  // namespace smol::bench
