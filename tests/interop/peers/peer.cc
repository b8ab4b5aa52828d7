// What Python is too slow for: moves and checks a lot of octets over TCP, or makes a lot of
// connections. Through the kernel's sockets alone; nothing of the stack under test is used.
//
//   peer send ADDRESS PORT OCTETS [CONGESTION]
//                                      random octets, then FIN; waits for the peer's FIN
//   peer receive ADDRESS PORT OCTETS   checks that octet i is i modulo 251, then closes
//   peer churn ADDRESS PORT COUNT hello|reverse
//                                      connections one after another: to a server that greets and
//                                      closes, or to one that is asked and closed by us
//
// Prints one line of `name=value` words. Status 0, or 1 with a line on standard error.
#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kPiece = 256 * 1024;
constexpr std::size_t kPeriod = 251;
/// A peer that is silent for so long is dead: the test shall not wait for its own limit.
constexpr timeval kPatience{100, 0};

[[noreturn]] void give_up(const std::string& what, int error = 0) {
  const std::string why = error == 0 ? std::string{} : std::string{": "} + std::strerror(error);
  std::fprintf(stderr, "peer: %s%s\n", what.c_str(), why.c_str());
  std::exit(1);
}

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stopped != end) give_up("no number: " + std::string{text});
  return value;
}

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// --- CRC-32C (RFC 3720 appendix B.4), eight octets at a time
// -----------------------------------------

using CrcTables = std::array<std::array<std::uint32_t, 256>, 8>;

constexpr CrcTables make_crc_tables() {
  constexpr std::uint32_t kReflectedPolynomial = 0x82f6'3b78;
  CrcTables tables{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1) ^ ((crc & 1) != 0 ? kReflectedPolynomial : 0);
    }
    tables[0][i] = crc;
  }
  for (std::size_t t = 1; t < tables.size(); ++t) {
    for (std::size_t i = 0; i < 256; ++i) {
      const std::uint32_t before = tables[t - 1][i];
      tables[t][i] = (before >> 8) ^ tables[0][before & 0xff];
    }
  }
  return tables;
}

constexpr CrcTables kCrc = make_crc_tables();

/// Of what went before and `data`; begin with 0.
std::uint32_t crc32c(std::uint32_t crc, const std::uint8_t* data, std::size_t size) {
  crc = ~crc;
  for (; size >= 8; data += 8, size -= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, data, sizeof word);
    word ^= crc;
    crc = 0;
    for (std::size_t i = 0; i < 8; ++i) crc ^= kCrc[7 - i][(word >> (8 * i)) & 0xff];
  }
  for (; size > 0; ++data, --size) crc = (crc >> 8) ^ kCrc[0][(crc ^ *data) & 0xff];
  return ~crc;
}

// --- sockets
// -----------------------------------------------------------------------------------------

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

Address parse_address(const std::string& text, std::uint64_t port) {
  Address out;
  sockaddr_in6 six{};
  sockaddr_in four{};
  if (inet_pton(AF_INET6, text.c_str(), &six.sin6_addr) == 1) {
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(static_cast<std::uint16_t>(port));
    std::memcpy(&out.storage, &six, out.size = sizeof six);
  } else if (inet_pton(AF_INET, text.c_str(), &four.sin_addr) == 1) {
    four.sin_family = AF_INET;
    four.sin_port = htons(static_cast<std::uint16_t>(port));
    std::memcpy(&out.storage, &four, out.size = sizeof four);
  } else {
    give_up("no address: " + text);
  }
  return out;
}

class Socket {
 public:
  explicit Socket(const Address& peer) : fd_{socket(peer.storage.ss_family, SOCK_STREAM, 0)} {
    if (fd_ < 0) give_up("socket", errno);
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
    setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
  }
  ~Socket() { close(fd_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  int fd() const { return fd_; }
  bool connect(const Address& peer) const { return ::connect(fd_, peer.get(), peer.size) == 0; }
  /// Our port.
  unsigned port() const {
    sockaddr_storage local{};
    socklen_t size = sizeof local;
    getsockname(fd_, reinterpret_cast<sockaddr*>(&local), &size);
    // At the same place in both families.
    return ntohs(reinterpret_cast<const sockaddr_in*>(&local)->sin_port);
  }

 private:
  int fd_;
};

// --- much data on one connection
// ---------------------------------------------------------------------

class Random {
 public:
  void fill(std::vector<std::uint8_t>& out) {
    for (std::size_t i = 0; i + 8 <= out.size(); i += 8) {
      state_ ^= state_ << 13;
      state_ ^= state_ >> 7;
      state_ ^= state_ << 17;
      std::memcpy(out.data() + i, &state_, sizeof state_);
    }
  }

 private:
  std::uint64_t state_ = 0x9e37'79b9'7f4a'7c15;
};

void send_all(int fd, const std::uint8_t* data, std::size_t size) {
  while (size > 0) {
    const ssize_t n = ::send(fd, data, size, MSG_NOSIGNAL);
    if (n < 0) give_up("send", errno);
    data += n;
    size -= static_cast<std::size_t>(n);
  }
}

/// `congestion`: the kernel's control of it; empty: the usual one.
void send_random(const Address& peer, std::uint64_t octets, const std::string& congestion) {
  const Socket socket{peer};
  if (!congestion.empty() &&
      setsockopt(socket.fd(), IPPROTO_TCP, TCP_CONGESTION, congestion.c_str(),
                 static_cast<socklen_t>(congestion.size())) != 0) {
    give_up("congestion control " + congestion, errno);
  }
  if (!socket.connect(peer)) give_up("connect", errno);
  const unsigned port = socket.port();
  const Clock::time_point begin = Clock::now();
  std::vector<std::uint8_t> piece(kPiece);
  Random random;
  std::uint32_t crc = 0;
  for (std::uint64_t left = octets; left > 0;) {
    random.fill(piece);
    const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(left, piece.size()));
    crc = crc32c(crc, piece.data(), n);
    send_all(socket.fd(), piece.data(), n);
    left -= n;
  }
  shutdown(socket.fd(), SHUT_WR);
  const ssize_t n = recv(socket.fd(), piece.data(), piece.size(), 0);
  if (n < 0) give_up("waiting for the peer's FIN", errno);
  if (n > 0) give_up("the peer sent something");
  std::printf("octets=%llu crc32c=0x%08x port=%u seconds=%.3f\n",
              static_cast<unsigned long long>(octets), crc, port, seconds_since(begin));
}

void receive_pattern(const Address& peer, std::uint64_t octets) {
  const Socket socket{peer};
  if (!socket.connect(peer)) give_up("connect", errno);
  const Clock::time_point begin = Clock::now();
  std::vector<std::uint8_t> pattern(kPiece + kPeriod);
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    pattern[i] = static_cast<std::uint8_t>(i % kPeriod);
  }
  std::vector<std::uint8_t> piece(kPiece);
  for (std::uint64_t at = 0; at < octets;) {
    const ssize_t n =
        recv(socket.fd(), piece.data(),
             static_cast<std::size_t>(std::min<std::uint64_t>(octets - at, kPiece)), 0);
    if (n < 0) give_up("receive after " + std::to_string(at) + " octets", errno);
    if (n == 0) give_up("the peer closed after " + std::to_string(at) + " octets");
    const auto size = static_cast<std::size_t>(n);
    if (std::memcmp(piece.data(), pattern.data() + at % kPeriod, size) != 0) {
      give_up("wrong content between octets " + std::to_string(at) + " and " +
              std::to_string(at + size));
    }
    at += size;
  }
  std::printf("octets=%llu seconds=%.3f\n", static_cast<unsigned long long>(octets),
              seconds_since(begin));
}

// --- many connections
// --------------------------------------------------------------------------------

/// Reads to the peer's FIN.
std::string read_to_end(const Socket& socket, std::uint64_t connection) {
  std::string text;
  std::array<char, 64> buffer;
  for (;;) {
    const ssize_t n = recv(socket.fd(), buffer.data(), buffer.size(), 0);
    if (n < 0) give_up("connection " + std::to_string(connection) + ": receive", errno);
    if (n == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(n));
  }
}

void expect(const std::string& got, std::string_view wanted, std::uint64_t connection) {
  if (got == wanted) return;
  give_up("connection " + std::to_string(connection) + ": got '" + got + "'");
}

void churn(const Address& peer, std::uint64_t count, bool peer_closes_first) {
  const Clock::time_point begin = Clock::now();
  for (std::uint64_t i = 0; i < count; ++i) {
    const Socket socket{peer};
    if (!socket.connect(peer)) give_up("connection " + std::to_string(i) + ": connect", errno);
    if (peer_closes_first) {
      expect(read_to_end(socket, i), "hello\n", i);
      continue;
    }
    constexpr std::string_view kLine = "ab\n";
    send_all(socket.fd(), reinterpret_cast<const std::uint8_t*>(kLine.data()), kLine.size());
    std::array<char, 4> answer;
    const ssize_t n = recv(socket.fd(), answer.data(), kLine.size(), MSG_WAITALL);
    if (n < 0) give_up("connection " + std::to_string(i) + ": receive", errno);
    expect(std::string{answer.data(), static_cast<std::size_t>(n)}, "ba\n", i);
    // Our FIN first, and the peer's seen: the connection ends in order.
    shutdown(socket.fd(), SHUT_WR);
    expect(read_to_end(socket, i), "", i);
  }
  std::printf("connections=%llu seconds=%.3f\n", static_cast<unsigned long long>(count),
              seconds_since(begin));
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() < 4)
    give_up("usage: peer send|receive|churn ADDRESS PORT COUNT [CONGESTION|hello|reverse]");
  const Address peer = parse_address(words[1], number(words[2]));
  const std::uint64_t count = number(words[3]);
  if (words[0] == "send") {
    send_random(peer, count, words.size() == 5 ? words[4] : std::string{});
  } else if (words[0] == "receive") {
    receive_pattern(peer, count);
  } else if (words[0] == "churn" && words.size() == 5) {
    churn(peer, count, words[4] == "hello");
  } else {
    give_up("no such command: " + words[0]);
  }
  return 0;
}
