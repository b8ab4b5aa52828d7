#pragma once

#include <cstdint>
#include <string_view>

namespace smol::dataplane {

/// kTrace: every packet; kDebug: malformed packets; then the usual ones.
enum class LogLevel : std::uint8_t { kTrace, kDebug, kInfo, kWarning, kError };

/// Where a worker and its applications leave messages. write() formats nothing, takes no lock,
/// makes no system call and never waits: the text is copied into a ring that another thread prints
/// from. A full ring loses the message and counts it.
class Log {
 public:
  virtual ~Log() = default;
  /// Whether a message of this level would be printed: ask before building a text.
  virtual bool wants(LogLevel level) const noexcept = 0;
  /// `component`: "http", "stack"; a literal. `text`: up to 4,000 octets, the rest is cut.
  virtual void write(LogLevel level, std::string_view component,
                     std::string_view text) noexcept = 0;
};

}  // namespace smol::dataplane
