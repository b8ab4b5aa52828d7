#pragma once

#include <cstdint>
#include <string_view>

#include "protocols/base/counter.hh"

namespace smol {

/// What a stack counts (stack/counters.def). The worker writes, anyone reads.
struct StackCounters {
#define SMOL_COUNTER(field, sentence) Counter field;
#include "protocols/stack/counters.def"
#undef SMOL_COUNTER

  /// Calls visit(name, sentence, value) for each, in the order of the table.
  template <class Visit>
  void for_each(Visit&& visit) const {
#define SMOL_COUNTER(field, sentence) \
  visit(std::string_view{#field}, std::string_view{sentence}, field.value());
#include "protocols/stack/counters.def"
#undef SMOL_COUNTER
  }
};

}  // namespace smol
