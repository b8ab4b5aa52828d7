#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/error.hh"
#include "control/workers.hh"
#include "dataplane/daemon.hh"

namespace smol::control {

/// The interfaces of a daemon with their addresses at one moment, in the order of their ids.
using InterfaceList = std::vector<InterfaceInfo>;

/// As the first worker knows them; the others are told the same. None: the daemon ends.
std::optional<InterfaceList> list_interfaces(Workers& workers);

/// The interface that a request must name.
Parsed<InterfaceId> find_interface(const dataplane::Daemon& daemon, std::string_view name,
                                   std::string_view field);

}  // namespace smol::control
