#include "tools/bench/process.hh"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sstream>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/bench/failure.hh"
#include "tools/bench/network_namespace.hh"
#include "tools/bench/stopwatch.hh"

namespace smol::bench {
namespace {

constexpr Seconds kPatience{2};

struct Pipe {
  int read = -1;
  int write = -1;
  Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) throw Failure{"no pipe: too many open files"};
    read = ends[0];
    write = ends[1];
  }
};

/// In the child, between fork() and exec(): nothing here may allocate. Returns if it fails.
void become(char* const* argv, const Process::Options& options, pid_t parent, int input,
            int output) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);  // it died before the line above
  if (options.where != nullptr && setns(options.where->fd(), CLONE_NEWNET) != 0) return;
  if (!options.output_file.empty()) {
    output = open(options.output_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (output < 0) return;
  }
  if (dup2(input, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
      dup2(output, STDERR_FILENO) < 0) {
    return;
  }
  signal(SIGPIPE, SIG_DFL);
  execvp(argv[0], argv);
}

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

Process::Process(const std::vector<std::string>& argv, const Options& options)
    : name_{argv.front()} {
  std::vector<std::string> words = argv;
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const Pipe input;
  const Pipe output;
  const Pipe error;  // closed by a successful exec, else it carries errno
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ == 0) {
    become(pointers.data(), options, parent, input.read, output.write);
    const int why = errno;
    static_cast<void>(!write(error.write, &why, sizeof why));
    _exit(127);
  }
  for (const int fd : {input.read, output.write, error.write}) close(fd);
  if (options.input == Input::kHeldOpen) {
    input_ = input.write;
  } else {
    close(input.write);
  }
  output_ = output.read;
  fcntl(output_, F_SETFL, O_NONBLOCK);
  int why = 0;
  const bool failed = pid_ < 0 || read(error.read, &why, sizeof why) == sizeof why;
  close(error.read);
  if (!failed) return;
  if (pid_ > 0) reap(true);
  over_ = true;
  throw Failure{"cannot run " + name_ + ": " + std::strerror(pid_ < 0 ? errno : why)};
}

Process::~Process() {
  if (input_ >= 0) close(input_);
  if (!over_) kill(pid_, SIGTERM);
  const Stopwatch watch;
  while (!over_ && watch.elapsed() < kPatience && alive()) poll(nullptr, 0, 5);
  if (!over_) {
    kill(pid_, SIGKILL);
    reap(true);
  }
  close(output_);
}

bool Process::reap(bool block) {
  int status = 0;
  rusage use{};
  if (wait4(pid_, &status, block ? 0 : WNOHANG, &use) != pid_) return false;
  over_ = true;
  ended_.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  ended_.use = {seconds_of(use.ru_utime), seconds_of(use.ru_stime)};
  return true;
}

void Process::collect() {
  char buffer[4096];
  for (ssize_t n; (n = read(output_, buffer, sizeof buffer)) > 0;) {
    ended_.output.append(buffer, static_cast<std::size_t>(n));
  }
}

bool Process::alive() {
  if (over_) return false;
  collect();
  if (!reap(false)) return true;
  collect();
  return false;
}

Process::Ended Process::wait(Seconds most) {
  const Stopwatch watch;
  while (alive()) {
    if (watch.elapsed() >= most) {
      kill(pid_, SIGKILL);
      reap(true);
      throw Failure{name_ + " does not come to an end"};
    }
    poll(nullptr, 0, 5);
  }
  return ended_;
}

Process::Ended run_to_end(const std::vector<std::string>& argv, const Process::Options& options) {
  Process process{argv, options};
  return process.wait(Seconds{15});
}

std::string find_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::istringstream folders{std::string{path == nullptr ? "" : path} + ":/usr/sbin:/sbin"};
  for (std::string folder; std::getline(folders, folder, ':');) {
    const std::string at = folder + "/" + name;
    if (!folder.empty() && access(at.c_str(), X_OK) == 0) return at;
  }
  return {};
}

}  // namespace smol::bench
