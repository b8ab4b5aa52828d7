#include "tools/ctl/tcp_info_text.hh"

#include <algorithm>
#include <sstream>
#include <utility>

#include "tools/ctl/text.hh"

namespace smol::ctl {
namespace {

std::string waits_for(const v1::TcpInfo& info) {
  std::string out =
      v1::TcpWaitsFor_Name(info.waits_for()).substr(std::string{"TCP_WAITS_FOR_"}.size());
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c == '_' ? '-' : static_cast<char>(c | 0x20); });
  return out;
}

/// Bits a second of octets a second.
std::string bps(std::uint64_t octets) {
  return std::to_string(8 * octets) + "bps";
}

std::string decimal(double value) {
  std::ostringstream out;
  out << value;
  return out.str();
}

/// "bbr:(...)", as ss(8) has what an algorithm knows; empty: nothing.
std::string congestion_text(const v1::TcpInfo& info) {
  const v1::TcpCongestion& in = info.congestion_info();
  std::string out;
  const auto add = [&](std::string_view key, const std::string& value) {
    out += (out.empty() ? "" : ",") + std::string{key} + ":" + value;
  };
  if (!in.phase().empty()) add("phase", in.phase());
  if (in.has_bandwidth()) add("bw", bps(in.bandwidth()));
  if (in.has_min_rtt()) add("mrtt", milliseconds_text(in.min_rtt()));
  if (in.has_pacing_gain()) add("pacing_gain", decimal(in.pacing_gain()));
  if (in.has_cwnd_gain()) add("cwnd_gain", decimal(in.cwnd_gain()));
  if (in.has_inflight_longterm()) add("inflight_long", std::to_string(in.inflight_longterm()));
  if (in.has_inflight_shortterm()) add("inflight_short", std::to_string(in.inflight_shortterm()));
  if (in.has_w_max()) add("w_max", std::to_string(in.w_max()));
  if (in.has_k()) add("k", milliseconds_text(in.k()));
  if (in.has_dctcp_alpha()) add("alpha", decimal(in.dctcp_alpha()));
  if (in.has_pipe_ack()) add("pipe_ack", std::to_string(in.pipe_ack()));
  return out.empty() ? out : info.congestion() + ":(" + out + ")";
}

/// Words one after the other.
class Line {
 public:
  void add(std::string_view key, const std::string& value) {
    text_ += (text_.size() > 1 ? " " : "") + std::string{key} + value;
  }
  void count(std::string_view key, std::uint64_t value) { add(key, std::to_string(value)); }
  /// Nothing where there is nothing to count.
  void count_if(std::string_view key, std::uint64_t value) {
    if (value > 0) count(key, value);
  }
  const std::string& text() const noexcept { return text_; }

 private:
  std::string text_ = "\t";
};

void add_agreed(const v1::TcpInfo& info, Line& line) {
  if (info.timestamps()) line.add("ts", "");
  if (info.sack()) line.add("sack", "");
  if (info.ecn()) line.add("ecn", "");
  line.add(info.congestion(), "");
  if (info.has_snd_wscale()) {
    line.add("wscale:",
             std::to_string(info.snd_wscale()) + "," + std::to_string(info.rcv_wscale()));
  }
}

void add_path(const v1::TcpInfo& info, Line& line) {
  line.add("rto:", milliseconds_text(info.rto()));
  if (info.has_srtt()) {
    line.add("rtt:", milliseconds_text(info.srtt()) + "/" + milliseconds_text(info.rttvar()));
    line.add("minrtt:", milliseconds_text(info.min_rtt()));
  }
  if (info.has_ato()) line.add("ato:", milliseconds_text(info.ato()));
  line.count("mss:", info.snd_mss());
  line.count("rcvmss:", info.rcv_mss());
  line.count("advmss:", info.advmss());
  line.count("cwnd:", info.cwnd());
  if (info.has_ssthresh()) line.count("ssthresh:", info.ssthresh());
}

void add_counts(const v1::TcpInfo& info, Line& line) {
  line.count("bytes_sent:", info.bytes_sent());
  line.count_if("bytes_retrans:", info.bytes_retrans());
  line.count("bytes_acked:", info.bytes_acked());
  line.count("bytes_received:", info.bytes_received());
  line.count("segs_out:", info.segs_out());
  line.count("segs_in:", info.segs_in());
  line.count("snd_wnd:", info.snd_wnd());
  line.count("rcv_wnd:", info.rcv_wnd());
}

void add_sending(const v1::TcpInfo& info, Line& line) {
  if (const std::string text = congestion_text(info); !text.empty()) line.add("", text);
  if (info.has_last_sent()) line.add("lastsnd:", milliseconds_text(info.last_sent()));
  if (info.has_last_received()) line.add("lastrcv:", milliseconds_text(info.last_received()));
  if (info.pacing_rate() > 0) line.add("pacing_rate ", bps(info.pacing_rate()));
  line.count_if("unacked:", info.unacked());
  line.count_if("notsent:", info.unsent());
  line.count_if("backoff:", info.backoff());
  line.count_if("in_flight:", info.in_flight());
  line.count_if("sacked:", info.sacked());
  line.count_if("lost:", info.lost());
  line.count_if("dsack_dups:", info.dsacks());
  line.count_if("tail_probes:", info.tail_probes());
  line.count_if("undone:", info.undone());
  if (info.reordering()) line.add("reordering", "");
  if (info.retrans() > 0) {
    line.add("retrans:", std::to_string(info.retransmits()) + "/" + std::to_string(info.retrans()));
  }
  line.count_if("probes:", info.probes());
}

void add_receiving(const v1::TcpInfo& info, Line& line) {
  line.count_if("rcv_space:", info.rcv_space());
  line.count_if("out_of_order:", info.out_of_order());
  line.count_if("urgent:", info.urgent());
  line.count_if("ce_in:", info.ce_in());
  line.count_if("ece_in:", info.ece_in());
}

double ms(const google::protobuf::Duration& in) {
  return static_cast<double>(in.seconds()) * 1e3 + static_cast<double>(in.nanos()) / 1e6;
}

Json timers_json(const v1::TcpInfo& info) {
  Json out = Json::object();
  if (info.has_retransmit_timer()) out["retransmit"] = ms(info.retransmit_timer());
  if (info.has_loss_timer()) out["loss"] = ms(info.loss_timer());
  if (info.has_pacing_timer()) out["pacing"] = ms(info.pacing_timer());
  if (info.has_persist_timer()) out["persist"] = ms(info.persist_timer());
  if (info.has_delayed_ack_timer()) out["delayed_ack"] = ms(info.delayed_ack_timer());
  if (info.has_keep_alive_timer()) out["keep_alive"] = ms(info.keep_alive_timer());
  if (info.has_lifetime_timer()) out["lifetime"] = ms(info.lifetime_timer());
  return out;
}

Json to_json(const v1::TcpCongestion& in) {
  Json out = {{"phase", in.phase()}};
  if (in.has_pipe_ack()) out["pipe_ack"] = in.pipe_ack();
  if (in.has_dctcp_alpha()) out["dctcp_alpha"] = in.dctcp_alpha();
  if (in.has_w_max()) out["w_max"] = in.w_max();
  if (in.has_k()) out["k"] = ms(in.k());
  if (in.has_bandwidth()) out["bandwidth"] = in.bandwidth();
  if (in.has_min_rtt()) out["min_rtt"] = ms(in.min_rtt());
  if (in.has_pacing_gain()) out["pacing_gain"] = in.pacing_gain();
  if (in.has_cwnd_gain()) out["cwnd_gain"] = in.cwnd_gain();
  if (in.has_inflight_longterm()) out["inflight_longterm"] = in.inflight_longterm();
  if (in.has_inflight_shortterm()) out["inflight_shortterm"] = in.inflight_shortterm();
  return out;
}

void add_recovery(const v1::TcpInfo& info, Json& out) {
  out["retrans"] = info.retrans();
  out["backoff"] = info.backoff();
  out["pacing_rate"] = info.pacing_rate();
  out["in_recovery"] = info.in_recovery();
  out["in_loss"] = info.in_loss();
  out["retransmits"] = info.retransmits();
  out["probes"] = info.probes();
  out["timeouts"] = info.timeouts();
  out["fast_retrans"] = info.fast_retrans();
  out["dup_acks_in"] = info.dup_acks_in();
  out["zero_window_probes"] = info.zero_window_probes();
  out["ce_in"] = info.ce_in();
  out["ece_in"] = info.ece_in();
  out["sacks_out"] = info.sacks_out();
  out["dsacks_out"] = info.dsacks_out();
  out["in_flight"] = info.in_flight();
  out["sacked"] = info.sacked();
  out["lost"] = info.lost();
  out["dsacks"] = info.dsacks();
  out["tail_probes"] = info.tail_probes();
  out["undone"] = info.undone();
  out["reordering"] = info.reordering();
}

void add_buffers(const v1::TcpInfo& info, Json& out) {
  out["ecn"] = info.ecn();
  out["nagle"] = info.nagle();
  out["rcv_dscp"] = info.rcv_dscp();
  out["advmss"] = info.advmss();
  out["sndbuf"] = info.send_buffer();
  out["rcvbuf"] = info.receive_buffer();
  out["rcvbuf_max"] = info.receive_buffer_max();
  out["rcv_space"] = info.rcv_space();
  out["urgent"] = info.urgent();
  out["out_of_order"] = info.out_of_order();
  out["iss"] = info.iss();
  out["irs"] = info.irs();
  out["snd_una"] = info.snd_una();
  out["snd_nxt"] = info.snd_nxt();
  out["rcv_nxt"] = info.rcv_nxt();
}

}  // namespace

std::string timer_text(const v1::TcpInfo& info) {
  std::string_view name;
  const google::protobuf::Duration* first = nullptr;
  const auto look = [&](bool runs, const google::protobuf::Duration& left, std::string_view who) {
    if (!runs) return;
    const bool sooner = first == nullptr || std::pair{left.seconds(), left.nanos()} <
                                                std::pair{first->seconds(), first->nanos()};
    if (!sooner) return;
    first = &left;
    name = who;
  };
  look(info.has_retransmit_timer(), info.retransmit_timer(), "on");
  look(info.has_loss_timer(), info.loss_timer(), "loss");
  look(info.has_persist_timer(), info.persist_timer(), "persist");
  look(info.has_keep_alive_timer(), info.keep_alive_timer(), "keepalive");
  look(info.has_lifetime_timer(), info.lifetime_timer(), "lifetime");
  if (first == nullptr) return {};
  const std::uint32_t tries = name == "on" ? info.retransmits() : info.probes();
  return "timer:(" + std::string{name} + "," + milliseconds_text(*first) + "ms," +
         std::to_string(tries) + ")";
}

std::string in_words(const v1::TcpInfo& info) {
  Line line;
  add_agreed(info, line);
  add_path(info, line);
  add_counts(info, line);
  add_sending(info, line);
  add_receiving(info, line);
  line.count("sndbuf:", info.send_buffer());
  line.add("rcvbuf:",
           std::to_string(info.receive_buffer()) + "/" + std::to_string(info.receive_buffer_max()));
  line.add("waits-for:", waits_for(info));
  return line.text();
}

Json info_json(const v1::TcpInfo& info) {
  Json out = {{"ts", info.timestamps()},
              {"sack", info.sack()},
              {"congestion", info.congestion()},
              {"rto", ms(info.rto())},
              {"mss", info.snd_mss()},
              {"rcvmss", info.rcv_mss()},
              {"cwnd", info.cwnd()},
              {"snd_wnd", info.snd_wnd()},
              {"rcv_wnd", info.rcv_wnd()},
              {"unacked", info.unacked()},
              {"notsent", info.unsent()},
              {"unread", info.unread()},
              {"bytes_sent", info.bytes_sent()},
              {"bytes_retrans", info.bytes_retrans()},
              {"bytes_acked", info.bytes_acked()},
              {"bytes_received", info.bytes_received()},
              {"segs_out", info.segs_out()},
              {"segs_in", info.segs_in()},
              {"waits_for", waits_for(info)}};
  add_recovery(info, out);
  add_buffers(info, out);
  if (info.has_srtt()) {
    out["rtt"] = ms(info.srtt());
    out["rttvar"] = ms(info.rttvar());
    out["minrtt"] = ms(info.min_rtt());
  }
  if (info.has_ssthresh()) out["ssthresh"] = info.ssthresh();
  if (info.has_ato()) out["ato"] = ms(info.ato());
  if (info.has_last_sent()) out["lastsnd"] = ms(info.last_sent());
  if (info.has_last_received()) out["lastrcv"] = ms(info.last_received());
  out["timers"] = timers_json(info);
  out["congestion_info"] = to_json(info.congestion_info());
  if (info.has_snd_wscale()) out["wscale"] = {info.snd_wscale(), info.rcv_wscale()};
  return out;
}

}  // namespace smol::ctl
