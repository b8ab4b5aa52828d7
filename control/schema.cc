#include "control/schema.hh"

#include <algorithm>
#include <numeric>

namespace smol::control {
namespace {

constexpr std::size_t kColumns = 96;

std::string_view word_for(Value::Kind kind) {
  switch (kind) {
    case Value::Kind::kNull:
      return "nothing";
    case Value::Kind::kText:
      return "a single value";
    case Value::Kind::kList:
      return "a list (lines that begin with -)";
    case Value::Kind::kMap:
      break;
  }
  return "a section (lines of key: value)";
}

/// Levenshtein's distance: insertions, deletions and replacements between two words.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

/// The word that was probably meant; empty: none is near enough. Its beginning is near, for keys
/// are shortened as often as misspelt.
std::string nearest(std::string_view word, const std::vector<std::string>& words) {
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, word.size() / 2) + 1;
  for (const std::string& candidate : words) {
    const bool shortened = word.size() >= 3 && candidate.starts_with(word);
    const std::size_t distance = shortened ? 1 : edit_distance(word, candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

/// Whether YAML takes `text` for itself as it stands, behind "key: " or "- ".
bool is_plain(std::string_view text) {
  constexpr std::string_view kIndicators = "-?:,[]{}#&*!|>'\"%@` ";
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL")
    return false;
  if (kIndicators.find(text.front()) != std::string_view::npos) return false;
  if (text.back() == ' ' || text.back() == ':') return false;
  return text.find(": ") == std::string_view::npos && text.find(" #") == std::string_view::npos;
}

std::string yaml_text(std::string_view text) {
  if (is_plain(text)) return std::string{text};
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

/// In lines of at most `width` characters, cut at blanks.
std::vector<std::string> wrapped(std::string_view text, std::size_t width) {
  std::vector<std::string> lines;
  while (text.size() > width) {
    std::size_t cut = text.rfind(' ', width);
    if (cut == std::string_view::npos) cut = width;
    lines.emplace_back(text.substr(0, cut));
    text.remove_prefix(std::min(cut + 1, text.size()));
  }
  lines.emplace_back(text);
  return lines;
}

/// A cell of a Markdown table.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

}  // namespace

Place Places::of(std::string path) const {
  for (;;) {
    if (const auto found = places_.find(path); found != places_.end()) return found->second;
    const std::size_t cut = path.find_last_of(".[");
    if (cut == std::string::npos) break;
    path.resize(cut);
  }
  const auto root = places_.find("");
  return root == places_.end() ? Place{} : root->second;
}

// --- YAML ----------------------------------------------------------------------------------------

void YamlPrinter::line(std::string_view text) {
  const std::size_t indent = 2 * (depth_ - (dash_ ? 1 : 0));
  text_.append(indent, ' ').append(dash_ ? "- " : "").append(text).append("\n");
  dash_ = false;
}

void YamlPrinter::comment(std::string_view sentences, std::string_view form) {
  if (depth_ == 0 && !text_.empty()) text_ += '\n';
  const std::size_t width = kColumns - 2 * depth_;
  std::vector<std::string> lines = wrapped(sentences, width);
  if (!form.empty()) {
    const std::string bracketed = '[' + std::string{form} + ']';
    if (lines.back().size() + 1 + bracketed.size() > width) {
      lines.push_back(bracketed);
    } else {
      lines.back() += ' ' + bracketed;
    }
  }
  for (const std::string& part : lines) line("# " + part);
}

void YamlPrinter::scalar(std::string_view key, std::string_view value) {
  line(std::string{key} + ": " + yaml_text(value));
}

void YamlPrinter::example(std::string_view lines) {
  while (!lines.empty()) {
    const std::size_t end = lines.find('\n');
    line("# " + std::string{lines.substr(0, end)});
    lines.remove_prefix(std::min(end, lines.size() - 1) + 1);
  }
}

void YamlPrinter::empty_section(std::string_view key) {
  line(std::string{key} + ": {}");
}

void YamlPrinter::empty_list(std::string_view key) {
  line(std::string{key} + ": []");
}

void YamlPrinter::open(std::string_view key) {
  if (!key.empty()) line(std::string{key} + ":");
  ++depth_;
}

void YamlPrinter::close() {
  --depth_;
}

void YamlPrinter::list_item(std::string_view value) {
  line("- " + yaml_text(value));
}

void YamlPrinter::begin_item() {
  ++depth_;
  dash_ = true;
}

void YamlPrinter::end_item() {
  if (dash_) line("{}");  // a section without a single key
  --depth_;
}

// --- Markdown ------------------------------------------------------------------------------------

void ReferencePrinter::section(std::string_view path, std::string_view doc) {
  if (!path.empty()) text_.append("\n## `").append(path).append("`\n");
  text_.append("\n").append(doc).append("\n");
  in_table_ = false;
}

void ReferencePrinter::row(std::string_view key, std::string_view form,
                           const std::optional<std::string>& default_value, std::string_view doc) {
  if (!in_table_) text_ += "\n| key | value | default | meaning |\n|---|---|---|---|\n";
  in_table_ = true;
  text_ += "| `" + std::string{key} + "` | " + cell(form) + " | ";
  if (!default_value) {
    text_ += "required";
  } else {
    text_ += default_value->empty() ? "none" : "`" + cell(*default_value) + "`";
  }
  text_ += " | " + cell(doc) + " |\n";
}

void ReferencePrinter::example(std::string_view yaml) {
  text_.append("\n```yaml\n").append(yaml).append("```\n");
  in_table_ = false;
}

// --- reading -------------------------------------------------------------------------------------

namespace detail {

bool is_kind(const Value& value, Value::Kind kind, const std::string& path, ReadContext& context) {
  if (value.kind == kind) return true;
  // A section or a list whose lines are all commented out is an empty one.
  if (value.kind == Value::Kind::kNull && kind != Value::Kind::kText) return true;
  const std::string who = path.empty() ? "the file" : path;
  if (value.kind == Value::Kind::kNull) {
    context.diagnostics.add(value.place, who + ": the value is missing");
  } else {
    context.diagnostics.add(value.place, who + ": wants " + std::string{word_for(kind)} + ", not " +
                                             std::string{word_for(value.kind)});
  }
  return false;
}

void add_unknown_key(const Value::Key& key, const std::string& path,
                     const std::vector<std::string>& allowed, ReadContext& context) {
  std::string message = "unknown key " + in_quotes(key.name);
  if (!path.empty()) message += " in " + path;
  const std::string meant = nearest(key.name, allowed);
  if (!meant.empty()) message += ", did you mean '" + meant + "'?";
  std::vector<std::string> sorted = allowed;
  std::sort(sorted.begin(), sorted.end());
  message += " (allowed:";
  for (const std::string& word : sorted) message += (&word == &sorted[0] ? " " : ", ") + word;
  context.diagnostics.add(key.place, message + ")");
}

void add_missing_key(Place place, const std::string& path, const std::string& key,
                     const std::string& doc, ReadContext& context) {
  const std::string first_sentence = doc.substr(0, doc.find(". "));
  context.diagnostics.add(
      place, (path.empty() ? "" : path + ": ") + "key '" + key + "' is missing: " + first_sentence);
}

std::string joined(const std::string& path, const std::string& key) {
  return path.empty() ? key : path + '.' + key;
}

}  // namespace detail
}  // namespace smol::control
