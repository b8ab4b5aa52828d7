#pragma once

#include <functional>
#include <string>
#include <thread>

namespace smol::ctl {

/// Reads standard input on a thread of its own, until its end or until somebody has had enough.
class StandardInput {
 public:
  /// `take`: a piece, up to 64 KiB, a line of a terminal's; empty at the end, which is the last
  /// call. False: no more.
  explicit StandardInput(std::function<bool(const std::string& piece)> take);
  /// Waits for the end, which comes at once after stop().
  ~StandardInput();
  StandardInput(const StandardInput&) = delete;
  StandardInput& operator=(const StandardInput&) = delete;

  /// The end, wherever it is: take() sees it.
  void stop() noexcept;
  /// Somebody types it.
  static bool is_terminal() noexcept;

 private:
  void run();
  bool wait() const noexcept;

  std::function<bool(const std::string&)> take_;
  const int stop_;  ///< an eventfd
  std::thread thread_;
};

/// Octets to standard output, at once. A Problem if they cannot be written.
void write_out(const std::string& octets);

}  // namespace smol::ctl
