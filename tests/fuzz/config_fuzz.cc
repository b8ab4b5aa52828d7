// A configuration file of any octets: it is read, or refused with at least one line that says
// where; what was read, printed and read again is the same.
#include <optional>
#include <string>
#include <string_view>

#include "control/config.hh"
#include "smold/config.hh"
#include "tests/fuzz/fuzz.hh"

namespace smol::fuzz {
namespace {

using control::Diagnostics;

/// The parser's time is not linear in what it is given; a file of this size says all there is.
constexpr std::size_t kMost = 4096;

struct Reading {
  smold::LoadedConfig loaded;
  Diagnostics diagnostics{"f"};
};

void read(std::string_view text, Reading& out) {
  control::ReadContext context{out.diagnostics, out.loaded.places};
  const std::optional<control::Value> document = control::read_yaml(text, out.diagnostics);
  require(document.has_value() || !out.diagnostics.empty(), "what cannot be read is told");
  if (document) smold::schema().read(*document, "", out.loaded.config, context);
}

std::string changed(const smold::Config& config) {
  control::YamlPrinter out{control::YamlPrinter::Style::kChanged};
  smold::schema().print(config, smold::Config{}, out);
  return out.text();
}

void config(Bytes input) {
  const std::string_view text{reinterpret_cast<const char*>(input.data()),
                              std::min(input.size(), kMost)};
  Reading first;
  read(text, first);
  const bool is_read = first.diagnostics.empty();
  if (is_read) smold::check(first.loaded, first.diagnostics);
  for (const std::string& line : first.diagnostics.lines()) {
    require(line.starts_with("f:"), "a line says where");
  }
  if (!is_read) return;
  const std::string printed = changed(first.loaded.config);
  Reading second;
  read(printed, second);
  require(second.diagnostics.empty(), "what is printed can be read");
  require(changed(second.loaded.config) == printed, "and says the same");
}

}  // namespace
SMOL_FUZZ_TARGET(config)
}  // namespace smol::fuzz
