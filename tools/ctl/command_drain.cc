#include "smol/v1/admin.grpc.pb.h"
#include "tools/ctl/command.hh"

namespace smol::ctl {

void drain(Run& run, Words& words) {
  v1::DrainRequest request;
  if (!words.empty()) {
    const std::string word = words.next("an option");
    if (word != "--now") throw Problem{"'" + word + "' is no option of drain: --now"};
    request.set_immediately(true);
  }
  words.end();
  v1::AdminService::Stub stub{run.client.channel()};
  run.client.call(&v1::AdminService::Stub::Drain, stub, request);
}

}  // namespace smol::ctl
