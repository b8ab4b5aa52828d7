#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "control/codec.hh"
#include "control/diagnostics.hh"
#include "control/document.hh"

namespace smol::control {

/// Where each value that was read stands in its file, by path: "ports[1].mtu". Checks between
/// values use it to say where.
class Places {
 public:
  void note(const std::string& path, Place place) { places_[path] = place; }
  /// Of `path`, or of the nearest thing around it that stands in the file: a value that was left
  /// out is missing where its section is.
  Place of(std::string path) const;

 private:
  std::map<std::string, Place> places_;
};

/// What one reading needs to know besides the schema.
struct ReadContext {
  Diagnostics& diagnostics;
  Places& places;
};

/// Writes a configuration as YAML.
class YamlPrinter {
 public:
  enum class Style {
    kCommented,  ///< every key, with what it means
    kChanged,    ///< only what differs from the defaults
  };

  explicit YamlPrinter(Style style) : style_{style} {}

  bool commented() const noexcept { return style_ == Style::kCommented; }
  const std::string& text() const noexcept { return text_; }

  /// `form`: what may be written, behind the sentences and never cut in two; may be empty.
  void comment(std::string_view sentences, std::string_view form = {});
  void scalar(std::string_view key, std::string_view value);
  void empty_section(std::string_view key);
  /// Lines of YAML that a person may uncomment.
  void example(std::string_view lines);
  void empty_list(std::string_view key);
  /// `key`: empty to indent without one.
  void open(std::string_view key);
  void close();
  void list_item(std::string_view value);
  /// The next line begins an item of a list of sections.
  void begin_item();
  void end_item();

 private:
  void line(std::string_view text);

  Style style_;
  std::string text_;
  std::size_t depth_ = 0;
  bool dash_ = false;
};

/// Writes the reference page of a configuration as Markdown.
class ReferencePrinter {
 public:
  const std::string& text() const noexcept { return text_; }

  void section(std::string_view path, std::string_view doc);
  /// `default_value`: none if the key is required.
  void row(std::string_view key, std::string_view form,
           const std::optional<std::string>& default_value, std::string_view doc);
  void example(std::string_view yaml);

 private:
  std::string text_;
  bool in_table_ = false;
};

/// One key of a section whose values live in a T: what it does in each of the jobs of a Schema.
template <class T>
class Entry {
 public:
  Entry(std::string key, std::string doc) : key_{std::move(key)}, doc_{std::move(doc)} {}
  virtual ~Entry() = default;

  const std::string& key() const noexcept { return key_; }
  const std::string& doc() const noexcept { return doc_; }
  bool required = false;

  virtual void read(const Value& value, const std::string& path, T& target,
                    ReadContext& context) const = 0;
  virtual void print(const T& value, const T& defaults, YamlPrinter& out) const = 0;
  /// Its row in the table of the section, or nothing.
  virtual void describe_row(const T& defaults, ReferencePrinter& out) const = 0;
  /// Sections inside it.
  virtual void describe_sections(const std::string& path, const T& defaults,
                                 ReferencePrinter& out) const = 0;
  virtual bool differs(const T& value, const T& defaults) const = 0;
  /// How its value is written; none if it is not a single one.
  virtual std::optional<std::string> text(const T&) const { return std::nullopt; }

 private:
  std::string key_;
  std::string doc_;
};

namespace detail {

/// Adds "wants ..." unless the value is of this kind; a null is taken for an empty list or map.
bool is_kind(const Value& value, Value::Kind kind, const std::string& path, ReadContext& context);
void add_unknown_key(const Value::Key& key, const std::string& path,
                     const std::vector<std::string>& allowed, ReadContext& context);
void add_missing_key(Place place, const std::string& path, const std::string& key,
                     const std::string& doc, ReadContext& context);
std::string joined(const std::string& path, const std::string& key);

}  // namespace detail

/// The keys of one section of a configuration, whose values live in a T: the one table from which
/// it is read, printed and documented. Accessors are member pointers, or generic lambdas from a T
/// to a member of it that keep its constness.
template <class T>
class Schema {
 public:
  Schema() = default;
  Schema(Schema&&) noexcept = default;
  Schema& operator=(Schema&&) noexcept = default;

  /// A single value. `doc`: sentences for people.
  template <class Member, class V>
  Schema& scalar(std::string key, Member member, Codec<V> codec, std::string doc);
  /// The same, without which the section is of no use.
  template <class Member, class V>
  Schema& required(std::string key, Member member, Codec<V> codec, std::string doc);
  /// A section inside this one.
  template <class Member, class S>
  Schema& section(std::string key, Member member, Schema<S> schema, std::string doc);
  /// A section that begins from another one with the same keys, `base`, which comes before it: its
  /// doc stands for their table, and what is as in `base` is not printed. That it begins so when it
  /// is read is for after().
  template <class Member, class S>
  Schema& alike(std::string key, Member member, Member base, Schema<S> schema, std::string doc);
  /// A list of single values; the member is a std::vector.
  template <class Member, class V>
  Schema& list(std::string key, Member member, Codec<V> codec, std::string doc);
  /// A list of sections; the member is a std::vector. `example`: an item to show.
  template <class Member, class S>
  Schema& list_of(std::string key, Member member, Schema<S> schema, std::string doc, S example);

  /// Called before the keys of a section that stands in the file are read: for a key that settles
  /// what the others begin from.
  using Before = std::function<void(const Value& value, T& target)>;
  Schema& before(Before hook) {
    before_ = std::move(hook);
    return *this;
  }
  /// Called behind the keys of a section that was read, to make sense of what one key alone cannot
  /// say; `value` is how it was written.
  using After = std::function<void(const Value& value, T& target)>;
  Schema& after(After hook) {
    after_ = std::move(hook);
    return *this;
  }

  /// Reads the section at `path` ("" is the root) into `target`. What the file leaves out keeps its
  /// value. Everything that is wrong goes to the diagnostics.
  void read(const Value& value, const std::string& path, T& target, ReadContext& context) const;
  void print(const T& value, const T& defaults, YamlPrinter& out) const;
  void describe(const std::string& path, std::string_view doc, const T& defaults,
                ReferencePrinter& out) const;
  /// The same without its heading.
  void describe_keys(const std::string& path, const T& defaults, ReferencePrinter& out) const;
  /// see(key, text) for each single value of the section, in its order.
  template <class See>
  void for_each_text(const T& value, See&& see) const {
    for (const auto& entry : entries_) {
      if (std::optional<std::string> text = entry->text(value)) see(entry->key(), *std::move(text));
    }
  }
  /// Whether two values are written differently.
  bool differs(const T& value, const T& other) const;

 private:
  const Entry<T>* find(const std::string& key) const;
  template <class E>
  Schema& add(E entry) {
    entries_.push_back(std::make_unique<E>(std::move(entry)));
    return *this;
  }

  std::vector<std::unique_ptr<Entry<T>>> entries_;
  Before before_;
  After after_;
};

}  // namespace smol::control

#include "control/schema_impl.hh"
