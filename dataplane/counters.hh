#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocols/base/counter.hh"
#include "protocols/base/drop.hh"

namespace smol::dataplane {

/// What a worker counts of itself. The worker writes, anyone reads.
struct WorkerCounters {
  Counter turns;
  Counter busy_turns;     ///< turns that found something to do
  Counter sleeps;         ///< times it slept until it was woken or a timer was due
  Counter naps;           ///< of these, times it slept because a port cannot wake it
  Counter events;         ///< socket events given to applications
  Counter handed_over;    ///< packets given to other workers, whose flows they are of
  Counter taken_over;     ///< packets taken from other workers
  Counter messages_lost;  ///< of neighbours, to a worker too far behind to take them
};

/// What a worker counts of one port's queues. The worker writes, anyone reads.
struct PortCounters {
  Counter rx_packets;
  Counter rx_octets;
  Counter rx_bursts;  ///< receive calls that gave packets
  Counter tx_packets;
  Counter tx_octets;
  Counter tx_bursts;     ///< transmit calls
  Counter rx_merged;     ///< of rx_packets, those that the device merged from several segments
  Counter tx_segmented;  ///< of tx_packets, those that the device cuts into segments
};

/// All counters of a running dataplane at one time. Rows are (name, value), in a fixed order.
struct Snapshot {
  using Rows = std::vector<std::pair<std::string_view, std::uint64_t>>;

  struct Port {
    std::string name;
    Rows counters;  ///< ours, then what the device counts as lost ("device_missed", ...)
  };
  struct Worker {
    Rows counters;
    Rows stack;  ///< stack/counters.def
  };

  /// A direction of a bridge.
  struct Link {
    std::string name;  ///< "a_to_b"
    Rows counters;     ///< dataplane/link_counters.def
  };

  std::vector<Port> ports;
  std::vector<Link> links;  ///< none or two
  std::vector<Worker> workers;
  std::array<std::uint64_t, kDropCount> drops{};  ///< of all workers
  std::uint64_t packets_in_use = 0;  ///< of all pools, those that drivers hold included

  /// The value of a row; 0 if there is none of that name.
  static std::uint64_t value(const Rows& rows, std::string_view name) noexcept;
};

/// A line a port with its traffic, then a table of what was dropped and why, then nothing: what is
/// zero is left out.
std::vector<std::string> summary(const Snapshot& snapshot);

/// Every counter, zeros included, by its name in listing().
std::vector<std::pair<std::string, std::uint64_t>> named(const Snapshot& snapshot);

/// The same as "NAME VALUE": the stack's under their own names and summed
/// over the workers, "worker.NAME" too, then "PORT.NAME", "bridge.WAY.NAME", "drop.NAME" and
/// "pool.in_use".
std::vector<std::string> listing(const Snapshot& snapshot);

}  // namespace smol::dataplane
