#include "tools/dump/file_source.hh"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <fmt/format.h>
#include <pcap/pcap.h>

#include "tools/dump/pcapng_metadata.hh"

namespace smol::dump {
namespace {

constexpr std::int64_t kNsPerSecond = 1'000'000'000;

/// The file as libpcap reads it, with a second reader on everything that passes. Behind a stdio
/// stream, whose read-ahead is bounded: so is what the second reader is in front.
struct Tee {
  int fd = -1;
  int wake = -1;  ///< an eventfd: readable once the reading is to end
  PcapngMetadata metadata;

  ~Tee() {
    if (fd > STDERR_FILENO) close(fd);
    if (wake >= 0) close(wake);
  }
};

/// Waits until there is something to read. False: the reading is to end.
bool wait_for_octets(const Tee& tee) {
  std::array<pollfd, 2> waits{{{tee.fd, POLLIN, 0}, {tee.wake, POLLIN, 0}}};
  while (poll(waits.data(), waits.size(), -1) < 0) {
    if (errno != EINTR) return true;  // read() says what is wrong
  }
  return waits[1].revents == 0;
}

ssize_t read_through(void* cookie, char* to, size_t room) {
  Tee& tee = *static_cast<Tee*>(cookie);
  if (!wait_for_octets(tee)) return 0;
  ssize_t got = 0;
  do {
    got = read(tee.fd, to, room);
  } while (got < 0 && errno == EINTR);
  if (got <= 0) return got;
  std::array<std::uint8_t, 4096> octets{};
  for (std::size_t at = 0; at < static_cast<std::size_t>(got);) {
    const std::size_t n = std::min(octets.size(), static_cast<std::size_t>(got) - at);
    std::memcpy(octets.data(), to + at, n);
    tee.metadata.feed(Bytes{octets}.first(n));
    at += n;
  }
  return got;
}

struct ClosePcap {
  void operator()(pcap_t* handle) const noexcept { pcap_close(handle); }
};

auto failed(std::string text) {
  return fail(Failure{client::ExitStatus::kFailed, std::move(text)});
}

class FileSource final : public PacketSource {
 public:
  FileSource(std::string path, std::unique_ptr<Tee> tee, pcap_t* handle)
      : path_{std::move(path)}, tee_{std::move(tee)}, handle_{handle} {}

  int datalink() const override { return pcap_datalink(handle_.get()); }
  std::uint32_t snap_length() const override {
    return static_cast<std::uint32_t>(pcap_snapshot(handle_.get()));
  }
  bool knows_direction() const override { return tee_->metadata.saw_direction(); }

  std::string description() const override {
    const char* name = pcap_datalink_val_to_name(datalink());
    const char* what = pcap_datalink_val_to_description(datalink());
    const std::string link = name != nullptr
                                 ? fmt::format("{} ({})", name, what != nullptr ? what : name)
                                 : fmt::format("{}", datalink());
    return fmt::format("reading from file {}, link-type {}, snapshot length {}", path_, link,
                       snap_length());
  }

  Result<std::optional<SourcePacket>, Failure> next() override {
    pcap_pkthdr* header = nullptr;
    const u_char* octets = nullptr;
    const int status = pcap_next_ex(handle_.get(), &header, &octets);
    if (status == PCAP_ERROR_BREAK) return std::optional<SourcePacket>{};
    if (status != 1) return failed(fmt::format("{}: {}", path_, pcap_geterr(handle_.get())));
    SourcePacket packet;
    packet.captured.when = header->ts.tv_sec * kNsPerSecond + header->ts.tv_usec;
    packet.captured.length = header->len;
    packet.captured.octets = {octets, header->caplen};
    packet.meta = tee_->metadata.take();
    return std::optional{std::move(packet)};
  }

  void interrupt() noexcept override {
    const std::uint64_t once = 1;
    // An eventfd that is readable already does what is wanted.
    [[maybe_unused]] const ssize_t written = write(tee_->wake, &once, sizeof once);
  }

 private:
  std::string path_;
  std::unique_ptr<Tee> tee_;  ///< outlives the handle, which reads through it
  std::unique_ptr<pcap_t, ClosePcap> handle_;
};

}  // namespace

Result<std::unique_ptr<PacketSource>, Failure> open_file(const std::string& path) {
  auto tee = std::make_unique<Tee>();
  tee->fd = path == "-" ? STDIN_FILENO : open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (tee->fd < 0) return failed(fmt::format("{}: {}", path, std::strerror(errno)));
  tee->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (tee->wake < 0) return failed(fmt::format("eventfd: {}", std::strerror(errno)));
  std::FILE* stream = fopencookie(tee.get(), "rb", {read_through, nullptr, nullptr, nullptr});
  if (stream == nullptr) return failed(fmt::format("{}: {}", path, std::strerror(errno)));
  std::array<char, PCAP_ERRBUF_SIZE> error{};
  // Always nanoseconds: what is shown is cut by whoever prints.
  pcap_t* handle =
      pcap_fopen_offline_with_tstamp_precision(stream, PCAP_TSTAMP_PRECISION_NANO, error.data());
  if (handle == nullptr) {
    std::fclose(stream);
    return failed(fmt::format("{}: {}", path, error.data()));
  }
  return std::unique_ptr<PacketSource>{std::make_unique<FileSource>(path, std::move(tee), handle)};
}

}  // namespace smol::dump
