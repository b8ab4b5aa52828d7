#include "tests/sim/attempt.hh"

#include <array>
#include <cctype>
#include <csignal>
#include <cstring>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/sim/simulation.hh"

namespace smol::sim {
namespace {

constexpr unsigned kSeconds = 60;

[[noreturn]] void child(int out, const Scenario& scenario) {
  ::alarm(kSeconds);
  const Outcome outcome = Simulation{scenario}.run();
  if (!outcome.faults.empty()) {
    const std::string& text = outcome.faults.front();
    static_cast<void>(::write(out, text.data(), text.size()));
  }
  ::_exit(outcome.faults.empty() ? 0 : 1);
}

std::string all_of(int in) {
  std::string out;
  std::array<char, 4096> some{};
  for (ssize_t got = ::read(in, some.data(), some.size()); got > 0;
       got = ::read(in, some.data(), some.size())) {
    out.append(some.data(), static_cast<std::size_t>(got));
  }
  return out;
}

}  // namespace

std::optional<std::string> attempt(const Scenario& scenario) {
  std::array<int, 2> pipe{};
  if (::pipe(pipe.data()) != 0) return "no pipe";
  const pid_t pid = ::fork();
  if (pid < 0) return "no process";
  if (pid == 0) child(pipe[1], scenario);
  ::close(pipe[1]);
  std::string text = all_of(pipe[0]);
  ::close(pipe[0]);
  int status = 0;
  ::waitpid(pid, &status, 0);
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    return signal == SIGALRM ? "runs without end" : "crashes: " + std::string{::strsignal(signal)};
  }
  if (text.empty() && status == 0) return std::nullopt;
  return text.empty() ? "crashes" : text;
}

std::string kind_of(const std::string& fault) {
  std::string out;
  for (const char c : fault) {
    if (c == ';') break;
    if (std::isdigit(static_cast<unsigned char>(c)) == 0) out += c;
  }
  return out;
}

}  // namespace smol::sim
