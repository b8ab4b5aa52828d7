#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <unordered_map>

#include "protocols/base/bytes.hh"

namespace smol::dump {

/// Where the numbers of each TCP connection began, so that a segment is shown as ",seq 1:19". The
/// first segment with an acknowledgement that is seen of a connection sets both sides' beginnings,
/// and so does each SYN. Only the `limit` connections used last are remembered: one that was
/// forgotten begins anew, as one whose start was not captured does. Cost O(1). Thread: one.
class Flows {
 public:
  static constexpr std::size_t kMostTracked = 65536;

  /// A segment with the ACK bit.
  struct Segment {
    Bytes source;       ///< 4 or 16 octets
    Bytes destination;  ///< as many
    std::uint16_t source_port = 0;
    std::uint16_t destination_port = 0;
    bool syn = false;
    std::uint32_t seq = 0;
    std::uint32_t ack = 0;
  };
  struct Relative {
    std::uint32_t seq = 0;
    std::uint32_t ack = 0;
    std::uint32_t sack_base = 0;  ///< what to take off the edges of a SACK block
  };

  explicit Flows(std::size_t limit = kMostTracked) noexcept : limit_{limit} {}

  Relative relative(const Segment& segment);
  std::size_t size() const noexcept { return by_key_.size(); }

 private:
  /// Both directions have one key: the lower port, or of equal ones the lower address, comes first.
  struct Key {
    std::array<std::uint8_t, 36> octets{};
    bool v6 = false;
    bool operator==(const Key&) const = default;
  };
  struct Hash {
    std::size_t operator()(const Key& key) const noexcept;
  };
  struct Flow {
    Key key;
    std::uint32_t first = 0;   ///< beginning of the side that comes first in the key
    std::uint32_t second = 0;  ///< of the other
  };

  static Key key_of(const Segment& segment, bool reversed);

  std::size_t limit_;
  std::list<Flow> by_use_;  ///< used last at the front
  std::unordered_map<Key, std::list<Flow>::iterator, Hash> by_key_;
};

}  // namespace smol::dump
