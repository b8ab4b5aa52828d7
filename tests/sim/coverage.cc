#include "tests/sim/coverage.hh"

#include <algorithm>
#include <array>
#include <cstdio>
#include <span>
#include <unordered_map>

#include "protocols/base/check.hh"
#include "protocols/tcp/cc/congestion.hh"
#include "tests/sim/attack.hh"
#include "tests/sim/link.hh"
#include "tests/sim/stranger.hh"

namespace smol::sim {
namespace {

using tcp::State;

constexpr std::size_t kStates = static_cast<std::size_t>(State::kTimeWait) + 1;

struct Way {
  State from;
  State to;
};
/// The arrows of RFC 9293 figure 5, with those of section 3.10 that the figure leaves out. LISTEN
/// is a listener's: a passive connection begins in SYN-RECEIVED.
constexpr Way kWays[] = {
    {State::kClosed, State::kSynSent},        {State::kClosed, State::kSynReceived},
    {State::kSynSent, State::kSynReceived},   {State::kSynSent, State::kEstablished},
    {State::kSynSent, State::kClosed},        {State::kSynReceived, State::kEstablished},
    {State::kSynReceived, State::kFinWait1},  {State::kSynReceived, State::kCloseWait},
    {State::kSynReceived, State::kClosed},    {State::kEstablished, State::kFinWait1},
    {State::kEstablished, State::kCloseWait}, {State::kEstablished, State::kClosed},
    {State::kFinWait1, State::kFinWait2},     {State::kFinWait1, State::kClosing},
    {State::kFinWait1, State::kTimeWait},     {State::kFinWait1, State::kClosed},
    {State::kFinWait2, State::kTimeWait},     {State::kFinWait2, State::kClosed},
    {State::kCloseWait, State::kLastAck},     {State::kCloseWait, State::kClosed},
    {State::kClosing, State::kTimeWait},      {State::kClosing, State::kClosed},
    {State::kLastAck, State::kClosed},        {State::kTimeWait, State::kClosed},
    {State::kTimeWait, State::kSynReceived}};

constexpr const char* kWire[] = {"mss",        "window_scale",
                                 "timestamps", "sack_permitted",
                                 "both_scale", "both_timestamps",
                                 "both_sack",  "sack_blocks",
                                 "d_sack",     "ect",
                                 "ce",         "ece",
                                 "cwr",        "urg",
                                 "icmp_error", "text_on_syn"};

/// Episodes of loss, and what a connection that is in one has at hand.
constexpr const char* kRecoveries[] = {"fast, by SACK", "fast, without SACK", "after a timeout",
                                       "after a timeout, by SACK", "while segments overtake"};

std::string recovery_name(std::string_view what) {
  return "recovery " + std::string{what};
}

std::string control_name(tcp::CongestionControl control, bool timed_out) {
  return recovery_name(tcp::name(control)) + (timed_out ? ", after a timeout" : ", fast");
}

constexpr tcp::CongestionControl kControls[] = {
    tcp::CongestionControl::kNone, tcp::CongestionControl::kNewReno,
    tcp::CongestionControl::kWestwood, tcp::CongestionControl::kCubic,
    tcp::CongestionControl::kBbr};

std::string state_name(State state) {
  return "state " + std::string{tcp::name(state)};
}

std::string way_name(State from, State to) {
  return "way " + std::string{tcp::name(from)} + " " + std::string{tcp::name(to)};
}

std::vector<std::string> all_names() {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < kStates; ++i) out.push_back(state_name(static_cast<State>(i)));
  for (const Way& way : kWays) out.push_back(way_name(way.from, way.to));
  for (const char* name : kWire) out.push_back(std::string{"wire "} + name);
  for (const char* name : kRecoveries) out.push_back(recovery_name(name));
  for (const tcp::CongestionControl control : kControls) {
    for (const bool timed_out : {false, true}) out.push_back(control_name(control, timed_out));
  }
  for (std::size_t i = 0; i < kDropCount; ++i) {
    out.push_back("drop " + std::string{name(static_cast<Drop>(i))});
  }
  StackCounters{}.for_each([&](std::string_view name, std::string_view, std::uint64_t) {
    out.push_back("counter " + std::string{name});
  });
  for (std::size_t i = 0; i < kFates; ++i) {
    out.push_back("frame " + std::string{name(static_cast<Fate>(i))});
  }
  for (const char* name : {"flows 1", "flows 2..99", "flows 100..1000", "no packet to receive into",
                           "packets cut by a device"}) {
    out.emplace_back(name);
  }
  for (std::size_t i = 0; i < kQuirks; ++i) {
    out.push_back("peer " + std::string{name(static_cast<Quirk>(i))});
  }
  for (std::size_t i = 0; i < kAttacks; ++i) {
    out.push_back("attack " + std::string{name(static_cast<Attack>(i))});
  }
  return out;
}

const std::unordered_map<std::string_view, std::size_t>& indices() {
  static const auto map = [] {
    std::unordered_map<std::string_view, std::size_t> out;
    const std::vector<std::string>& all = Coverage::names();
    for (std::size_t i = 0; i < all.size(); ++i) out.emplace(all[i], i);
    return out;
  }();
  return map;
}

/// What no run of the simulator can meet, or need not, and why. A name that ends in * stands for
/// all that begin so.
struct Exempt {
  std::string_view name;
  std::string_view why;
};
constexpr Exempt kExempt[] = {
    {"state LISTEN", "a listener is no connection"},
    {"drop tx_*",
     "the simulated port takes all, and the pool is not asked to run dry on the way out"},
    {"drop rx_frame_too_long", "a port's"},
    {"drop rx_bad_offload", "a port's"},
    {"drop handover_*", "one worker"},
    {"drop injected_*", "smold's fault injector"},
    {"drop injector_full", "smold's fault injector"},
    {"drop bridge_*", "smold's bridge"},
    {"drop arp_*", "neighbours are configured: it is TCP that is on trial"},
    {"drop neighbor_*", "neighbours are configured"},
    {"drop nd_*", "neighbours are configured"},
    {"drop udp_*", "no UDP is spoken"},
    {"drop socket_*", "of datagram sockets"},
    {"drop no_route", "everybody is on the link"},
    {"drop no_source_address", "everybody has one"},
    {"drop eth_*", "one bit in a hundred of those turned over; by luck"},
    {"drop ip4_*", "headers broken by luck: tests/protocols/stack has each"},
    {"drop ip6_*", "headers broken by luck: tests/protocols/stack has each"},
    {"drop ip_*", "headers broken by luck: tests/protocols/stack has each"},
    {"drop icmp_*", "of echo and of broken messages: tests/protocols/stack has each"},
    {"counter arp_*", "neighbours are configured"},
    {"counter nd_*", "neighbours are configured"},
    {"counter neighbor_failed", "neighbours are configured"},
    {"counter held", "neighbours are configured"},
    {"counter udp_*", "no UDP is spoken"},
    {"counter icmp_*", "no echo is asked for; errors are under wire icmp_error"},
    {"counter tcp_fast_open_recycled", "one server"},
    {"counter path_mtu_recycled", "one destination"},
    {"counter tcp_curr_estab", "zero when a run is over"},
    {"counter tcp_time_wait", "zero when a run is over"},
    {"drop tcp_unexpected_*", "nobody signs segments"},
    {"drop tcp_bad_port", "a header broken by luck"},
    {"drop tcp_truncated", "a header broken by luck"},
    {"drop tcp_no_connection_block", "blocks enough for all flows"},
};

}  // namespace

const std::vector<std::string>& Coverage::names() {
  static const std::vector<std::string> names = all_names();
  return names;
}

std::size_t Coverage::index_of(std::string_view name) {
  const auto found = indices().find(name);
  SMOL_CHECK(found != indices().end());
  return found->second;
}

void Coverage::add(const Coverage& other) {
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
}

std::size_t Coverage::state(State state) {
  static const std::size_t first = index_of(state_name(State::kClosed));
  return first + static_cast<std::size_t>(state);
}

std::size_t Coverage::transition(State from, State to) {
  static const auto table = [] {
    std::array<std::size_t, kStates * kStates> out;
    out.fill(names().size());
    for (const Way& way : kWays) {
      out[static_cast<std::size_t>(way.from) * kStates + static_cast<std::size_t>(way.to)] =
          index_of(way_name(way.from, way.to));
    }
    return out;
  }();
  return table[static_cast<std::size_t>(from) * kStates + static_cast<std::size_t>(to)];
}

std::size_t Coverage::drop(Drop drop) {
  static const std::size_t first = index_of("drop " + std::string{smol::name(Drop{})});
  return first + static_cast<std::size_t>(drop);
}

std::size_t Coverage::counter(std::size_t place) {
  static const std::size_t first = index_of("counter received");
  return first + place;
}

void Coverage::add(const tcp::Info& info) {
  if (!info.in_recovery && !info.in_loss) return;
  static const std::size_t first = index_of(recovery_name(kRecoveries[0]));
  static const std::size_t controls = index_of(control_name(kControls[0], false));
  add(first + (info.in_loss ? (info.sack ? 3u : 2u) : (info.sack ? 0u : 1u)));
  if (info.reordering) add(first + 4);
  const auto control =
      std::find(std::begin(kControls), std::end(kControls), info.congestion_control);
  const auto place = static_cast<std::size_t>(control - std::begin(kControls));
  add(controls + 2 * place + (info.in_loss ? 1 : 0));
}

std::string_view Coverage::exempt(std::string_view name) {
  for (const Exempt& row : kExempt) {
    const bool all = row.name.ends_with('*');
    const std::string_view stem = all ? row.name.substr(0, row.name.size() - 1) : row.name;
    if (all ? name.starts_with(stem) : name == stem) return row.why;
  }
  return {};
}

std::size_t Coverage::exempt_count() {
  return static_cast<std::size_t>(std::count_if(names().begin(), names().end(),
                                                [](auto& name) { return !exempt(name).empty(); }));
}

std::vector<std::string> Coverage::uncovered() const {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i] == 0 && exempt(names()[i]).empty()) out.push_back(names()[i]);
  }
  return out;
}

std::string Coverage::report(std::uint64_t runs) const {
  std::string out;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i] == 0) continue;
    std::array<char, 160> line{};
    const double rate =
        runs == 0 ? 0 : static_cast<double>(counts_[i]) * 1000 / static_cast<double>(runs);
    const int width = std::snprintf(line.data(), line.size(), "  %-48s %14llu", names()[i].c_str(),
                                    static_cast<unsigned long long>(counts_[i]));
    out.append(line.data(), static_cast<std::size_t>(width));
    if (runs > 0) {
      const int more = std::snprintf(line.data(), line.size(), " %14.3f", rate);
      out.append(line.data(), static_cast<std::size_t>(more));
    }
    out += '\n';
  }
  if (runs == 0) return out;
  for (const std::string& name : uncovered()) out += "  never: " + name + "\n";
  return out;
}

std::string Coverage::rarest() const {
  std::size_t found = counts_.size();
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i] == 0 || !exempt(names()[i]).empty()) continue;
    if (found == counts_.size() || counts_[i] < counts_[found]) found = i;
  }
  return found == counts_.size() ? "" : names()[found];
}

void StateWatch::look(const Stack<MemPacket>& stack, Coverage& coverage) {
  std::array<SocketInfo, 16> some;
  now_.clear();
  for (Cursor at; !at.done();) {
    const Slice slice = stack.sockets_from(at, some);
    for (const SocketInfo& info : std::span{some}.first(slice.count)) {
      if (info.kind != SocketKind::kTcp || !info.remote) continue;
      const std::uint32_t key = std::uint32_t{info.local.port} << 16 | info.remote->port;
      now_[key] = info.state;
    }
    at = slice.next;
  }
  const auto went = [&](State from, State to) {
    if (from == to) return;
    coverage.add(Coverage::state(to));
    const std::size_t way = Coverage::transition(from, to);
    if (way < Coverage::names().size()) coverage.add(way);
  };
  for (const auto& [key, state] : states_) {
    if (now_.count(key) == 0) went(state, State::kClosed);
  }
  for (const auto& [key, state] : now_) {
    const auto before = states_.find(key);
    went(before == states_.end() ? State::kClosed : before->second, state);
  }
  states_ = now_;
}

}  // namespace smol::sim
