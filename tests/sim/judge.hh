#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace smol::sim {

/// What tshark and tcpdump say of the frames that our stacks built in the run of a seed, as their
/// senders built them: packets that are malformed, checksums that are wrong, warnings that a
/// network does not explain. Empty: nothing. A run with a stranger has one end of ours only, and is
/// not judged. The capture goes into `folder`.
std::vector<std::string> judged(std::uint64_t seed, const std::string& folder);

/// Both programs are there.
bool can_judge();

}  // namespace smol::sim
