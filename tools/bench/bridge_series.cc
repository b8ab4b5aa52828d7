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

#include "tools/bench/bridge_cells.hh"
#include "tools/bench/failure.hh"
#include "tools/bench/kernel_stream.hh"
#include "tools/bench/places.hh"
#include "tools/bench/stopwatch.hh"

namespace smol::bench {
namespace {

namespace fs = std::filesystem;

constexpr Seconds kLongestStart{10};
constexpr const char* kLeft = "192.168.69.100";
constexpr const char* kRight = SmoldProcess::kAddress;

/// As smold calls it.
std::string smolds_name(const std::string& congestion) {
  return congestion == "reno" ? "newreno" : congestion;
}

/// Of a stream's buffers: one alone fills the link and its queue, many have a small part each.
const char* buffer_for(unsigned streams) {
  return streams == 1 ? "8MiB" : "2MiB";
}

std::string config_of_smold(const std::string& congestion, const char* buffer,
                            const fs::path& socket) {
  return fmt::format(R"(# What smolbench runs smold with.
log:
  level: info
ports:
  - name: smol0
    device: net_memif0,socket={},socket-abstract=no,role=client
    addresses:
      - {}/24
pool:
  packets: 131072
eal:
  memory: 1GiB
tcp:
  congestion_control: {}
  send_buffer: {}
  receive_buffer: {}
apps:
  sink:
    enabled: on
    checksum: off
    user_timeout: off
  source:
    enabled: on
)",
                     socket.string(), kRight, smolds_name(congestion), buffer, buffer);
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

  /// The kernel on the left opens the streams.
  Figure stream(const BridgeCell& cell, double scale) {
    prepare(cell);
    StreamOptions options;
    options.congestion = cell.congestion;
    options.warm_up = scale * cell.warm_up();
    options.standstill = Seconds{15};
    options.streams = cell.streams();
    const Use use{*this};
    const StreamFigure figure = run_client(*left_, kRight, cell.way, scale * cell.time(), options);
    return {figure.gbit_a_second * 1e3, use.notes(cell)};
  }

  /// smold opens them, to a sink or a source on the left. Precondition: there is a smold.
  Figure stream_of_opener(const BridgeCell& cell, double scale) {
    prepare(cell);
    const KernelServer server{*left_, kLeft, cell.congestion};
    const Way way = cell.way == Way::kFromServer ? Way::kToServer : Way::kFromServer;
    const std::string words = fmt::format(
        "exec '{}' --server '{}' tcp connect {}:{} {} > /dev/null", places_.smolctl.string(),
        api_of_smold_, kLeft, way == Way::kToServer ? kSinkPort : kSourcePort,
        way == Way::kToServer ? "< /dev/zero" : "");
    const Use use{*this};
    std::vector<std::unique_ptr<Process>> openers;
    for (unsigned i = 0; i < cell.streams(); ++i) {
      openers.push_back(
          std::make_unique<Process>(std::vector<std::string>{"sh", "-c", words},
                                    Process::Options{.input = Process::Input::kHeldOpen}));
      std::this_thread::sleep_for(scale * cell.warm_up() / 2 / cell.streams());
    }
    std::this_thread::sleep_for(scale * cell.warm_up() / 2);
    const std::uint64_t before = server.octets(way);
    const Stopwatch watch;
    std::this_thread::sleep_for(scale * cell.time());
    const std::uint64_t octets = server.octets(way) - before;
    const double seconds = watch.elapsed().count();
    for (const std::unique_ptr<Process>& opener : openers) {
      if (!opener->alive()) throw Failure{"smolctl tcp connect: " + opener->output()};
    }
    return {static_cast<double>(octets) * 8 / seconds / 1e6, use.notes(cell)};
  }

 private:
  /// What the bridge uses while this lives.
  class Use {
   public:
    explicit Use(const Path& path) : path_{path}, before_{path.bridge_->cpu()} {}
    std::vector<std::pair<std::string, double>> notes(const BridgeCell& cell) const {
      const double cpu = (path_.bridge_->cpu() - before_) / watch_.elapsed().count();
      return {{"streams", static_cast<double>(cell.streams())}, {"bridge CPU", cpu}};
    }

   private:
    const Path& path_;
    const double before_;
    const Stopwatch watch_;
  };

  void prepare(const BridgeCell& cell) {
    const std::string buffer = buffer_for(cell.streams());
    if (congestion_ != cell.congestion || (to_smold_ && buffer_ != buffer)) {
      buffer_ = buffer;
      start(cell.congestion);
    }
    set_link(cell);
  }

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
    api_of_smold_ = "unix://" + fs::absolute(file("smold-ctl.sock")).string();
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
      write_file(config, config_of_smold(congestion, buffer_.c_str(), socket));
      argv = {places_.smold.string(), "--config", config.string(), "--grpc", api_of_smold_};
      smold_.emplace(file("smold.log"), argv, *middle_);
    } else {
      move_interface(*middle_, "right", *right_);
      settle(*right_, "right", kRight);
      server_.emplace(*right_, kRight, congestion);
    }
    congestion_ = congestion;
  }

  void set_link(const BridgeCell& cell) {
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
  std::string api_of_smold_;
  std::string congestion_;
  std::string buffer_;
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
    write_file(config, config_of_smold(name, buffer_for(1), "/tmp/none"));
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

/// Of the times of a cell: --quick cuts them.
double scale_of(const Effort& effort) {
  return std::min(1.0, effort.device / Effort{}.device);
}

void add_rows(Series& series, const std::shared_ptr<Rigs>& rigs, const BridgeCell& cell) {
  Row ours;
  ours.name = cell.name() + " smold";
  ours.group =
      fmt::format("{}, {}", cell.congestion,
                  cell.way == Way::kFromServer ? "smold sends to Linux" : "Linux sends to smold");
  ours.unit = "Mbit/s";
  ours.better = Better::kHigher;
  ours.reference = cell.name() + " kernel";
  ours.measure = [rigs, cell](const Effort& effort) {
    return rigs->ours.stream(cell, scale_of(effort));
  };
  Row reference = ours;
  reference.name = ours.reference;
  reference.reference.clear();
  reference.measure = [rigs, cell](const Effort& effort) {
    return rigs->reference.stream(cell, scale_of(effort));
  };
  series.rows.push_back(std::move(ours));
  series.rows.push_back(std::move(reference));
}

/// Compared with the same cell of Linux to Linux, to which it is one who opens.
void add_row_of_opener(Series& series, const std::shared_ptr<Rigs>& rigs, const BridgeCell& cell) {
  Row row;
  row.name = cell.name() + " smold opens";
  row.group = fmt::format("{}, smold opens the connection", cell.congestion);
  row.unit = "Mbit/s";
  row.better = Better::kHigher;
  row.reference = cell.name() + " kernel";
  row.measure = [rigs, cell](const Effort& effort) {
    return rigs->ours.stream_of_opener(cell, scale_of(effort));
  };
  series.rows.push_back(std::move(row));
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
      "where loss bounds a stream, several together, below 40 % of the rate, for some 200 losses "
      "or 12 s; payload of all of them after a warm-up of half a second and 40 round trips",
      "Linux opens the connections, and in the rows so named smold does, by smolctl",
      "MTU 1500; buffers of 8 MiB for one stream and 2 MiB for several in smold, the kernel's as "
      "they are; no thread is pinned",
  };
  for (const std::string& congestion : congestion_controls(places)) {
    for (const BridgeCell& cell : bridge_cells(congestion)) add_rows(out, rigs, cell);
    for (const BridgeCell& cell : bridge_cells_of_opener(congestion)) {
      add_row_of_opener(out, rigs, cell);
    }
  }
  return out;
}

}  // namespace smol::bench
