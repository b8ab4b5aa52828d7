#include "tests/sim/simulation.hh"

#include <algorithm>

namespace smol::sim {
namespace {

constexpr std::uint16_t kClientPort = 40'000;
constexpr std::uint16_t kServerPort = 80;

Host::Options host_options(const Scenario& scenario, int side) {
  Host::Options out;
  const auto at = static_cast<std::size_t>(side);
  const std::uint64_t own = scenario.seed * 2 + at;
  out.config = scenario.stacks[at];
  out.secrets = {Secret{own, 1}, Secret{own, 2}, own};
  out.packets = scenario.packets[at];
  out.start = scenario.start;
  return out;
}

std::uint64_t hashed(std::uint64_t hash, Bytes octets) {
  for (const std::uint8_t octet : octets) hash = (hash ^ octet) * 0x100000001b3;  // FNV-1a
  return hash;
}

std::uint64_t hashed(std::uint64_t hash, std::uint64_t number) {
  std::array<std::uint8_t, 8> octets{};
  for (std::size_t i = 0; i < 8; ++i) octets[i] = static_cast<std::uint8_t>(number >> (8 * i));
  return hashed(hash, octets);
}

}  // namespace

Simulation::Simulation(const Scenario& scenario)
    : scenario_{scenario},
      links_{Link{scenario.links[0], scenario.seed * 3 + 1},
             Link{scenario.links[1], scenario.seed * 3 + 2}},
      now_{scenario.start} {
  for (int side = 0; side < 2; ++side) {
    const auto at = static_cast<std::size_t>(side);
    hosts_[at] = std::make_unique<Host>(host_options(scenario_, side));
    InterfaceConfig config;
    config.name = "wire0";
    config.mac = {{2, 0, 0, 0, 0, static_cast<std::uint8_t>(side + 1)}};
    config.mtu = scenario_.mtu;
    if (scenario_.v6) {
      config.addresses = {IpPrefix{address(side), 64}};
    } else {
      config.addresses = {IpPrefix{address(side), 24}};
    }
    hosts_[at]->add_interface(config);
    hosts_[at]->show_frames = false;
    hosts_[at]->keep_packets = true;
    users_[at] = std::make_unique<User>(*hosts_[at], scenario_.users[at], side,
                                        scenario_.users[1 - at].octets);
  }
}

IpAddress Simulation::address(int side) const {
  const auto last = static_cast<std::uint8_t>(side + 1);
  return scenario_.v6 ? IpAddress::v6(0xfdaa, 0, 0, 0, 0, 0, 0, last)
                      : IpAddress::v4(10, 0, 0, last);
}

Instant Simulation::next_event() const {
  Instant out = kNever;
  for (std::size_t side = 0; side < 2; ++side) {
    out = std::min(
        {out, links_[side].next(), hosts_[side]->stack->next_deadline(), users_[side]->wakes_at()});
    if (!in_transmission_[side].empty()) {
      out = std::min(out, in_transmission_[side].front().first);
    }
  }
  return out;
}

void Simulation::collect(int side) {
  const auto at = static_cast<std::size_t>(side);
  for (MemPacket& packet : std::exchange(hosts_[at]->kept, {})) {
    Octets octets = all_octets(packet);
    if (scenario_.transmission > Duration::zero()) {
      in_transmission_[at].emplace_back(now_ + scenario_.transmission, std::move(packet));
    }
    packet = MemPacket{};
    wire_ = hashed(wire_, static_cast<std::uint64_t>(now_.time_since_epoch().count()));
    wire_ = hashed(hashed(wire_, at), octets);
    if (!is_neighbor_talk(octets) && !perfect_ && scenario_.lost.count(frames_++) > 0) continue;
    links_[at].send(now_, std::move(octets));
  }
}

void Simulation::step(Instant when) {
  const Duration time = std::max(when, now_) - now_;
  now_ += time;
  for (std::size_t side = 0; side < 2; ++side) {
    auto& leaving = in_transmission_[side];
    while (!leaving.empty() && leaving.front().first <= now_) leaving.pop_front();
    hosts_[side]->advance(time);
    // Without a packet to receive it into, the frame is lost: that, too, is a thing that happens.
    for (const Octets& frame : links_[1 - side].arrived(now_)) hosts_[side]->receive(frame);
  }
  for (const auto& user : users_) user->act(now_);
  const bool together =
      std::all_of(users_.begin(), users_.end(), [](const auto& user) { return user->complete(); });
  for (std::size_t side = 0; side < 2; ++side) {
    if (together && scenario_.users[side].ending == Ending::kTogether) users_[side]->close();
  }
  for (int side = 0; side < 2; ++side) {
    hosts_[static_cast<std::size_t>(side)]->turn();
    collect(side);
  }
}

/// Each asks for the other's link address while the wire is perfect.
void Simulation::introduce() {
  for (std::size_t side = 0; side < 2; ++side) {
    Stack<MemPacket>& stack = *hosts_[side]->stack;
    UdpOptions options;
    options.local = {IpAddress::any(address(0).family()), 0};
    const SocketId socket = stack.udp_open(options).value();
    const IpEndpoint nobody{address(1 - static_cast<int>(side)), 9};
    EXPECT_EQ(error_of(stack.udp_send(socket, {nobody, {}, {}}, {})), "none");
    for (int i = 0; i < 20; ++i) step(now_ + milliseconds(100));
    stack.close(socket);
  }
  for (const auto& host : hosts_) host->events();
  perfect_ = false;
}

std::string Simulation::status() const {
  return "at " + std::to_string((now_ - scenario_.start) / milliseconds(1)) +
         " ms\n  0: " + users_[0]->status() + "\n  1: " + users_[1]->status();
}

void Simulation::talk(Outcome& out) {
  const IpEndpoint client{address(0), kClientPort};
  const IpEndpoint server{address(1), kServerPort};
  if (scenario_.both_connect) {
    users_[1]->connect(server, client);
  } else {
    users_[1]->listen(server);
  }
  users_[0]->connect(client, server);
  const Instant limit = now_ + scenario_.patience;
  int steps_at_once = 0;
  step(now_);
  while (!users_[0]->done() || !users_[1]->done()) {
    const Instant next = next_event();
    // Who aborts before anything came to the listener leaves it alone.
    if (next == kNever && scenario_.breaks_off() && users_[0]->done() &&
        users_[1]->waits_for_peer()) {
      users_[1]->give_up();
      return;
    }
    steps_at_once = next > now_ ? 0 : steps_at_once + 1;
    if (next > limit || steps_at_once > 10'000) {
      out.hung = (next == kNever ? "nothing would ever happen again, " : "not done, ") + status();
      for (const auto& user : users_) user->give_up();
      return;
    }
    step(next);
  }
}

void Simulation::rest(Outcome& out) {
  for (int steps = 0; next_event() != kNever; ++steps) {
    if (steps > 100'000) {
      out.hung = "never comes to rest, " + status();
      return;
    }
    step(next_event());
  }
  for (const auto& host : hosts_) host->expect_empty();
}

Outcome Simulation::run() {
  Outcome out;
  introduce();
  talk(out);
  if (out.hung.empty()) rest(out);
  out.wire = wire_;
  out.frames = frames_;
  out.end = now_;
  for (std::size_t side = 0; side < 2; ++side) {
    out.read[side] = users_[side]->read();
    out.errors[side] = users_[side]->error();
    hosts_[side]->stack->counters().for_each(
        [&](std::string_view name, std::string_view, std::uint64_t value) {
          out.happened[name] += value;
        });
    for (std::size_t i = 0; i < kDropCount; ++i) {
      const auto drop = static_cast<Drop>(i);
      out.happened[smol::name(drop)] += hosts_[side]->drops(drop);
    }
  }
  return out;
}

}  // namespace smol::sim
