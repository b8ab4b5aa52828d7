#pragma once

#include <stdexcept>

namespace smol::bench {

/// A benchmark cannot be run, or what it measured is worth nothing. One line that names the thing
/// and says what to do.
class Failure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace smol::bench
