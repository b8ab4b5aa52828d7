#include <optional>

#include "tools/dump/printers.hh"

namespace smol::dump {
namespace {

constexpr std::size_t kHeader = 40;
constexpr std::uint8_t kHopByHop = 0;
constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kUdp = 17;
constexpr std::uint8_t kDccp = 33;
constexpr std::uint8_t kRouting = 43;
constexpr std::uint8_t kFragment = 44;
constexpr std::uint8_t kDestinationOptions = 60;
constexpr std::uint8_t kSctp = 132;

void print_header(Printout& out, const Octets& octets) {
  const std::uint32_t word = octets.be32(0);
  out.add("(");
  if ((word & 0x0ff0'0000) != 0) out.put("class 0x{:02x}, ", word >> 20 & 0xff);
  if ((word & 0x000f'ffff) != 0) out.put("flowlabel 0x{:05x}, ", word & 0x000f'ffff);
  const char* next = ip_protocol_name(octets.u8(6));
  out.put("hlim {}, next-header {} ({}) payload length: {}) ", octets.u8(7),
          next != nullptr ? next : "unknown", octets.u8(6), octets.be16(4));
}

/// The header chain of a packet, of which the layer below says that it has `length` octets.
class Chain {
 public:
  Chain(Printout& out, const Octets& octets, std::size_t length)
      : out_{out},
        octets_{octets},
        length_{length},
        payload_{octets.be16(4)},
        left_{payload_ + kHeader} {
    // Without a length of its own, the packet's is in an option yet to come (RFC 2675).
    if (payload_ != 0) octets_ = octets_.first(left_);
  }

  void print() {
    std::uint8_t next = octets_.u8(6);
    std::size_t header = kHeader;
    while (at_ < octets_.size() && header > 0) {
      if (left_ < header) throw Cut{true};
      at_ += header;
      left_ -= header;
      if (at_ == kHeader && next != kTcp && next != kUdp && next != kDccp && next != kSctp) {
        out_.put("{} > {}: ", out_.v6(octets_, 8), out_.v6(octets_, 24));
      }
      const auto length = print_extension(next);
      if (!length) return print_payload(next);
      header = *length;
      if (header > 0) next = octets_.u8(at_);
      out_.protocol = "ip6";
    }
  }

 private:
  /// The octets of the extension header here, 0 if nothing is printed behind it; nothing: it is not
  /// one.
  std::optional<std::size_t> print_extension(std::uint8_t next) {
    const Octets here = octets_.from(at_);
    switch (next) {
      case kHopByHop:
        return print_hop_by_hop_here(here);
      case kDestinationOptions:
        return print_destination_options(out_, here);
      case kRouting:
        here.need_first(1);
        return print_routing(out_, here);
      case kFragment:
        fragment_ = true;
        return print_fragment(out_, here, octets_.be16(4) + kHeader - at_);
      default:
        return std::nullopt;
    }
  }

  /// RFC 8200 section 4.1: once, and directly behind the fixed header.
  std::size_t print_hop_by_hop_here(const Octets& here) {
    const char* wrong = nullptr;
    std::size_t length = 0;
    if (hop_by_hop_) {
      wrong = "[The Hop-by-Hop Options header was already found]";
    } else if (at_ != kHeader) {
      wrong = "[The Hop-by-Hop Options header don't follow the IPv6 header]";
    } else {
      hop_by_hop_ = true;
      length = print_hop_by_hop(out_, here, payload_, jumbo_);
      if (payload_ == 0 && !jumbo_) {
        wrong = "[No valid Jumbo Payload Hop-by-Hop option found]";
      } else if (jumbo_) {
        left_ = *jumbo_ + kHeader - at_;
      }
    }
    if (wrong == nullptr) return length;
    out_.add(wrong);
    out_.invalid();
    return 0;
  }

  void print_payload(std::uint8_t next) {
    if (jumbo_ && *jumbo_ + kHeader > length_) {
      out_.put("truncated-ip6 - {} bytes missing!", *jumbo_ + kHeader - length_);
    }
    const Carrier carrier{octets_, 6, octets_.u8(6), octets_.u8(7), fragment_};
    print_ip_payload(out_, octets_.from(at_).first(left_), left_, next, carrier);
  }

  Printout& out_;
  Octets octets_;
  std::size_t length_;
  std::size_t payload_;
  std::size_t at_ = 0;
  std::size_t left_;  ///< from at_ on, by what the packet says of itself
  bool hop_by_hop_ = false;
  bool fragment_ = false;
  std::optional<std::uint32_t> jumbo_;
};

}  // namespace

void print_ip6(Printout& out, const Octets& octets, std::size_t length) {
  const Deeper deeper{out};
  out.protocol = "ip6";
  octets.need_first(kHeader);
  if (length < kHeader) {
    out.put("truncated-ip6 {}", length);
    return;
  }
  if (!out.options.link_header) out.add("IP6 ");
  const unsigned version = octets.u8(0) >> 4;
  if (version != 6) {
    out.put("version error: {} != 6", version);
    return;
  }
  const std::size_t total = octets.be16(4) + kHeader;
  if (length < total) out.put("truncated-ip6 - {} bytes missing!", total - length);
  if (out.verbose()) print_header(out, octets);
  Chain{out, octets, length}.print();
}

}  // namespace smol::dump
