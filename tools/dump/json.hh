#pragma once

#include <string>
#include <string_view>

#include "tools/dump/packet_source.hh"

namespace smol::dump {

/// A packet as one line of JSON, without the end of the line:
///
///     {"ts":"2026-11-18T11:06:40.000123456Z","if":"port0","queue":2,"dir":"in","verdict":"drop",
///      "reason":"tcp_bad_checksum","len":54,"caplen":54,"eth":{...},"ip":{...},"tcp":{...},
///      "text":"IP 192.0.2.2.80 > ..."}
///
/// What is not known, and a header that its parser refuses, has no key. Addresses and ports are
/// numbers whatever -n says. `text`: the packet's line. Octets that are not UTF-8 are replaced.
std::string to_json(const SourcePacket& packet, std::string_view text);

}  // namespace smol::dump
