#include "tools/ctl/tcp_options.hh"

#include <algorithm>
#include <cctype>
#include <string_view>
#include <vector>

#include <google/protobuf/descriptor.h>
#include <google/protobuf/duration.pb.h>

#include "protocols/base/time.hh"
#include "tools/client/problem.hh"

namespace smol::ctl {
namespace {

using client::Problem;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;

/// What a number with `suffix` behind counts.
struct Unit {
  std::string_view suffix;
  std::uint64_t factor;
};

/// "64KiB" or "30s": a whole number, and one of the units or none.
template <std::size_t kUnits>
std::uint64_t in_units(std::string_view text, const Unit (&units)[kUnits], std::uint64_t bare,
                       std::uint64_t max, std::string_view what) {
  const std::size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
  std::uint64_t factor = end == text.size() ? bare : 0;
  for (const Unit& unit : units) {
    if (text.substr(end) == unit.suffix) factor = unit.factor;
  }
  if (factor == 0) {
    throw Problem{"'" + std::string{text} + "' is no " + std::string{what} + ": " +
                  std::string{text.substr(end)} + " is no unit"};
  }
  return number(text.substr(0, end), max / factor, what) * factor;
}

bool flag(std::string_view text, std::string_view what) {
  return choose(text, {"on", "off"}, what) == "on";
}

std::uint32_t octets(std::string_view text, std::string_view what) {
  constexpr Unit kUnits[] = {{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}};
  return static_cast<std::uint32_t>(in_units(text, kUnits, 1, 1 << 30, what));
}

Duration duration(std::string_view text, std::string_view what) {
  constexpr std::uint64_t kSecond = 1'000'000'000;
  constexpr Unit kUnits[] = {
      {"us", 1'000}, {"ms", 1'000'000}, {"s", kSecond}, {"m", 60 * kSecond}, {"h", 3600 * kSecond}};
  constexpr std::uint64_t kLongest = std::uint64_t{100} * 366 * 86'400 * kSecond;
  // To linger for no time is to reset.
  const auto off = static_cast<std::int64_t>(what == "linger" ? kLongest : 0);
  if (text == "off") return nanoseconds(off);
  return nanoseconds(static_cast<std::int64_t>(in_units(text, kUnits, kSecond, kLongest, what)));
}

/// "bbr" of TCP_CONGESTION_CONTROL_BBR: what is behind the words that all of them begin with.
std::vector<std::string> words_of(const EnumDescriptor& type) {
  constexpr std::string_view kZero = "UNSPECIFIED";
  const std::size_t prefix = type.FindValueByNumber(0)->name().size() - kZero.size();
  std::vector<std::string> out;
  for (int i = 0; i < type.value_count(); ++i) {
    std::string word = type.value(i)->name().substr(prefix);
    std::transform(word.begin(), word.end(), word.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    out.push_back(std::move(word));
  }
  return out;
}

void set_word(v1::TcpOptions& out, const FieldDescriptor& field, std::string_view text) {
  const std::vector<std::string> words = words_of(*field.enum_type());
  std::vector<std::string_view> choices{words.begin() + 1, words.end()};
  const std::string_view chosen = choose(text, choices, field.name());
  const auto at = std::find(words.begin(), words.end(), chosen) - words.begin();
  out.GetReflection()->SetEnum(&out, &field, field.enum_type()->value(static_cast<int>(at)));
}

void set(v1::TcpOptions& out, const FieldDescriptor& field, std::string_view text) {
  const auto& reflection = *out.GetReflection();
  const auto type = field.cpp_type();
  if (type == FieldDescriptor::CPPTYPE_BOOL) {
    reflection.SetBool(&out, &field, flag(text, field.name()));
  } else if (type == FieldDescriptor::CPPTYPE_UINT32) {
    reflection.SetUInt32(&out, &field, octets(text, field.name()));
  } else if (type == FieldDescriptor::CPPTYPE_ENUM) {
    set_word(out, field, text);
  } else {
    const Duration value = duration(text, field.name());
    auto& message =
        dynamic_cast<google::protobuf::Duration&>(*reflection.MutableMessage(&out, &field));
    message.set_seconds(value / seconds(1));
    message.set_nanos(static_cast<std::int32_t>((value % seconds(1)).count()));
  }
}

std::vector<std::string_view> names() {
  const auto& type = *v1::TcpOptions::descriptor();
  std::vector<std::string_view> out;
  for (int i = 0; i < type.field_count(); ++i) out.emplace_back(type.field(i)->name());
  return out;
}

}  // namespace

void parse_options(Words& words, v1::TcpOptions& out) {
  while (!words.empty()) {
    const std::string name = words.next_of(names(), "option of a TCP socket");
    const FieldDescriptor& field = *v1::TcpOptions::descriptor()->FindFieldByName(name);
    set(out, field, words.next("the value of " + name));
  }
}

}  // namespace smol::ctl
