// Errors as clients see them: the status, the sentence and the detail.
#include "control/error.hh"

#include <cerrno>

#include <gtest/gtest.h>

#include "google/rpc/status.pb.h"
#include "smol/v1/types.pb.h"

namespace smol::control {
namespace {

v1::ErrorInfo info_of(const grpc::Status& status) {
  google::rpc::Status detail;
  EXPECT_TRUE(detail.ParseFromString(status.error_details()));
  EXPECT_EQ(detail.code(), static_cast<int>(status.error_code()));
  EXPECT_EQ(detail.message(), status.error_message());
  v1::ErrorInfo info;
  EXPECT_EQ(detail.details_size(), 1);
  if (detail.details_size() == 1) {
    EXPECT_EQ(detail.details(0).type_url(), "type.googleapis.com/smol.v1.ErrorInfo");
    EXPECT_TRUE(detail.details(0).UnpackTo(&info));
  }
  return info;
}

TEST(ErrorStatus, IsTheOneOfTheTable) {
  using Code = grpc::StatusCode;
  const std::pair<Error, Code> rows[] = {
      {Error::kInvalid, Code::INVALID_ARGUMENT},
      {Error::kExists, Code::ALREADY_EXISTS},
      {Error::kAddressInUse, Code::ALREADY_EXISTS},
      {Error::kNotFound, Code::NOT_FOUND},
      {Error::kNoDevice, Code::NOT_FOUND},
      {Error::kBadHandle, Code::NOT_FOUND},
      {Error::kNotPermitted, Code::PERMISSION_DENIED},
      {Error::kMessageTooLong, Code::OUT_OF_RANGE},
      {Error::kConnectionRefused, Code::ABORTED},
      {Error::kConnectionReset, Code::ABORTED},
      {Error::kTimedOut, Code::DEADLINE_EXCEEDED},
      {Error::kNoBuffers, Code::RESOURCE_EXHAUSTED},
      {Error::kWouldBlock, Code::RESOURCE_EXHAUSTED},
      {Error::kNotSupported, Code::UNIMPLEMENTED},
      {Error::kNetworkUnreachable, Code::FAILED_PRECONDITION},
      {Error::kHostUnreachable, Code::FAILED_PRECONDITION},
      {Error::kAddressNotAvailable, Code::FAILED_PRECONDITION},
      {Error::kAlreadyConnected, Code::FAILED_PRECONDITION},
      {Error::kNotConnected, Code::FAILED_PRECONDITION},
      {Error::kShutDown, Code::FAILED_PRECONDITION},
  };
  for (const auto& [error, code] : rows) EXPECT_EQ(status_code(error), code) << name(error);
}

TEST(ErrorStatus, NamesTheFieldToPeopleAndPrograms) {
  const grpc::Status status =
      to_status(Refusal{Error::kInvalid, "route.gateway", "is no address of a host"});
  EXPECT_EQ(status.error_message(), "route.gateway: is no address of a host");
  const v1::ErrorInfo info = info_of(status);
  EXPECT_EQ(info.name(), "EINVAL");
  EXPECT_EQ(info.errno_number(), EINVAL);
  EXPECT_EQ(info.field(), "route.gateway");
}

TEST(ErrorStatus, HasWordsForABareError) {
  const grpc::Status status = to_status(Error::kConnectionRefused);
  EXPECT_EQ(status.error_message(), sentence(Error::kConnectionRefused));
  EXPECT_EQ(info_of(status).name(), "ECONNREFUSED");
  EXPECT_EQ(info_of(status).errno_number(), ECONNREFUSED);
}

TEST(ErrorStatus, NamesTheSocket) {
  EXPECT_EQ(info_of(to_status(Refusal{Error::kBadHandle, "id", {}, 77})).socket_id(), 77u);
}

TEST(ErrorStatus, SaysUnavailableOnlyOfADaemonThatEnds) {
  EXPECT_EQ(stopping().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(info_of(stopping()).name(), "ESHUTDOWN");
}

}  // namespace
}  // namespace smol::control
