#include "tools/dump/live_source.hh"

#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <utility>

#include <fmt/core.h>
#include <grpcpp/client_context.h>
#include <pcap/pcap.h>

#include "smol/v1/capture.grpc.pb.h"
#include "tools/client/client.hh"
#include "tools/dump/filter.hh"

namespace smol::dump {
namespace {

using client::Client;
using client::ExitStatus;
using client::Problem;

constexpr std::chrono::seconds kTimeout{10};
constexpr std::chrono::seconds kStopTimeout{2};

v1::Tap wire(TapPoint tap) {
  switch (tap) {
    case TapPoint::kRx:
      return v1::TAP_RX;
    case TapPoint::kTx:
      return v1::TAP_TX;
    case TapPoint::kDrop:
      break;
  }
  return v1::TAP_DROP;
}

/// What -Q leaves of the default, so that nothing is sent that is not shown.
std::vector<TapPoint> taps_of(const Options& options) {
  if (!options.taps.empty()) return options.taps;
  if (options.direction == pcap::Direction::kInbound) return {TapPoint::kRx};
  if (options.direction == pcap::Direction::kOutbound) return {TapPoint::kTx};
  return {TapPoint::kRx, TapPoint::kTx};
}

v1::CaptureFilter filter_of(const Options& options) {
  v1::CaptureFilter out;
  out.set_text(options.filter);
  if (options.filter.empty()) return out;
  const auto filter = Filter::compile(options.filter, DLT_EN10MB, kLongestPacket);
  if (!filter) throw Problem{filter.error()};
  for (const bpf_insn& from : filter->program()) {
    v1::BpfInstruction& to = *out.add_instructions();
    to.set_code(from.code);
    to.set_jt(from.jt);
    to.set_jf(from.jf);
    to.set_k(from.k);
  }
  return out;
}

v1::CaptureRequest request_of(const Options& options) {
  v1::CaptureRequest out;
  for (const TapPoint tap : taps_of(options)) out.add_taps(wire(tap));
  if (!options.interface.empty() && options.interface != "any")
    out.add_interfaces(options.interface);
  *out.mutable_filter() = filter_of(options);
  for (const std::string& reason : options.reasons) out.add_reasons(reason);
  for (const std::uint32_t worker : options.workers) out.add_workers(worker);
  out.set_snap_length(options.snap_length);
  if (options.duration.count() > 0) {
    out.mutable_limit_duration()->set_seconds(options.duration.count() / 1000);
    out.mutable_limit_duration()->set_nanos(
        static_cast<std::int32_t>(options.duration.count() % 1000 * 1'000'000));
  }
  out.set_encoding(v1::CAPTURE_ENCODING_RECORDS);
  out.set_low_latency(options.line_buffered || options.packet_buffered);
  out.set_buffer_octets(options.buffer_octets);
  return out;
}

/// The daemon names a field of the request, as "workers[0]: ..."; its user knows an option.
std::string in_options(const std::string& message) {
  static constexpr std::pair<std::string_view, std::string_view> kOptions[] = {
      {"interfaces", "-i"},          {"reasons", "--reason"},          {"workers", "--worker"},
      {"buffer_octets", "--buffer"}, {"limit_duration", "--duration"},
  };
  for (const auto& [field, option] : kOptions) {
    const std::size_t colon = message.find(": ");
    if (message.starts_with(field) && colon != std::string::npos) {
      return std::string{option} + message.substr(colon);
    }
  }
  return message;
}

class LiveSource final : public PacketSource {
 public:
  explicit LiveSource(const Options& options)
      : client_{options.server, kTimeout},
        stub_{client_.channel()},
        where_{options.interface.empty() ? "any" : options.interface} {
    reader_ = stub_.Capture(&context_, request_of(options));
    if (!reader_->Read(&response_)) {
      try {
        client_.check(reader_->Finish());
      } catch (const Problem& problem) {
        throw Problem{in_options(problem.what()), problem.status()};
      }
      throw Problem{"the daemon ended the capture before it began", ExitStatus::kLost};
    }
    const v1::CaptureStarted& started = response_.started();
    for (const v1::TapInterface& each : started.interfaces()) names_[each.index()] = each.name();
    snap_length_ = started.snap_length();
    session_ = started.session_id();
  }

  ~LiveSource() override {
    context_.TryCancel();
    end();
  }
  LiveSource(const LiveSource&) = delete;
  LiveSource& operator=(const LiveSource&) = delete;

  int datalink() const override { return DLT_EN10MB; }
  std::uint32_t snap_length() const override { return snap_length_; }
  bool knows_direction() const override { return true; }
  bool filters() const override { return true; }
  bool drains() const override { return true; }

  std::string description() const override {
    return fmt::format("listening on {}, link-type EN10MB (Ethernet), snapshot length {} bytes",
                       where_, snap_length_);
  }

  std::optional<CaptureCounts> counts() const override {
    CaptureCounts out{counts_.matched(), counts_.lost_ring(), counts_.lost_stream()};
    // Told of exactly at the end; until then there are as many as came or were lost.
    if (!ended_) out.matched = received_ + out.lost();
    return out;
  }

  Result<std::optional<SourcePacket>, Failure> next() override {
    while (at_ == response_.packets().packets_size()) {
      if (!reader_ || !read()) return finished();
    }
    return std::optional{packet(response_.packets().packets(at_++))};
  }

  void interrupt() noexcept override {
    const std::lock_guard lock{interrupting_};
    if (!interrupted_.exchange(true) && stop_session()) return;
    context_.TryCancel();
  }

  void finish() override {
    if (!reader_) return;
    if (!interrupted_) interrupt();
    while (read()) {
    }
    end();
  }

 private:
  /// The next message into response_. False: there is none.
  bool read() {
    at_ = 0;
    if (!reader_->Read(&response_)) {
      response_.Clear();
      return false;
    }
    received_ += static_cast<std::uint64_t>(response_.packets().packets_size());
    if (response_.has_stats()) counts_ = response_.stats();
    if (response_.has_ended()) {
      ended_ = response_.ended().reason();
      counts_ = response_.ended().stats();
    }
    return true;
  }

  Result<std::optional<SourcePacket>, Failure> finished() {
    const grpc::Status status = end();
    const std::optional<SourcePacket> none;
    if (status.error_code() == grpc::StatusCode::CANCELLED) return none;
    if (!status.ok()) {
      return fail(
          Failure{ExitStatus::kLost, fmt::format("lost the daemon: {}", status.error_message())});
    }
    if (ended_ == v1::CAPTURE_END_SHUTDOWN) {
      return fail(Failure{ExitStatus::kLost, "smold has ended"});
    }
    if (ended_ == v1::CAPTURE_END_STOPPED && !interrupted_) {
      return fail(Failure{ExitStatus::kLost, "somebody has stopped this capture"});
    }
    return none;
  }

  /// How the call has ended, once it has no more to read.
  grpc::Status end() {
    if (!reader_) return grpc::Status::OK;
    const grpc::Status status = reader_->Finish();
    reader_.reset();
    return ended_ ? grpc::Status::OK : status;
  }

  /// The daemon sends what it has, and then how much it was. False: it cannot be told.
  bool stop_session() noexcept {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kStopTimeout);
    v1::StopSessionRequest request;
    request.set_id(session_);
    v1::StopSessionResponse response;
    const grpc::Status status = stub_.StopSession(&context, request, &response);
    return status.ok() ||
           status.error_code() == grpc::StatusCode::NOT_FOUND;  // has ended by itself
  }

  SourcePacket packet(const v1::CapturedPacket& from) const {
    SourcePacket out;
    out.captured.when = static_cast<UnixNs>(from.time_ns());
    out.captured.length = from.length();
    out.captured.octets = {reinterpret_cast<const std::uint8_t*>(from.octets().data()),
                           from.octets().size()};
    if (const auto name = names_.find(from.interface()); name != names_.end()) {
      out.meta.interface = name->second;
    }
    out.meta.direction = from.direction() == v1::DIRECTION_IN ? pcap::Direction::kInbound
                                                              : pcap::Direction::kOutbound;
    out.meta.worker = from.worker();
    out.meta.queue = from.queue();
    if (from.verdict() == v1::VERDICT_DROP) {
      out.meta.verdict = "drop";
      out.meta.reason = from.reason();
    }
    return out;
  }

  Client client_;
  v1::CaptureService::Stub stub_;
  const std::string where_;
  std::map<std::uint32_t, std::string> names_;
  std::uint32_t snap_length_ = 0;
  std::uint64_t session_ = 0;

  grpc::ClientContext context_;  ///< outlives the reader
  std::unique_ptr<grpc::ClientReader<v1::CaptureResponse>> reader_;
  v1::CaptureResponse response_;
  int at_ = 0;  ///< of its packets, the next
  std::uint64_t received_ = 0;
  v1::CaptureStats counts_;
  std::optional<v1::CaptureEnd> ended_;

  std::mutex interrupting_;
  std::atomic<bool> interrupted_ = false;
};

}  // namespace

std::unique_ptr<PacketSource> open_live(const Options& options) {
  return std::make_unique<LiveSource>(options);
}

std::string list_interfaces(const Options& options) {
  const Client client{options.server, kTimeout};
  v1::CaptureService::Stub stub{client.channel()};
  const auto taps = client.call(&v1::CaptureService::Stub::ListTaps, stub, v1::ListTapsRequest{});
  std::string out;
  int number = 0;
  for (const v1::TapInterface& each : taps.interfaces()) {
    out += fmt::format("{}.{}\n", ++number, each.name());
  }
  return out + fmt::format("{}.any (all of them)\n", ++number);
}

}  // namespace smol::dump
