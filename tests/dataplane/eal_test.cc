#include "dataplane/eal.hh"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/dpdk.hh"
#include "tests/dataplane/environment.hh"

namespace smol::dataplane {
namespace {

using ::smol::dataplane::testing::eal;
using ::smol::dataplane::testing::log;

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

TEST(EalArguments, WithoutHugepagesReserveExactlyWhatIsNeeded) {
  EXPECT_EQ(joined(eal_arguments({}, {}, std::size_t{99} << 20, false, {0, 1, 5})),
            "smold --lcores=0@(0,1,5) --no-telemetry --no-huge --no-shconf -m 100 --no-pci");
}

TEST(EalArguments, ConfiguredMemoryWins) {
  EXPECT_EQ(joined(eal_arguments({.memory_mb = 64}, {}, std::size_t{99} << 20, false, {0})),
            "smold --lcores=0@(0) --no-telemetry --no-huge --no-shconf -m 64 --no-pci");
}

TEST(EalArguments, HugepagesNeedNoMountAndNoFile) {
  EXPECT_EQ(joined(eal_arguments({}, {}, 1, true, {0})),
            "smold --lcores=0@(0) --no-telemetry --in-memory --no-pci");
}

TEST(EalArguments, OnlyTheConfiguredPciDevicesAreTouched) {
  EXPECT_EQ(joined(eal_arguments({}, {"0000:03:00.0,x=1", "0000:03:00.1"}, 1, true, {0})),
            "smold --lcores=0@(0) --no-telemetry --in-memory -a 0000:03:00.0,x=1 -a 0000:03:00.1");
}

TEST(EalArguments, ExtraOnesComeLast) {
  EXPECT_EQ(joined(eal_arguments({.extra_arguments = {"--iova-mode=va"}}, {}, 1, true, {0})),
            "smold --lcores=0@(0) --no-telemetry --in-memory --no-pci --iova-mode=va");
}

TEST(Hugepages, FreeOnesOfAllSizesAreAddedUp) {
  const auto root = std::filesystem::temp_directory_path() / "smol-hugepages-test";
  const auto pages = [&](const char* size, int n) {
    std::filesystem::create_directories(root / size);
    std::ofstream{root / size / "free_hugepages"} << n << '\n';
  };
  pages("hugepages-2048kB", 3);
  pages("hugepages-1048576kB", 1);
  EXPECT_EQ(free_hugepage_octets(root), (std::size_t{3} << 21) + (std::size_t{1} << 30));
  std::filesystem::remove_all(root);
  EXPECT_EQ(free_hugepage_octets(root), 0u);
}

TEST(Memory, IsWhatTheMachineAndTheControlGroupHaveLeft) {
  const auto root = std::filesystem::temp_directory_path() / "smol-memory-test";
  std::filesystem::create_directories(root);
  const auto write = [&](const char* name, const char* text) {
    std::ofstream{root / name} << text;
  };
  const auto available = [&] { return available_memory_octets(root / "meminfo", root); };
  write("meminfo", "MemTotal:       100 kB\nMemFree: 1 kB\nMemAvailable:    50 kB\n");
  EXPECT_EQ(available(), 50u * 1024);
  write("memory.max", "max\n");
  write("memory.current", "10240\n");
  EXPECT_EQ(available(), 50u * 1024);
  write("memory.max", "20480\n");
  EXPECT_EQ(available(), 10'240u);
  write("memory.max", "1024\n");
  EXPECT_EQ(available(), 0u);
  std::filesystem::remove_all(root);
  EXPECT_EQ(available(), SIZE_MAX) << "unknown is no reason to refuse";
}

TEST(Eal, IsSharedWhileItRuns) {
  const auto again = Eal::start({}, {}, 1, log());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->get(), &eal());
}

TEST(Eal, MessagesAreOursInOneLineEach) {
  log().take();
  rte_log(RTE_LOG_ERR, RTE_LOGTYPE_USER1, "USER1: two\nlines and a ");
  rte_log(RTE_LOG_ERR, RTE_LOGTYPE_USER1, "half\n");
  rte_log(RTE_LOG_WARNING, RTE_LOGTYPE_USER1, "USER1: careful\n");
  rte_log(RTE_LOG_NOTICE, RTE_LOGTYPE_USER1, "USER1: by the way\n");
  const auto lines = log().take();
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[0].text, "USER1: two");
  EXPECT_EQ(lines[0].level, LogLevel::kError);
  EXPECT_EQ(lines[0].component, "dpdk");
  EXPECT_EQ(lines[1].text, "lines and a half");
  EXPECT_EQ(lines[2].level, LogLevel::kWarning);
  EXPECT_EQ(lines[3].level, LogLevel::kDebug);
}

TEST(Eal, WhileQuietMessagesAreForDebuggingAndTheFirstErrorIsKept) {
  log().take();
  {
    const Eal::Quiet quiet{eal()};
    EXPECT_EQ(quiet.why(), "");
    rte_log(RTE_LOG_WARNING, RTE_LOGTYPE_USER1, "tun_alloc(): careful\n");
    EXPECT_EQ(quiet.why(), "careful");
    rte_log(RTE_LOG_ERR, RTE_LOGTYPE_USER1, "EAL: no such thing\n");
    rte_log(RTE_LOG_ERR, RTE_LOGTYPE_USER1, "EAL: so all is lost\n");
    EXPECT_EQ(quiet.why(), "no such thing");
  }
  for (const auto& line : log().take()) EXPECT_EQ(line.level, LogLevel::kDebug) << line.text;
  const Eal::Quiet quiet{eal()};
  EXPECT_EQ(quiet.why(), "");
}

}  // namespace
}  // namespace smol::dataplane
