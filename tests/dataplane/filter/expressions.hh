#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/base/random.hh"

namespace smol::dataplane::testing {

/// Random expressions of pcap-filter(7) and random packets that they have something to say of: both
/// take addresses, ports and protocols from the same few.
class Expressions {
 public:
  explicit Expressions(std::uint64_t seed) noexcept : rng_{seed} {}

  std::string expression(unsigned depth = 3) {
    if (depth == 0 || rng_.below(4) == 0) return primitive();
    switch (rng_.below(4)) {
      case 0:
        return "not (" + expression(depth - 1) + ")";
      case 1:
        return "(" + expression(depth - 1) + ") or (" + expression(depth - 1) + ")";
      default:
        return "(" + expression(depth - 1) + ") and (" + expression(depth - 1) + ")";
    }
  }

 private:
  std::string_view one_of(std::initializer_list<std::string_view> of) noexcept {
    return of.begin()[rng_.below(static_cast<std::uint32_t>(of.size()))];
  }
  std::string number(std::uint32_t below) { return std::to_string(rng_.below(below)); }

  std::string primitive() {
    const std::string direction{one_of({"", "src ", "dst ", "src or dst ", "src and dst "})};
    switch (rng_.below(15)) {
      case 0:
        return direction + "host " + address();
      case 1:
        return direction + std::string{one_of({"net 192.0.2.0/24", "net 10.0.0.0/8",
                                               "net 2001:db8::/32", "net 192.0.2.0/30"})};
      case 2:
        return std::string{one_of({"", "tcp ", "udp "})} + direction + "port " + port();
      case 3:
        return std::string{one_of({"", "tcp ", "udp "})} + direction + "portrange 53-" +
               std::string{one_of({"80", "443", "60000"})};
      case 4:
        return "tcp[tcpflags] & (" + flags() + ") " + comparison() + " 0";
      case 5:
        return "icmp[icmptype] = " +
               std::string{one_of({"icmp-echo", "icmp-echoreply", "icmp-unreach"})};
      case 6:
      case 7:
      case 8:
        return arithmetic(2) + " " + comparison() + " " + arithmetic(1);
      case 9:
        return std::string{
            one_of({"ether multicast", "ether broadcast", "ip multicast", "ip6 multicast",
                    "ip broadcast and net 192.0.2.0 mask "
                    "255.255.255.0"})};
      case 10:
        return std::string{one_of({"vlan", "vlan 7", "vlan and ip", "vlan 7 and tcp port 80"})};
      case 11:
        return std::string{one_of({"len ", "len "})} + comparison() + " " + number(120);
      case 12:
        return std::string{one_of({"greater ", "less "})} + number(120);
      case 13:
        return "ether " + std::string{one_of({"src ", "dst ", "host "})} +
               std::string{one_of({"02:00:00:00:00:01", "02:00:00:00:00:02", "ff:ff:ff:ff:ff:ff"})};
      default:
        return std::string{one_of({"ip", "ip6", "arp", "tcp", "udp", "icmp", "icmp6", "ip proto 1",
                                   "ip6 proto 17", "ether proto 0x800"})};
    }
  }

  std::string address() {
    return std::string{
        one_of({"192.0.2.1", "192.0.2.2", "10.0.0.1", "2001:db8::1", "2001:db8::2", "fe80::1"})};
  }
  std::string port() { return std::string{one_of({"53", "80", "443", "50000"})}; }
  std::string flags() {
    return std::string{one_of(
        {"tcp-syn", "tcp-fin", "tcp-syn|tcp-fin", "tcp-rst|tcp-ack", "tcp-push", "tcp-ack"})};
  }
  std::string comparison() { return std::string{one_of({"=", "!=", "<", ">", "<=", ">="})}; }

  /// Octets of a header, numbers, and what one may do with them.
  std::string arithmetic(unsigned depth) {
    if (depth == 0 || rng_.below(3) == 0) return rng_.below(4) == 0 ? constant() : octets(depth);
    switch (rng_.below(12)) {
      case 0:
        return "(" + arithmetic(depth - 1) + " << " + number(31) + ")";
      case 1:
        return "(" + arithmetic(depth - 1) + " >> " + number(31) + ")";
      case 2:
        return "(" + arithmetic(depth - 1) + " / " + std::to_string(1 + rng_.below(300)) + ")";
      case 3:
        return "(" + arithmetic(depth - 1) + " % " + std::to_string(1 + rng_.below(300)) + ")";
      case 4:
        return "(" + arithmetic(depth - 1) + std::string{one_of({" / ", " % ", " << ", " >> "})} +
               octets(0) + ")";
      case 5:
        return "(- " + arithmetic(depth - 1) + ")";
      default:
        return "(" + arithmetic(depth - 1) +
               std::string{one_of({" + ", " - ", " * ", " & ", " | ", " ^ ", " & "})} +
               arithmetic(depth - 1) + ")";
    }
  }
  std::string constant() {
    constexpr std::array<std::uint32_t, 12> kValues = {
        0, 1, 3, 0x20, 0x7f, 0x80, 0xff, 0x1fff, 0xffff, 0x7fff'ffff, 0x8000'0000, 0xc000'0201};
    return std::to_string(rng_.below(4) == 0 ? rng_.below(70'000)
                                             : kValues[rng_.below(kValues.size())]);
  }
  std::string octets(unsigned depth) {
    const std::string_view of = one_of({"ether", "ip", "tcp", "udp", "icmp", "ip6", "arp"});
    std::string at = number(rng_.below(8) == 0 ? 90 : 24);
    if (depth > 0 && rng_.below(4) == 0) at = "(" + arithmetic(depth - 1) + ") & 31";
    if (rng_.below(40) == 0) at += " - 20";
    return std::string{of} + "[" + at + std::string{one_of({"", ":1", ":2", ":4"})} + "]";
  }

  Rng rng_;
};

/// Frames of Ethernet: IPv4, IPv6, ARP, with and without a VLAN tag, some cut short.
class Frames {
 public:
  explicit Frames(std::uint64_t seed) noexcept : rng_{seed} {}

  std::vector<std::uint8_t> frame() {
    out_.clear();
    mac();
    mac();
    if (rng_.below(6) == 0) put({0x81, 0x00, 0x00, rng_.below(2) == 0 ? 7u : rng_.below(256)});
    switch (rng_.below(8)) {
      case 0:
        arp();
        break;
      case 1:
      case 2:
        ip6();
        break;
      case 3:
        put({rng_.below(256), rng_.below(256)});
        noise(rng_.below(60));
        break;
      default:
        ip4();
        break;
    }
    if (rng_.below(6) == 0) out_.resize(rng_.below(static_cast<std::uint32_t>(out_.size()) + 1));
    return out_;
  }
  std::uint32_t below(std::uint32_t n) noexcept { return rng_.below(n); }

 private:
  void put(std::initializer_list<std::uint32_t> octets) {
    for (const std::uint32_t octet : octets) out_.push_back(static_cast<std::uint8_t>(octet));
  }
  void noise(std::uint32_t n) {
    for (; n > 0; --n) put({rng_.below(3) == 0 ? 0 : rng_.below(256)});
  }
  void mac() {
    if (rng_.below(8) == 0) return put({0xff, 0xff, 0xff, 0xff, 0xff, 0xff});
    if (rng_.below(8) == 0) return put({0x33, 0x33, 0, 0, 0, 1});
    put({2, 0, 0, 0, 0, 1 + rng_.below(2)});
  }
  void address4() {
    if (rng_.below(4) == 0) return put({10, 0, 0, 1});
    if (rng_.below(8) == 0) return put({224, 0, 0, rng_.below(256)});
    put({192, 0, 2, rng_.below(10) == 0 ? 255 : 1 + rng_.below(2)});
  }
  void address6() {
    if (rng_.below(4) == 0) {
      put({rng_.below(2) == 0 ? 0xfeu : 0xffu, 0x80, 0, 0, 0, 0, 0, 0});
    } else {
      put({0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0});
    }
    put({0, 0, 0, 0, 0, 0, 0, 1 + rng_.below(2)});
  }
  void port() {
    constexpr std::array<std::uint32_t, 4> kPorts = {53, 80, 443, 50'000};
    const std::uint32_t port = rng_.below(4) == 0 ? rng_.below(65'536) : kPorts[rng_.below(4)];
    put({port >> 8, port});
  }
  void arp() {
    put({8, 6, 0, 1, 8, 0, 6, 4, 0, 1 + rng_.below(2)});
    mac();
    address4();
    mac();
    address4();
  }
  void ip4() {
    const std::uint32_t options = rng_.below(5) == 0 ? rng_.below(4) : 0;
    const std::uint32_t protocol = any_protocol(1);
    const std::uint32_t fragment = rng_.below(8) == 0 ? rng_.below(65'536) : 0x4000;
    put({8, 0, 0x45 + options, rng_.below(256), 0, 60, rng_.below(256), 7, fragment >> 8, fragment,
         64, protocol, 0, 0});
    address4();
    address4();
    noise(options * 4);
    transport(protocol);
  }
  void ip6() {
    const std::uint32_t protocol = any_protocol(58);
    put({0x86, 0xdd, 0x60, 0, 0, 0, 0, 40, protocol, 64});
    address6();
    address6();
    transport(protocol);
  }
  std::uint32_t any_protocol(std::uint32_t icmp) {
    switch (rng_.below(8)) {
      case 0:
        return icmp;
      case 1:
        return rng_.below(256);
      case 2:
      case 3:
        return 17;
      default:
        return 6;
    }
  }
  void transport(std::uint32_t protocol) {
    if (protocol != 6 && protocol != 17) {
      put({rng_.below(2) == 0 ? 8 : rng_.below(16), rng_.below(4), 0, 0});
      return noise(4 + rng_.below(40));
    }
    port();
    port();
    noise(8);
    put({0x50, 1u << rng_.below(6) | 1u << rng_.below(6)});
    noise(6 + rng_.below(40));
  }

  Rng rng_;
  std::vector<std::uint8_t> out_;
};

}  // namespace smol::dataplane::testing
