#include "tools/dump/pcapng_metadata.hh"

#include <algorithm>

namespace smol::dump {
namespace {

constexpr std::uint32_t kSectionBlock = 0x0a0d'0d0a;
constexpr std::uint32_t kInterfaceBlock = 1;
constexpr std::uint32_t kOldPacketBlock = 2;
constexpr std::uint32_t kSimplePacketBlock = 3;
constexpr std::uint32_t kEnhancedPacketBlock = 6;
constexpr std::uint32_t kByteOrderMagic = 0x1a2b'3c4d;
constexpr std::size_t kBlockFrame = 12;  ///< type, length, length again

constexpr std::uint16_t kComment = 1;
constexpr std::uint16_t kInterfaceName = 2;
constexpr std::uint16_t kPacketFlags = 2;
constexpr std::uint16_t kDropCount = 4;
constexpr std::uint16_t kQueue = 6;

std::string text_of(Bytes octets) {
  std::string out;
  out.reserve(octets.size());
  for (const std::uint8_t octet : octets) out += static_cast<char>(octet);
  return out;
}

std::uint32_t swapped(std::uint32_t value) {
  return __builtin_bswap32(value);
}

}  // namespace

std::uint16_t PcapngMetadata::u16(Bytes b, std::size_t at) const {
  const std::uint16_t value = be16(b, at);
  return big_endian_ ? value : __builtin_bswap16(value);
}

std::uint32_t PcapngMetadata::u32(Bytes b, std::size_t at) const {
  const std::uint32_t value = be32(b, at);
  return big_endian_ ? value : swapped(value);
}

template <class F>
void PcapngMetadata::each_option(Bytes options, F f) const {
  while (options.size() >= 4) {
    const std::uint16_t code = u16(options, 0);
    const std::size_t length = u16(options, 2);
    options = options.subspan(4);
    if (code == 0 || length > options.size()) return;
    f(code, options.first(length));
    options = options.subspan(std::min((length + 3) / 4 * 4, options.size()));
  }
}

void PcapngMetadata::interface_block(Bytes body) {
  if (interfaces_.size() >= kMostInterfaces) return;
  std::string name;
  if (body.size() >= 8) {
    each_option(body.subspan(8), [&](std::uint16_t code, Bytes value) {
      if (code == kInterfaceName) name = text_of(value);
    });
  }
  interfaces_.push_back(std::move(name));
}

void PcapngMetadata::packet(std::uint32_t interface, Bytes options) {
  PacketMeta meta;
  if (interface < interfaces_.size()) meta.interface = interfaces_[interface];
  each_option(options, [&](std::uint16_t code, Bytes value) {
    if (code == kComment) {
      read_comment(text_of(value), meta);
    } else if (code == kPacketFlags && value.size() == 4) {
      const std::uint32_t direction = u32(value, 0) & 3;
      if (direction == 1) meta.direction = pcap::Direction::kInbound;
      if (direction == 2) meta.direction = pcap::Direction::kOutbound;
    } else if (code == kQueue && value.size() == 4) {
      meta.queue = u32(value, 0);
    } else if (code == kDropCount && value.size() == 8) {
      const std::uint64_t first = u32(value, 0);
      const std::uint64_t second = u32(value, 4);
      meta.dropped_before = big_endian_ ? first << 32 | second : second << 32 | first;
    }
  });
  if (meta.direction != pcap::Direction::kUnknown) saw_direction_ = true;
  packets_.push_back(std::move(meta));
}

void PcapngMetadata::enhanced_block(Bytes body) {
  constexpr std::size_t kFixed = 20;
  if (body.size() < kFixed) return packet(UINT32_MAX, {});
  const std::size_t captured = u32(body, 12);
  const Bytes behind = body.subspan(kFixed);
  const std::size_t padded = captured + (4 - captured % 4) % 4;
  packet(u32(body, 0), padded <= behind.size() ? behind.subspan(padded) : Bytes{});
}

void PcapngMetadata::block(std::uint32_t type, Bytes body) {
  switch (type) {
    case kSectionBlock:
      interfaces_.clear();
      break;
    case kInterfaceBlock:
      interface_block(body);
      break;
    case kEnhancedPacketBlock:
      enhanced_block(body);
      break;
    case kSimplePacketBlock:
      packet(0, {});
      break;
    case kOldPacketBlock:
      packet(body.size() >= 2 ? u16(body, 0) : UINT32_MAX, {});
      break;
    default:
      break;
  }
}

/// False: there is not all of it yet, or it is none.
bool PcapngMetadata::one_block(Bytes rest, std::size_t& used) {
  if (rest.size() < kBlockFrame) return false;
  if (be32(rest, 0) == kSectionBlock) {
    const std::uint32_t magic = be32(rest, 8);
    if (magic != kByteOrderMagic && magic != swapped(kByteOrderMagic)) {
      state_ = State::kLost;
      return false;
    }
    big_endian_ = magic == kByteOrderMagic;
  }
  const std::size_t length = u32(rest, 4);
  if (length < kBlockFrame || length > kLongestBlock || length % 4 != 0) {
    state_ = State::kLost;
    return false;
  }
  if (rest.size() < length) return false;
  block(u32(rest, 0), rest.subspan(8, length - kBlockFrame));
  used = length;
  return true;
}

void PcapngMetadata::feed(Bytes octets) {
  if (state_ == State::kLost || state_ == State::kOther) return;
  pending_.insert(pending_.end(), octets.begin(), octets.end());
  if (state_ == State::kStart) {
    if (pending_.size() < 4) return;
    state_ = be32(pending_, 0) == kSectionBlock ? State::kBlocks : State::kOther;
  }
  std::size_t at = 0;
  std::size_t used = 0;
  while (state_ == State::kBlocks && one_block(Bytes{pending_}.subspan(at), used)) at += used;
  if (state_ == State::kBlocks) {
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(at));
  } else {
    pending_.clear();
  }
}

PacketMeta PcapngMetadata::take() {
  if (packets_.empty()) return {};
  PacketMeta out = std::move(packets_.front());
  packets_.pop_front();
  return out;
}

}  // namespace smol::dump
