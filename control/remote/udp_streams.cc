#include <google/protobuf/timestamp.pb.h>

#include "control/remote/message_stream.hh"
#include "control/remote/message_streams.hh"
#include "control/remote/moment.hh"
#include "control/socket_number.hh"

namespace smol::control {
namespace {

constexpr std::uint32_t kMostWaiting = 65'536;

class UdpStream final
    : public MessageStream<UdpMessages, v1::UdpServiceOpenRequest, v1::UdpServiceOpenResponse> {
 public:
  UdpStream(RemoteSockets& sockets, const dataplane::Daemon& daemon)
      : MessageStream{sockets, daemon} {}

 private:
  Parsed<UdpOptions> parse_open(const v1::UdpServiceOpenRequest& in) override {
    if (!in.has_open()) return invalid("message", "the first message must be `open`");
    const v1::UdpOpen& open = in.open();
    UdpOptions out;
    if (open.has_remote()) {
      const auto remote = control::parse(open.remote(), "open.remote");
      if (!remote) return fail(remote.error());
      if (remote->port == 0) return invalid("open.remote.port", "must be 1 to 65535");
      out.remote = *remote;
    }
    const IpFamily family = out.remote ? out.remote->address.family() : IpFamily::kIp4;
    const auto local = parse_local(open.local(), "open.local", family);
    if (!local) return fail(local.error());
    if (local->address.family() != family && out.remote) {
      return invalid("open.local.address", "is of another family than the remote one");
    }
    out.local = *local;
    if (open.has_receive_datagrams()) {
      if (open.receive_datagrams() == 0 || open.receive_datagrams() > kMostWaiting) {
        return invalid("open.receive_datagrams", "must be 1 to 65536");
      }
      out.receive_datagrams = open.receive_datagrams();
    }
    remote_ = out.remote;
    // Its one stream has what comes, whichever flow it is of.
    out.alone = true;
    return out;
  }

  Parsed<std::vector<UdpSocket::Outbox::Message>> parse(v1::UdpServiceOpenRequest& in) override {
    if (!in.has_send()) return invalid("message", "the socket is open already: send datagrams");
    std::vector<UdpSocket::Outbox::Message> out;
    out.reserve(static_cast<std::size_t>(in.send().datagrams_size()));
    for (v1::UdpDatagram& datagram : *in.mutable_send()->mutable_datagrams()) {
      UdpSocket::Outbox::Message& message = out.emplace_back();
      if (datagram.has_remote()) {
        const auto remote = control::parse(datagram.remote(), "send.datagrams.remote");
        if (!remote) return fail(remote.error());
        message.options.remote = *remote;
      } else if (remote_) {
        message.options.remote = *remote_;
      } else {
        return invalid("send.datagrams.remote", "is missing: the socket has no peer of its own");
      }
      if (datagram.has_local()) {
        const auto local = control::parse(datagram.local(), "send.datagrams.local");
        if (!local) return fail(local.error());
        message.options.source = *local;
      }
      const auto interface =
          parse_interface(daemon_, datagram.interface(), "send.datagrams.interface");
      if (!interface) return fail(interface.error());
      message.options.interface = *interface;
      message.payload = std::move(*datagram.mutable_payload());
    }
    return out;
  }

  void put_opened(const UdpSocket::Opened& in, v1::UdpServiceOpenResponse& out) override {
    v1::UdpOpened& opened = *out.mutable_opened();
    opened.set_socket_id(socket_number({in.worker, in.id}));
    put(in.local, *opened.mutable_local());
    opened.set_worker(in.worker);
  }

  void put_received(const UdpSocket::Inbox& in, v1::UdpServiceOpenResponse& out) override {
    v1::UdpReceived& received = *out.mutable_received();
    received.set_dropped(in.dropped);
    for (const auto& message : in.messages) {
      v1::UdpDatagram& datagram = *received.add_datagrams();
      put(message.head.source, *datagram.mutable_remote());
      put(message.head.destination.address, *datagram.mutable_local());
      datagram.set_interface(daemon_.interfaces()[message.head.interface].name);
      datagram.set_payload(in.octets.substr(message.offset, message.length));
      put_time(unix_time_of(message.head.at), *datagram.mutable_time());
      datagram.set_hop_limit(message.head.hop_limit);
    }
  }

  void put_error(Error error, const UdpSocket::Outbox::Message* message,
                 v1::UdpServiceOpenResponse& out) override {
    v1::UdpError& told = *out.mutable_error();
    told.set_name(std::string{name(error)});
    told.set_message(std::string{sentence(error)});
    if (message != nullptr) put(message->options.remote, *told.mutable_remote());
  }

  std::optional<IpEndpoint> remote_;
};

}  // namespace

grpc::ServerBidiReactor<v1::UdpServiceOpenRequest, v1::UdpServiceOpenResponse>* UdpStreams::Open(
    grpc::CallbackServerContext*) {
  return new UdpStream{sockets_, daemon_};
}

}  // namespace smol::control
