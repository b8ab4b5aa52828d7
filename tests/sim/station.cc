#include "tests/sim/station.hh"

#include <algorithm>
#include <array>
#include <memory_resource>

#include "tests/support/device.hh"

namespace smol::sim {
namespace {

constexpr std::uint32_t kPacketOctets = 2048;
constexpr std::size_t kTurn = 1000;
constexpr std::uint32_t kSuperText = 65'000;

}  // namespace

StackConfig small_stack() {
  StackConfig config;
  config.limits.interfaces = 1;
  config.limits.addresses = 8;
  config.limits.routes = 8;
  config.limits.neighbors = 16;
  config.limits.connections = 64;
  config.limits.half_open = 64;
  config.limits.sent_runs = 16'384;
  config.limits.listeners = 4;
  config.limits.time_wait = 64;
  config.limits.udp_sockets = 4;
  config.limits.icmp_sockets = 4;
  config.limits.reassembly_ranges = 256;
  return config;
}

Station::Station(const Options& options, Faults& faults)
    : faults_{faults},
      name_{"host " + std::to_string(options.side)},
      offloads_{options.offloads && !options.trusted},
      trusted_{options.trusted},
      transmission_{options.transmission},
      now_{options.start},
      pool_{std::make_unique<MemPool>(options.packets, kPacketOctets,
                                      *std::pmr::new_delete_resource())} {
  stack_ = std::make_unique<Stack<MemPacket>>(
      options.config, options.secrets,
      Stack<MemPacket>::Environment{*pool_, *std::pmr::new_delete_resource(), *this, drops_},
      options.start);
  InterfaceConfig config;
  config.name = "wire0";
  config.mac = mac_of(options.side);
  config.mtu = options.mtu;
  config.addresses = {IpPrefix{address_of(options.side, options.v6), options.v6 ? 64u : 24u}};
  config.offloads.ip4_checksum = config.offloads.tcp_checksum = offloads_ || trusted_;
  config.offloads.tcp_segmentation = options.segmentation && offloads_ ? kSuperText : 0;
  const Result<InterfaceId, Error> id = stack_->add_interface(config);
  faults_.expect(id.has_value(), [&] { return name_ + ": no interface"; });
  for (const IpAddress& address :
       {address_of(1 - options.side, options.v6), router_address(options.v6)}) {
    const bool added = stack_->add_neighbor(0, address, mac_of(1 - options.side)).has_value();
    faults_.expect(added, [&] { return name_ + ": no neighbour"; });
  }
}

Station::~Station() {
  stack_.reset();
  in_transmission_.clear();
  if (pool_->available() != pool_->capacity()) fault("packets leak");
  if (pool_->nodes_available() != 2 * pool_->capacity()) fault("views of packets leak");
}

void Station::receive(Instant now, std::span<const Parcel> burst) {
  now_ = now;
  std::array<MemPacket, 32> packets;
  std::size_t count = 0;
  for (const Parcel& parcel : burst) {
    MemPacket& packet = packets[count] = pool_->allocate();
    if (!packet) {
      ++without_packet_;
      continue;
    }
    copy_bytes(packet.append(parcel.octets.size()), parcel.octets);
    if (trusted_) {
      packet.meta().ip_checksum = packet.meta().l4_checksum = ChecksumState::kGood;
    }
    ++count;
  }
  if (count > 0) stack_->receive(now, 0, {packets.data(), count});
}

void Station::expire(Instant now) {
  now_ = now;
  while (!in_transmission_.empty() && in_transmission_.front().first <= now) {
    in_transmission_.pop_front();
  }
  stack_->expire(now, kTurn);
}

void Station::transmit(Instant now) {
  now_ = now;
  stack_->transmit(now, kTurn);
}

Instant Station::next_deadline() const {
  const Instant next = stack_->next_deadline();
  return in_transmission_.empty() ? next : std::min(next, in_transmission_.front().first);
}

Octets Station::octets_of(MemPacket& packet) {
  Octets out;
  if (spare_ != nullptr && !spare_->empty()) {
    out = std::move(spare_->back());
    spare_->pop_back();
  }
  out.resize(packet.size());
  packet_copy(packet, 0, out);
  return out;
}

void Station::send(InterfaceId, std::span<MemPacket> burst) noexcept {
  for (MemPacket& packet : burst) {
    MemPacket taken = std::move(packet);
    if (offloads_ && taken.meta().tx.any()) {
      packets_cut_ += taken.meta().tx.segment_size != 0 ? 1 : 0;
      for (Octets& frame : as_device_sends(octets_of(taken), taken.meta().tx)) {
        sent_.push_back(std::move(frame));
      }
    } else {
      sent_.push_back(octets_of(taken));
    }
    if (transmission_ > Duration::zero()) {
      in_transmission_.emplace_back(now_ + transmission_, std::move(taken));
    }
  }
}

void Station::check_books() {
  const StackCounters& c = stack_->counters();
  const std::uint64_t in = c.received.value() + c.made.value();
  const std::uint64_t out =
      c.consumed.value() + c.sent.value() + c.dropped.value() + c.held.value();
  if (in != out) {
    fault("the books do not balance: received + made = " + std::to_string(in) +
          ", consumed + sent + dropped + held = " + std::to_string(out));
  }
  if (c.dropped.value() != drops_.total()) fault("a drop without a reason");
}

void Station::check_empty() {
  const StackCounters& c = stack_->counters();
  if (c.held.value() != 0) fault("packets are held at the end");
  if (stack_->tcp().connections() != 0) {
    fault(std::to_string(stack_->tcp().connections()) + " connections are left at the end");
  }
  if (c.tcp_curr_estab.value() != 0) fault("tcp_curr_estab is not 0 at the end");
  if (c.tcp_time_wait.value() != 0 || !stack_->tcp().time_wait().empty()) {
    fault("TIME-WAIT is not empty at the end");
  }
  if (pool_->available() != pool_->capacity()) fault("packets are in use at the end");
}

}  // namespace smol::sim
