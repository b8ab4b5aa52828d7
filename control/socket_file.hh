#pragma once

#include <string>
#include <sys/types.h>

#include "dataplane/config.hh"
#include "protocols/base/result.hh"

namespace smol::control {

/// The place of a unix socket in the file system: made under a name of its own, given its mode and
/// group, and only then put where clients look, so that nobody ever finds it half made.
class SocketFile {
 public:
  /// Makes the folder of `path` if need be, and sees whether somebody listens there. Errors: the
  /// folder cannot be made or written to; a live daemon has the socket; something else is there.
  static Result<SocketFile, dataplane::StartError> prepare(std::string path);

  SocketFile(SocketFile&& other) noexcept;
  SocketFile& operator=(SocketFile&&) = delete;
  /// Removes what is left of it, unless somebody else's socket is in its place by now.
  ~SocketFile();

  /// Where to bind.
  const std::string& temporary() const noexcept { return temporary_; }
  /// After binding: mode 0660, group `smol` if there is one, and into its place, where a dead
  /// daemon's socket may be. `warning`: a line about what was not possible and is no reason to
  /// stop; empty if all was.
  Result<void, dataplane::StartError> publish(std::string& warning);

 private:
  explicit SocketFile(std::string path);

  std::string path_;
  std::string temporary_;
  bool published_ = false;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace smol::control
