// The program as its user meets it. None of these tests needs a privilege or a network.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <poll.h>
#include <spawn.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

namespace smol::smold {
namespace {

/// A running smold whose output and errors are collected.
class Program {
 public:
  explicit Program(std::vector<std::string> arguments, const char* output = nullptr) {
    arguments.insert(arguments.begin(), SMOL_SMOLD);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    int output_pipe[2];
    int error_pipe[2];
    EXPECT_EQ(::pipe2(output_pipe, O_CLOEXEC), 0);
    EXPECT_EQ(::pipe2(error_pipe, O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, output_pipe[1], STDOUT_FILENO);
    if (output != nullptr) {
      ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output, O_WRONLY, 0);
    }
    ::posix_spawn_file_actions_adddup2(&actions, error_pipe[1], STDERR_FILENO);
    EXPECT_EQ(::posix_spawn(&pid_, SMOL_SMOLD, &actions, nullptr, argv.data(), environ), 0);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(output_pipe[1]);
    ::close(error_pipe[1]);
    out_fd_ = output_pipe[0];
    err_fd_ = error_pipe[0];
  }
  ~Program() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    ::close(out_fd_);
    ::close(err_fd_);
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  /// Until it ends; its exit status, or minus the signal that killed it.
  int wait() {
    while (collect()) {
    }
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  /// Until a line of its errors holds `text`; false: it ended without.
  bool wait_for(const std::string& text) {
    while (err.find(text) == std::string::npos) {
      if (!collect()) return false;
    }
    return true;
  }
  void signal(int number) { ::kill(pid_, number); }

  std::string out;
  std::string err;

 private:
  /// Reads what there is, waiting for some; false: both ends are closed.
  bool collect() {
    pollfd fds[] = {{out_open_ ? out_fd_ : -1, POLLIN, 0}, {err_open_ ? err_fd_ : -1, POLLIN, 0}};
    if (!out_open_ && !err_open_) return false;
    if (::poll(fds, 2, 30'000) <= 0) {
      ADD_FAILURE() << "says nothing for half a minute and does not end";
      ::kill(pid_, SIGKILL);
      return false;
    }
    if (fds[0].revents != 0) out_open_ = take(out_fd_, out);
    if (fds[1].revents != 0) err_open_ = take(err_fd_, err);
    return true;
  }
  static bool take(int fd, std::string& to) {
    char buffer[4096];
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n > 0) to.append(buffer, static_cast<std::size_t>(n));
    return n > 0;
  }

  pid_t pid_ = 0;
  int out_fd_ = -1;
  int err_fd_ = -1;
  bool out_open_ = true;
  bool err_open_ = true;
};

/// A file with this text, removed at the end.
class File {
 public:
  explicit File(const std::string& text) {
    const int fd = ::mkstemp(path_);
    EXPECT_GE(fd, 0);
    ::close(fd);
    std::ofstream{path_} << text;
  }
  ~File() { ::unlink(path_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  std::string path() const { return path_; }

 private:
  char path_[32] = "/tmp/smol-program-XXXXXX";
};

std::size_t lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

TEST(Program, PrintsItsVersion) {
  Program smold{{"--version"}};
  EXPECT_EQ(smold.wait(), 0);
  EXPECT_TRUE(smold.out.starts_with("smold "));
  EXPECT_EQ(lines(smold.out), 1u);
  EXPECT_EQ(smold.err, "");
}

TEST(Program, PrintsHelpOnStandardOutput) {
  Program smold{{"--help"}};
  EXPECT_EQ(smold.wait(), 0);
  EXPECT_NE(smold.out.find("Examples:"), std::string::npos);
  EXPECT_EQ(smold.err, "");
}

TEST(Program, SaysInOneLineThatItWasUsedWrongly) {
  Program smold{{"--frobnicate"}};
  EXPECT_EQ(smold.wait(), 2);
  EXPECT_EQ(smold.out, "");
  EXPECT_EQ(lines(smold.err), 1u);
  EXPECT_TRUE(smold.err.starts_with("smold: "));
}

TEST(Program, TakesTheDemoThatItPrints) {
  Program print{{"--print-demo-config"}};
  ASSERT_EQ(print.wait(), 0);
  const File file{print.out};
  Program check{{"--check-config", file.path()}};
  EXPECT_EQ(check.wait(), 0);
  EXPECT_EQ(check.out, file.path() + ": ok\n");
  EXPECT_EQ(check.err, "");
}

TEST(Program, PrintsEveryDefaultAndTheReference) {
  Program defaults{{"--print-default-config"}};
  EXPECT_EQ(defaults.wait(), 0);
  EXPECT_NE(defaults.out.find("\ntcp:\n"), std::string::npos);
  Program reference{{"--print-config-reference"}};
  EXPECT_EQ(reference.wait(), 0);
  EXPECT_TRUE(reference.out.starts_with("# Configuration of smold\n"));
}

TEST(Program, SaysOneLineForEachErrorOfAFile) {
  const File file{"ports: [{name: a, device: eth0}]\ntcp: {nagle: maybe}\n"};
  for (const char* option : {"--check-config", "--config"}) {
    Program smold{{option, file.path()}};
    EXPECT_EQ(smold.wait(), 1) << option;
    EXPECT_EQ(smold.out, "");
    EXPECT_EQ(lines(smold.err), 2u) << smold.err;
    EXPECT_TRUE(smold.err.starts_with(file.path() + ":1:27: ports[0].device: 'eth0' is no"));
    EXPECT_NE(smold.err.find(file.path() + ":2:14: tcp.nagle: 'maybe' is neither on nor off\n"),
              std::string::npos);
  }
}

TEST(Program, SaysWhichFileIsMissing) {
  Program smold{{"--config", "/no/such/file"}};
  EXPECT_EQ(smold.wait(), 1);
  EXPECT_EQ(smold.err, "/no/such/file: no such file\n");
}

TEST(Program, ChecksWhatOptionsMakeOfTheConfiguration) {
  const File file{"ports: [{name: a, device: net_null0}]\nworkers: {count: 1, cores: [0]}\n"};
  Program smold{{"--config", file.path(), "--workers", "2"}};
  EXPECT_EQ(smold.wait(), 1);
  EXPECT_EQ(smold.err,
            file.path() + ":2:28: workers.cores: 1 cores for 2 workers: name one each, or none\n");
}

// A full disk must not look like success.
TEST(Program, FailsWhenItCannotPrint) {
  Program smold{{"--print-demo-config"}, "/dev/full"};
  EXPECT_EQ(smold.wait(), 1);
  EXPECT_EQ(smold.err, "smold: cannot write to standard output: No space left on device\n");
}

/// A port that needs nothing of the machine, and every service.
const std::string kRunnable = R"(
ports:
  - {name: null0, device: "net_null0,no-rx=1", addresses: [192.168.69.1/24, "fdaa::1/64"]}
eal: {hugepages: off}
pool: {packets: 1024, small_packets: 1024}
apps: {hello: {enabled: on}, reverse: {enabled: on}, sink: {enabled: on}, source: {enabled: on},
       http: {enabled: on}}
)";

TEST(Program, SaysWhenItIsReadyAndEndsWhenItIsAsked) {
  for (const int number : {SIGTERM, SIGINT}) {
    const File file{kRunnable};
    Program smold{{"--config", file.path()}};
    ASSERT_TRUE(smold.wait_for("ready in ")) << smold.err;
    EXPECT_TRUE(smold.wait_for(" ms: null0 192.168.69.1/24 fdaa::1/64")) << smold.err;
    smold.signal(number);
    EXPECT_EQ(smold.wait(), 0) << smold.err;
    EXPECT_EQ(smold.out, "");
  }
}

TEST(Program, SaysInOneLineWhyItCannotStart) {
  const File file{kRunnable};
  Program smold{{"--config", file.path(), "--pcap", "/no/such/folder/x.pcap"}};
  EXPECT_EQ(smold.wait(), 1);
  EXPECT_NE(smold.err.find("smold: "), std::string::npos);
  EXPECT_NE(smold.err.find("/no/such/folder/x.pcap"), std::string::npos) << smold.err;
}

}  // namespace
}  // namespace smol::smold
