#include "dataplane/counters.hh"

#include <algorithm>

#include <fmt/format.h>

namespace smol::dataplane {

std::uint64_t Snapshot::value(const Rows& rows, std::string_view name) noexcept {
  const auto found =
      std::find_if(rows.begin(), rows.end(), [&](const auto& row) { return row.first == name; });
  return found == rows.end() ? 0 : found->second;
}

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

}  // namespace smol::dataplane
