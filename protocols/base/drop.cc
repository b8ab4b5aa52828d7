#include "protocols/base/drop.hh"

#include <array>

namespace smol {
namespace {

struct Row {
  std::string_view name;
  DropStage stage;
  std::string_view sentence;
};

constexpr std::array<Row, kDropCount> kRows = {{
#define SMOL_DROP(symbol, name, stage, sentence) {name, DropStage::stage, sentence},
#include "protocols/base/drop.def"
#undef SMOL_DROP
}};

}  // namespace

std::string_view name(Drop drop) noexcept {
  return kRows[static_cast<std::size_t>(drop)].name;
}

std::string_view sentence(Drop drop) noexcept {
  return kRows[static_cast<std::size_t>(drop)].sentence;
}

DropStage stage(Drop drop) noexcept {
  return kRows[static_cast<std::size_t>(drop)].stage;
}

std::string_view name(DropStage stage) noexcept {
  constexpr std::array<std::string_view, 6> kNames = {"port",    "injector",  "link",
                                                      "network", "transport", "socket"};
  return kNames[static_cast<std::size_t>(stage)];
}

}  // namespace smol
