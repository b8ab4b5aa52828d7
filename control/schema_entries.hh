#pragma once

// What each kind of key of a Schema does: templates, included by control/schema_impl.hh alone.

#include <algorithm>
#include <functional>
#include <type_traits>

#include "control/schema.hh"

namespace smol::control {
namespace detail {

/// The type that an accessor of a T leads to.
template <class T, class Member>
using MemberType = std::remove_cvref_t<std::invoke_result_t<const Member&, T&>>;

template <class T, class Member, class V>
class ScalarEntry final : public Entry<T> {
 public:
  ScalarEntry(std::string key, Member member, Codec<V> codec, std::string doc)
      : Entry<T>{std::move(key), std::move(doc)}, member_{member}, codec_{std::move(codec)} {}

  void read(const Value& value, const std::string& path, T& target,
            ReadContext& context) const override {
    if (!is_kind(value, Value::Kind::kText, path, context)) return;
    Result<V, std::string> parsed = codec_.parse(value.text);
    if (parsed) {
      std::invoke(member_, target) = std::move(*parsed);
    } else {
      context.diagnostics.add(value.place, path + ": " + parsed.error());
    }
  }
  void print(const T& value, const T& defaults, YamlPrinter& out) const override {
    if (out.commented()) {
      out.comment(this->doc(), codec_.form);
    } else if (!this->required && !differs(value, defaults)) {
      return;
    }
    out.scalar(this->key(), codec_.print(std::invoke(member_, value)));
  }
  void describe_row(const T& defaults, ReferencePrinter& out) const override {
    std::optional<std::string> default_value;
    if (!this->required) default_value = codec_.print(std::invoke(member_, defaults));
    out.row(this->key(), codec_.form, default_value, this->doc());
  }
  void describe_sections(const std::string&, const T&, ReferencePrinter&) const override {}
  bool differs(const T& value, const T& defaults) const override {
    return codec_.print(std::invoke(member_, value)) !=
           codec_.print(std::invoke(member_, defaults));
  }
  std::optional<std::string> text(const T& value) const override {
    return codec_.print(std::invoke(member_, value));
  }

 private:
  Member member_;
  Codec<V> codec_;
};

template <class T, class Member, class S>
class SectionEntry final : public Entry<T> {
 public:
  SectionEntry(std::string key, Member member, Schema<S> schema, std::string doc)
      : Entry<T>{std::move(key), std::move(doc)}, member_{member}, schema_{std::move(schema)} {}

  void read(const Value& value, const std::string& path, T& target,
            ReadContext& context) const override {
    schema_.read(value, path, std::invoke(member_, target), context);
  }
  void print(const T& value, const T& defaults, YamlPrinter& out) const override {
    if (!out.commented() && !differs(value, defaults)) return;
    if (out.commented()) out.comment(this->doc());
    out.open(this->key());
    schema_.print(std::invoke(member_, value), std::invoke(member_, defaults), out);
    out.close();
  }
  void describe_row(const T&, ReferencePrinter&) const override {}
  void describe_sections(const std::string& path, const T& defaults,
                         ReferencePrinter& out) const override {
    schema_.describe(joined(path, this->key()), this->doc(), std::invoke(member_, defaults), out);
  }
  bool differs(const T& value, const T& defaults) const override {
    return schema_.differs(std::invoke(member_, value), std::invoke(member_, defaults));
  }

 private:
  Member member_;
  Schema<S> schema_;
};

/// A section that begins from another one of the same kind.
template <class T, class Member, class S>
class AlikeEntry final : public Entry<T> {
 public:
  AlikeEntry(std::string key, Member member, Member base, Schema<S> schema, std::string doc)
      : Entry<T>{std::move(key), std::move(doc)},
        member_{member},
        base_{base},
        schema_{std::move(schema)} {}

  void read(const Value& value, const std::string& path, T& target,
            ReadContext& context) const override {
    schema_.read(value, path, std::invoke(member_, target), context);
  }
  void print(const T& value, const T&, YamlPrinter& out) const override {
    const S& own = std::invoke(member_, value);
    const S& base = std::invoke(base_, value);
    if (out.commented()) out.comment(this->doc());
    if (schema_.differs(own, base)) {
      out.open(this->key());
      schema_.print(own, base, out);
      out.close();
    } else if (out.commented()) {
      out.empty_section(this->key());
    }
  }
  void describe_row(const T&, ReferencePrinter&) const override {}
  void describe_sections(const std::string& path, const T&, ReferencePrinter& out) const override {
    out.section(joined(path, this->key()), this->doc());
  }
  bool differs(const T& value, const T& defaults) const override {
    return schema_.differs(std::invoke(member_, value), std::invoke(member_, defaults));
  }

 private:
  Member member_;
  Member base_;
  Schema<S> schema_;
};

template <class T, class Member, class V>
class ListEntry final : public Entry<T> {
 public:
  ListEntry(std::string key, Member member, Codec<V> codec, std::string doc)
      : Entry<T>{std::move(key), std::move(doc)}, member_{member}, codec_{std::move(codec)} {}

  void read(const Value& value, const std::string& path, T& target,
            ReadContext& context) const override {
    if (!is_kind(value, Value::Kind::kList, path, context)) return;
    std::vector<V>& list = std::invoke(member_, target);
    list.clear();
    for (std::size_t i = 0; i < value.items.size(); ++i) {
      const Value& item = value.items[i];
      const std::string item_path = path + '[' + std::to_string(i) + ']';
      context.places.note(item_path, item.place);
      if (!is_kind(item, Value::Kind::kText, item_path, context)) continue;
      Result<V, std::string> parsed = codec_.parse(item.text);
      if (parsed) {
        list.push_back(std::move(*parsed));
      } else {
        context.diagnostics.add(item.place, item_path + ": " + parsed.error());
      }
    }
  }
  void print(const T& value, const T& defaults, YamlPrinter& out) const override {
    const std::vector<V>& list = std::invoke(member_, value);
    if (out.commented()) {
      out.comment(this->doc(), "list; each: " + codec_.form);
    } else if (!differs(value, defaults)) {
      return;
    }
    if (list.empty()) return out.empty_list(this->key());
    out.open(this->key());
    for (const V& item : list) out.list_item(codec_.print(item));
    out.close();
  }
  void describe_row(const T& defaults, ReferencePrinter& out) const override {
    std::string items;
    for (const V& item : std::invoke(member_, defaults)) {
      items += (items.empty() ? "" : ", ") + codec_.print(item);
    }
    out.row(this->key(), "list; each: " + codec_.form, items, this->doc());
  }
  void describe_sections(const std::string&, const T&, ReferencePrinter&) const override {}
  bool differs(const T& value, const T& defaults) const override {
    const std::vector<V>& a = std::invoke(member_, value);
    const std::vector<V>& b = std::invoke(member_, defaults);
    return !std::equal(a.begin(), a.end(), b.begin(), b.end(),
                       [&](const V& x, const V& y) { return codec_.print(x) == codec_.print(y); });
  }

 private:
  Member member_;
  Codec<V> codec_;
};

template <class T, class Member, class S>
class SectionListEntry final : public Entry<T> {
 public:
  SectionListEntry(std::string key, Member member, Schema<S> schema, std::string doc, S example)
      : Entry<T>{std::move(key), std::move(doc)},
        member_{member},
        schema_{std::move(schema)},
        example_{std::move(example)} {}

  void read(const Value& value, const std::string& path, T& target,
            ReadContext& context) const override {
    if (!is_kind(value, Value::Kind::kList, path, context)) return;
    std::vector<S>& list = std::invoke(member_, target);
    list.clear();
    for (std::size_t i = 0; i < value.items.size(); ++i) {
      // Kept even when it is wrong: paths of what follows count it.
      schema_.read(value.items[i], path + '[' + std::to_string(i) + ']', list.emplace_back(),
                   context);
    }
  }
  void print(const T& value, const T& defaults, YamlPrinter& out) const override {
    const std::vector<S>& list = std::invoke(member_, value);
    if (out.commented()) {
      out.comment(this->doc() + " A list; an item in full:");
      out.example(item_text(YamlPrinter::Style::kCommented));
    } else if (!differs(value, defaults)) {
      return;
    }
    if (list.empty()) return out.empty_list(this->key());
    out.open(this->key());
    for (const S& item : list) print_item(item, out);
    out.close();
  }
  void describe_row(const T&, ReferencePrinter&) const override {}
  void describe_sections(const std::string& path, const T&, ReferencePrinter& out) const override {
    out.section(joined(path, this->key()) + "[]", this->doc());
    out.example(this->key() + ":\n" + item_text(YamlPrinter::Style::kChanged));
    schema_.describe_keys(joined(path, this->key()) + "[]", S{}, out);
  }
  bool differs(const T& value, const T& defaults) const override {
    const std::vector<S>& a = std::invoke(member_, value);
    const std::vector<S>& b = std::invoke(member_, defaults);
    return !std::equal(a.begin(), a.end(), b.begin(), b.end(),
                       [&](const S& x, const S& y) { return !schema_.differs(x, y); });
  }

 private:
  void print_item(const S& item, YamlPrinter& out) const {
    out.begin_item();
    schema_.print(item, S{}, out);
    out.end_item();
  }
  std::string item_text(YamlPrinter::Style style) const {
    YamlPrinter out{style};
    out.open({});
    print_item(example_, out);
    return out.text();
  }

  Member member_;
  Schema<S> schema_;
  S example_;
};

}  // namespace detail
}  // namespace smol::control
