#include "control/error.hh"

#include <cerrno>

#include "google/rpc/status.pb.h"
#include "smol/v1/types.pb.h"

namespace smol::control {
namespace {

grpc::Status with_detail(grpc::StatusCode code, const std::string& message,
                         const v1::ErrorInfo& info) {
  google::rpc::Status detail;
  detail.set_code(static_cast<int>(code));
  detail.set_message(message);
  detail.add_details()->PackFrom(info);
  return grpc::Status{code, message, detail.SerializeAsString()};
}

}  // namespace

grpc::StatusCode status_code(Error error) noexcept {
  switch (error) {
    case Error::kInvalid:
      return grpc::StatusCode::INVALID_ARGUMENT;
    case Error::kExists:
    case Error::kAddressInUse:
      return grpc::StatusCode::ALREADY_EXISTS;
    case Error::kNotFound:
    case Error::kNoDevice:
    case Error::kBadHandle:
      return grpc::StatusCode::NOT_FOUND;
    case Error::kNotPermitted:
      return grpc::StatusCode::PERMISSION_DENIED;
    case Error::kMessageTooLong:
      return grpc::StatusCode::OUT_OF_RANGE;
    case Error::kConnectionRefused:
    case Error::kConnectionReset:
      return grpc::StatusCode::ABORTED;
    case Error::kTimedOut:
      return grpc::StatusCode::DEADLINE_EXCEEDED;
    case Error::kNoBuffers:
    case Error::kWouldBlock:
      return grpc::StatusCode::RESOURCE_EXHAUSTED;
    case Error::kNotSupported:
      return grpc::StatusCode::UNIMPLEMENTED;
    case Error::kOtherWorker:
    case Error::kNetworkUnreachable:
    case Error::kHostUnreachable:
    case Error::kAddressNotAvailable:
    case Error::kAlreadyConnected:
    case Error::kNotConnected:
    case Error::kShutDown:
      break;
  }
  return grpc::StatusCode::FAILED_PRECONDITION;
}

grpc::Status to_status(const Refusal& refusal) {
  std::string message{refusal.message.empty() ? sentence(refusal.error) : refusal.message};
  if (!refusal.field.empty()) message.insert(0, refusal.field + ": ");
  v1::ErrorInfo info;
  info.set_name(std::string{name(refusal.error)});
  info.set_errno_number(static_cast<int>(refusal.error));
  info.set_field(refusal.field);
  info.set_socket_id(refusal.socket_id);
  return with_detail(status_code(refusal.error), message, info);
}

grpc::Status to_status(Error error) {
  return to_status(Refusal{error, {}, {}});
}

grpc::Status stopping() {
  v1::ErrorInfo info;
  info.set_name("ESHUTDOWN");
  info.set_errno_number(ESHUTDOWN);
  return with_detail(grpc::StatusCode::UNAVAILABLE, "the daemon stops", info);
}

}  // namespace smol::control
