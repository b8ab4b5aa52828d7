#pragma once

#include <cstdint>
#include <string_view>

namespace smol::tcp {

/// RFC 9293 section 3.3.2. LISTEN belongs to a Listener and TIME-WAIT outlives its Connection in a
/// record of its own (time_wait.hh); both are named here for listings.
enum class State : std::uint8_t {
  kClosed,
  kListen,
  kSynSent,
  kSynReceived,
  kEstablished,
  kFinWait1,
  kFinWait2,
  kCloseWait,
  kClosing,
  kLastAck,
  kTimeWait,
};

/// "ESTABLISHED", as RFC 9293 writes it.
std::string_view name(State state) noexcept;

}  // namespace smol::tcp
