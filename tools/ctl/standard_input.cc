#include "tools/ctl/standard_input.hh"

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <utility>

#include "tools/client/problem.hh"

namespace smol::ctl {

constexpr std::size_t kPiece = 64 << 10;

StandardInput::StandardInput(std::function<bool(const std::string&)> take)
    : take_{std::move(take)}, stop_{eventfd(0, EFD_CLOEXEC)}, thread_{[this] { run(); }} {}

StandardInput::~StandardInput() {
  thread_.join();
  close(stop_);
}

void StandardInput::stop() noexcept {
  const std::uint64_t once = 1;
  [[maybe_unused]] const ssize_t written = write(stop_, &once, sizeof once);
}

bool StandardInput::is_terminal() noexcept {
  return isatty(STDIN_FILENO) != 0;
}

/// False: stopped.
bool StandardInput::wait() const noexcept {
  std::array<pollfd, 2> waits{{{STDIN_FILENO, POLLIN, 0}, {stop_, POLLIN, 0}}};
  while (poll(waits.data(), waits.size(), -1) < 0 && errno == EINTR) {
  }
  return waits[1].revents == 0;
}

void StandardInput::run() {
  std::string piece;
  for (;;) {
    ssize_t got = 0;
    piece.resize(kPiece);
    if (wait()) {
      do {
        got = read(STDIN_FILENO, piece.data(), piece.size());
      } while (got < 0 && errno == EINTR);
    }
    piece.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    if (!take_(piece) || piece.empty()) return;
  }
}

void write_out(const std::string& octets) {
  std::size_t at = 0;
  while (at < octets.size()) {
    const ssize_t n = write(STDOUT_FILENO, octets.data() + at, octets.size() - at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      throw client::Problem{std::string{"cannot write to standard output: "} + std::strerror(errno),
                            client::ExitStatus::kCannotWrite};
    }
    at += static_cast<std::size_t>(n);
  }
}

}  // namespace smol::ctl
