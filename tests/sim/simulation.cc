#include "tests/sim/simulation.hh"

#include <algorithm>
#include <cstring>
#include <utility>

namespace smol::sim {
namespace {

constexpr std::uint16_t kFirstPort = 40'000;
constexpr std::uint16_t kServerPort = 80;
constexpr Duration kRestPatience = seconds(300);
constexpr Duration kPortRetry = milliseconds(300);
constexpr std::uint64_t kListener = ~std::uint64_t{0};

/// Eight octets at a time; not the same everywhere, but so is each run's.
std::uint64_t hashed(std::uint64_t hash, Bytes octets) {
  std::size_t at = 0;
  for (; at + 8 <= octets.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, octets.subspan(at).data(), 8);
    hash = mix(hash ^ word, 0x9e3779b97f4a7c15);
  }
  for (; at < octets.size(); ++at) hash = (hash ^ octets[at]) * 0x100000001b3;
  return hash;
}

}  // namespace

Simulation::Simulation(const Scenario& scenario, Trace* trace)
    : scenario_{scenario},
      trace_{trace},
      links_{Link{scenario.links[0], 0, scenario.v6, scenario.seed * 3 + 1, scenario.start},
             Link{scenario.links[1], 1, scenario.v6, scenario.seed * 3 + 2, scenario.start}},
      monitors_{Monitor{0, faults_, coverage_}, Monitor{1, faults_, coverage_}},
      flows_(scenario.flows.size()),
      now_{scenario.start},
      last_read_{scenario.start},
      looked_for_progress_{scenario.start},
      attacker_{scenario.seed ^ 0xa77ac4} {
  if (scenario_.stranger) {
    const std::uint64_t octets = scenario_.flows[0].users[0].octets;
    stranger_.emplace(*scenario_.stranger, scenario_.v6, scenario_.seed * 5 + 3, octets, faults_);
  }
  if (stranger_ && scenario_.fast_open > 0) stranger_->open_fast();
  if (scenario_.attack.kinds != 0) attacks_at_ = scenario_.start + scenario_.attack.every;
  for (std::size_t side = 0; side < 2; ++side) {
    links_[side].set_spare(&spare_);
    links_[side].set_trace(trace_);
    if (side == 0 || !stranger_) make_station(side);
  }
  std::uint16_t port = kFirstPort;
  for (std::uint32_t i = 0; i < flows_.size(); ++i) {
    const FlowPlan& plan = scenario_.flows[i];
    flows_[i].port = plan.after ? flows_[*plan.after].port : port++;
    if (!plan.after) starts_.push({scenario_.start + plan.starts, i});
    for (std::size_t side = 0; side < 2; ++side) {
      if (stations_[side] == nullptr) continue;
      flows_[i].users[side] = std::make_unique<User>(
          *stations_[side], plan.users[side], i, static_cast<int>(side),
          stranger_ ? scenario_.stranger->octets : plan.users[1 - side].octets, faults_);
    }
  }
}

void Simulation::make_station(std::size_t side) {
  const std::uint64_t own = scenario_.seed * 2 + side;
  Station::Options options;
  options.side = static_cast<int>(side);
  options.v6 = scenario_.v6;
  options.config = scenario_.stacks[side];
  options.secrets = {Secret{own, 1}, Secret{own, 2}, own};
  options.packets = scenario_.packets[side];
  options.mtu = scenario_.mtu;
  options.offloads = scenario_.offloads;
  options.segmentation = scenario_.segmentation;
  options.trusted = scenario_.trusted;
  options.transmission = scenario_.transmission;
  options.start = scenario_.start;
  stations_[side] = std::make_unique<Station>(options, faults_);
  stations_[side]->set_spare(&spare_);
}

// --- conversations
// ---------------------------------------------------------------------------------

void Simulation::listen(std::size_t side) {
  TcpListenOptions options;
  options.local = {address_of(static_cast<int>(side), scenario_.v6), kServerPort};
  options.socket = scenario_.flows[0].users[side].socket;
  options.backlog = scenario_.backlog;
  options.syn_backlog = scenario_.syn_backlog;
  options.fast_open = scenario_.fast_open;
  options.user_data = kListener;
  const Result<SocketId, Error> listener = stations_[side]->stack().tcp_listen(options);
  if (!listener) return fault("listen refused");
  listeners_[side] = *listener;
}

void Simulation::start_flows() {
  while (!starts_.empty() && starts_.top().at <= now_) {
    const std::uint32_t next = starts_.top().who;
    starts_.pop();
    start(next);
  }
}

void Simulation::start(std::uint32_t index) {
  Flow& flow = flows_[index];
  flow.started = true;
  flow.progressed_at = now_;
  if (stranger_ && scenario_.stranger->connects) {
    return monitors_[0].expect_flow(kServerPort, flow.port, index);
  }
  const IpEndpoint client{address_of(0, scenario_.v6), flow.port};
  const IpEndpoint server{address_of(1, scenario_.v6), kServerPort};
  if (!flow.users[0]->connect(client, server, scenario_.fast_open > 0)) {
    // The connection before it still ends in the background.
    starts_.push({now_ + kPortRetry, index});
    return;
  }
  monitors_[0].expect_flow(client.port, server.port, index);
  monitors_[1].expect_flow(server.port, client.port, index);
  if (scenario_.flows[index].both_connect) {
    flow.users[1]->connect(server, client);
    to_act_.push_back(index * 2 + 1);
  }
  to_act_.push_back(index * 2);
}

void Simulation::accept(std::size_t side) {
  Stack<MemPacket>& stack = stations_[side]->stack();
  const SocketId listener = listeners_[side];
  accepts_at_[side] = kNever;
  while (const Result<SocketId, Error> socket = stack.tcp_accept(listener)) {
    const Result<IpEndpoint, Error> remote = stack.remote_endpoint(*socket);
    // The flow of that port that was begun last.
    std::uint32_t index = static_cast<std::uint32_t>(flows_.size());
    for (std::uint32_t i = 0; remote && i < flows_.size(); ++i) {
      if (flows_[i].started && flows_[i].port == remote->port) index = i;
    }
    if (index == flows_.size() || flows_[index].users[side]->begun() ||
        flows_[index].users[side]->done()) {
      // A SYN that came late: its connection is one too many.
      stack.abort(*socket);
      continue;
    }
    flows_[index].users[side]->accepted(*socket, now_);
    to_act_.push_back(index * 2 + static_cast<std::uint32_t>(side));
    if (!scenario_.listener_stays && ++accepted_ == flows_.size()) {
      stack.close(std::exchange(listeners_[side], SocketId{}));
      return;
    }
  }
}

void Simulation::hear(std::size_t side) {
  stations_[side]->events([&](const SocketEvent& event) {
    if (event.user_data == kListener) {
      if (event.socket == listeners_[side]) {
        accepts_at_[side] = std::min(accepts_at_[side], now_ + scenario_.accept_pause);
      }
      return;
    }
    const auto index = static_cast<std::uint32_t>(event.user_data - 1);
    if (event.user_data == 0 || index >= flows_.size()) return;
    User& user = *flows_[index].users[side];
    if (!(user.socket() == event.socket)) return;
    user.heard(event.events);
    to_act_.push_back(index * 2 + static_cast<std::uint32_t>(side));
  });
  if (accepts_at_[side] <= now_) accept(side);
}

void Simulation::act(std::uint32_t which) {
  const std::uint32_t index = which / 2;
  User& user = *flows_[index].users[which % 2];
  user.act(now_);
  const Instant wake = user.wakes_at();
  if (wake != kNever) wakes_.push({wake, which});
  settle(index);
}

/// Are all who take part in it done?
bool Simulation::ended(const Flow& flow) const {
  const bool user = flow.users[0]->done();
  if (!stranger_) return user && flow.users[1]->done();
  // One that has turned is done with everybody; a user whose connection never came up as well.
  return user && (stranger_->done() || flow.users[0]->broke_off());
}

/// What the two ends of a flow do together, and whether it is over.
void Simulation::settle(std::uint32_t index) {
  Flow& flow = flows_[index];
  if (flow.over) return;
  User& first = *flow.users[0];
  std::uint64_t read = first.read();
  std::uint64_t written = first.written();
  if (User* const second = flow.users[1].get()) {
    if (first.complete() && second->complete()) {
      for (User* user : {&first, second}) {
        if (user->plan().ending == Ending::kTogether) user->close();
      }
    }
    read += second->read();
    written += second->written();
    // Who breaks off before anything came to the other leaves that one alone.
    if (first.done() && first.broke_off() && !second->begun()) second->give_up();
  }
  if (read != flow.read) {
    flow.read = read;
    last_read_ = now_;
  }
  const std::uint64_t progress = read + written + (stranger_ ? stranger_->progress() : 0);
  if (progress != flow.progress) {
    flow.progress = progress;
    flow.progressed_at = now_;
  }
  if (!ended(flow)) return;
  flow.over = true;
  ++flows_over_;
  for (std::uint32_t i = index + 1; i < flows_.size(); ++i) {
    if (scenario_.flows[i].after == index) starts_.push({now_, i});
  }
}

// --- time
// ------------------------------------------------------------------------------------------

Instant Simulation::next_event() const {
  Instant out = attacks_at_;
  for (std::size_t side = 0; side < 2; ++side) {
    out = std::min({out, links_[side].next(), accepts_at_[side]});
    if (stations_[side] != nullptr) out = std::min(out, stations_[side]->next_deadline());
  }
  if (stranger_) out = std::min(out, stranger_->wakes_at());
  if (!wakes_.empty()) out = std::min(out, wakes_.top().at);
  if (!starts_.empty()) out = std::min(out, starts_.top().at);
  return out;
}

void Simulation::deliver(std::size_t side) {
  Link& link = links_[1 - side];
  link.advance(now_);
  Parcel parcel;
  bool more = link.arrived(now_, parcel);
  while (more) {
    burst_.clear();
    for (; more && burst_.size() < scenario_.burst; more = link.arrived(now_, parcel)) {
      if (trace_ != nullptr) trace_->arrived(now_, static_cast<int>(side), parcel);
      if (scenario_.watch) {
        parcel.foreign ? monitors_[side].injected(parcel.octets)
                       : monitors_[side].arrived(parcel.octets);
      }
      burst_.push_back(std::move(parcel));
    }
    if (stations_[side] != nullptr) {
      stations_[side]->receive(now_, burst_);
    } else {
      for (const Parcel& each : burst_) stranger_->arrives(now_, each.octets);
    }
    for (Parcel& gone : burst_) spare_.push_back(std::move(gone.octets));
  }
}

void Simulation::take_off(std::size_t side, std::vector<Octets>& frames) {
  const bool ours = stations_[side] != nullptr;
  for (Octets& octets : frames) {
    Parcel parcel{std::move(octets), next_id_++};
    wire_ = mix(wire_ ^ static_cast<std::uint64_t>(now_.time_since_epoch().count()), side + 1);
    if (!scenario_.trusted) wire_ = hashed(wire_, parcel.octets);
    if (!is_neighbor_talk(parcel.octets)) ++frames_[side];
    if (trace_ != nullptr) trace_->sent(now_, static_cast<int>(side), parcel);
    if (scenario_.watch && ours) {
      monitors_[side].lost_inside(stations_[side]->drops(Drop::kTxNoBuffer) > 0);
      monitors_[side].sent(parcel.octets, true);
    }
    links_[side].send(now_, std::move(parcel));
  }
  frames.clear();
}

void Simulation::collect(std::size_t side) {
  take_off(side, stations_[side] != nullptr ? stations_[side]->sent() : stranger_->sent());
  // From the router, half a path away.
  for (Octets& error : links_[side].take_errors()) {
    coverage_.add("wire icmp_error");
    Parcel parcel{std::move(error), next_id_++, true};
    if (trace_ != nullptr) trace_->note(parcel.id, "from the router");
    links_[1 - side].inject(now_ + scenario_.links[1 - side].delay, std::move(parcel));
  }
}

/// Somebody sends to one of the two, who is in the midst of it.
void Simulation::attack() {
  if (attacks_at_ > now_) return;
  const AttackPlan& plan = scenario_.attack;
  attacks_at_ = now_ + plan.every;
  if (attacks_at_ - scenario_.start > plan.until || flows_over_ == flows_.size())
    attacks_at_ = kNever;
  const std::size_t side = stranger_ ? 0 : attacker_.below(2);
  const Flow& flow = flows_[attacker_.below(static_cast<std::uint32_t>(flows_.size()))];
  const auto kind = static_cast<Attack>(attacker_.below(kAttacks));
  if ((plan.kinds >> static_cast<unsigned>(kind) & 1u) == 0) return;
  if (flow.users[side] == nullptr || !flow.users[side]->begun()) return;
  const Result<tcp::Info, Error> info =
      stations_[side]->stack().tcp_info(flow.users[side]->socket());
  if (!info || info->state < tcp::State::kEstablished || info->state > tcp::State::kLastAck) return;
  const bool serves = stranger_ ? scenario_.stranger->connects : side == 1;
  Victim victim{static_cast<int>(side), scenario_.v6, flow.port, kServerPort, *info};
  if (serves) std::swap(victim.local_port, victim.remote_port);
  coverage_.add("attack " + std::string{name(kind)});
  Parcel parcel{attack_frame(kind, victim, attacker_), next_id_++, true};
  if (trace_ != nullptr) trace_->note(parcel.id, "injected: " + std::string{name(kind)});
  links_[1 - side].inject(now_, std::move(parcel));
}

void Simulation::stranger_acts() {
  if (!stranger_) return;
  if (stranger_->wakes_at() <= now_) stranger_->act(now_);
  User& user = *flows_[0].users[0];
  if (stranger_->done() && !user.begun() && links_[1].next() == kNever) user.give_up();
  settle(0);
}

void Simulation::step(Instant when) {
  now_ = std::max(when, now_);
  const bool few = flows_.size() <= 4;
  start_flows();
  attack();
  for (std::size_t side = 0; side < 2; ++side) {
    deliver(side);
    if (stations_[side] == nullptr) continue;
    stations_[side]->expire(now_);
    if (few) states_[side].look(stations_[side]->stack(), coverage_);
    hear(side);
  }
  while (!wakes_.empty() && wakes_.top().at <= now_) {
    to_act_.push_back(wakes_.top().who);
    wakes_.pop();
  }
  for (std::size_t i = 0; i < to_act_.size(); ++i) act(to_act_[i]);
  to_act_.clear();
  stranger_acts();
  for (std::size_t side = 0; side < 2; ++side) {
    if (stations_[side] != nullptr) {
      if (few) states_[side].look(stations_[side]->stack(), coverage_);
      stations_[side]->transmit(now_);
    }
    collect(side);
  }
  check();
}

void Simulation::converse() {
  const bool calls = stranger_ && scenario_.stranger->connects;
  if (calls || (!stranger_ && !scenario_.flows[0].both_connect)) listen(calls ? 0 : 1);
  const Instant limit = scenario_.start + scenario_.patience;
  int steps_at_once = 0;
  step(now_);
  while (flows_over_ < flows_.size() && !faults_.any()) {
    const Instant next = next_event();
    if (next - scenario_.start >= scenario_.ends) return;
    steps_at_once = next > now_ ? 0 : steps_at_once + 1;
    if (next == kNever && leave_alone()) continue;
    if (next == kNever) return fault("hangs: nothing would ever happen again; " + status());
    if (next > limit) return fault("hangs: takes too long; " + status());
    if (steps_at_once > 10'000) return fault("hangs: turns without end; " + status());
    step(next);
    check_progress();
  }
}

/// Who was given up by one that had closed already waits for nobody. False: there is no such.
bool Simulation::leave_alone() {
  bool any = false;
  if (stranger_ && scenario_.may_fail && !stranger_->done()) {
    stranger_->leave();
    settle(0);
    return true;
  }
  for (std::uint32_t i = 0; i < flows_.size(); ++i) {
    const FlowPlan& plan = scenario_.flows[i];
    if (stranger_) continue;
    User& second = *flows_[i].users[1];
    if (!flows_[i].started || flows_[i].over || !flows_[i].users[0]->done() || second.begun())
      continue;
    if (!plan.breaks_off() && !scenario_.may_fail) continue;
    second.give_up();
    settle(i);
    any = true;
  }
  return any;
}

void Simulation::rest() {
  for (std::size_t side = 0; side < 2; ++side) {
    if (listeners_[side]) stations_[side]->stack().close(listeners_[side]);
  }
  if (stranger_) stranger_->rest();
  const Instant patience = now_ + kRestPatience;
  for (int steps = 0; next_event() != kNever && !faults_.any(); ++steps) {
    // Two who answer each other's every word would go on for ever; one that answers probes may not.
    const bool answers = stranger_ && !scenario_.stranger->has(Quirk::kShutsForGood);
    if (answers && now_ > patience) stranger_->leave();
    if (steps > 1'000'000) return fault("never comes to rest; " + status());
    step(next_event());
  }
}

// --- what must hold
// --------------------------------------------------------------------------------

void Simulation::check() {
  for (const auto& station : stations_) {
    if (station != nullptr) station->check_books();
  }
  if (!scenario_.watch || flows_.empty()) return;
  // One connection a step: all of them, where there is one.
  const Flow& flow = flows_[looked_at_++ % flows_.size()];
  for (std::size_t side = 0; side < 2; ++side) {
    if (flow.users[side] == nullptr) continue;
    if (flow.users[side]->begun() && !flow.users[side]->done()) {
      check_info(*stations_[side], *flow.users[side]);
    }
  }
}

void Simulation::check_info(Station& station, const User& user) {
  const Result<tcp::Info, Error> got = station.stack().tcp_info(user.socket());
  if (!got) return;
  const tcp::Info& info = *got;
  coverage_.add(info);
  const auto expect = [&](bool holds, const char* what) {
    if (!holds) fault(std::string{what} + "; " + user.status());
  };
  expect(info.snd_una.at_or_before(info.snd_nxt), "SND.UNA > SND.NXT");
  expect(info.unacked == info.snd_una.until(info.snd_nxt), "unacked is not SND.NXT - SND.UNA");
  expect(info.bytes_retrans <= info.bytes_sent, "more sent again than sent");
  expect(info.bytes_acked <= user.written(), "more acknowledged than written");
  expect(info.bytes_received == user.read() + info.unread || info.state == tcp::State::kClosed,
         "bytes_received is not what was read and is unread");
  // SYN and FIN have a number and take no room.
  expect(info.unsent + info.unacked <= info.send_buffer + 2, "more is to be sent than fits");
  expect(info.unread <= info.receive_buffer_max, "more is unread than fits");
  expect(info.sum_retrans <= info.segs_out, "more segments sent again than sent");
  const bool timed = info.retransmit_timer != kNever || info.persist_timer != kNever;
  const bool open = info.state != tcp::State::kClosed && info.state != tcp::State::kTimeWait;
  const bool idle = station.next_deadline() > now_;
  if (open && idle && info.unacked > 0) expect(timed, "data in flight, and no timer runs");
  if (open && idle && info.unsent > 0 && info.waits_for == tcp::WaitsFor::kPeerWindow) {
    expect(timed, "the peer's window is closed, and no timer runs");
  }
}

/// Every flow moves, or is over, within a bound.
void Simulation::check_progress() {
  if (now_ - looked_for_progress_ < scenario_.stall / 8) return;
  looked_for_progress_ = now_;
  for (std::uint32_t i = 0; i < flows_.size(); ++i) {
    const Flow& flow = flows_[i];
    if (!flow.started || flow.over || now_ - flow.progressed_at < scenario_.stall) continue;
    return fault("flow " + std::to_string(i) + " stalls; " + status());
  }
}

void Simulation::check_flow(std::uint32_t index) {
  const FlowPlan& plan = scenario_.flows[index];
  if (plan.breaks_off() || scenario_.may_fail) return;
  if (stranger_ && !stranger_->has_all()) fault("not all was delivered; " + stranger_->status());
  for (std::size_t side = 0; side < 2; ++side) {
    if (flows_[index].users[side] == nullptr) continue;
    const User& user = *flows_[index].users[side];
    const std::string who = "flow " + std::to_string(index) + ", side " + std::to_string(side);
    if (user.error()) {
      fault(who + ": ended by " + std::string{smol::name(*user.error())});
    }
    const std::uint64_t wanted =
        stranger_ ? scenario_.stranger->octets : plan.users[1 - side].octets;
    if (user.read() != wanted) {
      fault(who + ": read " + std::to_string(user.read()) + " of " + std::to_string(wanted));
    }
  }
}

void Simulation::check_end() {
  for (std::uint32_t i = 0; i < flows_.size(); ++i) check_flow(i);
  for (std::size_t side = 0; side < 2; ++side) {
    if (stations_[side] == nullptr) continue;
    stations_[side]->check_empty();
    if (!links_[side].adds_up()) fault("a link has lost count of its frames");
    const StackCounters& counters = stations_[side]->stack().counters();
    if (scenario_.watch && counters.tcp_out_segs.value() != monitors_[side].segments_sent()) {
      fault("tcp_out_segs is " + std::to_string(counters.tcp_out_segs.value()) +
            ", on the wire there were " + std::to_string(monitors_[side].segments_sent()));
    }
  }
}

std::string Simulation::status() const {
  std::string out = "at " + std::to_string((now_ - scenario_.start) / milliseconds(1)) + " ms";
  int told = 0;
  for (std::uint32_t i = 0; i < flows_.size() && told < 3; ++i) {
    if (!flows_[i].started || flows_[i].over) continue;
    ++told;
    if (stranger_) out += "; " + stranger_->status();
    for (std::size_t side = 0; side < 2; ++side) {
      if (flows_[i].users[side] == nullptr) continue;
      out += "; flow " + std::to_string(i) + " side " + std::to_string(side) + ": " +
             flows_[i].users[side]->status();
    }
  }
  return out;
}

Outcome Simulation::outcome() {
  Outcome out;
  out.wire = wire_;
  out.frames = frames_;
  out.took = now_ - scenario_.start;
  out.last_read = last_read_ - scenario_.start;
  for (std::size_t side = 0; side < 2; ++side) {
    out.by_chance[side] = links_[side].lost_by_chance();
    out.lost[side] = links_[side].lost();
    for (std::size_t i = 0; i < kFates; ++i) {
      const auto fate = static_cast<Fate>(i);
      coverage_.add("frame " + std::string{name(fate)}, links_[side].count(fate));
    }
    if (stations_[side] == nullptr) continue;
    const Station& station = *stations_[side];
    std::size_t place = 0;
    station.stack().counters().for_each(
        [&](std::string_view, std::string_view, std::uint64_t value) {
          coverage_.add(Coverage::counter(place++), value);
        });
    for (std::size_t i = 0; i < kDropCount; ++i) {
      const auto drop = static_cast<Drop>(i);
      coverage_.add(Coverage::drop(drop), station.drops(drop));
    }
    coverage_.add("no packet to receive into", station.without_packet());
    coverage_.add("packets cut by a device", station.packets_cut());
  }
  coverage_.add(flows_.size() == 1    ? "flows 1"
                : flows_.size() < 100 ? "flows 2..99"
                                      : "flows 100..1000");
  for (std::size_t i = 0; stranger_ && i < kQuirks; ++i) {
    const auto quirk = static_cast<Quirk>(i);
    if (scenario_.stranger->has(quirk)) coverage_.add("peer " + std::string{name(quirk)});
  }
  for (const Flow& flow : flows_) {
    const User* const second = flow.users[1].get();
    out.read.push_back({flow.users[0]->read(), second == nullptr ? 0 : second->read()});
  }
  out.coverage = coverage_;
  return out;
}

Outcome Simulation::run() {
  converse();
  if (!faults_.any() && flows_over_ == flows_.size()) {
    rest();
    if (!faults_.any()) check_end();
  }
  Outcome out = outcome();
  for (auto& station : stations_) station.reset();
  if (flows_over_ == flows_.size() || faults_.any()) out.faults = faults_.all();
  return out;
}

}  // namespace smol::sim
