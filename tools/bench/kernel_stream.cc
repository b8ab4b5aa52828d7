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

/// A TCP socket with what both sides set alike.
class Socket {
 public:
  Socket(int fd, const std::string& congestion, Seconds standstill) : fd_{fd} {
    if (fd_ < 0) fail_with_errno("no TCP socket");
    const auto size = static_cast<socklen_t>(congestion.size());
    if (setsockopt(fd_, IPPROTO_TCP, TCP_CONGESTION, congestion.data(), size) != 0) {
      fail_with_errno("this kernel has no " + congestion);
    }
    const timeval limit{static_cast<time_t>(standstill.count()), 0};
    setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  ~Socket() { close(fd_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int fd() const noexcept { return fd_; }

 private:
  int fd_;
};

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

/// The client's end of a stream.
class Client {
 public:
  Client(const std::string& address, Way way, const StreamOptions& options)
      : socket_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), options.congestion,
                options.standstill},
        way_{way},
        buffer_(kPiece) {
    const sockaddr_in to = endpoint(address, way == Way::kToServer ? kSinkPort : kSourcePort);
    if (connect(socket_.fd(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
      fail_with_errno("cannot connect to " + address);
    }
  }

  /// Keeps the stream going; returns the octets that got through so far.
  std::uint64_t run(Seconds time) {
    const Stopwatch watch;
    while (watch.elapsed() < time) {
      const ssize_t n = way_ == Way::kToServer
                            ? send(socket_.fd(), buffer_.data(), buffer_.size(), MSG_NOSIGNAL)
                            : recv(socket_.fd(), buffer_.data(), buffer_.size(), 0);
      if (n == 0) throw Failure{"the server ends the stream"};
      if (n < 0 && errno == EAGAIN) throw Failure{"the stream stands still"};
      if (n < 0) fail_with_errno("the stream breaks");
      moved_ += static_cast<std::uint64_t>(n);
    }
    return way_ == Way::kToServer ? acknowledged() : moved_;
  }

 private:
  /// What left the program may still lie in the kernel: count what arrived.
  std::uint64_t acknowledged() const {
    tcp_info info{};
    socklen_t size = sizeof info;
    if (getsockopt(socket_.fd(), IPPROTO_TCP, TCP_INFO, &info, &size) != 0) {
      fail_with_errno("no TCP_INFO");
    }
    return info.tcpi_bytes_acked;
  }

  Socket socket_;
  Way way_;
  std::vector<char> buffer_;
  std::uint64_t moved_ = 0;
};

int listen_at(const std::string& address, std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in at = endpoint(address, port);
  if (fd < 0 || bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 ||
      listen(fd, 16) != 0) {
    fail_with_errno("cannot listen at " + address);
  }
  return fd;
}

}  // namespace

StreamFigure run_client(const NetworkNamespace& where, const std::string& address, Way way,
                        Seconds time, const StreamOptions& options) {
  StreamFigure out;
  where.run([&] {
    Client client{address, way, options};
    const Seconds warm_up = options.warm_up.value_or(std::min(time / 5, Seconds{0.5}));
    const std::uint64_t before = client.run(warm_up);
    const double cpu_before = thread_cpu();
    const Stopwatch watch;
    const std::uint64_t octets = client.run(time) - before;
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
    listeners_[0] = listen_at(address, kSinkPort);
    listeners_[1] = listen_at(address, kSourcePort);
  });
  threads_[0] = std::thread{[&] { serve(where, listeners_[0], Way::kToServer); }};
  threads_[1] = std::thread{[&] { serve(where, listeners_[1], Way::kFromServer); }};
}

KernelServer::~KernelServer() {
  stop_ = true;
  for (std::thread& thread : threads_) thread.join();
  for (const int fd : listeners_) close(fd);
}

void KernelServer::serve(const NetworkNamespace& where, int listener, Way way) {
  enter(where);
  std::vector<char> buffer(kPiece);
  while (!stop_) {
    pollfd waiting{listener, POLLIN, 0};
    if (poll(&waiting, 1, 100) <= 0) continue;
    const int fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    const Socket socket{fd, congestion_, Seconds{15}};
    const double before = thread_cpu();
    while (!stop_) {
      const ssize_t n = way == Way::kToServer
                            ? recv(fd, buffer.data(), buffer.size(), 0)
                            : send(fd, buffer.data(), buffer.size(), MSG_NOSIGNAL);
      if (n <= 0) break;
    }
    // Two threads add; neither may lose what the other added.
    double seen = cpu_.load();
    const double used = thread_cpu() - before;
    while (!cpu_.compare_exchange_weak(seen, seen + used)) {
    }
  }
}

}  // namespace smol::bench
