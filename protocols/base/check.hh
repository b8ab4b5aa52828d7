#pragma once

#include <cstdint>

namespace smol {

/// Called once, on the failing thread, with the broken invariant; returning from it aborts. A
/// driver installs one to say where it stood (worker, packet); without one the process just aborts.
using CheckHandler = void (*)(const char* what, const char* file, int line) noexcept;

/// Installs `handler` for the whole process; null restores the default. Thread: any, before
/// workers.
void set_check_handler(CheckHandler handler) noexcept;

/// Reports and aborts. Only SMOL_CHECK calls it.
[[noreturn, gnu::cold]] void check_failed(const char* what, const char* file, int line) noexcept;

}  // namespace smol

/// An invariant of our own: false is our bug, never bad input, and ends the process with its place.
#define SMOL_CHECK(condition)                               \
  do {                                                      \
    if (!(condition)) [[unlikely]] {                        \
      ::smol::check_failed(#condition, __FILE__, __LINE__); \
    }                                                       \
  } while (false)
