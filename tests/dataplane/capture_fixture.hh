#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <memory_resource>
#include <string>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/capture.hh"
#include "dataplane/capture_hub.hh"
#include "protocols/packet/mem_packet.hh"

namespace smol::dataplane::testing {

constexpr Instant at(std::int64_t ns) {
  return Instant{nanoseconds(ns)};
}

/// A packet that was captured, with octets of its own.
struct Seen {
  CapturedPacket packet;
  std::vector<std::uint8_t> octets;
};

inline std::vector<Seen> packets_of(const CaptureBatch& batch) {
  std::vector<Seen> out;
  batch.for_each([&](const CapturedPacket& packet) {
    out.push_back({packet, {packet.octets.begin(), packet.octets.end()}});
  });
  return out;
}

/// All that can be read without waiting.
inline std::vector<Seen> read_all(CaptureSession& session) {
  std::vector<Seen> out;
  CaptureBatch batch;
  while (session.try_read(batch) == CaptureRead::kBatch) {
    for (Seen& each : packets_of(batch)) out.push_back(std::move(each));
  }
  return out;
}

/// Packets in plain memory, and a folder for files.
class CaptureFixture : public ::testing::Test {
 protected:
  MemPool pool_{256, 2048 + 128, *std::pmr::new_delete_resource()};
  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("smol-capture-" + std::to_string(getpid()));

  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  MemPacket packet(std::uint8_t fill, std::size_t size = 60) {
    MemPacket p = pool_.allocate();
    const MutBytes octets = p.append(size);
    std::fill(octets.begin(), octets.end(), fill);
    return p;
  }
  std::vector<MemPacket> burst(std::initializer_list<std::uint8_t> fills) {
    std::vector<MemPacket> out;
    for (const std::uint8_t fill : fills) out.push_back(packet(fill));
    return out;
  }
  static std::size_t show(CaptureTap& tap, Instant now, Direction direction,
                          std::vector<MemPacket>& packets, InterfaceId interface = 0) {
    return tap.on_burst(now, interface, tap.worker(), direction, std::span<MemPacket>{packets});
  }
  /// A burst of one that comes in and meets no trouble.
  void receive(CaptureTap& tap, Instant now, int fill, std::size_t size = 60) {
    std::vector<MemPacket> packets;
    packets.push_back(packet(static_cast<std::uint8_t>(fill), size));
    if (tap.active()) tap.settle(show(tap, now, Direction::kRx, packets));
  }
  static std::vector<std::uint8_t> contents(const std::string& path) {
    std::ifstream in{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
  }
};

}  // namespace smol::dataplane::testing
