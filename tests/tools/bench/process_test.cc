#include "tools/bench/process.hh"

#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tools/bench/failure.hh"
#include "tools/bench/network_namespace.hh"

namespace smol::bench {
namespace {

TEST(Process, TellsItsStatusAndWhatItPrinted) {
  const Process::Ended ended = run_to_end({"sh", "-c", "echo out; echo err >&2; exit 3"}, {});
  EXPECT_EQ(ended.status, 3);
  EXPECT_THAT(ended.output, testing::HasSubstr("out\n"));
  EXPECT_THAT(ended.output, testing::HasSubstr("err\n"));
}

TEST(Process, TellsTheSignalThatEndedIt) {
  EXPECT_EQ(run_to_end({"sh", "-c", "kill -9 $$"}, {}).status, 128 + 9);
}

TEST(Process, AProgramThatIsNotThereIsNamed) {
  try {
    const Process none{{"smol-no-such-program"}, {}};
    ADD_FAILURE() << "it runs";
  } catch (const Failure& failure) {
    EXPECT_STREQ(failure.what(), "cannot run smol-no-such-program: No such file or directory");
  }
}

TEST(Process, OneThatDoesNotEndIsKilledAndNamed) {
  Process forever{{"cat"}, {.input = Process::Input::kHeldOpen}};
  EXPECT_TRUE(forever.alive());
  EXPECT_THROW(forever.wait(Seconds{0.02}), Failure);
  EXPECT_FALSE(forever.alive());
}

TEST(Process, EndsWithItsObject) {
  pid_t pid = 0;
  {
    const Process child{{"cat"}, {.input = Process::Input::kHeldOpen}};
    pid = child.pid();
    EXPECT_TRUE(process_use(pid));
  }
  EXPECT_FALSE(process_use(pid));
}

TEST(FindProgram, LooksInThePath) {
  EXPECT_THAT(find_program("sh"), testing::EndsWith("/sh"));
  EXPECT_EQ(find_program("smol-no-such-program"), "");
}

// Both ends of a veth pair, one in each of two namespaces, and neither where we are.
TEST(NetworkNamespace, HoldsInterfacesOfItsOwn) {
  if (geteuid() != 0) GTEST_SKIP() << "makes network namespaces: run it as root";
  const NetworkNamespace here;
  const NetworkNamespace peer;
  make_veth_pair(here, peer);
  EXPECT_FALSE(interface_exists("veth0") && interface_exists("veth1"));
  here.run([] {
    EXPECT_TRUE(interface_exists("veth0"));
    EXPECT_FALSE(interface_exists("veth1"));
    set_offloads_off("veth0");
    set_ip4_address("veth0", "192.168.70.1", 24);
    set_up("veth0");
    EXPECT_THROW(set_up("veth1"), Failure);
  });
  peer.run([] { EXPECT_TRUE(interface_exists("veth1")); });
  const Process::Ended shown = run_to_end({"ip", "-br", "address"}, {.where = &here});
  EXPECT_THAT(shown.output, testing::HasSubstr("192.168.70.1/24"));
}

}  // namespace
}  // namespace smol::bench
