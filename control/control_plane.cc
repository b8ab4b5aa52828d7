#include "control/control_plane.hh"

#include <algorithm>
#include <chrono>
#include <utility>

#include "control/admin_service.hh"
#include "control/bridge_service.hh"
#include "control/capture_service.hh"
#include "control/interface_service.hh"
#include "control/neighbor_service.hh"
#include "control/remote/endpoint.hh"
#include "control/remote/message_streams.hh"
#include "control/remote/tcp_streams.hh"
#include "control/route_service.hh"
#include "control/server.hh"
#include "control/socket_service.hh"
#include "control/stats_service.hh"
#include "control/workers.hh"

namespace smol::control {
namespace {

using dataplane::Attachment;
using dataplane::Daemon;
using dataplane::StartError;
using std::chrono::milliseconds;

/// The longest that calls may go on once the workers have ended.
constexpr milliseconds kLastCalls{1000};
/// What the daemon may take beyond Config::drain, from the request to stop to its end; and what of
/// that is for the rest of it.
constexpr milliseconds kBeyondDrain{500};
constexpr milliseconds kForTheRest{150};

}  // namespace

struct ControlPlane::Parts {
  GrpcConfig config;
  Identity identity;
  dataplane::StopRequest& stop;
  RemoteSockets remote{};
};

/// The services of a running daemon, and their server.
class ControlPlane::Running final : public Attachment {
 public:
  Running(Parts& parts, Daemon& daemon)
      : workers_{daemon.desks()},
        admin_{parts.identity, daemon, parts.stop},
        bridge_{workers_, daemon},
        interfaces_{workers_, daemon},
        routes_{workers_, daemon},
        neighbors_{workers_, daemon},
        sockets_{workers_, daemon},
        stats_{daemon, parts.remote.counters()},
        captures_{parts.identity, daemon},
        tcp_{parts.remote, daemon},
        udp_{parts.remote, daemon},
        icmp_{parts.remote, daemon},
        drain_{std::chrono::duration_cast<milliseconds>(daemon.config().drain)} {
    parts.remote.open(daemon.desks());
  }

  Result<void, StartError> start(const Parts& parts, Daemon& daemon) {
    const std::vector<grpc::Service*> services = {&admin_,     &bridge_,  &interfaces_, &routes_,
                                                  &neighbors_, &sockets_, &stats_,      &captures_,
                                                  &tcp_,       &udp_,     &icmp_};
    auto server =
        Server::start({parts.config.listen, daemon.config().workers.cores}, services, daemon.log());
    if (!server) return fail(server.error());
    server_ = std::move(*server);
    return {};
  }

  void drain() noexcept override {
    until_ = std::chrono::steady_clock::now() + drain_ + kBeyondDrain - kForTheRest;
    admin_.set_draining();
    server_->drain();
  }

  ~Running() override {
    if (server_ == nullptr) return;
    stats_.end();
    captures_.end();
    const auto left =
        std::chrono::duration_cast<milliseconds>(until_ - std::chrono::steady_clock::now());
    server_->shut_down(std::clamp(left, milliseconds{100}, kLastCalls));
  }

 private:
  Workers workers_;
  AdminService admin_;
  BridgeService bridge_;
  InterfaceService interfaces_;
  RouteService routes_;
  NeighborService neighbors_;
  SocketService sockets_;
  StatsService stats_;
  CaptureService captures_;
  TcpStreams tcp_;
  UdpStreams udp_;
  IcmpStreams icmp_;
  const milliseconds drain_;
  /// When the server should be gone.
  std::chrono::steady_clock::time_point until_ = std::chrono::steady_clock::now();
  std::unique_ptr<Server> server_;
};

ControlPlane::ControlPlane(const GrpcConfig& config, std::string version,
                           dataplane::StopRequest& stop)
    : parts_{new Parts{config, Identity::now(std::move(version)), stop, {}}} {}

ControlPlane::~ControlPlane() = default;

void ControlPlane::add_applications(std::vector<dataplane::ApplicationSpec>& applications) {
  applications.push_back(parts_->remote.application());
}

Result<std::unique_ptr<Attachment>, StartError> ControlPlane::attach(Daemon& daemon) {
  auto running = std::make_unique<Running>(*parts_, daemon);
  if (auto started = running->start(*parts_, daemon); !started) return fail(started.error());
  return std::unique_ptr<Attachment>{std::move(running)};
}

}  // namespace smol::control
