#pragma once

#include "dataplane/socket_number.hh"

namespace smol::control {

using dataplane::socket_number;
using dataplane::socket_of;
using dataplane::WorkerSocket;

}  // namespace smol::control
