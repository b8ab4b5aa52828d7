#include <chrono>
#include <limits>
#include <unordered_map>

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>
#include <grpcpp/alarm.h>

#include "control/remote/message_stream.hh"
#include "control/remote/message_streams.hh"
#include "control/remote/moment.hh"
#include "control/socket_number.hh"

namespace smol::control {
namespace {

constexpr std::uint32_t kMostWaiting = 65'536;
constexpr std::uint32_t kMostPayload = 65'000;

class IcmpStream final
    : public MessageStream<IcmpMessages, v1::IcmpServiceOpenRequest, v1::IcmpServiceOpenResponse> {
 public:
  IcmpStream(RemoteSockets& sockets, const dataplane::Daemon& daemon)
      : MessageStream{sockets, daemon} {}

 private:
  Parsed<IcmpOptions> parse_open(const v1::IcmpServiceOpenRequest& in) override {
    if (!in.has_open()) return invalid("message", "the first message must be `open`");
    const v1::IcmpOpen& open = in.open();
    IcmpOptions out;
    const auto local = control::parse(open.local(), "open.local");
    if (!local) return fail(local.error());
    out.local = *local;
    if (open.has_identifier()) {
      if (open.identifier() == 0 || open.identifier() > 65'535) {
        return invalid("open.identifier", "must be 1 to 65535; absent: a free one");
      }
      out.identifier = static_cast<std::uint16_t>(open.identifier());
    }
    if (open.has_receive_messages()) {
      if (open.receive_messages() == 0 || open.receive_messages() > kMostWaiting) {
        return invalid("open.receive_messages", "must be 1 to 65536");
      }
      out.receive_messages = open.receive_messages();
    }
    return out;
  }

  Parsed<std::vector<IcmpSocket::Outbox::Message>> parse(v1::IcmpServiceOpenRequest& in) override {
    if (!in.has_send()) return invalid("message", "the socket is open already: send echo requests");
    std::vector<IcmpSocket::Outbox::Message> out;
    out.reserve(static_cast<std::size_t>(in.send().echos_size()));
    for (v1::IcmpEcho& echo : *in.mutable_send()->mutable_echos()) {
      IcmpSocket::Outbox::Message& message = out.emplace_back();
      const auto remote = control::parse(echo.remote(), "send.echos.remote");
      if (!remote) return fail(remote.error());
      message.options.to.remote = *remote;
      if (echo.has_local()) {
        const auto local = control::parse(echo.local(), "send.echos.local");
        if (!local) return fail(local.error());
        message.options.to.source = *local;
      }
      const auto interface = parse_interface(daemon_, echo.interface(), "send.echos.interface");
      if (!interface) return fail(interface.error());
      message.options.to.interface = *interface;
      if (echo.sequence() > 65'535) return invalid("send.echos.sequence", "is above 65535");
      message.options.sequence = static_cast<std::uint16_t>(echo.sequence());
      message.payload = std::move(*echo.mutable_payload());
    }
    return out;
  }

  void put_opened(const IcmpSocket::Opened& in, v1::IcmpServiceOpenResponse& out) override {
    v1::IcmpOpened& opened = *out.mutable_opened();
    opened.set_socket_id(socket_number({in.worker, in.id}));
    opened.set_identifier(in.local.port);
    opened.set_worker(in.worker);
  }

  void put_received(const IcmpSocket::Inbox& in, v1::IcmpServiceOpenResponse& out) override {
    v1::IcmpReceived& received = *out.mutable_received();
    received.set_dropped(in.dropped);
    for (const auto& message : in.messages) {
      const IcmpMessage& head = message.head;
      if (head.kind == IcmpMessage::Kind::kError) {
        put_reported(head, *received.add_errors());
        continue;
      }
      v1::IcmpEcho& echo = *received.add_echos();
      put(head.source, *echo.mutable_remote());
      put(head.destination, *echo.mutable_local());
      echo.set_interface(daemon_.interfaces()[head.interface].name);
      echo.set_sequence(head.sequence);
      echo.set_payload(in.octets.substr(message.offset, message.length));
      put_time(unix_time_of(head.at), *echo.mutable_time());
      echo.set_hop_limit(head.hop_limit);
    }
  }

  static void put_reported(const IcmpMessage& in, v1::IcmpError& out) {
    const Error error = in.error.value_or(Error::kHostUnreachable);
    out.set_name(std::string{name(error)});
    out.set_message(std::string{sentence(error)});
    put(in.remote, *out.mutable_remote());
    out.set_sequence(in.sequence);
    put(in.source, *out.mutable_from());
  }

  void put_error(Error error, const IcmpSocket::Outbox::Message* message,
                 v1::IcmpServiceOpenResponse& out) override {
    v1::IcmpError& told = *out.mutable_error();
    told.set_name(std::string{name(error)});
    told.set_message(std::string{sentence(error)});
    if (message == nullptr) return;
    put(message->options.to.remote, *told.mutable_remote());
    told.set_sequence(message->options.sequence);
  }
};

/// What a PingRequest asks for.
struct PingPlan {
  IcmpSendOptions to;
  std::uint64_t count = std::numeric_limits<std::uint64_t>::max();
  Duration interval = seconds(1);
  Duration timeout = seconds(1);
  std::uint32_t payload_octets = 56;
};

Parsed<PingPlan> parse_ping(const dataplane::Daemon& daemon, const v1::PingRequest& in) {
  PingPlan out;
  const auto remote = parse(in.remote(), "remote");
  if (!remote) return fail(remote.error());
  out.to.remote = *remote;
  if (in.has_local()) {
    const auto local = parse(in.local(), "local");
    if (!local) return fail(local.error());
    if (local->family() != remote->family())
      return invalid("local", "is of another family than remote");
    out.to.source = *local;
  }
  const auto interface = parse_interface(daemon, in.interface(), "interface");
  if (!interface) return fail(interface.error());
  out.to.interface = *interface;
  if (in.count() > 0) out.count = in.count();
  constexpr Duration kLeast = milliseconds(1);
  constexpr Duration kMost = seconds(3600);
  if (in.has_interval()) {
    const auto interval = parse(in.interval(), "interval", kLeast, kMost);
    if (!interval) return fail(interval.error());
    out.interval = *interval;
  }
  if (in.has_timeout()) {
    const auto timeout = parse(in.timeout(), "timeout", kLeast, kMost);
    if (!timeout) return fail(timeout.error());
    out.timeout = *timeout;
  }
  if (in.has_payload_octets()) {
    if (in.payload_octets() > kMostPayload) return invalid("payload_octets", "is above 65000");
    out.payload_octets = in.payload_octets();
  }
  if (in.has_hop_limit()) {
    if (in.hop_limit() == 0 || in.hop_limit() > 255)
      return invalid("hop_limit", "must be 1 to 255");
    out.to.hop_limit = static_cast<std::uint8_t>(in.hop_limit());
  }
  return out;
}

/// Echo requests at an interval, each answered, refused or given up.
class PingStream final : public grpc::ServerWriteReactor<v1::PingResponse>,
                         private IcmpSocket::Observer {
 public:
  PingStream(RemoteSockets& sockets, const dataplane::Daemon& daemon,
             const v1::PingRequest& request) {
    const std::lock_guard lock{mutex_};
    const auto plan = parse_ping(daemon, request);
    if (!plan) {
      finish(to_status(plan.error()));
      return;
    }
    plan_ = *plan;
    socket_ = std::make_unique<IcmpSocket>(sockets, sockets.next_worker(),
                                           static_cast<IcmpSocket::Observer&>(*this));
    IcmpOptions options;
    options.local = plan_.to.source.value_or(IpAddress::any(plan_.to.remote.family()));
    opening_ = true;
    socket_->open(options);
  }

  void OnWriteDone(bool ok) override {
    const std::lock_guard lock{mutex_};
    writing_ = false;
    if (!ok) return finish({grpc::StatusCode::CANCELLED, "the client is gone"});
    pump();
  }
  void OnCancel() override {
    const std::lock_guard lock{mutex_};
    finish({grpc::StatusCode::CANCELLED, "the client is gone"});
  }
  void OnDone() override {
    bool gone = false;
    {
      const std::lock_guard lock{mutex_};
      rpc_done_ = true;
      gone = may_go();
    }
    if (gone) delete this;
  }

 private:
  void on_opened(const IcmpSocket::Opened&) override {
    const std::lock_guard lock{mutex_};
    opening_ = false;
    if (finished_) return socket_->release();
    socket_->receive(inbox_);
    send();
    arm();
  }
  void on_not_opened(Error why) override {
    const std::lock_guard lock{mutex_};
    opening_ = false;
    if (finished_) return socket_->release();
    finish(failed("cannot open an ICMP socket", why));
  }
  void on_received(IcmpSocket::Inbox& inbox) override {
    const std::lock_guard lock{mutex_};
    if (finished_) return;
    if (inbox.error) return finish(failed("the socket is gone", *inbox.error));
    for (const auto& message : inbox.messages) take(message.head, message.length);
    socket_->receive(inbox);
    pump();
  }
  void on_sent(IcmpSocket::Outbox& outbox) override {
    const std::lock_guard lock{mutex_};
    sending_ = false;
    if (finished_) return;
    const IcmpSocket::Outbox::Message& message = outbox.messages.front();
    if (message.error) {
      v1::PingError& told = *queue_.emplace_back().mutable_error();
      told.set_sequence(message.options.sequence);
      told.set_name(std::string{name(*message.error)});
      waiting_.erase(message.options.sequence);
    } else if (const auto found = waiting_.find(message.options.sequence);
               found != waiting_.end()) {
      found->second.sent = outbox.at;
    }
    pump();
  }
  void on_released() override {
    bool gone = false;
    {
      const std::lock_guard lock{mutex_};
      released_ = true;
      gone = may_go();
    }
    if (gone) delete this;
  }

  void take(const IcmpMessage& message, std::size_t octets) {
    const auto found = waiting_.find(message.sequence);
    if (found == waiting_.end()) return;  // it was given up, or answered before
    v1::PingResponse& response = queue_.emplace_back();
    if (message.kind == IcmpMessage::Kind::kError) {
      v1::PingError& told = *response.mutable_error();
      told.set_sequence(message.sequence);
      put(message.source, *told.mutable_from());
      told.set_name(std::string{name(message.error.value_or(Error::kHostUnreachable))});
    } else {
      const Duration round_trip = message.at - found->second.sent;
      v1::PingReply& reply = *response.mutable_reply();
      reply.set_sequence(message.sequence);
      put(message.source, *reply.mutable_from());
      put(round_trip, *reply.mutable_round_trip());
      reply.set_hop_limit(message.hop_limit);
      reply.set_payload_octets(static_cast<std::uint32_t>(octets));
      ++received_;
      sum_ += round_trip;
      least_ = std::min(least_, round_trip);
      most_ = std::max(most_, round_trip);
    }
    waiting_.erase(found);
  }

  void send() {
    if (sent_ == plan_.count) return;
    const Instant now = worker_now();
    // The worker has not got round to the last one, or the client reads of none: this one waits, as
    // the wire would make it.
    if (sending_ || queue_.size() >= kQueued) {
      next_ = now + std::max(plan_.interval, milliseconds(10));
      return;
    }
    sending_ = true;
    const auto sequence = static_cast<std::uint16_t>(sent_++);
    // Its number comes again, and nobody could tell the answers apart.
    if (waiting_.erase(sequence) > 0) {
      queue_.emplace_back().mutable_timeout()->set_sequence(sequence);
    }
    waiting_[sequence] = {now, now + plan_.timeout};
    in_order_.push_back(sequence);
    next_ = now + plan_.interval;
    outbox_.messages.clear();
    auto& message = outbox_.messages.emplace_back();
    message.options = {plan_.to, sequence};
    message.payload.resize(plan_.payload_octets);
    for (std::size_t i = 0; i < message.payload.size(); ++i)
      message.payload[i] = static_cast<char>(i);
    socket_->send(outbox_);
  }

  void on_alarm() {
    bool gone = false;
    {
      const std::lock_guard lock{mutex_};
      alarmed_ = false;
      if (finished_) {
        gone = may_go();
      } else {
        const Instant now = worker_now();
        give_up(now);
        if (now >= next_) send();
        arm();
        pump();
      }
    }
    if (gone) delete this;
  }
  /// When the oldest that waits is given up; kNever: none does.
  Instant oldest_until() {
    while (!in_order_.empty()) {
      const auto found = waiting_.find(in_order_.front());
      // Its number may have come again since: then it waits further behind.
      if (found != waiting_.end() && in_order_.size() <= kNumbers) return found->second.until;
      in_order_.pop_front();
    }
    return kNever;
  }
  void give_up(Instant now) {
    while (oldest_until() <= now) {
      queue_.emplace_back().mutable_timeout()->set_sequence(in_order_.front());
      waiting_.erase(in_order_.front());
    }
  }
  void arm() {
    const Instant until = std::min(sent_ < plan_.count ? next_ : kNever, oldest_until());
    if (until == kNever) return;
    const Duration wait = std::clamp(until - worker_now(), Duration{0}, seconds(3600));
    alarmed_ = true;
    alarm_.Set(std::chrono::system_clock::now() +
                   std::chrono::duration_cast<std::chrono::microseconds>(wait),
               [this](bool) { on_alarm(); });
  }

  void pump() {
    if (finished_ || writing_) return;
    if (!queue_.empty()) {
      current_ = std::move(queue_.front());
      queue_.pop_front();
      writing_ = true;
      return StartWrite(&current_);
    }
    if (sent_ < plan_.count || !waiting_.empty() || sending_) return;
    if (std::exchange(summed_up_, true)) return finish(grpc::Status::OK);
    v1::PingSummary& summary = *current_.mutable_summary();
    summary.set_sent(sent_);
    summary.set_received(received_);
    if (received_ > 0) {
      put(least_, *summary.mutable_min());
      put(sum_ / static_cast<Duration::rep>(received_), *summary.mutable_avg());
      put(most_, *summary.mutable_max());
    }
    writing_ = true;
    StartWrite(&current_);
  }

  void finish(grpc::Status status) {
    if (std::exchange(finished_, true)) return;
    if (alarmed_) alarm_.Cancel();
    if (socket_ == nullptr) {
      released_ = true;
    } else if (!opening_) {
      socket_->release();
    }
    Finish(std::move(status));
  }

  bool may_go() const { return rpc_done_ && released_ && !alarmed_; }

  static constexpr std::size_t kQueued = 1024;
  static constexpr std::size_t kNumbers = 65'536;  ///< of sequence

  struct Sent {
    Instant sent{};
    Instant until{};
  };

  PingPlan plan_;
  std::mutex mutex_;
  std::unique_ptr<IcmpSocket> socket_;
  IcmpSocket::Inbox inbox_;
  IcmpSocket::Outbox outbox_;
  std::unordered_map<std::uint16_t, Sent> waiting_;  ///< for an answer, by sequence number
  /// Those, as they were sent, with some that have been answered: all wait for as long.
  std::deque<std::uint16_t> in_order_;
  std::deque<v1::PingResponse> queue_;
  v1::PingResponse current_;
  grpc::Alarm alarm_;
  Instant next_ = kNever;  ///< when the next one is due
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
  Duration sum_{0};
  Duration least_ = Duration::max();
  Duration most_{0};
  bool opening_ = false;
  bool sending_ = false;
  bool alarmed_ = false;
  bool writing_ = false;
  bool summed_up_ = false;
  bool finished_ = false;
  bool released_ = false;
  bool rpc_done_ = false;
};

}  // namespace

grpc::ServerBidiReactor<v1::IcmpServiceOpenRequest, v1::IcmpServiceOpenResponse>* IcmpStreams::Open(
    grpc::CallbackServerContext*) {
  return new IcmpStream{sockets_, daemon_};
}

grpc::ServerWriteReactor<v1::PingResponse>* IcmpStreams::Ping(grpc::CallbackServerContext*,
                                                              const v1::PingRequest* request) {
  return new PingStream{sockets_, daemon_, *request};
}

}  // namespace smol::control
