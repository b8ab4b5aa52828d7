#pragma once

#include <cstdint>
#include <vector>

#include "protocols/packet/meta.hh"

namespace smol {

/// A frame as a device puts it on the wire, with the checksums that it was asked for: cut into
/// segments where it was asked to, each with numbers, flags and lengths of its own. Out of `frame`
/// what the stack left to the device must hold what meta.hh says.
std::vector<std::vector<std::uint8_t>> as_device_sends(std::vector<std::uint8_t> frame,
                                                       const TxOffload& offload);

}  // namespace smol
