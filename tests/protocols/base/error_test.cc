#include "protocols/base/error.hh"

#include <cerrno>
#include <cstring>
#include <set>
#include <string_view>

#include <gtest/gtest.h>

namespace smol {
namespace {

/// All enumerators. The switch has no default, so -Wswitch-enum refuses one that is not listed
/// here.
constexpr Error kAll[] = {
    Error::kNotPermitted,
    Error::kNotFound,
    Error::kBadHandle,
    Error::kWouldBlock,
    Error::kExists,
    Error::kNoDevice,
    Error::kInvalid,
    Error::kOtherWorker,
    Error::kMessageTooLong,
    Error::kNotSupported,
    Error::kAddressInUse,
    Error::kAddressNotAvailable,
    Error::kNetworkUnreachable,
    Error::kConnectionReset,
    Error::kNoBuffers,
    Error::kAlreadyConnected,
    Error::kNotConnected,
    Error::kShutDown,
    Error::kTimedOut,
    Error::kConnectionRefused,
    Error::kHostUnreachable,
};

std::string_view errno_name(Error error) {
  switch (error) {
    case Error::kNotPermitted:
    case Error::kNotFound:
    case Error::kBadHandle:
    case Error::kWouldBlock:
    case Error::kExists:
    case Error::kNoDevice:
    case Error::kInvalid:
    case Error::kOtherWorker:
    case Error::kMessageTooLong:
    case Error::kNotSupported:
    case Error::kAddressInUse:
    case Error::kAddressNotAvailable:
    case Error::kNetworkUnreachable:
    case Error::kConnectionReset:
    case Error::kNoBuffers:
    case Error::kAlreadyConnected:
    case Error::kNotConnected:
    case Error::kShutDown:
    case Error::kTimedOut:
    case Error::kConnectionRefused:
    case Error::kHostUnreachable:
      return strerrorname_np(static_cast<int>(error));
  }
  return {};
}

TEST(ErrorTable, ValuesAndNamesAreTheErrnosOfThisSystem) {
  for (const Error error : kAll) EXPECT_EQ(name(error), errno_name(error));
  EXPECT_EQ(static_cast<int>(Error::kWouldBlock), EAGAIN);
  EXPECT_EQ(static_cast<int>(Error::kConnectionRefused), ECONNREFUSED);
}

TEST(ErrorTable, EveryEnumeratorHasARowOfItsOwn) {
  std::set<std::string_view> sentences;
  for (const Error error : kAll) {
    EXPECT_NE(name(error), "E?") << static_cast<int>(error);
    EXPECT_NE(sentence(error), "unknown error") << name(error);
    EXPECT_TRUE(sentences.insert(sentence(error)).second) << name(error);
  }
}

TEST(ErrorTable, ANumberWithoutARowIsStillPrintable) {
  EXPECT_EQ(name(static_cast<Error>(250)), "E?");
  EXPECT_EQ(sentence(static_cast<Error>(250)), "unknown error");
}

}  // namespace
}  // namespace smol
