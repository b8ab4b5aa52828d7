#include "dataplane/logger.hh"

#include <array>
#include <cstring>
#include <string>
#include <unistd.h>

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/ansicolor_sink.h>
#include <spdlog/sinks/base_sink.h>

#include "dataplane/wall_clock.hh"

namespace smol::dataplane {
namespace {

constexpr std::size_t kRingOctets = 1 << 20;
/// A worker may not wake us (that is a system call), so we look by ourselves.
constexpr std::chrono::milliseconds kLook{20};

spdlog::level::level_enum spdlog_level(LogLevel level) noexcept {
  switch (level) {
    case LogLevel::kTrace:
      return spdlog::level::trace;
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::off;
}

std::chrono::system_clock::time_point time_of(std::int64_t unix_ns) {
  return std::chrono::system_clock::time_point{
      std::chrono::duration_cast<std::chrono::system_clock::duration>(
          std::chrono::nanoseconds{unix_ns})};
}

/// A FILE* that is no terminal: lines as they are.
class FileSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit FileSink(std::FILE* file) : file_{file} {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    std::fwrite(line.data(), 1, line.size(), file_);
  }
  void flush_() override { std::fflush(file_); }

 private:
  std::FILE* file_;
};

/// A message cannot pass for another one, and a quote ends where it should: text comes from peers
/// too. On a terminal further lines are indented.
std::string escaped(std::string_view text, bool quote) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (c == '\n') {
      out += quote ? "\\n" : "\n             ";
    } else if (octet < 0x20 || octet == 0x7f) {
      constexpr std::string_view kDigits = "0123456789abcdef";
      out += "\\x";
      out += kDigits[octet >> 4];
      out += kDigits[octet & 15];
    } else {
      if (quote && (c == '"' || c == '\\')) out += '\\';
      out += c;
    }
  }
  return out;
}

}  // namespace

std::string_view name(LogLevel level) noexcept {
  constexpr std::array<std::string_view, 5> kNames = {"trace", "debug", "info", "warning", "error"};
  return kNames[static_cast<std::size_t>(level)];
}

void RingLog::write(LogLevel level, std::string_view component, std::string_view text) noexcept {
  if (!wants(level)) return;
  component = component.substr(0, 255);
  text = text.substr(0, kMaxText);
  const MutBytes record = ring_.reserve(sizeof(Head) + component.size() + text.size());
  if (record.empty()) return lost_.add();
  const Head head{now_.time_since_epoch().count(), static_cast<std::uint8_t>(level),
                  static_cast<std::uint8_t>(component.size())};
  std::memcpy(record.data(), &head, sizeof head);
  component.copy(reinterpret_cast<char*>(record.data()) + sizeof head, component.size());
  text.copy(reinterpret_cast<char*>(record.data()) + sizeof head + component.size(), text.size());
  ring_.publish();
}

bool RingLog::front(Message& out) noexcept {
  const Bytes record = ring_.front();
  if (record.empty()) return false;
  Head head;
  std::memcpy(&head, record.data(), sizeof head);
  const std::string_view rest{reinterpret_cast<const char*>(record.data()) + sizeof head,
                              record.size() - sizeof head};
  out.at = Instant{Duration{head.at}};
  out.level = static_cast<LogLevel>(head.level);
  out.component = rest.substr(0, head.component_length);
  out.text = rest.substr(head.component_length);
  return true;
}

Logger::Logger(LogLevel level, std::FILE* out)
    : level_{level}, terminal_{isatty(fileno(out)) == 1} {
  std::shared_ptr<spdlog::sinks::sink> sink;
  if (terminal_) {
    sink = std::make_shared<spdlog::sinks::ansicolor_sink<spdlog::details::console_mutex>>(
        out, spdlog::color_mode::automatic);
  } else {
    sink = std::make_shared<FileSink>(out);
  }
  printer_ = std::make_shared<spdlog::logger>("smold", std::move(sink));
  printer_->set_level(spdlog::level::trace);
  // %l would say "warn" and "critical"; the level comes with the text instead.
  printer_->set_formatter(std::make_unique<spdlog::pattern_formatter>(
      terminal_ ? "%H:%M:%S.%e %^%v%$" : "ts=%Y-%m-%dT%H:%M:%S.%fZ %v",
      terminal_ ? spdlog::pattern_time_type::local : spdlog::pattern_time_type::utc));
  printer_->set_error_handler([](const std::string&) {});
  thread_ = std::thread{[this] { run(); }};
  pthread_setname_np(thread_.native_handle(), "smol-log");
}

Logger::~Logger() {
  {
    const std::lock_guard lock{mutex_};
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
  std::uint64_t lost = 0;
  for (const auto& ring : rings_) lost += ring->lost();
  if (lost > 0) {
    write(
        LogLevel::kWarning, "log",
        std::to_string(lost) + " messages were lost: they came faster than they could be printed");
  }
  printer_->flush();
}

void Logger::write(LogLevel level, std::string_view component, std::string_view text) noexcept {
  if (!wants(level)) return;
  print(std::chrono::system_clock::now(), level, component, text);
  printer_->flush();
}

void Logger::write_at(std::int64_t unix_ns, LogLevel level, std::string_view component,
                      std::string_view text) noexcept {
  if (!wants(level)) return;
  print(time_of(unix_ns), level, component, text);
}

RingLog& Logger::add_ring() {
  const std::lock_guard lock{mutex_};
  rings_.push_back(std::make_unique<RingLog>(level_, kRingOctets));
  wake_.notify_all();
  return *rings_.back();
}

void Logger::run() {
  std::unique_lock lock{mutex_};
  while (!stop_) {
    if (drain()) printer_->flush();
    if (rings_.empty()) {
      wake_.wait(lock, [this] { return stop_ || !rings_.empty(); });
    } else {
      wake_.wait_for(lock, kLook, [this] { return stop_; });
    }
  }
  drain();
}

bool Logger::drain() {
  WallClock clock;
  clock.refresh();
  bool any = false;
  for (const auto& ring : rings_) {
    RingLog::Message message;
    for (; ring->front(message); ring->pop()) {
      print(time_of(clock.unix_ns(message.at)), message.level, message.component, message.text);
      any = true;
    }
  }
  return any;
}

void Logger::print(std::chrono::system_clock::time_point at, LogLevel level,
                   std::string_view component, std::string_view text) noexcept {
  try {
    std::string line;
    if (terminal_) {
      line = std::string{name(level)} + ' ' + std::string{component} + ": " + escaped(text, false);
    } else {
      line = "level=" + std::string{name(level)} + " component=" + std::string{component} +
             " msg=\"" + escaped(text, true) + '"';
    }
    printer_->log(at, spdlog::source_loc{}, spdlog_level(level), line);
  } catch (const std::exception&) {
    // Out of memory for a log line is no reason to end.
  }
}

}  // namespace smol::dataplane
