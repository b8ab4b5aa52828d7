#include "control/diagnostics.hh"

#include <algorithm>
#include <tuple>

namespace smol::control {

void Diagnostics::add(Place place, std::string message) {
  // A key or value may hold anything; an error stays one line.
  for (char& c : message) {
    const auto octet = static_cast<unsigned char>(c);
    if (octet < ' ' || octet == 0x7f) c = '?';
  }
  found_.push_back({place, std::move(message)});
}

std::vector<std::string> Diagnostics::lines() const {
  std::vector<Found> sorted = found_;
  std::stable_sort(sorted.begin(), sorted.end(), [](const Found& a, const Found& b) {
    return std::tie(a.place.line, a.place.column) < std::tie(b.place.line, b.place.column);
  });
  std::vector<std::string> lines;
  for (const Found& found : sorted) {
    if (lines.size() == kMaxLines) {
      lines.push_back(file_ + ": " + std::to_string(sorted.size() - kMaxLines) + " more errors");
      break;
    }
    std::string line = file_;
    if (found.place.line > 0) {
      line += ':' + std::to_string(found.place.line) + ':' + std::to_string(found.place.column);
    }
    lines.push_back(line + ": " + found.message);
  }
  return lines;
}

}  // namespace smol::control
