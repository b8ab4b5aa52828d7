#pragma once

#include <string>
#include <string_view>

namespace smol::dump {

/// A packet's lines with terminal colours: addresses dim, TCP's S, F and R flags green, yellow and
/// red, a dropped packet red as a whole. The text itself is as it was.
std::string coloured(std::string_view lines, bool dropped);

}  // namespace smol::dump
