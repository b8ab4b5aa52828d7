#include "dataplane/pcap_file.hh"

#include <cerrno>
#include <cstring>

namespace smol::dataplane {
namespace {

constexpr std::uint32_t kPcapNanoseconds = 0xa1b2'3c4d;
constexpr std::uint32_t kLinkEthernet = 1;
constexpr std::size_t kFileBuffer = 1 << 20;

constexpr std::uint32_t kSectionHeader = 0x0a0d'0d0a;
constexpr std::uint32_t kByteOrder = 0x1a2b'3c4d;
constexpr std::uint32_t kInterfaceDescription = 1;
constexpr std::uint32_t kInterfaceStatistics = 5;
constexpr std::uint32_t kEnhancedPacket = 6;

constexpr std::uint16_t kOptionEnd = 0;
constexpr std::uint16_t kOptionComment = 1;
constexpr std::uint16_t kSectionApplication = 4;
constexpr std::uint16_t kInterfaceName = 2;
constexpr std::uint16_t kInterfaceResolution = 9;
constexpr std::uint16_t kPacketFlags = 2;
constexpr std::uint16_t kPacketDropCount = 4;
constexpr std::uint16_t kStatisticsReceived = 4;
constexpr std::uint16_t kStatisticsLost = 5;

constexpr std::int64_t kSecond = 1'000'000'000;

/// Both formats are written in this machine's byte order; their magic numbers tell the reader.
class Block {
 public:
  explicit Block(std::vector<std::uint8_t>& out) : out_{out} { out_.clear(); }

  template <class T>
  Block& word(T value) {
    const std::size_t at = out_.size();
    out_.resize(at + sizeof value);
    std::memcpy(out_.data() + at, &value, sizeof value);
    return *this;
  }
  Block& octets(const void* data, std::size_t n) {
    const std::size_t at = out_.size();
    out_.resize(at + n);
    if (n > 0) std::memcpy(out_.data() + at, data, n);
    return *this;
  }
  Block& padded(const void* data, std::size_t n) {
    octets(data, n);
    out_.resize((out_.size() + 3) / 4 * 4);
    return *this;
  }

  // pcapng: type, length, ..., length again.
  Block& begin(std::uint32_t type) { return word(type).word(std::uint32_t{0}); }
  Block& option(std::uint16_t code, const void* data, std::size_t n) {
    return word(code).word(static_cast<std::uint16_t>(n)).padded(data, n);
  }
  Block& option(std::uint16_t code, std::string_view text) {
    return option(code, text.data(), text.size());
  }
  template <class T>
  Block& option_word(std::uint16_t code, T value) {
    return option(code, &value, sizeof value);
  }
  void end(bool options) {
    if (options) word(kOptionEnd).word(std::uint16_t{0});
    const auto length = static_cast<std::uint32_t>(out_.size() + 4);
    word(length);
    std::memcpy(out_.data() + 4, &length, sizeof length);
  }

 private:
  std::vector<std::uint8_t>& out_;
};

std::uint32_t high(std::int64_t ns) noexcept {
  return static_cast<std::uint32_t>(static_cast<std::uint64_t>(ns) >> 32);
}
std::uint32_t low(std::int64_t ns) noexcept {
  return static_cast<std::uint32_t>(ns);
}

}  // namespace

Result<std::unique_ptr<PcapFile>, StartError> PcapFile::create(
    const std::string& path, const std::vector<std::string>& interfaces,
    std::uint32_t snap_length) {
  std::FILE* file = std::fopen(path.c_str(), "wbe");
  if (file == nullptr) {
    return fail(StartError{"capture file " + path + ": cannot create: " + std::strerror(errno)});
  }
  std::setvbuf(file, nullptr, _IOFBF, kFileBuffer);
  const bool ng = path.ends_with(".pcapng");
  std::unique_ptr<PcapFile> out{new PcapFile{file, ng, interfaces.size()}};
  if (!out->write_headers(interfaces, snap_length) || !out->flush()) {
    return fail(StartError{"capture file " + path + ": cannot write: " + std::strerror(errno)});
  }
  return out;
}

PcapFile::~PcapFile() {
  std::fclose(file_);
}

bool PcapFile::put() {
  return std::fwrite(block_.data(), 1, block_.size(), file_) == block_.size();
}

bool PcapFile::flush() {
  return std::fflush(file_) == 0;
}

bool PcapFile::write_headers(const std::vector<std::string>& interfaces,
                             std::uint32_t snap_length) {
  if (!ng_) {
    Block{block_}
        .word(kPcapNanoseconds)
        .word(std::uint16_t{2})
        .word(std::uint16_t{4})
        .word(std::uint32_t{0})  // the time zone: always UTC
        .word(std::uint32_t{0})  // and its accuracy: always zero
        .word(snap_length)
        .word(kLinkEthernet);
    return put();
  }
  constexpr std::int64_t kLengthUnknown = -1;
  Block{block_}
      .begin(kSectionHeader)
      .word(kByteOrder)
      .word(std::uint16_t{1})
      .word(std::uint16_t{0})
      .word(kLengthUnknown)
      .option(kSectionApplication, "smold")
      .end(true);
  if (!put()) return false;
  for (const std::string& name : interfaces) {
    Block{block_}
        .begin(kInterfaceDescription)
        .word(static_cast<std::uint16_t>(kLinkEthernet))
        .word(std::uint16_t{0})
        .word(snap_length)
        .option(kInterfaceName, name)
        .option_word(kInterfaceResolution, std::uint8_t{9})
        .end(true);
    if (!put()) return false;
  }
  return true;
}

bool PcapFile::write(std::int64_t unix_ns, const CapturedPacket& packet, Bytes octets) {
  Block block{block_};
  if (!ng_) {
    block.word(static_cast<std::uint32_t>(unix_ns / kSecond))
        .word(static_cast<std::uint32_t>(unix_ns % kSecond))
        .word(packet.captured)
        .word(packet.length)
        .octets(octets.data(), octets.size());
    return put();
  }
  constexpr std::uint32_t kInbound = 1;
  constexpr std::uint32_t kOutbound = 2;
  block.begin(kEnhancedPacket)
      .word(std::uint32_t{packet.interface})
      .word(high(unix_ns))
      .word(low(unix_ns))
      .word(packet.captured)
      .word(packet.length)
      .padded(octets.data(), octets.size())
      .option_word(kPacketFlags, packet.direction == Direction::kRx ? kInbound : kOutbound);
  if (packet.lost > 0) block.option_word(kPacketDropCount, std::uint64_t{packet.lost});
  if (packet.dropped) {
    block.option(kOptionComment, "drop: " + std::string{name(packet.reason)});
  }
  block.end(true);
  return put();
}

bool PcapFile::finish(std::int64_t unix_ns, std::uint64_t received, std::uint64_t lost) {
  if (!ng_) return flush();
  for (std::uint32_t i = 0; i < interfaces_; ++i) {
    Block block{block_};
    block.begin(kInterfaceStatistics).word(i).word(high(unix_ns)).word(low(unix_ns));
    // The rings are per worker, not per port: the totals stand with the first.
    if (i == 0) {
      block.option_word(kStatisticsReceived, received).option_word(kStatisticsLost, lost);
    }
    block.end(i == 0);
    if (!put()) return false;
  }
  return flush();
}

}  // namespace smol::dataplane
