#include "tools/dump/timestamp.hh"

#include <ctime>

namespace smol::dump {
namespace {

constexpr std::int64_t kNsPerSecond = 1'000'000'000;

struct Split {
  std::int64_t seconds;
  std::int64_t ns;
};

Split split(UnixNs when) {
  std::int64_t seconds = when / kNsPerSecond;
  std::int64_t ns = when % kNsPerSecond;
  if (ns < 0) {
    ns += kNsPerSecond;
    --seconds;
  }
  return {seconds, ns};
}

std::tm local(std::int64_t seconds) {
  const std::time_t when = seconds;
  std::tm out{};
  localtime_r(&when, &out);
  return out;
}

std::int64_t second_of_day(const std::tm& time) {
  return time.tm_hour * 3600 + time.tm_min * 60 + time.tm_sec;
}

}  // namespace

void Timestamps::print_clock(Printout& out, std::int64_t seconds, std::int64_t ns) const {
  out.put("{:02}:{:02}:{:02}.", seconds / 3600, seconds / 60 % 60, seconds % 60);
  if (nanoseconds_) {
    out.put("{:09}", ns);
  } else {
    out.put("{:06}", ns / 1000);
  }
}

void Timestamps::print_date(Printout& out, UnixNs when) const {
  const auto [seconds, ns] = split(when);
  const std::tm time = local(seconds);
  out.put("{:04}-{:02}-{:02} ", time.tm_year + 1900, time.tm_mon + 1, time.tm_mday);
  print_clock(out, second_of_day(time), ns);
}

void Timestamps::print_since(Printout& out, UnixNs when) {
  // What is not shown does not count either: differences are between the times as shown.
  if (!nanoseconds_) when = when / 1000 * 1000;
  if (!reference_) reference_ = when;
  const bool before = when < *reference_;
  const auto [seconds, ns] = split(before ? *reference_ - when : when - *reference_);
  out.add(before ? "-" : " ");
  // Of days, only what is left over is shown.
  print_clock(out, seconds % 86400, ns);
  if (form_ == TimeForm::kDelta) reference_ = when;
}

void Timestamps::print(Printout& out, UnixNs when) {
  switch (form_) {
    case TimeForm::kNone:
      return;
    case TimeForm::kTime: {
      const auto [seconds, ns] = split(when);
      print_clock(out, second_of_day(local(seconds)), ns);
      break;
    }
    case TimeForm::kSeconds: {
      const auto [seconds, ns] = split(when);
      if (nanoseconds_) {
        out.put("{}.{:09}", seconds, ns);
      } else {
        out.put("{}.{:06}", seconds, ns / 1000);
      }
      break;
    }
    case TimeForm::kDate:
      print_date(out, when);
      break;
    case TimeForm::kDelta:
    case TimeForm::kSinceFirst:
      print_since(out, when);
      break;
  }
  out.add(" ");
}

}  // namespace smol::dump
