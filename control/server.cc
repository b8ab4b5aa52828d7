#include "control/server.hh"

#include <algorithm>
#include <array>
#include <cstdio>
#include <mutex>
#include <pthread.h>
#include <sched.h>
#include <string_view>
#include <utility>

#include <grpc/grpc.h>
#include <grpc/support/log.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

namespace smol::control {
namespace {

using dataplane::Log;
using dataplane::LogLevel;
using dataplane::StartError;

constexpr int kMaxMessage = 2 << 20;
constexpr int kMaxStreams = 65'536;  // of one client
/// What a stream may have under way to us before its sender must wait for a reader: the window of a
/// remote socket. Left to itself gRPC takes 4 MiB and more.
constexpr int kLookahead = 256 << 10;
/// Calls that hold a thread each, which are the short ones, and what serves all the others.
constexpr int kMaxThreads = 48;

std::mutex the_log_mutex;
Log* the_log = nullptr;

void log_line(gpr_log_func_args* args) {
  const std::lock_guard lock{the_log_mutex};
  if (the_log == nullptr) return;
  std::string_view file = args->file;
  file.remove_prefix(std::min(file.size(), file.rfind('/') + 1));
  std::array<char, 512> line{};
  std::snprintf(line.data(), line.size(), "%.*s:%d: %s", static_cast<int>(file.size()), file.data(),
                args->line, args->message);
  the_log->write(LogLevel::kDebug, "grpc", line.data());
}

/// While it lives, this thread and those that it starts keep off some CPUs; unless there are no
/// others.
class KeepOff {
 public:
  explicit KeepOff(const std::vector<std::uint32_t>& cores) {
    if (cores.empty() || pthread_getaffinity_np(pthread_self(), sizeof before_, &before_) != 0) {
      return;
    }
    cpu_set_t others = before_;
    for (const std::uint32_t core : cores) {
      if (core < CPU_SETSIZE) CPU_CLR(core, &others);
    }
    changed_ = CPU_COUNT(&others) > 0 &&
               pthread_setaffinity_np(pthread_self(), sizeof others, &others) == 0;
  }
  ~KeepOff() {
    if (changed_) pthread_setaffinity_np(pthread_self(), sizeof before_, &before_);
  }
  KeepOff(const KeepOff&) = delete;
  KeepOff& operator=(const KeepOff&) = delete;

 private:
  cpu_set_t before_{};
  bool changed_ = false;
};

/// The library's last shutdown joins a thread of its own, which after a client was slow sleeps in a
/// poll for up to 10 s. With this use of it there is no last one before the process ends.
void keep_library() {
  [[maybe_unused]] static const bool kept = (grpc_init(), true);
}

void set_transport(grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(kMaxMessage);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxStreams);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, kLookahead);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  // A client that is gone without a word is found within 40 s.
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10'000);
}

void set_threads(grpc::ServerBuilder& builder) {
  grpc::ResourceQuota quota{"smold"};
  quota.SetMaxThreads(kMaxThreads);
  builder.SetResourceQuota(quota);
  builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::NUM_CQS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::MIN_POLLERS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::MAX_POLLERS, 2);
}

}  // namespace

/// Leads what gRPC logs into the daemon's log, at level debug: its library writes to standard error
/// about every connection that fails.
class Server::QuietLog {
 public:
  explicit QuietLog(Log& log) {
    const std::lock_guard lock{the_log_mutex};
    the_log = &log;
    gpr_set_log_function(log_line);
    gpr_set_log_verbosity(log.wants(LogLevel::kDebug) ? GPR_LOG_SEVERITY_INFO
                                                      : GPR_LOG_SEVERITY_ERROR);
  }
  ~QuietLog() {
    const std::lock_guard lock{the_log_mutex};
    the_log = nullptr;
  }
  QuietLog(const QuietLog&) = delete;
  QuietLog& operator=(const QuietLog&) = delete;
};

Server::Server(std::string address, SocketFile file, std::unique_ptr<QuietLog> log)
    : address_{std::move(address)}, log_{std::move(log)}, file_{std::move(file)} {}

Server::~Server() {
  shut_down(std::chrono::milliseconds{0});
}

Result<std::unique_ptr<Server>, StartError> Server::start(
    const Options& options, const std::vector<grpc::Service*>& services, Log& log) {
  auto file = SocketFile::prepare(std::string{path_of(options.listen)});
  if (!file) return fail(file.error());
  std::unique_ptr<Server> out{
      new Server{options.listen, std::move(*file), std::make_unique<QuietLog>(log)}};

  const KeepOff keep_off{options.worker_cores};
  keep_library();
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  set_transport(builder);
  set_threads(builder);
  int bound = 0;
  builder.AddListeningPort("unix://" + out->file_.temporary(), grpc::InsecureServerCredentials(),
                           &bound);
  for (grpc::Service* service : services) builder.RegisterService(service);
  out->server_ = builder.BuildAndStart();
  if (out->server_ == nullptr || bound == 0) {
    return fail(StartError{"grpc.listen: " + options.listen +
                           ": gRPC cannot listen there; --log-level debug tells more"});
  }
  std::string warning;
  if (auto published = out->file_.publish(warning); !published) return fail(published.error());
  if (!warning.empty()) log.write(LogLevel::kWarning, "grpc", warning);
  log.write(LogLevel::kInfo, "grpc", "listens on " + options.listen);
  return out;
}

void Server::drain() noexcept {
  if (auto* health = server_->GetHealthCheckService()) health->SetServingStatus(false);
}

void Server::shut_down(std::chrono::milliseconds limit) {
  if (server_ == nullptr) return;
  server_->Shutdown(std::chrono::system_clock::now() + limit);
  server_->Wait();
  server_.reset();
}

}  // namespace smol::control
