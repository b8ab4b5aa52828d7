#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace smol::sim {

/// A remark of tshark's expert that a bad network, a full buffer, or an end in the midst of things
/// accounts for.
struct Expected {
  const char* text;  ///< part of the remark
  const char* reason;
};
std::span<const Expected> expected_remarks();

/// What tshark and tcpdump say of the frames that our stacks built.
struct Judgement {
  std::vector<std::string> complaints;             ///< malformed, a wrong checksum, not expected
  std::map<std::string, std::uint64_t> explained;  ///< how often each expected remark was made
  std::uint64_t seeds = 0;
  std::uint64_t frames = 0;  ///< of our stacks
};

/// Judges the runs of `seeds` seeds from `first` on, all of them: what our stacks sent, each frame
/// as it was built, also to strangers and to who attacks them. What those sent is shown to the
/// programs, and not judged. `jobs` batches at a time; captures go into `folder` for the while.
/// `told`, if any: how many are done.
Judgement judge(std::uint64_t first, std::uint64_t seeds, unsigned jobs, const std::string& folder,
                const std::function<void(std::uint64_t)>& told = {});

/// Both programs are there.
bool can_judge();

}  // namespace smol::sim
