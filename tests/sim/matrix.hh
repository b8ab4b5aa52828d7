#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/sim/coverage.hh"
#include "tests/sim/scenario.hh"
#include "tests/sim/trace.hh"

namespace smol::sim {

/// What a run came to.
struct Throughput {
  std::uint64_t octets_a_second = 0;  ///< that the receivers read, of all flows
  double fairness = 1;                ///< Jain's index over the flows
  double lost = 0;  ///< share of the frames that the sender sent and the path lost
};

/// One cell of the matrix: a network, a sender, and what is expected of them.
struct Cell {
  std::string name;  ///< unique, such as "window 32768 octets, loss 1 %"
  std::string table;
  Scenario scenario;
  std::uint64_t limit = 1;  ///< octets a second that cannot be passed
  std::string beside;       ///< figures of others for the same cell, and the bound
  double least = 0;         ///< percent of the limit it must reach; 0: none is set
  double least_fairness = 0;
  bool required = false;  ///< the least is held by a test; else it is a goal
  bool quick = false;     ///< measured by `./dev test` as well
};

/// All of it, in the order in which it is printed.
std::vector<Cell> throughput_cells();
/// `trace`, `coverage`: to look at it; may be null.
Throughput measure(const Cell& cell, Trace* trace = nullptr, Coverage* coverage = nullptr);

/// Percent of what the limit allows that a sender reaches which learns what became of each segment
/// one round trip after sending it, and at once sends again what was lost: no information is faster
/// on such a path. `octets`: its window, of which it uses whole segments.
double bound_of_one_round_trip(std::uint32_t octets, std::uint32_t loss_per_mille);

/// "32768 octets, loss 1 %    268123  81.8  ..." : the line of a cell.
std::string line_of(const Cell& cell, const Throughput& got);
/// The whole file, of lines in the order of the cells.
std::string matrix_text(const std::vector<Cell>& cells, const std::vector<std::string>& lines);
/// Why the figures are not enough; empty: they are.
std::string shortfall(const Cell& cell, const Throughput& got);

/// Measures one cell, prints what was met, and writes a capture. The exit status.
int look_at_cell(const std::string& name, const std::string& capture);
/// Measures every cell, `jobs` at a time, and prints the matrix; with `accept` writes it to `path`,
/// else says what differs from the file. The exit status.
int run_matrix(const std::string& path, bool accept, unsigned jobs, bool terminal);

}  // namespace smol::sim
