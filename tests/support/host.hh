#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <memory_resource>
#include <optional>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "protocols/packet/mem_packet.hh"
#include "protocols/stack/stack.hh"
#include "tests/support/frames.hh"

namespace smol {

void PrintTo(Error error, std::ostream* out);
/// So that a failing expectation says "EADDRINUSE", not a number.
inline std::string error_of(const std::optional<Error>& error) {
  return error ? std::string{name(*error)} : "none";
}
template <class T>
std::string error_of(const Result<T, Error>& result) {
  return result ? "none" : std::string{name(result.error())};
}
/// "readable|peer_closed": the bits of SocketEvents by name.
std::string event_names(std::uint16_t events);

/// received + made = consumed + sent + dropped + held, and every drop has its reason. `refused`:
/// drops that the driver, not the stack, counted in the same table.
void expect_books(const StackCounters& counters, const DropCounters& drops,
                  std::uint64_t refused = 0);

/// A configuration with tables that cost nothing to make, and neighbours that stay REACHABLE for as
/// long as a test takes: a test that is about neighbours sets their times itself.
StackConfig small_config();

/// A stack over plain memory with the driver that it expects, played by the test: frames go in as
/// octets, what it sends is taken apart (dissect() expects of each what must hold for all) and kept
/// until the test asks. At the end the books must balance and every packet must be back in the
/// pool.
class Host final : private PacketSink<MemPacket>, private DropObserver<MemPacket> {
 public:
  struct Options {
    StackConfig config = small_config();
    StackSecrets secrets{Secret{1, 2}, Secret{3, 4}, 5};
    std::uint32_t packets = 256;
    std::uint32_t packet_octets = 2048;
    std::pmr::memory_resource* memory = std::pmr::new_delete_resource();
    MemPool* shared_pool = nullptr;  ///< instead of one of its own
    Instant start{seconds(1000)};
    Sharding sharding{};
    Colleagues* colleagues = nullptr;
  };
  struct Dropped {
    InterfaceId interface;
    Direction direction;
    Drop reason;
    Octets octets;
  };

  explicit Host(const Options& options);
  Host() : Host{Options{}} {}
  ~Host() override;
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  /// Checked to be taken.
  InterfaceId add_interface(const InterfaceConfig& config);
  void add_route(std::string_view destination, std::string_view gateway, InterfaceId interface = 0,
                 std::uint32_t metric = 0);

  // --- time and turns ----------------------------------------------------------------------------

  Instant now() const { return now_; }
  /// A frame from the wire. False: no packet was free to receive it into.
  bool receive(const Octets& octets, InterfaceId interface = 0);
  /// Several in one burst.
  void receive(const std::vector<Octets>& burst, InterfaceId interface = 0);
  /// A packet made by the test.
  void receive(MemPacket packet, InterfaceId interface = 0);
  /// A packet of this host's pool with these octets; empty handle if there is none.
  MemPacket packet(Bytes octets);
  /// The rest of a turn: timers, transmission.
  void turn();
  /// Lets time go by, with a turn whenever the stack wants one.
  void advance(Duration by);

  // --- what came of it
  // -----------------------------------------------------------------------------

  /// The frames sent since the last call.
  std::vector<Frame> sent();
  /// Packets so far that the device was to cut into segments.
  std::uint64_t supers() const { return supers_; }
  /// The one frame sent since the last call, expected to be the only one.
  Frame only_sent();
  /// Events since the last call, one entry a socket.
  std::vector<SocketEvent> events();
  /// The bits that changed on this socket since the last call of events() or of this.
  std::uint16_t events_of(SocketId socket);
  std::vector<Dropped> dropped();
  /// The reason of the one packet dropped since the last call.
  Drop only_dropped();
  std::uint64_t drops(Drop reason) const { return drops_.value(reason); }
  std::uint64_t refused() const { return refused_; }

  void expect_books() const { smol::expect_books(stack->counters(), drops_, refused_); }
  /// Nothing of any connection or packet is left, once all news is told.
  void expect_empty();

  MemPool& pool() { return *pool_; }
  /// Ends the stack before the host: for tests of what destruction frees.
  void end() { stack.reset(); }

  // --- how the link behaves
  // ------------------------------------------------------------------------

  /// Neighbours that answer when the stack asks for them; neither question nor answer is shown.
  std::map<IpAddress, MacAddress> alive;

  /// Keep the packets handed to the port, for the test to look at and to free.
  bool keep_packets = false;
  std::deque<MemPacket> kept;
  /// Take apart what is sent and show it by sent(): off where there are too many.
  bool show_frames = true;
  /// The port takes no packet: each is freed and counted as kTxRingFull.
  bool ring_full = false;

  std::unique_ptr<Stack<MemPacket>> stack;

 private:
  void send(InterfaceId interface, std::span<MemPacket> burst) noexcept override;
  void show(InterfaceId interface, Octets octets, const TxOffload& offload);
  void on_drop(InterfaceId interface, Direction direction, const MemPacket& packet,
               Drop reason) noexcept override;
  void collect_events();
  void answer_for_the_living();

  std::unique_ptr<MemPool> own_pool_;
  MemPool* pool_;
  DropCounters drops_;
  Instant now_;
  std::uint64_t refused_ = 0;
  std::uint64_t supers_ = 0;
  std::vector<Frame> sent_;
  std::vector<Dropped> dropped_;
  std::vector<SocketEvent> events_;
};

/// All octets of a packet, one after the other.
Octets all_octets(const MemPacket& packet);

}  // namespace smol
