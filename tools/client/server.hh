#pragma once

#include <cstdlib>
#include <string>

namespace smol::client {

inline constexpr const char* kDefaultServer = "unix:///run/smol/ctl.sock";

/// Where the daemon is if the command line does not say: what SMOL_SERVER holds, or the default.
inline std::string server_by_default() {
  const char* server = std::getenv("SMOL_SERVER");
  return server != nullptr && *server != '\0' ? server : kDefaultServer;
}

}  // namespace smol::client
