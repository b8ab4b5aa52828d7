#include "control/capture_service.hh"

#include <algorithm>
#include <chrono>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>
#include <grpcpp/alarm.h>

#include "control/convert.hh"
#include "dataplane/captured_pcap.hh"
#include "protocols/pcap/pcap.hh"
#include "protocols/tcp/cc/congestion.hh"
#include "protocols/tcp/trace.hh"

namespace smol::control {
namespace {

using dataplane::CapturedPacket;
using dataplane::CaptureRead;
using dataplane::CaptureSpec;

constexpr std::uint32_t kLinkTypeEthernet = 1;
constexpr std::chrono::seconds kStatsInterval{1};

/// What a CaptureRequest asks for.
struct Wanted {
  CaptureSpec spec;
  std::vector<v1::Tap> taps;
  std::uint64_t limit_packets = 0;
  std::optional<Duration> limit_duration;
  bool pcapng = false;
};

std::string at(std::string_view field, int index) {
  return std::string{field} + "[" + std::to_string(index) + "]";
}

Parsed<std::vector<v1::Tap>> parse_taps(const v1::CaptureRequest& in, CaptureSpec& spec) {
  std::vector<v1::Tap> taps;
  for (int i = 0; i < in.taps_size(); ++i) {
    if (!v1::Tap_IsValid(in.taps(i)) || in.taps(i) == v1::TAP_UNSPECIFIED) {
      return invalid(at("taps", i), "is none of TAP_RX, TAP_TX and TAP_DROP");
    }
    taps.push_back(in.taps(i));
  }
  if (taps.empty()) taps = {v1::TAP_RX, v1::TAP_TX};
  const auto has = [&](v1::Tap tap) {
    return std::find(taps.begin(), taps.end(), tap) != taps.end();
  };
  spec.rx = has(v1::TAP_RX);
  spec.tx = has(v1::TAP_TX);
  spec.drop = has(v1::TAP_DROP);
  return taps;
}

std::optional<Refusal> parse_filter(const v1::CaptureFilter& in, CaptureSpec& spec) {
  for (int i = 0; i < in.instructions_size(); ++i) {
    const v1::BpfInstruction& from = in.instructions(i);
    if (from.code() > 0xffff || from.jt() > 0xff || from.jf() > 0xff) {
      return Refusal{Error::kInvalid, at("filter.instructions", i), "has a number out of range"};
    }
    spec.filter.push_back({static_cast<std::uint16_t>(from.code()),
                           static_cast<std::uint8_t>(from.jt()),
                           static_cast<std::uint8_t>(from.jf()), from.k()});
  }
  return std::nullopt;
}

std::optional<Refusal> parse_reasons(const v1::CaptureRequest& in, CaptureSpec& spec) {
  for (int i = 0; i < in.reasons_size(); ++i) {
    std::size_t found = 0;
    while (found < kDropCount && name(static_cast<Drop>(found)) != in.reasons(i)) ++found;
    if (found == kDropCount) {
      return Refusal{Error::kInvalid, at("reasons", i),
                     "there is no drop reason '" + in.reasons(i) +
                         "': ListDropReasons has them all, as smolctl drops -a"};
    }
    spec.reasons.set(found);
  }
  if (spec.reasons.any()) spec.verdict = CaptureSpec::Verdict::kDropped;
  return std::nullopt;
}

std::optional<Refusal> parse_places(const dataplane::Daemon& daemon, const v1::CaptureRequest& in,
                                    CaptureSpec& spec) {
  const auto& interfaces = daemon.interfaces();
  for (int i = 0; i < in.interfaces_size(); ++i) {
    const auto found = std::find_if(interfaces.begin(), interfaces.end(), [&](const auto& each) {
      return each.name == in.interfaces(i);
    });
    if (found == interfaces.end()) {
      return Refusal{Error::kNoDevice, at("interfaces", i),
                     "there is no interface '" + in.interfaces(i) +
                         "': ListTaps has them all, as smoldump -D"};
    }
    spec.interfaces.push_back(static_cast<InterfaceId>(found - interfaces.begin()));
  }
  for (int i = 0; i < in.workers_size(); ++i) {
    if (in.workers(i) >= daemon.desks().size()) {
      return Refusal{Error::kInvalid, at("workers", i),
                     "there is no worker " + std::to_string(in.workers(i))};
    }
    spec.workers.push_back(in.workers(i));
  }
  return std::nullopt;
}

Parsed<Wanted> parse_capture(const dataplane::Daemon& daemon, const v1::CaptureRequest& in) {
  Wanted out;
  const auto taps = parse_taps(in, out.spec);
  if (!taps) return fail(taps.error());
  out.taps = *taps;
  if (auto wrong = parse_places(daemon, in, out.spec)) return fail(*wrong);
  if (auto wrong = parse_filter(in.filter(), out.spec)) return fail(*wrong);
  if (auto wrong = parse_reasons(in, out.spec)) return fail(*wrong);
  out.spec.name = in.filter().text();
  if (in.snap_length() > 0) out.spec.snap_length = in.snap_length();
  if (in.buffer_octets() > 0) out.spec.queue_octets = in.buffer_octets();
  out.spec.tcp_info = in.tcp_info();
  if (in.low_latency()) out.spec.flush_interval = CaptureSpec::kLowLatency;
  out.limit_packets = in.limit_packets();
  if (in.has_limit_duration()) {
    const auto limit =
        parse(in.limit_duration(), "limit_duration", milliseconds(1), seconds(365 * 86'400));
    if (!limit) return fail(limit.error());
    out.limit_duration = *limit;
  }
  if (!v1::CaptureEncoding_IsValid(in.encoding())) return invalid("encoding", "is not known");
  out.pcapng = in.encoding() == v1::CAPTURE_ENCODING_PCAPNG;
  return out;
}

void fill(const dataplane::CaptureStats& from, v1::CaptureStats& to) {
  to.set_matched(from.matched);
  to.set_delivered(from.delivered);
  to.set_lost_ring(from.lost_ring);
  to.set_lost_stream(from.lost_stream);
}

void fill_taps(const dataplane::Daemon& daemon,
               google::protobuf::RepeatedPtrField<v1::TapInterface>& to) {
  std::uint32_t index = 0;
  for (const auto& interface : daemon.interfaces()) {
    v1::TapInterface& tap = *to.Add();
    tap.set_index(index++);
    tap.set_name(interface.name);
    tap.set_link_type(kLinkTypeEthernet);
  }
}

v1::TcpEpisode to_proto(tcp::TraceEpisode episode) {
  switch (episode) {
    case tcp::TraceEpisode::kOpen:
      return v1::TCP_EPISODE_OPEN;
    case tcp::TraceEpisode::kCwr:
      return v1::TCP_EPISODE_CWR;
    case tcp::TraceEpisode::kRecovery:
      return v1::TCP_EPISODE_RECOVERY;
    case tcp::TraceEpisode::kLoss:
      return v1::TCP_EPISODE_LOSS;
  }
  return v1::TCP_EPISODE_UNSPECIFIED;
}

void fill(const tcp::Trace& from, v1::TcpTrace& to) {
  using tcp::Trace;
  to.set_socket(from.socket);
  to.set_state(control::to_proto(from.state));
  to.set_episode(to_proto(from.episode));
  to.set_waits_for(control::to_proto(from.waits_for));
  to.set_congestion(std::string{tcp::name(from.congestion)});
  to.set_phase(std::string{tcp::name(from.phase)});
  to.set_iss(from.iss.raw);
  to.set_irs(from.irs.raw);
  to.set_snd_una(from.snd_una.raw);
  to.set_snd_nxt(from.snd_nxt.raw);
  to.set_rcv_nxt(from.rcv_nxt.raw);
  to.set_snd_wnd(from.snd_wnd);
  to.set_rcv_wnd(from.rcv_wnd);
  to.set_cwnd(from.cwnd);
  if (from.ssthresh != 0) to.set_ssthresh(from.ssthresh);
  to.set_snd_mss(from.mss);
  to.set_in_flight(from.in_flight);
  to.set_unsent(from.unsent);
  to.set_lost(from.lost);
  to.set_sacked(from.sacked);
  to.set_srtt_us(from.srtt_us);
  to.set_rttvar_us(from.rttvar_us);
  to.set_min_rtt_us(from.min_rtt_us);
  to.set_rto_us(from.rto_us);
  to.set_backoff(from.backoff);
  to.set_pacing_rate(from.pacing_rate);
  to.set_delivered(from.delivered);
  to.set_app_limited((from.marks & Trace::kAppLimited) != 0);
  to.set_retransmission((from.marks & Trace::kRetransmission) != 0);
  to.set_tail_probe((from.marks & Trace::kTailProbe) != 0);
  to.set_window_probe((from.marks & Trace::kWindowProbe) != 0);
  to.set_path_probe((from.marks & Trace::kPathProbe) != 0);
  to.set_keep_alive((from.marks & Trace::kKeepAlive) != 0);
}

void fill(const CapturedPacket& from, v1::CapturedPacket& to) {
  to.set_time_ns(static_cast<std::uint64_t>(from.unix_ns));
  to.set_interface(from.interface);
  to.set_worker(from.worker);
  to.set_queue(from.queue);
  to.set_direction(from.direction == Direction::kRx ? v1::DIRECTION_IN : v1::DIRECTION_OUT);
  to.set_verdict(from.dropped ? v1::VERDICT_DROP : v1::VERDICT_ACCEPT);
  if (from.dropped) to.set_reason(std::string{name(from.reason)});
  to.set_length(from.length);
  to.set_octets(from.octets.data(), from.octets.size());
  if (from.trace != nullptr) fill(*from.trace, *to.mutable_tcp());
}

/// Adds a block to `out`.
template <class Block, class Write>
void append(std::string& out, const Block& block, Write write) {
  const std::size_t before = out.size();
  out.resize(before + pcap::size_of(block));
  write(MutBytes{reinterpret_cast<std::uint8_t*>(out.data()) + before, out.size() - before}, block);
}

void append_head(const dataplane::Daemon& daemon, std::uint32_t snap_length,
                 std::string_view filter, std::string& out) {
  pcap::Section section;
  section.application = "smold";
  append(out, section, pcap::write_section);
  for (const auto& each : daemon.interfaces()) {
    pcap::Interface interface;
    interface.snap_length = snap_length;
    interface.name = each.name;
    interface.filter = filter;
    append(out, interface, pcap::write_interface);
  }
}

void append(const CapturedPacket& from, std::string& out) {
  std::string comment;
  append(out, dataplane::pcap_packet(from, comment), pcap::write_packet);
}

}  // namespace

/// A capture, from a session of the hub to a client. The session's queue is where packets wait for
/// a slow client; here is one batch at a time.
class CaptureService::Stream final : public grpc::ServerWriteReactor<v1::CaptureResponse> {
 public:
  Stream(CaptureService& service, const v1::CaptureRequest& request) : service_{service} {
    const std::optional<grpc::Status> refused = open(request);
    const std::lock_guard lock{mutex_};
    if (refused) {
      finished_ = true;
      Finish(*refused);
    } else {
      start();
    }
  }

  void OnWriteDone(bool ok) override {
    const std::lock_guard lock{mutex_};
    writing_ = false;
    if (!ok) return finish({grpc::StatusCode::CANCELLED, "the client is gone"});
    if (ended_) return finish(grpc::Status::OK);
    pump();
  }
  void OnCancel() override {
    const std::lock_guard lock{mutex_};
    finish({grpc::StatusCode::CANCELLED, "the client is gone"});
  }
  void OnDone() override {
    if (id_ != 0) service_.remove(id_);
    // Without the lock, which a callback of the session takes; it may wait for one.
    session_.reset();
    bool gone = false;
    {
      const std::lock_guard lock{mutex_};
      rpc_done_ = true;
      gone = alarms_ == 0;
    }
    if (gone) delete this;
  }

  /// Ends with what was captured so far. Thread: any.
  void stop(v1::CaptureEnd why) {
    const std::lock_guard lock{mutex_};
    end(why);
  }
  void describe(v1::CaptureSession& to) {
    const std::lock_guard lock{mutex_};
    to.set_id(id_);
    to.set_filter(wanted_.spec.name);
    for (const v1::Tap tap : wanted_.taps) to.add_taps(tap);
    put_time(started_ns_, *to.mutable_start_time());
    control::fill(session_->stats(), *to.mutable_stats());
  }

 private:
  static grpc::Status status_of(const dataplane::CaptureError& error) {
    const bool too_many = error.kind == dataplane::CaptureError::Kind::kTooMany;
    return to_status(Refusal{too_many ? Error::kNoBuffers : Error::kInvalid,
                             too_many ? "" : "capture", error.message});
  }

  /// Without the lock: nobody knows of this until it is among the service's.
  std::optional<grpc::Status> open(const v1::CaptureRequest& request) {
    auto wanted = parse_capture(service_.daemon_, request);
    if (!wanted) return to_status(wanted.error());
    wanted_ = std::move(*wanted);
    auto session = service_.daemon_.captures().open(wanted_.spec);
    if (!session) return status_of(session.error());
    session_ = std::move(*session);
    started_ns_ = unix_now();
    if (!service_.add(*this)) return stopping();
    return std::nullopt;
  }

  void start() {
    v1::CaptureStarted& started = *queue_.emplace_back().mutable_started();
    started.set_session_id(id_);
    started.set_boot_id(service_.identity_.boot_id);
    fill_taps(service_.daemon_, *started.mutable_interfaces());
    started.set_snap_length(wanted_.spec.snap_length);
    if (wanted_.pcapng) {
      append_head(service_.daemon_, wanted_.spec.snap_length, wanted_.spec.name,
                  *queue_.emplace_back().mutable_pcapng());
    }
    if (wanted_.limit_duration) {
      set(limit_, std::chrono::nanoseconds{wanted_.limit_duration->count()},
          [this] { end(v1::CAPTURE_END_LIMIT); });
    }
    pump();
  }

  void end(v1::CaptureEnd why) {
    if (finished_ || std::exchange(end_, why) != v1::CAPTURE_END_UNSPECIFIED) return;
    session_->stop();
    pump();
  }

  /// Writes what comes next, or waits for it.
  void pump() {
    if (finished_ || writing_ || waiting_ || ended_) return;
    if (!queue_.empty()) {
      current_ = std::move(queue_.front());
      queue_.pop_front();
      return write();
    }
    if (tell_losses()) return;
    waiting_ = true;
    switch (session_->try_read(batch_, [this] { on_ready(); })) {
      case CaptureRead::kBatch:
        waiting_ = false;
        return write_batch();
      case CaptureRead::kNothing:
        return;
      case CaptureRead::kEnded:
        waiting_ = false;
        return write_end();
    }
  }

  /// On the capture thread, which has other things to do.
  void on_ready() {
    const std::lock_guard lock{mutex_};
    waiting_ = false;
    if (!finished_) set(ready_, std::chrono::nanoseconds{0}, [this] { pump(); });
  }

  void write_batch() {
    current_.Clear();
    batch_.for_each([&](const CapturedPacket& packet) {
      if (wanted_.limit_packets != 0 && sent_ == wanted_.limit_packets) return;
      ++sent_;
      if (wanted_.pcapng) {
        append(packet, *current_.mutable_pcapng());
      } else {
        control::fill(packet, *current_.mutable_packets()->add_packets());
      }
    });
    const bool all = wanted_.limit_packets != 0 && sent_ == wanted_.limit_packets;
    if (all && end_ == v1::CAPTURE_END_UNSPECIFIED) {
      end_ = v1::CAPTURE_END_LIMIT;
      session_->stop();
    }
    if (current_.message_case() == v1::CaptureResponse::MESSAGE_NOT_SET) return pump();
    write();
  }

  bool tell_losses() {
    const auto now = std::chrono::steady_clock::now();
    if (now < next_stats_) return false;
    const dataplane::CaptureStats stats = session_->stats();
    if (stats.lost() == told_lost_) return false;
    told_lost_ = stats.lost();
    next_stats_ = now + kStatsInterval;
    current_.Clear();
    control::fill(stats, *current_.mutable_stats());
    write();
    return true;
  }

  void write_end() {
    ended_ = true;
    current_.Clear();
    v1::CaptureEnded& ended = *current_.mutable_ended();
    ended.set_reason(end_ == v1::CAPTURE_END_UNSPECIFIED ? v1::CAPTURE_END_SHUTDOWN : end_);
    control::fill(session_->stats(), *ended.mutable_stats());
    write();
  }

  void write() {
    writing_ = true;
    StartWrite(&current_);
  }

  void finish(grpc::Status status) {
    if (std::exchange(finished_, true)) return;
    limit_.Cancel();
    Finish(std::move(status));
  }

  /// `then` runs under the lock, on a thread of gRPC, unless it is over by then.
  template <class Then>
  void set(grpc::Alarm& alarm, std::chrono::nanoseconds wait, Then then) {
    ++alarms_;
    alarm.Set(std::chrono::system_clock::now() + wait, [this, then](bool) {
      bool gone = false;
      {
        const std::lock_guard lock{mutex_};
        --alarms_;
        if (!finished_) then();
        gone = rpc_done_ && alarms_ == 0;
      }
      if (gone) delete this;
    });
  }

  friend class CaptureService;

  CaptureService& service_;
  Wanted wanted_;
  std::unique_ptr<dataplane::CaptureSession> session_;
  std::uint64_t id_ = 0;
  std::int64_t started_ns_ = 0;

  std::mutex mutex_;
  dataplane::CaptureBatch batch_;
  std::deque<v1::CaptureResponse> queue_;  ///< what goes before packets
  v1::CaptureResponse current_;
  grpc::Alarm ready_;
  grpc::Alarm limit_;
  int alarms_ = 0;  ///< that are set
  std::uint64_t sent_ = 0;
  std::uint64_t told_lost_ = 0;
  std::chrono::steady_clock::time_point next_stats_{};
  v1::CaptureEnd end_ = v1::CAPTURE_END_UNSPECIFIED;
  bool waiting_ = false;  ///< the session calls on_ready()
  bool writing_ = false;
  bool ended_ = false;  ///< the last message is written or being written
  bool finished_ = false;
  bool rpc_done_ = false;
};

bool CaptureService::add(Stream& stream) {
  const std::lock_guard lock{mutex_};
  if (ended_) return false;
  stream.id_ = next_id_++;
  streams_.emplace(stream.id_, &stream);
  return true;
}

void CaptureService::remove(std::uint64_t id) {
  const std::lock_guard lock{mutex_};
  streams_.erase(id);
}

grpc::Status CaptureService::ListTaps(grpc::ServerContext*, const v1::ListTapsRequest*,
                                      v1::ListTapsResponse* response) {
  fill_taps(daemon_, *response->mutable_interfaces());
  return grpc::Status::OK;
}

grpc::ServerWriteReactor<v1::CaptureResponse>* CaptureService::Capture(
    grpc::CallbackServerContext*, const v1::CaptureRequest* request) {
  return new Stream{*this, *request};
}

grpc::Status CaptureService::ListSessions(grpc::ServerContext*, const v1::ListSessionsRequest*,
                                          v1::ListSessionsResponse* response) {
  const std::lock_guard lock{mutex_};
  for (const auto& [id, stream] : streams_) stream->describe(*response->add_sessions());
  return grpc::Status::OK;
}

grpc::Status CaptureService::StopSession(grpc::ServerContext*,
                                         const v1::StopSessionRequest* request,
                                         v1::StopSessionResponse*) {
  const std::lock_guard lock{mutex_};
  const auto found = streams_.find(request->id());
  if (found == streams_.end()) {
    return to_status(
        Refusal{Error::kNotFound, "id",
                "there is no capture " + std::to_string(request->id()) + " (any more)"});
  }
  found->second->stop(v1::CAPTURE_END_STOPPED);
  return grpc::Status::OK;
}

void CaptureService::end() {
  const std::lock_guard lock{mutex_};
  ended_ = true;
  for (const auto& [id, stream] : streams_) stream->stop(v1::CAPTURE_END_SHUTDOWN);
}

}  // namespace smol::control
