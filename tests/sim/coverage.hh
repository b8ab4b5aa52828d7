#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/packet/mem_packet.hh"
#include "protocols/stack/stack.hh"
#include "protocols/tcp/info.hh"
#include "protocols/tcp/state.hh"

namespace smol::sim {

/// What runs have met, counted by name: TCP states and the ways between them, drop reasons, the
/// stack's counters, options and marks seen on the wire, what links did to frames. The names follow
/// from the tables of the code, so that what is added there is asked for here.
class Coverage {
 public:
  Coverage() : counts_(names().size()) {}

  /// Every item there is, in a fixed order.
  static const std::vector<std::string>& names();
  /// Of an item by name; checked to be one.
  static std::size_t index_of(std::string_view name);

  void add(std::size_t index, std::uint64_t n = 1) { counts_[index] += n; }
  void add(std::string_view name, std::uint64_t n = 1) { add(index_of(name), n); }
  void add(const Coverage& other);
  /// The episode of loss that a connection is in, if any.
  void add(const tcp::Info& info);
  std::uint64_t count(std::string_view name) const { return counts_[index_of(name)]; }
  const std::vector<std::uint64_t>& counts() const { return counts_; }
  std::vector<std::uint64_t>& counts() { return counts_; }

  static std::size_t state(tcp::State state);
  static std::size_t transition(tcp::State from, tcp::State to);
  static std::size_t drop(Drop drop);
  static std::size_t counter(std::size_t place);

  /// Why an item need not be met; empty: it is expected.
  static std::string_view exempt(std::string_view name);
  static std::size_t exempt_count();
  /// What was expected and not met.
  std::vector<std::string> uncovered() const;
  /// A table for people: how often each was met, and how often in a thousand runs; what was not,
  /// if it was expected. `runs`: 0 for one that is looked at by itself.
  std::string report(std::uint64_t runs) const;
  /// What was expected and met least; empty: nothing was met.
  std::string rarest() const;

 private:
  std::vector<std::uint64_t> counts_;
};

/// Follows the states of one stack's connections.
class StateWatch {
 public:
  /// Looks at every connection: for stacks with few.
  void look(const Stack<MemPacket>& stack, Coverage& coverage);

 private:
  std::map<std::uint32_t, tcp::State> states_;
  std::map<std::uint32_t, tcp::State> now_;
};

}  // namespace smol::sim
