#include "dataplane/counters.hh"

#include <algorithm>

#include <fmt/format.h>

namespace smol::dataplane {

std::uint64_t Snapshot::value(const Rows& rows, std::string_view name) noexcept {
  const auto found =
      std::find_if(rows.begin(), rows.end(), [&](const auto& row) { return row.first == name; });
  return found == rows.end() ? 0 : found->second;
}

namespace {

void add(Snapshot::Rows& sums, const Snapshot::Rows& rows) {
  if (sums.empty()) {
    sums = rows;
    return;
  }
  for (std::size_t i = 0; i < rows.size(); ++i) sums[i].second += rows[i].second;
}

}  // namespace

std::vector<std::string> summary(const Snapshot& snapshot) {
  std::vector<std::string> lines;
  for (const Snapshot::Port& port : snapshot.ports) {
    lines.push_back(fmt::format(
        "{}: received {} packets, {} octets; sent {} packets, {} octets", port.name,
        Snapshot::value(port.counters, "rx_packets"), Snapshot::value(port.counters, "rx_octets"),
        Snapshot::value(port.counters, "tx_packets"), Snapshot::value(port.counters, "tx_octets")));
    for (const auto& [row, count] : port.counters) {
      if (row.starts_with("device_") && count > 0) {
        lines.push_back(fmt::format("{}: {} {}", port.name, row, count));
      }
    }
  }
  for (std::size_t i = 0; i < kDropCount; ++i) {
    if (snapshot.drops[i] == 0) continue;
    const auto drop = static_cast<Drop>(i);
    lines.push_back(
        fmt::format("dropped {:>8} {:<24} {}", snapshot.drops[i], name(drop), sentence(drop)));
  }
  return lines;
}

std::vector<std::pair<std::string, std::uint64_t>> named(const Snapshot& snapshot) {
  Snapshot::Rows stack;
  Snapshot::Rows own;
  for (const Snapshot::Worker& worker : snapshot.workers) {
    add(stack, worker.stack);
    add(own, worker.counters);
  }
  std::vector<std::pair<std::string, std::uint64_t>> out;
  for (const auto& [name, value] : stack) out.emplace_back(name, value);
  for (const auto& [name, value] : own) out.emplace_back(fmt::format("worker.{}", name), value);
  for (const Snapshot::Port& port : snapshot.ports) {
    for (const auto& [name, value] : port.counters) {
      out.emplace_back(fmt::format("{}.{}", port.name, name), value);
    }
  }
  for (const Snapshot::Link& link : snapshot.links) {
    for (const auto& [name, value] : link.counters) {
      out.emplace_back(fmt::format("bridge.{}.{}", link.name, name), value);
    }
  }
  for (std::size_t i = 0; i < kDropCount; ++i) {
    out.emplace_back(fmt::format("drop.{}", name(static_cast<Drop>(i))), snapshot.drops[i]);
  }
  out.emplace_back("pool.in_use", snapshot.packets_in_use);
  return out;
}

std::vector<std::string> listing(const Snapshot& snapshot) {
  std::vector<std::string> lines;
  for (const auto& [name, value] : named(snapshot)) {
    lines.push_back(fmt::format("{} {}", name, value));
  }
  return lines;
}

}  // namespace smol::dataplane
