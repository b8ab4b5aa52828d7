// Once a stack stands it asks nobody for memory: neither the resource that it was given, nor the
// heap behind it. And the check finds a stack that does.
#include <array>
#include <cstdlib>

#include <gtest/gtest.h>

#include "protocols/packet/mem_packet.hh"
#include "protocols/stack/stack.hh"
#include "tests/support/frames.hh"
#include "tests/support/heap_watch.hh"
#include "tests/support/host.hh"
#include "tests/support/sealed_memory.hh"

namespace smol {
namespace {

constexpr IpAddress kAddress[] = {IpAddress::v4(10, 0, 0, 1), IpAddress::v4(10, 0, 0, 2)};

/// What a stand-in that breaks the rule does with each packet that is sent.
enum class Breaks : std::uint8_t { kNothing, kNew, kMalloc, kResource };

/// A stack and a port, which keeps what is sent in a place of its own: nothing here allocates,
/// unless it is told to.
class End final : private PacketSink<MemPacket> {
 public:
  End(int side, Breaks breaks)
      : pool_{256, 2048, memory_},
        stack{config(),
              StackSecrets{Secret{1, 2}, Secret{3, 4}, 5},
              {pool_, memory_, *this, drops_},
              now},
        breaks_{breaks} {
    InterfaceConfig interface;
    interface.name = "eth0";
    interface.mac = {{2, 0, 0, 0, 0, static_cast<std::uint8_t>(side + 1)}};
    interface.addresses = {IpPrefix{kAddress[side], 24}};
    EXPECT_TRUE(stack.add_interface(interface));
    memory_.seal();
  }

  void turn(Instant at) {
    now = at;
    stack.expire(now, 100);
    for (int i = 0; i < 4 && !stack.events().empty(); ++i) {
    }
    stack.transmit(now, 100);
  }
  /// What the other end has sent, copied into packets of this one's; every `lose`-th is lost.
  void take_from(End& other, std::uint32_t lose) {
    for (std::size_t i = 0; i < other.sent_; ++i) {
      const MemPacket out = std::move(other.out_[i]);
      if (lose > 0 && ++carried_ % lose == 0) continue;
      MemPacket in = pool_.allocate();
      if (!in) continue;
      packet_copy(out, 0, in.append(out.size()));
      stack.receive(now, 0, {&in, 1});
    }
    other.sent_ = 0;
  }

 private:
  static StackConfig config() {
    StackConfig out = small_config();
    out.tcp.time_wait = seconds(1);
    out.neighbor.reachable_time = seconds(5);
    return out;
  }
  void send(InterfaceId, std::span<MemPacket> burst) noexcept override {
    for (MemPacket& packet : burst) {
      MemPacket taken = std::move(packet);
      // Volatile, else a compiler sees that nobody wants the memory.
      if (breaks_ == Breaks::kNew) {
        std::uint8_t* volatile at = new std::uint8_t[8];
        delete[] at;
      }
      if (breaks_ == Breaks::kMalloc) {
        void* volatile at = std::malloc(8);
        std::free(at);
      }
      if (breaks_ == Breaks::kResource) memory_.deallocate(memory_.allocate(8), 8);
      if (sent_ < out_.size()) out_[sent_++] = std::move(taken);
    }
  }

  SealedMemory memory_;
  MemPool pool_;
  DropCounters drops_;
  std::array<MemPacket, 512> out_;
  std::size_t sent_ = 0;
  std::uint32_t carried_ = 0;

 public:
  Instant now{seconds(1000)};
  Stack<MemPacket> stack;

 private:
  Breaks breaks_;
};

/// Everything that a stack does in a day: connections both ways with losses, datagrams, echoes,
/// neighbours found and forgotten, errors, ends of every kind.
class Day {
 public:
  explicit Day(Breaks breaks) : a_{0, breaks}, b_{1, Breaks::kNothing} {}

  void run() {
    TcpListenOptions listen;
    listen.local = {IpAddress::v4(0), 80};
    const SocketId listener = b_.stack.tcp_listen(listen).value();
    UdpOptions datagrams;
    datagrams.local = {IpAddress::v4(0), 53};
    const SocketId udp = b_.stack.udp_open(datagrams).value();
    const SocketId asker = a_.stack.udp_open(UdpOptions{{IpAddress::v4(0), 0}, {}}).value();
    for (int round = 0; round < 6; ++round) {
      TcpConnectOptions connect;
      connect.remote = {kAddress[1], 80};
      const SocketId client = a_.stack.tcp_connect(connect).value();
      for (int i = 0; i < 20; ++i) step(milliseconds(1), 0);
      const auto server = b_.stack.tcp_accept(listener);
      ASSERT_EQ(error_of(server), "none");
      talk(client, *server);
      ask(asker, udp);
      (round % 2 == 0) ? a_.stack.abort(client) : a_.stack.close(client);
      for (int i = 0; i < 20; ++i) step(milliseconds(100), 0);
      b_.stack.close(*server);
      for (int i = 0; i < 20; ++i) step(seconds(1), 0);
    }
    for (const SocketId socket : {listener, udp}) b_.stack.close(socket);
    a_.stack.close(asker);
  }
  std::uint64_t transferred() const { return transferred_; }

 private:
  void step(Duration time, std::uint32_t lose) {
    now_ += time;
    a_.turn(now_);
    b_.turn(now_);
    a_.take_from(b_, lose);
    b_.take_from(a_, lose);
    a_.turn(now_);
    b_.turn(now_);
  }
  void talk(SocketId client, SocketId server) {
    for (int i = 0; i < 200; ++i) {
      static_cast<void>(a_.stack.write(client, Bytes{octets_}.first(3000)));
      static_cast<void>(b_.stack.write(server, Bytes{octets_}.first(70)));
      transferred_ += b_.stack.read(server, octets_) + a_.stack.read(client, octets_);
      step(milliseconds(5), 23);
    }
    // All that is on its way comes, and is read.
    for (int i = 0; i < 100; ++i) {
      step(milliseconds(100), 0);
      transferred_ += b_.stack.read(server, octets_) + a_.stack.read(client, octets_);
    }
  }
  void ask(SocketId asker, SocketId udp) {
    static_cast<void>(a_.stack.udp_send(asker, {{kAddress[1], 53}, {}, {}}, octets_));
    static_cast<void>(
        a_.stack.udp_send(asker, {{kAddress[1], 54}, {}, {}}, Bytes{octets_}.first(9)));
    static_cast<void>(a_.stack.udp_send(asker, {{IpAddress::v4(10, 0, 0, 77), 9}, {}, {}},
                                        Bytes{octets_}.first(9)));
    static_cast<void>(
        a_.stack.udp_send(asker, {{kAddress[1], 53}, {}, {}}, Bytes{octets_}.first(9)));
    for (int i = 0; i < 5; ++i) step(milliseconds(1), 0);
    if (b_.stack.udp_front(udp)) b_.stack.udp_pop(udp);
  }

  std::array<std::uint8_t, 4096> octets_{};
  std::uint64_t transferred_ = 0;
  Instant now_{seconds(1000)};
  End a_;
  End b_;
};

std::uint64_t requests_of_a_day(Breaks breaks) {
  Day day{breaks};
  const std::uint64_t requests = HeapWatch::requests_of([&] { day.run(); });
  EXPECT_GT(day.transferred(), 100'000u);
  return requests;
}

TEST(NoAllocation, AStackThatStandsAsksForNoMemory) {
  EXPECT_EQ(requests_of_a_day(Breaks::kNothing), 0u);
}

TEST(NoAllocation, AStackThatUsesNewIsFound) {
  EXPECT_GT(requests_of_a_day(Breaks::kNew), 0u);
}

TEST(NoAllocation, AStackThatUsesMallocIsFound) {
  EXPECT_GT(requests_of_a_day(Breaks::kMalloc), 0u);
}

TEST(NoAllocationDeathTest, AStackThatAsksItsResourceAgainIsFound) {
  EXPECT_DEATH(requests_of_a_day(Breaks::kResource), "memory was asked for after it was sealed");
}

}  // namespace
}  // namespace smol
