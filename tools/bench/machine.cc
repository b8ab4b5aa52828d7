#include "tools/bench/machine.hh"

#include <fstream>
#include <sstream>
#include <sys/utsname.h>
#include <thread>

#include "tools/bench/commit.hh"

namespace smol::bench {
namespace {

std::string text_of(const char* path) {
  const std::ifstream file{path};
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string trimmed(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(" \t\n");
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\n") - begin + 1);
}

constexpr const char* compiler_name() {
#if defined(__clang__)
  return "clang " __clang_version__;
#else
  return "g++ " __VERSION__;
#endif
}

}  // namespace

std::string colon_field(const std::string& text, const std::string& key) {
  std::istringstream lines{text};
  for (std::string line; std::getline(lines, line);) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos || trimmed(line.substr(0, colon)) != key) continue;
    return trimmed(line.substr(colon + 1));
  }
  return {};
}

Machine describe_machine() {
  Machine out;
  out.cpu = colon_field(text_of("/proc/cpuinfo"), "model name");
  if (out.cpu.empty()) out.cpu = "unknown";
  out.cores = std::thread::hardware_concurrency();
  out.governor = trimmed(text_of("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"));
  if (out.governor.empty()) out.governor = "not visible";
  utsname name{};
  if (uname(&name) == 0) out.kernel = std::string{name.sysname} + " " + name.release;
  out.compiler = trimmed(compiler_name());
  out.build = SMOL_BUILD_TYPE;
  out.commit = SMOL_COMMIT;
  return out;
}

}  // namespace smol::bench
