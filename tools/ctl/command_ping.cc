#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ostream>

#include "smol/v1/icmp.grpc.pb.h"
#include "tools/ctl/command.hh"
#include "tools/ctl/text.hh"

namespace smol::ctl {
namespace {

using Stub = v1::IcmpService::Stub;

double milliseconds_of(const google::protobuf::Duration& in) {
  return static_cast<double>(in.seconds()) * 1e3 + static_cast<double>(in.nanos()) / 1e6;
}

/// What ping(8) says at its end.
class Summary {
 public:
  void add(double round_trip) {
    ++received_;
    sum_ += round_trip;
    squares_ += round_trip * round_trip;
    min_ = received_ == 1 ? round_trip : std::min(min_, round_trip);
    max_ = std::max(max_, round_trip);
  }
  void add_unanswered() { ++unanswered_; }
  void add_error() {
    ++errors_;
    ++unanswered_;
  }
  std::uint64_t received() const noexcept { return received_; }

  Json to_json() const {
    Json out = {{"transmitted", sent()}, {"received", received_}, {"errors", errors_}};
    if (received_ > 0)
      out["rtt"] = {{"min", min_}, {"avg", avg()}, {"max", max_}, {"mdev", mdev()}};
    return out;
  }

  void print(std::ostream& out, const std::string& to) const {
    const double lost =
        sent() == 0 ? 0 : 100.0 * static_cast<double>(unanswered_) / static_cast<double>(sent());
    char line[160];
    std::snprintf(
        line, sizeof line, "%llu packets transmitted, %llu received, %s%.6g%% packet loss",
        static_cast<unsigned long long>(sent()), static_cast<unsigned long long>(received_),
        errors_ > 0 ? ("+" + std::to_string(errors_) + " errors, ").c_str() : "", lost);
    out << "\n--- " << to << " ping statistics ---\n" << line << '\n';
    if (received_ == 0) return;
    std::snprintf(line, sizeof line, "rtt min/avg/max/mdev = %.3f/%.3f/%.3f/%.3f ms", min_, avg(),
                  max_, mdev());
    out << line << '\n';
  }

 private:
  std::uint64_t sent() const noexcept { return received_ + unanswered_; }
  double avg() const noexcept { return sum_ / static_cast<double>(received_); }
  double mdev() const noexcept {
    return std::sqrt(std::max(0.0, squares_ / static_cast<double>(received_) - avg() * avg()));
  }

  std::uint64_t received_ = 0;
  std::uint64_t unanswered_ = 0;
  std::uint64_t errors_ = 0;
  double sum_ = 0;
  double squares_ = 0;
  double min_ = 0;
  double max_ = 0;
};

/// Seconds with decimals.
void parse_seconds(const std::string& text, google::protobuf::Duration& out) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !(value >= 0.001 && value <= 3600)) {
    throw Problem{"'" + text + "' is no number of seconds: 0.001 to 3600"};
  }
  out.set_seconds(static_cast<std::int64_t>(value));
  out.set_nanos(static_cast<std::int32_t>((value - std::floor(value)) * 1e9));
}

struct Wanted {
  v1::PingRequest request;
  bool quiet = false;
};

Wanted parse_ping(Words& words) {
  Wanted out;
  v1::PingRequest& request = out.request;
  while (!words.empty()) {
    const std::string word = words.next("an address");
    const auto value = [&](std::uint64_t max, const char* what) {
      return static_cast<std::uint32_t>(number(words.next(what), max, what));
    };
    if (word == "-c") {
      request.set_count(value(0xffffffff, "count"));
    } else if (word == "-i") {
      parse_seconds(words.next("seconds"), *request.mutable_interval());
    } else if (word == "-W") {
      parse_seconds(words.next("seconds"), *request.mutable_timeout());
    } else if (word == "-s") {
      request.set_payload_octets(value(65'000, "number of octets"));
    } else if (word == "-t") {
      request.set_hop_limit(value(255, "TTL"));
    } else if (word == "-I") {
      request.set_interface(words.next("an interface"));
    } else if (word == "-q") {
      out.quiet = true;
    } else if (word.starts_with('-')) {
      throw Problem{"'" + word + "' is no option of ping: -c, -i, -s, -W, -t, -I, -q"};
    } else if (request.has_remote()) {
      throw Problem{"'" + word + "' is one address too many"};
    } else {
      parse(word, *request.mutable_remote());
    }
  }
  if (!request.has_remote()) throw Problem{"an address is missing"};
  return out;
}

class Ping {
 public:
  Ping(Run& run, bool quiet) : run_{run}, quiet_{quiet} {}

  void take(const v1::PingResponse& response) {
    if (response.has_reply()) return take(response.reply());
    if (response.has_timeout()) {
      summary_.add_unanswered();
      if (!quiet_ && run_.options.json) run_.print({{"timeout", response.timeout().sequence()}});
      if (!quiet_ && !run_.options.json) {
        run_.out << "no answer yet for icmp_seq=" << response.timeout().sequence() + 1 << std::endl;
      }
    }
    if (response.has_error()) take(response.error());
  }

  const Summary& summary() const noexcept { return summary_; }

 private:
  void take(const v1::PingReply& reply) {
    summary_.add(milliseconds_of(reply.round_trip()));
    if (quiet_) return;
    if (run_.options.json) {
      return run_.print({{"sequence", reply.sequence()},
                         {"from", text(reply.from())},
                         {"ttl", reply.hop_limit()},
                         {"octets", reply.payload_octets() + kHeader},
                         {"time", milliseconds_of(reply.round_trip())}});
    }
    // ping(8) counts from one.
    run_.out << reply.payload_octets() + kHeader << " bytes from " << text(reply.from())
             << ": icmp_seq=" << reply.sequence() + 1 << " ttl=" << reply.hop_limit()
             << " time=" << milliseconds_text(reply.round_trip()) << " ms" << std::endl;
  }

  void take(const v1::PingError& error) {
    summary_.add_error();
    if (quiet_) return;
    if (run_.options.json) {
      return run_.print(
          {{"sequence", error.sequence()}, {"from", text(error.from())}, {"error", error.name()}});
    }
    const std::string from = error.has_from() ? "From " + text(error.from()) : "Here";
    run_.out << from << " icmp_seq=" << error.sequence() + 1 << " " << error.name() << std::endl;
  }

  static constexpr std::uint32_t kHeader = 8;

  Run& run_;
  const bool quiet_;
  Summary summary_;
};

}  // namespace

void ping(Run& run, Words& words) {
  const Wanted wanted = parse_ping(words);
  const std::string to = text(wanted.request.remote());
  if (!run.options.json) {
    const std::uint32_t octets =
        wanted.request.has_payload_octets() ? wanted.request.payload_octets() : 56;
    run.out << "PING " << to << ": " << octets << " data bytes" << std::endl;
  }
  Stub stub{run.client.channel()};
  grpc::ClientContext context;
  std::atomic<bool> stopped = false;
  run.signals.on([&] {
    stopped = true;
    context.TryCancel();
  });
  Ping ping{run, wanted.quiet};
  const auto reader = stub.Ping(&context, wanted.request);
  v1::PingResponse response;
  while (reader->Read(&response)) ping.take(response);
  const grpc::Status status = reader->Finish();
  run.signals.none();
  if (!stopped) run.client.check(status);
  if (run.options.json) {
    run.print(ping.summary().to_json());
  } else {
    ping.summary().print(run.out, to);
  }
  run.out.flush();
  if (ping.summary().received() == 0) throw Problem{""};
}

}  // namespace smol::ctl
