#pragma once

namespace smol::bench {

/// Makes the compiler believe that somebody reads `value`, so that what leads to it is not removed.
template <class T>
inline void keep(const T& value) noexcept {
  asm volatile("" : : "g"(&value) : "memory");
}

}  // namespace smol::bench
