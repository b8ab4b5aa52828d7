#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "protocols/base/bytes.hh"
#include "tools/dump/packet_source.hh"

namespace smol::dump {

/// Reads along with libpcap, which takes the packets out of a pcapng file and leaves all else: the
/// n-th packet block that is fed is the n-th packet of libpcap. Whatever the octets hold, it reads
/// nothing out of bounds and keeps at most kLongestBlock of them. Thread: one.
class PcapngMetadata {
 public:
  /// A block beyond this ends the reading along; libpcap refuses it as well.
  static constexpr std::size_t kLongestBlock = std::size_t{1} << 25;
  static constexpr std::size_t kMostInterfaces = 65536;

  /// The file's next octets, from its first on.
  void feed(Bytes octets);
  /// What the next packet block says; nothing if the file is not pcapng or was not understood.
  PacketMeta take();
  /// Whether any packet so far has said its direction.
  bool saw_direction() const noexcept { return saw_direction_; }
  /// Whether the file began as pcapng does.
  bool is_pcapng() const noexcept { return state_ != State::kOther && state_ != State::kStart; }

 private:
  enum class State : std::uint8_t { kStart, kBlocks, kLost, kOther };

  std::uint16_t u16(Bytes b, std::size_t at) const;
  std::uint32_t u32(Bytes b, std::size_t at) const;
  bool one_block(Bytes rest, std::size_t& used);
  void block(std::uint32_t type, Bytes body);
  void interface_block(Bytes body);
  void enhanced_block(Bytes body);
  void packet(std::uint32_t interface, Bytes options);
  template <class F>
  void each_option(Bytes options, F f) const;

  State state_ = State::kStart;
  bool big_endian_ = false;
  bool saw_direction_ = false;
  std::vector<std::uint8_t> pending_;
  std::vector<std::string> interfaces_;  ///< of this section
  std::deque<PacketMeta> packets_;       ///< fed and not yet taken
};

}  // namespace smol::dump
