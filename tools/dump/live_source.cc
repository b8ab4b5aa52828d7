#include "tools/dump/live_source.hh"

#include <array>
#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <utility>

#include <fmt/core.h>
#include <grpcpp/client_context.h>
#include <pcap/pcap.h>

#include "smol/v1/capture.grpc.pb.h"
#include "smol/v1/socket.grpc.pb.h"
#include "tools/client/client.hh"
#include "tools/dump/filter.hh"
#include "tools/dump/names.hh"

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

/// Both count the states in the order of RFC 9293.
tcp::State state_of(v1::TcpState state) {
  const int number = static_cast<int>(state) - static_cast<int>(v1::TCP_STATE_CLOSED);
  return number < 0 || number > static_cast<int>(tcp::State::kTimeWait)
             ? tcp::State::kClosed
             : static_cast<tcp::State>(number);
}

tcp::TraceEpisode episode_of(v1::TcpEpisode episode) {
  if (episode == v1::TCP_EPISODE_CWR) return tcp::TraceEpisode::kCwr;
  if (episode == v1::TCP_EPISODE_RECOVERY) return tcp::TraceEpisode::kRecovery;
  if (episode == v1::TCP_EPISODE_LOSS) return tcp::TraceEpisode::kLoss;
  return tcp::TraceEpisode::kOpen;
}

tcp::WaitsFor waits_for_of(v1::TcpWaitsFor what) {
  static constexpr std::pair<v1::TcpWaitsFor, tcp::WaitsFor> kAll[] = {
      {v1::TCP_WAITS_FOR_APPLICATION, tcp::WaitsFor::kApplication},
      {v1::TCP_WAITS_FOR_PEER_WINDOW, tcp::WaitsFor::kPeerWindow},
      {v1::TCP_WAITS_FOR_CONGESTION_WINDOW, tcp::WaitsFor::kCongestionWindow},
      {v1::TCP_WAITS_FOR_PACING, tcp::WaitsFor::kPacing},
      {v1::TCP_WAITS_FOR_NAGLE, tcp::WaitsFor::kNagle},
      {v1::TCP_WAITS_FOR_HANDSHAKE, tcp::WaitsFor::kHandshake},
  };
  for (const auto& [said, meant] : kAll) {
    if (said == what) return meant;
  }
  return tcp::WaitsFor::kNothing;
}

std::array<std::uint8_t, 4> be_octets(std::uint32_t value) {
  std::array<std::uint8_t, 4> out;
  put_be32(out, 0, value);
  return out;
}

std::string address_text(const v1::IpAddress& address) {
  const auto v4 = be_octets(address.v4());
  const std::string& v6 = address.v6();
  return address.has_v4() ? v4_text(v4)
                          : v6_text({reinterpret_cast<const std::uint8_t*>(v6.data()), v6.size()});
}

v1::CaptureFilter filter_of(const std::string& expression) {
  v1::CaptureFilter out;
  out.set_text(expression);
  if (expression.empty()) return out;
  const auto filter = Filter::compile(expression, DLT_EN10MB, kLongestPacket);
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

/// What filters by --socket, and by the user's expression as well.
std::string expression_of(const Options& options, Client& client) {
  if (options.socket == 0) return options.filter;
  v1::SocketService::Stub stub{client.channel()};
  v1::GetSocketRequest request;
  request.set_id(options.socket);
  const v1::Socket socket =
      client.call(&v1::SocketService::Stub::GetSocket, stub, request).socket();
  if (socket.kind() != v1::SOCKET_KIND_TCP || !socket.has_remote()) {
    throw Problem{fmt::format("--socket: {} is no TCP connection", options.socket)};
  }
  const auto end = [](const char* side, const v1::Endpoint& endpoint) {
    return fmt::format("{0} host {1} and {0} port {2}", side, address_text(endpoint.address()),
                       endpoint.port());
  };
  std::string out = fmt::format("tcp and (({} and {}) or ({} and {}))", end("src", socket.local()),
                                end("dst", socket.remote()), end("src", socket.remote()),
                                end("dst", socket.local()));
  return options.filter.empty() ? out : fmt::format("({}) and ({})", out, options.filter);
}

std::optional<tcp::Trace> trace_of(const v1::TcpTrace& from) {
  using tcp::Trace;
  Trace out;
  out.socket = from.socket();
  out.state = state_of(from.state());
  out.episode = episode_of(from.episode());
  out.waits_for = waits_for_of(from.waits_for());
  out.congestion = tcp::congestion_control(from.congestion());
  out.phase = tcp::trace_phase(from.phase());
  out.iss = SeqNumber{from.iss()};
  out.irs = SeqNumber{from.irs()};
  out.snd_una = SeqNumber{from.snd_una()};
  out.snd_nxt = SeqNumber{from.snd_nxt()};
  out.rcv_nxt = SeqNumber{from.rcv_nxt()};
  out.snd_wnd = from.snd_wnd();
  out.rcv_wnd = from.rcv_wnd();
  out.cwnd = from.cwnd();
  out.ssthresh = from.ssthresh();
  out.mss = from.snd_mss();
  out.in_flight = from.in_flight();
  out.unsent = from.unsent();
  out.lost = from.lost();
  out.sacked = from.sacked();
  out.srtt_us = from.srtt_us();
  out.rttvar_us = from.rttvar_us();
  out.min_rtt_us = from.min_rtt_us();
  out.rto_us = from.rto_us();
  out.backoff = static_cast<std::uint8_t>(from.backoff());
  out.pacing_rate = from.pacing_rate();
  out.delivered = from.delivered();
  const auto mark = [&](bool set, std::uint8_t bit) {
    if (set) out.marks = static_cast<std::uint8_t>(out.marks | bit);
  };
  mark(from.app_limited(), Trace::kAppLimited);
  mark(from.retransmission(), Trace::kRetransmission);
  mark(from.tail_probe(), Trace::kTailProbe);
  mark(from.window_probe(), Trace::kWindowProbe);
  mark(from.path_probe(), Trace::kPathProbe);
  mark(from.keep_alive(), Trace::kKeepAlive);
  return out;
}

v1::CaptureRequest request_of(const Options& options, Client& client) {
  v1::CaptureRequest out;
  for (const TapPoint tap : taps_of(options)) out.add_taps(wire(tap));
  if (!options.interface.empty() && options.interface != "any")
    out.add_interfaces(options.interface);
  *out.mutable_filter() = filter_of(expression_of(options, client));
  for (const std::string& reason : options.reasons) out.add_reasons(reason);
  for (const std::uint32_t worker : options.workers) out.add_workers(worker);
  out.set_snap_length(options.snap_length);
  if (options.duration.count() > 0) {
    out.mutable_limit_duration()->set_seconds(options.duration.count() / 1000);
    out.mutable_limit_duration()->set_nanos(
        static_cast<std::int32_t>(options.duration.count() % 1000 * 1'000'000));
  }
  out.set_encoding(v1::CAPTURE_ENCODING_RECORDS);
  out.set_tcp_info(options.tcp_info);
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
    reader_ = stub_.Capture(&context_, request_of(options, client_));
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
    if (from.has_tcp()) out.meta.tcp = trace_of(from.tcp());
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
