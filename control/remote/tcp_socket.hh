#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "control/remote/endpoint.hh"
#include "protocols/base/error.hh"

namespace smol::control {

/// A TCP connection of a worker for somebody on another thread. Calls return at once; what becomes
/// of each comes to the observer, once. At most one write, and two reads, are under way at a time;
/// the memory they use is the caller's.
///
/// Thread of the calls: any, one at a time. Thread of the observer: the courier's.
class TcpSocket final : private RemoteEndpoint {
 public:
  /// What a read filled.
  struct Read {
    std::string text;            ///< with a capacity of kReadOctets
    bool end = false;            ///< the peer closed its side: nothing follows
    std::optional<Error> error;  ///< the connection died
  };

  struct Opened {
    SocketId id;
    IpEndpoint local;
    IpEndpoint remote;
    unsigned worker = 0;
  };

  /// What changed beside what is read.
  struct News {
    std::optional<Error> soft_error;
    /// Where urgent data ends, in octets from the first one received.
    std::optional<std::uint64_t> urgent_end;
  };

  class Observer {
   public:
    virtual ~Observer() = default;
    virtual void on_opened(const Opened& opened) = 0;
    virtual void on_not_opened(Error why) = 0;
    /// All of it is in the send queue, or nothing of the rest ever will be.
    virtual void on_written(std::optional<Error> error) = 0;
    /// The FIN follows what was written.
    virtual void on_write_shut_down(std::optional<Error> error) = 0;
    virtual void on_read(Read& read) = 0;
    virtual void on_info(const Result<tcp::Info, Error>& info) = 0;
    virtual void on_options_set(std::optional<Error> error) = 0;
    virtual void on_news(const News& news) = 0;
    /// All is acknowledged, or why it never will be.
    virtual void on_lingered(std::optional<Error> error) = 0;
    /// After release(): nothing follows, and the socket may be destroyed.
    virtual void on_released() = 0;
  };

  static constexpr std::size_t kReadOctets = 65'536;

  TcpSocket(RemoteSockets& sockets, unsigned worker);
  ~TcpSocket() = default;

  /// Before any call but accept_from()'s.
  void set_observer(Observer& observer) noexcept { observer_ = &observer; }

  /// What goes first, before connect(): with its SYN where that may be. At most 4 KiB.
  void set_first(std::string text) { text_ = std::move(text); }
  /// on_opened() or on_not_opened() follows. `timeout`: kForever for TCP's own.
  void connect(const TcpConnectOptions& options, Duration timeout);
  /// on_written() follows. `urgent`: to its end.
  void write(std::string text, bool urgent = false);
  /// After the last write was answered. on_write_shut_down() follows.
  void shut_down_write();
  /// `read` is the socket's until on_read(), in the order of the calls. Nothing is read ahead of
  /// it: what nobody reads closes the window.
  void read(Read& read);
  /// on_info() follows.
  void query();
  /// What it was opened with, or set since.
  const tcp::SocketOptions& options() const noexcept { return options_.socket; }
  /// on_options_set() follows; not twice at a time.
  void set_options(const tcp::SocketOptions& options);
  /// What is read from now on is its end.
  void shut_down_read();
  /// on_news() follows once there are any, or nothing if the end comes first; not twice at a time.
  void watch();
  /// Nothing is written or read any more. on_lingered() follows, within the options' linger time.
  void linger();
  /// The end, once: `in_order`: what is written is delivered, and the connection closes; otherwise
  /// it is reset. What is under way is answered with kNotConnected first; then on_released().
  void release(bool in_order);

  const Opened& opened() const noexcept { return opened_; }

  // --- the worker; for a listener that accepts into this

  void accepted(dataplane::WorkerAccess& worker, SocketId id,
                const tcp::SocketOptions& options) noexcept;

 private:
  using Step = dataplane::Errand::Step;
  using Worker = dataplane::WorkerAccess;

  /// An errand that is a member function on each side.
  template <Step (TcpSocket::*kRun)(Worker&), void (TcpSocket::*kDone)()>
  struct Call final : dataplane::Errand {
    explicit Call(TcpSocket& self) : socket{self} {}
    Step run(Worker& worker) noexcept override { return (socket.*kRun)(worker); }
    void done() noexcept override { (socket.*kDone)(); }
    TcpSocket& socket;
  };
  struct ReadCall final : dataplane::Errand {
    Step run(Worker& worker) noexcept override { return socket->run_read(worker, *this); }
    void done() noexcept override { socket->done_read(*this); }
    TcpSocket* socket = nullptr;
    Read* target = nullptr;
    bool idle = true;  ///< the caller's side
  };

  void on_event(Worker& worker, const SocketEvent& event) noexcept override;
  void on_drain(Worker&) noexcept override {}
  void on_stopped(dataplane::Desk& desk) noexcept override;

  Step run_connect(Worker& worker);
  Step run_write(Worker& worker);
  Step run_shut_down(Worker& worker);
  Step run_read(Worker& worker, ReadCall& call);
  Step run_query(Worker& worker);
  Step run_set_options(Worker& worker);
  Step run_shut_down_read(Worker& worker);
  Step run_watch(Worker& worker);
  Step run_linger(Worker& worker);
  Step run_release(Worker& worker);
  void done_connect();
  void done_write();
  void done_shut_down();
  void done_read(ReadCall& call);
  void done_query();
  void done_set_options();
  void done_shut_down_read() {}
  void done_watch();
  void done_linger();
  void done_release();

  void opened_on(Worker& worker) noexcept;
  bool try_write(Worker& worker) noexcept;
  bool try_read(Worker& worker, Read& read) noexcept;
  void progress_reads(Worker& worker) noexcept;
  void note_news(Worker& worker, std::uint16_t events) noexcept;
  bool collect_news() noexcept;
  void end_open(Worker& worker, Error why) noexcept;
  /// How the connection died; none while it lives or if it ended in order.
  std::optional<Error> death(Worker& worker) const noexcept;

  RemoteSockets& sockets_;
  unsigned worker_;  ///< settled once it is open
  unsigned tried_ = 0;
  Observer* observer_ = nullptr;

  // The caller's until an errand is under way with it, then the worker's, then the caller's again.
  TcpConnectOptions options_;
  Duration timeout_{};
  Opened opened_;
  std::optional<Error> open_error_;
  std::string text_;
  std::size_t written_ = 0;
  bool urgent_ = false;
  std::optional<Error> write_error_;
  std::optional<Error> shut_down_error_;
  Result<tcp::Info, Error> info_{fail(Error::kNotConnected)};
  tcp::SocketOptions wanted_;
  std::optional<Error> options_error_;
  std::optional<Error> linger_error_;
  News told_;
  bool in_order_ = false;

  // The worker's.
  SocketId id_;
  bool attached_ = false;
  bool opening_ = false;
  bool writing_ = false;
  bool watching_ = false;
  bool lingering_ = false;
  News news_;                           ///< that nobody was told of
  std::uint64_t taken_ = 0;             ///< octets read
  std::uint64_t urgent_end_ = 0;        ///< the last one that was news
  std::array<ReadCall*, 2> waiting_{};  ///< for text, in order

  Call<&TcpSocket::run_connect, &TcpSocket::done_connect> connect_{*this};
  Call<&TcpSocket::run_write, &TcpSocket::done_write> write_{*this};
  Call<&TcpSocket::run_shut_down, &TcpSocket::done_shut_down> shut_down_{*this};
  Call<&TcpSocket::run_query, &TcpSocket::done_query> query_{*this};
  Call<&TcpSocket::run_set_options, &TcpSocket::done_set_options> set_options_{*this};
  Call<&TcpSocket::run_shut_down_read, &TcpSocket::done_shut_down_read> shut_down_read_{*this};
  Call<&TcpSocket::run_watch, &TcpSocket::done_watch> watch_{*this};
  Call<&TcpSocket::run_linger, &TcpSocket::done_linger> linger_{*this};
  Call<&TcpSocket::run_release, &TcpSocket::done_release> release_{*this};
  std::array<ReadCall, 2> reads_;
};

}  // namespace smol::control
