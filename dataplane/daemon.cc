#include "dataplane/daemon.hh"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <thread>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "dataplane/capture_hub.hh"
#include "dataplane/capture_writer.hh"
#include "dataplane/chance.hh"
#include "dataplane/courier.hh"
#include "dataplane/dpdk.hh"
#include "dataplane/eal.hh"
#include "dataplane/filter/self_test.hh"
#include "dataplane/logger.hh"
#include "dataplane/mbuf_packet.hh"
#include "dataplane/port.hh"
#include "dataplane/printed.hh"
#include "dataplane/team.hh"
#include "dataplane/worker.hh"
#include "protocols/base/check.hh"

namespace smol::dataplane {
namespace {

/// DPDK's own needs beside the packets: queues, tables, and the pools that drivers make for
/// themselves.
constexpr std::size_t kDpdkOctets = std::size_t{64} << 20;
constexpr std::size_t kPortOctets = std::size_t{8} << 20;

bool sleeps(const Config& config) {
  switch (config.idle.sleep) {
    case IdleConfig::Sleep::kOn:
      return true;
    case IdleConfig::Sleep::kOff:
      return false;
    case IdleConfig::Sleep::kAuto:
      break;
  }
  return std::all_of(config.ports.begin(), config.ports.end(),
                     [](const PortConfig& port) { return is_virtual(port.device); });
}

/// Whose capture is saved when the process ends of a bug.
std::atomic<CaptureWriter*> the_capture{nullptr};

void on_check_failed(const char* what, const char* file, int line) noexcept {
  std::array<char, 512> text{};
  Worker* worker = Worker::current();
  const int size =
      worker == nullptr
          ? std::snprintf(text.data(), text.size(), "smold: bug: %s (%s:%d)\n", what, file, line)
          : std::snprintf(text.data(), text.size(), "smold: bug in worker %u: %s (%s:%d)\n",
                          worker->index(), what, file, line);
  if (size > 0) {
    [[maybe_unused]] const ssize_t n =
        ::write(STDERR_FILENO, text.data(),
                std::min<std::size_t>(static_cast<std::size_t>(size), text.size()));
  }
  if (worker == nullptr) return;
  worker->publish_capture();
  if (CaptureWriter* capture = the_capture.load()) capture->flush(std::chrono::milliseconds{500});
}

Result<void, StartError> pin(std::thread& thread, std::uint32_t core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (core < CPU_SETSIZE) CPU_SET(core, &set);
  if (const int error = pthread_setaffinity_np(thread.native_handle(), sizeof set, &set)) {
    return fail(StartError{"workers.cores: cannot run on core " + std::to_string(core) + ": " +
                           std::strerror(error)});
  }
  return {};
}

Snapshot::Rows rows(const WorkerCounters& counters) {
  return {{"turns", counters.turns.value()},
          {"busy_turns", counters.busy_turns.value()},
          {"sleeps", counters.sleeps.value()},
          {"naps", counters.naps.value()},
          {"events", counters.events.value()},
          {"handed_over", counters.handed_over.value()},
          {"taken_over", counters.taken_over.value()},
          {"messages_lost", counters.messages_lost.value()}};
}

Snapshot::Rows rows(const PortCounters& counters) {
  return {
      {"rx_packets", counters.rx_packets.value()}, {"rx_octets", counters.rx_octets.value()},
      {"rx_bursts", counters.rx_bursts.value()},   {"tx_packets", counters.tx_packets.value()},
      {"tx_octets", counters.tx_octets.value()},   {"tx_bursts", counters.tx_bursts.value()},
      {"rx_merged", counters.rx_merged.value()},   {"tx_segmented", counters.tx_segmented.value()}};
}

Snapshot::Rows rows(const LinkCounters& counters) {
  Snapshot::Rows out;
  counters.for_each(
      [&](std::string_view name, std::uint64_t value) { out.emplace_back(name, value); });
  return out;
}

std::string ready_line(std::chrono::steady_clock::duration took,
                       const std::vector<Daemon::Interface>& interfaces) {
  std::string line = fmt::format(
      "ready in {} ms:", std::chrono::duration_cast<std::chrono::milliseconds>(took).count());
  for (const Daemon::Interface& interface : interfaces) {
    if (&interface != &interfaces.front()) line += ',';
    line += ' ' + interface.name;
    for (const IpPrefix& address : interface.addresses) line += ' ' + printed(address);
  }
  return line;
}

}  // namespace

StopRequest::StopRequest() : fd_{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)} {
  SMOL_CHECK(fd_ >= 0);
}
StopRequest::~StopRequest() {
  close(fd_);
}

void StopRequest::request() noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t n = write(fd_, &one, sizeof one);
}

unsigned StopRequest::take() noexcept {
  std::uint64_t count = 0;
  return read(fd_, &count, sizeof count) == sizeof count ? static_cast<unsigned>(count) : 0;
}

/// In the order of their making; they go the other way round.
struct Daemon::Parts {
  explicit Parts(const Config& wanted) : config{wanted}, logger{wanted.log.level} {}
  ~Parts();

  Result<void, StartError> build(const std::vector<ApplicationSpec>& applications);
  Result<void, StartError> open_ports(Chance& chance, bool sleep);
  Result<void, StartError> make_workers(Chance& chance, bool sleep,
                                        const std::vector<ApplicationSpec>& applications);
  void make_team(Chance& chance);
  Result<void, StartError> launch();
  void stop_now() noexcept;
  void join();
  Snapshot snapshot() const;
  void report();
  void print_counters();

  const Config config;
  Logger logger;
  std::unique_ptr<CaptureHub> captures;
  std::unique_ptr<CaptureWriter> capture;
  std::shared_ptr<Eal> eal;
  std::unique_ptr<Eal::LogScope> eal_log;
  std::vector<std::unique_ptr<MbufPool>> pools;  ///< one a worker
  std::vector<std::unique_ptr<Port>> ports;
  std::vector<Interface> interfaces;
  std::vector<std::string> application_names;
  std::unique_ptr<Team> team;
  std::vector<std::unique_ptr<Worker>> workers;
  std::vector<Desk*> desks;  ///< of the workers
  std::unique_ptr<Courier> courier;
  std::vector<std::thread> threads;
  StopRequest ended;  ///< one request a worker that ended
  bool launched = false;
};

Daemon::Parts::~Parts() {
  stop_now();
  join();
  if (launched) report();
  courier.reset();
  workers.clear();
  the_capture = nullptr;
  set_check_handler(nullptr);
  capture.reset();
  captures.reset();
  if (eal == nullptr) return;
  const Eal::Quiet quiet{*eal};
  ports.clear();
  for (const std::unique_ptr<MbufPool>& pool : pools) {
    // A driver that could not start may keep what it was given.
    if (const std::size_t missing = pool->in_use(); launched && missing > 0) {
      logger.write(LogLevel::kWarning, "pool",
                   std::to_string(missing) + " packets were not given back: a bug");
    }
  }
  pools.clear();
}

Result<void, StartError> Daemon::Parts::build(const std::vector<ApplicationSpec>& applications) {
  if (auto valid = validate(config); !valid) return valid;
  std::vector<std::string> names;
  std::vector<std::string> pci;
  for (const PortConfig& port : config.ports) {
    names.push_back(port.name);
    if (!is_virtual(port.device)) pci.push_back(port.device);
  }
  if (const std::string wrong = filter::self_test(); !wrong.empty()) {
    filter::use_interpreter();
    logger.write(LogLevel::kWarning, "capture", wrong);
  }
  CaptureHub::Options options;
  options.ring_octets = std::size_t{config.capture.ring_mb} << 20;
  captures = std::make_unique<CaptureHub>(options);
  auto made_capture = CaptureWriter::create(config.capture, names, logger);
  if (!made_capture) return fail(made_capture.error());
  capture = std::move(*made_capture);

  const std::size_t memory = config.workers.count * MbufPool::memory_octets(config.pool) +
                             config.ports.size() * kPortOctets + kDpdkOctets;
  auto started = Eal::start(config.eal, pci, memory, logger);
  if (!started) return fail(started.error());
  eal = std::move(*started);
  eal_log = std::make_unique<Eal::LogScope>(eal, logger);

  for (unsigned worker = 0; worker < config.workers.count; ++worker) {
    auto pool = MbufPool::create("worker" + std::to_string(worker), config.pool, -1,
                                 config.workers.count > 1);
    if (!pool) return fail(pool.error());
    pools.push_back(std::move(*pool));
  }
  Chance chance{config.seed};
  const bool sleep = sleeps(config);
  if (auto done = open_ports(chance, sleep); !done) return done;
  if (auto done = make_workers(chance, sleep, applications); !done) return done;
  return launch();
}

Result<void, StartError> Daemon::Parts::open_ports(Chance& chance, bool sleep) {
  for (const PortConfig& wanted : config.ports) {
    auto port =
        Port::open(wanted, {*eal, logger, pools, sleep, chance.next(), config.bridge.enabled()});
    if (!port) return fail(port.error());
    const std::uint16_t queues = (*port)->queues();
    interfaces.push_back({wanted.name, (*port)->mac(), (*port)->mtu(), wanted.addresses,
                          (*port)->driver(), queues, queues, (*port)->offload_names()});
    ports.push_back(std::move(*port));
  }
  return {};
}

/// As many buckets as the smallest table of a device can tell apart.
void Daemon::Parts::make_team(Chance& chance) {
  std::uint32_t buckets = Sharding::kBuckets;
  for (const std::unique_ptr<Port>& port : ports) {
    if (const std::uint32_t entries = port->spread_entries()) {
      buckets = std::min(buckets, std::bit_floor(entries));
    }
  }
  team =
      std::make_unique<Team>(config.workers.count, FlowHash{chance.spreading_pattern()}, buckets);
  for (const std::unique_ptr<Port>& port : ports) {
    if (port->spread_entries() == 0 || port->spread(team->sharding(0))) continue;
    logger.write(LogLevel::kWarning, "port",
                 port->name() +
                     ": the device takes no key or table for spreading flows: workers "
                     "hand each other what is not theirs");
  }
}

Result<void, StartError> Daemon::Parts::make_workers(
    Chance& chance, bool sleep, const std::vector<ApplicationSpec>& applications) {
  for (const ApplicationSpec& spec : applications) application_names.push_back(spec.name);
  make_team(chance);
  // What one worker gave a peer to be shown again, the peer may show to another.
  const Secret cookie{chance.next(), chance.next()};
  for (unsigned index = 0; index < config.workers.count; ++index) {
    StackSecrets secrets = chance.secrets();
    secrets.cookie = cookie;
    workers.push_back(std::make_unique<Worker>(Worker::Environment{
        index, config, ports, *pools[index], *team, logger.add_ring(), &captures->add_tap(),
        secrets, chance.next(), sleep, config.eal.hugepages == EalConfig::Hugepages::kAuto}));
    if (auto done = workers.back()->configure(); !done) return done;
    if (auto done = workers.back()->start_applications(applications); !done) return done;
  }
  return {};
}

Result<void, StartError> Daemon::Parts::launch() {
  for (const std::unique_ptr<Worker>& worker : workers) desks.push_back(&worker->desk());
  courier = std::make_unique<Courier>(desks);
  for (const std::unique_ptr<Worker>& worker : workers) worker->set_courier(*courier);
  capture->start(*captures);
  the_capture = capture.get();
  set_check_handler(on_check_failed);
  for (unsigned index = 0; index < config.workers.count; ++index) {
    threads.emplace_back([this, index] {
      workers[index]->run();
      ended.request();
    });
    pthread_setname_np(threads.back().native_handle(), ("smol-w" + std::to_string(index)).c_str());
    if (config.workers.cores.empty()) continue;
    if (auto pinned = pin(threads.back(), config.workers.cores[index]); !pinned) return pinned;
  }
  launched = true;
  return {};
}

void Daemon::Parts::join() {
  for (std::thread& thread : threads) {
    if (thread.joinable()) thread.join();
  }
}

void Daemon::Parts::stop_now() noexcept {
  for (const std::unique_ptr<Worker>& worker : workers) {
    worker->request_stop();
    worker->request_stop();
  }
}

Snapshot Daemon::Parts::snapshot() const {
  Snapshot out;
  for (std::size_t i = 0; i < ports.size(); ++i) {
    PortCounters total;
    for (const std::unique_ptr<Worker>& worker : workers) {
      const PortCounters& part = worker->port_counters(i);
      total.rx_packets.add(part.rx_packets.value());
      total.rx_octets.add(part.rx_octets.value());
      total.rx_bursts.add(part.rx_bursts.value());
      total.tx_packets.add(part.tx_packets.value());
      total.tx_octets.add(part.tx_octets.value());
      total.tx_bursts.add(part.tx_bursts.value());
      total.rx_merged.add(part.rx_merged.value());
      total.tx_segmented.add(part.tx_segmented.value());
    }
    Snapshot::Rows counters = rows(total);
    const Snapshot::Rows device = ports[i]->device_counters();
    counters.insert(counters.end(), device.begin(), device.end());
    out.ports.push_back({ports[i]->name(), std::move(counters)});
  }
  for (const std::unique_ptr<Worker>& worker : workers) {
    Snapshot::Worker part;
    part.counters = rows(worker->counters());
    worker->stack_counters().for_each(
        [&](std::string_view name, std::string_view, std::uint64_t value) {
          part.stack.emplace_back(name, value);
        });
    out.workers.push_back(std::move(part));
    if (const Bridge* bridge = worker->bridge(); bridge != nullptr) {
      out.links.push_back({"a_to_b", rows(bridge->counters(Way::kAToB))});
      out.links.push_back({"b_to_a", rows(bridge->counters(Way::kBToA))});
    }
    for (std::size_t i = 0; i < kDropCount; ++i) {
      out.drops[i] += worker->drops().value(static_cast<Drop>(i));
    }
  }
  for (const std::unique_ptr<MbufPool>& pool : pools) out.packets_in_use += pool->in_use();
  return out;
}

void Daemon::Parts::report() {
  std::uint64_t cut_off = 0;
  for (const std::unique_ptr<Worker>& worker : workers) cut_off += worker->cut_off();
  if (cut_off > 0) {
    logger.write(LogLevel::kWarning, "smold",
                 std::to_string(cut_off) + " connections were cut off");
  }
  for (const std::string& line : summary(snapshot())) {
    logger.write(LogLevel::kInfo, "smold", line);
  }
}

void Daemon::Parts::print_counters() {
  for (const std::string& line : listing(snapshot())) {
    logger.write(LogLevel::kInfo, "counters", line);
  }
  logger.write(LogLevel::kInfo, "counters", "end");
}

Daemon::Daemon(std::unique_ptr<Parts> parts) : parts_{std::move(parts)} {}
Daemon::~Daemon() = default;

Result<std::unique_ptr<Daemon>, StartError> Daemon::start(
    const Config& config, const std::vector<ApplicationSpec>& applications) {
  auto parts = std::make_unique<Parts>(config);
  if (auto built = parts->build(applications); !built) return fail(built.error());
  return std::unique_ptr<Daemon>{new Daemon{std::move(parts)}};
}

void Daemon::request_stop() noexcept {
  for (const std::unique_ptr<Worker>& worker : parts_->workers) worker->request_stop();
}

void Daemon::wait() {
  parts_->join();
}

Snapshot Daemon::snapshot() const {
  return parts_->snapshot();
}
const std::vector<Desk*>& Daemon::desks() const noexcept {
  return parts_->desks;
}
const std::vector<Daemon::Interface>& Daemon::interfaces() const noexcept {
  return parts_->interfaces;
}
bool Daemon::link_up(std::size_t interface) const noexcept {
  return parts_->ports[interface]->link_up();
}
const std::vector<std::string>& Daemon::applications() const noexcept {
  return parts_->application_names;
}
const Config& Daemon::config() const noexcept {
  return parts_->config;
}
const tcp::SocketOptions& Daemon::tcp_defaults() const noexcept {
  return parts_->config.stack.tcp.defaults;
}
CaptureHub& Daemon::captures() noexcept {
  return *parts_->captures;
}
Log& Daemon::log() noexcept {
  return parts_->logger;
}

/// SIGINT, SIGTERM and SIGUSR1 as something to read, for the whole process.
class Daemon::Signals {
 public:
  Signals() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGUSR1);
    // Before any thread is made: none of them takes the signal in our place.
    pthread_sigmask(SIG_BLOCK, &signals, &before_);
    fd_ = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    SMOL_CHECK(fd_ >= 0);
  }
  ~Signals() {
    close(fd_);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  int fd() const noexcept { return fd_; }
  /// Its number, or 0.
  int take() noexcept {
    signalfd_siginfo info{};
    return read(fd_, &info, sizeof info) == sizeof info ? static_cast<int>(info.ssi_signo) : 0;
  }

 private:
  sigset_t before_;
  int fd_;
};

void Daemon::run_until_stopped(Signals& signals, StopRequest& stop, Attachment* attachment) {
  std::array<pollfd, 3> fds = {
      {{signals.fd(), POLLIN, 0}, {stop.fd(), POLLIN, 0}, {parts_->ended.fd(), POLLIN, 0}}};
  std::size_t running = parts_->threads.size();
  const auto request = [&] {
    // What is attached first: nobody is sent to workers that close their listeners.
    if (attachment != nullptr) std::exchange(attachment, nullptr)->drain();
    request_stop();
  };
  while (running > 0) {
    poll(fds.data(), fds.size(), -1);
    while (const int signal = signals.take()) {
      if (signal == SIGUSR1) {
        parts_->print_counters();
        continue;
      }
      parts_->logger.write(LogLevel::kInfo, "smold",
                           std::string{"stops: SIG"} + sigabbrev_np(signal));
      request();
    }
    for (unsigned left = stop.take(); left > 0; --left) request();
    running -= parts_->ended.take();
  }
  wait();
}

std::string dpdk_version() {
  return rte_version();
}

Result<void, StartError> run(const Config& config, const std::vector<ApplicationSpec>& applications,
                             StopRequest& stop, const Attach& attach) {
  Daemon::Signals signals;
  const auto began = std::chrono::steady_clock::now();
  auto daemon = Daemon::start(config, applications);
  if (!daemon) return fail(daemon.error());
  std::unique_ptr<Attachment> attachment;
  if (attach) {
    auto attached = attach(**daemon);
    if (!attached) return fail(attached.error());
    attachment = std::move(*attached);
  }
  (*daemon)->log().write(
      LogLevel::kInfo, "smold",
      ready_line(std::chrono::steady_clock::now() - began, (*daemon)->interfaces()));
  (*daemon)->run_until_stopped(signals, stop, attachment.get());
  return {};
}

}  // namespace smol::dataplane
