// Programs that are refused, programs that run, and the compiler that must not be trusted.

#include "dataplane/filter/filter.hh"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/filter/self_test.hh"
#include "dataplane/mbuf_packet.hh"
#include "tests/dataplane/environment.hh"

namespace smol::dataplane::filter {
namespace {

using Program = std::vector<Instruction>;

constexpr Instruction kYes{kReturnK, 0, 0, 1};
constexpr Instruction kNo{kReturnK, 0, 0, 0};

struct Refused {
  const char* sentence;
  Program program;
};

class Refusals : public ::testing::TestWithParam<Refused> {};

TEST_P(Refusals, NameTheInstructionAndTheRule) {
  const auto valid = validate(GetParam().program);
  ASSERT_FALSE(valid);
  EXPECT_EQ(valid.error().message(), GetParam().sentence);
}

INSTANTIATE_TEST_SUITE_P(
    Filter, Refusals,
    ::testing::Values(
        Refused{"filter: instruction 0 is missing: the program is empty", {}},
        Refused{"filter: instruction 4096 is one too many: a filter has up to 4096",
                Program(4097, kYes)},
        Refused{"filter: instruction 1 is none of classic BPF", {kYes, {0xffff, 0, 0, 0}, kYes}},
        Refused{"filter: instruction 0 is none of classic BPF", {{kReturnK | 0x100, 0, 0, 0}}},
        Refused{"filter: instruction 0 divides by 0", {{kDivideK, 0, 0, 0}, kYes}},
        Refused{"filter: instruction 0 divides by 0", {{kRemainderK, 0, 0, 0}, kYes}},
        Refused{"filter: instruction 0 shifts by 32 bits or more", {{kShiftLeftK, 0, 0, 32}, kYes}},
        Refused{"filter: instruction 0 is past the 16 words of scratch memory",
                {{kStore, 0, 0, 16}, kYes}},
        Refused{"filter: instruction 0 is past the 16 words of scratch memory",
                {{kIndexScratch, 0, 0, 1u << 31}, kYes}},
        Refused{"filter: instruction 1 jumps back: protochain does, leave it out",
                {kNo, {kJump, 0, 0, 0xffff'fffe}, kYes}},
        Refused{"filter: instruction 0 jumps past the end", {{kJump, 0, 0, 1}, kYes}},
        Refused{"filter: instruction 0 jumps past the end", {{kJumpEqualK, 1, 0, 1}, kYes}},
        Refused{"filter: instruction 0 jumps past the end", {{kJumpSetX, 0, 255, 1}, kYes}},
        Refused{"filter: instruction 1 is the last and does not return",
                {kYes, {kLoadConstant, 0, 0, 1}}}));

TEST(Filter, LongestProgramIsTaken) {
  Program program(kMaxInstructions - 1, {kAddK, 0, 0, 1});
  program.push_back({kReturnA, 0, 0, 0});
  ASSERT_TRUE(validate(program));
  const std::vector<std::uint8_t> packet(60);
  EXPECT_EQ(interpret(program, octets_of(Bytes{packet})), kMaxInstructions - 1);
}

std::uint32_t run(const Program& program, std::vector<std::uint8_t> packet = {1, 2, 3, 4, 5}) {
  EXPECT_TRUE(validate(program));
  return interpret(program, octets_of(Bytes{packet}));
}

TEST(Filter, LoadPastTheEndIsNoMatch) {
  EXPECT_EQ(run({{kLoadWordAt, 0, 0, 1}, kYes}), 1u);
  EXPECT_EQ(run({{kLoadWordAt, 0, 0, 2}, kYes}), 0u);
  EXPECT_EQ(run({{kLoadByteAt, 0, 0, 0xffff'ffff}, kYes}), 0u);
  EXPECT_EQ(run({{kIndexHeader, 0, 0, 5}, kYes}), 0u);
  // X + K is 1 in 32 bits.
  EXPECT_EQ(run({{kIndexConstant, 0, 0, 0xffff'ffff}, {kLoadByteX, 0, 0, 2}, kYes}), 0u);
}

TEST(Filter, ScratchMemoryThatNobodyWroteIsZero) {
  EXPECT_EQ(run({{kLoadConstant, 0, 0, 7}, {kLoadScratch, 0, 0, 3}, {kReturnA, 0, 0, 0}}), 0u);
}

TEST(Filter, DivisionByZeroIsNoMatch) {
  EXPECT_EQ(run({{kDivideX, 0, 0, 0}, kYes}), 0u);
  EXPECT_EQ(run({{kRemainderX, 0, 0, 0}, kYes}), 0u);
}

class FilterOnMbufs : public ::testing::Test {
 protected:
  std::unique_ptr<MbufPool> pool_ =
      MbufPool::create("filter", PoolConfig{.packets = 1024, .small_packets = 1024}, -1).value();

  MbufPacket packet(std::vector<std::uint8_t> octets) {
    MbufPacket out = pool_->allocate();
    copy_bytes(out.append(octets.size()), octets);
    return out;
  }
};

TEST_F(FilterOnMbufs, AbsentFilterMatches) {
  EXPECT_TRUE(Filter{}.matches(packet({})));
  EXPECT_TRUE(Filter::create({}).value().matches_all());
}

TEST_F(FilterOnMbufs, ReadsAcrossAChain) {
  const Program program{{kLoadWordAt, 0, 0, 1}, {kJumpEqualK, 0, 1, 0x0203'0405}, kYes, kNo};
  const Filter filter = Filter::create(program).value();
  MbufPacket chain = packet({1, 2, 3});
  chain.chain(packet({4, 5}));
  EXPECT_TRUE(filter.matches(chain));
  EXPECT_FALSE(filter.matches(packet({1, 2, 3})));
}

TEST_F(FilterOnMbufs, IsCompiledWhereThereIsACompiler) {
#if defined(__x86_64__)
  EXPECT_TRUE(Filter::create(Program{kYes}).value().is_native());
#endif
}

TEST_F(FilterOnMbufs, LongPacketIsReadToItsEnd) {
  const Program program{{kLoadByteAt, 0, 0, 4000}, {kJumpEqualK, 0, 1, 9}, kYes, kNo};
  const Filter filter = Filter::create(program).value();
  MbufPacket chain = packet(std::vector<std::uint8_t>(1500));
  for (int i = 0; i < 2; ++i) chain.chain(packet(std::vector<std::uint8_t>(1500, 9)));
  EXPECT_TRUE(filter.matches(chain));
}

TEST(FilterSelfTest, PassesWithOurCompiler) {
  EXPECT_EQ(self_test(), "");
}

// As rte_bpf_convert() does: the index of a load of 1 or 4 octets is taken from the accumulator.
TEST(FilterSelfTest, FindsAnIndexFromTheWrongRegister) {
  const auto wrong = [](std::span<const Instruction> program) -> Native {
    Program other{program.begin(), program.end()};
    for (std::size_t at = 0; at < other.size(); ++at) {
      if (other[at].code != kLoadByteX && other[at].code != kLoadWordX) continue;
      other.insert(other.begin() + static_cast<std::ptrdiff_t>(at++), {kAToIndex, 0, 0, 0});
    }
    return Native::compile(other);
  };
  EXPECT_EQ(
      self_test(wrong),
      "the filter compiler is wrong about \"tcp[tcpflags] & (tcp-syn|tcp-fin) != 0\": filters "
      "are interpreted instead, some times slower");
}

TEST(FilterSelfTest, FindsALostBit) {
  const auto wrong = [](std::span<const Instruction> program) -> Native {
    Program other{program.begin(), program.end()};
    for (Instruction& each : other) {
      if (each.code == kJumpSetK) each.k &= ~1u;
    }
    return Native::compile(other);
  };
  EXPECT_NE(self_test(wrong), "");
}

}  // namespace
}  // namespace smol::dataplane::filter
