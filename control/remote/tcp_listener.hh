#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "control/remote/endpoint.hh"
#include "control/remote/tcp_socket.hh"
#include "control/socket_number.hh"

namespace smol::control {

/// A TCP listener for somebody on another thread: one on every worker, and for each family asked
/// for. A connection is accepted when a socket for it was given beforehand; until then it waits in
/// the backlog of its worker, which refuses more when it is full.
///
/// Thread of the calls: any, one at a time. Thread of the observer: the courier's.
class TcpListener {
 public:
  class Observer {
   public:
    virtual ~Observer() = default;
    /// All of them listen.
    virtual void on_listening() = 0;
    /// One of them cannot, and so none does.
    virtual void on_not_listening(Error why) = 0;
    /// `part`: accept(part) makes it take another.
    virtual void on_accepted(std::size_t part, std::unique_ptr<TcpSocket> socket) = 0;
    /// After release(): nothing follows.
    virtual void on_released() = 0;
  };

  /// `places`: one or two families to listen on, all on one port.
  TcpListener(RemoteSockets& sockets, std::vector<TcpListenOptions> places, Observer& observer);
  ~TcpListener();
  TcpListener(const TcpListener&) = delete;
  TcpListener& operator=(const TcpListener&) = delete;

  void listen();
  std::size_t parts() const noexcept { return parts_.size(); }
  /// What names it: the listener of the first part. After on_listening().
  WorkerSocket first() const noexcept;
  /// Lets one more connection in, once there is one. At most one at a time and part.
  void accept(std::size_t part);
  /// Closes: what waits in backlogs is reset. Once; on_released() follows.
  void release();

 private:
  class Part;

  void on_part_listening(std::optional<Error> error);
  void on_part_released();

  RemoteSockets& sockets_;
  Observer& observer_;
  std::vector<std::unique_ptr<Part>> parts_;
  std::size_t waiting_for_ = 0;  ///< answers; the courier's
  std::optional<Error> error_;
};

}  // namespace smol::control
