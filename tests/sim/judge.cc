#include "tests/sim/judge.hh"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <sstream>
#include <thread>
#include <utility>

#include "tests/sim/simulation.hh"
#include "tests/sim/trace.hh"

namespace smol::sim {
namespace {

/// Octets of a capture: enough that a program's start counts for little, little enough for memory.
constexpr std::size_t kBatchOctets = 24 << 20;

constexpr Expected kExpected[] = {
    // Chat: what every connection does.
    {"Connection establish request (SYN)", "each connection begins so"},
    {"Connection establish acknowledge (SYN+ACK)", "each connection begins so"},
    {"Connection finish (FIN)", "each connection ends so"},
    {"This frame initiates the connection closing", "each connection ends so"},
    {"This frame undergoes the connection closing", "each connection ends so"},
    {"TCP window update", "a user has read"},
    // Notes: how TCP answers a network that loses, doubles and holds back.
    {"This frame is a (suspected) retransmission", "lost, or taken for lost"},
    {"This frame is a (suspected) fast retransmission", "lost, and found by duplicate ACKs"},
    {"This frame is a (suspected) spurious retransmission", "its ACK was lost, or is on its way"},
    {"Duplicate ACK", "segments came out of order, or twice"},
    // The first text that a remark contains is the one that counts.
    {"ACK to a TCP keep-alive segment", "answers the next"},
    {"TCP keep-alive segment", "users ask for them; a tail of one octet sent again looks so too"},
    {"ACK to a TCP Zero Window Probe", "answers the next"},
    {"TCP Zero Window Probe", "a window is shut"},
    {"A new tcp session is started with the same ports", "seeds stand one behind the other"},
    {"TCP SYN with TFO Cookie", "users open fast"},
    {"TCP SYN-ACK accepting TFO data", "users open fast"},
    {"TCP SYN-ACK ignoring TFO data", "the listener has enough of those, or its cookie changed"},
    // Warnings.
    {"Connection reset (RST)", "users abort; strays are answered"},
    {"D-SACK Sequence", "a segment came twice (RFC 2883)"},
    {"TCP window specified by the receiver is now completely full", "a reader is slow"},
    {"TCP Zero Window segment", "a reader is slow"},
    {"This frame is a (suspected) out-of-order segment", "sent again so soon that it looks late"},
    {"Previous segment(s) not captured",
     "the octet of a window probe was taken, and tshark does not count it; or no packet was free "
     "for "
     "what was to go; or ports are used again, and a late word of the old connection goes between"},
    {"ACKed segment that wasn't captured", "the same, said of who acknowledges it"},
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

/// Runs of several seeds one after the other: a SYN of another number begins another conversation.
struct Batch {
  struct Run {
    std::uint64_t seed;
    std::uint64_t first_frame;  ///< counted from 1, as the programs do
  };
  std::vector<Run> runs;
  std::vector<std::uint8_t> file;
  std::vector<bool> ours;  ///< each frame
  Duration at{0};

  /// "seed 7, frame 12: "
  std::string where(std::uint64_t frame) const {
    const auto behind = std::upper_bound(
        runs.begin(), runs.end(), frame,
        [](std::uint64_t number, const Run& run) { return number < run.first_frame; });
    if (behind == runs.begin()) return "no frame of a seed: ";
    const Run& run = *(behind - 1);
    return "seed " + std::to_string(run.seed) + ", frame " +
           std::to_string(frame - run.first_frame + 1) + ": ";
  }
  bool is_ours(std::uint64_t frame) const {
    return frame > 0 && frame <= ours.size() && ours[frame - 1];
  }
};

void add_run(Batch& batch, std::uint64_t seed) {
  const Scenario scenario = scenario_of(seed);
  Trace trace{scenario.start, Trace::Keeps::kSent};
  const Outcome outcome = Simulation{scenario, &trace}.run();
  batch.runs.push_back({seed, batch.ours.size() + 1});
  for (const int side : trace.append_packets(batch.file, batch.at)) {
    batch.ours.push_back(!scenario.stranger || side == 0);
  }
  batch.at += outcome.took + seconds(1);
}

/// The remarks on one frame.
void take_remarks(const std::string& remarks, const std::string& where, Judgement& out) {
  std::istringstream in{remarks};
  for (std::string remark; std::getline(in, remark, '|');) {
    const auto found = std::find_if(
        std::begin(kExpected), std::end(kExpected),
        [&](const Expected& row) { return remark.find(row.text) != std::string::npos; });
    if (found == std::end(kExpected)) {
      out.complaints.push_back(where + "tshark: " + remark);
    } else {
      ++out.explained[found->text];
    }
  }
}

void ask_tshark(const Batch& batch, const std::string& path, Judgement& out) {
  // A frame with a remark above chat comes with all that is said of it.
  std::istringstream said{
      output_of("tshark -n --disable-protocol http -r '" + path +
                "' -o tcp.check_checksum:TRUE -o ip.check_checksum:TRUE -Y "
                "'_ws.expert.severity >= 0x400000 || _ws.malformed' "
                "-T fields -e frame.number -e _ws.expert.message -E aggregator='|' 2>/dev/null")};
  for (std::string line; std::getline(said, line);) {
    const std::uint64_t frame = std::strtoull(line.c_str(), nullptr, 10);
    if (!batch.is_ours(frame)) continue;
    const std::size_t tab = line.find('\t');
    take_remarks(tab == std::string::npos ? "" : line.substr(tab + 1), batch.where(frame), out);
  }
}

/// "   12  00:00:01.5 IP ..." begins frame 12; what continues it has no number.
bool begins(const std::string& line, std::uint64_t frame) {
  const std::string number = std::to_string(frame) + "  ";
  const std::size_t at = line.find_first_not_of(' ');
  return at != std::string::npos && line.compare(at, number.size(), number) == 0;
}

void ask_tcpdump(const Batch& batch, const std::string& path, Judgement& out) {
  std::istringstream printed{output_of("tcpdump -#nvvr '" + path + "' 2>/dev/null")};
  std::uint64_t frame = 0;
  for (std::string line; std::getline(printed, line);) {
    if (begins(line, frame + 1)) ++frame;
    const bool wrong = line.find("incorrect") != std::string::npos ||
                       line.find("bad cksum") != std::string::npos ||
                       line.find("[|") != std::string::npos;
    if (wrong && batch.is_ours(frame)) {
      out.complaints.push_back(batch.where(frame) + "tcpdump: " + line);
    }
  }
  if (frame != batch.ours.size()) {
    out.complaints.push_back("tcpdump read " + std::to_string(frame) + " frames of " +
                             std::to_string(batch.ours.size()));
  }
}

void ask(const Batch& batch, const std::string& path, Judgement& out) {
  std::ofstream file{path, std::ios::binary};
  file.write(reinterpret_cast<const char*>(batch.file.data()),
             static_cast<std::streamsize>(batch.file.size()));
  file.close();
  if (!file) {
    out.complaints.push_back("cannot write " + path);
    return;
  }
  ask_tshark(batch, path, out);
  ask_tcpdump(batch, path, out);
  out.frames += static_cast<std::uint64_t>(std::count(batch.ours.begin(), batch.ours.end(), true));
  std::filesystem::remove(path);
}

}  // namespace

std::span<const Expected> expected_remarks() {
  return kExpected;
}

bool can_judge() {
  return std::system("command -v tshark >/dev/null && command -v tcpdump >/dev/null") == 0;
}

Judgement judge(std::uint64_t first, std::uint64_t seeds, unsigned jobs, const std::string& folder,
                const std::function<void(std::uint64_t)>& told) {
  std::filesystem::create_directories(folder);
  Judgement out;
  std::mutex mutex;
  std::atomic<std::uint64_t> next{first};
  const auto work = [&](unsigned job) {
    const std::string path = folder + "/judged-" + std::to_string(job) + ".pcapng";
    while (next < first + seeds) {
      Batch batch;
      Trace::begin_pcapng(batch.file, "judged");
      std::uint64_t seed = first;
      while (batch.file.size() < kBatchOctets && (seed = next++) < first + seeds) {
        add_run(batch, seed);
      }
      Judgement some;
      ask(batch, path, some);
      const std::lock_guard lock{mutex};
      std::move(some.complaints.begin(), some.complaints.end(), std::back_inserter(out.complaints));
      for (const auto& [text, times] : some.explained) out.explained[text] += times;
      out.frames += some.frames;
      out.seeds += batch.runs.size();
      if (told) told(out.seeds);
    }
  };
  std::vector<std::thread> threads;
  for (unsigned job = 0; job < std::max(1u, jobs); ++job) threads.emplace_back(work, job);
  for (std::thread& thread : threads) thread.join();
  return out;
}

}  // namespace smol::sim
