#include "tools/dump/printers.hh"

namespace smol::dump {
namespace {

/// How an option's data is shown.
enum class Form : std::uint8_t {
  kByLength,  ///< of an unknown option: octets, 16-bit or 32-bit numbers
  kAddresses,
  kPairs,  ///< of addresses
  kText,
  kWords,   ///< of 32 bits
  kSigned,  ///< the same, signed
  kShorts,  ///< of 16 bits
  kOctets,
  kBooleans,
  kSpecial,
  kNothing,
};

struct Option {
  std::uint8_t tag;
  Form form;
  const char* name;
};

constexpr std::uint8_t kPad = 0;
constexpr std::uint8_t kNetbiosNode = 46;
constexpr std::uint8_t kOverload = 52;
constexpr std::uint8_t kMessage = 53;
constexpr std::uint8_t kRequested = 55;
constexpr std::uint8_t kClientId = 61;
constexpr std::uint8_t kUserClass = 77;
constexpr std::uint8_t kFqdn = 81;
constexpr std::uint8_t kAgent = 82;
constexpr std::uint8_t kRoutes = 121;
constexpr std::uint8_t kMicrosoftRoutes = 249;
constexpr std::uint8_t kEnd = 255;

constexpr Option kOptions[] = {
    {0, Form::kNothing, "PAD"},
    {1, Form::kAddresses, "Subnet-Mask"},
    {2, Form::kSigned, "Time-Zone"},
    {3, Form::kAddresses, "Default-Gateway"},
    {4, Form::kAddresses, "Time-Server"},
    {5, Form::kAddresses, "IEN-Name-Server"},
    {6, Form::kAddresses, "Domain-Name-Server"},
    {7, Form::kAddresses, "LOG"},
    {8, Form::kAddresses, "CS"},
    {9, Form::kAddresses, "LPR-Server"},
    {10, Form::kAddresses, "IM"},
    {11, Form::kAddresses, "RL"},
    {12, Form::kText, "Hostname"},
    {13, Form::kShorts, "BS"},
    {14, Form::kText, "DP"},
    {15, Form::kText, "Domain-Name"},
    {16, Form::kAddresses, "SS"},
    {17, Form::kText, "RP"},
    {18, Form::kText, "EP"},
    {19, Form::kBooleans, "IPF"},
    {20, Form::kBooleans, "SRT"},
    {21, Form::kPairs, "PF"},
    {22, Form::kShorts, "RSZ"},
    {23, Form::kOctets, "TTL"},
    {24, Form::kWords, "MTU-Timeout"},
    {25, Form::kShorts, "MTU-Table"},
    {26, Form::kShorts, "MTU"},
    {27, Form::kBooleans, "LSN"},
    {28, Form::kAddresses, "BR"},
    {29, Form::kBooleans, "MD"},
    {30, Form::kBooleans, "MS"},
    {31, Form::kBooleans, "Router-Discovery"},
    {32, Form::kAddresses, "RSA"},
    {33, Form::kPairs, "Static-Route"},
    {34, Form::kBooleans, "UT"},
    {35, Form::kWords, "AT"},
    {36, Form::kBooleans, "IE"},
    {37, Form::kOctets, "TT"},
    {38, Form::kWords, "KI"},
    {39, Form::kBooleans, "KG"},
    {40, Form::kText, "YD"},
    {41, Form::kAddresses, "YS"},
    {42, Form::kAddresses, "NTP"},
    {43, Form::kOctets, "Vendor-Option"},
    {44, Form::kAddresses, "Netbios-Name-Server"},
    {45, Form::kAddresses, "WDD"},
    {46, Form::kSpecial, "Netbios-Node"},
    {47, Form::kText, "Netbios-Scope"},
    {48, Form::kAddresses, "XFS"},
    {49, Form::kAddresses, "XDM"},
    {50, Form::kAddresses, "Requested-IP"},
    {51, Form::kWords, "Lease-Time"},
    {52, Form::kSpecial, "OO"},
    {53, Form::kByLength, "DHCP-Message"},
    {54, Form::kAddresses, "Server-ID"},
    {55, Form::kOctets, "Parameter-Request"},
    {56, Form::kText, "MSG"},
    {57, Form::kShorts, "MSZ"},
    {58, Form::kWords, "RN"},
    {59, Form::kWords, "RB"},
    {60, Form::kText, "Vendor-Class"},
    {61, Form::kSpecial, "Client-ID"},
    {64, Form::kShorts, "N+D"},
    {65, Form::kAddresses, "N+S"},
    {66, Form::kText, "TFTP"},
    {67, Form::kText, "BF"},
    {68, Form::kAddresses, "MH"},
    {69, Form::kAddresses, "SMTP"},
    {70, Form::kAddresses, "POP3"},
    {71, Form::kAddresses, "NNTP"},
    {72, Form::kAddresses, "WWW"},
    {73, Form::kAddresses, "FG"},
    {74, Form::kAddresses, "IRC"},
    {75, Form::kAddresses, "STS"},
    {76, Form::kAddresses, "STDA"},
    {77, Form::kSpecial, "User-Class"},
    {78, Form::kOctets, "SLP-DA"},
    {79, Form::kOctets, "SLP-SCOPE"},
    {80, Form::kText, "SLP-NA"},
    {81, Form::kSpecial, "FQDN"},
    {82, Form::kSpecial, "Agent-Information"},
    {83, Form::kOctets, "ARMT"},
    {88, Form::kText, "TZSTR"},
    {89, Form::kOctets, "FQDNS"},
    {90, Form::kOctets, "AUTH"},
    {91, Form::kSigned, "Last-Transaction-Time"},
    {92, Form::kAddresses, "Associated-IP"},
    {93, Form::kShorts, "ARCH"},
    {94, Form::kOctets, "NDI"},
    {95, Form::kText, "LDAP"},
    {97, Form::kOctets, "GUID"},
    {98, Form::kText, "UAP"},
    {100, Form::kText, "POSIX-TZ"},
    {101, Form::kText, "TZ-Name"},
    {112, Form::kAddresses, "NI"},
    {113, Form::kText, "NITAG"},
    {114, Form::kText, "URL"},
    {116, Form::kBooleans, "NOAUTO"},
    {117, Form::kShorts, "NSSEARCH"},
    {118, Form::kAddresses, "SUBNET"},
    {121, Form::kSpecial, "Classless-Static-Route"},
    {150, Form::kAddresses, "TFTP-Server-Address"},
    {161, Form::kText, "MUD-URL"},
    {249, Form::kSpecial, "Classless-Static-Route-Microsoft"},
    {255, Form::kNothing, "END"},
};

constexpr Named kMessages[] = {
    {1, "Discover"},         {2, "Offer"},         {3, "Request"},
    {4, "Decline"},          {5, "ACK"},           {6, "NACK"},
    {7, "Release"},          {8, "Inform"},        {10, "LeaseQuery"},
    {11, "LeaseUnassigned"}, {12, "LeaseUnknown"}, {13, "LeaseActive"},
};

constexpr Named kHardware[] = {{1, "ether"},   {6, "ieee802"}, {7, "arcnet"},
                               {15, "frelay"}, {23, "strip"},  {24, "ieee1394"}};
constexpr Named kNodes[] = {{1, "b-node"}, {2, "p-node"}, {4, "m-node"}, {8, "h-node"}};
constexpr Named kOverloads[] = {{1, "file"}, {2, "sname"}, {3, "file+sname"}};
constexpr Named kAgents[] = {{1, "Circuit-ID"}, {2, "Remote-ID"}, {6, "Subscriber-ID"}};

const Option* option_of(std::uint8_t tag) {
  for (const Option& option : kOptions) {
    if (option.tag == tag) return &option;
  }
  return nullptr;
}

void print_quoted(Printout& out, Bytes octets) {
  out.add("\"");
  for (const std::uint8_t octet : octets) put_safely(out, octet);
  out.add("\"");
}

/// `count` octets at a time, each printed by `one`, `between` them. Returns those that are left.
template <class F>
std::size_t each(Printout& out, const Octets& data, std::size_t count, const char* between, F one) {
  std::size_t at = 0;
  for (; data.size() - at >= count; at += count) {
    if (at != 0) out.add(between);
    one(at);
  }
  return data.size() - at;
}

std::size_t print_plain(Printout& out, Form form, const Octets& data) {
  switch (form) {
    case Form::kText:
      print_quoted(out, data.all());
      return 0;
    case Form::kAddresses:
      return each(out, data, 4, ",", [&](std::size_t at) { out.add(out.v4(data, at)); });
    case Form::kPairs:
      return each(out, data, 8, ",", [&](std::size_t at) {
        out.put("({}:{})", out.v4(data, at), out.v4(data, at + 4));
      });
    case Form::kWords:
      return each(out, data, 4, ",", [&](std::size_t at) { out.put("{}", data.be32(at)); });
    case Form::kSigned:
      return each(out, data, 4, ",",
                  [&](std::size_t at) { out.put("{}", static_cast<std::int32_t>(data.be32(at))); });
    case Form::kShorts:
      return each(out, data, 2, ",", [&](std::size_t at) { out.put("{}", data.be16(at)); });
    case Form::kBooleans:
      return each(out, data, 1, ",", [&](std::size_t at) {
        const std::uint8_t value = data.u8(at);
        out.add(value > 1 ? fmt::format("{}?", value) : value == 1 ? "Y" : "N");
      });
    case Form::kOctets:
      return each(out, data, 1, ".", [&](std::size_t at) { out.put("{}", data.u8(at)); });
    case Form::kByLength:
    case Form::kSpecial:
    case Form::kNothing:
      break;
  }
  return data.size();
}

/// RFC 2132 section 9.14: a hardware address, or text of type zero.
void print_client_id(Printout& out, const Octets& data) {
  if (data.empty()) return out.add("[ERROR: length < 1 bytes]");
  const std::uint8_t type = data.u8(0);
  const Octets rest = data.from(1);
  if (type == 0) return print_quoted(out, rest.all());
  const char* name = name_of(kHardware, type);
  out.add(name != nullptr ? name : fmt::format("hardware-type {},", type));
  out.put(" {}", link_address_text(rest.all()));
}

/// RFC 4702.
void print_fqdn(Printout& out, const Octets& data) {
  if (data.size() < 3) return out.add("[ERROR: length < 3 bytes]");
  const std::uint8_t flags = data.u8(0);
  if (flags != 0) {
    out.put("[{}{}{}{}] ", (flags & 1) != 0 ? "S" : "", (flags & 2) != 0 ? "O" : "",
            (flags & 4) != 0 ? "E" : "", (flags & 8) != 0 ? "N" : "");
  }
  if (data.be16(1) != 0) out.put("{}/{} ", data.u8(1), data.u8(2));
  print_quoted(out, data.from(3).all());
}

/// RFC 3046. Returns what is left over.
std::size_t print_agent(Printout& out, const Octets& data) {
  std::size_t at = 0;
  while (data.size() - at >= 2) {
    const std::uint8_t kind = data.u8(at);
    const std::size_t length = data.u8(at + 1);
    at += 2;
    out.put("\n\t      {} SubOption {}, length {}: ", name_or(kAgents, kind, "Unknown"), kind,
            length);
    if (length > data.size() - at) {
      out.add("length goes past end of option");
      return 0;
    }
    const Octets body = data.from(at).first(length);
    if (name_of(kAgents, kind) == nullptr) {
      put_hex(out, "\n\t\t", body.all());
    } else {
      for (const std::uint8_t octet : body.all()) put_safely(out, octet);
    }
    at += length;
  }
  return data.size() - at;
}

/// RFC 3442: a width, as many octets of the network as it needs, and a router.
void print_routes(Printout& out, const Octets& data) {
  if (data.size() < 5) return out.add("[ERROR: length < 5 bytes]");
  for (std::size_t at = 0; at < data.size();) {
    if (at != 0) out.add(",");
    const unsigned width = data.u8(at);
    if (width > 32) return out.put("[ERROR: Mask width ({}) > 32]", width);
    const std::size_t significant = (width + 7) / 8;
    const std::size_t left = data.size() - at - 1;
    if (significant + 4 > left) {
      return out.put("[ERROR: Remaining length ({}) < {} bytes]", left, significant + 4);
    }
    out.add("(");
    if (width == 0) {
      out.add("default");
    } else {
      for (std::size_t i = 0; i < significant; ++i) {
        out.put("{}{}", i == 0 ? "" : ".", data.u8(at + 1 + i));
      }
      for (std::size_t i = significant; i < 4; ++i) out.add(".0");
      out.put("/{}", width);
    }
    out.put(":{})", out.v4(data, at + 1 + significant));
    at += significant + 5;
  }
}

/// RFC 3004: texts, each behind its length.
void print_user_class(Printout& out, const Octets& data) {
  if (data.size() < 2) return out.add("[ERROR: length < 2 bytes]");
  unsigned number = 1;
  for (std::size_t at = 0; at < data.size(); ++number) {
    const std::size_t length = data.u8(at);
    ++at;
    out.put("\n\t      instance#{}: ", number);
    if (length == 0) return out.add("[ERROR: suboption length must be non-zero]");
    if (length > data.size() - at) return out.add("[ERROR: invalid option]");
    print_quoted(out, data.from(at).first(length).all());
    out.put(", length {}", length);
    at += length;
  }
}

/// Returns the octets that belong to nothing.
std::size_t print_special(Printout& out, std::uint8_t tag, const Octets& data) {
  const auto named = [&](std::span<const Named> names) -> std::size_t {
    if (data.empty()) {
      out.add("[ERROR: length < 1 bytes]");
      return 0;
    }
    out.add(name_or(names, data.u8(0), fmt::format("#{}", data.u8(0))));
    return data.size() - 1;
  };
  switch (tag) {
    case kNetbiosNode:
      return named(kNodes);
    case kOverload:
      return named(kOverloads);
    case kAgent:
      return print_agent(out, data);
    case kClientId:
      print_client_id(out, data);
      return 0;
    case kFqdn:
      print_fqdn(out, data);
      return 0;
    case kRoutes:
    case kMicrosoftRoutes:
      print_routes(out, data);
      return 0;
    case kUserClass:
      print_user_class(out, data);
      return 0;
    default:
      return data.size();
  }
}

void print_requested(Printout& out, const Octets& data) {
  for (std::size_t i = 0; i < data.size(); ++i) {
    const std::uint8_t tag = data.u8(i);
    const Option* option = option_of(tag);
    out.add(i % 4 == 0 ? "\n\t      " : ", ");
    out.put("{} ({})", option != nullptr ? option->name : "Unknown", tag);
  }
}

void print_data(Printout& out, std::uint8_t tag, const Octets& data) {
  if (tag == kMessage && data.size() == 1) {
    const char* name = name_of(kMessages, data.u8(0));
    out.add(name != nullptr ? name : fmt::format("Unknown ({})", data.u8(0)));
    return;
  }
  if (tag == kRequested) return print_requested(out, data);
  const Option* option = option_of(tag);
  Form form = option != nullptr ? option->form : Form::kByLength;
  if (tag == kMessage) {
    form = Form::kOctets;
  } else if (form == Form::kByLength) {
    form = data.size() % 2 == 1   ? Form::kOctets
           : data.size() % 4 == 2 ? Form::kShorts
                                  : Form::kWords;
  }
  const std::size_t left =
      form == Form::kSpecial ? print_special(out, tag, data) : print_plain(out, form, data);
  if (left > 0) out.put("\n\t  trailing data length {}", left);
}

}  // namespace

void print_dhcp_options(Printout& out, const Octets& octets) {
  out.put("\n\t  Vendor-rfc1048 Extensions\n\t    Magic Cookie 0x{:08x}", octets.be32(0));
  for (std::size_t at = 4; octets.holds(at, 1);) {
    const std::uint8_t tag = octets.u8(at++);
    if (tag == kPad && !out.verbose(3)) continue;
    if (tag == kEnd && !out.verbose(3)) return;
    const Option* option = option_of(tag);
    const bool bare = tag == kPad || tag == kEnd;
    const std::size_t length = bare ? 0 : octets.u8(at++);
    out.put("\n\t    {} ({}), length {}{}", option != nullptr ? option->name : "Unknown", tag,
            length, length > 0 ? ": " : "");
    if (tag == kPad) {
      unsigned count = 1;
      for (; octets.holds(at, 1) && octets.u8(at) == kPad; ++at) ++count;
      if (count > 1) out.put(", occurs {}", count);
    }
    if (!octets.holds(at, length)) {
      out.truncated();
      return;
    }
    if (!bare) print_data(out, tag, octets.from(at).first(length));
    at += length;
  }
}

}  // namespace smol::dump
