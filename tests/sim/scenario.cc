// What a seed means.
#include <sstream>

#include "protocols/base/random.hh"
#include "tests/sim/simulation.hh"

namespace smol::sim {
namespace {

template <class T, std::size_t n>
T one_of(Rng& rng, const T (&choices)[n]) {
  return choices[rng.below(static_cast<std::uint32_t>(n))];
}
bool sometimes(Rng& rng, std::uint32_t one_in) {
  return rng.below(one_in) == 0;
}

LinkOptions link_of(Rng& rng) {
  LinkOptions out;
  if (sometimes(rng, 2)) out.loss = one_of(rng, {5u, 20u, 50u, 100u, 200u});
  if (sometimes(rng, 3)) out.duplication = one_of(rng, {10u, 100u, 500u});
  if (sometimes(rng, 4)) out.corruption = one_of(rng, {5u, 50u});
  if (sometimes(rng, 3)) out.reordering = one_of(rng, {10u, 100u, 300u});
  out.delay = one_of(rng, {microseconds(1), microseconds(50), milliseconds(1), milliseconds(20),
                           milliseconds(150)});
  if (sometimes(rng, 3)) out.jitter = out.delay;
  out.detour = one_of(rng, {milliseconds(1), milliseconds(30), milliseconds(400), seconds(3)});
  if (sometimes(rng, 4)) {
    out.octets_a_second = one_of(rng, {20'000u, 1'000'000u, 100'000'000u});
    out.queue_octets = one_of(rng, {5'000u, 50'000u, 1'000'000u});
  }
  return out;
}

StackConfig stack_of(Rng& rng) {
  StackConfig out = small_config();
  out.tcp.timestamps = !sometimes(rng, 4);
  out.tcp.window_scaling = !sometimes(rng, 4);
  out.tcp.time_wait = one_of(rng, {seconds(1), seconds(60)});
  out.tcp.ack_delay = one_of(rng, {Duration{0}, milliseconds(40), milliseconds(400)});
  out.tcp.min_rto = one_of(rng, {milliseconds(200), seconds(1)});
  out.tcp.initial_window_segments = one_of(rng, {1u, 3u, 10u});
  if (sometimes(rng, 6)) out.tcp.reassembly_ranges = 1 + rng.below(3);
  // What a network this bad does to a connection is to be borne, not given up over.
  out.tcp.user_timeout = seconds(3600);
  out.tcp.syn_timeout = seconds(1800);
  out.tcp.syn_received = seconds(1800);
  return out;
}

UserPlan user_of(Rng& rng, bool large) {
  UserPlan out;
  const std::uint32_t bits = large ? 10 + rng.below(11) : rng.below(17);
  out.octets = sometimes(rng, 12) ? 0 : (std::size_t{1} << bits) - rng.below(1 + (1u << bits) / 2);
  out.socket.nagle = !sometimes(rng, 3);
  out.socket.send_buffer = one_of(rng, {4096u, 20'000u, 1u << 18, 1u << 20});
  out.socket.receive_buffer = one_of(rng, {4096u, 5000u, 1u << 16, 1u << 20});
  if (sometimes(rng, 4)) out.socket.congestion_control = tcp::CongestionControl::kNone;
  // Small pieces and long pauses go with little text: virtual time is free, work is not.
  if (sometimes(rng, 4)) {
    out.write_most = 1 + rng.below(200);
    out.write_pause = one_of(rng, {Duration{0}, milliseconds(1), milliseconds(50)});
    out.octets = std::min<std::size_t>(out.octets, out.write_most * 500);
  }
  if (sometimes(rng, 4)) {
    out.read_most = 1 + rng.below(3000);
    out.read_pause = one_of(rng, {milliseconds(1), milliseconds(100), seconds(2)});
  }
  return out;
}

void choose_endings(Rng& rng, Scenario& out) {
  using Pair = std::array<Ending, 2>;
  static constexpr Pair kPairs[] = {
      {Ending::kHalfClose, Ending::kHalfClose}, {Ending::kHalfClose, Ending::kWaits},
      {Ending::kWaits, Ending::kHalfClose},     {Ending::kCloses, Ending::kWaits},
      {Ending::kWaits, Ending::kCloses},        {Ending::kCloses, Ending::kHalfClose},
      {Ending::kCloses, Ending::kCloses},       {Ending::kTogether, Ending::kTogether},
      {Ending::kAborts, Ending::kHalfClose},    {Ending::kWaits, Ending::kAborts},
      {Ending::kLeaves, Ending::kHalfClose},    {Ending::kWaits, Ending::kLeaves}};
  const Pair endings = kPairs[rng.below(std::size(kPairs))];
  for (std::size_t side = 0; side < 2; ++side) {
    UserPlan& user = out.users[side];
    user.ending = endings[side];
    const std::size_t most = out.users[0].octets + out.users[1].octets;
    user.aborts_at = 1 + rng.below(static_cast<std::uint32_t>(most / 2 + 1));
  }
  if (!out.breaks_off()) return;
  // Who only listens learns of an end that got lost by asking.
  for (UserPlan& user : out.users) {
    user.socket.keep_alive = seconds(30);
    user.octets = std::max<std::size_t>(user.octets, 10);
  }
}

}  // namespace

Scenario scenario_of(std::uint64_t seed) {
  Rng rng{seed};
  Scenario out;
  out.seed = seed;
  const bool large = sometimes(rng, 3);
  for (std::size_t side = 0; side < 2; ++side) {
    out.links[side] = link_of(rng);
    out.stacks[side] = stack_of(rng);
    out.users[side] = user_of(rng, large);
    out.packets[side] = one_of(rng, {32u, 64u, 256u, 1024u});
  }
  for (std::size_t side = 0; side < 2; ++side) {
    const UserPlan& reader = out.users[1 - side];
    if (reader.read_pause > Duration::zero()) {
      out.users[side].octets = std::min(out.users[side].octets, reader.read_most * 300);
    }
    // A round trip a segment, where the network loses much.
    if (out.links[0].loss + out.links[1].loss >= 100) {
      out.users[side].octets = std::min<std::size_t>(out.users[side].octets, 100'000);
    }
  }
  out.v6 = sometimes(rng, 2);
  out.both_connect = sometimes(rng, 8);
  out.mtu = out.v6 ? one_of(rng, {std::uint16_t{1280}, std::uint16_t{1500}})
                   : one_of(rng, {std::uint16_t{576}, std::uint16_t{1500}});
  out.transmission = one_of(rng, {Duration{0}, microseconds(100), milliseconds(5)});
  // One in four runs into the end of the timestamp clock, which counts milliseconds.
  out.start = sometimes(rng, 4) ? Instant{milliseconds((std::int64_t{1} << 32) - 5000)}
                                : Instant{seconds(1000 + rng.below(1'000'000))};
  choose_endings(rng, out);
  return out;
}

std::string describe(const Scenario& scenario) {
  std::ostringstream out;
  out << (scenario.v6 ? "IPv6" : "IPv4") << " mtu " << scenario.mtu
      << (scenario.both_connect ? ", both connect" : "");
  for (std::size_t side = 0; side < 2; ++side) {
    const LinkOptions& link = scenario.links[side];
    const UserPlan& user = scenario.users[side];
    out << "\n  " << side << ": sends " << user.octets << " by " << user.write_most << ", reads by "
        << user.read_most << " every " << user.read_pause / milliseconds(1) << " ms, "
        << name(user.ending) << ", buffers " << user.socket.send_buffer << " "
        << user.socket.receive_buffer << ", packets " << scenario.packets[side] << "; link: loss "
        << link.loss << " dup " << link.duplication << " corrupt " << link.corruption << " reorder "
        << link.reordering << " per mille, delay " << link.delay / microseconds(1) << " us, detour "
        << link.detour / milliseconds(1) << " ms, " << link.octets_a_second << " octets/s";
  }
  return out.str();
}

}  // namespace smol::sim
