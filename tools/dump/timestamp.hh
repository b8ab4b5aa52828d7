#pragma once

#include <cstdint>
#include <optional>

#include "tools/dump/printout.hh"

namespace smol::dump {

/// Nanoseconds since 1970, UTC.
using UnixNs = std::int64_t;

/// The time in front of a line, in the form that -t asks for. Two forms depend on the packets
/// before, so one Timestamps sees all of them. Local time: TZ is read as tcpdump reads it.
class Timestamps {
 public:
  Timestamps(TimeForm form, bool nanoseconds) noexcept : form_{form}, nanoseconds_{nanoseconds} {}

  /// With the blank behind it; nothing with -t.
  void print(Printout& out, UnixNs when);

 private:
  void print_clock(Printout& out, std::int64_t second_of_day, std::int64_t fraction) const;
  void print_date(Printout& out, UnixNs when) const;
  void print_since(Printout& out, UnixNs when);

  TimeForm form_;
  bool nanoseconds_;
  std::optional<UnixNs> reference_;
};

}  // namespace smol::dump
