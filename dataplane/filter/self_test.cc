#include "dataplane/filter/self_test.hh"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include <rte_mbuf.h>

#include "dataplane/filter/interpreter.hh"

// Of DPDK's headers: names and attributes of C++.
#undef likely
#undef unlikely

namespace smol::dataplane::filter {
namespace {

using Program = std::vector<Instruction>;

struct Frame {
  std::array<std::uint8_t, 54> octets;
  std::size_t size = 54;
};

struct Case {
  const char* what;
  Program program;
};

/// A program that returns 1 or 0 of a comparison with a constant.
Program compare(Program head, std::uint16_t jump, std::uint32_t k) {
  head.push_back({jump, 0, 1, k});
  head.push_back({kReturnK, 0, 0, 1});
  head.push_back({kReturnK, 0, 0, 0});
  return head;
}

std::vector<Case> cases() {
  const Instruction header{kIndexHeader, 0, 0, 14};
  const auto at_x = [&](std::uint16_t code, std::uint32_t k) {
    return Program{{kLoadConstant, 0, 0, 77}, header, {code, 0, 0, k}};
  };
  return {
      {"tcp[tcpflags] & (tcp-syn|tcp-fin) != 0", compare(at_x(kLoadByteX, 27), kJumpSetK, 3)},
      {"icmp[icmptype] = icmp-echo", compare(at_x(kLoadByteX, 14), kJumpEqualK, 8)},
      {"tcp[4:4] = 1000", compare(at_x(kLoadWordX, 18), kJumpEqualK, 1000)},
      {"tcp dst port 80", compare(at_x(kLoadHalfX, 16), kJumpEqualK, 80)},
      {"ether multicast", compare({{kLoadByteAt, 0, 0, 0}}, kJumpSetK, 1)},
      {"ip[6] & 0x20 != 0", compare({{kLoadByteAt, 0, 0, 20}}, kJumpSetK, 0x20)},
      {"ip[6:2] & 0x1fff != 0", compare({{kLoadHalfAt, 0, 0, 20}}, kJumpSetK, 0x1fff)},
      {"src host 192.0.2.1", compare({{kLoadWordAt, 0, 0, 26}}, kJumpEqualK, 0xc000'0201)},
      {"ip[12:4] > 192.0.2.0", compare({{kLoadWordAt, 0, 0, 26}}, kJumpGreaterK, 0xc000'0200)},
      {"ip[12:4] >= 10.0.0.0", compare({{kLoadWordAt, 0, 0, 26}}, kJumpNotLessK, 0x0a00'0000)},
      {"greater 50", compare({{kLoadLength, 0, 0, 0}}, kJumpNotLessK, 50)},
      {"load past the end", compare({{kLoadWordAt, 0, 0, 51}}, kJumpNotLessK, 0)},
      {"index that wraps around",
       compare({{kIndexConstant, 0, 0, 0xffff'fff0}, {kLoadByteX, 0, 0, 0x20}}, kJumpNotLessK, 0)},
      {"arithmetic", compare({{kLoadByteAt, 0, 0, 15},
                              {kIndexLength, 0, 0, 0},
                              {kAddX, 0, 0, 0},
                              {kMultiplyK, 0, 0, 0x8000'0003},
                              {kExclusiveOrK, 0, 0, 0x55},
                              {kDivideX, 0, 0, 0},
                              {kRemainderK, 0, 0, 1000},
                              {kNegate, 0, 0, 0},
                              {kShiftRightK, 0, 0, 3}},
                             kJumpGreaterK, 0x1fff'ffb0)},
      {"shift by what the packet says",
       compare({header, {kLoadConstant, 0, 0, 1}, {kShiftLeftX, 0, 0, 0}}, kJumpEqualK, 1u << 20)},
      {"scratch memory", compare({{kLoadByteAt, 0, 0, 23},
                                  {kStore, 0, 0, 3},
                                  {kLoadScratch, 0, 0, 9},
                                  {kIndexScratch, 0, 0, 3},
                                  {kAddX, 0, 0, 0}},
                                 kJumpEqualK, 6)},
  };
}

/// An IPv4 packet over Ethernet with 20 octets of what the protocol carries.
Frame frame(std::uint8_t first, std::uint8_t protocol, const std::array<std::uint8_t, 20>& rest) {
  Frame out{{first, 0, 0, 0,    0, 2,  2,        0, 0, 0,   0, 1, 8, 0,   0x45, 0, 0,
             40,    0, 7, 0x40, 0, 64, protocol, 0, 0, 192, 0, 2, 1, 192, 0,    2, 2}};
  std::copy(rest.begin(), rest.end(), out.octets.begin() + 34);
  return out;
}

std::vector<Frame> frames() {
  Frame fragment = frame(1, 17, {0, 53, 0x30, 0x39, 0, 20});
  fragment.octets[20] = 0x20;
  Frame other = frame(2, 6, {0, 80, 0xc3, 0x50});
  other.octets[26] = 9;
  Frame arp = frame(0xff, 0, {});
  arp.size = 14;
  return {
      frame(2, 6, {0xc3, 0x50, 0, 80, 0, 0, 0x03, 0xe8, 0, 0, 0, 0, 0x50, 0x02}),
      frame(2, 6, {0xc3, 0x50, 0, 80, 0, 0, 0x03, 0xe9, 0, 0, 0, 0, 0x50, 0x10}),
      frame(2, 1, {8, 0, 0, 0, 0, 77, 0, 1}),
      frame(0xff, 1, {0, 0, 0, 0, 0, 77, 0, 1}),
      fragment,
      other,
      arp,
  };
}

/// A frame in two buffers, cut after `cut` octets; nobody frees them.
class Chain {
 public:
  Chain(Frame& frame, std::size_t cut) noexcept {
    fill(head_, frame.octets.data(), cut);
    fill(tail_, frame.octets.data() + cut, frame.size - cut);
    head_.pkt_len = static_cast<std::uint32_t>(frame.size);
    if (cut == frame.size) return;
    head_.next = &tail_;
    head_.nb_segs = 2;
  }
  rte_mbuf* mbuf() noexcept { return &head_; }

 private:
  static void fill(rte_mbuf& mbuf, std::uint8_t* octets, std::size_t size) noexcept {
    mbuf.buf_addr = octets;
    mbuf.data_len = static_cast<std::uint16_t>(size);
    mbuf.nb_segs = 1;
  }
  rte_mbuf head_{};
  rte_mbuf tail_{};
};

}  // namespace

std::string self_test(Compile compile) {
  std::vector<Frame> packets = frames();
  for (const Case& each : cases()) {
    const Native native = compile(each.program);
    if (!native) continue;
    for (Frame& packet : packets) {
      const bool expected =
          interpret(each.program, octets_of(Bytes{packet.octets}.first(packet.size))) != 0;
      for (const std::size_t cut : {packet.size, std::size_t{13}, std::size_t{28}}) {
        if (cut > packet.size) continue;
        Chain chain{packet, cut};
        if ((native(chain.mbuf()) != 0) == expected) continue;
        return std::string{"the filter compiler is wrong about \""} + each.what +
               "\": filters are interpreted instead, some times slower";
      }
    }
  }
  return {};
}

std::string self_test() {
  return self_test(Native::compile);
}

}  // namespace smol::dataplane::filter
