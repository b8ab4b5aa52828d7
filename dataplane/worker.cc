#include "dataplane/worker.hh"

#include <algorithm>
#include <sys/prctl.h>
#include <utility>

#include "dataplane/printed.hh"
#include "dataplane/socket_number.hh"
#include "dataplane/wall_clock.hh"

namespace smol::dataplane {
namespace {

/// Bounds of one turn, so that no stage starves another.
constexpr std::size_t kTimersATurn = 256;
constexpr std::size_t kSegmentsATurn = 256;
/// How often a worker that has drained looks whether the others have.
constexpr Duration kDrainedNap = milliseconds(1);

thread_local Worker* this_worker = nullptr;

}  // namespace

Worker::Worker(const Environment& environment)
    : environment_{environment},
      handover_{environment.team, environment.index, *this, counters_},
      memory_{environment.huge_pages},
      stack_{environment.config.stack,
             environment.secrets,
             {environment.pool, memory_, *this, drops_, handover_.sharding(),
              handover_.is_alone() ? nullptr : &handover_},
             monotonic_now()} {
  memory_.seal();
  if (environment.tap != nullptr) stack_.set_drop_observer(this);
  std::vector<PortQueue*> queues;
  for (const std::unique_ptr<Port>& port : environment.ports) {
    queues_.push_back(std::make_unique<PortQueue>(PortQueue::Environment{
        *port, static_cast<std::uint16_t>(environment.index % port->queues()),
        static_cast<InterfaceId>(queues_.size()), stack_, environment.pool, drops_, environment.tap,
        environment.fault_seed + queues_.size(), port->takes_single_segments(), handover_}));
    if (queues_.back()->is_own()) queues.push_back(queues_.back().get());
  }
  if (environment.config.bridge.enabled()) make_bridge();
  idle_ = std::make_unique<Idle>(environment.config.idle, environment.sleep, std::move(queues),
                                 counters_, environment.log, stack_.now());
  environment.team.set_waker(environment.index, idle_.get());
}

Worker::~Worker() = default;

void Worker::make_bridge() {
  const auto named = [&](const std::string& name) {
    const auto found = std::find_if(queues_.begin(), queues_.end(), [&](const auto& queue) {
      return queue->port().name() == name;
    });
    SMOL_CHECK(found != queues_.end());  // validate() saw to it
    return found->get();
  };
  const BridgeConfig& config = environment_.config.bridge;
  bridge_ =
      std::make_unique<Bridge>(Bridge::Environment{{named(config.ports[0]), named(config.ports[1])},
                                                   environment_.config,
                                                   environment_.pool,
                                                   drops_,
                                                   environment_.fault_seed,
                                                   stack_.now()});
}

Result<void, StartError> Worker::configure() {
  for (const std::unique_ptr<Port>& port : environment_.ports) {
    if (auto added = add_interface(*port); !added) return added;
  }
  for (const RouteConfig& route : environment_.config.routes) {
    if (auto added = add_route(route); !added) return added;
  }
  return {};
}

Result<void, StartError> Worker::add_interface(const Port& port) {
  InterfaceConfig config;
  config.name = port.name();
  config.mac = port.mac();
  config.mtu = port.mtu();
  for (const IpPrefix& address : port.config().addresses) config.addresses.push_back(address);
  config.offloads = port.offloads();
  const auto id = stack_.add_interface(config);
  if (id) return {};
  return fail(StartError{"port " + port.name() + ": the stack refuses the interface: " +
                         std::string{sentence(id.error())}});
}

Result<void, StartError> Worker::add_route(const RouteConfig& config) {
  Route route;
  route.destination = config.destination;
  route.gateway = config.gateway;
  route.metric = config.metric;
  route.mtu = config.mtu;
  const auto ports = environment_.ports;
  const auto found = std::find_if(ports.begin(), ports.end(), [&](const auto& port) {
    if (!config.port.empty()) return port->name() == config.port;
    const std::vector<IpPrefix>& own = port->config().addresses;
    return std::any_of(own.begin(), own.end(), [&](const IpPrefix& prefix) {
      return config.gateway && prefix.contains(*config.gateway);
    });
  });
  SMOL_CHECK(found != ports.end());  // validate() saw to it
  route.interface = static_cast<InterfaceId>(found - ports.begin());
  if (const auto added = stack_.add_route(route); !added) {
    return fail(StartError{"route " + printed(config.destination) +
                           ": the stack refuses it: " + std::string{sentence(added.error())}});
  }
  return {};
}

Result<void, StartError> Worker::start_applications(std::span<const ApplicationSpec> specs) {
  for (const ApplicationSpec& spec : specs) {
    const auto owner = static_cast<std::uint16_t>(applications_.size());
    applications_.push_back(spec.make(environment_.index, environment_.log));
    const std::string problem = applications_.back()->start(stack_, owner);
    if (!problem.empty()) return fail(StartError{spec.name + ": " + problem});
  }
  return {};
}

void Worker::run() noexcept {
  this_worker = this;
  // An lcore number of our own: without one every packet would be taken from the pool by itself.
  SMOL_CHECK(rte_thread_register() == 0);
  // The kernel rounds sleeps up by 50 us otherwise.
  prctl(PR_SET_TIMERSLACK, 1UL);
  for (;;) {
    const Instant now = monotonic_now();
    const bool busy = turn(now);
    if (stop_requests_.load(std::memory_order_relaxed) != 0) [[unlikely]] {
      if (may_end(now)) break;
    }
    idle_->after_turn(now, busy, next_deadline());
  }
  for (const auto& application : applications_) application->stopped();
  desk_.close();
  rte_thread_unregister();
  this_worker = nullptr;
}

bool Worker::turn(Instant now) noexcept {
  now_ = now;
  environment_.log.set_time(now);
  if (environment_.tap != nullptr) {
    stack_.set_segment_observer(environment_.tap->wants_segments() ? this : nullptr);
  }
  std::size_t work = 0;
  if (bridge_ != nullptr) work += bridge_->release(now);
  // What others received came first: a device that moves a flow to our queue must not make the
  // packets behind overtake those before.
  if (!handover_.is_alone()) work += handover_.take();
  for (const std::unique_ptr<PortQueue>& queue : queues_) work += queue->receive(now);
  if (bridge_ != nullptr) bridge_->flush();
  if (!handover_.is_alone()) handover_.flush();
  work += stack_.expire(now, kTimersATurn);
  // The stack knows the time by now.
  if (desk_.has_mail()) [[unlikely]]
    work += run_errands();
  if (run_applications()) ++work;
  stack_.transmit(now, kSegmentsATurn);
  if (!handover_.is_alone()) handover_.flush();
  if (desk_.unflushed()) [[unlikely]]
    desk_.flush();
  counters_.turns.add();
  if (work == 0) return false;
  counters_.busy_turns.add();
  return true;
}

std::size_t Worker::run_errands() noexcept {
  WorkerAccess access{environment_.index, stack_, desk_, &stack_, bridge_.get()};
  return desk_.run(access);
}

bool Worker::run_applications() noexcept {
  const std::span<const SocketEvent> events = stack_.events();
  if (events.empty()) return false;
  counters_.events.add(events.size());
  give(events);
  return true;
}

void Worker::give(std::span<const SocketEvent> events) noexcept {
  if (applications_.size() == 1) {
    applications_.front()->on_events(stack_, events);
    return;
  }
  for (std::size_t owner = 0; owner < applications_.size(); ++owner) {
    std::size_t count = 0;
    for (const SocketEvent& event : events) {
      if (event.owner != owner) continue;
      grouped_[count++] = event;
      if (count == grouped_.size()) {
        applications_[owner]->on_events(stack_, {grouped_.data(), std::exchange(count, 0)});
      }
    }
    if (count > 0) applications_[owner]->on_events(stack_, {grouped_.data(), count});
  }
}

Instant Worker::next_deadline() const noexcept {
  // The courier is behind: what is finished is handed out as soon as it has caught up.
  if (desk_.unflushed()) return now_;
  Instant next = std::min(stack_.next_deadline(), drain_until_);
  if (bridge_ != nullptr) next = std::min(next, bridge_->next_deadline());
  for (const std::unique_ptr<PortQueue>& queue : queues_) {
    next = std::min(next, queue->next_deadline());
  }
  return next;
}

/// A worker that has drained turns on until all have: their packets may come by its queues.
bool Worker::may_end(Instant now) noexcept {
  if (!drained_ && drained(now)) {
    drained_ = true;
    environment_.team.has_drained();
  }
  if (!drained_) return false;
  if (environment_.team.all_drained()) return true;
  drain_until_ = now + kDrainedNap;  // nobody wakes it for that
  return false;
}

bool Worker::drained(Instant now) noexcept {
  if (!draining_) {
    draining_ = true;
    drain_until_ = now + environment_.config.drain;
    for (const auto& application : applications_) application->drain(stack_);
    stack_.transmit(now, kSegmentsATurn);
  }
  const std::uint64_t open = stack_.counters().tcp_curr_estab.value();
  const bool hurry = stop_requests_.load(std::memory_order_relaxed) > 1;
  if (open > 0 && now < drain_until_ && !hurry) return false;
  cut_off_.add(open);
  return true;
}

void Worker::request_stop() noexcept {
  stop_requests_.fetch_add(1, std::memory_order_seq_cst);
  idle_->wake();
}

Worker* Worker::current() noexcept {
  return this_worker;
}

void Worker::publish_capture() noexcept {
  if (environment_.tap != nullptr) environment_.tap->publish_all();
}

void Worker::send(InterfaceId interface, std::span<MbufPacket> burst) noexcept {
  queues_[interface]->send(now_, burst);
}

void Worker::take(InterfaceId interface, Direction direction,
                  std::span<MbufPacket> packets) noexcept {
  PortQueue& queue = *queues_[interface];
  direction == Direction::kRx ? queue.take_received(now_, packets)
                              : queue.send_for_other(now_, packets);
}

void Worker::take(const NeighborMessage& message) noexcept {
  message.is_question ? stack_.answer(message.question) : stack_.take_news(message.news);
}

void Worker::refused(InterfaceId interface, Direction direction, MbufPacket packet) noexcept {
  queues_[interface]->refused(now_, direction, std::move(packet));
}

void Worker::on_drop(InterfaceId interface, Direction direction, const MbufPacket& packet,
                     Drop reason) noexcept {
  if (interface < queues_.size()) queues_[interface]->on_drop(now_, direction, packet, reason);
}

void Worker::on_segment(Direction direction, MbufPacket& packet, SocketId socket,
                        const tcp::Trace& trace) noexcept {
  tcp::Trace numbered = trace;
  numbered.socket = socket_number({environment_.index, socket});
  environment_.tap->on_segment(direction, packet, numbered);
}

}  // namespace smol::dataplane
