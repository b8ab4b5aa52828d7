#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace smol::control {

/// Where something stands in a file, counted from 1. Zero: nowhere, or in no file.
struct Place {
  int line = 0;
  int column = 0;

  constexpr bool operator==(const Place&) const noexcept = default;
};

/// What is wrong with one configuration: one line an error, each with its place, in the order of
/// the file.
class Diagnostics {
 public:
  static constexpr std::size_t kMaxLines = 20;

  /// `file`: what the lines begin with, as the user wrote it.
  explicit Diagnostics(std::string file) : file_{std::move(file)} {}

  /// `message`: without a line end.
  void add(Place place, std::string message);
  bool empty() const noexcept { return found_.empty(); }
  /// The message that was added first, without a place. Precondition: not empty.
  const std::string& first() const noexcept { return found_.front().message; }
  /// "smold.yaml:12:5: ports[0].mtu: 99999 is out of range 68..9216". Up to kMaxLines; a last line
  /// says how many more there are.
  std::vector<std::string> lines() const;

 private:
  struct Found {
    Place place;
    std::string message;
  };

  std::string file_;
  std::vector<Found> found_;
};

}  // namespace smol::control
