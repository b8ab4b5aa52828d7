// Several stacks, one a worker: one resolution, however many of them ask; and what each may call
// its own.

#include "protocols/stack/colleagues.hh"

#include <deque>
#include <map>

#include "tests/protocols/stack/stack_fixture.hh"

namespace smol {
namespace {

constexpr unsigned kWorkers = 3;

/// The workers, played by the test: messages wait until it carries them.
class Office {
 public:
  class Desk final : public Colleagues {
   public:
    Desk(Office& office, unsigned worker) : office_{office}, worker_{worker} {}
    void ask(const NeighborQuestion& question) noexcept override {
      office_.questions.push_back({office_.sharding(worker_).home(question.interface), question});
    }
    void tell(const NeighborNews& told) noexcept override {
      office_.news.push_back({worker_, told});
    }
    bool take_udp_port(std::uint16_t port, bool alone) noexcept override {
      auto& [holder, count] = office_.ports[port];
      const unsigned wanted = alone ? worker_ + 1 : 0;
      if (count > 0 && holder != wanted) return false;
      holder = wanted;
      ++count;
      return true;
    }
    void release_udp_port(std::uint16_t port) noexcept override { --office_.ports[port].second; }

   private:
    Office& office_;
    const unsigned worker_;
  };

  static Sharding sharding(unsigned worker) { return {kWorkers, worker, FlowHash{}}; }

  Office() {
    for (unsigned worker = 0; worker < kWorkers; ++worker) {
      desks.push_back(std::make_unique<Desk>(*this, worker));
      Host::Options options;
      options.sharding = sharding(worker);
      options.colleagues = desks.back().get();
      options.config.neighbor.reachable_time = seconds(30);
      hosts.push_back(std::make_unique<Host>(options));
      hosts.back()->add_interface(eth0_config());
    }
  }

  /// Carries all messages, and those that they cause.
  void carry() {
    while (!questions.empty() || !news.empty()) {
      for (const auto& [to, question] : std::exchange(questions, {})) {
        hosts[to]->stack->answer(question);
      }
      for (const auto& [from, told] : std::exchange(news, {})) {
        for (unsigned to = 0; to < kWorkers; ++to) {
          if (to != from) hosts[to]->stack->take_news(told);
        }
      }
    }
  }
  void advance(Duration by) {
    for (const auto& host : hosts) host->advance(by);
    carry();
  }
  /// Frames of all, in the order of the workers.
  std::vector<Frame> sent() {
    std::vector<Frame> all;
    for (const auto& host : hosts) {
      for (Frame& frame : host->sent()) all.push_back(std::move(frame));
    }
    return all;
  }
  SocketId udp(unsigned worker) {
    UdpOptions options;
    options.local = {kOwn4, 7};
    return hosts[worker]->stack->udp_open(options).value();
  }
  void send(unsigned worker, SocketId socket, const IpAddress& to) {
    UdpSendOptions options;
    options.remote = {to, 9};
    EXPECT_EQ(error_of(hosts[worker]->stack->udp_send(socket, options, octets_of("hello"))),
              "none");
    hosts[worker]->turn();
  }

  std::vector<std::unique_ptr<Desk>> desks;
  std::vector<std::unique_ptr<Host>> hosts;
  std::vector<std::pair<unsigned, NeighborQuestion>> questions;
  std::vector<std::pair<unsigned, NeighborNews>> news;
  std::map<std::uint16_t, std::pair<unsigned, int>> ports;
};

TEST(Colleagues, OneResolutionIsOneRequestHoweverManyAsk) {
  Office office;
  const SocketId two = office.udp(2);
  const SocketId one = office.udp(1);
  office.send(1, one, kPeer4);
  office.send(2, two, kPeer4);
  EXPECT_THAT(office.sent(), IsEmpty()) << "only the home worker speaks for the interface";
  office.carry();
  EXPECT_THAT(office.sent(), ElementsAre(arp_request_for(kPeer4)));
  office.hosts[0]->receive(arp_reply());
  office.carry();
  EXPECT_THAT(office.sent(), ElementsAre(AllOf(link_to(kPeerMac), carries("hello")),
                                         AllOf(link_to(kPeerMac), carries("hello"))));
}

TEST(Colleagues, WhatTheHomeWorkerKnowsIsToldWithoutARequest) {
  Office office;
  office.hosts[0]->receive(arp_request(kOwn4));  // before anybody else was interested
  office.news.clear();
  office.sent();
  const SocketId socket = office.udp(1);
  office.send(1, socket, kPeer4);
  office.carry();
  EXPECT_THAT(office.sent(), ElementsAre(AllOf(link_to(kPeerMac), carries("hello"))));
}

TEST(Colleagues, WhoAsksForUsIsKnownToAll) {
  Office office;
  office.hosts[0]->receive(arp_request(kOwn4));
  office.carry();
  office.sent();
  const SocketId socket = office.udp(2);
  office.send(2, socket, kPeer4);
  EXPECT_THAT(office.sent(), ElementsAre(AllOf(link_to(kPeerMac), carries("hello"))));
  EXPECT_THAT(office.questions, IsEmpty());
}

TEST(Colleagues, NeighborDiscoveryIsSharedAlike) {
  Office office;
  UdpOptions options;
  options.local = {kOwn6, 7};
  const SocketId socket = office.hosts[2]->stack->udp_open(options).value();
  office.send(2, socket, kPeer6);
  office.carry();
  EXPECT_THAT(office.sent(), ElementsAre(solicits(kPeer6)));
  office.hosts[0]->receive(neighbor_advert(kPeer6));
  office.carry();
  EXPECT_THAT(office.sent(), ElementsAre(AllOf(link_to(kPeerMac), carries("hello"))));
}

TEST(Colleagues, ANeighborThatMovesMovesForAll) {
  Office office;
  office.hosts[0]->receive(arp_request(kOwn4));
  office.carry();
  constexpr MacAddress kMoved{{2, 0, 0, 0, 0, 0x77}};
  office.hosts[0]->receive(arp_reply(kPeer4, kMoved));
  office.carry();
  office.sent();
  const SocketId socket = office.udp(1);
  office.send(1, socket, kPeer4);
  EXPECT_THAT(office.sent(), ElementsAre(link_to(kMoved)));
}

TEST(Colleagues, ProbesOfManyAreOneProbe) {
  Office office;
  office.hosts[0]->receive(arp_request(kOwn4));
  office.hosts[0]->receive(arp_reply());
  office.carry();
  office.sent();
  office.advance(seconds(60));  // stale for all
  const SocketId one = office.udp(1);
  const SocketId two = office.udp(2);
  office.send(1, one, kPeer4);
  office.send(2, two, kPeer4);
  office.sent();
  office.advance(milliseconds(5100));  // DELAY ends, PROBE begins
  EXPECT_THAT(office.sent(), ElementsAre(AllOf(link_to(kPeerMac), arp_request_for(kPeer4))));
  office.hosts[0]->receive(arp_reply());
  office.carry();
  office.advance(seconds(5));
  EXPECT_THAT(office.sent(), IsEmpty()) << "the answer is everybody's";
}

TEST(Colleagues, ANeighborThatDoesNotAnswerFailsForWhoAsked) {
  Office office;
  const SocketId socket = office.udp(1);
  office.send(1, socket, kPeer4);
  for (int i = 0; i < 10; ++i) office.advance(seconds(1));
  std::size_t requests = 0;
  for (const Frame& frame : office.sent()) requests += frame.arp ? 1u : 0u;
  EXPECT_LE(requests, 6u);
  EXPECT_EQ(office.hosts[1]->drops(Drop::kNeighborFailed), 1u);
}

TEST(Colleagues, ALostQuestionIsAskedAgain) {
  Office office;
  const SocketId socket = office.udp(1);
  office.send(1, socket, kPeer4);
  office.questions.clear();
  office.advance(seconds(2));
  EXPECT_THAT(office.sent(), ElementsAre(arp_request_for(kPeer4)));
}

// --- what is whose ---

TEST(Colleagues, ConnectionsTakePortsWhoseRepliesComeBack) {
  for (unsigned worker = 0; worker < kWorkers; ++worker) {
    Office office;
    Host& host = *office.hosts[worker];
    for (int i = 0; i < 20; ++i) {
      TcpConnectOptions options;
      options.remote = {kPeer4, 80};
      const SocketId socket = host.stack->tcp_connect(options).value();
      const IpEndpoint local = host.stack->local_endpoint(socket).value();
      EXPECT_EQ(Office::sharding(worker).owner(local, options.remote), worker);
    }
  }
}

TEST(Colleagues, APortWhoseRepliesGoElsewhereIsRefused) {
  Office office;
  TcpConnectOptions options;
  options.remote = {kPeer4, 80};
  std::size_t mine = 0;
  for (std::uint16_t port = 5000; port < 5030; ++port) {
    options.local = IpEndpoint{kOwn4, port};
    unsigned takers = 0;
    for (unsigned worker = 0; worker < kWorkers; ++worker) {
      const auto socket = office.hosts[worker]->stack->tcp_connect(options);
      if (socket) {
        ++takers;
        EXPECT_EQ(Office::sharding(worker).owner(*options.local, options.remote), worker);
        mine += worker == 0 ? 1 : 0;
      } else {
        EXPECT_EQ(socket.error(), Error::kOtherWorker);
      }
    }
    EXPECT_EQ(takers, 1u);
  }
  EXPECT_GT(mine, 0u);
}

TEST(Colleagues, IdentifiersOfEchoesSayWhoseTheyAre) {
  Office office;
  for (unsigned worker = 0; worker < kWorkers; ++worker) {
    IcmpOptions options;
    options.local = IpAddress::any(IpFamily::kIp4);
    const auto socket = office.hosts[worker]->stack->icmp_open(options);
    ASSERT_TRUE(socket);
    const IpEndpoint local = office.hosts[worker]->stack->local_endpoint(*socket).value();
    EXPECT_EQ(Office::sharding(worker).owner_of_identifier(local.port), worker);
    options.identifier = static_cast<std::uint16_t>(kWorkers * 5 + worker + 1);
    EXPECT_EQ(error_of(office.hosts[worker]->stack->icmp_open(options)), "EREMOTE");
  }
}

TEST(Colleagues, EphemeralUdpPortsAreOneWorkersAlone) {
  Office office;
  UdpOptions options;
  options.local = {IpAddress::any(IpFamily::kIp4), 0};
  const SocketId socket = office.hosts[1]->stack->udp_open(options).value();
  const std::uint16_t port = office.hosts[1]->stack->local_endpoint(socket).value().port;
  EXPECT_EQ(office.ports[port].first, 2u) << "counted from one";
  options.local.port = port;
  EXPECT_EQ(error_of(office.hosts[2]->stack->udp_open(options)), "EADDRINUSE");
  office.hosts[1]->stack->close(socket);
  EXPECT_EQ(error_of(office.hosts[2]->stack->udp_open(options)), "none");
}

TEST(Colleagues, AUdpServiceIsOpenOnAllOfThem) {
  Office office;
  for (unsigned worker = 0; worker < kWorkers; ++worker) office.udp(worker);
  EXPECT_EQ(office.ports[7], (std::pair<unsigned, int>{0, 3}));
  UdpOptions alone;
  alone.local = {kOwn6, 7};
  alone.alone = true;
  EXPECT_EQ(error_of(office.hosts[0]->stack->udp_open(alone)), "EADDRINUSE");
}

}  // namespace
}  // namespace smol
