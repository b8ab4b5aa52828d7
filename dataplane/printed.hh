#pragma once

#include <string>

#include "protocols/base/text.hh"

namespace smol::dataplane {

/// The printed form of an address, prefix or the like as a string. Allocates: for messages.
template <class T>
std::string printed(const T& value) {
  Text<64> text;
  value.print(text);
  return std::string{text.view()};
}

}  // namespace smol::dataplane
