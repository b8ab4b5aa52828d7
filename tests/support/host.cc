#include "tests/support/host.hh"

#include <algorithm>
#include <utility>

#include "protocols/base/checksum.hh"
#include "tests/support/device.hh"

namespace smol {

void PrintTo(Error error, std::ostream* out) {
  *out << name(error);
}

std::string event_names(std::uint16_t events) {
  static constexpr std::pair<std::uint16_t, const char*> kNames[] = {
      {SocketEvents::kReadable, "readable"},      {SocketEvents::kWritable, "writable"},
      {SocketEvents::kConnected, "connected"},    {SocketEvents::kAcceptable, "acceptable"},
      {SocketEvents::kPeerClosed, "peer_closed"}, {SocketEvents::kDeadline, "deadline"},
      {SocketEvents::kSoftError, "soft_error"},   {SocketEvents::kClosed, "closed"},
      {SocketEvents::kUrgent, "urgent"}};
  std::string out;
  for (const auto& [bit, text] : kNames) {
    if ((events & bit) == 0) continue;
    if (!out.empty()) out += '|';
    out += text;
  }
  return out;
}

void expect_books(const StackCounters& counters, const DropCounters& drops, std::uint64_t refused) {
  EXPECT_EQ(counters.received.value() + counters.made.value(),
            counters.consumed.value() + counters.sent.value() + counters.dropped.value() +
                counters.held.value())
      << "received " << counters.received.value() << " + made " << counters.made.value()
      << " = consumed " << counters.consumed.value() << " + sent " << counters.sent.value()
      << " + dropped " << counters.dropped.value() << " + held " << counters.held.value();
  EXPECT_EQ(counters.dropped.value() + refused, drops.total()) << "a drop without a reason";
}

StackConfig small_config() {
  StackConfig config;
  config.limits.interfaces = 4;
  config.limits.addresses = 128;
  config.limits.routes = 64;
  config.limits.neighbors = 64;
  config.limits.connections = 64;
  config.limits.half_open = 64;
  config.limits.fast_open_servers = 16;
  config.limits.listeners = 8;
  config.limits.time_wait = 64;
  config.limits.udp_sockets = 8;
  config.limits.reassembly_ranges = 64;
  config.limits.sent_runs = 256;
  config.neighbor.reachable_time = seconds(1'000'000);
  return config;
}

Octets all_octets(const MemPacket& packet) {
  Octets out(packet.size());
  packet_copy(packet, 0, out);
  return out;
}

Host::Host(const Options& options)
    : own_pool_{options.shared_pool == nullptr
                    ? std::make_unique<MemPool>(options.packets, options.packet_octets,
                                                *options.memory)
                    : nullptr},
      pool_{options.shared_pool == nullptr ? own_pool_.get() : options.shared_pool},
      now_{options.start} {
  stack = std::make_unique<Stack<MemPacket>>(
      options.config, options.secrets,
      Stack<MemPacket>::Environment{*pool_, *options.memory, *this, drops_, options.sharding,
                                    options.colleagues},
      options.start);
  stack->set_drop_observer(this);
}

Host::~Host() {
  if (stack != nullptr) {
    stack->transmit(now_, 0);  // the books are kept by whole turns
    expect_books();
    stack.reset();
  }
  kept.clear();
  if (own_pool_ != nullptr) {
    EXPECT_EQ(pool_->available(), pool_->capacity()) << "packets leak";
    EXPECT_EQ(pool_->nodes_available(), 2 * pool_->capacity()) << "views of packets leak";
  }
}

InterfaceId Host::add_interface(const InterfaceConfig& config) {
  const Result<InterfaceId, Error> id = stack->add_interface(config);
  EXPECT_EQ(error_of(id), "none");
  return id.value_or(InterfaceId{0});
}

void Host::add_route(std::string_view destination, std::string_view gateway, InterfaceId interface,
                     std::uint32_t metric) {
  Route route{IpPrefix::parse(destination).value(), std::nullopt, interface, metric};
  if (!gateway.empty()) route.gateway = IpAddress::parse(gateway).value();
  EXPECT_EQ(error_of(stack->add_route(route)), "none");
}

MemPacket Host::packet(Bytes octets) {
  MemPacket out = pool_->allocate();
  if (!out) return out;
  const MutBytes room = out.append(octets.size());
  EXPECT_EQ(room.size(), octets.size()) << "the frame does not fit a packet";
  copy_bytes(room, octets.first(room.size()));
  return out;
}

bool Host::receive(const Octets& octets, InterfaceId interface) {
  MemPacket in = packet(octets);
  if (!in) return false;
  receive(std::move(in), interface);
  return true;
}

void Host::receive(MemPacket in, InterfaceId interface) {
  stack->receive(now_, interface, {&in, 1});
  EXPECT_FALSE(static_cast<bool>(in)) << "a handle of the burst is not empty";
}

void Host::receive(const std::vector<Octets>& burst, InterfaceId interface) {
  std::vector<MemPacket> packets;
  for (const Octets& octets : burst) packets.push_back(packet(octets));
  stack->receive(now_, interface, packets);
}

void Host::turn() {
  stack->expire(now_, 1000);
  stack->transmit(now_, 1000);
  answer_for_the_living();
}

void Host::answer_for_the_living() {
  if (alive.empty()) return;
  std::vector<Octets> answers;
  std::vector<InterfaceId> interfaces;
  std::erase_if(sent_, [&](const Frame& question) {
    const auto found = alive.find(asked_for(question));
    if (found == alive.end()) return false;
    answers.push_back(neighbor_answer(question, found->second));
    interfaces.push_back(question.interface);
    return true;
  });
  for (std::size_t i = 0; i < answers.size(); ++i) receive(answers[i], interfaces[i]);
  if (!answers.empty()) stack->transmit(now_, 1000);
}

void Host::advance(Duration by) {
  const Instant until = now_ + by;
  int turns_at_once = 0;
  for (;;) {
    turn();
    collect_events();
    const Instant next = stack->next_deadline();
    if (next > until) break;
    turns_at_once = next > now_ ? 0 : turns_at_once + 1;
    ASSERT_LT(turns_at_once, 10'000) << "the stack wants turns without end";
    now_ = std::max(now_, next);
  }
  now_ = until;
  turn();
  collect_events();
}

std::vector<Frame> Host::sent() {
  turn();
  return std::exchange(sent_, {});
}

Frame Host::only_sent() {
  std::vector<Frame> frames = sent();
  EXPECT_EQ(frames.size(), 1u) << ::testing::PrintToString(frames);
  return frames.empty() ? Frame{} : frames.front();
}

void Host::collect_events() {
  for (std::span<const SocketEvent> some = stack->events(); !some.empty(); some = stack->events()) {
    for (const SocketEvent& event : some) {
      EXPECT_NE(event.events, 0) << "an event that says nothing";
      const auto known = std::find_if(events_.begin(), events_.end(), [&](const SocketEvent& e) {
        return e.socket == event.socket;
      });
      if (known == events_.end()) {
        events_.push_back(event);
      } else {
        known->events |= event.events;
      }
    }
  }
}

std::vector<SocketEvent> Host::events() {
  collect_events();
  return std::exchange(events_, {});
}

std::uint16_t Host::events_of(SocketId socket) {
  collect_events();
  std::uint16_t bits = 0;
  for (SocketEvent& event : events_) {
    if (event.socket == socket) bits |= std::exchange(event.events, std::uint16_t{0});
  }
  std::erase_if(events_, [](const SocketEvent& event) { return event.events == 0; });
  return bits;
}

std::vector<Host::Dropped> Host::dropped() {
  return std::exchange(dropped_, {});
}

Drop Host::only_dropped() {
  const std::vector<Dropped> all = dropped();
  EXPECT_EQ(all.size(), 1u) << "packets dropped";
  return all.empty() ? static_cast<Drop>(kDropCount) : all.front().reason;
}

void Host::expect_empty() {
  turn();
  collect_events();
  EXPECT_EQ(stack->counters().held.value(), 0u);
  EXPECT_EQ(stack->tcp().connections(), 0u);
  EXPECT_EQ(stack->tcp().half_open().size(), 0u);
  EXPECT_EQ(stack->counters().tcp_curr_estab.value(), 0u);
  EXPECT_EQ(stack->counters().tcp_time_wait.value(), 0u);
  EXPECT_TRUE(stack->tcp().time_wait().empty());
  EXPECT_EQ(pool_->available(), pool_->capacity());
}

void Host::send(InterfaceId interface, std::span<MemPacket> burst) noexcept {
  for (MemPacket& packet : burst) {
    MemPacket taken = std::move(packet);
    if (ring_full) {
      drops_.add(Drop::kTxRingFull);
      ++refused_;
      continue;
    }
    if (show_frames) {
      show(interface, all_octets(taken), taken.meta().tx);
    }
    if (keep_packets) kept.push_back(std::move(taken));
  }
}

void Host::show(InterfaceId interface, Octets octets, const TxOffload& offload) {
  if (offload.ip4_checksum) {
    EXPECT_EQ(be16(octets, offload.l2_len + 10u), 0)
        << "the field that a device fills in must be zero";
  }
  if (offload.segment_size != 0) ++supers_;
  for (const Octets& segment : as_device_sends(std::move(octets), offload)) {
    Frame frame = dissect(segment);
    frame.interface = interface;
    frame.at = now_;
    sent_.push_back(std::move(frame));
  }
}

void Host::on_drop(InterfaceId interface, Direction direction, const MemPacket& packet,
                   Drop reason) noexcept {
  if (!show_frames) return;
  dropped_.push_back({interface, direction, reason, all_octets(packet)});
}

}  // namespace smol
