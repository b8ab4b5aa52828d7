#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <memory>
#include <mutex>
#include <string_view>
#include <thread>
#include <vector>

#include "dataplane/log.hh"
#include "dataplane/record_ring.hh"
#include "protocols/base/counter.hh"
#include "protocols/base/time.hh"

namespace spdlog {
class logger;
}

namespace smol::dataplane {

/// A worker's Log: a ring to the logger's thread. Thread: the one that writes; the logger's reads.
class RingLog final : public Log {
 public:
  static constexpr std::size_t kMaxText = 4000;

  RingLog(LogLevel level, std::size_t ring_octets) : level_{level}, ring_{ring_octets} {}

  bool wants(LogLevel level) const noexcept override { return level >= level_; }
  void write(LogLevel level, std::string_view component, std::string_view text) noexcept override;

  /// The time that messages carry from now on: of the turn, so that nobody reads a clock.
  void set_time(Instant now) noexcept { now_ = now; }

  /// Of the reading thread.
  struct Message {
    Instant at{};
    LogLevel level{};
    std::string_view component;
    std::string_view text;
  };
  bool front(Message& out) noexcept;
  void pop() noexcept { ring_.pop(); }
  std::uint64_t lost() const noexcept { return lost_.value(); }

 private:
  struct Head {
    std::int64_t at;
    std::uint8_t level;
    std::uint8_t component_length;
  };

  const LogLevel level_;
  RecordRing ring_;
  Instant now_{};
  Counter lost_;
};

/// Prints messages, one line each, with the time and the level: for people on a terminal, as
/// key=value elsewhere. It is itself a Log for every thread but the workers'; those get a ring
/// each.
class Logger final : public Log {
 public:
  /// Lines go to `out`, which outlives the logger.
  explicit Logger(LogLevel level, std::FILE* out = stderr);
  /// Prints all that is left, and what was lost.
  ~Logger() override;
  Logger(const Logger&) = delete;
  Logger& operator=(const Logger&) = delete;

  bool wants(LogLevel level) const noexcept override { return level >= level_; }
  /// Prints at once. Thread: any but a worker's.
  void write(LogLevel level, std::string_view component, std::string_view text) noexcept override;

  /// The same, of something that happened before: `unix_ns` since 1970.
  void write_at(std::int64_t unix_ns, LogLevel level, std::string_view component,
                std::string_view text) noexcept;

  /// For one worker; lives as long as the logger. Thread: main.
  RingLog& add_ring();

 private:
  void run();
  bool drain();
  void print(std::chrono::system_clock::time_point at, LogLevel level, std::string_view component,
             std::string_view text) noexcept;

  const LogLevel level_;
  const bool terminal_;
  std::shared_ptr<spdlog::logger> printer_;
  std::mutex mutex_;  // rings_, stop_
  std::condition_variable wake_;
  std::vector<std::unique_ptr<RingLog>> rings_;
  bool stop_ = false;
  std::thread thread_;
};

/// "trace", "debug", "info", "warning", "error".
std::string_view name(LogLevel level) noexcept;

}  // namespace smol::dataplane
