#include "control/schema.hh"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace smol::control {
namespace {

struct Leaf {
  std::string name = "none";
  std::uint32_t weight = 3;
};

struct Tree {
  Duration age = seconds(60);
  Leaf best;
  std::vector<Leaf> leaves;
  std::vector<std::string> colours;
};

Schema<Leaf> leaf_schema() {
  Schema<Leaf> schema;
  schema.required("name", &Leaf::name, text(1, 10), "What it is called. Not more.")
      .scalar("weight", &Leaf::weight, integer<std::uint32_t>(1, 9), "In grams.");
  return schema;
}

Schema<Leaf> best_schema() {
  Schema<Leaf> schema;
  schema.scalar("name", &Leaf::name, text(1, 10), "What it is called.")
      .scalar("weight", &Leaf::weight, integer<std::uint32_t>(1, 9), "In grams.");
  return schema;
}

Schema<Tree> tree_schema() {
  Schema<Tree> schema;
  schema.scalar("age", &Tree::age, duration(seconds(1), seconds(3600)), "How old.")
      .section("best", &Tree::best, best_schema(), "The best leaf.")
      .list_of("leaves", &Tree::leaves, leaf_schema(), "All leaves.", Leaf{"oak", 4})
      .list("colours", &Tree::colours, text(1, 10), "Their colours.");
  return schema;
}

struct Reading {
  Tree tree;
  Places places;
  std::vector<std::string> errors;
};

Reading read(std::string_view text) {
  Reading out;
  Diagnostics diagnostics{"f"};
  ReadContext context{diagnostics, out.places};
  const std::optional<Value> document = read_yaml(text, diagnostics);
  if (document) tree_schema().read(*document, "", out.tree, context);
  out.errors = diagnostics.lines();
  return out;
}

TEST(Schema, ReadsWhatTheFileSaysAndLeavesTheRest) {
  const Reading all = read(
      "age: 5s\nbest: {weight: 4}\ncolours: [no, 012]\n"
      "leaves:\n  - name: a\n  - {name: b, weight: 9}\n");
  EXPECT_EQ(all.errors, std::vector<std::string>{});
  EXPECT_EQ(all.tree.age, seconds(5));
  EXPECT_EQ(all.tree.best.name, "none");
  EXPECT_EQ(all.tree.best.weight, 4u);
  EXPECT_EQ(all.tree.colours, (std::vector<std::string>{"no", "012"}));
  ASSERT_EQ(all.tree.leaves.size(), 2u);
  EXPECT_EQ(all.tree.leaves[0].weight, 3u);
  EXPECT_EQ(all.tree.leaves[1].name, "b");
}

TEST(Schema, TakesASectionWithoutLinesForAnEmptyOne) {
  const Reading all = read("best:\nleaves:\ncolours:\n");
  EXPECT_EQ(all.errors, std::vector<std::string>{});
}

struct Row {
  std::string_view text;
  std::string_view error;
};

constexpr Row kErrors[] = {
    {"best: {wieght: 1}",
     "f:1:8: unknown key 'wieght' in best, did you mean 'weight'? (allowed: name, weight)"},
    {"leave: []",
     "f:1:1: unknown key 'leave', did you mean 'leaves'? (allowed: age, best, colours, leaves)"},
    {"col: []",
     "f:1:1: unknown key 'col', did you mean 'colours'? (allowed: age, best, colours, leaves)"},
    {"zzzzzz: []", "f:1:1: unknown key 'zzzzzz' (allowed: age, best, colours, leaves)"},
    {"age: 2h", "f:1:6: age: 2h is out of range 1s..1h"},
    {"age:", "f:1:1: age: the value is missing"},
    {"age: [1s]", "f:1:6: age: wants a single value, not a list (lines that begin with -)"},
    {"best: 1", "f:1:7: best: wants a section (lines of key: value), not a single value"},
    {"leaves: {a: 1}",
     "f:1:9: leaves: wants a list (lines that begin with -), not a section (lines of key: value)"},
    {"leaves: [1]", "f:1:10: leaves[0]: wants a section (lines of key: value), not a single value"},
    {"leaves:\n  - name: a\n  - weight: 1",
     "f:3:5: leaves[1]: key 'name' is missing: What it is called"},
    {"leaves:\n  - {name: a, weight: 0}", "f:2:23: leaves[0].weight: 0 is out of range 1..9"},
    {"colours: [a, [b]]",
     "f:1:14: colours[1]: wants a single value, not a list (lines that begin with -)"},
    {"colours: [a, '']", "f:1:14: colours[1]: must not be empty"},
    {"- 1",
     "f:1:1: the file: wants a section (lines of key: value), not a list (lines that begin "
     "with -)"},
    {"age", "f:1:1: the file: wants a section (lines of key: value), not a single value"},
};

TEST(Schema, SaysInOneLineWhatIsWrongAndWhere) {
  for (const Row& row : kErrors) {
    const Reading all = read(row.text);
    ASSERT_EQ(all.errors.size(), 1u) << row.text;
    EXPECT_EQ(all.errors[0], row.error) << row.text;
  }
}

TEST(Schema, SaysAllThatIsWrongInTheOrderOfTheFile) {
  const Reading all = read("best: {weight: 0}\nage: 0s\nage: 1\nx: 1\ncolours: [a, '']\n");
  ASSERT_EQ(all.errors.size(), 5u);
  EXPECT_EQ(all.errors[0], "f:1:16: best.weight: 0 is out of range 1..9");
  EXPECT_EQ(all.errors[1], "f:2:6: age: 0s is out of range 1s..1h");
  EXPECT_EQ(all.errors[2], "f:3:1: key 'age' appears twice; the first is on line 2");
  EXPECT_TRUE(all.errors[3].starts_with("f:4:1: unknown key 'x'"));
  EXPECT_EQ(all.errors[4], "f:5:14: colours[1]: must not be empty");
}

TEST(Diagnostics, StopsAtTwentyLines) {
  Diagnostics diagnostics{"f"};
  for (int i = 30; i > 0; --i) diagnostics.add({i, 1}, "wrong");
  const std::vector<std::string> lines = diagnostics.lines();
  ASSERT_EQ(lines.size(), 21u);
  EXPECT_EQ(lines[0], "f:1:1: wrong");
  EXPECT_EQ(lines[19], "f:20:1: wrong");
  EXPECT_EQ(lines[20], "f: 10 more errors");
}

TEST(Places, FallBackToWhatIsAround) {
  const Reading all = read("best:\n  weight: 4\nleaves:\n  - name: a\n");
  EXPECT_EQ(all.places.of("best.weight"), (Place{2, 11}));
  EXPECT_EQ(all.places.of("best.name"), (Place{2, 3}));
  EXPECT_EQ(all.places.of("leaves[0].weight"), (Place{4, 5}));
  EXPECT_EQ(all.places.of("leaves[7].name"), (Place{4, 3}));
  EXPECT_EQ(all.places.of("age"), (Place{1, 1}));
}

std::string printed(const Tree& tree, YamlPrinter::Style style) {
  YamlPrinter out{style};
  tree_schema().print(tree, Tree{}, out);
  return out.text();
}

Tree grown() {
  Tree tree;
  tree.best.weight = 5;
  tree.leaves = {{"a", 3}, {"b: #c", 7}};
  tree.colours = {"null", "-", "", "'a\"\\b", "x:", "::1", "plain text"};
  return tree;
}

TEST(Schema, PrintsEveryKeyWithWhatItMeans) {
  EXPECT_EQ(printed(Tree{}, YamlPrinter::Style::kCommented),
            "# How old. [1s..1h]\n"
            "age: 60s\n"
            "\n"
            "# The best leaf.\n"
            "best:\n"
            "  # What it is called. [text]\n"
            "  name: none\n"
            "  # In grams. [1..9]\n"
            "  weight: 3\n"
            "\n"
            "# All leaves. A list; an item in full:\n"
            "#   - # What it is called. Not more. [text]\n"
            "#     name: oak\n"
            "#     # In grams. [1..9]\n"
            "#     weight: 4\n"
            "leaves: []\n"
            "\n"
            "# Their colours. [list; each: text]\n"
            "colours: []\n");
}

TEST(Schema, PrintsWhatDiffersFromTheDefaults) {
  EXPECT_EQ(printed(grown(), YamlPrinter::Style::kChanged),
            "best:\n"
            "  weight: 5\n"
            "leaves:\n"
            "  - name: a\n"
            "  - name: \"b: #c\"\n"
            "    weight: 7\n"
            "colours:\n"
            "  - \"null\"\n"
            "  - \"-\"\n"
            "  - \"\"\n"
            "  - \"'a\\\"\\\\b\"\n"
            "  - \"x:\"\n"
            "  - \"::1\"\n"
            "  - plain text\n");
  EXPECT_EQ(printed(Tree{}, YamlPrinter::Style::kChanged), "");
}

TEST(Schema, ReadsBackWhatItPrints) {
  Tree tree = grown();
  std::erase(tree.colours, "");  // the schema takes no empty one
  for (const auto style : {YamlPrinter::Style::kCommented, YamlPrinter::Style::kChanged}) {
    const Reading back = read(printed(tree, style));
    EXPECT_EQ(back.errors, std::vector<std::string>{});
    EXPECT_FALSE(tree_schema().differs(back.tree, tree));
    ASSERT_EQ(back.tree.leaves.size(), 2u);
    EXPECT_EQ(back.tree.leaves[1].name, "b: #c");
    EXPECT_EQ(back.tree.leaves[1].weight, 7u);
    EXPECT_EQ(back.tree.colours, tree.colours);
  }
}

TEST(Schema, SeesDifferencesInsideLists) {
  const Tree tree = grown();
  EXPECT_FALSE(tree_schema().differs(tree, tree));
  Tree other = tree;
  other.leaves[1].weight = 8;
  EXPECT_TRUE(tree_schema().differs(tree, other));
  other = tree;
  other.colours.pop_back();
  EXPECT_TRUE(tree_schema().differs(tree, other));
}

TEST(Schema, DescribesItselfAsMarkdown) {
  ReferencePrinter out;
  tree_schema().describe("", "A tree.", Tree{}, out);
  EXPECT_EQ(out.text(),
            "\nA tree.\n"
            "\n| key | value | default | meaning |\n|---|---|---|---|\n"
            "| `age` | 1s..1h | `60s` | How old. |\n"
            "| `colours` | list; each: text | none | Their colours. |\n"
            "\n## `best`\n"
            "\nThe best leaf.\n"
            "\n| key | value | default | meaning |\n|---|---|---|---|\n"
            "| `name` | text | `none` | What it is called. |\n"
            "| `weight` | 1..9 | `3` | In grams. |\n"
            "\n## `leaves[]`\n"
            "\nAll leaves.\n"
            "\n```yaml\nleaves:\n  - name: oak\n    weight: 4\n```\n"
            "\n| key | value | default | meaning |\n|---|---|---|---|\n"
            "| `name` | text | required | What it is called. Not more. |\n"
            "| `weight` | 1..9 | `3` | In grams. |\n");
}

}  // namespace
}  // namespace smol::control
