#include "control/document.hh"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <map>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

namespace smol::control {
namespace {

constexpr std::size_t kMaxValues = 100'000;
constexpr std::size_t kMaxDepth = 16;
constexpr std::size_t kMaxFile = 1 << 20;

Place place_of(const YAML::Mark& mark) {
  return {mark.line + 1, mark.column + 1};
}

/// Thrown out of the YAML parser to end it; never leaves this file.
struct Stop {
  Place place;
  std::string message;
};

std::size_t count_values(const Value& value) {
  std::size_t count = 1;
  for (const Value& item : value.items) count += count_values(item);
  return count;
}

/// Builds the Value from the parser's events. YAML's own tree of nodes would lose duplicate keys,
/// tags and the places of nulls.
class Builder final : public YAML::EventHandler {
 public:
  explicit Builder(Diagnostics& diagnostics) : diagnostics_{diagnostics} {}

  Value take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Value value;
    value.place = place_of(mark);
    add(std::move(value), anchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    refuse_tag(mark, tag);
    Value value;
    value.kind = Value::Kind::kText;
    value.place = place_of(mark);
    value.text = text;
    add(std::move(value), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto known = anchors_.find(anchor);
    if (known == anchors_.end()) throw Stop{place_of(mark), "this alias is part of its own anchor"};
    Value copy = known->second;
    add(std::move(copy), 0);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(Value::Kind::kList, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(Value::Kind::kMap, mark, tag, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    Value value;
    YAML::anchor_t anchor;
    bool key_is_next = true;   ///< of a map
    bool key_is_known = true;  ///< false: its value is dropped, for the key stood there before
  };

  static void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    throw Stop{place_of(mark), "YAML tags such as " + tag + " are not used here: leave it out"};
  }

  void open(Value::Kind kind, const YAML::Mark& mark, const std::string& tag,
            YAML::anchor_t anchor) {
    refuse_tag(mark, tag);
    if (open_.size() == kMaxDepth) throw Stop{place_of(mark), "nested too deeply"};
    Open opened{{}, anchor};
    opened.value.kind = kind;
    opened.value.place = place_of(mark);
    open_.push_back(std::move(opened));
  }

  void close() {
    Open closed = std::move(open_.back());
    open_.pop_back();
    add(std::move(closed.value), closed.anchor);
  }

  void add(Value value, YAML::anchor_t anchor) {
    values_ += count_values(value);
    if (values_ > kMaxValues) throw Stop{value.place, "more than 100000 values"};
    if (anchor != 0) anchors_[anchor] = value;
    if (open_.empty()) {
      root_ = std::move(value);
      return;
    }
    Open& parent = open_.back();
    if (parent.value.kind == Value::Kind::kList) {
      parent.value.items.push_back(std::move(value));
    } else if (parent.key_is_next) {
      add_key(parent, value);
    } else {
      parent.key_is_next = true;
      if (parent.key_is_known) parent.value.items.push_back(std::move(value));
    }
  }

  void add_key(Open& map, const Value& key) {
    if (key.kind != Value::Kind::kText) throw Stop{key.place, "a key must be a plain word"};
    map.key_is_next = false;
    const auto first =
        std::find_if(map.value.keys.begin(), map.value.keys.end(),
                     [&](const Value::Key& known) { return known.name == key.text; });
    map.key_is_known = first == map.value.keys.end();
    if (map.key_is_known) {
      map.value.keys.push_back({key.text, key.place});
    } else {
      diagnostics_.add(key.place, "key '" + key.text + "' appears twice; the first is on line " +
                                      std::to_string(first->place.line));
    }
  }

  Diagnostics& diagnostics_;
  Value root_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Value> anchors_;
  std::size_t values_ = 0;
};

/// Where the first octet is that is not UTF-8 (RFC 3629), or nothing.
std::optional<std::size_t> not_utf8(std::string_view text) {
  struct Form {
    std::uint8_t mask;
    std::uint8_t lead;
    std::size_t length;
    std::uint32_t least;  ///< anything below has a shorter form
  };
  constexpr Form kForms[] = {
      {0x80, 0x00, 1, 0}, {0xe0, 0xc0, 2, 0x80}, {0xf0, 0xe0, 3, 0x800}, {0xf8, 0xf0, 4, 0x10000}};
  for (std::size_t at = 0; at < text.size();) {
    const auto octet = static_cast<std::uint8_t>(text[at]);
    const Form* form = std::find_if(std::begin(kForms), std::end(kForms),
                                    [&](const Form& f) { return (octet & f.mask) == f.lead; });
    if (form == std::end(kForms) || text.size() - at < form->length) return at;
    auto point = static_cast<std::uint32_t>(octet & ~form->mask);
    for (std::size_t i = 1; i < form->length; ++i) {
      const auto next = static_cast<std::uint8_t>(text[at + i]);
      if ((next & 0xc0) != 0x80) return at;
      point = point << 6 | (next & 0x3f);
    }
    const bool surrogate = point >= 0xd800 && point <= 0xdfff;
    if (point < form->least || point > 0x10ffff || surrogate) return at;
    at += form->length;
  }
  return std::nullopt;
}

Place place_at(std::string_view text, std::size_t at) {
  const std::string_view before = text.substr(0, at);
  const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  return {static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1,
          static_cast<int>(at - line_start) + 1};
}

std::string advice_for(int error) {
  switch (error) {
    case ENOENT:
      return "no such file";
    case EACCES:
      return "permission denied: make it readable for this user";
    default:
      return std::strerror(error);
  }
}

/// Closes on the way out.
struct FileDescriptor {
  int fd;
  ~FileDescriptor() {
    if (fd >= 0) ::close(fd);
  }
};

}  // namespace

std::optional<Value> read_yaml(std::string_view text, Diagnostics& diagnostics) {
  Builder builder{diagnostics};
  try {
    std::istringstream stream{std::string{text}};
    YAML::Parser parser{stream};
    parser.HandleNextDocument(builder);
    Value root = builder.take();
    if (parser.HandleNextDocument(builder)) {
      throw Stop{builder.take().place,
                 "a second YAML document begins here: one file, one document"};
    }
    if (root.kind == Value::Kind::kNull) root.kind = Value::Kind::kMap;
    return root;
  } catch (const Stop& stop) {
    diagnostics.add(stop.place, stop.message);
  } catch (const YAML::Exception& error) {
    diagnostics.add(place_of(error.mark), "not YAML: " + error.msg);
  }
  return std::nullopt;
}

std::optional<std::string> read_file(const std::string& path, Diagnostics& diagnostics) {
  const auto refuse = [&](Place place, std::string message) {
    diagnostics.add(place, std::move(message));
    return std::nullopt;
  };
  const FileDescriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.fd < 0) return refuse({}, advice_for(errno));
  struct stat status {};
  if (::fstat(file.fd, &status) == 0 && S_ISDIR(status.st_mode)) {
    return refuse({}, "is a directory: name a file");
  }
  std::string text(kMaxFile + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t n = ::read(file.fd, text.data() + size, text.size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return refuse({}, advice_for(errno));
    if (n == 0) break;
    size += static_cast<std::size_t>(n);
  }
  if (size > kMaxFile) return refuse({}, "is larger than 1 MiB: this is no configuration");
  text.resize(size);
  if (text.starts_with("\xef\xbb\xbf")) text.erase(0, 3);
  if (const std::optional<std::size_t> at = not_utf8(text)) {
    return refuse(place_at(text, *at), "not UTF-8 text");
  }
  if (const std::size_t at = text.find('\0'); at != std::string::npos) {
    return refuse(place_at(text, at), "a NUL: this is no text");
  }
  return text;
}

}  // namespace smol::control
