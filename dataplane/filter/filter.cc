#include "dataplane/filter/filter.hh"

#include <atomic>

namespace smol::dataplane::filter {
namespace {

std::atomic<bool> native_is_right{true};

}  // namespace

Result<Filter, Refusal> Filter::create(std::span<const Instruction> program) {
  Filter out;
  if (program.empty()) return out;
  if (const auto valid = validate(program); !valid) return fail(valid.error());
  out.program_.assign(program.begin(), program.end());
  if (!native_is_right.load(std::memory_order_relaxed)) return out;
  out.native_ = Native::compile(program);
  return out;
}

void use_interpreter() noexcept {
  native_is_right.store(false, std::memory_order_relaxed);
}

}  // namespace smol::dataplane::filter
