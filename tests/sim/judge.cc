#include "tests/sim/judge.hh"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <sstream>

#include "tests/sim/simulation.hh"

namespace smol::sim {
namespace {

/// Warnings of what a bad network, a full buffer or an end in the midst of things explains. The
/// severities below a warning are chat and notes: retransmissions, duplicate ACKs, keep-alives.
constexpr const char* kExpected[] = {
    "Connection reset (RST)",
    "TCP window specified by the receiver is now completely full",
    "This frame is a (suspected) out-of-order segment",
    "ACKed segment that wasn't captured",
    "Previous segment(s) not captured",
    "TCP Zero Window segment",
    "D-SACK Sequence",
};

std::string output_of(const std::string& command) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe{::popen(command.c_str(), "r"),
                                                             &::pclose};
  std::string out;
  std::array<char, 65'536> some{};
  if (pipe == nullptr) return out;
  for (std::size_t got = std::fread(some.data(), 1, some.size(), pipe.get()); got > 0;
       got = std::fread(some.data(), 1, some.size(), pipe.get())) {
    out.append(some.data(), got);
  }
  return out;
}

bool expected(const std::string& line) {
  return std::any_of(std::begin(kExpected), std::end(kExpected),
                     [&](const char* text) { return line.find(text) != std::string::npos; });
}

}  // namespace

bool can_judge() {
  return std::system("command -v tshark >/dev/null && command -v tcpdump >/dev/null") == 0;
}

std::vector<std::string> judged(std::uint64_t seed, const std::string& folder) {
  const Scenario scenario = scenario_of(seed);
  if (scenario.stranger || scenario.flows.size() > 30) return {};
  Trace trace{scenario.start};
  const Outcome outcome = Simulation{scenario, &trace}.run();
  if (outcome.frames[0] + outcome.frames[1] == 0) return {};
  std::filesystem::create_directories(folder);
  const std::string path = folder + "/judged-" + std::to_string(seed) + ".pcapng";
  if (!trace.write_pcapng(path, "seed " + std::to_string(seed), true))
    return {"cannot write " + path};
  std::vector<std::string> out;
  // Warnings and errors, each on a line: the frame, and what is said of it.
  std::istringstream said{output_of("tshark -n --disable-protocol http -r '" + path +
                                    "' -o tcp.check_checksum:TRUE -o ip.check_checksum:TRUE -Y "
                                    "'_ws.expert.severity >= 0x600000 || _ws.malformed' "
                                    "-T fields -e frame.number -e _ws.expert.message 2>/dev/null")};
  for (std::string line; std::getline(said, line);) {
    if (!expected(line)) out.push_back("tshark: frame " + line);
  }
  std::istringstream printed{output_of("tcpdump -nvvr '" + path + "' 2>/dev/null")};
  std::size_t lines = 0;
  for (std::string line; std::getline(printed, line); ++lines) {
    if (line.find("incorrect") != std::string::npos ||
        line.find("bad cksum") != std::string::npos || line.find("[|") != std::string::npos) {
      out.push_back("tcpdump: " + line);
    }
  }
  if (lines == 0) out.emplace_back("tcpdump read nothing");
  std::filesystem::remove(path);
  return out;
}

}  // namespace smol::sim
