#pragma once

#include <stdexcept>
#include <string>

namespace smol::ctl {

/// What smolctl ends with.
enum class ExitStatus : int {
  kDone = 0,
  kFailed = 1,       ///< wrong usage, or the daemon refuses
  kUnreachable = 2,  ///< no daemon, or it went away
  kForbidden = 4,    ///< it may not be asked
};

/// Why a command ends: one line.
class Problem : public std::runtime_error {
 public:
  explicit Problem(const std::string& line, ExitStatus status = ExitStatus::kFailed)
      : std::runtime_error{line}, status_{status} {}
  ExitStatus status() const noexcept { return status_; }

 private:
  ExitStatus status_;
};

}  // namespace smol::ctl
