#pragma once

#include <string>

namespace smol::bench {

/// Where and with what a run was made. Nothing that names the machine itself.
struct Machine {
  std::string cpu;       ///< model name
  unsigned cores = 0;    ///< online processors
  std::string governor;  ///< of the clock; "not visible" in most virtual machines
  std::string kernel;
  std::string compiler;
  std::string build;   ///< meson's build type and optimization
  std::string commit;  ///< of the source built, "-dirty" behind it if it was changed

  bool operator==(const Machine&) const noexcept = default;
};

Machine describe_machine();

/// The value of `key` in a text of "key : value" lines, as /proc/cpuinfo is; empty: not there.
std::string colon_field(const std::string& text, const std::string& key);

}  // namespace smol::bench
