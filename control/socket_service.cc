#include "control/socket_service.hh"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "control/convert.hh"
#include "control/listing.hh"
#include "control/socket_number.hh"

namespace smol::control {
namespace {

template <class E>
constexpr std::uint32_t bit(E value) noexcept {
  return 1u << static_cast<unsigned>(value);
}

v1::SocketKind kind_to_proto(SocketKind kind) noexcept {
  switch (kind) {
    case SocketKind::kNone:
      return v1::SOCKET_KIND_UNSPECIFIED;
    case SocketKind::kTcp:
    case SocketKind::kTcpHalfOpen:
      return v1::SOCKET_KIND_TCP;
    case SocketKind::kTcpListener:
      return v1::SOCKET_KIND_TCP_LISTENER;
    case SocketKind::kUdp:
      return v1::SOCKET_KIND_UDP;
    case SocketKind::kIcmp:
      break;
  }
  return v1::SOCKET_KIND_ICMP;
}

constexpr std::array kKinds = {SocketKind::kTcp, SocketKind::kTcpListener, SocketKind::kUdp,
                               SocketKind::kIcmp};
constexpr std::array kStates = {
    tcp::State::kClosed,      tcp::State::kListen,      tcp::State::kSynSent,
    tcp::State::kSynReceived, tcp::State::kEstablished, tcp::State::kFinWait1,
    tcp::State::kFinWait2,    tcp::State::kCloseWait,   tcp::State::kClosing,
    tcp::State::kLastAck,     tcp::State::kTimeWait};

/// The bits of a repeated enum of the API: of those `values` that `translate` makes one of them.
template <class Repeated, class Values, class Translate>
Parsed<std::uint32_t> parse_bits(const Repeated& in, const Values& values, Translate translate,
                                 const char* field) {
  if (in.empty()) return ~0u;
  std::uint32_t bits = 0;
  for (int i = 0; i < in.size(); ++i) {
    std::uint32_t found = 0;
    for (const auto value : values) {
      if (static_cast<int>(in.Get(i)) == static_cast<int>(translate(value))) found = bit(value);
    }
    if (found == 0) {
      return invalid(std::string{field} + "[" + std::to_string(i) + "]",
                     std::to_string(static_cast<int>(in.Get(i))) + " is none of them");
    }
    bits |= found;
  }
  return bits;
}

bool has_state(SocketKind kind) noexcept {
  return kind == SocketKind::kTcp || kind == SocketKind::kTcpListener;
}

void fill(const SocketInfo& from, unsigned worker, const dataplane::Daemon& daemon,
          v1::Socket& to) {
  const auto& owners = daemon.applications();
  if (from.interface && *from.interface < daemon.interfaces().size()) {
    to.set_interface(daemon.interfaces()[*from.interface].name);
  }
  if (from.id) to.set_id(socket_number({worker, from.id}));
  to.set_kind(kind_to_proto(from.kind));
  if (has_state(from.kind)) to.set_state(to_proto(from.state));
  put(from.local, *to.mutable_local());
  if (from.remote) put(*from.remote, *to.mutable_remote());
  to.set_recv_queue(from.receive_queue);
  to.set_send_queue(from.send_queue);
  to.set_worker(worker);
  to.set_half_open(from.half_open);
  to.set_syn_backlog(from.syn_backlog);
  to.set_messages(from.messages);
  to.set_dropped(from.dropped);
  if (from.expires) put(std::max(*from.expires, Duration::zero()), *to.mutable_expires());
  if (from.owned && from.owner < owners.size()) to.set_owner(owners[from.owner]);
}

class SocketListing final : public Listing<v1::ListSocketsResponse> {
 public:
  SocketListing(Workers& workers, const dataplane::Daemon& daemon, const SocketFilter& filter,
                bool want_info)
      : Listing{workers, workers.count()}, daemon_{daemon}, filter_{filter} {
    if (want_info) infos_.resize(batch_.size());
  }

 private:
  Slice collect(StackControl& stack, Cursor from) noexcept override {
    const Slice slice = stack.sockets_from(from, batch_);
    for (std::size_t i = 0; i < slice.count && !infos_.empty(); ++i) {
      const bool connection = batch_[i].kind == SocketKind::kTcp && batch_[i].id;
      infos_[i] = connection && filter_.takes(batch_[i])
                      ? stack.connection_info(batch_[i].id)
                      : Result<tcp::Info, Error>{fail(Error::kBadHandle)};
    }
    return slice;
  }
  bool fill(v1::ListSocketsResponse& response, unsigned worker, std::size_t count) override {
    for (std::size_t i = 0; i < count; ++i) {
      if (!filter_.takes(batch_[i])) continue;
      v1::Socket& to = *response.add_sockets();
      control::fill(batch_[i], worker, daemon_, to);
      if (!infos_.empty() && infos_[i]) put(*infos_[i], *to.mutable_tcp_info());
    }
    return response.sockets_size() > 0;
  }

  const dataplane::Daemon& daemon_;
  const SocketFilter filter_;
  std::array<SocketInfo, 256> batch_;
  std::vector<Result<tcp::Info, Error>> infos_;  ///< empty: not wanted
};

/// A socket that exists, or existed, by the number of a request.
Parsed<WorkerSocket> parse_id(std::uint64_t number, const Workers& workers) {
  if (number == 0) return invalid("id", "is missing");
  const auto socket = socket_of(number);
  if (!socket || socket->worker >= workers.count()) {
    return invalid("id", std::to_string(number) + " is no id of a socket");
  }
  return *socket;
}

grpc::Status gone(std::uint64_t id) {
  return to_status(Refusal{Error::kBadHandle, "id", "there is no such socket (any more)", id});
}

}  // namespace

Parsed<SocketFilter> SocketFilter::parse(const v1::ListSocketsRequest& request) {
  SocketFilter out;
  const auto kinds = parse_bits(request.kinds(), kKinds, kind_to_proto, "kinds");
  if (!kinds) return fail(kinds.error());
  out.kinds = *kinds;
  const auto states = parse_bits(
      request.states(), kStates, [](tcp::State state) { return to_proto(state); }, "states");
  if (!states) return fail(states.error());
  out.states = *states;
  if (request.has_local_port()) {
    const auto port = parse_port(request.local_port(), "local_port");
    if (!port) return fail(port.error());
    out.local_port = *port;
  }
  if (request.has_remote_port()) {
    const auto port = parse_port(request.remote_port(), "remote_port");
    if (!port) return fail(port.error());
    out.remote_port = *port;
  }
  if (request.has_local()) {
    const auto prefix = control::parse(request.local(), "local");
    if (!prefix) return fail(prefix.error());
    out.local = *prefix;
  }
  if (request.has_remote()) {
    const auto prefix = control::parse(request.remote(), "remote");
    if (!prefix) return fail(prefix.error());
    out.remote = *prefix;
  }
  return out;
}

bool SocketFilter::takes(const SocketInfo& socket) const noexcept {
  const tcp::State state = has_state(socket.kind) ? socket.state : tcp::State::kClosed;
  if ((kinds & bit(socket.kind)) == 0 || (states & bit(state)) == 0) return false;
  if (local_port && socket.local.port != *local_port) return false;
  if (local && !local->contains(socket.local.address)) return false;
  if (!remote_port && !remote) return true;
  if (!socket.remote) return false;
  return (!remote_port || socket.remote->port == *remote_port) &&
         (!remote || remote->contains(socket.remote->address));
}

grpc::ServerWriteReactor<v1::ListSocketsResponse>* SocketService::ListSockets(
    grpc::CallbackServerContext*, const v1::ListSocketsRequest* request) {
  const auto filter = SocketFilter::parse(*request);
  if (!filter) return refuse_listing<v1::ListSocketsResponse>(to_status(filter.error()));
  auto* listing = new SocketListing{workers_, daemon_, *filter, request->want_tcp_info()};
  listing->begin();
  return listing;
}

grpc::Status SocketService::GetSocket(grpc::ServerContext*, const v1::GetSocketRequest* request,
                                      v1::GetSocketResponse* response) {
  const auto socket = parse_id(request->id(), workers_);
  if (!socket) return to_status(socket.error());
  Result<SocketInfo, Error> info = fail(Error::kBadHandle);
  Result<tcp::Info, Error> connection = fail(Error::kBadHandle);
  const bool alive = workers_.ask(socket->worker, [&](StackControl& stack) {
    info = stack.socket_info(socket->id);
    if (info && info->kind == SocketKind::kTcp) connection = stack.connection_info(socket->id);
  });
  if (!alive) return stopping();
  if (!info) return gone(request->id());
  fill(*info, socket->worker, daemon_, *response->mutable_socket());
  if (connection) put(*connection, *response->mutable_socket()->mutable_tcp_info());
  return grpc::Status::OK;
}

grpc::Status SocketService::AbortSocket(grpc::ServerContext*, const v1::AbortSocketRequest* request,
                                        v1::AbortSocketResponse*) {
  const auto socket = parse_id(request->id(), workers_);
  if (!socket) return to_status(socket.error());
  Result<void, Error> done;
  if (!workers_.ask(socket->worker,
                    [&](StackControl& stack) { done = stack.destroy(socket->id); })) {
    return stopping();
  }
  return done ? grpc::Status::OK : gone(request->id());
}

}  // namespace smol::control
