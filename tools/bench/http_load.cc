#include "tools/bench/http_load.hh"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <unistd.h>

#include <fmt/core.h>

#include "tools/bench/failure.hh"
#include "tools/bench/places.hh"
#include "tools/bench/stopwatch.hh"

namespace smol::bench {
namespace {

constexpr const char* kNginxConfig = R"(daemon off;
master_process off;
pid {0}/nginx.pid;
error_log {0}/nginx.log;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  server {{
    listen {1}:80 backlog=4096;
    default_type text/plain;
    location / {{ return 200 "hello\n"; }}
  }}
}}
)";

/// Every number in a line.
std::uint64_t sum_of_numbers(const std::string& line) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < line.size();) {
    std::size_t end = i;
    while (end < line.size() && line[end] >= '0' && line[end] <= '9') ++end;
    if (end > i) sum += std::stoull(line.substr(i, end - i));
    i = end + 1;
  }
  return sum;
}

}  // namespace

std::optional<WrkReport> parse_wrk(const std::string& output) {
  WrkReport out;
  bool found = false;
  std::istringstream lines{output};
  for (std::string line; std::getline(lines, line);) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::string key = line.substr(line.find_first_not_of(' '), colon);
    const std::string value = line.substr(colon + 1);
    if (key.rfind("Requests/sec", 0) == 0) {
      out.requests_a_second = std::strtod(value.c_str(), nullptr);
      found = true;
    } else if (key.rfind("Socket errors", 0) == 0 || key.rfind("Non-2xx", 0) == 0) {
      out.errors += sum_of_numbers(value);
    }
  }
  return found ? std::optional{out} : std::nullopt;
}

HttpFigure run_wrk(const NetworkNamespace& where, const std::string& address, bool keep_alive,
                   Seconds time) {
  const std::string wrk = find_program("wrk");
  if (wrk.empty()) throw Failure{"wrk is not installed: apt-get install wrk, or --install"};
  const auto whole = static_cast<int>(std::max(1.0, std::round(time.count())));
  std::vector<std::string> argv{wrk, "-t2", "-c64", fmt::format("-d{}s", whole)};
  if (!keep_alive) argv.insert(argv.end(), {"-H", "Connection: close"});
  argv.push_back("http://" + address + "/hello");
  const Stopwatch watch;
  Process process{argv, {.where = &where}};
  const Process::Ended ended = process.wait(Seconds{whole + 15.0});
  const double seconds = watch.elapsed().count();
  const std::optional<WrkReport> report = parse_wrk(ended.output);
  if (ended.status != 0 || !report) throw Failure{"wrk fails: " + ended.output};
  if (report->errors > 0) throw Failure{fmt::format("wrk sees {} errors", report->errors)};
  return {report->requests_a_second, ended.use.total() / seconds};
}

Nginx::Nginx(const NetworkNamespace& where, const std::string& address,
             const std::filesystem::path& folder) {
  const std::string nginx = find_program("nginx");
  if (nginx.empty()) throw Failure{kMissing};
  const std::filesystem::path config = std::filesystem::absolute(folder) / "nginx.conf";
  write_file(config, fmt::format(kNginxConfig, config.parent_path().string(), address));
  process_.emplace(std::vector<std::string>{nginx, "-c", config.string()},
                   Process::Options{.where = &where});
  usleep(300'000);
  if (!process_->alive()) throw Failure{"nginx does not start: " + process_->output()};
}

double Nginx::cpu() {
  const std::optional<ProcessUse> use = process_use(process_->pid());
  if (!use) throw Failure{"nginx has ended: " + process_->output()};
  return use->total();
}

void install_references() {
  std::vector<std::string> argv{"apt-get", "install", "-q", "-y", "--no-install-recommends"};
  const std::size_t words = argv.size();
  if (find_program("wrk").empty()) argv.push_back("wrk");
  if (find_program("nginx").empty()) argv.push_back("nginx-light");
  if (argv.size() == words) return;
  Process process{argv, {}};
  const Process::Ended ended = process.wait(Seconds{600});
  if (ended.status != 0) throw Failure{"apt-get install fails: " + ended.output};
}

}  // namespace smol::bench
