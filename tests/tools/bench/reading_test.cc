// What other programs and the kernel say, read.
#include <gtest/gtest.h>

#include "tools/bench/http_load.hh"
#include "tools/bench/machine.hh"

namespace smol::bench {
namespace {

constexpr const char* kWrk =
    "Running 5s test @ http://192.168.69.1/hello\n"
    "  2 threads and 64 connections\n"
    "  Thread Stats   Avg      Stdev     Max   +/- Stdev\n"
    "    Latency   334.41us   87.11us   2.74ms   79.24%\n"
    "    Req/Sec    93.94k     6.66k  107.40k    70.59%\n"
    "  953231 requests in 5.10s, 61.82MB read\n";

TEST(Wrk, TellsRequestsASecond) {
  const auto report = parse_wrk(std::string{kWrk} + "Requests/sec: 186912.38\n");
  ASSERT_TRUE(report);
  EXPECT_EQ(*report, (WrkReport{186912.38, 0}));
}

TEST(Wrk, ErrorsAreCounted) {
  const auto report = parse_wrk(std::string{kWrk} +
                                "  Socket errors: connect 1, read 20, write 300, timeout 4000\n"
                                "  Non-2xx or 3xx responses: 50000\n"
                                "Requests/sec: 1.5\n");
  ASSERT_TRUE(report);
  EXPECT_EQ(*report, (WrkReport{1.5, 54321}));
}

TEST(Wrk, OfAnotherProgramNothingIsRead) {
  EXPECT_FALSE(parse_wrk("unable to connect to 192.168.69.1:80 Connection refused\n"));
  EXPECT_FALSE(parse_wrk(""));
}

TEST(ColonField, IsTheFirstLineOfThatKey) {
  const std::string text = "processor\t: 0\nmodel name\t: AMD EPYC\nmodel name\t: another\n";
  EXPECT_EQ(colon_field(text, "model name"), "AMD EPYC");
  EXPECT_EQ(colon_field(text, "model"), "");
}

TEST(Machine, KnowsWhereItRuns) {
  const Machine machine = describe_machine();
  EXPECT_FALSE(machine.cpu.empty());
  EXPECT_GT(machine.cores, 0u);
  EXPECT_EQ(machine.kernel.rfind("Linux ", 0), 0u);
  EXPECT_FALSE(machine.commit.empty());
  EXPECT_FALSE(machine.governor.empty());
}

}  // namespace
}  // namespace smol::bench
