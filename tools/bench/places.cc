#include "tools/bench/places.hh"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <initializer_list>
#include <unistd.h>

#include "tools/bench/failure.hh"

namespace smol::bench {
namespace fs = std::filesystem;
namespace {

fs::path own_folder() {
  std::error_code ignored;
  return fs::read_symlink("/proc/self/exe", ignored).parent_path();
}

/// The build folder, of which this program is tools/bench/smolbench; empty: it is installed.
fs::path build_folder() {
  const fs::path own = own_folder();
  if (own.filename() != "bench" || own.parent_path().filename() != "tools") return {};
  return own.parent_path().parent_path();
}

fs::path kept_above(fs::path folder) {
  for (;; folder = folder.parent_path()) {
    std::error_code ignored;
    if (fs::is_directory(folder / "docs" / "benchmarks", ignored)) {
      return folder / "docs" / "benchmarks";
    }
    if (folder == folder.parent_path()) return {};
  }
}

/// The first that is one; empty: none is.
fs::path first_program(std::initializer_list<fs::path> places) {
  for (const fs::path& at : places) {
    if (access(at.c_str(), X_OK) == 0 && fs::is_regular_file(at)) return at;
  }
  return {};
}

}  // namespace

fs::path default_out() {
  const fs::path build = build_folder();
  return build.empty() ? fs::current_path() / "bench" : build / "bench";
}

fs::path default_kept() {
  const fs::path here = kept_above(fs::current_path());
  return here.empty() ? kept_above(own_folder()) : here;
}

fs::path default_smold() {
  return first_program({build_folder() / "smold" / "smold", own_folder() / "smold"});
}

fs::path default_smoldump() {
  return first_program({build_folder() / "tools" / "dump" / "smoldump", own_folder() / "smoldump"});
}

fs::path default_smolctl() {
  return first_program({build_folder() / "tools" / "ctl" / "smolctl", own_folder() / "smolctl"});
}

void write_file(const fs::path& file, const std::string& text) {
  std::error_code error;
  if (file.has_parent_path()) fs::create_directories(file.parent_path(), error);
  std::ofstream out{file, std::ios::binary | std::ios::trunc};
  out << text;
  out.close();
  if (!out) throw Failure{"cannot write " + file.string() + ": " + std::strerror(errno)};
}

}  // namespace smol::bench
