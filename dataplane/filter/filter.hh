#pragma once

#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

#include "dataplane/filter/classic.hh"
#include "dataplane/filter/interpreter.hh"
#include "dataplane/filter/native.hh"

namespace smol::dataplane::filter {

/// A program that is ready to run on packets: as machine code over mbufs where there is a compiler,
/// else interpreted. One without instructions matches everything.
///
/// The compiler is ours. DPDK's, by way of extended BPF, is wrong in three places as of 22.11: the
/// index of indirect loads (rte_bpf_convert()), a test of single bits, and jumps of about 127
/// octets, whose distances it takes for settled when their sum is.
class Filter {
 public:
  Filter() noexcept = default;
  /// Error: why validate() refuses the program. Empty programs are fine here. Thread: any but a
  /// worker's.
  static Result<Filter, Refusal> create(std::span<const Instruction> program);

  /// Nothing of the packet changes. Thread: any, several at once.
  template <PacketBuffer P>
  bool matches(const P& packet) const noexcept {
    if (program_.empty()) return true;
    if constexpr (std::is_same_v<typename P::Node, rte_mbuf>) {
      if (native_) [[likely]]
        return native_(packet.node()) != 0;
    }
    return interpret(program_, octets_of(packet)) != 0;
  }

  bool is_native() const noexcept { return static_cast<bool>(native_); }
  bool matches_all() const noexcept { return program_.empty(); }

 private:
  std::vector<Instruction> program_;
  Native native_;
};

/// From here on filters are interpreted: what the compiler makes is not to be trusted. Thread: any.
void use_interpreter() noexcept;

}  // namespace smol::dataplane::filter
