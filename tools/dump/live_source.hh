#pragma once

#include <memory>
#include <string>

#include "protocols/base/result.hh"
#include "tools/dump/options.hh"
#include "tools/dump/packet_source.hh"

namespace smol::dump {

/// What smold sees now, of the packets that the options ask for: it filters them on its workers.
/// Returns when the capture runs. Throws client::Problem: no daemon, a filter that libpcap or the
/// daemon refuses, an interface that is not there.
std::unique_ptr<PacketSource> open_live(const Options& options);

/// The lines of -D. Throws client::Problem.
std::string list_interfaces(const Options& options);

}  // namespace smol::dump
