// The program as its user meets it. Nothing here asserts a time.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tools/bench/process.hh"

namespace smol::bench {
namespace {
namespace fs = std::filesystem;

using testing::HasSubstr;

/// A folder for results, removed at the end.
class Folder {
 public:
  Folder() { EXPECT_NE(mkdtemp(path_), nullptr); }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string path() const { return path_; }

 private:
  char path_[32] = "/tmp/smol-bench-XXXXXX";
};

Process::Ended smolbench(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), SMOL_SMOLBENCH);
  Process process{arguments, {}};
  return process.wait(Seconds{120});
}

std::string text_of(const fs::path& file) {
  std::ifstream in{file};
  return {std::istreambuf_iterator<char>{in}, {}};
}

TEST(Smolbench, ListsItsBenchmarks) {
  const Process::Ended ended = smolbench({"list"});
  EXPECT_EQ(ended.status, 0);
  for (const char* name : {"stack ", "tap ", "capture ", "start ", "idle "}) {
    EXPECT_THAT(ended.output, HasSubstr(name));
  }
}

TEST(Smolbench, NamesABenchmarkThatIsNone) {
  const Process::Ended ended = smolbench({"stak"});
  EXPECT_EQ(ended.status, 2);
  EXPECT_EQ(ended.output, "smolbench: no benchmark 'stak'; smolbench list names them\n");
}

TEST(Smolbench, NamesRowsThatAreNone) {
  const Process::Ended ended = smolbench({"stack", "--only", "nothing"});
  EXPECT_EQ(ended.status, 1);
  EXPECT_THAT(ended.output, HasSubstr("stack has no row like 'nothing'"));
}

// The smoke test of the whole suite in memory: every row runs, and none loses a packet.
TEST(Smolbench, QuickRunMeasuresEveryRowOfTheStack) {
  const Folder folder;
  const std::string copy = folder.path() + "/copy.json";
  const Process::Ended ended =
      smolbench({"stack", "--quick", "--out", folder.path(), "--json", copy});
  EXPECT_EQ(ended.status, 0) << ended.output;
  EXPECT_THAT(ended.output, HasSubstr("write 64K IPv4"));
  EXPECT_THAT(ended.output, testing::Not(HasSubstr("FAILED")));
  const auto json = nlohmann::json::parse(text_of(folder.path() + "/stack.json"));
  EXPECT_EQ(json["quick"], true);
  for (const auto& row : json["rows"]) {
    ASSERT_EQ(row["samples"].size(), 1u) << row["name"];
    EXPECT_GT(row["median"], 0.0) << row["name"];
  }
  EXPECT_EQ(nlohmann::json::parse(text_of(copy))[0], json);
  EXPECT_THAT(text_of(folder.path() + "/stack.svg"), HasSubstr("</svg>"));
}

TEST(Smolbench, KeepsARunAndComparesWithIt) {
  const Folder folder;
  const std::string kept = folder.path() + "/kept";
  fs::create_directory(kept);
  const std::vector<std::string> quick = {"stack", "--quick",     "--only", "hold",
                                          "--out", folder.path(), "--kept", kept};
  ASSERT_EQ(smolbench(quick).status, 0);
  fs::copy(folder.path() + "/stack.json", kept + "/stack.json");
  EXPECT_THAT(smolbench(quick).output, HasSubstr("kept: change since the run of"));
}

TEST(Smolbench, SaysWhatIsWrongWithAKeptRun) {
  const Folder folder;
  std::ofstream{folder.path() + "/stack.json"} << "{}";
  const Process::Ended ended = smolbench({"stack", "--quick", "--only", "hold", "--out",
                                          folder.path() + "/out", "--kept", folder.path()});
  EXPECT_EQ(ended.status, 0);
  EXPECT_THAT(ended.output, HasSubstr("stack.json is not compared with: "));
}

TEST(Smolbench, PutsJsonAloneOnStandardOutput) {
  const Folder folder;
  const Process::Ended ended =
      smolbench({"stack", "--quick", "--only", "hold", "--out", folder.path(), "--json", "-"});
  EXPECT_EQ(ended.status, 0);
  // Both outputs are seen here; the document begins where the report has ended.
  EXPECT_TRUE(nlohmann::json::accept(ended.output.substr(ended.output.find("[\n{"))));
}

}  // namespace
}  // namespace smol::bench
