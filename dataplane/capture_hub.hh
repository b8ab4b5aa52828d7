#pragma once

#include <bitset>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/captured_packet.hh"
#include "dataplane/filter/classic.hh"
#include "protocols/base/drop.hh"
#include "protocols/base/result.hh"
#include "protocols/base/time.hh"

namespace smol::dataplane {

class CaptureTap;

/// What to capture, and how much to keep of it.
struct CaptureSpec {
  /// What became of a packet, where that is asked for.
  enum class Verdict : std::uint8_t { kAny, kAccepted, kDropped };

  std::string name;  ///< for people: who captures; any text

  bool rx = true;     ///< packets from ports, as the stack is about to see them
  bool tx = true;     ///< packets to ports, as the wire will see them
  bool drop = false;  ///< packets that were dropped, wherever that was

  std::vector<filter::Instruction> filter;  ///< for Ethernet frames; empty: every packet
  std::vector<InterfaceId> interfaces;      ///< 0 to 63; empty: all
  std::vector<unsigned> workers;            ///< 0 to 63; empty: all
  Verdict verdict = Verdict::kAny;
  std::bitset<kDropCount> reasons;  ///< of packets that were dropped; none: all

  /// The variables of TCP connections with their segments.
  bool tcp_info = false;

  std::uint32_t snap_length = 262'144;  ///< octets kept of a packet; 0 and more are this too
  /// Octets between the capture thread and who reads, 64 KiB to 1 GiB: what comes when they are
  /// full is lost.
  std::size_t queue_octets = std::size_t{4} << 20;
  /// How long packets wait for more to share a batch.
  Duration flush_interval = milliseconds(20);

  /// For a person at a terminal.
  static constexpr Duration kLowLatency = milliseconds(5);
};

/// Why a capture cannot be had: one line that names the field.
struct CaptureError {
  enum class Kind : std::uint8_t { kInvalid, kTooMany };
  Kind kind;
  std::string message;
};

/// What became of the packets that a capture wanted. When nothing is on its way,
/// matched = delivered + lost_ring + lost_stream.
struct CaptureStats {
  std::uint64_t matched = 0;      ///< passed the filter
  std::uint64_t captured = 0;     ///< reached the queue
  std::uint64_t delivered = 0;    ///< were read
  std::uint64_t lost_ring = 0;    ///< found a worker's ring full
  std::uint64_t lost_stream = 0;  ///< found the queue full
  std::vector<std::uint64_t> lost_ring_by_worker;

  std::uint64_t lost() const noexcept { return lost_ring + lost_stream; }
};

/// One open capture. Ends with its destruction: at once, and with all that is queued. One thread
/// reads; the rest is for any thread. It may outlive the hub.
class CaptureSession {
 public:
  ~CaptureSession();
  CaptureSession(const CaptureSession&) = delete;
  CaptureSession& operator=(const CaptureSession&) = delete;

  /// Packets that are due: 64 KiB of them, or what the flush interval brought. Waits for them up to
  /// `timeout`. What was in `into` is gone; its memory is used again.
  CaptureRead read(CaptureBatch& into, std::chrono::nanoseconds timeout);
  /// The same without waiting. With kNothing, `when_ready` is called once, when another try is
  /// worth it: on the capture thread, so it must be short and must not read by itself. It is not
  /// called any more once this session is destroyed.
  CaptureRead try_read(CaptureBatch& into, std::function<void()> when_ready = {});

  /// No packet is captured from now on; read() gives what was before, and then kEnded.
  void stop() noexcept;

  CaptureStats stats() const;

 private:
  friend class CaptureHub;
  struct State;
  class Core;

  CaptureSession(std::shared_ptr<Core> core, std::shared_ptr<State> state) noexcept;

  std::shared_ptr<Core> core_;
  std::shared_ptr<State> state_;
};

/// Where captures are opened, several at once, each with a filter, a snap length and a queue of its
/// own.
///
///   worker: filters ─> copy ─> ring ─┐
///   worker: filters ─> copy ─> ring ─┼─> capture thread: in order of time ─> queue ─> session
///   worker: filters ─> copy ─> ring ─┘                                   └─> queue ─> session
///
/// No worker waits for anything here: rules are published by one store, and replaced ones are
/// freed when every worker has left them.
class CaptureHub {
 public:
  struct Options {
    std::size_t ring_octets = std::size_t{16} << 20;  ///< a worker
    unsigned max_sessions = 8;                        ///< 1 to 16
    /// Without: whoever made the hub calls step(). For tests.
    bool own_thread = true;
  };

  explicit CaptureHub(const Options& options);
  /// Reads what is left; sessions end. The workers are gone by then.
  ~CaptureHub();
  CaptureHub(const CaptureHub&) = delete;
  CaptureHub& operator=(const CaptureHub&) = delete;

  /// One worker's; lives as long as the hub. Before the workers run, and before the first open().
  CaptureTap& add_tap();

  /// Captures from now on. Thread: any but a worker's; it compiles the filter.
  Result<std::unique_ptr<CaptureSession>, CaptureError> open(const CaptureSpec& spec);

  /// Hands all that was published to the sessions, due or not, and waits for that up to `limit`.
  /// Thread: any but a session's callback; a worker's only if the process is about to die.
  void flush(std::chrono::milliseconds limit) noexcept;

  struct SessionInfo {
    std::string name;
    CaptureStats stats;
  };
  /// The open ones. Thread: any.
  std::vector<SessionInfo> sessions() const;

  /// What the capture thread does at `now`, a worker's time: without a thread of its own.
  void step(Instant now);

 private:
  std::shared_ptr<CaptureSession::Core> core_;
};

}  // namespace smol::dataplane
