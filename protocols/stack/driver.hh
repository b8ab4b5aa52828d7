#pragma once

#include <cstdint>
#include <span>

#include "protocols/base/drop.hh"
#include "protocols/packet/buffer.hh"
#include "protocols/stack/config.hh"
#include "protocols/stack/sockets.hh"
#include "protocols/tcp/trace.hh"

namespace smol {

enum class Direction : std::uint8_t { kRx, kTx };

/// Where a stack's packets leave it. The driver's.
template <PacketBuffer P>
class PacketSink {
 public:
  virtual ~PacketSink() = default;
  /// Takes every packet of `burst`: link header in front, checksums filled in or asked for in
  /// meta().tx. What the port refuses is freed and counted (kTxRingFull). Leaves empty handles.
  virtual void send(InterfaceId interface, std::span<P> burst) noexcept = 0;
};

/// Sees every packet that the stack drops, whole, before it is freed. The driver's; captures and
/// traces.
template <PacketBuffer P>
class DropObserver {
 public:
  virtual ~DropObserver() = default;
  virtual void on_drop(InterfaceId interface, Direction direction, const P& packet,
                       Drop reason) noexcept = 0;
};

/// Sees every segment of a TCP connection with the connection's variables: one that came right
/// after it was processed, and before it is dropped or kept; one that goes as it leaves, when its
/// headers are yet to come. Segments of listeners and of TIME-WAIT, which have no connection, go
/// unseen. The driver's; it may set meta().tag.
template <PacketBuffer P>
class SegmentObserver {
 public:
  virtual ~SegmentObserver() = default;
  virtual void on_segment(Direction direction, P& packet, SocketId socket,
                          const tcp::Trace& trace) noexcept = 0;
};

}  // namespace smol
