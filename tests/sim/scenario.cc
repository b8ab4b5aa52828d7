// What a seed means.
#include "tests/sim/scenario.hh"

#include <sstream>

#include "protocols/base/random.hh"

namespace smol::sim {
namespace {

template <class T, std::size_t n>
T one_of(Rng& rng, const T (&choices)[n]) {
  return choices[rng.below(static_cast<std::uint32_t>(n))];
}
bool sometimes(Rng& rng, std::uint32_t one_in) {
  return rng.below(one_in) == 0;
}

void burst_of(Rng& rng, LinkOptions& out) {
  out.to_bad = one_of(rng, {1u, 5u, 20u});
  out.to_good = one_of(rng, {50u, 200u, 500u});
  out.bad_loss = one_of(rng, {300u, 800u, 1000u});
}

void queue_of(Rng& rng, LinkOptions& out) {
  out.octets_a_second = one_of(rng, {20'000u, 1'000'000u, 100'000'000u});
  out.queue_octets = one_of(rng, {5'000u, 50'000u, 1'000'000u});
  out.codel = sometimes(rng, 3);
  out.ecn = sometimes(rng, 2);
  if (sometimes(rng, 4)) out.mark_octets = out.queue_octets / 4;
}

LinkOptions link_of(Rng& rng) {
  LinkOptions out;
  if (sometimes(rng, 2)) out.loss = one_of(rng, {5u, 20u, 50u, 100u, 200u});
  if (sometimes(rng, 5)) burst_of(rng, out);
  if (sometimes(rng, 3)) out.duplication = one_of(rng, {10u, 100u, 500u});
  if (sometimes(rng, 4)) out.corruption = one_of(rng, {5u, 50u});
  if (sometimes(rng, 8)) out.truncation = one_of(rng, {5u, 30u});
  if (sometimes(rng, 3)) out.reordering = one_of(rng, {10u, 100u, 300u});
  out.delay = one_of(rng, {microseconds(1), microseconds(50), milliseconds(1), milliseconds(20),
                           milliseconds(150)});
  if (sometimes(rng, 3)) out.jitter = out.delay;
  out.detour = one_of(rng, {milliseconds(1), milliseconds(30), milliseconds(400), seconds(3)});
  if (sometimes(rng, 4)) queue_of(rng, out);
  if (sometimes(rng, 8)) {
    const Duration from = milliseconds(rng.below(5'000));
    out.outages.push_back({from, from + milliseconds(one_of(rng, {100u, 3'000u, 40'000u}))});
  }
  return out;
}

StackConfig stack_of(Rng& rng) {
  StackConfig out = small_stack();
  out.tcp.timestamps = !sometimes(rng, 4);
  out.tcp.window_scaling = !sometimes(rng, 4);
  out.tcp.sack = !sometimes(rng, 4);
  out.tcp.pacing = !sometimes(rng, 3);
  out.tcp.tail_loss_probe = !sometimes(rng, 3);
  out.tcp.time_wait = one_of(rng, {seconds(1), seconds(60)});
  out.tcp.ack_delay = one_of(rng, {Duration{0}, milliseconds(40), milliseconds(400)});
  out.tcp.min_rto = one_of(rng, {milliseconds(200), seconds(1)});
  out.tcp.initial_window_segments = one_of(rng, {1u, 3u, 10u});
  if (sometimes(rng, 6)) out.tcp.reassembly_ranges = 1 + rng.below(3);
  if (sometimes(rng, 12)) out.limits.sent_runs = 16 + rng.below(48);
  // What a network this bad does to a connection is to be borne, not given up over.
  out.tcp.user_timeout = seconds(3600);
  out.tcp.syn_timeout = seconds(1800);
  out.tcp.syn_received = seconds(1800);
  out.tcp.fin_wait_2 = seconds(7200);
  out.tcp.syn_ack_retries = 60;
  out.tcp.syn_cookies = tcp::SynCookies::kOff;
  return out;
}

void choose_socket(Rng& rng, tcp::SocketOptions& out) {
  out.nagle = !sometimes(rng, 3);
  out.send_buffer = one_of(rng, {4096u, 20'000u, 1u << 18, 1u << 20});
  out.receive_buffer = one_of(rng, {4096u, 5000u, 1u << 16, 1u << 20});
  using Control = tcp::CongestionControl;
  out.congestion_control = one_of(
      rng, {Control::kCubic, Control::kNewReno, Control::kBbr, Control::kWestwood, Control::kNone});
  out.ecn = one_of(
      rng, {tcp::EcnUse::kOff, tcp::EcnUse::kAccept, tcp::EcnUse::kAsk, tcp::EcnUse::kDctcp});
  if (sometimes(rng, 8)) {
    out.keep_alive = one_of(rng, {seconds(1), seconds(20)});
    out.keep_alive_interval = seconds(5);
    out.keep_alive_probes = 200;
    out.keep_alive_octet = sometimes(rng, 2);
  }
}

UserPlan user_of(Rng& rng, bool large) {
  UserPlan out;
  const std::uint32_t bits = large ? 10 + rng.below(11) : rng.below(17);
  out.octets =
      sometimes(rng, 12) ? 0 : (std::uint64_t{1} << bits) - rng.below(1 + (1u << bits) / 2);
  choose_socket(rng, out.socket);
  // Small pieces and long pauses go with little text: virtual time is free, work is not.
  if (sometimes(rng, 4)) {
    out.write_most = 1 + rng.below(200);
    out.write_pause = one_of(rng, {Duration{0}, milliseconds(1), milliseconds(50)});
    out.octets = std::min<std::uint64_t>(out.octets, out.write_most * 500);
  } else if (sometimes(rng, 8)) {
    out.write_most = 2'000;
    out.write_pause = one_of(rng, {seconds(2), seconds(70)});
    out.octets = std::min<std::uint64_t>(out.octets, 10'000);
  }
  if (sometimes(rng, 4)) {
    out.read_most = 1 + rng.below(3000);
    out.read_pause = one_of(rng, {milliseconds(1), milliseconds(100), seconds(2)});
  }
  return out;
}

void choose_endings(Rng& rng, FlowPlan& out) {
  using Pair = std::array<Ending, 2>;
  static constexpr Pair kPairs[] = {
      {Ending::kHalfClose, Ending::kHalfClose}, {Ending::kHalfClose, Ending::kWaits},
      {Ending::kWaits, Ending::kHalfClose},     {Ending::kCloses, Ending::kWaits},
      {Ending::kWaits, Ending::kCloses},        {Ending::kCloses, Ending::kHalfClose},
      {Ending::kCloses, Ending::kCloses},       {Ending::kTogether, Ending::kTogether},
      {Ending::kAborts, Ending::kHalfClose},    {Ending::kWaits, Ending::kAborts},
      {Ending::kLeaves, Ending::kHalfClose},    {Ending::kWaits, Ending::kLeaves}};
  const Pair endings = kPairs[rng.below(std::size(kPairs))];
  const std::uint64_t both = out.users[0].octets + out.users[1].octets;
  for (std::size_t side = 0; side < 2; ++side) {
    out.users[side].ending = endings[side];
    out.users[side].aborts_at = 1 + rng.below(static_cast<std::uint32_t>(both / 2 + 1));
  }
  if (!out.breaks_off()) return;
  // Who only listens learns of an end that got lost by asking.
  for (UserPlan& user : out.users) {
    user.socket.keep_alive = seconds(30);
    user.octets = std::max<std::uint64_t>(user.octets, 10);
  }
}

/// How much a network this slow and lossy may be asked for.
std::uint64_t most_octets(const Scenario& scenario) {
  std::uint64_t most = UserPlan::kEndless;
  for (const LinkOptions& link : scenario.links) {
    // A round trip a segment, where the network loses much.
    if (link.loss >= 50 || link.to_bad >= 5 || link.truncation > 0)
      most = std::min<std::uint64_t>(most, 100'000);
    if (link.octets_a_second == 20'000) most = std::min<std::uint64_t>(most, 300'000);
  }
  return most;
}

void limit(Scenario& scenario) {
  const std::uint64_t most = most_octets(scenario);
  for (FlowPlan& flow : scenario.flows) {
    for (std::size_t side = 0; side < 2; ++side) {
      UserPlan& user = flow.users[side];
      const UserPlan& reader = flow.users[1 - side];
      user.octets = std::min(user.octets, most);
      if (reader.read_pause > Duration::zero()) {
        user.octets = std::min<std::uint64_t>(user.octets, reader.read_most * 300);
      }
    }
    if (scenario.stranger) {
      scenario.stranger->octets = std::min(scenario.stranger->octets, flow.users[1].octets);
    }
    const std::uint64_t both = flow.users[0].octets + flow.users[1].octets;
    for (UserPlan& user : flow.users) user.aborts_at = 1 + user.aborts_at % (both / 2 + 1);
  }
}

/// A listener that keeps nothing of a SYN cannot tell a late copy of an old segment from the end of
/// a handshake: connections come back from the dead, to be reset by who knows better.
void with_cookies(Rng& rng, Scenario& out) {
  for (StackConfig& stack : out.stacks) {
    stack.tcp.syn_cookies = one_of(rng, {tcp::SynCookies::kAuto, tcp::SynCookies::kAlways});
  }
  out.may_fail = true;
  out.watch = false;
}

/// The path takes less than the link, from the start or from some moment on, and says so or not.
void narrow(Rng& rng, Scenario& out) {
  for (LinkOptions& link : out.links) {
    if (sometimes(rng, 3)) continue;
    link.mtus.push_back(
        {milliseconds(rng.below(1'000)),
         one_of(rng, {std::uint16_t{1280}, std::uint16_t{1400}, std::uint16_t{1492}})});
    if (sometimes(rng, 3))
      link.mtus.push_back({milliseconds(1'000 + rng.below(5'000)), std::uint16_t{1280}});
    if (sometimes(rng, 6)) link.mtus.push_back({seconds(10), std::uint16_t{1500}});
    link.says_too_big = !sometimes(rng, 3);
  }
}

/// Text on SYNs. That it comes twice is to be borne by its users, and ours cannot: no SYN does.
void open_fast(Rng& rng, Scenario& out) {
  out.fast_open = one_of(rng, {1u, 4u, 1024u});
  LinkOptions& link = out.links[0];
  link.duplication = link.reordering = 0;
}

/// Two hosts and one conversation, perhaps another after it from the same port.
void one_conversation(Rng& rng, Scenario& out) {
  const bool large = sometimes(rng, 3);
  FlowPlan& flow = out.flows[0];
  for (std::size_t side = 0; side < 2; ++side) {
    flow.users[side] = user_of(rng, large);
    out.packets[side] = one_of(rng, {32u, 64u, 256u, 1024u});
  }
  flow.both_connect = sometimes(rng, 8);
  choose_endings(rng, flow);
  // Who leaves waits for the other's end for a while only.
  if (flow.breaks_off() && sometimes(rng, 2)) {
    for (StackConfig& stack : out.stacks) stack.tcp.fin_wait_2 = seconds(60);
  }
  out.listener_stays = sometimes(rng, 2);
  if (sometimes(rng, 20)) return with_cookies(rng, out);
  if (sometimes(rng, 20)) {
    // The other end, or the way to it, goes away: who waits for it gives up in time.
    out.may_fail = true;
    for (std::size_t side = 0; side < 2; ++side) {
      tcp::Config& tcp = out.stacks[side].tcp;
      tcp.user_timeout = tcp.syn_timeout = tcp.syn_received = tcp.fin_wait_2 = seconds(60);
      const Duration from = milliseconds(rng.below(2'000));
      out.links[side].outages.push_back({from, from + seconds(one_of(rng, {50u, 300u, 100'000u}))});
    }
    return;
  }
  if (flow.both_connect || flow.breaks_off() || !sometimes(rng, 8)) return;
  // The server closes first, and so is in TIME-WAIT when the client comes again.
  flow.users[0].ending = Ending::kWaits;
  flow.users[1].ending = Ending::kHalfClose;
  FlowPlan again = flow;
  again.after = 0;
  out.flows.push_back(again);
}

/// Many conversations over one queue.
void many_conversations(Rng& rng, Scenario& out, std::uint32_t count) {
  const bool crowd = count >= 100;
  const FlowPlan first = out.flows[0];
  for (std::size_t side = 0; side < 2; ++side) {
    LinkOptions& link = out.links[side];
    if (link.octets_a_second == 0) queue_of(rng, link);
    link.octets_a_second = std::max<std::uint64_t>(link.octets_a_second, 1'000'000);
    out.packets[side] = crowd ? 4096 : 1024;
    out.stacks[side].tcp.fin_wait_2 = seconds(7200);
    out.stacks[side].limits.connections = out.stacks[side].limits.half_open = count + 8;
    out.stacks[side].limits.time_wait = count + 8;
    out.stacks[side].limits.reassembly_ranges = 4096;
  }
  if (sometimes(rng, 3)) {
    out.backlog = 1 + rng.below(8);
    out.syn_backlog = 1 + rng.below(8);
    out.accept_pause = one_of(rng, {Duration{0}, milliseconds(1), milliseconds(300)});
    out.may_fail = true;  // who is refused each time gives up
    if (sometimes(rng, 2)) with_cookies(rng, out);
  }
  out.flows.clear();
  for (std::uint32_t i = 0; i < count; ++i) {
    FlowPlan flow = first;
    for (std::size_t side = 0; side < 2; ++side) {
      UserPlan plan = user_of(rng, false);
      plan.octets = std::min<std::uint64_t>(plan.octets, crowd ? 3'000 : 40'000);
      if (crowd) plan.write_most = plan.read_most = 65'536;
      if (i > 0 && side == 1) plan.socket = out.flows[0].users[1].socket;  // the listener's
      flow.users[side] = plan;
    }
    flow.starts = milliseconds(rng.below(crowd ? 2'000 : 500));
    flow.users[0].ending = sometimes(rng, 2) ? Ending::kHalfClose : Ending::kCloses;
    flow.users[1].ending = Ending::kWaits;
    out.flows.push_back(flow);
  }
}

/// A peer of another kind in place of host 1.
void a_stranger(Rng& rng, Scenario& out) {
  StrangerPlan plan;
  FlowPlan& flow = out.flows[0];
  plan.connects = sometimes(rng, 2);
  plan.octets = flow.users[1].octets = std::min<std::uint64_t>(flow.users[1].octets, 60'000);
  flow.users[0].octets = std::min<std::uint64_t>(flow.users[0].octets, 60'000);
  flow.users[0].ending = sometimes(rng, 2) ? Ending::kHalfClose : Ending::kWaits;
  flow.users[1].read_pause = Duration{0};
  flow.both_connect = false;
  out.flows.resize(1);
  out.listener_stays = true;
  out.links[1].mtus.clear();  // it learns nothing of the path
  for (std::uint32_t count = 1 + rng.below(3); count > 0; --count) {
    plan.quirks |= 1u << rng.below(kQuirks);
  }
  if (sometimes(rng, 3)) plan.quirks |= 1u << rng.below(11);
  plan.window = one_of(rng, {500u, 4'000u, 65'535u, 1u << 20});
  plan.mss = one_of(rng, {std::uint16_t{1}, std::uint16_t{64}, std::uint16_t{536},
                          std::uint16_t{1'460}, std::uint16_t{65'535}});
  if (sometimes(rng, 6)) plan.mss.reset();
  if (sometimes(rng, 2))
    plan.scale =
        one_of(rng, {std::uint8_t{0}, std::uint8_t{7}, std::uint8_t{14}, std::uint8_t{255}});
  plan.timestamps = sometimes(rng, 2);
  plan.sack = sometimes(rng, 2);
  if (plan.has(Quirk::kReneges) || plan.has(Quirk::kLiesBySack)) {
    plan.sack = out.stacks[0].tcp.sack = true;
  }
  if (plan.has(Quirk::kNoTimestamps) || plan.has(Quirk::kFrozenClock)) {
    plan.timestamps = out.stacks[0].tcp.timestamps = true;
  }
  // A cookie's options stand in a timestamp's echo.
  if (plan.has(Quirk::kNoTimestamps)) out.stacks[0].tcp.syn_cookies = tcp::SynCookies::kOff;
  plan.turns_at = milliseconds(rng.below(3'000));
  if (plan.has(Quirk::kShutsForGood)) {
    // Who is there may wait for ever, and who has gone may not.
    for (const Quirk other : {Quirk::kGoesSilent, Quirk::kResets, Quirk::kOptimisticAcks}) {
      plan.quirks &= ~(1u << static_cast<unsigned>(other));
    }
    plan.octets = flow.users[1].octets = 0;
    flow.users[0].octets = std::min<std::uint64_t>(flow.users[0].octets, 200);
    flow.users[0].ending = Ending::kLeaves;
    if (sometimes(rng, 2)) plan.turns_at = Duration{0};
    if (sometimes(rng, 2)) flow.users[0].socket.linger = seconds(5);
  }
  const bool slow = plan.has(Quirk::kOctets) || plan.has(Quirk::kTinyWindow) ||
                    plan.has(Quirk::kLosesAcks) || plan.has(Quirk::kClosesWindow) ||
                    plan.has(Quirk::kIgnoresProbes) || plan.window == 500 || plan.mss == 1;
  if (slow) {
    plan.octets = flow.users[1].octets = std::min<std::uint64_t>(plan.octets, 2'000);
    flow.users[0].octets = std::min<std::uint64_t>(flow.users[0].octets, 2'000);
  }
  // FIN-WAIT of one that waits for both: the stranger ends when all it sends is acknowledged.
  if (plan.has(Quirk::kGoesSilent) || plan.has(Quirk::kResets) ||
      plan.has(Quirk::kOptimisticAcks) || plan.has(Quirk::kShutsForGood)) {
    out.may_fail = true;
    tcp::Config& tcp = out.stacks[0].tcp;
    tcp.user_timeout = tcp.syn_timeout = tcp.syn_received = tcp.fin_wait_2 = seconds(60);
  }
  out.stranger = plan;
}

void describe_stranger(std::ostream& out, const StrangerPlan& plan) {
  out << "\n  a stranger " << (plan.connects ? "connects" : "listens") << ", sends " << plan.octets
      << ", window " << plan.window << ", mss " << (plan.mss ? std::to_string(*plan.mss) : "none");
  if (plan.scale) out << ", scale " << int{*plan.scale};
  out << (plan.timestamps ? ", timestamps" : "") << (plan.sack ? ", SACK" : "");
  for (std::size_t i = 0; i < kQuirks; ++i) {
    if (plan.has(static_cast<Quirk>(i))) out << ", " << name(static_cast<Quirk>(i));
  }
  if (plan.has(Quirk::kGoesSilent) || plan.has(Quirk::kResets) || plan.has(Quirk::kShutsForGood)) {
    out << " after " << plan.turns_at / milliseconds(1) << " ms";
  }
}

void describe_link(std::ostream& out, const LinkOptions& link) {
  const auto say = [&](const char* name, std::uint64_t value) {
    if (value > 0) out << ' ' << name << ' ' << value;
  };
  out << "delay " << link.delay / microseconds(1) << " us";
  say("jitter us", static_cast<std::uint64_t>(link.jitter / microseconds(1)));
  say("loss", link.loss);
  if (link.to_bad > 0) {
    out << " bursts " << link.to_bad << '/' << link.to_good << '/' << link.bad_loss;
  }
  say("dup", link.duplication);
  say("corrupt", link.corruption);
  say("truncate", link.truncation);
  say("reorder", link.reordering);
  if (link.reordering + link.duplication > 0) {
    say("detour ms", static_cast<std::uint64_t>(link.detour / milliseconds(1)));
  }
  if (link.octets_a_second > 0) {
    out << " rate " << link.octets_a_second << " octets/s queue " << link.queue_octets;
    if (link.codel) out << (link.ecn ? " CoDel that marks" : " CoDel");
    say("marks at", link.mark_octets);
  }
  for (const LinkOptions::Outage& outage : link.outages) {
    out << " silent " << outage.from / milliseconds(1) << ".." << outage.until / milliseconds(1)
        << " ms";
  }
  for (const LinkOptions::MtuChange& change : link.mtus) {
    out << " MTU " << change.mtu << " at " << change.at / milliseconds(1) << " ms";
  }
  if (!link.mtus.empty() && !link.says_too_big) out << " (black hole)";
  if (!link.lost.empty()) out << " loses the frames";
  for (const std::uint64_t frame : link.lost) out << ' ' << frame;
}

void describe_user(std::ostream& out, const UserPlan& user) {
  out << "sends " << user.octets << " by " << user.write_most;
  if (user.write_pause > Duration::zero())
    out << " every " << user.write_pause / milliseconds(1) << " ms";
  out << ", reads by " << user.read_most;
  if (user.read_pause > Duration::zero())
    out << " every " << user.read_pause / milliseconds(1) << " ms";
  out << ", " << name(user.ending) << ", buffers " << user.socket.send_buffer << ' '
      << user.socket.receive_buffer << (user.socket.nagle ? "" : ", no Nagle") << ", cc "
      << static_cast<int>(user.socket.congestion_control);
}

}  // namespace

Scenario scenario_of(std::uint64_t seed) {
  Rng rng{seed};
  Scenario out;
  out.seed = seed;
  for (std::size_t side = 0; side < 2; ++side) {
    out.links[side] = link_of(rng);
    out.stacks[side] = stack_of(rng);
  }
  one_conversation(rng, out);
  // One in ten has some flows, one in four hundred has hundreds.
  const std::uint32_t kind = rng.below(400);
  if (kind == 0) {
    many_conversations(rng, out, 100 + rng.below(901));
  } else if (kind <= 40) {
    many_conversations(rng, out, 2 + rng.below(19));
  }
  if (sometimes(rng, 8)) narrow(rng, out);
  if (sometimes(rng, 8) && !out.flows[0].both_connect) open_fast(rng, out);
  // One in five meets a stranger, one in eight is attacked.
  if (kind > 40 && kind <= 120) a_stranger(rng, out);
  if (sometimes(rng, 8)) {
    out.attack.kinds = static_cast<std::uint32_t>(rng.next());
    out.attack.every = one_of(rng, {milliseconds(1), milliseconds(20), milliseconds(300)});
    out.attack.until = 400 * out.attack.every;
  }
  out.v6 = sometimes(rng, 2);
  out.mtu = out.v6 ? one_of(rng, {std::uint16_t{1280}, std::uint16_t{1500}})
                   : one_of(rng, {std::uint16_t{576}, std::uint16_t{1500}});
  out.transmission = one_of(rng, {Duration{0}, microseconds(100), milliseconds(5)});
  out.offloads = sometimes(rng, 4);
  out.burst = one_of(rng, {1u, 3u, 32u});
  // One in four runs into the end of the timestamp clock, which counts milliseconds.
  out.start = sometimes(rng, 4) ? Instant{milliseconds((std::int64_t{1} << 32) - 5000)}
                                : Instant{seconds(1000 + rng.below(1'000'000))};
  out.segmentation = out.offloads && sometimes(rng, 2);
  limit(out);
  if (!out.may_fail) return out;
  for (FlowPlan& flow : out.flows) {
    for (UserPlan& user : flow.users) {
      user.socket.keep_alive = seconds(20);
      user.socket.keep_alive_interval = seconds(5);
      user.socket.keep_alive_probes = 4;
    }
  }
  return out;
}

std::string describe(const Scenario& scenario) {
  std::ostringstream out;
  out << (scenario.v6 ? "IPv6" : "IPv4") << " mtu " << scenario.mtu << ", " << scenario.flows.size()
      << (scenario.flows.size() == 1 ? " flow" : " flows");
  if (scenario.flows[0].both_connect) out << ", both connect";
  if (scenario.offloads) out << ", offloads";
  if (scenario.segmentation) out << ", segmentation";
  if (scenario.fast_open > 0) out << ", fast open " << scenario.fast_open;
  if (scenario.may_fail) out << ", may fail";
  if (scenario.backlog < 1024) {
    out << ", backlogs " << scenario.backlog << ' ' << scenario.syn_backlog << ", accepts after "
        << scenario.accept_pause / milliseconds(1) << " ms";
  }
  for (std::size_t side = 0; side < 2; ++side) {
    const StackConfig& stack = scenario.stacks[side];
    out << "\n  host " << side << ": " << scenario.packets[side] << " packets"
        << (stack.tcp.timestamps ? "" : ", no timestamps")
        << (stack.tcp.window_scaling ? "" : ", no scaling") << (stack.tcp.sack ? "" : ", no SACK")
        << (stack.tcp.pacing ? "" : ", no pacing") << (stack.tcp.tail_loss_probe ? "" : ", no TLP")
        << ", ack delay " << stack.tcp.ack_delay / milliseconds(1) << " ms, min RTO "
        << stack.tcp.min_rto / milliseconds(1) << " ms; link: ";
    describe_link(out, scenario.links[side]);
  }
  if (scenario.stranger) describe_stranger(out, *scenario.stranger);
  if (scenario.attack.kinds != 0) {
    out << "\n  attacked every " << scenario.attack.every / milliseconds(1) << " ms:";
    for (std::size_t i = 0; i < kAttacks; ++i) {
      if ((scenario.attack.kinds >> i & 1u) != 0) out << ' ' << name(static_cast<Attack>(i)) << ',';
    }
  }
  for (std::size_t i = 0; i < std::min<std::size_t>(scenario.flows.size(), 3); ++i) {
    for (std::size_t side = 0; side < 2; ++side) {
      out << "\n  flow " << i << " side " << side << ": ";
      describe_user(out, scenario.flows[i].users[side]);
    }
  }
  return out.str();
}

}  // namespace smol::sim
