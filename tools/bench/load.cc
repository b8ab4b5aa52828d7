#include "tools/bench/load.hh"

#include <algorithm>
#include <dirent.h>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <thread>
#include <unistd.h>

#include "tools/bench/failure.hh"

namespace smol::bench {
namespace {

/// More than this is not quiet: a fifth of a processor, above the grain of the kernel's ticks.
constexpr double kQuiet = 0.2;
constexpr std::chrono::milliseconds kLook{100};

std::string text_of(const std::string& path) {
  const std::ifstream file{path};
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

CpuUse cpu_use() {
  const std::optional<CpuUse> use = parse_cpu_use(text_of("/proc/stat"), sysconf(_SC_CLK_TCK));
  if (!use) throw Failure{"/proc/stat cannot be read: is /proc mounted?"};
  return *use;
}

/// What is in a folder, but for "." and "..", as far as it is a number.
std::vector<pid_t> numbers_in(const std::string& folder) {
  std::vector<pid_t> out;
  const std::unique_ptr<DIR, int (*)(DIR*)> dir{opendir(folder.c_str()), closedir};
  if (dir == nullptr) return out;
  while (const dirent* entry = readdir(dir.get())) {
    const int number = std::atoi(entry->d_name);
    if (number > 0) out.push_back(number);
  }
  return out;
}

/// Fields 3 and on of /proc/PID/stat, behind the name, which may hold anything.
std::vector<std::string> stat_fields(pid_t process) {
  const std::string text = text_of("/proc/" + std::to_string(process) + "/stat");
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream words{text.substr(name_end + 1)};
  std::vector<std::string> out;
  for (std::string word; words >> word;) out.push_back(word);
  return out;
}

constexpr std::size_t kParent = 1;      // counted from the state, field 3
constexpr std::size_t kUserTicks = 11;  // its own, then the kernel's, then both of its children

ProcessUse use_of(const std::vector<std::string>& fields) {
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  const auto at = [&](std::size_t field) { return std::stod(fields[field]) / ticks; };
  return {at(kUserTicks) + at(kUserTicks + 2), at(kUserTicks + 1) + at(kUserTicks + 3)};
}

}  // namespace

std::optional<CpuUse> parse_cpu_use(const std::string& text, long ticks) {
  CpuUse out;
  bool found = false;
  std::istringstream lines{text};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words{line};
    std::string name;
    words >> name;
    if (name.rfind("cpu", 0) != 0) continue;
    std::vector<double> field(8);
    for (double& value : field) words >> value;
    if (!words) return std::nullopt;
    enum { kUser, kNice, kSystem, kSteal = 7 };
    const double use =
        (field[kUser] + field[kNice] + field[kSystem] + field[kSteal]) / static_cast<double>(ticks);
    if (name == "cpu") {
      out.all = use;
      found = true;
    } else {
      out.each.push_back(use);
    }
  }
  return found ? std::optional{out} : std::nullopt;
}

std::optional<ProcessUse> process_use(pid_t process) {
  const std::vector<std::string> fields = stat_fields(process);
  if (fields.size() <= kUserTicks + 3) return std::nullopt;
  return use_of(fields);
}

std::optional<std::uint64_t> process_nanoseconds(pid_t process) {
  const std::string tasks = "/proc/" + std::to_string(process) + "/task";
  std::optional<std::uint64_t> total;
  for (const pid_t thread : numbers_in(tasks)) {
    std::istringstream words{text_of(tasks + "/" + std::to_string(thread) + "/schedstat")};
    std::uint64_t on_processor = 0;
    if (words >> on_processor) total = total.value_or(0) + on_processor;
  }
  return total;
}

double own_cpu_use() {
  std::map<pid_t, std::vector<std::string>> fields;
  for (const pid_t process : numbers_in("/proc")) {
    std::vector<std::string> its = stat_fields(process);
    if (its.size() > kUserTicks + 3) fields.emplace(process, std::move(its));
  }
  const auto is_ours = [&](pid_t process) {
    for (std::set<pid_t> seen; seen.insert(process).second;) {
      if (process == getpid()) return true;
      const auto at = fields.find(process);
      if (at == fields.end()) return false;
      process = std::atoi(at->second[kParent].c_str());
    }
    return false;
  };
  double total = 0;
  for (const auto& [process, its] : fields) {
    if (is_ours(process)) total += use_of(its).total();
  }
  return total;
}

Neighbours::Glance Neighbours::look() const {
  const CpuUse before = cpu_use();
  const Stopwatch watch;
  std::this_thread::sleep_for(kLook);
  const CpuUse after = cpu_use();
  Glance out;
  out.others = (after.all - before.all) / watch.elapsed().count();
  out.quiet = out.others < kQuiet;
  double least = 1e9;
  for (unsigned i = 0; i < after.each.size() && i < before.each.size(); ++i) {
    const double use = after.each[i] - before.each[i];
    // The last of equals: interrupts and the system's own work prefer the first.
    if (use <= least) {
      least = use;
      out.idlest = i;
    }
  }
  return out;
}

Neighbours::Glance Neighbours::wait() {
  for (;;) {
    const Stopwatch watch;
    const Glance glance = look();
    if (glance.quiet || waited_ >= patience_) return glance;
    waited_ += watch.elapsed();
  }
}

void Neighbours::begin() {
  since_ = Stopwatch{};
  all_ = cpu_use().all;
  own_ = own_cpu_use();
}

double Neighbours::others() const {
  const double time = since_.elapsed().count();
  const double used = cpu_use().all - all_;
  const double own = own_cpu_use() - own_;
  return time > 0 ? std::max(0.0, used - own) / time : 0;
}

}  // namespace smol::bench
