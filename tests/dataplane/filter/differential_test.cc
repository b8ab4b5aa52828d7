// Compiled and interpreted filters against libpcap's own interpreter, which is not ours.

#include <algorithm>
#include <cstring>

#include <pcap/pcap.h>
#include <rte_mbuf.h>

#undef likely
#undef unlikely

#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/filter/interpreter.hh"
#include "dataplane/filter/native.hh"
#include "protocols/base/random.hh"
#include "tests/dataplane/filter/expressions.hh"

namespace smol::dataplane::filter {
namespace {

/// libpcap's compiler, for Ethernet.
class Compiler {
 public:
  Compiler() : pcap_{pcap_open_dead(DLT_EN10MB, 262'144)} {}
  ~Compiler() { pcap_close(pcap_); }
  Compiler(const Compiler&) = delete;
  Compiler& operator=(const Compiler&) = delete;

  /// Empty: not an expression, which random ones may be ("a constant 0 divides").
  std::vector<Instruction> compile(const std::string& expression, bool optimize) {
    bpf_program made{};
    if (pcap_compile(pcap_, &made, expression.c_str(), optimize ? 1 : 0, 0xffff'ff00) != 0) {
      return {};
    }
    std::vector<Instruction> out;
    for (u_int i = 0; i < made.bf_len; ++i) {
      const bpf_insn& each = made.bf_insns[i];
      out.push_back({each.code, each.jt, each.jf, each.k});
    }
    pcap_freecode(&made);
    return out;
  }

 private:
  pcap_t* pcap_;
};

/// The packet in up to four mbufs that nobody frees.
class Chain {
 public:
  Chain(std::vector<std::uint8_t>& octets, std::vector<std::size_t> cuts) {
    std::sort(cuts.begin(), cuts.end());
    cuts.push_back(octets.size());
    std::size_t from = 0;
    for (std::size_t i = 0; i < cuts.size(); ++i) {
      rte_mbuf& mbuf = mbufs_[i];
      mbuf.buf_addr = octets.data() + from;
      mbuf.data_len = static_cast<std::uint16_t>(cuts[i] - from);
      mbuf.next = i + 1 < cuts.size() ? &mbufs_[i + 1] : nullptr;
      from = cuts[i];
    }
    mbufs_[0].nb_segs = static_cast<std::uint16_t>(cuts.size());
    mbufs_[0].pkt_len = static_cast<std::uint32_t>(octets.size());
    whole_ = octets;
    front_ = whole_.first(cuts.front());
  }
  Chain(const Chain&) = delete;
  Chain& operator=(const Chain&) = delete;
  rte_mbuf* mbuf() noexcept { return mbufs_.data(); }
  Octets octets() const noexcept {
    return {front_, whole_.size(), this,
            [](const void* chain, std::size_t offset, MutBytes out) noexcept {
              copy_bytes(out, static_cast<const Chain*>(chain)->whole_.subspan(offset, out.size()));
            }};
  }

 private:
  std::array<rte_mbuf, 4> mbufs_{};
  Bytes front_;
  Bytes whole_;
};

struct Seen {
  std::size_t pairs = 0;
  std::size_t matches = 0;
  std::size_t programs = 0;
  std::size_t native = 0;
};

/// One program over `count` packets, each whole and as a chain.
::testing::AssertionResult agree(const std::vector<Instruction>& program, testing::Frames& frames,
                                 int count, Seen& seen) {
  if (const auto valid = validate(program); !valid) {
    return ::testing::AssertionFailure() << valid.error().message();
  }
  const Native native = Native::compile(program);
  ++seen.programs;
  if (native) ++seen.native;
  for (int i = 0; i < count; ++i) {
    std::vector<std::uint8_t> packet = frames.frame();
    const auto size = static_cast<std::uint32_t>(packet.size());
    const std::uint32_t expected =
        bpf_filter(reinterpret_cast<const bpf_insn*>(program.data()), packet.data(), size, size);
    ++seen.pairs;
    if (expected != 0) ++seen.matches;
    std::vector<std::size_t> pieces;
    for (int n = 0; n < 3; ++n) pieces.push_back(frames.below(size + 1));
    for (const auto& cuts : {std::vector<std::size_t>{}, pieces}) {
      Chain chain{packet, cuts};
      const auto failure = [&](const char* who, std::uint32_t got) {
        return ::testing::AssertionFailure() << who << " says " << got << ", libpcap " << expected
                                             << ", of " << ::testing::PrintToString(packet);
      };
      const std::uint32_t interpreted = interpret(program, chain.octets());
      if (interpreted != expected) return failure("the interpreter", interpreted);
      if (!native) continue;
      const std::uint32_t compiled = native(chain.mbuf());
      if (compiled != expected) return failure("the compiled filter", compiled);
    }
  }
  return ::testing::AssertionSuccess();
}

TEST(FilterDifferential, CompiledAndInterpretedSayWhatLibpcapSays) {
  Compiler compiler;
  testing::Expressions expressions{1};
  testing::Frames frames{2};
  Seen seen;
  while (seen.pairs < 100'000) {
    const std::string expression = expressions.expression();
    const auto program = compiler.compile(expression, frames.below(4) != 0);
    if (program.empty()) continue;
    ASSERT_TRUE(agree(program, frames, 20, seen)) << expression;
  }
  // It is of no use if hardly anything matches, or is compiled.
  EXPECT_GT(seen.matches, seen.pairs / 10);
  EXPECT_LT(seen.matches, seen.pairs * 9 / 10);
#if defined(__x86_64__)
  EXPECT_EQ(seen.native, seen.programs);
#endif
}

// Each of them is wrong, or ends the process, by way of rte_bpf_convert() (DPDK 22.11).
TEST(FilterDifferential, ExpressionsThatFoundDpdkOut) {
  Compiler compiler;
  testing::Frames frames{3};
  Seen seen;
  for (const char* expression :
       {"tcp[tcpflags] & (tcp-syn|tcp-fin) != 0", "icmp[icmptype] = icmp-echo", "tcp[13] = 2",
        "tcp[4:4] = 1000", "ether multicast", "ip[6] & 0x20 != 0", "ether[0] & 1 = 0",
        "ip[1] & 3 = 0", "src host 192.0.2.1", "ip[12:4] > 0xc0000200",
        "ip[0] - 70 = 0xffffffff"}) {
    const auto program = compiler.compile(expression, true);
    ASSERT_FALSE(program.empty()) << expression;
    ASSERT_TRUE(agree(program, frames, 500, seen)) << expression;
  }
}

/// Any program that validate() passes: what comes over the network need not be libpcap's work.
std::vector<Instruction> random_program(Rng& rng) {
  constexpr std::array<std::uint16_t, 49> kCodes = {
      0x20, 0x28, 0x30, 0x40, 0x48, 0x50, 0x00, 0x60, 0x80, 0x01, 0x61, 0x81, 0xb1,
      0x02, 0x03, 0x04, 0x0c, 0x14, 0x1c, 0x24, 0x2c, 0x34, 0x3c, 0x44, 0x4c, 0x54,
      0x5c, 0x64, 0x6c, 0x74, 0x7c, 0x84, 0x94, 0x9c, 0xa4, 0xac, 0x05, 0x15, 0x1d,
      0x25, 0x2d, 0x35, 0x3d, 0x45, 0x4d, 0x06, 0x16, 0x87, 0x07};
  constexpr std::array<std::uint32_t, 10> kConstants = {
      0, 1, 14, 31, 0x7f, 0x80, 0xffff, 0x7fff'ffff, 0x8000'0000, 0xffff'fff0};
  std::vector<Instruction> out;
  const std::uint32_t size = 1 + rng.below(30);
  while (out.size() < size) {
    const auto left = size - static_cast<std::uint32_t>(out.size());
    Instruction i{kCodes[rng.below(kCodes.size())], static_cast<std::uint8_t>(rng.below(left)),
                  static_cast<std::uint8_t>(rng.below(left)), 0};
    i.k = rng.below(3) == 0 ? kConstants[rng.below(kConstants.size())] : rng.below(64);
    if (i.code == kJump) i.k %= left;
    if (i.code == kStore || i.code == kStoreIndex || i.code == kLoadScratch ||
        i.code == kIndexScratch) {
      i.k %= kScratchWords;
    }
    out.push_back(i);
  }
  out.push_back({kReturnA, 0, 0, 0});
  return out;
}

TEST(FilterDifferential, AnyValidProgramDoesTheSameCompiledAndInterpreted) {
  Rng rng{6};
  testing::Frames frames{7};
  std::size_t programs = 0;
  for (int n = 0; n < 20'000; ++n) {
    const std::vector<Instruction> program = random_program(rng);
    if (!validate(program)) continue;
    const Native native = Native::compile(program);
    if (!native) GTEST_SKIP() << "no compiler for this processor";
    ++programs;
    for (int i = 0; i < 4; ++i) {
      std::vector<std::uint8_t> packet = frames.frame();
      Chain chain{packet, {frames.below(static_cast<std::uint32_t>(packet.size()) + 1)}};
      ASSERT_EQ(native(chain.mbuf()), interpret(program, chain.octets())) << "program " << n;
    }
  }
  EXPECT_GT(programs, 10'000u);
}

TEST(FilterDifferential, LongProgramAndOneOfManyPaths) {
  Compiler compiler;
  testing::Frames frames{4};
  Seen seen;
  std::string hosts = "host 192.0.2.1";
  for (int i = 2; i < 100; ++i) hosts += " or host 192.0.2." + std::to_string(i);
  std::string branches = "ip";
  for (int i = 0; i < 40; ++i) {
    const std::string n = std::to_string(i);
    branches += " and (ether[" + n + "] != 255 or ip[" + n + "] != 255)";
  }
  for (const std::string& expression : {hosts, branches}) {
    const auto program = compiler.compile(expression, true);
    ASSERT_GT(program.size(), 100u);
    ASSERT_TRUE(agree(program, frames, 200, seen));
  }
}

}  // namespace
}  // namespace smol::dataplane::filter
