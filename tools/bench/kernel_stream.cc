#include "tools/bench/kernel_stream.hh"

#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include "tools/bench/failure.hh"
#include "tools/bench/stopwatch.hh"

namespace smol::bench {
namespace {

constexpr std::size_t kPiece = 256 << 10;

[[noreturn]] void fail_with_errno(const std::string& what) {
  throw Failure{what + ": " + std::strerror(errno)};
}

/// Pieces that one socket may move before it is the turn of the others.
constexpr int kTurn = 16;
constexpr std::chrono::milliseconds kNap{20};

/// Precondition: errno says why. Takes a socket that was not made, too.
void choose_congestion(int fd, const std::string& congestion) {
  const auto size = static_cast<socklen_t>(congestion.size());
  if (fd < 0) fail_with_errno("no TCP socket");
  if (setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, congestion.data(), size) != 0) {
    fail_with_errno("this kernel has no " + congestion);
  }
}

/// What left the program may still lie in the kernel: this has arrived.
std::uint64_t acknowledged(int fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) fail_with_errno("no TCP_INFO");
  return info.tcpi_bytes_acked;
}

enum class Moved { kSome, kNothing, kEnd, kBroken };

/// As much as goes at once; `octets` grows by it.
Moved move_some(int fd, bool sends, std::vector<char>& buffer, std::uint64_t& octets) {
  Moved out = Moved::kNothing;
  for (int i = 0; i < kTurn; ++i) {
    const ssize_t n = sends ? send(fd, buffer.data(), buffer.size(), MSG_NOSIGNAL | MSG_DONTWAIT)
                            : recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n == 0) return Moved::kEnd;
    if (n < 0) return errno == EAGAIN || errno == EINTR ? out : Moved::kBroken;
    octets += static_cast<std::uint64_t>(n);
    out = Moved::kSome;
  }
  return out;
}

sockaddr_in endpoint(const std::string& address, std::uint16_t port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(port);
  inet_pton(AF_INET, address.c_str(), &out.sin_addr);
  return out;
}

double thread_cpu() {
  rusage use{};
  getrusage(RUSAGE_THREAD, &use);
  return static_cast<double>(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
         static_cast<double>(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

/// The client's ends of streams.
class Clients {
 public:
  Clients(const std::string& address, Way way, const StreamOptions& options)
      : to_{endpoint(address, way == Way::kToServer ? kSinkPort : kSourcePort)},
        address_{address},
        sends_{way == Way::kToServer},
        options_{options},
        buffer_(kPiece) {}
  ~Clients() {
    for (const pollfd& stream : streams_) close(stream.fd);
  }
  Clients(const Clients&) = delete;
  Clients& operator=(const Clients&) = delete;

  /// Keeps the streams going, and opens those that are missing in half of that time; returns the
  /// octets that got through so far.
  std::uint64_t run(Seconds time) {
    const Stopwatch watch;
    const std::size_t missing = options_.streams - streams_.size();
    const Seconds apart = missing == 0 ? time : time / 2 / static_cast<double>(missing);
    Seconds next_opens{0};
    Stopwatch still;
    while (watch.elapsed() < time) {
      for (; streams_.size() < options_.streams && watch.elapsed() >= next_opens;
           next_opens += apart) {
        open();
      }
      if (turn()) still = Stopwatch{};
      if (still.elapsed() > options_.standstill) throw Failure{"the stream stands still"};
    }
    if (!sends_) return moved_;
    std::uint64_t out = 0;
    for (const pollfd& stream : streams_) out += acknowledged(stream.fd);
    return out;
  }

 private:
  void open() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    choose_congestion(fd, options_.congestion);
    streams_.push_back({fd, static_cast<short>(sends_ ? POLLOUT : POLLIN), 0});
    if (connect(fd, reinterpret_cast<const sockaddr*>(&to_), sizeof to_) != 0 &&
        errno != EINPROGRESS) {
      fail_with_errno("cannot connect to " + address_);
    }
  }

  /// False: nothing has moved.
  bool turn() {
    bool moved = false;
    if (poll(streams_.data(), streams_.size(), kNap.count()) <= 0) return moved;
    for (const pollfd& stream : streams_) {
      if (stream.revents == 0) continue;
      switch (move_some(stream.fd, sends_, buffer_, moved_)) {
        case Moved::kSome:
          moved = true;
          break;
        case Moved::kNothing:
          break;
        case Moved::kEnd:
          throw Failure{"the server ends the stream"};
        case Moved::kBroken:
          fail_with_errno("the stream to " + address_ + " breaks");
      }
    }
    return moved;
  }

  const sockaddr_in to_;
  const std::string address_;
  const bool sends_;
  const StreamOptions options_;
  std::vector<char> buffer_;
  std::vector<pollfd> streams_;
  std::uint64_t moved_ = 0;
};

int listen_at(const std::string& address, std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in at = endpoint(address, port);
  if (fd < 0 || bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 ||
      listen(fd, 128) != 0) {
    fail_with_errno("cannot listen at " + address);
  }
  return fd;
}

}  // namespace

StreamFigure run_client(const NetworkNamespace& where, const std::string& address, Way way,
                        Seconds time, const StreamOptions& options) {
  StreamFigure out;
  where.run([&] {
    Clients clients{address, way, options};
    const Seconds warm_up = options.warm_up.value_or(std::min(time / 5, Seconds{0.5}));
    const std::uint64_t before = clients.run(warm_up);
    const double cpu_before = thread_cpu();
    const Stopwatch watch;
    const std::uint64_t octets = clients.run(time) - before;
    const double seconds = watch.elapsed().count();
    out.gbit_a_second = static_cast<double>(octets) * 8 / seconds / 1e9;
    out.cpu = (thread_cpu() - cpu_before) / seconds;
  });
  return out;
}

KernelServer::KernelServer(const NetworkNamespace& where, const std::string& address,
                           std::string congestion)
    : congestion_{std::move(congestion)} {
  where.run([&] {
    lanes_[0].listener = listen_at(address, kSinkPort);
    lanes_[1].listener = listen_at(address, kSourcePort);
    // What is accepted has it from the listener, and so from its first segment.
    for (const Lane& lane : lanes_) choose_congestion(lane.listener, congestion_);
  });
  for (const Way way : {Way::kToServer, Way::kFromServer}) {
    lanes_[index(way)].thread = std::thread{[this, &where, way] { serve(where, way); }};
  }
}

KernelServer::~KernelServer() {
  stop_ = true;
  for (Lane& lane : lanes_) {
    lane.thread.join();
    for (const int fd : lane.open) close(fd);
    close(lane.listener);
  }
}

std::uint64_t KernelServer::octets(Way way) const {
  const Lane& lane = lanes_[index(way)];
  const std::scoped_lock lock{lane.mutex};
  std::uint64_t out = lane.moved;
  if (way == Way::kToServer) return out;
  for (const int fd : lane.open) out += acknowledged(fd);
  return out;
}

std::size_t KernelServer::connections(Way way) const {
  const Lane& lane = lanes_[index(way)];
  const std::scoped_lock lock{lane.mutex};
  return lane.open.size();
}

void KernelServer::accept_all(Lane& lane) {
  for (;;) {
    const int fd = accept4(lane.listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) return;
    const std::scoped_lock lock{lane.mutex};
    lane.open.push_back(fd);
  }
}

void KernelServer::close_one(Lane& lane, Way way, int fd) {
  const std::scoped_lock lock{lane.mutex};
  if (way == Way::kFromServer) lane.moved += acknowledged(fd);
  std::erase(lane.open, fd);
  close(fd);
}

void KernelServer::serve(const NetworkNamespace& where, Way way) {
  enter(where);
  Lane& lane = lanes_[index(way)];
  std::vector<char> buffer(kPiece);
  std::vector<pollfd> waiting;
  const bool sends = way == Way::kFromServer;
  while (!stop_) {
    waiting.assign(1, {lane.listener, POLLIN, 0});
    for (const int fd : lane.open) {
      waiting.push_back({fd, static_cast<short>(sends ? POLLOUT : POLLIN), 0});
    }
    lane.cpu = thread_cpu();
    if (poll(waiting.data(), waiting.size(), kNap.count()) <= 0) continue;
    for (const pollfd& each : waiting) {
      if (each.revents == 0) continue;
      if (each.fd == lane.listener) {
        accept_all(lane);
        continue;
      }
      std::uint64_t octets = 0;
      const Moved moved = move_some(each.fd, sends, buffer, octets);
      if (!sends) {
        const std::scoped_lock lock{lane.mutex};
        lane.moved += octets;
      }
      if (moved == Moved::kEnd || moved == Moved::kBroken) close_one(lane, way, each.fd);
    }
  }
}

}  // namespace smol::bench
