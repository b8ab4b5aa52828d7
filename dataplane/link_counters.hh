#pragma once

#include <cstdint>
#include <string_view>

#include "protocols/base/counter.hh"

namespace smol::dataplane {

/// What one direction of a bridge counts: dataplane/link_counters.def. One thread writes, any
/// reads. received + duplicated = sent + all that was lost, dropped or full + held.
struct LinkCounters {
#define SMOL_LINK_COUNTER(name, sentence) Counter name;
#include "dataplane/link_counters.def"
#undef SMOL_LINK_COUNTER

  /// Calls see(name, value) in the table's order.
  template <class See>
  void for_each(See&& see) const {
#define SMOL_LINK_COUNTER(name, sentence) see(std::string_view{#name}, name.value());
#include "dataplane/link_counters.def"
#undef SMOL_LINK_COUNTER
  }
};

}  // namespace smol::dataplane
