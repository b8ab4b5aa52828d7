#include "protocols/base/error.hh"

namespace smol {
namespace {

struct Row {
  Error error;
  std::string_view name;
  std::string_view sentence;
};

constexpr Row kRows[] = {
    {Error::kNotPermitted, "EPERM", "not permitted"},
    {Error::kNotFound, "ENOENT", "no such entry"},
    {Error::kBadHandle, "EBADF", "no such socket"},
    {Error::kWouldBlock, "EAGAIN", "nothing to do yet; try again on the next event"},
    {Error::kExists, "EEXIST", "exists already"},
    {Error::kNoDevice, "ENODEV", "no such interface"},
    {Error::kInvalid, "EINVAL", "invalid argument"},
    {Error::kShutDown, "EPIPE", "this direction is shut down"},
    {Error::kOtherWorker, "EREMOTE", "another worker owns this flow"},
    {Error::kMessageTooLong, "EMSGSIZE", "message too long"},
    {Error::kNotSupported, "EOPNOTSUPP", "not supported"},
    {Error::kAddressInUse, "EADDRINUSE", "address and port are in use"},
    {Error::kAddressNotAvailable, "EADDRNOTAVAIL", "no such address or no free port here"},
    {Error::kNetworkUnreachable, "ENETUNREACH", "no route to the network"},
    {Error::kConnectionReset, "ECONNRESET", "connection reset by the peer"},
    {Error::kNoBuffers, "ENOBUFS", "out of buffers or table entries"},
    {Error::kAlreadyConnected, "EISCONN", "already connected"},
    {Error::kNotConnected, "ENOTCONN", "not connected"},
    {Error::kTimedOut, "ETIMEDOUT", "timed out"},
    {Error::kConnectionRefused, "ECONNREFUSED", "connection refused"},
    {Error::kHostUnreachable, "EHOSTUNREACH", "host unreachable"},
};

const Row* find(Error error) noexcept {
  for (const Row& row : kRows) {
    if (row.error == error) return &row;
  }
  return nullptr;
}

}  // namespace

std::string_view name(Error error) noexcept {
  const Row* row = find(error);
  return row != nullptr ? row->name : "E?";
}

std::string_view sentence(Error error) noexcept {
  const Row* row = find(error);
  return row != nullptr ? row->sentence : "unknown error";
}

}  // namespace smol
