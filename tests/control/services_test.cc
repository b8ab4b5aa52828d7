// The services over a daemon on a device that needs no privilege, asked as a client asks.
#include <chrono>
#include <filesystem>
#include <set>
#include <thread>
#include <unistd.h>

#include <google/protobuf/text_format.h>
#include <grpcpp/create_channel.h>
#include <gtest/gtest.h>

#include "control/control_plane.hh"
#include "google/rpc/status.pb.h"
#include "smol/v1/admin.grpc.pb.h"
#include "smol/v1/interface.grpc.pb.h"
#include "smol/v1/neighbor.grpc.pb.h"
#include "smol/v1/route.grpc.pb.h"
#include "smol/v1/socket.grpc.pb.h"
#include "smol/v1/stats.grpc.pb.h"

namespace smol::control {
namespace {

using dataplane::Daemon;

/// Listens on port 80.
class Web final : public dataplane::Application {
 public:
  std::string start(Sockets& sockets, std::uint16_t owner) override {
    TcpListenOptions options;
    options.local = {IpAddress::any(IpFamily::kIp4), 80};
    options.owner = owner;
    return sockets.tcp_listen(options) ? "" : "cannot listen";
  }
  void on_events(Sockets&, std::span<const SocketEvent>) override {}
  void drain(Sockets&) override {}
};

class ServicesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = std::filesystem::temp_directory_path() / "smol-api-XXXXXX";
    folder_ = mkdtemp(name.data());
    address_ = "unix://" + (folder_ / "ctl.sock").string();
    plane_ = std::make_unique<ControlPlane>(GrpcConfig{true, address_}, "1.2.3", stop_);
    std::vector<dataplane::ApplicationSpec> applications = {
        {"web", [](unsigned, dataplane::Log&) { return std::make_unique<Web>(); }}};
    plane_->add_applications(applications);
    auto daemon = Daemon::start(config(), applications);
    ASSERT_TRUE(daemon) << daemon.error().message;
    daemon_ = std::move(*daemon);
    auto attached = plane_->attach(*daemon_);
    ASSERT_TRUE(attached) << attached.error().message;
    attached_ = std::move(*attached);
    channel_ = grpc::CreateChannel(address_, grpc::InsecureChannelCredentials());
  }
  void TearDown() override {
    end();
    std::filesystem::remove_all(folder_);
  }
  /// As dataplane::run() does. How long the control plane took for it.
  std::chrono::steady_clock::duration end() {
    const auto began = std::chrono::steady_clock::now();
    if (attached_) {
      attached_->drain();
      daemon_->request_stop();
      daemon_->wait();
      attached_.reset();
    }
    daemon_.reset();
    return std::chrono::steady_clock::now() - began;
  }

  static dataplane::Config config() {
    dataplane::Config out;
    out.ports.resize(1);
    out.ports[0].name = "smol0";
    out.ports[0].device = "net_null0,no-rx=1";
    out.ports[0].mac = MacAddress{{2, 0, 0, 0, 0, 1}};
    out.ports[0].addresses = {IpPrefix{IpAddress::v4(192, 0, 2, 1), 24}};
    out.pool = {.packets = 1024, .small_packets = 1024};
    out.log.level = dataplane::LogLevel::kError;
    out.drain = milliseconds(100);
    return out;
  }

  /// call<v1::RouteService>(&Stub::AddRoute, "route { ... }", &response) gives the status.
  template <class Service, class Request, class Response>
  grpc::Status call(grpc::Status (Service::Stub::*method)(grpc::ClientContext*, const Request&,
                                                          Response*),
                    const std::string& text, Response* response = nullptr) {
    Request request;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request)) << text;
    typename Service::Stub stub{channel_};
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds{20});
    Response unused;
    return (stub.*method)(&context, request, response != nullptr ? response : &unused);
  }
  /// "" for OK, else the code's number and the message.
  static std::string said(const grpc::Status& status) {
    if (status.ok()) return "";
    return std::to_string(status.error_code()) + " " + status.error_message();
  }
  template <class Service, class Request, class Response>
  std::vector<Response> list(std::unique_ptr<grpc::ClientReader<Response>> (Service::Stub::*method)(
                                 grpc::ClientContext*, const Request&),
                             const std::string& text) {
    Request request;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request)) << text;
    typename Service::Stub stub{channel_};
    grpc::ClientContext context;
    const auto reader = (stub.*method)(&context, request);
    std::vector<Response> out;
    for (Response response; reader->Read(&response);) out.push_back(response);
    status_ = reader->Finish();
    return out;
  }

  std::set<std::string> addresses() {
    v1::GetInterfaceResponse response;
    EXPECT_EQ(said(call<v1::InterfaceService>(&v1::InterfaceService::Stub::GetInterface,
                                              "name: 'smol0'", &response)),
              "");
    std::set<std::string> out;
    for (const auto& each : response.interface().addresses()) out.insert(each.ShortDebugString());
    return out;
  }
  std::size_t routes() {
    std::size_t count = 0;
    for (const auto& part : list<v1::RouteService>(&v1::RouteService::Stub::ListRoutes, "")) {
      count += static_cast<std::size_t>(part.routes_size());
    }
    return count;
  }

  std::filesystem::path folder_;
  std::string address_;
  dataplane::StopRequest stop_;
  std::unique_ptr<ControlPlane> plane_;
  std::unique_ptr<Daemon> daemon_;
  std::unique_ptr<dataplane::Attachment> attached_;
  std::shared_ptr<grpc::Channel> channel_;
  grpc::Status status_;
};

using Interfaces = v1::InterfaceService;
using Routes = v1::RouteService;
using Neighbors = v1::NeighborService;
using SocketsApi = v1::SocketService;

constexpr const char* kOne = "interface: 'smol0' address { address { v4: 0xc6336401 } length: 24 }";

TEST_F(ServicesTest, TheServerSaysWhatRuns) {
  v1::GetServerInfoResponse info;
  EXPECT_EQ(said(call<v1::AdminService>(&v1::AdminService::Stub::GetServerInfo, "", &info)), "");
  EXPECT_EQ(info.version(), "1.2.3");
  EXPECT_TRUE(info.dpdk_version().starts_with("DPDK 2")) << info.dpdk_version();
  EXPECT_EQ(info.boot_id().size(), 32u);
  EXPECT_EQ(info.pid(), static_cast<std::uint32_t>(getpid()));
  EXPECT_EQ(info.workers_size(), 1);
  EXPECT_FALSE(info.draining());
}

TEST_F(ServicesTest, DrainAsksTheDaemonToStop) {
  EXPECT_EQ(said(call<v1::AdminService>(&v1::AdminService::Stub::Drain, "")), "");
  EXPECT_EQ(stop_.take(), 1u);
  EXPECT_EQ(said(call<v1::AdminService>(&v1::AdminService::Stub::Drain, "immediately: true")), "");
  EXPECT_EQ(stop_.take(), 2u);
}

TEST_F(ServicesTest, AnInterfaceTellsWhatItIs) {
  v1::ListInterfacesResponse all;
  EXPECT_EQ(said(call<Interfaces>(&Interfaces::Stub::ListInterfaces, "", &all)), "");
  ASSERT_EQ(all.interfaces_size(), 1);
  const v1::Interface& one = all.interfaces(0);
  EXPECT_EQ(one.name(), "smol0");
  EXPECT_EQ(one.driver(), "net_null");
  EXPECT_EQ(one.mac(), std::string("\2\0\0\0\0\1", 6));
  EXPECT_EQ(one.mtu(), 1500u);
  EXPECT_EQ(one.rx_queues(), 1u);
  EXPECT_EQ(one.addresses_size(), 1);
  EXPECT_EQ(said(call<Interfaces>(&Interfaces::Stub::GetInterface, "name: 'x'")),
            "5 name: there is no interface 'x'");
}

TEST_F(ServicesTest, AnAddressIsAddedAndDeletedWithItsRoute) {
  const std::size_t before = routes();
  EXPECT_EQ(said(call<Interfaces>(&Interfaces::Stub::AddAddress, kOne)), "");
  EXPECT_EQ(addresses().size(), 2u);
  EXPECT_EQ(routes(), before + 1);
  EXPECT_EQ(said(call<Interfaces>(&Interfaces::Stub::DeleteAddress, kOne)), "");
  EXPECT_EQ(addresses().size(), 1u);
  EXPECT_EQ(routes(), before);
}

TEST_F(ServicesTest, AnAddressThatIsThereIsWhatIfExistsSays) {
  const std::string one = kOne;
  const std::string wider = "interface: 'smol0' address { address { v4: 0xc6336401 } length: 16 }";
  const auto add = [&](const std::string& text) {
    return said(call<Interfaces>(&Interfaces::Stub::AddAddress, text));
  };
  EXPECT_EQ(add(one), "");
  EXPECT_EQ(add(one), "6 address: smol0 has 198.51.100.1/24 already");
  EXPECT_EQ(add(one + " if_exists: IF_EXISTS_FAIL"), add(one));
  EXPECT_EQ(add(one + " if_exists: IF_EXISTS_IGNORE"), "");
  EXPECT_EQ(add(wider + " if_exists: IF_EXISTS_IGNORE"),
            "6 address: smol0 has 198.51.100.1/24 already");
  EXPECT_EQ(add(wider + " if_exists: IF_EXISTS_REPLACE"), "");
  EXPECT_EQ(addresses().size(), 2u);
  const auto remove = [&](const std::string& text) {
    return said(call<Interfaces>(&Interfaces::Stub::DeleteAddress, text));
  };
  EXPECT_EQ(remove(one), "5 address: smol0 has no address 198.51.100.1/24, but 198.51.100.1/16");
  EXPECT_EQ(remove(one + " allow_missing: true"), "");
  EXPECT_EQ(addresses().size(), 2u);
  EXPECT_EQ(remove(wider), "");
}

TEST_F(ServicesTest, AWrongAddressIsNamedAndChangesNothing) {
  struct Row {
    const char* text;
    const char* said;
  };
  const Row rows[] = {
      {"", "3 interface: the name of an interface is missing"},
      {"interface: 'x'", "5 interface: there is no interface 'x'"},
      {"interface: 'smol0'", "3 address.address: an address is missing"},
      {"interface: 'smol0' address { address { v4: 0xc63364ff } length: 24 }",
       "3 address: 198.51.100.255/24 is the broadcast address of its own subnet"},
      {"interface: 'smol0' address { address { v4: 0xe0000001 } length: 24 }",
       "3 address: 224.0.0.1 is no address that a host can have on a link"},
      {"interface: 'smol0' address { address { v4: 1 } length: 99 }",
       "3 address.length: 99 is too long: at most 32"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(said(call<Interfaces>(&Interfaces::Stub::AddAddress, row.text)), row.said);
  }
  EXPECT_EQ(addresses().size(), 1u);
}

constexpr const char* kTen =
    "route { destination { address { v4: 0x0a000000 } length: 8 } gateway { v4: 0xc0000209 } }";

TEST_F(ServicesTest, ARouteIsAddedReplacedLookedUpAndDeleted) {
  const auto add = [&](const std::string& text) {
    return said(call<Routes>(&Routes::Stub::AddRoute, text));
  };
  const auto via = [&] {
    v1::LookupRouteResponse found;
    const std::string error =
        said(call<Routes>(&Routes::Stub::LookupRoute, "address { v4: 0x0a010203 }", &found));
    return error.empty() ? found.next_hop().ShortDebugString() : error;
  };
  EXPECT_EQ(via(), "9 address: there is no route to 10.1.2.3");
  EXPECT_EQ(add(kTen), "");
  EXPECT_EQ(via(), "v4: 3221225993");
  EXPECT_EQ(add(kTen), "6 route: 10.0.0.0/8 via 192.0.2.9 is there already");
  EXPECT_EQ(add(std::string{kTen} + " if_exists: IF_EXISTS_IGNORE"), "");
  std::string other = kTen;
  other.replace(other.find("0xc0000209"), 10, "0xc000020a");
  const std::size_t before = routes();
  EXPECT_EQ(add(other + " if_exists: IF_EXISTS_REPLACE"), "");
  EXPECT_EQ(routes(), before);
  EXPECT_EQ(via(), "v4: 3221225994");
  const auto remove = [&](const std::string& text) {
    return said(call<Routes>(&Routes::Stub::DeleteRoute, text));
  };
  EXPECT_EQ(remove(kTen), "5 route: there is no route 10.0.0.0/8 via 192.0.2.9");
  EXPECT_EQ(remove("route { destination { address { v4: 0x0a000000 } length: 8 } }"), "");
  EXPECT_EQ(remove(other + " allow_missing: true"), "");
  EXPECT_EQ(routes(), before - 1);
}

TEST_F(ServicesTest, RoutesTellWhetherTheyCameWithAnAddress) {
  EXPECT_EQ(said(call<Routes>(&Routes::Stub::AddRoute, kTen)), "");
  std::size_t connected = 0;
  for (const auto& part : list<Routes>(&Routes::Stub::ListRoutes, "")) {
    for (const v1::Route& route : part.routes()) {
      EXPECT_EQ(route.interface(), "smol0");
      connected += route.connected() ? 1 : 0;
    }
  }
  EXPECT_EQ(connected, 1u);
}

TEST_F(ServicesTest, ManyRoutesAreListedInSlices) {
  for (std::uint32_t i = 0; i < 700; ++i) {
    const std::string text =
        "route { destination { address { v4: " + std::to_string(0x0a000000 + (i << 8)) +
        " } length: 24 } interface: 'smol0' }";
    ASSERT_EQ(said(call<Routes>(&Routes::Stub::AddRoute, text)), "");
  }
  const auto parts = list<Routes>(&Routes::Stub::ListRoutes, "");
  EXPECT_GE(parts.size(), 3u);
  std::set<std::uint32_t> seen;
  for (const auto& part : parts) {
    EXPECT_LE(part.routes_size(), 256);
    for (const v1::Route& route : part.routes()) seen.insert(route.destination().address().v4());
  }
  EXPECT_EQ(seen.size(), 701u);
}

TEST_F(ServicesTest, ANeighbourIsAddedReplacedFlushedAroundAndDeleted) {
  const std::string one = "interface: 'smol0' address { v4: 0xc0000209 }";
  const auto add = [&](const std::string& text) {
    return said(call<Neighbors>(&Neighbors::Stub::AddNeighbor, one + text));
  };
  const auto remove = [&](const std::string& text) {
    return said(call<Neighbors>(&Neighbors::Stub::DeleteNeighbor, one + text));
  };
  const auto shown = [&] {
    std::string out;
    for (const auto& part : list<Neighbors>(&Neighbors::Stub::ListNeighbors, "")) {
      for (const v1::Neighbor& each : part.neighbors()) {
        out +=
            std::to_string(static_cast<int>(each.mac()[5])) + v1::NeighborState_Name(each.state());
      }
    }
    return out;
  };
  EXPECT_EQ(add(""), "3 mac: 0 octets; a MAC address has 6");
  EXPECT_EQ(add(R"( mac: "\2\0\0\0\0\7")"), "");
  EXPECT_EQ(add(R"( mac: "\2\0\0\0\0\7")"), "6 address: 192.0.2.9 has an entry already");
  EXPECT_EQ(add(R"( mac: "\2\0\0\0\0\4" if_exists: IF_EXISTS_IGNORE)"), "");
  EXPECT_EQ(shown(), "7NEIGHBOR_STATE_PERMANENT");
  EXPECT_EQ(add(R"( mac: "\2\0\0\0\0\5" if_exists: IF_EXISTS_REPLACE)"), "");
  EXPECT_EQ(said(call<Neighbors>(&Neighbors::Stub::FlushNeighbors, "")), "");
  EXPECT_EQ(shown(), "5NEIGHBOR_STATE_PERMANENT");
  EXPECT_EQ(remove(""), "");
  EXPECT_EQ(remove(""), "5 address: there is no entry of 192.0.2.9");
  EXPECT_EQ(remove(" allow_missing: true"), "");
  EXPECT_EQ(shown(), "");
  EXPECT_EQ(said(call<Neighbors>(&Neighbors::Stub::AddNeighbor,
                                 R"(interface: 'smol0' address { v4: 0xc0000201 }
                                    mac: "\2\0\0\0\0\5")")),
            "3 address: 192.0.2.1 is an address of this host itself");
  list<Neighbors>(&Neighbors::Stub::ListNeighbors, "interface: 'x'");
  EXPECT_EQ(said(status_), "5 interface: there is no interface 'x'");
}

TEST_F(ServicesTest, ASocketIsListedAskedForAndEnded) {
  const auto parts =
      list<SocketsApi>(&SocketsApi::Stub::ListSockets, "kinds: SOCKET_KIND_TCP_LISTENER");
  ASSERT_EQ(parts.size(), 1u);
  ASSERT_EQ(parts[0].sockets_size(), 1);
  const v1::Socket& listener = parts[0].sockets(0);
  EXPECT_EQ(listener.owner(), "web");
  EXPECT_EQ(listener.state(), v1::TCP_STATE_LISTEN);
  EXPECT_EQ(listener.local().port(), 80u);

  const std::string id = "id: " + std::to_string(listener.id());
  v1::GetSocketResponse again;
  EXPECT_EQ(said(call<SocketsApi>(&SocketsApi::Stub::GetSocket, id, &again)), "");
  EXPECT_EQ(again.socket().SerializeAsString(), listener.SerializeAsString());
  EXPECT_EQ(said(call<SocketsApi>(&SocketsApi::Stub::AbortSocket, id)), "");
  EXPECT_EQ(said(call<SocketsApi>(&SocketsApi::Stub::AbortSocket, id)),
            "5 id: there is no such socket (any more)");
  EXPECT_TRUE(list<SocketsApi>(&SocketsApi::Stub::ListSockets, "").empty());
}

TEST_F(ServicesTest, AWrongSocketIsNamed) {
  EXPECT_EQ(said(call<SocketsApi>(&SocketsApi::Stub::GetSocket, "")), "3 id: is missing");
  EXPECT_EQ(said(call<SocketsApi>(&SocketsApi::Stub::GetSocket, "id: 1")),
            "3 id: 1 is no id of a socket");
  list<SocketsApi>(&SocketsApi::Stub::ListSockets, "remote_port: 70000");
  EXPECT_EQ(said(status_), "3 remote_port: 70000 is no port: 0 to 65535");
}

TEST_F(ServicesTest, StatsAreTheDaemonsOwn) {
  v1::GetStatsResponse stats;
  EXPECT_EQ(said(call<v1::StatsService>(&v1::StatsService::Stub::GetStats,
                                        "prefixes: 'worker.' prefixes: 'pool.in_use'", &stats)),
            "");
  std::set<std::string> names;
  for (const auto& counter : stats.stats().counters()) names.insert(counter.name());
  EXPECT_TRUE(names.contains("worker.turns") && names.contains("pool.in_use"));
  EXPECT_FALSE(names.contains("tcp_in_segs"));
  v1::ListDropReasonsResponse reasons;
  EXPECT_EQ(said(call<v1::StatsService>(&v1::StatsService::Stub::ListDropReasons, "", &reasons)),
            "");
  EXPECT_EQ(static_cast<std::size_t>(reasons.reasons_size()), kDropCount);
  EXPECT_EQ(said(call<v1::StatsService>(&v1::StatsService::Stub::ListDropReasons,
                                        "occurred_only: true", &reasons)),
            "");
  EXPECT_EQ(reasons.reasons_size(), 0);
}

TEST_F(ServicesTest, WatchersHoldNoThreadAndEndWithTheDaemon) {
  // More than the server may have threads.
  constexpr int kWatchers = 200;
  v1::StatsService::Stub stub{channel_};
  v1::WatchStatsRequest request;
  request.add_prefixes("worker.turns");
  request.mutable_interval()->set_nanos(10'000'000);
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientReader<v1::WatchStatsResponse>>> readers;
  for (int i = 0; i < kWatchers; ++i) {
    contexts.push_back(std::make_unique<grpc::ClientContext>());
    readers.push_back(stub.WatchStats(contexts.back().get(), request));
  }
  v1::WatchStatsResponse response;
  for (auto& reader : readers) {
    for (int n = 0; n < 2; ++n) ASSERT_TRUE(reader->Read(&response));
  }
  contexts[0]->TryCancel();
  EXPECT_EQ(addresses().size(), 1u) << "others are served";
  // Those who watch are told, and none is waited for until the limit.
  EXPECT_LT(end(), std::chrono::milliseconds{900});
  for (auto& reader : readers) {
    while (reader->Read(&response)) {
    }
  }
  EXPECT_EQ(readers[0]->Finish().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_EQ(said(readers[1]->Finish()), "14 the daemon stops");
}

TEST_F(ServicesTest, AWrongIntervalIsNamed) {
  list<v1::StatsService>(&v1::StatsService::Stub::WatchStats, "interval { nanos: 1000 }");
  EXPECT_EQ(said(status_), "3 interval: is out of range: 10ms..1h");
}

TEST_F(ServicesTest, ASecondDaemonsSocketIsRefused) {
  dataplane::StopRequest stop;
  ControlPlane second{GrpcConfig{true, address_}, "1.2.3", stop};
  const auto attached = second.attach(*daemon_);
  ASSERT_FALSE(attached);
  EXPECT_NE(attached.error().message.find("another daemon listens there"), std::string::npos);
  EXPECT_EQ(addresses().size(), 1u) << "the first one is unharmed";
}

TEST_F(ServicesTest, TheSocketGoesWithTheDaemon) {
  EXPECT_TRUE(std::filesystem::exists(folder_ / "ctl.sock"));
  end();
  EXPECT_FALSE(std::filesystem::exists(folder_ / "ctl.sock"));
}

}  // namespace
}  // namespace smol::control
