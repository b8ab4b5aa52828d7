#include "tools/dump/printers.hh"

namespace smol::dump {
namespace {

constexpr std::size_t kMinHeader = 20;

enum Option : std::uint8_t {
  kEnd = 0,
  kNop = 1,
  kMss = 2,
  kWindowScale = 3,
  kSackPermitted = 4,
  kSack = 5,
  kEcho = 6,
  kEchoReply = 7,
  kTimestamps = 8,
  kCc = 11,
  kCcNew = 12,
  kCcEcho = 13,
  kMd5 = 19,
  kScps = 20,
  kUserTimeout = 28,
  kAuthentication = 29,
  kFastOpen = 34,
  kExperiment = 254,
};

constexpr Named kOptions[] = {
    {kEnd, "eol"},
    {kNop, "nop"},
    {kMss, "mss"},
    {kWindowScale, "wscale"},
    {kSackPermitted, "sackOK"},
    {kSack, "sack"},
    {kEcho, "echo"},
    {kEchoReply, "echoreply"},
    {kTimestamps, "TS"},
    {kCc, "cc"},
    {kCcNew, "ccnew"},
    {kCcEcho, ""},
    {kMd5, "md5"},
    {kScps, "scps"},
    {kUserTimeout, "uto"},
    {kAuthentication, "tcp-ao"},
    {30, "mptcp"},
    {kFastOpen, "tfo"},
    {kExperiment, "exp"},
};

/// An option's data says that it is longer than what is left of the header.
struct Bad {};
/// It is within the header, but was not captured.
struct CutData {};

/// What is left of the options behind an option's type and length.
class Data {
 public:
  Data(const Octets& octets, std::size_t left) : octets_{octets}, left_{left} {}
  /// Claims `n` octets. Throws Bad if the header does not have them, CutData if the capture does
  /// not.
  const Octets& hold(std::size_t n) const {
    if (n > left_) throw Bad{};
    if (!octets_.holds(0, n)) throw CutData{};
    return octets_;
  }

 private:
  const Octets octets_;
  std::size_t left_;
};

void print_octets(Printout& out, const Data& data, std::size_t from, std::size_t to) {
  for (std::size_t i = from; i < to; ++i) out.put("{:02x}", data.hold(i + 1).u8(i));
}

std::size_t print_sack(Printout& out, const Data& data, std::size_t length, std::uint32_t base) {
  if (length % 8 != 0) {
    out.add(" invalid sack");
    return length;
  }
  out.put(" {} ", length / 8);
  for (std::size_t at = 0; at < length; at += 8) {
    const Octets& block = data.hold(at + 8);
    out.put("{{{}:{}}}", block.be32(at) - base, block.be32(at + 4) - base);
  }
  return length;
}

/// RFC 5925.
std::size_t print_authentication(Printout& out, const Data& data, std::size_t length) {
  if (length < 2) {
    out.invalid();
    return length;
  }
  out.put(" keyid {}", data.hold(1).u8(0));
  out.put(" rnextkeyid {}", data.hold(2).u8(1));
  if (length > 2) {
    out.add(" mac 0x");
    print_octets(out, data, 2, length);
  }
  return length;
}

/// RFC 7413.
void print_fast_open(Printout& out, const Data& data, std::size_t from, std::size_t length) {
  const std::size_t cookie = length - from;
  if (cookie == 0) {
    out.add(" cookiereq");
  } else if (cookie % 2 != 0 || cookie < 4 || cookie > 16) {
    out.invalid();
  } else {
    out.add(" cookie ");
    print_octets(out, data, from, length);
  }
}

/// RFC 6994: experiments share a number.
std::size_t print_experiment(Printout& out, const Data& data, std::size_t length) {
  data.hold(length);
  if (length < 2) throw Bad{};
  const std::uint16_t experiment = data.hold(2).be16(0);
  out.add("-");
  if (experiment == 0xf989) {
    out.add("tfo");
    print_fast_open(out, data, 2, length);
  } else {
    out.put("{:04x}", experiment);
  }
  return length;
}

/// RFC 5482.
void print_user_timeout(Printout& out, std::uint16_t value) {
  out.put(" 0x{:x} {}", value, (value & 1) != 0 ? (value >> 1) * 60 : value >> 1);
}

/// An option's data, `length` octets by its own account. Returns how many it has by its kind.
std::size_t print_data(Printout& out, std::uint8_t option, const Data& data, std::size_t length,
                       std::uint32_t sack_base, bool whole_segment) {
  switch (option) {
    case kEnd:
    case kNop:
    case kSackPermitted:
      return 0;
    case kMss:
      out.put(" {}", data.hold(2).be16(0));
      return 2;
    case kWindowScale:
      out.put(" {}", data.hold(1).u8(0));
      return 1;
    case kSack:
      return print_sack(out, data, length, sack_base);
    case kEcho:
    case kEchoReply:
    case kCc:
    case kCcNew:
    case kCcEcho:
      out.put(" {}", data.hold(4).be32(0));
      return 4;
    case kTimestamps:
      out.put(" val {} ecr {}", data.hold(8).be32(0), data.hold(8).be32(4));
      return 8;
    case kMd5:
      data.hold(16);
      // The reference checks it where it is given the secret, which this program never is.
      out.add(whole_segment ? " shared secret not supplied with -M, can't check - "
                            : " snaplen too short, can't check - ");
      print_octets(out, data, 0, 16);
      return 16;
    case kScps:
      out.put(" cap {:02x} id {}", data.hold(2).u8(0), data.hold(2).u8(1));
      return 2;
    case kUserTimeout:
      print_user_timeout(out, data.hold(2).be16(0));
      return 2;
    case kAuthentication:
      return print_authentication(out, data, length);
    case kFastOpen:
      data.hold(length);
      out.add(" ");
      print_fast_open(out, data, 0, length);
      return length;
    case kExperiment:
      return print_experiment(out, data, length);
    default:
      if (length > 0) out.add(" 0x");
      print_octets(out, data, 0, length);
      return length;
  }
}

void print_one(Printout& out, const Octets& options, std::size_t& at, std::size_t end,
               std::uint32_t sack_base, bool whole_segment) {
  const std::uint8_t option = options.u8(at);
  const bool bare = option == kEnd || option == kNop;
  const std::size_t front = bare ? 1 : 2;
  const std::size_t length = bare ? 1 : options.u8(at + 1);
  if (length < front || length > end - at) throw Bad{};
  const char* name = name_of(kOptions, option);
  out.add(name != nullptr ? name : fmt::format("unknown-{}", option));
  const Data data{options.from(at + front), end - at - front};
  const std::size_t used = print_data(out, option, data, length - front, sack_base, whole_segment);
  if (front + used != length) out.put("[len {}]", length);
  at = option == kEnd ? end : at + front + used;
}

}  // namespace

bool print_tcp_options(Printout& out, const Octets& header, std::size_t options_length,
                       std::uint32_t sack_base, bool whole_segment) {
  const Octets options = header.from(kMinHeader);
  out.add(", options [");
  bool first = true;
  for (std::size_t at = 0; at < options_length;) {
    if (!first) out.add(",");
    try {
      print_one(out, options, at, options_length, sack_base, whole_segment);
    } catch (const Bad&) {
      out.add("[bad opt]");
      if (!first) out.add("]");
      return false;
    } catch (const CutData&) {
      out.truncated();
      if (!first) out.add(">");
      return false;
    }
    first = false;
  }
  out.add("]");
  return true;
}

}  // namespace smol::dump
