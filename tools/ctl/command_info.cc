#include <ostream>

#include "smol/v1/admin.grpc.pb.h"
#include "tools/ctl/command.hh"

namespace smol::ctl {
namespace {

/// "3d 4h 5m 6s", from the first part that is not zero on.
std::string uptime(std::int64_t seconds) {
  std::string out;
  const auto part = [&](std::int64_t size, const char* unit) {
    if (seconds >= size || !out.empty()) out += std::to_string(seconds / size) + unit + " ";
    seconds %= size;
  };
  part(86'400, "d");
  part(3600, "h");
  part(60, "m");
  return out + std::to_string(seconds) + "s";
}

std::string busy(const v1::WorkerInfo& worker) {
  const std::uint64_t turns = worker.turns();
  return std::to_string(turns == 0 ? 0 : worker.busy_turns() * 100 / turns) + "%";
}

Json to_json(const v1::GetServerInfoResponse& info) {
  Json workers = Json::array();
  for (const v1::WorkerInfo& worker : info.workers()) {
    Json one = {{"index", worker.index()},
                {"turns", worker.turns()},
                {"busy_turns", worker.busy_turns()},
                {"connections", worker.connections()}};
    if (worker.has_core()) one["core"] = worker.core();
    workers.push_back(std::move(one));
  }
  return {{"version", info.version()},         {"dpdk_version", info.dpdk_version()},
          {"boot_id", info.boot_id()},         {"start_time", info.start_time().seconds()},
          {"uptime", info.uptime().seconds()}, {"pid", info.pid()},
          {"draining", info.draining()},       {"workers", std::move(workers)}};
}

}  // namespace

void info(Run& run, Words& words) {
  words.end();
  v1::AdminService::Stub stub{run.client.channel()};
  const auto info =
      run.client.call(&v1::AdminService::Stub::GetServerInfo, stub, v1::GetServerInfoRequest{});
  if (run.options.json) return run.print(to_json(info));
  run.out << "smold " << info.version() << ", " << info.dpdk_version() << ", pid " << info.pid()
          << (info.draining() ? ", draining" : "") << "\nup " << uptime(info.uptime().seconds())
          << ", boot " << info.boot_id() << '\n';
  Table table{{"WORKER", "CORE", "TURNS", "BUSY", "CONNECTIONS"}};
  table.right({2, 3, 4});
  for (const v1::WorkerInfo& worker : info.workers()) {
    table.add({std::to_string(worker.index()),
               worker.has_core() ? std::to_string(worker.core()) : "any",
               std::to_string(worker.turns()), busy(worker), std::to_string(worker.connections())});
  }
  table.print(run.out);
}

}  // namespace smol::ctl
