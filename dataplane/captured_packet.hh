#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>

#include "protocols/base/bytes.hh"
#include "protocols/base/drop.hh"
#include "protocols/base/time.hh"
#include "protocols/stack/driver.hh"
#include "protocols/tcp/trace.hh"

namespace smol::dataplane {

/// A packet as a capture saw it.
struct CapturedPacket {
  std::int64_t unix_ns = 0;  ///< when, in nanoseconds since 1970
  std::uint32_t length = 0;  ///< octets of the frame
  std::uint32_t lost = 0;    ///< packets of this capture that were lost since the one before
  InterfaceId interface = 0;
  std::uint16_t worker = 0;
  std::uint16_t queue = 0;  ///< of the port, which is the worker's own
  Direction direction = Direction::kRx;
  bool dropped = false;
  Drop reason{};  ///< if dropped
  Bytes octets;   ///< those that were kept: the first of the frame
  /// The variables of its TCP connection; null: it has none, or they were not asked for.
  const tcp::Trace* trace = nullptr;
};

/// What became of an attempt to read captured packets.
enum class CaptureRead : std::uint8_t {
  kBatch,
  kNothing,  ///< not yet
  kEnded,    ///< and there will be nothing more
};

/// Captured packets in the order of their times, in memory of its own. What the packets of it show
/// is valid as long as it is there and nothing was read into it. Movable.
class CaptureBatch {
 public:
  /// Octets, packets' descriptions included. One packet alone may be more.
  static constexpr std::size_t kOctets = std::size_t{64} << 10;

  CaptureBatch() = default;
  CaptureBatch(CaptureBatch&& other) noexcept { *this = std::move(other); }
  CaptureBatch& operator=(CaptureBatch&& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(capacity_, other.capacity_);
    std::swap(size_, other.size_);
    std::swap(packets_, other.packets_);
    return *this;
  }

  bool empty() const noexcept { return packets_ == 0; }
  std::size_t packets() const noexcept { return packets_; }
  std::size_t octets() const noexcept { return size_; }

  /// Calls `use(const CapturedPacket&)` for each, the oldest first.
  template <class Use>
  void for_each(Use&& use) const {
    for (std::size_t at = 0; at < size_;) {
      CapturedPacket packet;
      std::memcpy(&packet, memory_.get() + at, sizeof packet);
      const std::uint8_t* behind = memory_.get() + at + sizeof packet;
      tcp::Trace trace;
      if (packet.trace != nullptr) {
        std::memcpy(&trace, behind, sizeof trace);
        packet.trace = &trace;
        behind += sizeof trace;
      }
      packet.octets = {behind, packet.octets.size()};
      use(static_cast<const CapturedPacket&>(packet));
      at += room_for(packet);
    }
  }

  /// What a packet takes of a batch and of a queue.
  static constexpr std::size_t room_for(const CapturedPacket& packet) noexcept {
    const std::size_t trace = packet.trace == nullptr ? 0 : sizeof(tcp::Trace);
    return (sizeof packet + trace + packet.octets.size() + 7) / 8 * 8;
  }
  bool fits(const CapturedPacket& packet) const noexcept {
    return size_ + room_for(packet) <= (capacity_ == 0 ? kOctets : capacity_);
  }
  /// Precondition: it fits, or the batch is empty.
  void append(const CapturedPacket& packet) {
    const std::size_t need = room_for(packet);
    if (size_ + need > capacity_) {
      capacity_ = need > kOctets ? need : kOctets;
      memory_.reset(new std::uint8_t[capacity_]);
    }
    std::uint8_t* to = memory_.get() + size_;
    std::memcpy(to, &packet, sizeof packet);
    to += sizeof packet;
    if (packet.trace != nullptr) {
      std::memcpy(to, packet.trace, sizeof *packet.trace);
      to += sizeof *packet.trace;
    }
    if (!packet.octets.empty()) std::memcpy(to, packet.octets.data(), packet.octets.size());
    size_ += need;
    ++packets_;
  }
  /// Keeps its memory.
  void clear() noexcept { size_ = packets_ = 0; }

 private:
  std::unique_ptr<std::uint8_t[]> memory_;
  std::size_t capacity_ = 0;
  std::size_t size_ = 0;
  std::size_t packets_ = 0;
};

}  // namespace smol::dataplane
