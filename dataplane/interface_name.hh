#pragma once

#include <string>

#include "dataplane/config.hh"
#include "protocols/base/result.hh"

namespace smol::dataplane {

/// The name of a kernel's interface, taken for this process among all that ask for it here: the
/// tun driver lets further processes join an interface without a word. It goes with the process.
class InterfaceName {
 public:
  InterfaceName() noexcept = default;
  InterfaceName(InterfaceName&& other) noexcept;
  InterfaceName& operator=(InterfaceName&& other) noexcept;
  ~InterfaceName();

  /// `instead`: what a user may do if another has it.
  static Result<InterfaceName, StartError> take(const std::string& port,
                                                const std::string& interface,
                                                const std::string& instead);

 private:
  int fd_ = -1;
};

/// Why this process cannot make a tap, as one part of a line; empty: it can.
std::string why_no_tap(const std::string& interface);

}  // namespace smol::dataplane
