#include "control/document.hh"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

namespace smol::control {
namespace {

std::string shown(const Value& value) {
  switch (value.kind) {
    case Value::Kind::kNull:
      return "null";
    case Value::Kind::kText:
      return "'" + value.text + "'";
    case Value::Kind::kList:
    case Value::Kind::kMap:
      break;
  }
  const bool is_map = value.kind == Value::Kind::kMap;
  std::string out = is_map ? "{" : "[";
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    if (i > 0) out += ", ";
    if (is_map) out += value.keys[i].name + ": ";
    out += shown(value.items[i]);
  }
  return out + (is_map ? "}" : "]");
}

/// The document, or its first error.
std::string read(std::string_view text) {
  Diagnostics diagnostics{"f"};
  const std::optional<Value> value = read_yaml(text, diagnostics);
  if (!diagnostics.empty()) return diagnostics.lines().front();
  return value ? shown(*value) : "nothing, and no reason";
}

struct Row {
  std::string_view sentence;
  std::string text;
  std::string_view outcome;
};

const std::vector<Row>& rows() {
  static const std::vector<Row> all = {
      {"an empty file", "", "{}"},
      {"a file of comments", "# nothing\n", "{}"},
      {"an empty document", "---\n", "{}"},
      {"words that YAML gives a type", "{a: no, b: 0123, c: 1e3, d: 0x10, e: yes, f: 1:30}",
       "{a: 'no', b: '0123', c: '1e3', d: '0x10', e: 'yes', f: '1:30'}"},
      {"quoted words", "{a: 'no', b: \"x\\ty\"}", "{a: 'no', b: 'x\ty'}"},
      {"nulls", "a:\nb: ~\nc: null\nd: 'null'\n", "{a: null, b: null, c: null, d: 'null'}"},
      {"lists and maps", "a:\n  - 1\n  - {b: 2}\n", "{a: ['1', {b: '2'}]}"},
      {"addresses as they are", "a: fdaa::1/64\nb: 02:00:00:00:00:01\n",
       "{a: 'fdaa::1/64', b: '02:00:00:00:00:01'}"},
      {"an alias", "a: &x {b: 1}\nc: *x\n", "{a: {b: '1'}, c: {b: '1'}}"},
      {"an alias of itself", "a: &x [*x]\n", "f:1:8: this alias is part of its own anchor"},
      {"an alias of nothing", "a: *x\n", "f:1:4: not YAML: the referenced anchor is not defined"},
      {"a tag", "a: !!int 5\n",
       "f:1:4: YAML tags such as tag:yaml.org,2002:int are not used here: leave it out"},
      {"a tag of a list", "a: !x [1]\n",
       "f:1:4: YAML tags such as !x are not used here: leave it out"},
      {"a key twice", "a: 1\nb: 2\na: 3\n", "f:3:1: key 'a' appears twice; the first is on line 1"},
      {"a key that is a list", "? [1]\n: 2\n", "f:1:3: a key must be a plain word"},
      {"a key that is null", "~: 2\n", "f:1:1: a key must be a plain word"},
      {"two documents", "a: 1\n---\nb: 1\n",
       "f:3:1: a second YAML document begins here: one file, one document"},
      {"a list that does not end", "a: [1, 2\n", "f:2:1: not YAML: end of sequence flow not found"},
      {"a tab", "a:\n\tb: 1\n", "f:2:3: not YAML: illegal map value"},
      {"levels without end", std::string(17, '[') + std::string(17, ']'),
       "f:1:17: nested too deeply"},
  };
  return all;
}

TEST(ReadYaml, GivesTextWithoutTypes) {
  for (const Row& row : rows()) EXPECT_EQ(read(row.text), row.outcome) << row.sentence;
}

// Ten aliases of ten aliases of ...: a few octets that unfold to ten thousand million values.
TEST(ReadYaml, RefusesAliasesThatUnfoldWithoutEnd) {
  std::string text = "a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string inner = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + inner;
    for (int n = 0; n < 9; ++n) text += "," + inner;
    text += "]\n";
  }
  EXPECT_NE(read(text).find("more than 100000 values"), std::string::npos);
}

TEST(ReadYaml, KnowsWhereEverythingStands) {
  Diagnostics diagnostics{"f"};
  const std::optional<Value> value = read_yaml("a:\n  b: 1\n  c:\n    - x\n  d:\n", diagnostics);
  ASSERT_TRUE(value);
  EXPECT_EQ(value->keys[0].place, (Place{1, 1}));
  const Value& a = value->items[0];
  EXPECT_EQ(a.place, (Place{2, 3}));
  EXPECT_EQ(a.items[0].place, (Place{2, 6}));
  EXPECT_EQ(a.keys[1].place, (Place{3, 3}));
  EXPECT_EQ(a.items[1].items[0].place, (Place{4, 7}));
  EXPECT_EQ(a.keys[2].place, (Place{5, 3}));
}

TEST(ReadYaml, GoesOnBehindAKeyThatAppearsTwice) {
  Diagnostics diagnostics{"f"};
  const std::optional<Value> value = read_yaml("a: 1\na: [2, {b: 3}]\nc: 4\n", diagnostics);
  ASSERT_TRUE(value);
  EXPECT_EQ(shown(*value), "{a: '1', c: '4'}");
}

/// A directory of its own, removed at the end.
class ReadFile : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/smol-read-file-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    directory_ = name;
  }
  void TearDown() override {
    ::unlink(path().c_str());
    ::rmdir(directory_.c_str());
  }
  std::string path() const { return directory_ + "/f.yaml"; }
  std::string read(std::string_view content) {
    std::ofstream{path()} << content;
    return read_it(path());
  }
  /// Its text, or the one error without the path.
  std::string read_it(const std::string& file) {
    Diagnostics diagnostics{file};
    const std::optional<std::string> text = read_file(file, diagnostics);
    if (text) return *text;
    EXPECT_EQ(diagnostics.lines().size(), 1u);
    return diagnostics.lines().front().substr(file.size());
  }

  std::string directory_;
};

TEST_F(ReadFile, GivesTheText) {
  EXPECT_EQ(read("a: ä €\U0001f600\n"), "a: ä €\U0001f600\n");
}

TEST_F(ReadFile, LeavesAByteOrderMarkOut) {
  EXPECT_EQ(read("\xef\xbb\xbf"
                 "a: 1\n"),
            "a: 1\n");
}

TEST_F(ReadFile, SaysWhyThereIsNone) {
  EXPECT_EQ(read_it(path()), ": no such file");
  EXPECT_EQ(read_it(directory_), ": is a directory: name a file");
}

TEST_F(ReadFile, SaysThatItMayNotRead) {
  std::ofstream{path()} << "a: 1\n";
  ::chmod(path().c_str(), 0);
  const uid_t user = ::geteuid();
  constexpr uid_t kNobody = 65534;
  // Root may read everything.
  ASSERT_EQ(::seteuid(user == 0 ? kNobody : user), 0);
  const std::string outcome = read_it(path());
  ASSERT_EQ(::seteuid(user), 0);
  EXPECT_EQ(outcome, ": permission denied: make it readable for this user");
}

TEST_F(ReadFile, RefusesWhatIsNotText) {
  EXPECT_EQ(read("a: 1\nb: \xff\n"), ":2:4: not UTF-8 text");
  EXPECT_EQ(read("\xc0\xaf"), ":1:1: not UTF-8 text");          // longer than needed
  EXPECT_EQ(read("\xed\xa0\x80"), ":1:1: not UTF-8 text");      // a surrogate
  EXPECT_EQ(read("\xf4\x90\x80\x80"), ":1:1: not UTF-8 text");  // beyond the last character
  EXPECT_EQ(read("a\xe2\x82"), ":1:2: not UTF-8 text");         // cut short
  EXPECT_EQ(read(std::string{"a: \0b\n", 6}), ":1:4: a NUL: this is no text");
}

TEST_F(ReadFile, RefusesWhatIsTooLarge) {
  EXPECT_EQ(read(std::string(1 << 20, ' ')).size(), std::size_t{1} << 20);
  EXPECT_EQ(read(std::string((1 << 20) + 1, ' ')),
            ": is larger than 1 MiB: this is no configuration");
}

}  // namespace
}  // namespace smol::control
