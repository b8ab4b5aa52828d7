#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/diagnostics.hh"

namespace smol::control {

/// A value of a configuration file with its place: text that nobody has given a type yet. What `no`
/// or `0123` mean is for the field that it stands in, never for YAML.
struct Value {
  enum class Kind {
    kNull,  ///< nothing, or `~`
    kText,
    kList,
    kMap,
  };
  struct Key {
    std::string name;
    Place place;
  };

  Kind kind = Kind::kNull;
  Place place;
  std::string text;          ///< of kText
  std::vector<Key> keys;     ///< of kMap, each once, in the order of the file
  std::vector<Value> items;  ///< of kList; of kMap, the values of `keys`
};

/// Reads one YAML document. Anchors and aliases work; tags, a second document, more than 100,000
/// values and more than 16 levels are errors, and so is a key that appears twice, whose first value
/// is kept. An empty file is an empty map. None: it could not be read to its end.
std::optional<Value> read_yaml(std::string_view text, Diagnostics& diagnostics);

/// The text of a file of at most 1 MiB of UTF-8, without its byte order mark. None: one diagnostic
/// was added, which says what to do.
std::optional<std::string> read_file(const std::string& path, Diagnostics& diagnostics);

}  // namespace smol::control
