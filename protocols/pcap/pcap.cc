#include "protocols/pcap/pcap.hh"

#include <algorithm>
#include <bit>
#include <cstring>

namespace smol::pcap {
namespace {

constexpr std::uint32_t kNanosecondMagic = 0xa1b2'3c4d;
constexpr std::int64_t kSecond = 1'000'000'000;

constexpr std::uint32_t kSectionBlock = 0x0a0d'0d0a;
constexpr std::uint32_t kByteOrderMagic = 0x1a2b'3c4d;
constexpr std::uint32_t kInterfaceBlock = 1;
constexpr std::uint32_t kStatisticsBlock = 5;
constexpr std::uint32_t kPacketBlock = 6;

enum Option : std::uint16_t {
  kEnd = 0,
  kComment = 1,
  kSectionHardware = 2,
  kSectionOs = 3,
  kSectionApplication = 4,
  kInterfaceName = 2,
  kInterfaceDescription = 3,
  kInterfaceResolution = 9,
  kInterfaceFilter = 11,
  kPacketFlags = 2,
  kPacketDropCount = 4,
  kPacketId = 5,
  kPacketQueue = 6,
  kStatisticsReceived = 4,
  kStatisticsDropped = 5,
  kStatisticsAccepted = 6,
  kStatisticsOsDropped = 7,
  kStatisticsDelivered = 8,
};

/// Beyond these octets an option's length field ends. Nothing is cut within a character of UTF-8.
constexpr std::size_t kMaxText = 65'535 - 1;  // one may be the kind of a filter

std::string_view cut(std::string_view text) noexcept {
  if (text.size() <= kMaxText) return text;
  std::size_t end = kMaxText;
  while (end > 0 && (static_cast<std::uint8_t>(text[end]) & 0xc0) == 0x80) --end;
  return {text.data(), end};
}

/// Where a record goes: into a buffer, or, to learn its size, nowhere.
class Out {
 public:
  Out() noexcept : counting_{true} {}
  explicit Out(MutBytes out) noexcept : out_{out} {}

  template <class T>
  Out& word(T value) noexcept {
    static_assert(std::endian::native == std::endian::little, "swap the octets here");
    return octets(&value, sizeof value);
  }
  Out& octets(const void* data, std::size_t n) noexcept {
    if (!counting_) {
      if (n > out_.size() - std::min(at_, out_.size())) {
        full_ = true;
      } else if (!full_ && n > 0) {
        std::memcpy(out_.data() + at_, data, n);
      }
    }
    at_ += n;
    return *this;
  }
  Out& pad() noexcept {
    constexpr std::uint32_t kZero = 0;
    return octets(&kZero, (4 - at_ % 4) % 4);
  }

  // pcapng: type, length, body, options, length again
  Out& begin(std::uint32_t type) noexcept { return word(type).word(std::uint32_t{0}); }
  Out& option(std::uint16_t code, const void* data, std::size_t n) noexcept {
    has_options_ = true;
    return word(code).word(static_cast<std::uint16_t>(n)).octets(data, n).pad();
  }
  Out& option(std::uint16_t code, std::string_view text) noexcept {
    if (text.empty()) return *this;
    const std::string_view fits = cut(text);
    return option(code, fits.data(), fits.size());
  }
  template <class T>
  Out& option_word(std::uint16_t code, T value) noexcept {
    return option(code, &value, sizeof value);
  }
  template <class T>
  Out& option_word(std::uint16_t code, const std::optional<T>& value) noexcept {
    return value ? option_word(code, *value) : *this;
  }
  std::size_t end_block() noexcept {
    if (has_options_) word(std::uint16_t{kEnd}).word(std::uint16_t{0});
    const auto length = static_cast<std::uint32_t>(at_ + sizeof(std::uint32_t));
    word(length);
    if (!counting_ && !full_) std::memcpy(out_.data() + 4, &length, sizeof length);
    return end();
  }
  std::size_t end() const noexcept { return full_ ? 0 : at_; }

 private:
  MutBytes out_;
  std::size_t at_ = 0;
  const bool counting_ = false;
  bool full_ = false;
  bool has_options_ = false;
};

void put_time(Out& out, std::int64_t unix_ns) noexcept {
  const auto ns = static_cast<std::uint64_t>(unix_ns);
  out.word(static_cast<std::uint32_t>(ns >> 32)).word(static_cast<std::uint32_t>(ns));
}

std::size_t put(Out out, const Section& section) noexcept {
  constexpr std::int64_t kLengthUnsaid = -1;
  return out.begin(kSectionBlock)
      .word(kByteOrderMagic)
      .word(std::uint16_t{1})
      .word(std::uint16_t{0})
      .word(kLengthUnsaid)
      .option(kSectionHardware, section.hardware)
      .option(kSectionOs, section.os)
      .option(kSectionApplication, section.application)
      .option(kComment, section.comment)
      .end_block();
}

std::size_t put(Out out, const Interface& interface) noexcept {
  constexpr std::uint8_t kNanoseconds = 9;
  out.begin(kInterfaceBlock)
      .word(static_cast<std::uint16_t>(interface.link))
      .word(std::uint16_t{0})
      .word(interface.snap_length)
      .option(kInterfaceName, interface.name)
      .option(kInterfaceDescription, interface.description)
      .option_word(kInterfaceResolution, kNanoseconds);
  if (!interface.filter.empty()) {
    constexpr std::uint8_t kExpression = 0;
    const std::string_view text = cut(interface.filter);
    out.word(std::uint16_t{kInterfaceFilter})
        .word(static_cast<std::uint16_t>(text.size() + 1))
        .word(kExpression)
        .octets(text.data(), text.size())
        .pad();
  }
  return out.end_block();
}

std::size_t put(Out out, const Packet& packet) noexcept {
  out.begin(kPacketBlock).word(packet.interface);
  put_time(out, packet.unix_ns);
  out.word(static_cast<std::uint32_t>(packet.octets.size()))
      .word(packet.length)
      .octets(packet.octets.data(), packet.octets.size())
      .pad();
  if (packet.direction != Direction::kUnknown) {
    out.option_word(kPacketFlags, static_cast<std::uint32_t>(packet.direction));
  }
  if (packet.dropped_before > 0) out.option_word(kPacketDropCount, packet.dropped_before);
  return out.option_word(kPacketId, packet.packet_id)
      .option_word(kPacketQueue, packet.queue)
      .option(kComment, packet.comment)
      .end_block();
}

std::size_t put(Out out, const Statistics& statistics) noexcept {
  out.begin(kStatisticsBlock).word(statistics.interface);
  put_time(out, statistics.unix_ns);
  return out.option_word(kStatisticsReceived, statistics.received)
      .option_word(kStatisticsDropped, statistics.dropped)
      .option_word(kStatisticsAccepted, statistics.accepted)
      .option_word(kStatisticsOsDropped, statistics.os_dropped)
      .option_word(kStatisticsDelivered, statistics.delivered)
      .end_block();
}

}  // namespace

std::size_t write_file_header(MutBytes out, LinkType link, std::uint32_t snap_length) noexcept {
  return Out{out}
      .word(kNanosecondMagic)
      .word(std::uint16_t{2})
      .word(std::uint16_t{4})
      .word(std::uint32_t{0})  // the time zone: always UTC
      .word(std::uint32_t{0})  // and its accuracy: always zero
      .word(snap_length)
      .word(static_cast<std::uint32_t>(link))
      .end();
}

std::size_t write_record(MutBytes out, const Packet& packet) noexcept {
  return Out{out}
      .word(static_cast<std::uint32_t>(packet.unix_ns / kSecond))
      .word(static_cast<std::uint32_t>(packet.unix_ns % kSecond))
      .word(static_cast<std::uint32_t>(packet.octets.size()))
      .word(packet.length)
      .octets(packet.octets.data(), packet.octets.size())
      .end();
}

std::size_t write_section(MutBytes out, const Section& section) noexcept {
  return put(Out{out}, section);
}
std::size_t size_of(const Section& section) noexcept {
  return put(Out{}, section);
}
std::size_t write_interface(MutBytes out, const Interface& interface) noexcept {
  return put(Out{out}, interface);
}
std::size_t size_of(const Interface& interface) noexcept {
  return put(Out{}, interface);
}
std::size_t write_packet(MutBytes out, const Packet& packet) noexcept {
  return put(Out{out}, packet);
}
std::size_t size_of(const Packet& packet) noexcept {
  return put(Out{}, packet);
}
std::size_t write_statistics(MutBytes out, const Statistics& statistics) noexcept {
  return put(Out{out}, statistics);
}
std::size_t size_of(const Statistics& statistics) noexcept {
  return put(Out{}, statistics);
}

}  // namespace smol::pcap
