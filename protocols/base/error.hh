#pragma once

#include <cstdint>
#include <string_view>

namespace smol {

/// Why a call of the socket API was refused or a socket died. The values are errno's of Linux, so a
/// client over any transport can pass them on as they are.
enum class Error : std::uint8_t {
  kNotPermitted = 1,          // EPERM
  kNotFound = 2,              // ENOENT
  kWouldBlock = 11,           // EAGAIN
  kExists = 17,               // EEXIST
  kNoDevice = 19,             // ENODEV
  kInvalid = 22,              // EINVAL
  kOtherWorker = 66,          // EREMOTE: what was asked for belongs to another worker
  kMessageTooLong = 90,       // EMSGSIZE
  kNotSupported = 95,         // EOPNOTSUPP
  kAddressInUse = 98,         // EADDRINUSE
  kAddressNotAvailable = 99,  // EADDRNOTAVAIL
  kNetworkUnreachable = 101,  // ENETUNREACH
  kConnectionReset = 104,     // ECONNRESET
  kNoBuffers = 105,           // ENOBUFS
  kAlreadyConnected = 106,    // EISCONN
  kNotConnected = 107,        // ENOTCONN
  kShutDown = 32,             // EPIPE
  kTimedOut = 110,            // ETIMEDOUT
  kConnectionRefused = 111,   // ECONNREFUSED
  kHostUnreachable = 113,     // EHOSTUNREACH
  kBadHandle = 9,             // EBADF: the socket does not exist (any more)
};

/// The errno's name, such as "ECONNREFUSED".
std::string_view name(Error error) noexcept;
/// What it means, such as "connection refused".
std::string_view sentence(Error error) noexcept;

}  // namespace smol
