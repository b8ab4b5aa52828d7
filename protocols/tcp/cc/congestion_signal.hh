#pragma once

#include <cstdint>

namespace smol::tcp {

/// Why the window is cut.
enum class CongestionSignal : std::uint8_t { kLoss, kEcn };

}  // namespace smol::tcp
