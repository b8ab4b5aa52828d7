// The options of a TCP socket on a command line: the names of the API's own fields, each with its
// value behind it.
#pragma once

#include "smol/v1/tcp.pb.h"
#include "tools/ctl/words.hh"

namespace smol::ctl {

/// Takes the words that are left: "nodelay on keep_alive 30s congestion_control bbr". A Problem
/// names what is wrong.
void parse_options(Words& words, v1::TcpOptions& out);

}  // namespace smol::ctl
