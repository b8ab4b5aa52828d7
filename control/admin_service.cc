#include "control/admin_service.hh"

#include <array>
#include <sys/random.h>
#include <unistd.h>
#include <utility>

#include "control/convert.hh"
#include "protocols/base/check.hh"

namespace smol::control {

Identity Identity::now(std::string version) {
  std::array<std::uint8_t, 16> chance{};
  SMOL_CHECK(getrandom(chance.data(), chance.size(), 0) == static_cast<ssize_t>(chance.size()));
  Text<2 * chance.size()> id;
  for (const std::uint8_t octet : chance) id.hex(octet, 2);
  return {std::move(version), std::string{id.view()}, unix_now()};
}

grpc::Status AdminService::GetServerInfo(grpc::ServerContext*, const v1::GetServerInfoRequest*,
                                         v1::GetServerInfoResponse* response) {
  const std::int64_t now = unix_now();
  response->set_version(identity_.version);
  response->set_dpdk_version(dataplane::dpdk_version());
  response->set_boot_id(identity_.boot_id);
  put_time(identity_.start_unix_ns, *response->mutable_start_time());
  put(Duration{now - identity_.start_unix_ns}, *response->mutable_uptime());
  response->set_pid(static_cast<std::uint32_t>(getpid()));
  response->set_draining(draining_);
  const dataplane::Snapshot snapshot = daemon_.snapshot();
  const std::vector<std::uint32_t>& cores = daemon_.config().workers.cores;
  for (std::size_t i = 0; i < snapshot.workers.size(); ++i) {
    const dataplane::Snapshot::Worker& from = snapshot.workers[i];
    v1::WorkerInfo& to = *response->add_workers();
    to.set_index(static_cast<std::uint32_t>(i));
    if (i < cores.size()) to.set_core(cores[i]);
    to.set_turns(dataplane::Snapshot::value(from.counters, "turns"));
    to.set_busy_turns(dataplane::Snapshot::value(from.counters, "busy_turns"));
    to.set_connections(dataplane::Snapshot::value(from.stack, "tcp_curr_estab"));
  }
  return grpc::Status::OK;
}

grpc::Status AdminService::Drain(grpc::ServerContext*, const v1::DrainRequest* request,
                                 v1::DrainResponse*) {
  stop_.request();
  if (request->immediately()) stop_.request();
  return grpc::Status::OK;
}

}  // namespace smol::control
