#include "tests/sim/user.hh"

#include <algorithm>

namespace smol::sim {

const char* name(Ending ending) {
  switch (ending) {
    case Ending::kHalfClose:
      return "half-close";
    case Ending::kWaits:
      return "waits";
    case Ending::kCloses:
      return "closes";
    case Ending::kTogether:
      return "closes together";
    case Ending::kLeaves:
      return "leaves";
    case Ending::kAborts:
      return "aborts";
  }
  return "";
}

std::uint8_t User::octet(int side, std::size_t at) {
  return static_cast<std::uint8_t>((at + 1) * 2'654'435'761u >> (side == 0 ? 13 : 11));
}

void User::listen(const IpEndpoint& local) {
  TcpListenOptions options;
  options.local = local;
  options.socket = plan_.socket;
  listener_ = host_.stack->tcp_listen(options).value();
  reads_at_ = writes_at_ = kNever;
}

void User::connect(const IpEndpoint& local, const IpEndpoint& remote) {
  TcpConnectOptions options;
  options.local = local;
  options.remote = remote;
  options.socket = plan_.socket;
  socket_ = host_.stack->tcp_connect(options).value();
  reads_at_ = kNever;
}

Instant User::wakes_at() const {
  return done_ ? kNever : std::min(reads_at_, writes_at_);
}

void User::act(Instant now) {
  if (done_) return;
  if (!socket_) {
    if (host_.events_of(listener_) == 0) return;
    const Result<SocketId, Error> accepted = host_.stack->tcp_accept(listener_);
    if (!accepted) return;
    socket_ = *accepted;
    host_.stack->close(listener_);
    reads_at_ = writes_at_ = now;
    connected_ = true;
  }
  const std::uint16_t events = host_.events_of(socket_);
  constexpr std::uint16_t kOver = SocketEvents::kPeerClosed | SocketEvents::kClosed;
  if ((events & (SocketEvents::kReadable | kOver)) != 0) reads_at_ = std::min(reads_at_, now);
  if ((events & (SocketEvents::kWritable | SocketEvents::kConnected | kOver)) != 0) {
    writes_at_ = std::min(writes_at_, now);
  }
  connected_ = connected_ || (events & SocketEvents::kConnected) != 0;
  if (events == 0 && wakes_at() > now) return;
  if (reads_at_ <= now) read_some(now);
  if (writes_at_ <= now) write_some(now);
  end();
}

void User::read_some(Instant now) {
  Octets got(plan_.read_most);
  do {
    got.resize(plan_.read_most);
    got.resize(host_.stack->read(socket_, got));
    for (std::size_t i = 0; i < got.size(); ++i) {
      if (got[i] == octet(1 - side_, read_ + i)) continue;
      ADD_FAILURE() << "side " << side_ << " read another octet than was written, at " << read_ + i;
      return finish();
    }
    read_ += got.size();
    EXPECT_LE(read_, peer_octets_) << "side " << side_ << " read more than was written";
  } while (!got.empty() && plan_.read_pause == Duration::zero());
  reads_at_ = got.empty() ? kNever : now + plan_.read_pause;
}

void User::write_some(Instant now) {
  writes_at_ = kNever;
  while (written_ < plan_.octets && !shut_ && !done_) {
    Octets data(std::min(plan_.write_most, plan_.octets - written_));
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = octet(side_, written_ + i);
    const Result<std::size_t, Error> wrote = host_.stack->write(socket_, data);
    if (!wrote) return;  // how it ended is end()'s to see
    written_ += *wrote;
    if (*wrote < data.size()) return;  // an event follows
    if (plan_.write_pause == Duration::zero()) continue;
    writes_at_ = now + plan_.write_pause;
    return;
  }
}

void User::end() {
  if (done_) return;
  Stack<MemPacket>& stack = *host_.stack;
  if (plan_.ending == Ending::kAborts && written_ + read_ >= plan_.aborts_at) {
    stack.abort(socket_);
    return finish();
  }
  const bool at_end = stack.at_end(socket_);
  error_ = stack.error(socket_);
  if (error_ && at_end) return close();
  const bool all_written = written_ == plan_.octets;
  if (all_written && plan_.ending == Ending::kHalfClose && !shut_) {
    shut_ = true;
    static_cast<void>(stack.shutdown_write(socket_));
  }
  if (all_written && at_end) return close();
  if (plan_.ending == Ending::kCloses && complete()) return close();
  if (plan_.ending == Ending::kLeaves && connected_ && all_written) close();
}

void User::close() {
  host_.stack->close(socket_);
  finish();
}

void User::give_up() {
  host_.stack->close(listener_);
  finish();
}

void User::finish() {
  done_ = true;
}

std::string User::status() const {
  std::string out = "wrote " + std::to_string(written_) + " of " + std::to_string(plan_.octets) +
                    ", read " + std::to_string(read_) + " of " + std::to_string(peer_octets_) +
                    ", " + name(plan_.ending);
  const Result<tcp::Info, Error> info = host_.stack->tcp_info(socket_);
  if (!info) return out + ", no connection";
  out += ", " + std::string{tcp::name(info->state)} + " unsent " + std::to_string(info->unsent);
  out += " unacked " + std::to_string(info->unacked) + " unread " + std::to_string(info->unread);
  out += " snd_wnd " + std::to_string(info->snd_wnd) + " rcv_wnd " + std::to_string(info->rcv_wnd);
  return out + " timeouts " + std::to_string(info->timeouts);
}

}  // namespace smol::sim
