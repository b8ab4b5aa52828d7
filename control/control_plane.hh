#pragma once

#include <memory>
#include <string>
#include <vector>

#include "control/grpc_config.hh"
#include "dataplane/daemon.hh"

namespace smol::control {

/// What makes a daemon controllable: the API's services, on a server that starts and ends with it.
class ControlPlane {
 public:
  /// `version`: of smolplane. `stop`, which outlives this: what the API asks to end the daemon.
  ControlPlane(const GrpcConfig& config, std::string version, dataplane::StopRequest& stop);
  ~ControlPlane();
  ControlPlane(const ControlPlane&) = delete;
  ControlPlane& operator=(const ControlPlane&) = delete;

  /// Before the daemon starts: what it needs among its applications.
  void add_applications(std::vector<dataplane::ApplicationSpec>& applications);
  /// Once it runs: for dataplane::run(). The attachment must not outlive this.
  Result<std::unique_ptr<dataplane::Attachment>, dataplane::StartError> attach(
      dataplane::Daemon& daemon);

 private:
  struct Parts;
  class Running;
  std::unique_ptr<Parts> parts_;
};

}  // namespace smol::control
