#include "tests/sim/user.hh"

#include <algorithm>
#include <cstring>

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

void User::fault(const std::string& what) {
  faults_.add("flow " + std::to_string(flow_) + ", side " + std::to_string(side_) + ": " + what);
}

bool User::connect(const IpEndpoint& local, const IpEndpoint& remote, bool fast_open) {
  TcpConnectOptions options;
  options.fast_open = fast_open;
  options.local = local;
  options.remote = remote;
  options.socket = plan_.socket;
  options.user_data = flow_ + 1;
  const Result<SocketId, Error> socket = station_.stack().tcp_connect(options);
  if (!socket && socket.error() == Error::kAddressInUse) return false;
  if (!socket) {
    fault(std::string{"connect refused: "} + std::string{smol::name(socket.error())});
    finish();
    return true;
  }
  socket_ = *socket;
  writes_at_ = Instant{};
  return true;
}

void User::accepted(SocketId socket, Instant now) {
  socket_ = socket;
  station_.stack().set_user_data(socket, flow_ + 1);
  reads_at_ = writes_at_ = now;
  connected_ = true;
}

Instant User::wakes_at() const {
  return done_ ? kNever : std::min(reads_at_, writes_at_);
}

void User::act(Instant now) {
  const std::uint16_t events = std::exchange(events_, std::uint16_t{0});
  if (done_ || !socket_) return;
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

/// Looks at what came. False: it is not what was sent.
bool User::take(Bytes got) {
  for (Bytes rest = got; !rest.empty();) {
    const Bytes want = content(flow_, 1 - side_, read_, rest.size());
    if (std::memcmp(want.data(), rest.data(), want.size()) == 0) {
      read_ += want.size();
      rest = rest.subspan(want.size());
      continue;
    }
    const auto differs = std::mismatch(want.begin(), want.end(), rest.begin()).first - want.begin();
    fault("read another octet than was written, at " +
          std::to_string(read_ + static_cast<std::uint64_t>(differs)));
    return false;
  }
  if (read_ <= peer_octets_) return true;
  fault("read more than was written");
  return false;
}

void User::read_some(Instant now) {
  Stack<MemPacket>& stack = station_.stack();
  std::size_t left = plan_.read_most;
  Bytes got;
  do {
    got = stack.readable(socket_);
    got = got.first(std::min(got.size(), left));
    if (!take(got)) return give_up();
    if (!got.empty()) stack.consume(socket_, got.size());
    if (plan_.read_pause > Duration::zero()) left -= got.size();
  } while (!got.empty() && left > 0);
  reads_at_ = left == plan_.read_most || plan_.read_pause == Duration::zero()
                  ? kNever
                  : now + plan_.read_pause;
}

void User::write_some(Instant now) {
  writes_at_ = kNever;
  while (written_ < plan_.octets && !shut_ && !done_) {
    const std::size_t most =
        std::min<std::uint64_t>(std::min(plan_.write_most, kContentPiece), plan_.octets - written_);
    const Bytes data = content(flow_, side_, written_, most);
    const Result<std::size_t, Error> wrote = station_.stack().write(socket_, data);
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
  Stack<MemPacket>& stack = station_.stack();
  if (plan_.ending == Ending::kAborts && written_ + read_ >= plan_.aborts_at) {
    return give_up();
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
  if (socket_) station_.stack().close(socket_);
  finish();
}

void User::give_up() {
  if (socket_ && !done_) station_.stack().abort(socket_);
  aborted_ = true;
  finish();
}

std::string User::status() const {
  std::string out = "wrote " + std::to_string(written_) + " of " + std::to_string(plan_.octets) +
                    ", read " + std::to_string(read_) + " of " + std::to_string(peer_octets_) +
                    ", " + name(plan_.ending);
  const Result<tcp::Info, Error> info = station_.stack().tcp_info(socket_);
  if (!info) return out + ", no connection";
  out += ", " + std::string{tcp::name(info->state)} + " unsent " + std::to_string(info->unsent);
  out += " unacked " + std::to_string(info->unacked) + " unread " + std::to_string(info->unread);
  out += " snd_wnd " + std::to_string(info->snd_wnd) + " rcv_wnd " + std::to_string(info->rcv_wnd);
  return out + " timeouts " + std::to_string(info->timeouts);
}

}  // namespace smol::sim
