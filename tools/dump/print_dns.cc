#include <optional>

#include "tools/dump/printers.hh"

namespace smol::dump {
namespace {

constexpr std::size_t kHeader = 12;
constexpr std::uint16_t kIn = 1;
/// Multicast DNS (RFC 6762) puts a flag of its own into the class.
constexpr std::uint16_t kMulticastFlag = 0x8000;

enum Type : std::uint16_t {
  kA = 1,
  kNs = 2,
  kCname = 5,
  kSoa = 6,
  kPtr = 12,
  kMx = 15,
  kTxt = 16,
  kAaaa = 28,
  kSrv = 33,
  kDname = 39,
  kOpt = 41,
  kSpf = 99,
};

constexpr Named kTypes[] = {
    {1, "A"},      {2, "NS"},      {3, "MD"},        {4, "MF"},        {5, "CNAME"},
    {6, "SOA"},    {7, "MB"},      {8, "MG"},        {9, "MR"},        {10, "NULL"},
    {11, "WKS"},   {12, "PTR"},    {13, "HINFO"},    {14, "MINFO"},    {15, "MX"},
    {16, "TXT"},   {17, "RP"},     {18, "AFSDB"},    {19, "X25"},      {20, "ISDN"},
    {21, "RT"},    {22, "NSAP"},   {23, "NSAP_PTR"}, {24, "SIG"},      {25, "KEY"},
    {26, "PX"},    {27, "GPOS"},   {28, "AAAA"},     {29, "LOC"},      {30, "NXT"},
    {31, "EID"},   {32, "NIMLOC"}, {33, "SRV"},      {34, "ATMA"},     {35, "NAPTR"},
    {36, "KX"},    {37, "CERT"},   {38, "A6"},       {39, "DNAME"},    {40, "SINK"},
    {41, "OPT"},   {42, "APL"},    {43, "DS"},       {44, "SSHFP"},    {45, "IPSECKEY"},
    {46, "RRSIG"}, {47, "NSEC"},   {48, "DNSKEY"},   {99, "SPF"},      {100, "UINFO"},
    {101, "UID"},  {102, "GID"},   {103, "UNSPEC"},  {104, "UNSPECA"}, {249, "TKEY"},
    {250, "TSIG"}, {251, "IXFR"},  {252, "AXFR"},    {253, "MAILB"},   {254, "MAILA"},
    {255, "ANY"},  {256, "URI"},
};

constexpr Named kClasses[] = {{1, "IN"}, {3, "CHAOS"}, {4, "HS"}, {255, "ANY"}};

constexpr const char* kOperations[16] = {
    "",     " inv_q",   " stat",    " op3",      " notify",  " update",   " op6",      " op7",
    " op8", " updateA", " updateD", " updateDA", " updateM", " updateMA", " zoneInit", " zoneRef",
};

constexpr const char* kResponses[16] = {
    "",          " FormErr", " ServFail", " NXDomain", " NotImp",  " Refused",
    " YXDomain", " YXRRSet", " NXRRSet",  " NotAuth",  " NotZone", " Resp11",
    " Resp12",   " Resp13",  " Resp14",   " NoChange",
};

/// The length of the label at `at`; nothing if it is of no known kind.
std::optional<std::size_t> label_length(const Octets& message, std::size_t at) {
  if (!message.holds(at, 1)) return std::nullopt;
  const std::uint8_t first = message.u8(at);
  switch (first >> 6) {
    case 0:
    case 3:
      return first;
    case 1: {
      // RFC 2673's bit string label, withdrawn since; others were never given.
      if (first != 0x41) return 0;
      if (!message.holds(at + 1, 1)) return std::nullopt;
      const std::size_t bits = message.u8(at + 1) == 0 ? 256 : message.u8(at + 1);
      return (bits + 7) / 8 + 1;
    }
    default:
      return std::nullopt;
  }
}

/// Where the name at `at` ends, or nothing.
std::optional<std::size_t> skip_name(const Octets& message, std::size_t at) {
  if (!message.holds(at, 1)) return std::nullopt;
  for (;;) {
    const std::uint8_t first = message.u8(at);
    if (first == 0) return at + 1;
    if (first >> 6 == 3) return at + 2;
    const auto length = label_length(message, at);
    if (!length || first >> 6 == 1) return std::nullopt;
    at += *length + 1;
    if (!message.holds(at, 1)) return std::nullopt;
  }
}

void print_seconds(Printout& out, std::uint32_t seconds) {
  static constexpr struct {
    const char* unit;
    std::uint32_t seconds;
  } kUnits[] = {{"y", 31536000}, {"w", 604800}, {"d", 86400}, {"h", 3600}, {"m", 60}, {"s", 1}};
  if (seconds == 0) {
    out.add("0s");
    return;
  }
  for (const auto& unit : kUnits) {
    if (seconds >= unit.seconds) out.put("{}{}", seconds / unit.seconds, unit.unit);
    seconds %= unit.seconds;
  }
}

/// A DNS message that is being printed. Functions give up with std::nullopt (or false) where the
/// message does not hold what it says: the line then ends in "[|domain]".
class Message {
 public:
  Message(Printout& out, const Octets& octets, std::size_t length, bool multicast)
      : out_{out}, octets_{octets}, length_{length}, multicast_{multicast} {}

  bool print() {
    flags_ = octets_.be16(2);
    at_ = kHeader;
    const bool good = (flags_ & 0x8000) != 0 ? print_response() : print_request();
    if (good) out_.put(" ({})", length_);
    return good;
  }

 private:
  unsigned count(unsigned section) const { return octets_.be16(4 + 2 * section); }
  bool more() const { return at_ < octets_.size(); }

  bool print_response() {
    out_.put("{}{}{}{}{}{}{}", octets_.be16(0), kOperations[flags_ >> 11 & 15],
             kResponses[flags_ & 15], (flags_ & 0x0400) != 0 ? "*" : "",
             (flags_ & 0x0080) != 0 ? "" : "-", (flags_ & 0x0200) != 0 ? "|" : "",
             (flags_ & 0x0020) != 0 ? "$" : "");
    if (count(0) != 1) out_.put(" [{}q]", count(0));
    for (unsigned i = 0; i < count(0); ++i) {
      if (i != 0) out_.add(",");
      if (!(out_.verbose(2) ? (out_.add(" q:"), print_question()) : skip_question())) return false;
    }
    out_.put(" {}/{}/{}", count(1), count(2), count(3));
    if (count(1) > 0 && !print_records(count(1))) return false;
    return !out_.verbose(2) || (print_section(2, " ns:") && print_section(3, " ar:"));
  }

  bool print_request() {
    out_.put("{}{}{}{}", octets_.be16(0), kOperations[flags_ >> 11 & 15],
             (flags_ & 0x0100) != 0 ? "+" : "", (flags_ & 0x0010) != 0 ? "%" : "");
    if ((flags_ & 0x06cf) != 0) out_.put(" [b2&3=0x{:x}]", flags_);
    const bool inverse = (flags_ >> 11 & 15) == 1;
    if (inverse) {
      if (count(0) != 0) out_.put(" [{}q]", count(0));
      if (count(1) != 1) out_.put(" [{}a]", count(1));
    } else {
      if (count(1) != 0) out_.put(" [{}a]", count(1));
      if (count(0) != 1) out_.put(" [{}q]", count(0));
    }
    if (count(2) != 0) out_.put(" [{}n]", count(2));
    if (count(3) != 0) out_.put(" [{}au]", count(3));
    unsigned questions = count(0);
    for (bool first = true; questions > 0 && (first || more()); first = false, --questions) {
      if (!print_question()) return false;
    }
    if (questions > 0) return false;
    if (!out_.verbose(2)) return true;
    return (count(1) == 0 || print_records(count(1))) && print_section(2, " ns:") &&
           print_section(3, " ar:");
  }

  bool print_section(unsigned section, const char* title) {
    if (count(section) == 0) return true;
    if (!more()) return false;
    out_.add(title);
    return print_records(count(section));
  }

  bool print_records(unsigned records) {
    for (bool first = true; records > 0 && (first || more()); first = false, --records) {
      if (!first) out_.add(",");
      if (!print_record()) return false;
    }
    return records == 0;
  }

  bool skip_question() {
    const auto end = skip_name(octets_, at_);
    if (!end) return false;
    at_ = *end + 4;
    return true;
  }

  bool print_question() {
    const auto end = skip_name(octets_, at_);
    if (!end || !octets_.holds(*end, 4)) return false;
    print_type(octets_.be16(*end));
    const std::uint16_t told = octets_.be16(*end + 2);
    print_class(told);
    if (multicast_) out_.add((told & kMulticastFlag) != 0 ? " (QU)" : " (QM)");
    out_.add("? ");
    if (print_domain_name(out_, octets_, at_) == 0) return false;
    at_ = *end + 4;
    return true;
  }

  void print_type(std::uint16_t type) {
    const char* name = name_of(kTypes, type);
    out_.put(" {}", name != nullptr ? name : fmt::format("Type{}", type));
  }

  void print_class(std::uint16_t told) {
    const unsigned number = multicast_ ? told & ~kMulticastFlag & 0xffffu : told;
    if (number == kIn) return;
    const char* name = name_of(kClasses, number);
    out_.put(" {}", name != nullptr ? name : fmt::format("(Class {})", number));
  }

  bool print_record() {
    std::optional<std::size_t> end;
    if (out_.verbose()) {
      out_.add(" ");
      const std::size_t behind = print_domain_name(out_, octets_, at_);
      if (behind == 0) return false;
      end = behind;
    } else {
      end = skip_name(octets_, at_);
    }
    if (!end || !octets_.holds(*end, 10)) {
      at_ = octets_.size();
      return true;
    }
    const std::uint16_t type = octets_.be16(*end);
    const std::uint16_t told = octets_.be16(*end + 2);
    if (type != kOpt) print_class(told);
    if (multicast_ && (told & kMulticastFlag) != 0) out_.add(" (Cache flush)");
    if (type != kOpt && out_.verbose(3)) {
      out_.add(" [");
      print_seconds(out_, octets_.be32(*end + 4));
      out_.add("]");
    }
    const std::size_t length = octets_.be16(*end + 8);
    print_type(type);
    const std::size_t data = *end + 10;
    if (!octets_.holds(data, length)) return false;
    if (!print_data(type, told, (octets_.be16(*end + 6) & 0x8000) != 0, data, length)) return false;
    at_ = data + length;
    return true;
  }

  bool print_data(std::uint16_t type, std::uint16_t told, bool dnssec_ok, std::size_t at,
                  std::size_t length) {
    switch (type) {
      case kA:
        if (!octets_.holds(at, 4)) return false;
        out_.put(" {}", v4_text(octets_.bytes(at, 4)));
        return true;
      case kAaaa:
        if (!octets_.holds(at, 16)) return false;
        out_.put(" {}", v6_text(octets_.bytes(at, 16)));
        return true;
      case kNs:
      case kCname:
      case kPtr:
      case kDname:
        return print_name(at) != 0;
      case kSoa:
        return !out_.verbose() || print_soa(at);
      case kMx:
        if (!octets_.holds(at, 2) || print_name(at + 2) == 0) return false;
        out_.put(" {}", octets_.be16(at));
        return true;
      case kSrv:
        if (!octets_.holds(at, 2) || print_name(at + 6) == 0) return false;
        out_.put(":{} {} {}", octets_.be16(at + 4), octets_.be16(at), octets_.be16(at + 2));
        return true;
      case kTxt:
      case kSpf:
        return print_strings(at, at + length);
      case kOpt:
        out_.put(" UDPsize={}", told);
        if (dnssec_ok) out_.add(" DO");
        return print_edns(at, at + length);
      default:
        return true;
    }
  }

  std::size_t print_name(std::size_t at) {
    out_.add(" ");
    return print_domain_name(out_, octets_, at);
  }

  bool print_soa(std::size_t at) {
    for (int i = 0; i < 2; ++i) {
      at = print_name(at);
      if (at == 0) return false;
    }
    if (!octets_.holds(at, 20)) return false;
    for (std::size_t i = 0; i < 5; ++i) out_.put(" {}", octets_.be32(at + 4 * i));
    return true;
  }

  bool print_strings(std::size_t at, std::size_t end) {
    while (at < end) {
      out_.add(" \"");
      const std::size_t length = octets_.u8(at);
      if (!octets_.holds(at + 1, 1)) return false;
      for (const std::uint8_t octet : octets_.from(at + 1).first(length).all()) {
        put_safely(out_, octet);
      }
      if (!octets_.holds(at + 1, length)) return false;
      out_.add("\"");
      at += 1 + length;
    }
    return true;
  }

  /// RFC 6891: what options there are, by name and length.
  bool print_edns(std::size_t at, std::size_t end) {
    if (at >= end) return true;
    static constexpr Named kEdns[] = {
        {1, "LLQ"},      {2, "UL"},     {3, "NSID"},     {5, "DAU"},         {6, "DHU"},
        {7, "N3U"},      {8, "ECS"},    {9, "EXPIRE"},   {10, "COOKIE"},     {11, "KEEPALIVE"},
        {12, "PADDING"}, {13, "CHAIN"}, {14, "KEY-TAG"}, {16, "CLIENT-TAG"}, {17, "SERVER-TAG"},
    };
    out_.add(" [");
    while (at < end) {
      if (!octets_.holds(at, 4)) return false;
      const std::uint16_t code = octets_.be16(at);
      const std::size_t length = octets_.be16(at + 2);
      const char* name = name_of(kEdns, code);
      out_.add(name != nullptr ? name : fmt::format("Opt{}", code));
      if (!octets_.holds(at + 4, length)) return false;
      if (length > 0) {
        out_.add(" ");
        for (const std::uint8_t octet : octets_.bytes(at + 4, length)) out_.put("{:02X}", octet);
      }
      at += 4 + length;
      if (at < end) out_.add(",");
    }
    out_.add("]");
    return true;
  }

  Printout& out_;
  const Octets octets_;
  std::size_t length_;
  bool multicast_;
  std::uint16_t flags_ = 0;
  std::size_t at_ = 0;
};

}  // namespace

std::size_t print_domain_name(Printout& out, const Octets& message, std::size_t at) {
  std::size_t end = 0;
  std::size_t limit = at;
  const auto length_of_label = [&] {
    const auto label = label_length(message, at);
    if (message.holds(at, 1) && message.u8(at) >> 6 == 2) out.add("<BAD LABEL TYPE>");
    return label;
  };
  auto length = length_of_label();
  if (!length) return 0;
  if (message.u8(at) == 0) {
    out.add(".");
    return at + 1;
  }
  for (std::uint8_t first = message.u8(at); first != 0; first = message.u8(at)) {
    // A name that is cut directly behind a length counts as whole.
    if (!message.holds(at + 1, 1)) return end != 0 ? end : at + 1;
    if (first >> 6 == 3) {
      if (end == 0) end = at + 2;
      const std::size_t target = message.be16(at) & 0x3fffu;
      // Only backwards: a name that refers to itself would have no end.
      if (target >= limit) {
        out.add("<BAD PTR>");
        return 0;
      }
      limit = target;
      at = target;
    } else {
      if (first >> 6 == 1) {
        out.put("<ELT {}>", first & 0x3f);
        return 0;
      }
      const Octets label = message.from(at + 1).first(*length);
      for (const std::uint8_t octet : label.all()) put_safely(out, octet);
      if (label.size() < *length) return 0;
      out.add(".");
      at += 1 + *length;
    }
    length = length_of_label();
    if (!length) return 0;
  }
  return end != 0 ? end : at + 1;
}

void print_dns(Printout& out, const Octets& octets, std::size_t length, bool multicast,
               bool over_tcp) {
  out.protocol = "domain";
  Octets message = octets;
  if (over_tcp) {
    if (length < 2) {
      out.put(" [DNS over TCP: length {} < 2]", length);
      out.invalid();
      return;
    }
    const std::size_t told = octets.be16(0);
    length -= 2;
    message = octets.from(2);
    if (told != length) {
      out.put(" [prefix length({}) != length({})]", told, length);
      out.invalid();
      return;
    }
    out.add(" ");
  }
  if (length < kHeader) {
    out.put("domain [length {} < {}]", length, kHeader);
    out.invalid();
    return;
  }
  message.need_first(kHeader);
  if (!Message{out, message, length, multicast}.print()) out.truncated();
}

}  // namespace smol::dump
