#include "tests/sim/matrix.hh"

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <queue>
#include <sstream>
#include <sys/wait.h>
#include <unistd.h>

#include "protocols/base/random.hh"
#include "protocols/tcp/cc/congestion.hh"
#include "tests/sim/simulation.hh"

namespace smol::sim {
namespace {

using tcp::CongestionControl;

constexpr Duration kRtt = milliseconds(100);
constexpr std::uint32_t kSegment = 1448;  // of text, beside timestamps

/// Side 0 sends, for as long as is measured.
Scenario transfer(Duration rtt, std::uint32_t buffer, CongestionControl cc) {
  Scenario out;
  out.seed = 1;
  out.watch = false;
  out.trusted = true;
  UserPlan& sender = out.flows[0].users[0];
  sender.octets = UserPlan::kEndless;
  for (UserPlan& user : out.flows[0].users) {
    user.socket.send_buffer = user.socket.receive_buffer = buffer;
    user.socket.congestion_control = cc;
  }
  for (LinkOptions& link : out.links) link.delay = rtt / 2;
  for (std::uint32_t& packets : out.packets) packets = 20 * (buffer / kSegment) + 1024;
  for (StackConfig& stack : out.stacks) {
    stack.tcp.min_rto = milliseconds(200);
    stack.limits.reassembly_ranges = 8192;
    stack.limits.half_open = 1024;
    stack.limits.sent_runs = 262'144;
  }
  return out;
}

std::string percent(double value) {
  std::array<char, 16> out{};
  std::snprintf(out.data(), out.size(), "%.1f", value);
  return out.data();
}

/// A loss in parts of a thousand, as a percentage.
std::string loss_text(std::uint32_t per_mille) {
  return (per_mille % 10 == 0 ? std::to_string(per_mille / 10) : percent(per_mille / 10.0)) + " %";
}

// --- the tables
// ------------------------------------------------------------------------------------

constexpr const char* kWindowTable =
    "The peer's window alone: 10 MiB, RTT 100 ms, no congestion control, loss in both directions,\n"
    "minimum RTO 200 ms. limit: a window a round trip. bound: a sender that learns what became of\n"
    "each segment one round trip after sending it. smoltcp: its own test of the same, 2025.";

void window_cells(std::vector<Cell>& out) {
  struct Row {
    std::uint32_t loss;
    double smoltcp;  // octets a second with 32 KiB
    double least;
  };
  constexpr Row kRows[] = {{0, 322'944, 96}, {1, 314'779, 0},   {10, 219'670, 82}, {20, 166'588, 0},
                           {50, 76'626, 57}, {100, 37'775, 42}, {200, 6'079, 25},  {300, 1'156, 0}};
  for (const std::uint32_t buffer : {32'768u, 16'384u, 8'192u, 4'096u}) {
    for (const Row& row : kRows) {
      Cell cell;
      cell.name = std::to_string(buffer) + " octets, loss " + loss_text(row.loss);
      cell.table = kWindowTable;
      cell.scenario = transfer(kRtt, buffer, CongestionControl::kNone);
      cell.scenario.flows[0].users[0].octets = 10 << 20;
      for (LinkOptions& link : cell.scenario.links) link.loss = row.loss;
      cell.limit = buffer * 10;
      cell.quick = true;
      if (buffer == 32'768) {
        cell.beside = "bound " + percent(bound_of_one_round_trip(buffer, row.loss)) + "  smoltcp " +
                      percent(row.smoltcp * 100 / static_cast<double>(cell.limit));
        cell.least = row.least;
        cell.required = false;
      }
      out.push_back(cell);
    }
  }
}

/// Octets in flight that fill a path.
std::uint32_t bdp(std::uint64_t octets_a_second, Duration rtt) {
  return static_cast<std::uint32_t>(octets_a_second * static_cast<std::uint64_t>(rtt.count()) /
                                    1'000'000'000);
}

void shape(Scenario& scenario, std::uint64_t octets_a_second, std::uint32_t queue) {
  scenario.links[0].octets_a_second = octets_a_second;
  scenario.links[0].queue_octets = queue;
}

/// A line carries headers and the link's own 14 octets too.
std::uint64_t text_share(std::uint64_t octets_a_second) {
  return octets_a_second * kSegment / (kSegment + 66);
}

constexpr const char* kBottleneckTable =
    "Many over one queue: 200 Mbit/s, RTT 100 ms, a queue of 64 KiB (drop-tail), buffers of twice "
    "the\n"
    "bandwidth-delay product, 60 s (from 16 flows on 120 s). limit: the line, less headers.\n"
    "smoltcp: its own test with buffers of 256 KiB.";

void bottleneck_cells(std::vector<Cell>& out) {
  constexpr std::uint64_t kRate = 25'000'000;
  const std::map<std::uint32_t, double> smoltcp = {
      {1, 3'450}, {4, 12'848}, {16, 52'408}, {64, 176'610}};
  for (const CongestionControl cc :
       {CongestionControl::kCubic, CongestionControl::kBbr, CongestionControl::kNewReno}) {
    for (const std::uint32_t flows : {1u, 4u, 16u, 64u}) {
      Cell cell;
      cell.name =
          std::to_string(flows) + (flows == 1 ? " flow, " : " flows, ") + std::string{name(cc)};
      cell.table = kBottleneckTable;
      const std::uint32_t buffer = flows > 16 ? 1 << 20 : 2 * bdp(kRate, kRtt);
      cell.scenario = transfer(kRtt, buffer, cc);
      Scenario& s = cell.scenario;
      shape(s, kRate, 64 << 10);
      s.ends = seconds(flows >= 16 ? 120 : 60);
      for (std::uint32_t i = 1; i < flows; ++i) {
        s.flows.push_back(s.flows[0]);
        s.flows.back().starts = milliseconds(10 * i);
      }
      for (std::size_t side = 0; side < 2; ++side) {
        s.packets[side] = flows * s.packets[side];
        s.stacks[side].limits.connections = flows + 8;
        s.stacks[side].limits.reassembly_ranges = 65'536;
      }
      cell.limit = text_share(kRate);
      cell.beside = "smoltcp " + percent(smoltcp.at(flows) * 100 / static_cast<double>(kRate));
      if (cc == CongestionControl::kCubic && flows == 1) cell.least = 75;
      if (cc == CongestionControl::kCubic && flows == 16) {
        cell.least = 90;
        cell.least_fairness = 0.95;
      }
      cell.quick = flows == 1 && cc == CongestionControl::kCubic;
      out.push_back(cell);
    }
  }
}

constexpr const char* kPathTable =
    "One flow, a queue of one bandwidth-delay product (drop-tail), buffers of four, 30 s, random "
    "loss\n"
    "of text and not of ACKs. limit: the line, less headers.";

void path_cells(std::vector<Cell>& out) {
  struct Path {
    std::uint64_t rate;  // octets a second
    Duration rtt;
  };
  constexpr Path kPaths[] = {{1'250'000, milliseconds(10)},
                             {1'250'000, milliseconds(100)},
                             {12'500'000, milliseconds(20)},
                             {12'500'000, milliseconds(100)},
                             {125'000'000, milliseconds(2)}};
  for (const Path& path : kPaths) {
    for (const std::uint32_t loss : {0u, 1u, 10u}) {
      for (const CongestionControl cc : {CongestionControl::kNewReno, CongestionControl::kWestwood,
                                         CongestionControl::kCubic, CongestionControl::kBbr}) {
        Cell cell;
        cell.name = std::to_string(path.rate * 8 / 1'000'000) + " Mbit/s, " +
                    std::to_string(path.rtt / milliseconds(1)) + " ms, loss " + loss_text(loss) +
                    ", " + std::string{name(cc)};
        cell.table = kPathTable;
        const std::uint32_t product = bdp(path.rate, path.rtt);
        cell.scenario = transfer(path.rtt, std::max(4 * product, 65'536u), cc);
        cell.scenario.ends = path.rate > 100'000'000 ? seconds(5) : seconds(30);
        cell.scenario.links[0].loss = loss;
        shape(cell.scenario, path.rate, std::max(product, 10'000u));
        cell.limit = text_share(path.rate);
        if (path.rate == 12'500'000 && path.rtt == milliseconds(20) && loss == 10 &&
            cc == CongestionControl::kBbr) {
          cell.least = 85;
        }
        cell.quick = path.rate == 1'250'000;
        out.push_back(cell);
      }
    }
  }
}

/// What holds already, and must from now on.
constexpr const char* kRequired[] = {"32768 octets, loss 0 %",  "32768 octets, loss 1 %",
                                     "32768 octets, loss 5 %",  "32768 octets, loss 10 %",
                                     "32768 octets, loss 20 %", "16 flows, cubic",
                                     "1 flow, cubic",           "100 Mbit/s, 20 ms, loss 1 %, bbr"};

// --- measuring
// -------------------------------------------------------------------------------------

double jain(const std::vector<std::array<std::uint64_t, 2>>& read) {
  double sum = 0;
  double squares = 0;
  for (const auto& flow : read) {
    const auto octets = static_cast<double>(flow[1]);
    sum += octets;
    squares += octets * octets;
  }
  return squares > 0 ? sum * sum / (static_cast<double>(read.size()) * squares) : 0;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream in{text};
  for (std::string line; std::getline(in, line);) out.push_back(line);
  return out;
}

std::string file_text(const std::string& path) {
  std::ifstream in{path};
  return {std::istreambuf_iterator<char>{in}, {}};
}

}  // namespace

double bound_of_one_round_trip(std::uint32_t octets, std::uint32_t loss_per_mille) {
  const std::uint32_t window = octets / kSegment;
  constexpr std::uint32_t kSegments = 100'000;
  using Sent = std::pair<std::uint32_t, std::uint32_t>;  // learnt of at this tick, which segment
  Rng rng{2};
  std::priority_queue<Sent, std::vector<Sent>, std::greater<>> sent;
  std::vector<bool> there(kSegments);
  std::uint32_t una = 0;
  std::uint32_t next = 0;
  std::uint32_t now = 0;  // in round trips: all of it happens in step
  for (;;) {
    for (; next < kSegments && next < una + window; ++next) sent.push({now + 1, next});
    if (una == kSegments) break;
    const auto [at, segment] = sent.top();
    sent.pop();
    now = at;
    if (rng.below(1000) < loss_per_mille) {
      sent.push({now + 1, segment});
      continue;
    }
    there[segment] = true;
    while (una < kSegments && there[una]) ++una;
  }
  return 100.0 * kSegments * kSegment / now / octets;
}

std::vector<Cell> throughput_cells() {
  std::vector<Cell> out;
  window_cells(out);
  bottleneck_cells(out);
  path_cells(out);
  for (Cell& cell : out) {
    cell.required =
        std::find(std::begin(kRequired), std::end(kRequired), cell.name) != std::end(kRequired);
  }
  return out;
}

Throughput measure(const Cell& cell, Trace* trace, Coverage* coverage) {
  const Outcome outcome = Simulation{cell.scenario, trace}.run();
  if (coverage != nullptr) *coverage = outcome.coverage;
  Throughput out;
  std::uint64_t octets = 0;
  for (const auto& flow : outcome.read) octets += flow[1];
  const bool timed = cell.scenario.ends != Duration::max();
  const Duration took = timed ? cell.scenario.ends : outcome.last_read;
  if (took > Duration::zero()) {
    out.octets_a_second = octets * 1'000'000 / static_cast<std::uint64_t>(took / microseconds(1));
  }
  out.fairness = jain(outcome.read);
  out.lost = outcome.frames[0] > 0
                 ? static_cast<double>(outcome.lost[0]) / static_cast<double>(outcome.frames[0])
                 : 0;
  return out;
}

std::string line_of(const Cell& cell, const Throughput& got) {
  const double share =
      static_cast<double>(got.octets_a_second) * 100 / static_cast<double>(cell.limit);
  std::array<char, 256> out{};
  std::string least;
  if (cell.least > 0) {
    least = (cell.required ? "required " : "goal ") + percent(cell.least);
    if (cell.least_fairness > 0) least += " fair " + percent(cell.least_fairness * 100);
  }
  const bool many = cell.scenario.flows.size() > 1;
  std::snprintf(out.data(), out.size(), "%-40s %10llu %6.1f   lost %5.2f %%%s  %s%s%s",
                cell.name.c_str(), static_cast<unsigned long long>(got.octets_a_second), share,
                got.lost * 100, many ? ("  fair " + percent(got.fairness * 100)).c_str() : "",
                cell.beside.c_str(), cell.beside.empty() || least.empty() ? "" : "  ",
                least.c_str());
  std::string line = out.data();
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

std::string matrix_text(const std::vector<Cell>& cells, const std::vector<std::string>& lines) {
  std::string out =
      "# What a connection carries, simulated in virtual time: the same on every machine.\n"
      "# ./dev sim --matrix compares; --accept writes it anew. Columns: octets a second that the\n"
      "# receivers read, percent of the limit, frames lost on the way.\n";
  std::string table;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (cells[i].table != table) {
      table = cells[i].table;
      out += "\n";
      for (const std::string& line : lines_of(table)) out += "# " + line + "\n";
    }
    out += lines[i] + "\n";
  }
  return out;
}

std::string shortfall(const Cell& cell, const Throughput& got) {
  const double share =
      static_cast<double>(got.octets_a_second) * 100 / static_cast<double>(cell.limit);
  if (share < cell.least) {
    return cell.name + ": " + percent(share) + " % of the limit, at least " + percent(cell.least);
  }
  if (got.fairness < cell.least_fairness) {
    return cell.name + ": fairness " + percent(got.fairness * 100) + ", at least " +
           percent(cell.least_fairness * 100);
  }
  return {};
}

int look_at_cell(const std::string& name, const std::string& capture) {
  for (Cell& cell : throughput_cells()) {
    if (cell.name != name) continue;
    Trace trace{cell.scenario.start};
    Coverage coverage;
    std::cout << line_of(cell, measure(cell, &trace, &coverage)) << '\n' << coverage.report(0);
    trace.write_pcapng(capture, name);
    std::cout << "capture: " << capture << '\n';
    return 0;
  }
  for (const Cell& cell : throughput_cells()) std::cerr << "  " << cell.name << '\n';
  return 2;
}

int run_matrix(const std::string& path, bool accept, unsigned jobs, bool terminal) {
  const std::vector<Cell> cells = throughput_cells();
  std::vector<std::string> lines(cells.size());
  std::vector<std::string> short_of(cells.size());
  // A process a cell, its answer through a pipe: "line\nshortfall".
  struct Job {
    std::size_t cell;
    int in;
  };
  std::map<pid_t, Job> running;
  std::size_t next = 0;
  std::size_t done = 0;
  while (done < cells.size()) {
    while (next < cells.size() && running.size() < std::max(1u, jobs)) {
      std::array<int, 2> pipe{};
      if (::pipe(pipe.data()) != 0) return 2;
      const pid_t pid = ::fork();
      if (pid == 0) {
        const Throughput got = measure(cells[next]);
        const std::string text = line_of(cells[next], got) + "\n" + shortfall(cells[next], got);
        static_cast<void>(::write(pipe[1], text.data(), text.size()));
        ::_exit(0);
      }
      ::close(pipe[1]);
      running[pid] = {next++, pipe[0]};
    }
    int status = 0;
    const pid_t pid = ::wait(&status);
    const auto found = running.find(pid);
    if (found == running.end()) continue;
    const auto [cell, in] = found->second;
    running.erase(found);
    ++done;
    std::array<char, 1024> text{};
    const ssize_t got = ::read(in, text.data(), text.size() - 1);
    ::close(in);
    const std::string answer{text.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
    lines[cell] = answer.substr(0, answer.find('\n'));
    if (answer.empty()) lines[cell] = cells[cell].name + ": crashes";
    if (answer.find('\n') != std::string::npos)
      short_of[cell] = answer.substr(answer.find('\n') + 1);
    if (terminal) std::fprintf(stderr, "\r\x1b[K%zu of %zu cells", done, cells.size());
  }
  if (terminal) std::fputs("\r\x1b[K", stderr);
  const std::string text = matrix_text(cells, lines);
  std::cout << text;
  int failed = 0;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (short_of[i].empty()) continue;
    std::cout << (cells[i].required ? "FAILED " : "not yet ") << short_of[i] << '\n';
    failed += cells[i].required ? 1 : 0;
  }
  if (accept) {
    std::ofstream out{path};
    out << text;
    return out.flush() && failed == 0 ? 0 : 1;
  }
  const std::vector<std::string> now = lines_of(text);
  const std::vector<std::string> before = lines_of(file_text(path));
  int differs = 0;
  for (std::size_t i = 0; i < std::max(now.size(), before.size()); ++i) {
    const std::string was = i < before.size() ? before[i] : "";
    const std::string is = i < now.size() ? now[i] : "";
    if (was == is) continue;
    if (differs++ == 0) std::cout << "\nwhat differs from " << path << ":\n";
    std::cout << "- " << was << "\n+ " << is << '\n';
  }
  return failed > 0 || differs > 0 ? 1 : 0;
}

}  // namespace smol::sim
