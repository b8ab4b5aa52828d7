#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace smol {

/// Where on its way a packet was dropped.
enum class DropStage : std::uint8_t {
  kPort,      ///< the device or its queues
  kInjector,  ///< the fault injector, on purpose
  kLink,
  kNetwork,
  kTransport,
  kSocket,
};

/// Why a packet went no further. Every packet that is not consumed or sent ends under exactly one
/// of these; base/drop.def is the table, and the only list.
enum class Drop : std::uint8_t {
#define SMOL_DROP(symbol, name, stage, sentence) symbol,
#include "protocols/base/drop.def"
#undef SMOL_DROP
};

inline constexpr std::size_t kDropCount = 0
#define SMOL_DROP(symbol, name, stage, sentence) +1
#include "protocols/base/drop.def"
#undef SMOL_DROP
    ;

/// Snake-case name as in counters, `--pcap` comments and command output, such as
/// "tcp_bad_checksum".
std::string_view name(Drop drop) noexcept;
/// One sentence for people: what was seen, and where it matters what to do about it.
std::string_view sentence(Drop drop) noexcept;
DropStage stage(Drop drop) noexcept;
std::string_view name(DropStage stage) noexcept;

}  // namespace smol
