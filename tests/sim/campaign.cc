#include "tests/sim/campaign.hh"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <map>
#include <new>
#include <poll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/sim/simulation.hh"

namespace smol::sim {
namespace {

/// A run that takes longer than this is ended: it runs without end.
constexpr unsigned kRunSeconds = 120;
constexpr std::size_t kMostItems = 1024;
constexpr std::size_t kMostJobs = 256;

/// What a worker shows while it works.
struct Worker {
  std::atomic<std::uint64_t> seed{0};  ///< what it is at; 0: none
  std::array<std::uint64_t, kMostItems> counts{};
};
struct Shared {
  std::atomic<std::uint64_t> next{0};
  std::atomic<std::uint64_t> done{0};
  std::atomic<bool> stop{false};
  std::array<Worker, kMostJobs> workers;
};

/// One line a failure; short enough to be written at once.
void tell(int out, std::uint64_t seed, const std::string& fault) {
  std::string line = std::to_string(seed) + " " + fault;
  std::replace(line.begin(), line.end(), '\n', ' ');
  line.resize(std::min<std::size_t>(line.size(), 2000));
  line += '\n';
  static_cast<void>(::write(out, line.data(), line.size()));
}

[[noreturn]] void work(Shared& shared, Worker& self, const CampaignOptions& options, int out) {
  constexpr std::uint64_t kAtOnce = 8;
  while (!shared.stop) {
    const std::uint64_t first = shared.next.fetch_add(kAtOnce);
    if (first >= options.seeds) break;
    for (std::uint64_t i = first; i < std::min(first + kAtOnce, options.seeds); ++i) {
      const std::uint64_t seed = options.from + i;
      self.seed = seed;
      ::alarm(kRunSeconds);
      const Outcome outcome = Simulation{scenario_of(seed)}.run();
      self.seed = 0;
      const std::vector<std::uint64_t>& counts = outcome.coverage.counts();
      for (std::size_t item = 0; item < counts.size(); ++item) self.counts[item] += counts[item];
      if (!outcome.faults.empty()) tell(out, seed, outcome.faults.front());
      ++shared.done;
      if (shared.stop) break;
    }
  }
  ::_exit(0);
}

class Campaign {
 public:
  explicit Campaign(const CampaignOptions& options) : options_{options} {
    options_.jobs = std::clamp(options_.jobs, 1u, static_cast<unsigned>(kMostJobs));
    void* memory =
        ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    shared_ = memory == MAP_FAILED ? nullptr : new (memory) Shared;
    SMOL_CHECK(shared_ != nullptr && ::pipe(pipe_.data()) == 0);
    SMOL_CHECK(Coverage::names().size() <= kMostItems);
  }
  ~Campaign() { ::munmap(shared_, sizeof(Shared)); }
  Campaign(const Campaign&) = delete;
  Campaign& operator=(const Campaign&) = delete;

  CampaignResult run() {
    static_cast<void>(Coverage::index_of("counter received"));  // the children share the tables
    for (unsigned job = 0; job < options_.jobs; ++job) begin(job);
    while (!jobs_.empty()) {
      pollfd from{pipe_[0], POLLIN, 0};
      if (::poll(&from, 1, 100) > 0) listen();
      reap();
      show();
    }
    ::close(pipe_[1]);
    while (listen()) {
    }
    ::close(pipe_[0]);
    return result();
  }

 private:
  using Clock = std::chrono::steady_clock;

  void begin(unsigned job) {
    const pid_t pid = ::fork();
    SMOL_CHECK(pid >= 0);
    if (pid == 0) work(*shared_, shared_->workers[job], options_, pipe_[1]);
    jobs_[pid] = job;
  }

  /// Reads what failed. False: nothing more will come.
  bool listen() {
    std::array<char, 65'536> some{};
    const ssize_t got = ::read(pipe_[0], some.data(), some.size());
    if (got <= 0) return false;
    text_.append(some.data(), static_cast<std::size_t>(got));
    for (std::size_t end = text_.find('\n'); end != std::string::npos; end = text_.find('\n')) {
      const std::size_t space = text_.find(' ');
      add({std::stoull(text_.substr(0, space)), text_.substr(space + 1, end - space - 1)});
      text_.erase(0, end + 1);
    }
    return true;
  }

  void add(Failure failure) {
    if (options_.terminal) std::fputs("\r\x1b[K", stderr);
    std::fprintf(stderr, "seed %llu: %s\n", static_cast<unsigned long long>(failure.seed),
                 failure.fault.c_str());
    failures_.push_back(std::move(failure));
    if (failures_.size() >= options_.most_failures) shared_->stop = true;
  }

  void reap() {
    int status = 0;
    for (pid_t pid = ::waitpid(-1, &status, WNOHANG); pid > 0;
         pid = ::waitpid(-1, &status, WNOHANG)) {
      const auto found = jobs_.find(pid);
      if (found == jobs_.end()) continue;
      const unsigned job = found->second;
      jobs_.erase(found);
      if (WIFEXITED(status) && WEXITSTATUS(status) == 0) continue;
      // It fell over a seed; the rest of what it had taken on is run by nobody, and so is said.
      const std::uint64_t seed = shared_->workers[job].seed.exchange(0);
      const int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
      add({seed, signal == SIGALRM ? "runs without end"
                                   : std::string{"crashes: "} +
                                         (signal != 0 ? ::strsignal(signal) : "an error")});
      ++shared_->done;
      if (!shared_->stop) begin(job);
    }
  }

  void show() {
    if (!options_.terminal) return;
    const double seconds = elapsed();
    const auto done = static_cast<double>(shared_->done.load());
    const double rate = seconds > 0 ? done / seconds : 0;
    const double left = rate > 0 ? (static_cast<double>(options_.seeds) - done) / rate : 0;
    std::fprintf(stderr, "\r\x1b[K%.0f of %llu seeds, %.0f a second, %.0f s left, %zu failed", done,
                 static_cast<unsigned long long>(options_.seeds), rate, left, failures_.size());
    std::fflush(stderr);
  }

  double elapsed() const { return std::chrono::duration<double>(Clock::now() - began_).count(); }

  CampaignResult result() {
    if (options_.terminal) std::fputs("\r\x1b[K", stderr);
    CampaignResult out;
    out.done = shared_->done;
    out.seconds = elapsed();
    rusage usage{};
    ::getrusage(RUSAGE_CHILDREN, &usage);
    out.cpu_seconds = static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                      static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    std::sort(failures_.begin(), failures_.end(),
              [](const Failure& a, const Failure& b) { return a.seed < b.seed; });
    out.failures = std::move(failures_);
    for (unsigned job = 0; job < options_.jobs; ++job) {
      std::vector<std::uint64_t>& counts = out.coverage.counts();
      for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += shared_->workers[job].counts[i];
    }
    return out;
  }

  CampaignOptions options_;
  Shared* shared_ = nullptr;
  std::array<int, 2> pipe_{};
  std::map<pid_t, unsigned> jobs_;
  std::string text_;
  std::vector<Failure> failures_;
  Clock::time_point began_ = Clock::now();
};

}  // namespace

CampaignResult run_campaign(const CampaignOptions& options) {
  return Campaign{options}.run();
}

}  // namespace smol::sim
