#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory_resource>
#include <optional>
#include <span>

#include "protocols/base/address.hh"
#include "protocols/base/counter.hh"
#include "protocols/base/error.hh"
#include "protocols/base/random.hh"
#include "protocols/base/result.hh"
#include "protocols/base/slab.hh"
#include "protocols/base/static_vector.hh"
#include "protocols/base/timer_wheel.hh"
#include "protocols/iface/addresses.hh"
#include "protocols/iface/neighbor.hh"
#include "protocols/iface/path_mtu.hh"
#include "protocols/iface/routes.hh"
#include "protocols/packet/buffer.hh"
#include "protocols/stack/colleagues.hh"
#include "protocols/stack/config.hh"
#include "protocols/stack/counters.hh"
#include "protocols/stack/driver.hh"
#include "protocols/stack/listing.hh"
#include "protocols/stack/sharding.hh"
#include "protocols/wire/ethernet.hh"
#include "protocols/wire/ip.hh"

namespace smol {

/// Whose timer fired.
enum class TimerKind : std::uint8_t { kTcpConnection, kTimeWait, kHalfOpen, kNeighbor };

/// The way to a destination, as found once: valid while `epoch` is the network's.
struct Path {
  Handle neighbor;          ///< null: the link address follows from the destination (a group)
  std::uint32_t epoch = 0;  ///< 0: not found yet
  InterfaceId interface = 0;
  std::uint16_t mtu = 0;  ///< octets of an IP packet that go all the way, as far as is known
};

/// What an IP header of ours says beyond the payload.
struct IpHeader {
  IpAddress source;
  IpAddress destination;
  IpProtocol protocol = IpProtocol::kTcp;
  std::uint8_t hop_limit = 64;
  std::uint8_t dscp = 0;
  Ecn ecn = Ecn::kNotEct;
  std::uint32_t flow_label = 0;
};

/// What the transports of a stack share: the time, memory, counters, and the way out: interfaces,
/// addresses, routes, neighbours, and the packets that wait for them.
template <PacketBuffer P>
class Network {
 public:
  struct Interface {
    Text<16> name;
    MacAddress mac;
    std::uint16_t mtu = 1500;
    StaticVector<IpPrefix, 32> addresses;
    PortOffloads offloads;
    std::array<P, 32> tx;
    std::size_t tx_count = 0;
  };

  /// As Stack::Environment.
  Network(const StackConfig& config, const StackSecrets& secrets, typename P::Pool& pool,
          std::pmr::memory_resource& memory, PacketSink<P>& sink, DropCounters& drops,
          const Sharding& sharding, Colleagues* colleagues, Instant start);
  ~Network();

  // --- shared state
  // --------------------------------------------------------------------------------

  const StackConfig& config() const noexcept { return config_; }
  const StackSecrets& secrets() const noexcept { return secrets_; }
  typename P::Pool& pool() noexcept { return pool_; }
  StackCounters& counters() noexcept { return counters_; }
  const StackCounters& counters() const noexcept { return counters_; }
  Rng& rng() noexcept { return rng_; }
  TimerWheel& wheel() noexcept { return wheel_; }
  Instant next_timer() const noexcept { return wheel_.next_deadline(); }
  Instant now() const noexcept { return now_; }
  void set_now(Instant now) noexcept {
    now_ = now;
    if (path_mtus_.has_changed(now)) [[unlikely]]
      forget_paths();
  }
  void set_drop_observer(DropObserver<P>* observer) noexcept { observer_ = observer; }
  const Sharding& sharding() const noexcept { return sharding_; }
  /// Null: there are none.
  Colleagues* colleagues() noexcept { return colleagues_; }

  // However small the pool, packets are left to receive with: without an acknowledgement nothing
  // comes free.
  /// Fewer free packets than the share that sockets may not touch: windows stop growing, nothing is
  /// kept out of order, each connection queues but little.
  bool short_of_memory() const noexcept { return pool_.available() < reserve_; }
  /// Half of that: no new connections.
  bool refuses_connections() const noexcept {
    return pool_.available() < std::max<std::size_t>(reserve_ / 2, 3);
  }
  /// How many packets one socket may keep to send: two whatever happens (one while packets are
  /// short, none when they are out), beyond that an eighth of what nobody has taken. The more
  /// sockets queue, the less each may: some peers that do not read do not take what others need.
  std::size_t send_share() const noexcept {
    constexpr std::size_t kLeast = 2;
    const std::size_t free = pool_.available();
    if (free >= reserve_) [[likely]]
      return kLeast + (free - reserve_) / 8;
    return out_of_memory() ? 0 : 1;
  }
  /// To how many octets a receive buffer may grow: an eighth of what nobody has taken, of packets
  /// that are half full. What is queued to be read is never in packets less than a quarter full.
  std::uint32_t receive_share() const noexcept {
    constexpr std::size_t kHalf = 1024;
    const std::size_t free = pool_.available();
    const std::size_t octets = free > reserve_ ? (free - reserve_) / 8 * kHalf : 0;
    return static_cast<std::uint32_t>(std::min<std::size_t>(octets, 1u << 30));
  }
  /// A quarter: nothing is queued to send, and text is dropped rather than kept for those who leave
  /// text unread.
  bool out_of_memory() const noexcept {
    return pool_.available() < std::max<std::size_t>(reserve_ / 4, 2);
  }

  // --- the fate of packets
  // ---------------------------------------------------------------------------

  /// A received packet goes no further.
  void drop(InterfaceId interface, P packet, Drop reason) noexcept {
    drop_packet(interface, Direction::kRx, std::move(packet), reason);
  }
  /// A packet of ours goes no further.
  void drop_outgoing(InterfaceId interface, P packet, Drop reason) noexcept {
    drop_packet(interface, Direction::kTx, std::move(packet), reason);
  }
  /// A protocol took a received packet, and is done with it.
  void consume(P packet) noexcept {
    counters_.consumed.add();
    static_cast<void>(P{std::move(packet)});
  }
  /// An empty packet to build on; empty handle and a count if there is none.
  P make() noexcept { return made(pool_.allocate()); }
  P make_small() noexcept { return made(pool_.allocate_small()); }

  // --- interfaces and addresses
  // ----------------------------------------------------------------------

  Result<InterfaceId, Error> add_interface(const InterfaceConfig& config) noexcept;
  Interface& interface(InterfaceId id) noexcept { return interfaces_.at(id); }
  const Interface& interface(InterfaceId id) const noexcept { return interfaces_.at(id); }
  bool has_interface(InterfaceId id) const noexcept { return interfaces_.live(id); }
  AddressTable& addresses() noexcept { return addresses_; }
  const AddressTable& addresses() const noexcept { return addresses_; }
  // Semantics as in Stack.
  Result<void, Error> add_address(InterfaceId interface, const IpPrefix& address) noexcept;
  Result<void, Error> delete_address(InterfaceId interface, const IpPrefix& address) noexcept;
  Slice interfaces_from(Cursor from, std::span<InterfaceInfo> out) const noexcept;
  /// The interface that owns a unicast address. O(interfaces): for calls, not for packets.
  std::optional<InterfaceId> owner_of(const IpAddress& address) const noexcept;

  // --- routes and neighbours
  // -------------------------------------------------------------------------

  // Semantics as in Stack.
  Result<void, Error> add_route(const Route& route) noexcept;
  Result<void, Error> replace_route(const Route& route) noexcept;
  Result<Route, Error> delete_route(const RouteMatch& match) noexcept;
  Result<RouteAnswer, Error> find_route(const RouteQuery& query) const noexcept;
  Slice routes_from(Cursor from, std::span<Route> out) const noexcept;
  Result<void, Error> add_neighbor(InterfaceId interface, const IpAddress& address,
                                   const MacAddress& mac) noexcept;
  Result<void, Error> replace_neighbor(InterfaceId interface, const IpAddress& address,
                                       const MacAddress& mac) noexcept;
  Result<void, Error> delete_neighbor(InterfaceId interface, const IpAddress& address) noexcept;
  Slice flush_neighbors(InterfaceId interface, Cursor from) noexcept;
  Slice neighbors_from(Cursor from, std::span<NeighborInfo> out) const noexcept;
  Slice path_mtus_from(Cursor from, std::span<PathMtuInfo> out) const noexcept;
  const RouteTable& routes() const noexcept { return routes_; }
  NeighborCache& neighbors() noexcept { return neighbors_; }
  const NeighborCache& neighbors() const noexcept { return neighbors_; }

  /// Where a packet to `destination` leaves, and from which of our addresses.
  struct Egress {
    InterfaceId interface;
    IpAddress source;
    IpAddress next_hop;
    const Route* route = nullptr;  ///< until the table changes; null: it took none
  };
  /// `source`: one the caller insists on. `interface`: one it insists on, needed for link-local and
  /// group destinations. Errors: kNetworkUnreachable, kAddressNotAvailable, kInvalid (a link-local
  /// or group destination and more than one interface to choose from).
  Result<Egress, Error> route(const IpAddress& destination, std::optional<IpAddress> source,
                              std::optional<InterfaceId> interface) const noexcept;

  /// How long a packet may be.
  struct Mtu {
    std::uint16_t link =
        0;  ///< on the first link, and by its route's word: what we can receive, too
    std::uint16_t path = 0;  ///< all the way, by what routers told: at most `link`
  };
  /// `interface`: where it leaves if no route says; the only one for scoped destinations.
  Mtu mtu_to(const IpAddress& destination, InterfaceId interface) const noexcept;
  /// A router said that packets to this destination may be `mtu` octets long at most. True: it is
  /// news.
  bool lower_path_mtu(InterfaceId interface, const IpAddress& destination,
                      std::uint16_t mtu) noexcept;

  /// Is a path as the routes and addresses are now?
  bool is_current(const Path& path) const noexcept { return path.epoch == epoch_; }

  /// Has the neighbour on this way just failed to answer? What is sent to it now would be dropped.
  bool has_failed(InterfaceId interface, const IpAddress& next_hop) noexcept {
    const Neighbor* neighbor = neighbors_.find(interface, next_hop);
    return neighbor != nullptr && neighbor->state == NeighborState::kFailed;
  }
  bool has_failed(const Path& path) noexcept {
    const Neighbor* neighbor = neighbors_.get(path.neighbor);
    return neighbor != nullptr && neighbor->state == NeighborState::kFailed;
  }
  /// Performs what a neighbour's change asks for, and sees to its timer.
  void perform(const NeighborAction& action) noexcept;
  void on_neighbor_timer(TimerNode& node) noexcept;
  /// A message on a link of which this is the home worker told of a neighbour: for the cache, and
  /// for the colleagues.
  void hear(const NeighborNews& news) noexcept;
  /// The same from the home worker.
  void take_news(const NeighborNews& news) noexcept;
  /// A colleague asks, and this is the home worker.
  void answer(const NeighborQuestion& question) noexcept;
  /// Who is told of packets that found no neighbour: the ICMP layer, which tells the sockets.
  class Unreachable {
   public:
    virtual ~Unreachable() = default;
    /// `packet`: from its IP header on.
    virtual void on_unreachable(InterfaceId interface, const P& packet) noexcept = 0;
  };
  void set_unreachable(Unreachable* unreachable) noexcept { unreachable_ = unreachable; }
  /// The transport heard of new data acknowledged over this path (RFC 4861 section 7.3.1).
  void confirm(const Path& path) noexcept {
    if (path.neighbor) neighbors_.confirm(now_, path.neighbor);
  }
  void doubt(const Path& path) noexcept {
    if (path.neighbor) neighbors_.doubt(now_, path.neighbor);
  }

  // --- sending
  // -------------------------------------------------------------------------------------

  /// Headers that send() puts in front of a transport packet.
  static constexpr std::size_t kHeadroom = 14 + 40;

  /// Sends a transport packet: puts IP and link headers in front. `path` is found anew if it is
  /// stale. The transport checksum is filled in or asked for already. Whatever happens, the packet
  /// is accounted for.
  void send(P packet, const IpHeader& header, Path& path) noexcept;
  /// As send() for what is sent once: a path is looked up and forgotten.
  void send_once(P packet, const IpHeader& header, InterfaceId interface) noexcept;
  /// As send_once(), to a neighbour on this very link, whatever the routes say.
  void send_on_link(P packet, const IpHeader& header, InterfaceId interface) noexcept;
  /// As send_once(), to a link address that is known: no neighbour is looked up, and none is waited
  /// for.
  void send_direct(P packet, const IpHeader& header, InterfaceId interface,
                   const MacAddress& to) noexcept;
  /// Sends a frame that is complete.
  void send_frame(InterfaceId interface, P frame) noexcept;
  void flush() noexcept;

  /// ARP requests, and the neighbour solicitations of IPv6, are built where the addresses are.
  void send_arp(InterfaceId interface, bool request, const MacAddress& to, const IpAddress& sender,
                const MacAddress& target_mac, const IpAddress& target) noexcept;
  void send_neighbor_solicit(InterfaceId interface, const Neighbor& neighbor, bool to_all) noexcept;

 private:
  P made(P packet) noexcept {
    counters_.made.add();
    if (!packet) [[unlikely]] {
      counters_.dropped.add();
      drops_.add(Drop::kTxNoBuffer);
    }
    return packet;
  }
  void drop_packet(InterfaceId interface, Direction direction, P packet, Drop reason) noexcept {
    counters_.dropped.add();
    drops_.add(reason);
    if (observer_ != nullptr) observer_->on_drop(interface, direction, packet, reason);
  }
  struct Entry {
    IpAddress address;
    AddressKind kind;
  };
  using Entries = StaticVector<Entry, 4>;
  static Entries entries_for(const IpPrefix& address) noexcept;
  /// Does a destination mean nothing without an interface?
  static bool is_scoped(const IpAddress& destination) noexcept {
    return destination.is_link_local() || destination.is_multicast() ||
           destination.is_limited_broadcast();
  }
  /// Routes or addresses have changed: every path is found anew before it is used again.
  void forget_paths() noexcept {
    if (++epoch_ == 0) epoch_ = 1;
  }
  bool may_be_neighbor(InterfaceId interface, const IpAddress& address,
                       const MacAddress& mac) const noexcept;
  void remove_neighbor(Neighbor& neighbor) noexcept;
  static bool may_be_ours(const IpPrefix& address) noexcept;
  Result<void, Error> put_address(InterfaceId interface, const IpPrefix& address) noexcept;
  void remove_address(InterfaceId interface, std::size_t at) noexcept;
  std::uint16_t path_mtu(InterfaceId interface, const IpAddress& destination,
                         std::uint16_t link) const noexcept;
  bool find_path(const IpHeader& header, Path& path, NeighborAction& action, Drop& why) noexcept;
  std::size_t longest_on_wire(P& packet, InterfaceId interface) const noexcept;
  bool fit(P& packet, InterfaceId interface) noexcept;
  static bool become_view(P& packet) noexcept;
  /// A router said that not even the least we cut to gets through: it may fragment.
  bool is_below_least(const Path& path) const noexcept {
    return path.mtu == config_.path_mtu.least4 && path.mtu < interfaces_.at(path.interface).mtu;
  }
  bool put_ip_header(P& packet, const IpHeader& header, InterfaceId interface,
                     bool dont_fragment = true) noexcept;
  void send_to(InterfaceId interface, P packet, const MacAddress& to, bool v4) noexcept;
  void wait_for(Neighbor& neighbor, P packet) noexcept;
  void solicit(const Neighbor& neighbor, bool to_all) noexcept;
  void release_pending(Neighbor& neighbor) noexcept;
  void drop_pending(Neighbor& neighbor) noexcept;
  void flush(InterfaceId id) noexcept;

  StackConfig config_;
  StackSecrets secrets_;
  typename P::Pool& pool_;
  PacketSink<P>& sink_;
  DropCounters& drops_;
  DropObserver<P>* observer_ = nullptr;
  Unreachable* unreachable_ = nullptr;
  const Sharding sharding_;
  Colleagues* const colleagues_;
  StackCounters counters_;
  Instant now_;
  Rng rng_;
  TimerWheel wheel_;
  std::size_t reserve_;
  std::uint32_t epoch_ = 1;
  Slab<Interface> interfaces_;
  AddressTable addresses_;
  RouteTable routes_;
  NeighborCache neighbors_;
  PathMtuCache path_mtus_;
  std::uint16_t next_id_;  ///< of IPv4 packets that a router may fragment
  std::pmr::memory_resource& memory_;
  PacketQueue<P>* pending_;  ///< by neighbour index
};

}  // namespace smol
