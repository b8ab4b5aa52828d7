#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "dataplane/stack_memory.hh"
#include "protocols/packet/mem_packet.hh"
#include "protocols/stack/stack.hh"

namespace smol::bench {

/// Two stacks in one thread, what one sends in the other's inbox: no device, no copy, nothing lost.
/// Time is a number that turn() moves on.
class StackPair {
 public:
  struct Options {
    IpFamily family = IpFamily::kIp4;
    std::uint32_t window = 1 << 16;  ///< send and receive buffer, octets
    /// As with a device that does checksums: none is computed, all that come in are good.
    bool offload = false;
    std::uint32_t connections = 16;
  };

  /// One of the two.
  class End final : private PacketSink<MemPacket> {
   public:
    End(const Options& options, std::uint8_t number, MemPool& pool, Instant start);

    /// A turn's first half: a burst of what came in, and timers. Returns how many frames.
    std::size_t receive(Instant now) noexcept;
    /// Its second half. Returns how many frames went out.
    std::size_t transmit(Instant now) noexcept;
    bool has_mail() const noexcept { return next_ < inbox_.size(); }

    IpAddress address() const noexcept { return address_; }
    void connect_to(End& peer) noexcept { peer_ = &peer; }
    const DropCounters& drops() const noexcept { return drops_; }

   private:
    void send(InterfaceId, std::span<MemPacket> burst) noexcept override;

    const bool offload_;
    const IpAddress address_;
    dataplane::StackMemory memory_{true};
    DropCounters drops_;

   public:
    Stack<MemPacket> stack;

   private:
    std::vector<MemPacket> inbox_;
    std::size_t next_ = 0;  ///< first of inbox_ not taken
    std::size_t sent_ = 0;
    End* peer_ = nullptr;
  };

  explicit StackPair(const Options& options);
  StackPair(const StackPair&) = delete;
  StackPair& operator=(const StackPair&) = delete;

  Instant now() const noexcept { return now_; }
  /// The moment of the next turn of either end.
  Instant turn() noexcept { return now_ += microseconds(2); }

  /// Both ends of a connection through `server`'s port 80, established. Throws Failure.
  struct Sockets {
    SocketId client;
    SocketId server;
  };
  Sockets open();
  /// Throws Failure if a packet was dropped or a segment sent twice where nothing is lost: such a
  /// figure is none.
  void check() const;

 private:
  Instant now_{seconds(1000)};
  dataplane::StackMemory memory_{true};
  MemPool pool_;  ///< of both: each keeps packets that the other made

 public:
  End client;
  End server;
  SocketId listener;
};

}  // namespace smol::bench
