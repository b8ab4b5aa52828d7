#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "dataplane/log.hh"
#include "protocols/stack/sockets.hh"

namespace smol::dataplane {

/// An in-process service. Each worker has an instance of its own that runs to completion on the
/// worker's thread: it never blocks, shares nothing with the other instances, and allocates, if it
/// must, when a connection begins rather than for each packet.
class Application {
 public:
  virtual ~Application() = default;

  /// Once, before the worker's first turn: opens listeners and sockets, with `owner` in their
  /// options. Returns a sentence that names what could not be opened, or an empty string.
  virtual std::string start(Sockets& sockets, std::uint16_t owner) = 0;
  /// Once a turn with all that changed on this application's sockets; never with an empty span.
  /// What it writes here leaves in the same turn, on the acknowledgement of what it read.
  virtual void on_events(Sockets& sockets, std::span<const SocketEvent> events) = 0;
  /// The daemon shuts down: close listeners and idle connections, finish the others soon.
  /// on_events() goes on until the sockets are gone or the drain time is over.
  virtual void drain(Sockets& sockets) = 0;
  /// The worker has made its last turn: no event follows, and the sockets go with the stack.
  virtual void stopped() {}
};

/// Makes the instance for one worker. Called on the main thread, before the workers start.
using ApplicationFactory = std::function<std::unique_ptr<Application>(unsigned worker, Log& log)>;

/// A service as the configuration names it.
struct ApplicationSpec {
  std::string name;  ///< "http"; unique
  ApplicationFactory make;
};

}  // namespace smol::dataplane
