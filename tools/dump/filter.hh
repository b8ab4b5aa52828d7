#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <pcap/pcap.h>

#include "protocols/base/result.hh"
#include "tools/dump/line_printer.hh"

namespace smol::dump {

/// A pcap-filter(7) expression, compiled by libpcap for one link type. Thread: any one at a time.
class Filter {
 public:
  /// `expression`: empty matches everything. `snap_length`: what matching packets are cut to by
  /// whoever runs the program elsewhere. Error: libpcap's own words.
  static Result<Filter, std::string> compile(const std::string& expression, int datalink,
                                             std::uint32_t snap_length);

  bool matches(const Captured& packet) const;
  /// The program on standard output. `form`: 1 readable, 2 as C, 3 as numbers (-d, -dd, -ddd).
  void dump(int form) const;
  /// The program's instructions.
  const std::vector<bpf_insn>& program() const noexcept { return program_; }

 private:
  explicit Filter(std::vector<bpf_insn> program) : program_{std::move(program)} {}

  std::vector<bpf_insn> program_;
};

}  // namespace smol::dump
