#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "control/remote/endpoint.hh"
#include "protocols/stack/control.hh"

namespace smol::control {

/// What MessageSocket needs to know of UDP.
struct UdpMessages {
  using Options = UdpOptions;
  using Received = Datagram;
  using SendOptions = UdpSendOptions;

  static Result<SocketId, Error> open(Sockets& sockets, const Options& options) noexcept {
    return sockets.udp_open(options);
  }
  static std::optional<Received> front(Sockets& sockets, SocketId id) noexcept {
    return sockets.udp_front(id);
  }
  static void pop(Sockets& sockets, SocketId id) noexcept { sockets.udp_pop(id); }
  static Result<void, Error> send(Sockets& sockets, SocketId id, const SendOptions& options,
                                  Bytes payload) noexcept {
    return sockets.udp_send(id, options, payload);
  }
};

/// What MessageSocket needs to know of ICMP echo.
struct IcmpMessages {
  using Options = IcmpOptions;
  using Received = IcmpMessage;
  struct SendOptions {
    IcmpSendOptions to;
    std::uint16_t sequence = 0;
  };

  static Result<SocketId, Error> open(Sockets& sockets, const Options& options) noexcept {
    return sockets.icmp_open(options);
  }
  static std::optional<Received> front(Sockets& sockets, SocketId id) noexcept {
    return sockets.icmp_front(id);
  }
  static void pop(Sockets& sockets, SocketId id) noexcept { sockets.icmp_pop(id); }
  static Result<void, Error> send(Sockets& sockets, SocketId id, const SendOptions& options,
                                  Bytes payload) noexcept {
    return sockets.icmp_send_echo(id, options.to, options.sequence, payload);
  }
};

/// A socket of messages of a worker for somebody on another thread: as TcpSocket, with batches. One
/// receive() and one send() are under way at a time; their memory is the caller's.
///
/// Thread of the calls: any, one at a time. Thread of the observer: the courier's.
template <class Protocol>
class MessageSocket final : private RemoteEndpoint {
 public:
  static constexpr std::size_t kBatch = 64;
  static constexpr std::size_t kBatchOctets = 65'536;

  struct Inbox {
    struct Message {
      typename Protocol::Received head;  ///< its payload is not lent any more
      std::size_t offset;                ///< of the payload, in octets
      std::size_t length;
    };
    std::vector<Message> messages;
    std::string octets;
    std::uint64_t dropped = 0;        ///< since the batch before: the queue was full
    std::optional<Error> soft_error;  ///< what somebody said about one that was sent
    std::optional<Error> error;       ///< there is no such socket (any more)
  };
  struct Outbox {
    struct Message {
      typename Protocol::SendOptions options;
      std::string payload;
      std::optional<Error> error;  ///< why it was not sent
    };
    std::vector<Message> messages;
    Instant at{};  ///< when they were sent, by the worker's clock
  };
  struct Opened {
    SocketId id;
    IpEndpoint local;
    unsigned worker = 0;
  };

  class Observer {
   public:
    virtual ~Observer() = default;
    virtual void on_opened(const Opened& opened) = 0;
    virtual void on_not_opened(Error why) = 0;
    virtual void on_received(Inbox& inbox) = 0;
    virtual void on_sent(Outbox& outbox) = 0;
    /// After release(): nothing follows, and the socket may be destroyed.
    virtual void on_released() = 0;
  };

  MessageSocket(RemoteSockets& sockets, unsigned worker, Observer& observer)
      : sockets_{sockets}, worker_{worker}, observer_{observer} {}
  ~MessageSocket() = default;

  void open(const typename Protocol::Options& options) {
    options_ = options;
    post(open_);
  }
  /// on_received() follows once there is something.
  void receive(Inbox& inbox) {
    // Here, so that the worker need not.
    inbox.messages.clear();
    inbox.messages.reserve(kBatch);
    inbox.octets.clear();
    inbox.octets.reserve(kBatchOctets);
    inbox.dropped = 0;
    inbox.soft_error.reset();
    inbox.error.reset();
    inbox_ = &inbox;
    post(receive_);
  }
  void send(Outbox& outbox) {
    outbox_ = &outbox;
    post(send_);
  }
  void release() { post(release_); }

 private:
  using Step = dataplane::Errand::Step;
  using Worker = dataplane::WorkerAccess;

  template <Step (MessageSocket::*kRun)(Worker&), void (MessageSocket::*kDone)()>
  struct Call final : dataplane::Errand {
    explicit Call(MessageSocket& self) : socket{self} {}
    Step run(Worker& worker) noexcept override { return (socket.*kRun)(worker); }
    void done() noexcept override { (socket.*kDone)(); }
    MessageSocket& socket;
  };

  void post(dataplane::Errand& errand) { sockets_.desk(worker_).post(errand); }

  Step run_open(Worker& worker) {
    RemoteApplication& application = sockets_.application(worker_);
    options_.owner = application.owner();
    options_.user_data = user_data();
    const auto id = Protocol::open(worker.sockets, options_);
    if (!id) {
      open_error_ = id.error();
      return Step::kDone;
    }
    opened_.id = *id;
    opened_.worker = worker.index;
    if (const auto local = worker.sockets.local_endpoint(*id)) opened_.local = *local;
    application.attach(worker, *this);
    attached_ = true;
    return Step::kDone;
  }
  void done_open() {
    if (open_.cancelled()) open_error_ = Error::kNotConnected;
    if (const auto other = sockets_.other_worker(worker_, open_error_, tried_)) {
      worker_ = *other;
      open_error_.reset();
      return post(open_);
    }
    open_error_ ? observer_.on_not_opened(*open_error_) : observer_.on_opened(opened_);
  }

  Step run_receive(Worker& worker) {
    receiving_ = !try_receive(worker);
    return receiving_ ? Step::kKept : Step::kDone;
  }
  /// True: there is something to tell.
  bool try_receive(Worker& worker) noexcept {
    const SocketId id = opened_.id;
    Inbox& inbox = *inbox_;
    while (inbox.messages.size() < kBatch) {
      auto head = Protocol::front(worker.sockets, id);
      if (!head) break;
      const Bytes payload = std::exchange(head->payload, {});
      if (payload.size() > kBatchOctets - inbox.octets.size()) break;
      inbox.messages.push_back({*head, inbox.octets.size(), payload.size()});
      inbox.octets.append(reinterpret_cast<const char*>(payload.data()), payload.size());
      Protocol::pop(worker.sockets, id);
    }
    inbox.soft_error = worker.sockets.soft_error(id);
    if (inbox.soft_error == Error::kBadHandle) {
      inbox.soft_error.reset();
      inbox.error = Error::kConnectionReset;
    }
    // On an event nobody knows; then the next receive() tells.
    if (worker.stack != nullptr) {
      if (const auto info = worker.stack->socket_info(id)) {
        inbox.dropped = info->dropped - std::exchange(told_dropped_, info->dropped);
      }
    }
    return !inbox.messages.empty() || inbox.soft_error || inbox.error || inbox.dropped > 0;
  }
  void done_receive() {
    Inbox& inbox = *std::exchange(inbox_, nullptr);
    if (receive_.cancelled()) inbox.error = Error::kNotConnected;
    observer_.on_received(inbox);
  }

  Step run_send(Worker& worker) {
    outbox_->at = worker.sockets.now();
    for (auto& message : outbox_->messages) {
      const Bytes payload{reinterpret_cast<const std::uint8_t*>(message.payload.data()),
                          message.payload.size()};
      const auto sent = Protocol::send(worker.sockets, opened_.id, message.options, payload);
      if (!sent) message.error = sent.error();
    }
    return Step::kDone;
  }
  void done_send() {
    Outbox& outbox = *std::exchange(outbox_, nullptr);
    if (send_.cancelled()) {
      for (auto& message : outbox.messages) message.error = Error::kNotConnected;
    }
    observer_.on_sent(outbox);
  }

  Step run_release(Worker& worker) {
    on_stopped(worker.desk);
    if (!std::exchange(attached_, false)) return Step::kDone;
    worker.sockets.close(opened_.id);
    sockets_.application(worker_).detach(*this);
    return Step::kDone;
  }
  void done_release() { observer_.on_released(); }

  void on_event(Worker& worker, const SocketEvent&) noexcept override {
    if (!receiving_ || !try_receive(worker)) return;
    receiving_ = false;
    worker.desk.finish(receive_);
  }
  void on_drain(Worker&) noexcept override {}
  void on_stopped(dataplane::Desk& desk) noexcept override {
    if (std::exchange(receiving_, false)) desk.cancel(receive_);
  }

  RemoteSockets& sockets_;
  unsigned worker_;  ///< settled once it is open
  unsigned tried_ = 0;
  Observer& observer_;

  // The caller's until an errand is under way with it, then the worker's, then the caller's again.
  typename Protocol::Options options_;
  Opened opened_;
  std::optional<Error> open_error_;
  Inbox* inbox_ = nullptr;
  Outbox* outbox_ = nullptr;

  // The worker's.
  bool attached_ = false;
  bool receiving_ = false;
  std::uint64_t told_dropped_ = 0;

  Call<&MessageSocket::run_open, &MessageSocket::done_open> open_{*this};
  Call<&MessageSocket::run_receive, &MessageSocket::done_receive> receive_{*this};
  Call<&MessageSocket::run_send, &MessageSocket::done_send> send_{*this};
  Call<&MessageSocket::run_release, &MessageSocket::done_release> release_{*this};
};

using UdpSocket = MessageSocket<UdpMessages>;
using IcmpSocket = MessageSocket<IcmpMessages>;

}  // namespace smol::control
