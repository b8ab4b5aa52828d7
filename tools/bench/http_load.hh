#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "tools/bench/network_namespace.hh"
#include "tools/bench/process.hh"
#include "tools/bench/series.hh"

namespace smol::bench {

/// What wrk(1) says of a run.
struct WrkReport {
  double requests_a_second = 0;
  std::uint64_t errors = 0;  ///< of sockets, and answers that are no 2xx or 3xx

  bool operator==(const WrkReport&) const noexcept = default;
};

/// Reads wrk's output. None: it is not that.
std::optional<WrkReport> parse_wrk(const std::string& output);

struct HttpFigure {
  double requests_a_second = 0;
  double cpu = 0;  ///< processors that wrk used, of its two threads
};

/// `wrk -t2 -c64` on http://ADDRESS/hello. `keep_alive` off: a new connection for each request.
/// Throws Failure if wrk is not installed or a request fails.
HttpFigure run_wrk(const NetworkNamespace& where, const std::string& address, bool keep_alive,
                   Seconds time);

/// nginx with one worker that answers every request with "hello\n". Throws Failure.
class Nginx {
 public:
  static constexpr const char* kMissing = "nginx not installed: no reference (--install gets it)";

  /// `folder`: for its configuration. Thread: the main one.
  Nginx(const NetworkNamespace& where, const std::string& address,
        const std::filesystem::path& folder);
  /// Processor time so far.
  double cpu();

 private:
  std::optional<Process> process_;
};

/// Has apt-get install what the references need and is not there. Throws Failure.
void install_references();

}  // namespace smol::bench
