// A worker's turn over a ring whose other end is the test, in virtual time where time matters.

#include "dataplane/worker.hh"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/wall_clock.hh"
#include "tests/dataplane/capture_fixture.hh"
#include "tests/dataplane/environment.hh"
#include "tests/dataplane/frames.hh"
#include "tests/dataplane/peer.hh"
#include "tests/dataplane/ring_link.hh"

namespace smol::dataplane {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the helpers of this folder

/// Answers datagrams on a port with the same text.
class Echo final : public Application {
 public:
  struct Seen {
    std::vector<std::size_t> bursts;  ///< how many events each call had
    unsigned drains = 0;
    bool foreign = false;  ///< an event of another application
  };

  Echo(Seen& seen, std::uint16_t port) : seen_{seen}, port_{port} {}

  std::string start(Sockets& sockets, std::uint16_t owner) override {
    UdpOptions options;
    options.local = {kOurIp, port_};
    options.owner = owner;
    owner_ = owner;
    const auto opened = sockets.udp_open(options);
    return opened ? ""
                  : "cannot listen on UDP port " + std::to_string(port_) + ": " +
                        std::string{sentence(opened.error())};
  }
  void on_events(Sockets& sockets, std::span<const SocketEvent> events) override {
    seen_.bursts.push_back(events.size());
    for (const SocketEvent& event : events) {
      if (event.owner != owner_) seen_.foreign = true;
      while (const auto datagram = sockets.udp_front(event.socket)) {
        const Octets text{datagram->payload.begin(), datagram->payload.end()};
        UdpSendOptions to;
        to.remote = datagram->source;
        sockets.udp_pop(event.socket);
        EXPECT_TRUE(sockets.udp_send(event.socket, to, text));
      }
    }
  }
  void drain(Sockets&) override { ++seen_.drains; }

 private:
  Seen& seen_;
  const std::uint16_t port_;
  std::uint16_t owner_ = 0;
};

class WorkerTest : public ::testing::Test {
 protected:
  std::FILE* printed_ = std::tmpfile();
  std::unique_ptr<Logger> logger_ = std::make_unique<Logger>(LogLevel::kInfo, printed_);
  std::unique_ptr<RingLink> link_ = std::make_unique<RingLink>("worker");
  std::vector<std::unique_ptr<MbufPool>> pools_;
  std::vector<std::unique_ptr<Port>> ports_;
  Team team_{1, FlowHash{}, Sharding::kBuckets};
  std::unique_ptr<Worker> worker_;
  CaptureHub captures_{{.ring_octets = 1 << 20, .max_sessions = 8, .own_thread = false}};
  std::unique_ptr<CaptureSession> session_;
  Config config_;
  Instant now_ = monotonic_now();

  void SetUp() override {
    config_.ports.resize(1);
    PortConfig& port = config_.ports[0];
    port.name = "smol0";
    port.device = link_->device();
    port.mac = kOurMac;
    port.addresses = {IpPrefix{kOurIp, 24}};
    config_.pool = {.packets = 1024, .small_packets = 1024};
  }
  void TearDown() override {
    worker_.reset();
    link_->take();
    ports_.clear();
    for (const auto& pool : pools_) EXPECT_EQ(pool->in_use(), 0u) << "packets were not freed";
    pools_.clear();
    logger_.reset();
    std::fclose(printed_);
  }

  void make(const std::vector<ApplicationSpec>& applications = {}, bool sleep = true) {
    pools_.push_back(MbufPool::create("worker-test", config_.pool, -1).value());
    auto port = Port::open(config_.ports[0], {eal(), log(), pools_, sleep, 1});
    ASSERT_TRUE(port) << port.error().message;
    ports_.push_back(std::move(*port));
    worker_ = std::make_unique<Worker>(Worker::Environment{0,
                                                           config_,
                                                           ports_,
                                                           *pools_[0],
                                                           team_,
                                                           logger_->add_ring(),
                                                           &captures_.add_tap(),
                                                           {},
                                                           7,
                                                           sleep,
                                                           false});
    const auto configured = worker_->configure();
    ASSERT_TRUE(configured) << configured.error().message;
    const auto started = worker_->start_applications(applications);
    ASSERT_TRUE(started) << started.error().message;
  }
  bool turn(Duration later = Duration{0}) { return worker_->turn(now_ += later); }
  /// The peer becomes known, so that answers need no question.
  void introduce() {
    ASSERT_TRUE(link_->put(arp_request()));
    turn();
    ASSERT_EQ(link_->take().size(), 1u);
  }
  static ApplicationSpec echo(Echo::Seen& seen, std::uint16_t port) {
    return {"echo", [&seen, port](unsigned, Log&) { return std::make_unique<Echo>(seen, port); }};
  }
  void capture(const std::vector<filter::Instruction>& program = {}) {
    CaptureSpec all;
    all.drop = true;
    all.filter = program;
    session_ = captures_.open(all).value();
  }
  std::vector<testing::Seen> captured() {
    captures_.flush({});
    return testing::read_all(*session_);
  }
};

TEST_F(WorkerTest, FrameIsAnsweredInTheTurnThatReceivesIt) {
  make();
  link_->put(arp_request());
  EXPECT_TRUE(turn());
  const auto sent = link_->take();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(type_of(sent[0]), EtherType::kArp);
  const PortCounters& counters = worker_->port_counters(0);
  EXPECT_EQ(counters.rx_packets.value(), 1u);
  EXPECT_EQ(counters.rx_octets.value(), 42u);
  EXPECT_EQ(counters.tx_packets.value(), 1u);
  EXPECT_EQ(counters.tx_octets.value(), sent[0].size());
}

TEST_F(WorkerTest, TurnWithoutWorkSaysSo) {
  make();
  EXPECT_FALSE(turn());
  EXPECT_EQ(worker_->counters().turns.value(), 1u);
  EXPECT_EQ(worker_->counters().busy_turns.value(), 0u);
}

TEST_F(WorkerTest, TurnTakesOneBurstSoThatNothingStarves) {
  make();
  introduce();
  for (std::uint16_t i = 0; i < 40; ++i) link_->put(echo_request(i));
  EXPECT_TRUE(turn());
  EXPECT_EQ(link_->take().size(), 32u);
  EXPECT_TRUE(turn());
  EXPECT_EQ(link_->take().size(), 8u);
}

TEST_F(WorkerTest, FrameLongerThanThePortTakesIsDropped) {
  make();
  introduce();
  Octets longest = echo_request(1, 1500 - 28);
  longest.resize(1500 + 22);  // two VLAN tags' worth of padding
  link_->put(longest);
  Octets longer = longest;
  longer.push_back(0);
  link_->put(longer);
  turn();
  EXPECT_EQ(link_->take().size(), 1u);
  EXPECT_EQ(worker_->drops().value(Drop::kRxFrameTooLong), 1u);
}

TEST_F(WorkerTest, WhatADeviceMergedIsAsLongAsItIsIfItsSegmentsFit) {
  make();
  introduce();
  Octets frame = echo_request(1, 9000);
  frame[0] = 0x06;  // of another host, so that it is seen how far it comes
  link_->put_merged(frame, 1460);
  link_->put_merged(frame, 1600);
  link_->put_merged(frame, 0);
  turn();
  EXPECT_EQ(worker_->drops().value(Drop::kEthOtherHost), 1u);
  EXPECT_EQ(worker_->drops().value(Drop::kRxFrameTooLong), 1u);
  EXPECT_EQ(worker_->drops().value(Drop::kRxBadOffload), 1u);
  EXPECT_EQ(worker_->port_counters(0).rx_merged.value(), 2u);
}

TEST_F(WorkerTest, WhatAFullRingRefusesIsFreedAndCounted) {
  link_ = std::make_unique<RingLink>("narrow", 16);
  config_.ports[0].device = link_->device();
  make();
  introduce();
  for (std::uint16_t i = 0; i < 10; ++i) link_->put(echo_request(i));
  turn();
  for (std::uint16_t i = 10; i < 20; ++i) link_->put(echo_request(i));
  turn();
  EXPECT_EQ(link_->take().size(), 15u);
  EXPECT_EQ(worker_->drops().value(Drop::kTxRingFull), 5u);
  EXPECT_EQ(worker_->port_counters(0).tx_packets.value(), 1u + 15u);
}

TEST_F(WorkerTest, ApplicationsAnswerLeavesInTheSameTurn) {
  Echo::Seen seen;
  make({echo(seen, 7)});
  introduce();
  link_->put(udp_datagram(5000, 7, "hello"));
  turn();
  const auto sent = link_->take();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(text_of(sent[0]), "hello");
  EXPECT_EQ(seen.bursts, (std::vector<std::size_t>{1}));
  EXPECT_EQ(worker_->counters().events.value(), 1u);
}

TEST_F(WorkerTest, ApplicationIsNotCalledForNothing) {
  Echo::Seen seen;
  make({echo(seen, 7)});
  turn();
  link_->put(arp_request());
  turn();
  EXPECT_TRUE(seen.bursts.empty());
}

TEST_F(WorkerTest, EachApplicationGetsItsOwnEventsInOneCall) {
  Echo::Seen first;
  Echo::Seen second;
  Echo::Seen third;
  make({echo(first, 7), echo(second, 8), echo(third, 9)});
  introduce();
  link_->put(udp_datagram(5000, 9, "c"));
  link_->put(udp_datagram(5000, 7, "a"));
  link_->put(udp_datagram(5001, 9, "d"));
  turn();
  EXPECT_EQ(first.bursts.size(), 1u);
  EXPECT_TRUE(second.bursts.empty());
  EXPECT_EQ(third.bursts.size(), 1u);
  EXPECT_FALSE(first.foreign || third.foreign);
  EXPECT_EQ(link_->take().size(), 3u);
}

TEST_F(WorkerTest, ApplicationThatCannotStartIsNamed) {
  Echo::Seen seen;
  make({echo(seen, 7)});
  const std::vector<ApplicationSpec> again = {echo(seen, 7)};
  const auto started = worker_->start_applications(again);
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().message,
            "echo: cannot listen on UDP port 7: address and port are in use");
}

// --- faults ---

TEST_F(WorkerTest, InjectedDropsAreCountedAndCapturedOnceWithTheReason) {
  config_.ports[0].faults.drop_chance = 100;
  make();
  capture();
  link_->put(arp_request());
  turn();
  EXPECT_TRUE(link_->take().empty());
  EXPECT_EQ(worker_->drops().value(Drop::kInjectedDrop), 1u);
  const auto seen = captured();
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_TRUE(seen[0].packet.dropped);
  EXPECT_EQ(seen[0].packet.reason, Drop::kInjectedDrop);
  EXPECT_EQ(seen[0].packet.direction, Direction::kRx);
}

TEST_F(WorkerTest, DelayedPacketsAreSeenAndAnsweredAfterTheirTime) {
  config_.ports[0].faults.delay = milliseconds(10);
  make();
  link_->put(arp_request());
  turn();
  EXPECT_FALSE(turn(milliseconds(9))) << "too early";
  turn(milliseconds(1));
  EXPECT_TRUE(link_->take().empty()) << "the answer is delayed too";
  turn(milliseconds(10));
  EXPECT_EQ(link_->take().size(), 1u);
}

TEST_F(WorkerTest, TransmitLimitHoldsForWhatTheStackSends) {
  config_.ports[0].faults.tx_rate_limit = 3;
  make();
  introduce();
  for (std::uint16_t i = 0; i < 10; ++i) link_->put(echo_request(i));
  turn();
  EXPECT_EQ(link_->take().size(), 2u);
  EXPECT_EQ(worker_->drops().value(Drop::kInjectedTxRate), 8u);
}

TEST_F(WorkerTest, DuplicatesOfAWholeBurstAllArrive) {
  config_.ports[0].faults.duplicate_chance = 100;
  make();
  link_->put(arp_request());
  turn();
  EXPECT_EQ(link_->take().size(), 4u);  // two questions, and both answers twice
  for (std::uint16_t i = 0; i < 32; ++i) link_->put(echo_request(i));
  turn();
  EXPECT_EQ(link_->take().size(), 32u * 4u);
}

TEST_F(WorkerTest, CorruptionIsFoundByTheChecksums) {
  config_.ports[0].faults.corrupt_chance = 100;
  make();
  for (std::uint16_t i = 0; i < 100; ++i) {
    link_->put(echo_request(i));
    turn();
  }
  // Every frame was hit somewhere: in a header, or in what a checksum covers.
  EXPECT_EQ(worker_->stack_counters().icmp_in_echos.value() + worker_->drops().total(), 100u);
  EXPECT_GT(worker_->drops().value(Drop::kIcmpBadChecksum), 30u);
  EXPECT_GT(worker_->drops().value(Drop::kIp4BadChecksum), 5u);
}

// --- captures ---

TEST_F(WorkerTest, CaptureShowsWhatCameWhatLeftAndWhatWasDroppedInOrder) {
  make();
  capture();
  link_->put(arp_request());
  Octets unknown = arp_request();
  unknown[12] = 0x88;
  unknown[13] = 0xb5;
  link_->put(unknown);
  turn();
  const auto seen = captured();
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_FALSE(seen[0].packet.dropped);
  EXPECT_EQ(seen[0].packet.direction, Direction::kRx);
  EXPECT_TRUE(seen[1].packet.dropped);
  EXPECT_EQ(seen[1].packet.reason, Drop::kEthUnknownType);
  EXPECT_EQ(seen[1].octets.size(), unknown.size());
  EXPECT_EQ(seen[2].packet.direction, Direction::kTx);
  EXPECT_EQ(seen[2].packet.unix_ns, seen[0].packet.unix_ns) << "the time of the turn";
}

TEST_F(WorkerTest, CaptureFilterRunsOnTheWorkersPackets) {
  make();
  introduce();
  capture({{filter::kLoadByteAt, 0, 0, 23},  // ip proto 1
           {filter::kJumpEqualK, 0, 1, 1},
           {filter::kReturnK, 0, 0, 65'535},
           {filter::kReturnK, 0, 0, 0}});
  link_->put(arp_request());
  link_->put(echo_request(1));
  turn();
  const auto seen = captured();
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].packet.direction, Direction::kRx);
  EXPECT_EQ(seen[1].packet.direction, Direction::kTx);
  EXPECT_EQ(session_->stats().matched, 2u);
}

TEST_F(WorkerTest, CaptureShowsWhatThePortRefusedOnceWithTheReason) {
  link_ = std::make_unique<RingLink>("tiny", 4);
  config_.ports[0].device = link_->device();
  make();
  capture();
  introduce();
  captured();
  for (std::uint16_t i = 0; i < 3; ++i) link_->put(echo_request(i));
  turn();
  link_->put(echo_request(3));
  turn();
  const auto seen = captured();
  ASSERT_EQ(seen.size(), 8u);
  EXPECT_EQ(std::count_if(seen.begin(), seen.end(), [](const auto& e) { return e.packet.dropped; }),
            1);
  EXPECT_EQ(seen.back().packet.reason, Drop::kTxRingFull);
  EXPECT_EQ(seen.back().packet.direction, Direction::kTx);
}

// --- ports that take no chains ---

TEST_F(WorkerTest, ChainIsCopiedIntoOneBufferForAPortThatTakesNone) {
  make();
  DropCounters drops;
  StackMemory memory{false};
  class NoSink final : public PacketSink<MbufPacket> {
    void send(InterfaceId, std::span<MbufPacket>) noexcept override {}
  } sink;
  Stack<MbufPacket> stack{{}, {}, {*pools_[0], memory, sink, drops}, now_};
  class NoTaker final : public HandoverTaker {
    void take(InterfaceId, Direction, std::span<MbufPacket>) noexcept override {}
    void take(const NeighborMessage&) noexcept override {}
    void refused(InterfaceId, Direction, MbufPacket) noexcept override {}
  } taker;
  WorkerCounters counters;
  Handover handover{team_, 0, taker, counters};
  PortQueue queue{{*ports_[0], 0, 0, stack, *pools_[0], drops, nullptr, 1, true, handover}};
  std::vector<MbufPacket> burst;
  burst.push_back(pools_[0]->allocate());
  copy_bytes(burst[0].append(2), Octets{1, 2});
  MbufPacket tail = pools_[0]->allocate();
  copy_bytes(tail.append(2), Octets{3, 4});
  burst[0].chain(std::move(tail));
  queue.send(now_, burst);
  const auto sent = link_->take_packets();
  ASSERT_EQ(sent.size(), 1u);
  ASSERT_EQ(sent[0].segment(0).size(), 4u);
  EXPECT_EQ(sent[0].segment(0)[3], 4);
  EXPECT_TRUE(sent[0].segment(1).empty());
}

// --- what a port refuses ---

/// DPDK's number of a port's device.
std::uint16_t device_of(const Port& port) {
  const std::string& device = port.config().device;
  std::uint16_t id = 0;
  EXPECT_EQ(rte_eth_dev_get_port_by_name(device.substr(0, device.find(',')).c_str(), &id), 0);
  return id;
}

/// Makes the device take no packet of this size, nor what comes behind it in the same call.
std::uint16_t refuse_size(std::uint16_t, std::uint16_t, rte_mbuf** packets, std::uint16_t count,
                          void* size) {
  for (std::uint16_t i = 0; i < count; ++i) {
    if (packets[i]->pkt_len == *static_cast<std::uint32_t*>(size)) return i;
  }
  return count;
}

TEST_F(WorkerTest, PacketThatTheDeviceDoesNotLikeCostsNoOther) {
  make();
  introduce();
  std::uint32_t disliked = 14 + 20 + 8 + 57;
  const auto* callback = rte_eth_add_tx_callback(device_of(*ports_[0]), 0, refuse_size, &disliked);
  for (std::uint16_t i = 0; i < 5; ++i) link_->put(echo_request(i, i == 2 ? 57 : 56));
  turn();
  const auto sent = link_->take();
  ASSERT_EQ(sent.size(), 4u);
  EXPECT_EQ(sequence_of(sent[2]), 3);
  EXPECT_EQ(worker_->drops().value(Drop::kTxRingFull), 1u);
  rte_eth_remove_tx_callback(device_of(*ports_[0]), 0, callback);
}

TEST_F(WorkerTest, WhatAPortThatIsDownRefusesIsCountedAsThat) {
  link_ = std::make_unique<RingLink>("down", 4);
  config_.ports[0].device = link_->device();
  make();
  introduce();
  rte_eth_dev_set_link_down(device_of(*ports_[0]));
  for (std::uint16_t i = 0; i < 3; ++i) link_->put(echo_request(i));
  turn();
  link_->put(echo_request(3));
  turn();
  EXPECT_EQ(worker_->drops().value(Drop::kTxPortDown), 1u);
  EXPECT_EQ(worker_->drops().value(Drop::kTxRingFull), 0u);
}

TEST_F(WorkerTest, JumboFrameIsAChainBothWays) {
  config_.ports[0].mtu = 9000;
  make();
  introduce();
  link_->put(echo_request(1, 8000));
  turn();
  const auto sent = link_->take();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].size(), 14u + 20 + 8 + 8000);
  EXPECT_TRUE(internet_sum(Bytes{sent[0]}.subspan(34)).verifies());
}

// --- the end of connections ---

/// Takes one connection; closes it when it drains, or not.
class Holder final : public Application {
 public:
  Holder(bool polite, SocketId& connection) : polite_{polite}, connection_{connection} {}

  std::string start(Sockets& sockets, std::uint16_t owner) override {
    TcpListenOptions options;
    options.local = {kOurIp, 80};
    options.owner = owner;
    listener_ = sockets.tcp_listen(options).value();
    return "";
  }
  void on_events(Sockets& sockets, std::span<const SocketEvent> events) override {
    for (const SocketEvent& event : events) {
      if ((event.events & SocketEvents::kAcceptable) != 0) {
        connection_ = sockets.tcp_accept(event.socket).value();
      }
    }
  }
  void drain(Sockets& sockets) override {
    sockets.close(listener_);
    if (polite_) sockets.close(connection_);
  }

 private:
  const bool polite_;
  SocketId& connection_;
  SocketId listener_;
};

class DrainTest : public WorkerTest {
 protected:
  SocketId connection_;
  SocketId theirs_;
  std::unique_ptr<Peer> peer_ = std::make_unique<Peer>(now_);

  void carry(Instant now) {
    for (const Octets& frame : peer_->turn(now, link_->take())) link_->put(frame);
  }
  void connect(bool polite) {
    make({{"holder",
           [&, polite](unsigned, Log&) { return std::make_unique<Holder>(polite, connection_); }}});
    TcpConnectOptions to;
    to.remote = {kOurIp, 80};
    theirs_ = peer_->sockets().tcp_connect(to).value();
    for (int i = 0; i < 20 && !connection_; ++i) {
      carry(now_);
      turn(milliseconds(1));
    }
    ASSERT_TRUE(connection_);
    ASSERT_TRUE(peer_->connected());
  }
};

TEST_F(DrainTest, ConnectionThatStaysOpenIsCutOffWhenTheTimeIsOver) {
  config_.drain = milliseconds(30);
  connect(false);
  const Instant before = monotonic_now();
  worker_->request_stop();
  std::thread thread{[&] { worker_->run(); }};
  thread.join();
  EXPECT_GE(monotonic_now() - before, milliseconds(30));
  EXPECT_EQ(worker_->cut_off(), 1u);
}

TEST_F(DrainTest, SecondRequestDoesNotWait) {
  config_.drain = seconds(3600);
  connect(false);
  worker_->request_stop();
  worker_->request_stop();
  std::thread thread{[&] { worker_->run(); }};
  thread.join();
  EXPECT_EQ(worker_->cut_off(), 1u);
}

TEST_F(DrainTest, EndsAsSoonAsTheLastConnectionIsClosed) {
  config_.drain = seconds(3600);
  connect(true);
  worker_->request_stop();
  std::thread thread{[&] { worker_->run(); }};
  while (!peer_->peer_closed()) carry(monotonic_now());
  peer_->sockets().close(theirs_);
  std::atomic<bool> over{false};
  std::thread carrier{[&] {
    while (!over) carry(monotonic_now());
  }};
  thread.join();
  over = true;
  carrier.join();
  EXPECT_EQ(worker_->cut_off(), 0u);
}

// --- the thread ---

TEST_F(WorkerTest, SleepingWorkerIsWokenByTheRequestToStop) {
  Echo::Seen seen;
  config_.idle.nap = seconds(1);
  make({echo(seen, 7)});
  std::thread thread{[&] { worker_->run(); }};
  while (worker_->counters().sleeps.value() < 20) std::this_thread::yield();
  worker_->request_stop();
  thread.join();
  EXPECT_EQ(seen.drains, 1u);
}

TEST_F(WorkerTest, NothingButTheRequestWakesAWorkerWithoutPorts) {
  pools_.push_back(MbufPool::create("worker-test", config_.pool, -1).value());
  worker_ = std::make_unique<Worker>(Worker::Environment{
      0, config_, ports_, *pools_[0], team_, logger_->add_ring(), nullptr, {}, 7, true, false});
  std::thread thread{[&] { worker_->run(); }};
  while (worker_->counters().sleeps.value() == 0) std::this_thread::yield();
  worker_->request_stop();
  thread.join();
}

TEST_F(WorkerTest, RequestToStopBeforeTheFirstTurnIsNotLost) {
  config_.idle.nap = seconds(1);
  make();
  worker_->request_stop();
  std::thread thread{[&] { worker_->run(); }};
  thread.join();
  EXPECT_GE(worker_->counters().turns.value(), 1u);
}

TEST_F(WorkerTest, IdleWorkerSleepsAndStillAnswers) {
  make();
  std::thread thread{[&] { worker_->run(); }};
  while (worker_->counters().naps.value() < 5) std::this_thread::yield();
  link_->put(arp_request());
  std::vector<Octets> sent;
  while (sent.empty()) sent = link_->take();
  EXPECT_EQ(type_of(sent[0]), EtherType::kArp);
  worker_->request_stop();
  thread.join();
}

TEST_F(WorkerTest, WorkerThatMayNotSleepSpins) {
  make({}, false);
  std::thread thread{[&] { worker_->run(); }};
  while (worker_->counters().turns.value() < 10'000) std::this_thread::yield();
  worker_->request_stop();
  thread.join();
  EXPECT_EQ(worker_->counters().sleeps.value(), 0u);
}

TEST_F(WorkerTest, ManyRequestsToStopAndPacketsAtOnceAreSafe) {
  make();
  std::thread thread{[&] { worker_->run(); }};
  for (std::uint16_t i = 0; i < 200; ++i) link_->put(echo_request(i));
  std::thread other{[&] { worker_->request_stop(); }};
  worker_->request_stop();
  other.join();
  thread.join();
}

}  // namespace
}  // namespace smol::dataplane
