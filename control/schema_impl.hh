#pragma once

// The members of Schema: templates, included by control/schema.hh alone.

#include <algorithm>
#include <type_traits>

#include "control/schema.hh"
#include "control/schema_entries.hh"

namespace smol::control {

template <class T>
template <class Member, class V>
Schema<T>& Schema<T>::scalar(std::string key, Member member, Codec<V> codec, std::string doc) {
  static_assert(std::is_same_v<detail::MemberType<T, Member>, V>, "the codec's type is another");
  return add(
      detail::ScalarEntry<T, Member, V>{std::move(key), member, std::move(codec), std::move(doc)});
}

template <class T>
template <class Member, class V>
Schema<T>& Schema<T>::required(std::string key, Member member, Codec<V> codec, std::string doc) {
  scalar(std::move(key), member, std::move(codec), std::move(doc));
  entries_.back()->required = true;
  return *this;
}

template <class T>
template <class Member, class S>
Schema<T>& Schema<T>::section(std::string key, Member member, Schema<S> schema, std::string doc) {
  static_assert(std::is_same_v<detail::MemberType<T, Member>, S>, "the schema's type is another");
  return add(detail::SectionEntry<T, Member, S>{std::move(key), member, std::move(schema),
                                                std::move(doc)});
}

template <class T>
template <class Member, class S>
Schema<T>& Schema<T>::alike(std::string key, Member member, Member base, Schema<S> schema,
                            std::string doc) {
  static_assert(std::is_same_v<detail::MemberType<T, Member>, S>, "the schema's type is another");
  return add(detail::AlikeEntry<T, Member, S>{std::move(key), member, base, std::move(schema),
                                              std::move(doc)});
}

template <class T>
template <class Member, class V>
Schema<T>& Schema<T>::list(std::string key, Member member, Codec<V> codec, std::string doc) {
  return add(
      detail::ListEntry<T, Member, V>{std::move(key), member, std::move(codec), std::move(doc)});
}

template <class T>
template <class Member, class S>
Schema<T>& Schema<T>::list_of(std::string key, Member member, Schema<S> schema, std::string doc,
                              S example) {
  return add(detail::SectionListEntry<T, Member, S>{std::move(key), member, std::move(schema),
                                                    std::move(doc), std::move(example)});
}

template <class T>
void Schema<T>::read(const Value& value, const std::string& path, T& target,
                     ReadContext& context) const {
  context.places.note(path, value.place);
  if (!detail::is_kind(value, Value::Kind::kMap, path, context)) return;
  if (before_) before_(value, target);
  for (std::size_t i = 0; i < value.keys.size(); ++i) {
    const Value::Key& key = value.keys[i];
    const Entry<T>* entry = find(key.name);
    if (entry == nullptr) {
      std::vector<std::string> allowed;
      for (const auto& known : entries_) allowed.push_back(known->key());
      detail::add_unknown_key(key, path, allowed, context);
      continue;
    }
    const std::string inner = detail::joined(path, key.name);
    context.places.note(inner, value.items[i].place);
    entry->read(value.items[i], inner, target, context);
  }
  for (const auto& entry : entries_) {
    const auto is_it = [&](const Value::Key& key) { return key.name == entry->key(); };
    if (entry->required && std::none_of(value.keys.begin(), value.keys.end(), is_it)) {
      detail::add_missing_key(value.place, path, entry->key(), entry->doc(), context);
    }
  }
  if (after_) after_(value, target);
}

template <class T>
void Schema<T>::print(const T& value, const T& defaults, YamlPrinter& out) const {
  for (const auto& entry : entries_) entry->print(value, defaults, out);
}

template <class T>
void Schema<T>::describe(const std::string& path, std::string_view doc, const T& defaults,
                         ReferencePrinter& out) const {
  out.section(path, doc);
  describe_keys(path, defaults, out);
}

template <class T>
void Schema<T>::describe_keys(const std::string& path, const T& defaults,
                              ReferencePrinter& out) const {
  for (const auto& entry : entries_) entry->describe_row(defaults, out);
  for (const auto& entry : entries_) entry->describe_sections(path, defaults, out);
}

template <class T>
bool Schema<T>::differs(const T& value, const T& defaults) const {
  return std::any_of(entries_.begin(), entries_.end(),
                     [&](const auto& entry) { return entry->differs(value, defaults); });
}

template <class T>
const Entry<T>* Schema<T>::find(const std::string& key) const {
  for (const auto& entry : entries_) {
    if (entry->key() == key) return entry.get();
  }
  return nullptr;
}

}  // namespace smol::control
