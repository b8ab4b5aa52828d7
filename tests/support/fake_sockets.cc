#include "tests/support/fake_sockets.hh"

#include <algorithm>
#include <cstring>

#include <gtest/gtest.h>

namespace smol::testing {
namespace {

std::size_t total(const std::deque<std::string>& pieces) {
  std::size_t octets = 0;
  for (const std::string& piece : pieces) octets += piece.size();
  return octets;
}

bool takes(const IpEndpoint& bound, const IpEndpoint& local) {
  return bound.port == local.port && bound.address.family() == local.address.family();
}

}  // namespace

// --- the test's side -----------------------------------------------------------------------------

std::size_t FakeSockets::connect(IpEndpoint local, IpEndpoint remote) {
  const std::size_t number = peers_.size();
  for (std::size_t i = 0; i < listeners_.size(); ++i) {
    Listener& listener = listeners_[i];
    if (!listener.open || !takes(listener.options.local, local)) continue;
    auto peer = std::make_unique<Peer>();
    peer->local = local;
    peer->remote = remote;
    peer->options = listener.options.socket;
    peer->owner = listener.options.owner;
    peers_.push_back(std::move(peer));
    listener.waiting.push_back(number);
    raise(id_of(SocketKind::kTcpListener, i), SocketEvents::kAcceptable);
    return number;
  }
  ADD_FAILURE() << "nobody listens on port " << local.port;
  peers_.push_back(std::make_unique<Peer>());
  return number;
}

void FakeSockets::send(std::size_t number, std::string_view text) {
  if (peer(number).reading_shut) return;
  peer(number).to_app.emplace_back(text);
  raise_peer(number, SocketEvents::kReadable);
}

void FakeSockets::send_fin(std::size_t number) {
  peer(number).fin_to_app = true;
  raise_peer(number, SocketEvents::kReadable | SocketEvents::kPeerClosed);
}

void FakeSockets::kill(std::size_t number, Error how) {
  Peer& p = peer(number);
  p.over = true;
  p.ended = how;
  p.to_app.clear();
  raise_peer(number, SocketEvents::kClosed);
}

std::string FakeSockets::take(std::size_t number, std::size_t limit) {
  Peer& p = peer(number);
  const std::string out = p.to_peer.substr(0, limit);
  p.to_peer.erase(0, out.size());
  if (p.blocked && !out.empty()) {
    p.blocked = false;
    raise_peer(number, SocketEvents::kWritable);
  }
  return out;
}

void FakeSockets::deliver(IpEndpoint local, IpEndpoint remote, std::string_view payload,
                          InterfaceId in) {
  for (std::size_t i = 0; i < udp_.size(); ++i) {
    if (!udp_[i].open || !takes(udp_[i].options.local, local)) continue;
    udp_[i].queue.push_back({remote, local, in, std::string{payload}});
    raise(id_of(SocketKind::kUdp, i), SocketEvents::kReadable);
    return;
  }
  ADD_FAILURE() << "no UDP socket on port " << local.port;
}

void FakeSockets::deliver(const IcmpMessage& message, std::string_view payload) {
  for (std::size_t i = 0; i < icmp_.size(); ++i) {
    const IcmpOptions& options = icmp_[i].options;
    if (!icmp_[i].open || options.identifier != message.identifier ||
        options.local.family() != message.destination.family()) {
      continue;
    }
    icmp_[i].queue.push_back({message, std::string{payload}});
    raise(id_of(SocketKind::kIcmp, i), SocketEvents::kReadable);
    return;
  }
  ADD_FAILURE() << "no ICMP socket has the identifier " << message.identifier;
}

void FakeSockets::advance(Duration by) {
  now_ += by;
  for (std::size_t i = 0; i < peers_.size(); ++i) {
    Peer& p = *peers_[i];
    if (p.deadline > now_ || p.closed_by_app) continue;
    p.deadline = kNever;
    raise_peer(i, SocketEvents::kDeadline);
  }
}

std::vector<SocketEvent> FakeSockets::events() {
  std::vector<SocketEvent> out;
  for (const auto& [socket, bits] : raised_) {
    SocketEvent event{socket, bits, 0, 0};
    if (socket.kind == SocketKind::kTcp) {
      const Peer& p = *peers_[socket.handle.index];
      if (p.closed_by_app || !p.accepted) continue;
      event.owner = p.owner;
      event.user_data = p.user_data;
    }
    out.push_back(event);
  }
  raised_.clear();
  return out;
}

std::size_t FakeSockets::listening() const {
  return static_cast<std::size_t>(std::count_if(listeners_.begin(), listeners_.end(),
                                                [](const Listener& l) { return l.open; }));
}

std::size_t FakeSockets::udp_open() const {
  return static_cast<std::size_t>(
      std::count_if(udp_.begin(), udp_.end(), [](const Udp& u) { return u.open; }));
}

void FakeSockets::raise(SocketId socket, std::uint16_t events) {
  for (auto& [known, bits] : raised_) {
    if (known == socket) {
      bits |= events;
      return;
    }
  }
  raised_.emplace_back(socket, events);
}

void FakeSockets::raise_peer(std::size_t number, std::uint16_t events) {
  Peer& p = peer(number);
  if (!p.accepted) {
    p.early |= events;
  } else if (!p.closed_by_app) {
    raise(id_of(SocketKind::kTcp, number), events);
  }
}

// --- the application's side ----------------------------------------------------------------------

FakeSockets::Peer* FakeSockets::touch(SocketId socket) noexcept {
  if (look(socket) == nullptr) return nullptr;
  Peer& p = *peers_[socket.handle.index];
  p.shown.reset();
  return &p;
}

const FakeSockets::Peer* FakeSockets::look(SocketId socket) const noexcept {
  if (socket.kind != SocketKind::kTcp || socket.handle.index >= peers_.size() ||
      peers_[socket.handle.index]->closed_by_app) {
    ADD_FAILURE() << "a call on a socket that is gone";
    return nullptr;
  }
  EXPECT_TRUE(peers_[socket.handle.index]->reserved.empty()) << "a call between reserve and commit";
  return peers_[socket.handle.index].get();
}

Result<SocketId, Error> FakeSockets::tcp_listen(const TcpListenOptions& options) noexcept {
  if (const auto refused = listen_errors.find(options.local.port); refused != listen_errors.end()) {
    return fail(refused->second);
  }
  for (const Listener& listener : listeners_) {
    if (listener.open && takes(listener.options.local, options.local)) {
      return fail(Error::kAddressInUse);
    }
  }
  listeners_.push_back({options, {}, true});
  return id_of(SocketKind::kTcpListener, listeners_.size() - 1);
}

Result<SocketId, Error> FakeSockets::tcp_accept(SocketId listener) noexcept {
  if (listener.kind != SocketKind::kTcpListener || !listeners_.at(listener.handle.index).open) {
    ADD_FAILURE() << "accept on what is no open listener";
    return fail(Error::kBadHandle);
  }
  std::deque<std::size_t>& waiting = listeners_[listener.handle.index].waiting;
  if (waiting.empty()) return fail(Error::kWouldBlock);
  const std::size_t number = waiting.front();
  waiting.pop_front();
  Peer& p = peer(number);
  p.accepted = true;
  if (p.early != 0) raise(id_of(SocketKind::kTcp, number), p.early);
  return id_of(SocketKind::kTcp, number);
}

Result<SocketId, Error> FakeSockets::tcp_connect(const TcpConnectOptions&) noexcept {
  return fail(Error::kNotSupported);
}

Bytes FakeSockets::readable(SocketId socket) noexcept {
  Peer* p = touch(socket);
  if (p == nullptr || p->to_app.empty()) return {};
  const std::string& front = p->to_app.front();
  p->shown = std::make_unique<std::vector<std::uint8_t>>(front.begin(), front.end());
  p->consumable = front.size();
  return *p->shown;
}

void FakeSockets::consume(SocketId socket, std::size_t n) noexcept {
  Peer* p = touch(socket);
  if (p == nullptr) return;
  EXPECT_LE(n, p->consumable) << "consumed what readable() never showed";
  p->consumable -= std::min(n, p->consumable);
  if (p->to_app.empty()) return;
  p->to_app.front().erase(0, n);
  if (p->to_app.front().empty()) p->to_app.pop_front();
}

std::size_t FakeSockets::read(SocketId socket, MutBytes out) noexcept {
  std::size_t taken = 0;
  while (taken < out.size()) {
    const Bytes piece = readable(socket);
    if (piece.empty()) break;
    const std::size_t n = std::min(piece.size(), out.size() - taken);
    copy_bytes(out.subspan(taken), piece.first(n));
    consume(socket, n);
    taken += n;
  }
  return taken;
}

/// One piece: the contract is "up to".
std::size_t FakeSockets::readable_pieces(SocketId socket, std::span<Bytes> out) noexcept {
  if (out.empty()) return 0;
  out[0] = readable(socket);
  return out[0].empty() ? 0 : 1;
}

std::size_t FakeSockets::peek(SocketId socket, std::size_t offset, MutBytes out) noexcept {
  Peer* p = touch(socket);
  if (p == nullptr) return 0;
  std::string all;
  for (const std::string& piece : p->to_app) all += piece;
  if (offset >= all.size()) return 0;
  const std::size_t n = std::min(out.size(), all.size() - offset);
  std::copy_n(all.begin() + static_cast<std::ptrdiff_t>(offset), n, out.begin());
  return n;
}

bool FakeSockets::at_end(SocketId socket) const noexcept {
  const Peer* p = look(socket);
  return p != nullptr && (p->fin_to_app || p->over || p->reading_shut) && p->to_app.empty();
}

std::size_t FakeSockets::unread(SocketId socket) const noexcept {
  const Peer* p = look(socket);
  return p != nullptr ? total(p->to_app) : 0;
}

Result<std::size_t, Error> FakeSockets::write(SocketId socket, Bytes data) noexcept {
  Peer* p = touch(socket);
  if (p == nullptr) return fail(Error::kBadHandle);
  if (p->over) return fail(p->ended.value_or(Error::kNotConnected));
  if (p->fin_to_peer) return fail(Error::kShutDown);
  const std::size_t room = p->send_limit - std::min(p->send_limit, p->to_peer.size());
  const std::size_t n = std::min(room, data.size());
  p->to_peer.append(reinterpret_cast<const char*>(data.data()), n);
  if (n < data.size()) p->blocked = true;
  return n;
}

Result<std::size_t, Error> FakeSockets::write_pieces(SocketId socket,
                                                     std::span<const Bytes> pieces) noexcept {
  std::size_t written = 0;
  for (const Bytes piece : pieces) {
    const Result<std::size_t, Error> done = write(socket, piece);
    if (!done) return done;
    written += *done;
    if (*done < piece.size()) break;
  }
  return written;
}

std::size_t FakeSockets::writable(SocketId socket) const noexcept {
  const Peer* p = look(socket);
  return p != nullptr ? p->send_limit - std::min(p->send_limit, p->to_peer.size()) : 0;
}

MutBytes FakeSockets::reserve(SocketId socket, std::size_t want) noexcept {
  Peer* p = touch(socket);
  if (p == nullptr || p->over || p->fin_to_peer) return {};
  const std::size_t room = p->send_limit - std::min(p->send_limit, p->to_peer.size());
  p->reserved.assign(std::min({room, want, p->packet_room}), 0xee);
  if (p->reserved.empty() && want > 0) p->blocked = true;
  return p->reserved;
}

void FakeSockets::commit(SocketId socket, std::size_t n) noexcept {
  if (socket.kind != SocketKind::kTcp || socket.handle.index >= peers_.size()) {
    ADD_FAILURE() << "commit to no connection";
    return;
  }
  Peer& p = *peers_[socket.handle.index];
  EXPECT_LE(n, p.reserved.size()) << "committed more than was reserved";
  const std::size_t taken = std::min(n, p.reserved.size());
  p.to_peer.append(p.reserved.begin(), p.reserved.begin() + static_cast<std::ptrdiff_t>(taken));
  p.reserved.clear();
}

Result<void, Error> FakeSockets::shutdown_read(SocketId socket) noexcept {
  Peer* p = touch(socket);
  if (p == nullptr) return fail(Error::kBadHandle);
  if (p->over) return fail(Error::kNotConnected);
  p->reading_shut = true;
  p->to_app.clear();
  return {};
}

Result<void, Error> FakeSockets::shutdown_write(SocketId socket) noexcept {
  Peer* p = touch(socket);
  if (p == nullptr) return fail(Error::kBadHandle);
  if (p->over) return fail(p->ended.value_or(Error::kNotConnected));
  p->fin_to_peer = true;
  return {};
}

void FakeSockets::close(SocketId socket) noexcept {
  if (socket.kind == SocketKind::kTcpListener) {
    EXPECT_TRUE(listeners_.at(socket.handle.index).open) << "a listener closed twice";
    listeners_.at(socket.handle.index).open = false;
    return;
  }
  if (socket.kind == SocketKind::kUdp) {
    EXPECT_TRUE(udp_.at(socket.handle.index).open) << "a UDP socket closed twice";
    udp_.at(socket.handle.index).open = false;
    return;
  }
  if (socket.kind == SocketKind::kIcmp) {
    EXPECT_TRUE(icmp_.at(socket.handle.index).open) << "an ICMP socket closed twice";
    icmp_.at(socket.handle.index).open = false;
    return;
  }
  Peer* p = touch(socket);
  if (p == nullptr) return;
  p->closed_by_app = true;
  p->fin_to_peer = true;
  if (!p->to_app.empty()) p->reset_to_peer = true;
}

Result<void, Error> FakeSockets::linger(SocketId socket) noexcept {
  if (touch(socket) == nullptr) return fail(Error::kBadHandle);
  close(socket);
  return {};
}

void FakeSockets::abort(SocketId socket) noexcept {
  Peer* p = touch(socket);
  if (p == nullptr) return;
  p->closed_by_app = true;
  p->reset_to_peer = true;
  p->to_peer.clear();
}

Result<void, Error> FakeSockets::set_options(SocketId socket,
                                             const tcp::SocketOptions& options) noexcept {
  Peer* p = touch(socket);
  if (p == nullptr) return fail(Error::kBadHandle);
  p->options = options;
  return {};
}

Result<tcp::Info, Error> FakeSockets::tcp_info(SocketId) const noexcept {
  return fail(Error::kNotSupported);
}

Result<SocketId, Error> FakeSockets::udp_open(const UdpOptions& options) noexcept {
  udp_.push_back({options, {}, true});
  return id_of(SocketKind::kUdp, udp_.size() - 1);
}

std::optional<Datagram> FakeSockets::udp_front(SocketId socket) noexcept {
  const std::deque<QueuedDatagram>& queue = udp_.at(socket.handle.index).queue;
  if (queue.empty()) return std::nullopt;
  const QueuedDatagram& front = queue.front();
  const Bytes payload{reinterpret_cast<const std::uint8_t*>(front.payload.data()),
                      front.payload.size()};
  Datagram out;
  out.source = front.source;
  out.destination = front.destination;
  out.interface = front.interface;
  out.at = now_;
  out.payload = payload;
  out.hop_limit = 64;
  return out;
}

void FakeSockets::udp_pop(SocketId socket) noexcept {
  EXPECT_FALSE(udp_.at(socket.handle.index).queue.empty()) << "popped nothing";
  udp_.at(socket.handle.index).queue.pop_front();
}

Result<void, Error> FakeSockets::udp_send(SocketId, const UdpSendOptions& options,
                                          Bytes payload) noexcept {
  if (!udp_send_errors.empty()) {
    const Error refused = udp_send_errors.front();
    udp_send_errors.pop_front();
    return fail(refused);
  }
  sent_datagrams.push_back(
      {options, {reinterpret_cast<const char*>(payload.data()), payload.size()}});
  return {};
}

Result<SocketId, Error> FakeSockets::icmp_open(const IcmpOptions& options) noexcept {
  icmp_.push_back({options, {}, true});
  IcmpOptions& chosen = icmp_.back().options;
  if (chosen.identifier == 0) chosen.identifier = static_cast<std::uint16_t>(icmp_.size());
  return id_of(SocketKind::kIcmp, icmp_.size() - 1);
}

Result<void, Error> FakeSockets::icmp_send_echo(SocketId, const IcmpSendOptions& options,
                                                std::uint16_t sequence, Bytes payload) noexcept {
  sent_echos.push_back(
      {options, sequence, {reinterpret_cast<const char*>(payload.data()), payload.size()}});
  return {};
}

std::optional<IcmpMessage> FakeSockets::icmp_front(SocketId socket) noexcept {
  const std::deque<QueuedMessage>& queue = icmp_.at(socket.handle.index).queue;
  if (queue.empty()) return std::nullopt;
  IcmpMessage out = queue.front().message;
  const std::string& payload = queue.front().payload;
  out.payload = {reinterpret_cast<const std::uint8_t*>(payload.data()), payload.size()};
  return out;
}

void FakeSockets::icmp_pop(SocketId socket) noexcept {
  EXPECT_FALSE(icmp_.at(socket.handle.index).queue.empty()) << "popped nothing";
  icmp_.at(socket.handle.index).queue.pop_front();
}

void FakeSockets::set_user_data(SocketId socket, std::uint64_t user_data) noexcept {
  if (Peer* p = touch(socket)) p->user_data = user_data;
}

void FakeSockets::set_deadline(SocketId socket, Instant when) noexcept {
  if (Peer* p = touch(socket)) p->deadline = when;
}

std::optional<Error> FakeSockets::error(SocketId socket) const noexcept {
  const Peer* p = look(socket);
  if (p == nullptr) return Error::kBadHandle;
  return p->ended;
}

std::optional<Error> FakeSockets::soft_error(SocketId) noexcept {
  return std::nullopt;
}

Result<IpEndpoint, Error> FakeSockets::local_endpoint(SocketId socket) const noexcept {
  if (socket.kind == SocketKind::kIcmp) {
    const IcmpOptions& options = icmp_.at(socket.handle.index).options;
    return IpEndpoint{options.local, options.identifier};
  }
  const Peer* p = look(socket);
  if (p == nullptr) return fail(Error::kBadHandle);
  return p->local;
}

Result<IpEndpoint, Error> FakeSockets::remote_endpoint(SocketId socket) const noexcept {
  const Peer* p = look(socket);
  if (p == nullptr) return fail(Error::kBadHandle);
  return p->remote;
}

}  // namespace smol::testing
