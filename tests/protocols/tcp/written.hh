#pragma once

#include <string>

namespace smol::tcp::script {

/// Lines that expect segments of a thousand octets each, from `from` up to `to`.
inline std::string text(int from, int to, int ack = 1) {
  std::string out;
  for (int at = from; at < to; at += 1000) {
    out += " > . " + std::to_string(at) + ":" + std::to_string(at + 1000) + " ack " +
           std::to_string(ack) + "\n";
  }
  return out;
}

/// All that is written leaves at once, up to `end`.
inline std::string in_flight(int end, int begin = 1) {
  const std::string last = std::to_string(end - 1000) + ":" + std::to_string(end);
  return "write " + std::to_string(end - begin) + "\n" + text(begin, end - 1000) + " > P " + last +
         " ack 1\n";
}

/// Of a window of ten: cwnd is full and nothing more is queued.
inline std::string ten_in_flight() {
  return in_flight(10'001);
}

}  // namespace smol::tcp::script
