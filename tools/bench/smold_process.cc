#include "tools/bench/smold_process.hh"

#include <arpa/inet.h>
#include <array>
#include <fstream>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocols/base/bytes.hh"
#include "protocols/base/checksum.hh"
#include "tools/bench/failure.hh"
#include "tools/bench/places.hh"
#include "tools/bench/stopwatch.hh"

namespace smol::bench {
namespace {

constexpr Seconds kLongestStart{10};

constexpr const char* kConfig = R"(# What smolbench runs smold with.
log:
  level: warning
ports:
  - name: smol0
    device: DEVICE
    addresses:
      - 192.168.69.1/24
apps:
  sink:
    enabled: on
    checksum: off
  source:
    enabled: on
  http:
    enabled: on
)";

std::string config_over(const std::string& device) {
  std::string out = kConfig;
  const std::string word = "DEVICE";
  return out.replace(out.find(word), word.size(), device);
}

/// Asks an address for echoes; of the thread's namespace.
class Pinger {
 public:
  explicit Pinger(const char* address)
      : fd_{socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP)} {
    to_.sin_family = AF_INET;
    inet_pton(AF_INET, address, &to_.sin_addr);
    if (fd_ < 0) throw Failure{"no raw socket to ping with: run it with sudo"};
  }
  ~Pinger() { close(fd_); }
  Pinger(const Pinger&) = delete;
  Pinger& operator=(const Pinger&) = delete;

  /// One request; true if an answer comes within `timeout_ms`.
  bool answered(int timeout_ms) {
    std::array<std::uint8_t, 16> request{8, 0, 0, 0, 0x5b, 0x3c};  // echo request, identifier
    put_be16(request, 6, ++sequence_);
    put_be16(request, 2, internet_sum(request).checksum());
    // Fails while the interface is still on its way up; the next one may not.
    sendto(fd_, request.data(), request.size(), 0, reinterpret_cast<const sockaddr*>(&to_),
           sizeof to_);
    pollfd readable{fd_, POLLIN, 0};
    while (poll(&readable, 1, timeout_ms) > 0) {
      std::array<std::uint8_t, 128> packet{};
      const ssize_t n = recv(fd_, packet.data(), packet.size(), 0);
      if (n >= 28 && packet[20] == 0 && be16(packet, 24) == 0x5b3c) return true;  // echo reply
    }
    return false;
  }

 private:
  int fd_;
  sockaddr_in to_{};
  std::uint16_t sequence_ = 0;
};

}  // namespace

SmoldProcess::SmoldProcess(const DaemonPlaces& places, const NetworkNamespace& where,
                           const std::string& device)
    : log_{places.out / "smold.log"},
      server_{"unix://" + std::filesystem::absolute(places.out / "ctl.sock").string()} {
  if (places.smold.empty()) {
    throw Failure{"no smold beside this program: build it, or name one with --smold"};
  }
  const std::filesystem::path config = places.out / "smold.yaml";
  write_file(config, config_over(device));
  const Stopwatch watch;
  process_.emplace(std::vector<std::string>{places.smold.string(), "--config", config.string(),
                                            "--grpc", server_},
                   Process::Options{.where = &where, .output_file = log_.string()});
  wait_for_interface(where);
  wait_for_answer(where);
  start_time_ = watch.elapsed();
}

void SmoldProcess::wait_for_interface(const NetworkNamespace& where) {
  const Stopwatch watch;
  bool there = false;
  where.run([&] {
    while (!there && watch.elapsed() < kLongestStart && process_->alive()) {
      there = interface_exists(kInterface);
      if (!there) usleep(500);
    }
    if (!there) return;
    set_up(kInterface);
    set_ip4_address(kInterface, kKernelAddress, 24);
  });
  if (!there) throw Failure{"smold makes no interface: " + last_words()};
}

void SmoldProcess::wait_for_answer(const NetworkNamespace& where) {
  const Stopwatch watch;
  bool answered = false;
  where.run([&] {
    Pinger pinger{kAddress};
    while (!answered && watch.elapsed() < kLongestStart && process_->alive()) {
      answered = pinger.answered(1);
    }
  });
  if (!answered) throw Failure{"smold does not answer a ping: " + last_words()};
}

std::string SmoldProcess::last_words() const {
  std::ifstream log{log_};
  std::string last = "and says nothing";
  for (std::string line; std::getline(log, line);) {
    if (!line.empty()) last = line;
  }
  return last;
}

void SmoldProcess::check() {
  if (!process_->alive()) throw Failure{"smold has ended: " + last_words()};
}

double SmoldProcess::cpu() {
  check();
  const std::optional<ProcessUse> use = process_use(pid());
  if (!use) throw Failure{"smold has ended: " + last_words()};
  return use->total();
}

}  // namespace smol::bench
