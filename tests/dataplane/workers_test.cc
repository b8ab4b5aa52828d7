// Several workers over one port, turned by the test one after the other, or on threads of their
// own: each flow is its owner's, whichever queue it comes by.

#include <algorithm>
#include <atomic>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/dpdk.hh"
#include "dataplane/wall_clock.hh"
#include "dataplane/worker.hh"
#include "tests/dataplane/environment.hh"
#include "tests/dataplane/frames.hh"
#include "tests/dataplane/ring_link.hh"

namespace smol::dataplane {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the helpers of this folder

/// Answers datagrams on port 7 with the same text, and keeps count of whom it served and of what it
/// was told of its answers.
class Echo final : public Application {
 public:
  struct Served {
    std::vector<std::uint16_t> ports;  ///< of the peer, one a datagram
    std::vector<Error> errors;
    std::atomic<bool> drained{false};
  };

  explicit Echo(Served& served) : served_{served} {}
  std::string start(Sockets& sockets, std::uint16_t owner) override {
    UdpOptions options;
    options.local = {kOurIp, 7};
    options.owner = owner;
    return sockets.udp_open(options) ? "" : "cannot open port 7";
  }
  void on_events(Sockets& sockets, std::span<const SocketEvent> events) override {
    for (const SocketEvent& event : events) {
      if (const auto error = sockets.soft_error(event.socket)) served_.errors.push_back(*error);
      while (const auto datagram = sockets.udp_front(event.socket)) {
        served_.ports.push_back(datagram->source.port);
        const Octets text{datagram->payload.begin(), datagram->payload.end()};
        UdpSendOptions to;
        to.remote = datagram->source;
        sockets.udp_pop(event.socket);
        EXPECT_TRUE(sockets.udp_send(event.socket, to, text));
      }
    }
  }
  void drain(Sockets&) override { served_.drained = true; }

 private:
  Served& served_;
};

class WorkersTest : public ::testing::Test {
 protected:
  std::FILE* printed_ = std::tmpfile();
  std::unique_ptr<Logger> logger_ = std::make_unique<Logger>(LogLevel::kInfo, printed_);
  std::unique_ptr<RingLink> link_;
  std::vector<std::unique_ptr<MbufPool>> pools_;
  std::vector<std::unique_ptr<Port>> ports_;
  std::unique_ptr<Team> team_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::deque<Echo::Served> served_;  ///< by worker; none moves
  Config config_;
  Instant now_ = monotonic_now();

  void TearDown() override {
    workers_.clear();
    if (link_ != nullptr) link_->take();
    ports_.clear();
    for (const auto& pool : pools_) EXPECT_EQ(pool->in_use(), 0u) << "packets were not freed";
    pools_.clear();
    logger_.reset();
    std::fclose(printed_);
  }

  void make(unsigned workers, unsigned queues) {
    static int number = 0;
    link_ = std::make_unique<RingLink>("workers" + std::to_string(number++), 4096, queues);
    config_.workers.count = workers;
    PortConfig& port = config_.ports.emplace_back();
    port.name = "smol0";
    port.device = link_->device();
    port.mac = kOurMac;
    port.addresses = {IpPrefix{kOurIp, 24}};
    config_.pool = {.packets = 2048, .small_packets = 1024};
    for (unsigned worker = 0; worker < workers; ++worker) {
      pools_.push_back(
          MbufPool::create("workers-test" + std::to_string(worker), config_.pool, -1, true)
              .value());
    }
    auto opened = Port::open(port, {eal(), log(), pools_, true, 1});
    ASSERT_TRUE(opened) << opened.error().message;
    ports_.push_back(std::move(*opened));
    EXPECT_EQ(ports_[0]->queues(), std::min(workers, queues));
    team_ = std::make_unique<Team>(workers, FlowHash{0x4e2d}, Sharding::kBuckets);
    served_.resize(workers);
    for (unsigned worker = 0; worker < workers; ++worker) {
      workers_.push_back(std::make_unique<Worker>(Worker::Environment{worker,
                                                                      config_,
                                                                      ports_,
                                                                      *pools_[worker],
                                                                      *team_,
                                                                      logger_->add_ring(),
                                                                      nullptr,
                                                                      {},
                                                                      7,
                                                                      true,
                                                                      false}));
      ASSERT_TRUE(workers_.back()->configure());
      const ApplicationSpec echo{
          "echo", [this](unsigned index, Log&) { return std::make_unique<Echo>(served_[index]); }};
      const auto started = workers_.back()->start_applications({&echo, 1});
      ASSERT_TRUE(started) << started.error().message;
    }
  }
  /// Twice: what one hands to another in a turn, the other takes in its next.
  void turn() {
    for (int round = 0; round < 2; ++round) {
      for (const auto& worker : workers_) worker->turn(now_);
      now_ += milliseconds(1);
    }
  }
  unsigned owner(std::uint16_t peer_port) const {
    return team_->sharding(0).owner({kPeerIp, peer_port}, {kOurIp, 7});
  }
  void introduce() {
    ASSERT_TRUE(link_->put(arp_request()));
    turn();
    turn();
    ASSERT_EQ(link_->take().size(), 1u) << "one answer, of the home worker";
  }
  std::uint64_t drops(Drop reason) const {
    std::uint64_t sum = 0;
    for (const auto& worker : workers_) sum += worker->drops().value(reason);
    return sum;
  }
};

struct Shape {
  unsigned workers;
  unsigned queues;
};

class WorkersOverQueues : public WorkersTest, public ::testing::WithParamInterface<Shape> {};

TEST_P(WorkersOverQueues, ServeEachFlowByItsOwnerWhicheverQueueItComesBy) {
  make(GetParam().workers, GetParam().queues);
  introduce();
  constexpr std::uint16_t kFlows = 300;
  unsigned queue = 0;
  for (int round = 0; round < 3; ++round) {
    for (std::uint16_t flow = 0; flow < kFlows; ++flow) {
      const auto port = static_cast<std::uint16_t>(1000 + flow);
      ASSERT_TRUE(
          link_->put(udp_datagram(port, 7, std::to_string(flow)), queue++ % ports_[0]->queues()));
    }
    for (int i = 0; i < 40; ++i) turn();
  }
  std::vector<Octets> sent = link_->take();
  EXPECT_EQ(sent.size(), 3u * kFlows);
  std::size_t strangers = 0;
  for (unsigned worker = 0; worker < served_.size(); ++worker) {
    EXPECT_FALSE(served_[worker].ports.empty()) << "worker " << worker << " has no share";
    for (const std::uint16_t port : served_[worker].ports)
      strangers += owner(port) != worker ? 1 : 0;
  }
  EXPECT_EQ(strangers, 0u);
  std::vector<int> answers(kFlows);
  for (const Octets& frame : sent) {
    ++answers[static_cast<std::size_t>(std::stoi(std::string{testing::text_of(frame)}))];
  }
  EXPECT_TRUE(std::all_of(answers.begin(), answers.end(), [](int n) { return n == 3; }));
}

INSTANTIATE_TEST_SUITE_P(Shapes, WorkersOverQueues,
                         ::testing::Values(Shape{1, 1}, Shape{2, 2}, Shape{3, 3}, Shape{4, 4},
                                           Shape{4, 1}, Shape{3, 2}),
                         [](const auto& shape) {
                           return std::to_string(shape.param.workers) + "WorkersOver" +
                                  std::to_string(shape.param.queues);
                         });

TEST_F(WorkersTest, AFlowThatADeviceMovesToAnotherQueueKeepsItsOrder) {
  make(2, 2);
  introduce();
  std::uint16_t theirs = 1000;
  while (owner(theirs) != 1) ++theirs;
  ASSERT_TRUE(link_->put(udp_datagram(theirs, 7, "first"), 0));
  ASSERT_TRUE(link_->put(udp_datagram(theirs, 7, "second"), 1));
  turn();
  const std::vector<Octets> sent = link_->take();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(testing::text_of(sent[0]), "first");
  EXPECT_EQ(testing::text_of(sent[1]), "second");
}

TEST_F(WorkersTest, WordsThatAnotherCannotTakeAreCounted) {
  make(2, 1);
  for (std::size_t i = 0; i < Team::kMessages + 10; ++i) {
    ASSERT_TRUE(link_->put(arp_request()));
    workers_[0]->turn(now_);
  }
  EXPECT_EQ(workers_[0]->counters().messages_lost.value(), 10u);
}

TEST_F(WorkersTest, WhatAnotherCannotTakeIsANamedDrop) {
  make(2, 1);
  introduce();
  std::uint16_t theirs = 1000;
  while (owner(theirs) != 1) ++theirs;
  constexpr std::size_t kMany = Team::kPackets + 100;
  std::size_t put = 0;
  while (put < kMany) {
    ASSERT_TRUE(link_->put(udp_datagram(theirs, 7, "x")));
    if (++put % 32 == 0) workers_[0]->turn(now_);
  }
  for (int i = 0; i < 10; ++i) workers_[0]->turn(now_);
  EXPECT_EQ(workers_[0]->drops().value(Drop::kHandoverFull), kMany - Team::kPackets);
  EXPECT_EQ(workers_[0]->counters().handed_over.value(), Team::kPackets + 0u);
  for (int i = 0; i < 20; ++i) turn();
  EXPECT_EQ(served_[1].ports.size(), Team::kPackets);
}

/// The peer's router or the peer itself complains of a packet of ours.
Octets port_unreachable(const Octets& ours) {
  Octets message(Icmp4EchoRepr::header_len());
  message[0] = static_cast<std::uint8_t>(Icmp4Type::kDestinationUnreachable);
  message[1] = 3;
  message.insert(message.end(), ours.begin() + EthernetRepr::header_len(), ours.end());
  put_be16(message, 2, internet_sum(message).checksum());
  return ip4_frame(IpProtocol::kIcmp, message);
}

// TRAP-49
TEST_F(WorkersTest, AnErrorReachesTheOwnerOfTheFlowThatItQuotes) {
  make(3, 1);
  introduce();
  std::size_t told = 0;
  for (std::uint16_t port = 1000; port < 1030; ++port) {
    ASSERT_TRUE(link_->put(udp_datagram(port, 7, "x")));
    turn();
    turn();
    const std::vector<Octets> answer = link_->take();
    ASSERT_EQ(answer.size(), 1u);
    ASSERT_TRUE(link_->put(port_unreachable(answer[0])));
    turn();
    turn();
    EXPECT_EQ(served_[owner(port)].errors.size(), served_[owner(port)].ports.size());
    EXPECT_TRUE(link_->take().empty()) << "nobody complains of the complaint";
    ++told;
  }
  for (const Echo::Served& served : served_) {
    EXPECT_FALSE(served.errors.empty());
    told -= served.errors.size();
    for (const Error error : served.errors) EXPECT_EQ(error, Error::kConnectionRefused);
  }
  EXPECT_EQ(told, 0u);
}

// TRAP-49
TEST_F(WorkersTest, AFragmentIsTheSameWorkersWhicheverQueueItComesByAndGetsNoReset) {
  make(3, 3);
  introduce();
  Octets fragment = udp_datagram(1000, 7, "half of it");
  fragment[23] = static_cast<std::uint8_t>(IpProtocol::kTcp);
  put_be16(fragment, 14 + 4, 0x4711);
  put_be16(fragment, 14 + 6, 0x2000);
  put_be16(fragment, 14 + 10, 0);
  put_be16(fragment, 14 + 10, internet_sum(Bytes{fragment}.subspan(14, 20)).checksum());
  for (unsigned queue = 0; queue < 3; ++queue) ASSERT_TRUE(link_->put(fragment, queue));
  turn();
  turn();
  EXPECT_EQ(drops(Drop::kIp4Fragment), 3u);
  const unsigned its = team_->sharding(0).owner_of_word(smol::steer(fragment).word);
  EXPECT_EQ(workers_[its]->drops().value(Drop::kIp4Fragment), 3u);
  EXPECT_TRUE(link_->take().empty());
}

TEST_F(WorkersTest, OneRequestAsksForANeighborThatSeveralNeed) {
  make(4, 4);
  // Nobody introduced the peer: its datagrams come from an address that no worker knows.
  for (std::uint16_t port = 1000; port < 1040; ++port) {
    ASSERT_TRUE(link_->put(udp_datagram(port, 7, "who?"), port % 4u));
  }
  for (int i = 0; i < 4; ++i) turn();
  const std::vector<Octets> questions = link_->take();
  ASSERT_EQ(questions.size(), 1u);
  EXPECT_EQ(type_of(questions[0]), EtherType::kArp);
  ASSERT_TRUE(link_->put(arp_request()));
  for (int i = 0; i < 4; ++i) turn();
  // Each worker keeps a bounded number of packets for a neighbour that is asked for.
  const std::vector<Octets> sent = link_->take();
  EXPECT_EQ(sent.size(), 1u + 40 - drops(Drop::kNeighborQueueFull));
}

TEST_F(WorkersTest, PacketsOnTheWayAtTheEndAreFreed) {
  make(3, 1);
  introduce();
  for (std::uint16_t port = 1000; port < 1100; ++port) {
    ASSERT_TRUE(link_->put(udp_datagram(port, 7, "late")));
  }
  for (int i = 0; i < 8; ++i) workers_[0]->turn(now_);
}  // TearDown() counts

TEST_F(WorkersTest, ThreadsServeAndEndTogether) {
  make(3, 1);
  config_.idle.nap = milliseconds(1);
  std::vector<std::thread> threads;
  for (const auto& worker : workers_) threads.emplace_back([&worker] { worker->run(); });
  ASSERT_TRUE(link_->put(arp_request()));
  std::size_t answers = 0;
  while (answers == 0) answers += link_->take().size();
  // One flow of each at a time, so that those who sleep have to be woken.
  for (int round = 0; round < 20; ++round) {
    for (std::uint16_t port = 2000; port < 2010; ++port) {
      ASSERT_TRUE(link_->put(udp_datagram(port, 7, "wake")));
    }
    for (std::size_t got = 0; got < 10;) got += link_->take().size();
  }
  workers_[2]->request_stop();
  while (!served_[2].drained) std::this_thread::yield();
  // It still hands on and takes in: the others have not drained.
  for (std::uint16_t port = 3000; port < 3040; ++port) {
    ASSERT_TRUE(link_->put(udp_datagram(port, 7, "late")));
  }
  for (std::size_t got = 0; got < 40;) got += link_->take().size();
  workers_[0]->request_stop();
  workers_[1]->request_stop();
  for (std::thread& thread : threads) thread.join();
}

// --- devices that spread by themselves ---

TEST_F(WorkersTest, ADeviceWithATableIsToldWhoOwnsWhat) {
  for (unsigned worker = 0; worker < 3; ++worker) {
    pools_.push_back(
        MbufPool::create("spread-test" + std::to_string(worker), {512, 512}, -1).value());
  }
  PortConfig config;
  config.name = "smol0";
  config.device = "net_null7";
  auto opened = Port::open(config, {eal(), log(), pools_, false, 1});
  ASSERT_TRUE(opened) << opened.error().message;
  Port& port = **opened;
  std::uint16_t id = 0;
  ASSERT_EQ(rte_eth_dev_get_port_by_name(config.device.c_str(), &id), 0);
  ASSERT_EQ(port.queues(), 3u);
  ASSERT_GE(port.spread_entries(), 64u) << "net_null has a table";
  const Sharding sharding{3, 0, FlowHash{0x4e2d}, port.spread_entries()};
  ASSERT_TRUE(port.spread(sharding));

  std::array<std::uint8_t, 40> key{};
  rte_eth_rss_conf hash{};
  hash.rss_key = key.data();
  hash.rss_key_len = key.size();
  ASSERT_EQ(rte_eth_dev_rss_hash_conf_get(id, &hash), 0);
  std::array<std::uint8_t, 40> wanted{};
  sharding.hash().write_key(wanted);
  EXPECT_EQ(key, wanted);

  std::vector<rte_eth_rss_reta_entry64> table(port.spread_entries() / RTE_ETH_RETA_GROUP_SIZE);
  for (auto& group : table) group.mask = ~std::uint64_t{0};
  ASSERT_EQ(rte_eth_dev_rss_reta_query(id, table.data(),
                                       static_cast<std::uint16_t>(port.spread_entries())),
            0);
  for (unsigned word = 0; word < 0x10000; word += 13) {
    const std::uint32_t entry =
        sharding.hash()(static_cast<std::uint16_t>(word)) & (port.spread_entries() - 1);
    EXPECT_EQ(table[entry / RTE_ETH_RETA_GROUP_SIZE].reta[entry % RTE_ETH_RETA_GROUP_SIZE],
              sharding.owner_of_word(static_cast<std::uint16_t>(word)));
  }
}

}  // namespace
}  // namespace smol::dataplane
