#pragma once

#include <stdexcept>
#include <string>

namespace smol::client {

/// What smolctl and smoldump end with.
enum class ExitStatus : int {
  kDone = 0,
  kFailed = 1,       ///< wrong usage, or the daemon refuses
  kUnreachable = 2,  ///< no daemon, or it went away
  kLost = 3,         ///< it went away while it was watched, and what came until then is there
  kForbidden = 4,    ///< it may not be asked
  kPacketsLost = 5,  ///< --fail-on-loss, and some were
  kCannotWrite = 6,  ///< the output
};

/// Why a command ends: one line, or nothing if all was said.
class Problem : public std::runtime_error {
 public:
  explicit Problem(const std::string& line, ExitStatus status = ExitStatus::kFailed)
      : std::runtime_error{line}, status_{status} {}
  ExitStatus status() const noexcept { return status_; }

 private:
  ExitStatus status_;
};

}  // namespace smol::client
