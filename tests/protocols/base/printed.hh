#pragma once

#include <string>

#include "protocols/base/text.hh"

namespace smol {

/// The printed form of a value, for comparing.
template <class T>
std::string printed(const T& value) {
  Text<256> out;
  value.print(out);
  return std::string{out.view()};
}

}  // namespace smol
