#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory_resource>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "protocols/packet/mem_packet.hh"

namespace smol {

/// A pool on the heap, whose every block and node must be back at the end.
class TestPool {
 public:
  explicit TestPool(std::uint32_t blocks = 16, std::uint32_t block_octets = 256)
      : pool_{blocks, block_octets, *std::pmr::new_delete_resource()} {}
  ~TestPool() {
    EXPECT_EQ(pool_.available(), pool_.capacity()) << "blocks leak";
    EXPECT_EQ(pool_.nodes_available(), 2 * pool_.capacity()) << "nodes leak";
  }

  MemPool& operator*() noexcept { return pool_; }
  MemPool* operator->() noexcept { return &pool_; }

  /// A packet of one segment for each text.
  MemPacket packet(std::initializer_list<std::string_view> segments) {
    MemPacket out;
    for (const std::string_view text : segments) {
      MemPacket segment = pool_.allocate();
      const MutBytes to = segment.append(text.size());
      std::copy(text.begin(), text.end(), to.begin());
      if (out) {
        out.chain(std::move(segment));
      } else {
        out = std::move(segment);
      }
    }
    return out;
  }

 private:
  MemPool pool_;
};

inline std::string text(Bytes octets) {
  return {octets.begin(), octets.end()};
}

/// All octets of the chain.
inline std::string text(const MemPacket& packet) {
  std::string out;
  for (std::size_t i = 0; !packet.segment(i).empty(); ++i) out += text(packet.segment(i));
  return out;
}

inline std::size_t segments(const MemPacket& packet) {
  std::size_t n = 0;
  while (!packet.segment(n).empty()) ++n;
  return n;
}

/// Writes text to memory that prepend() or append() gave.
inline void write(MutBytes to, std::string_view from) {
  ASSERT_EQ(to.size(), from.size());
  std::copy(from.begin(), from.end(), to.begin());
}

}  // namespace smol
