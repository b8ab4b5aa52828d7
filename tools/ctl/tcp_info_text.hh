// What TCP tells of a connection, in the words of ss(8).
#pragma once

#include <string>

#include "smol/v1/socket.pb.h"
#include "tools/ctl/command.hh"

namespace smol::ctl {

/// The line below a connection with -i.
std::string in_words(const v1::TcpInfo& info);
/// What stands behind it with -o: the timer that runs out first. Empty: none runs.
std::string timer_text(const v1::TcpInfo& info);
Json info_json(const v1::TcpInfo& info);

}  // namespace smol::ctl
