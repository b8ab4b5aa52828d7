#include "dataplane/eal.hh"

#include <algorithm>
#include <array>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sched.h>
#include <signal.h>
#include <sstream>
#include <sys/mman.h>
#include <unistd.h>

#include "dataplane/dpdk.hh"

namespace smol::dataplane {
namespace {

/// rte_eal_init() works once; a second one fails in ways that depend on how far the first came.
bool started_before = false;
std::weak_ptr<Eal> running;

std::vector<unsigned> allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<unsigned> out;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return {0};
  for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) out.push_back(cpu);
  }
  return out;
}

/// No signal for the threads that start meanwhile: they belong to the daemon's main thread.
class SignalsBlocked {
 public:
  SignalsBlocked() noexcept {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

/// EAL prints its fatal errors, and its usage, to the standard streams as well: kept back here.
class OutputDiverted {
 public:
  OutputDiverted() : file_{memfd_create("smol-eal", MFD_CLOEXEC)} {
    std::fflush(stdout);
    std::fflush(stderr);
    for (std::size_t i = 0; i < saved_.size(); ++i) {
      saved_[i] = fcntl(static_cast<int>(i) + 1, F_DUPFD_CLOEXEC, 3);
      if (file_ >= 0) dup2(file_, static_cast<int>(i) + 1);
    }
  }
  ~OutputDiverted() {
    std::fflush(stdout);
    std::fflush(stderr);
    for (std::size_t i = 0; i < saved_.size(); ++i) {
      if (saved_[i] < 0) continue;
      dup2(saved_[i], static_cast<int>(i) + 1);
      close(saved_[i]);
    }
    if (file_ >= 0) close(file_);
  }
  /// What was printed so far, as lines.
  std::vector<std::string> lines() const {
    std::fflush(stdout);
    std::fflush(stderr);
    std::vector<std::string> out;
    std::array<char, 16'384> text{};
    const ssize_t size = file_ < 0 ? 0 : pread(file_, text.data(), text.size(), 0);
    std::istringstream in{std::string{text.data(), size < 0 ? 0 : static_cast<std::size_t>(size)}};
    for (std::string line; std::getline(in, line);) out.push_back(line);
    return out;
  }

 private:
  int file_;
  std::array<int, 2> saved_{-1, -1};
};

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

/// "EAL: Cannot init memory" → "Cannot init memory"; "tun_alloc(): Unable ..." → "Unable ...".
std::string_view without_prefix(std::string_view line) {
  const std::size_t colon = line.find(": ");
  if (colon != std::string_view::npos && line.find(' ') > colon) line.remove_prefix(colon + 2);
  while (line.starts_with(' ')) line.remove_prefix(1);
  return line;
}

}  // namespace

std::size_t free_hugepage_octets(const std::string& root) {
  std::size_t total = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator{root, error}) {
    // hugepages-2048kB
    const std::string name = entry.path().filename().string();
    std::size_t kilobytes = 0;
    std::size_t pages = 0;
    if (std::sscanf(name.c_str(), "hugepages-%zukB", &kilobytes) != 1) continue;
    if (std::ifstream{entry.path() / "free_hugepages"} >> pages) total += kilobytes * 1024 * pages;
  }
  return total;
}

std::size_t available_memory_octets(const std::string& meminfo, const std::string& cgroup) {
  std::size_t available = SIZE_MAX;
  std::ifstream lines{meminfo};
  for (std::string line; std::getline(lines, line);) {
    std::size_t kilobytes = 0;
    if (std::sscanf(line.c_str(), "MemAvailable: %zu kB", &kilobytes) == 1) {
      available = kilobytes * 1024;
    }
  }
  std::size_t limit = 0;
  std::size_t used = 0;
  // Without a limit there is the word "max".
  if (std::ifstream{cgroup + "/memory.max"} >> limit &&
      std::ifstream{cgroup + "/memory.current"} >> used) {
    available = std::min(available, limit > used ? limit - used : 0);
  }
  return available;
}

std::vector<std::string> eal_arguments(const EalConfig& config, const std::vector<std::string>& pci,
                                       std::size_t memory_octets, bool hugepages,
                                       const std::vector<unsigned>& cpus) {
  std::string set;
  for (const unsigned cpu : cpus) set += (set.empty() ? "" : ",") + std::to_string(cpu);
  // One EAL core, floating over all that we may use: EAL pins the main thread, and what it starts,
  // to its cores, and workers are threads of our own.
  std::vector<std::string> out = {"smold", "--lcores=0@(" + set + ")", "--no-telemetry"};
  if (hugepages) {
    out.emplace_back("--in-memory");
  } else {
    // Exactly this much is reserved, and touched only as it is used.
    const std::size_t mb = config.memory_mb != 0 ? config.memory_mb : (memory_octets >> 20) + 1;
    out.insert(out.end(), {"--no-huge", "--no-shconf", "-m", std::to_string(mb)});
  }
  if (pci.empty()) {
    out.emplace_back("--no-pci");
  } else {
    for (const std::string& device : pci) out.insert(out.end(), {"-a", device});
  }
  out.insert(out.end(), config.extra_arguments.begin(), config.extra_arguments.end());
  return out;
}

Result<std::shared_ptr<Eal>, StartError> Eal::start(const EalConfig& config,
                                                    const std::vector<std::string>& pci,
                                                    std::size_t memory_octets, Log& log) {
  if (std::shared_ptr<Eal> eal = running.lock()) return eal;
  if (started_before) {
    return fail(StartError{"DPDK can be started once in a process: start a new process"});
  }
  const std::shared_ptr<Eal> eal{new Eal};
  const LogScope scope{eal, log};
  const cookie_io_functions_t functions{nullptr, &Eal::on_write, nullptr, nullptr};
  eal->stream_ = fopencookie(eal.get(), "w", functions);
  if (eal->stream_ == nullptr) return fail(StartError{"DPDK's log: out of memory"});
  // Unbuffered, a message arrives while rte_log_cur_msg_loglevel() still tells its level.
  std::setvbuf(eal->stream_, nullptr, _IONBF, 0);
  rte_openlog_stream(eal->stream_);

  const std::size_t wanted =
      config.memory_mb != 0 ? std::size_t{config.memory_mb} << 20 : memory_octets;
  const std::size_t huge =
      config.hugepages == EalConfig::Hugepages::kAuto ? free_hugepage_octets() : 0;
  eal->hugepages_ = huge >= wanted;

  std::vector<std::string> arguments =
      eal_arguments(config, pci, memory_octets, eal->hugepages_, allowed_cpus());
  log.write(LogLevel::kDebug, "dpdk", joined(arguments));
  started_before = true;
  if (const std::string reason = eal->initialize(arguments); !reason.empty()) {
    return fail(StartError{"DPDK did not start: " + reason +
                           (eal->hugepages_ ? "; try eal.hugepages: off" : "") +
                           (config.extra_arguments.empty() ? "" : "; see eal.extra_arguments")});
  }
  eal->started_ = true;
  log.write(
      LogLevel::kInfo, "dpdk",
      "memory: " + std::to_string(wanted >> 20) + " MiB " +
          (eal->hugepages_ ? "in hugepages"
           : config.hugepages == EalConfig::Hugepages::kOff
               ? "without hugepages, as configured"
               : "without hugepages, of which " + std::to_string(huge >> 20) + " MiB are free"));
  running = eal;
  const std::lock_guard lock{eal->mutex_};
  eal->quiet_ = false;
  return eal;
}

Eal::LogScope::LogScope(std::shared_ptr<Eal> eal, Log& log) : eal_{std::move(eal)} {
  const std::lock_guard lock{eal_->mutex_};
  before_ = std::exchange(eal_->log_, &log);
}

Eal::LogScope::~LogScope() {
  const std::lock_guard lock{eal_->mutex_};
  eal_->log_ = before_;
}

std::string Eal::initialize(std::vector<std::string>& arguments) {
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  {
    const std::lock_guard lock{mutex_};
    diverted_ = true;
  }
  int status = 0;
  std::vector<std::string> printed;
  {
    const SignalsBlocked signals;
    const OutputDiverted output;
    status = rte_eal_init(static_cast<int>(argv.size()), argv.data());
    printed = output.lines();
  }
  const int error = rte_errno;
  std::vector<std::pair<LogLevel, std::string>> kept_back;
  {
    const std::lock_guard lock{mutex_};
    diverted_ = false;
    kept_back.swap(kept_back_);
  }
  for (const auto& [level, line] : kept_back) log_->write(level, "dpdk", line);
  for (const std::string& line : printed) log_->write(LogLevel::kDebug, "dpdk", line);
  if (status >= 0) return {};
  // getopt() names the argument it does not know; EAL's own message only says that there is one.
  for (const std::string& line : printed) {
    if (line.starts_with("smold: ")) return std::string{without_prefix(line)};
  }
  const std::string reason = why();
  return reason.empty() ? std::string{rte_strerror(error)} : reason;
}

Eal::~Eal() {
  {
    const std::lock_guard lock{mutex_};
    quiet_ = true;
  }
  if (started_) rte_eal_cleanup();
  rte_openlog_stream(nullptr);
  if (stream_ != nullptr) std::fclose(stream_);
}

long Eal::on_write(void* eal, const char* text, std::size_t size) noexcept {
  auto& self = *static_cast<Eal*>(eal);
  try {
    const std::lock_guard lock{self.mutex_};
    self.pending_.append(text, size);
    for (std::size_t end = self.pending_.find('\n'); end != std::string::npos;
         end = self.pending_.find('\n')) {
      self.on_line(std::string_view{self.pending_}.substr(0, end));
      self.pending_.erase(0, end + 1);
    }
  } catch (const std::exception&) {
    // Out of memory for a log line is no reason to end.
  }
  return static_cast<long>(size);
}

void Eal::on_line(std::string_view line) {
  if (line.empty()) return;
  const auto level = static_cast<unsigned>(rte_log_cur_msg_loglevel());
  if (level <= RTE_LOG_ERR && first_error_.empty()) first_error_ = without_prefix(line);
  if (level == RTE_LOG_WARNING) last_warning_ = without_prefix(line);
  LogLevel ours = LogLevel::kDebug;
  if (!quiet_ && level <= RTE_LOG_ERR) ours = LogLevel::kError;
  if (!quiet_ && level == RTE_LOG_WARNING) ours = LogLevel::kWarning;
  if (diverted_) {
    kept_back_.emplace_back(ours, line);
  } else if (log_ != nullptr) {
    log_->write(ours, "dpdk", line);
  }
}

Eal::Quiet::Quiet(Eal& eal) noexcept : eal_{eal} {
  const std::lock_guard lock{eal.mutex_};
  eal.quiet_ = true;
  eal.first_error_.clear();
  eal.last_warning_.clear();
}

Eal::Quiet::~Quiet() {
  const std::lock_guard lock{eal_.mutex_};
  eal_.quiet_ = false;
}

std::string Eal::why() {
  const std::lock_guard lock{mutex_};
  return first_error_.empty() ? last_warning_ : first_error_;
}

}  // namespace smol::dataplane
