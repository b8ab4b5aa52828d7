#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "protocols/base/result.hh"
#include "protocols/pcap/pcap.hh"
#include "protocols/tcp/trace.hh"
#include "tools/client/problem.hh"
#include "tools/dump/line_printer.hh"

namespace smol::dump {

/// What is known of a packet besides its octets: where it was seen, and what became of it. From
/// pcapng's fields and comments, or from the daemon; tcpdump's own files have none of it.
struct PacketMeta {
  std::string interface;
  pcap::Direction direction = pcap::Direction::kUnknown;
  std::optional<std::uint32_t> worker;
  std::optional<std::uint32_t> queue;
  std::string verdict;               ///< "drop"; empty: unsaid
  std::string reason;                ///< a name of drop.def, when it was dropped
  std::optional<tcp::Trace> tcp;     ///< of its connection
  std::string comment;               ///< what else the comment holds
  std::uint64_t dropped_before = 0;  ///< lost by the capture since the packet before
};

/// A packet out of a source. Borrowed: valid until the source's next call.
struct SourcePacket {
  Captured captured;
  PacketMeta meta;
};

/// What ends a run early: a sentence for standard error, unless it is empty.
struct Failure {
  client::ExitStatus status = client::ExitStatus::kFailed;
  std::string text;
};

/// What a live capture has seen and lost so far.
struct CaptureCounts {
  std::uint64_t matched = 0;      ///< packets that passed the filter
  std::uint64_t lost_ring = 0;    ///< of these: a worker had no room
  std::uint64_t lost_stream = 0;  ///< of these: this program was slow

  std::uint64_t lost() const noexcept { return lost_ring + lost_stream; }
};

/// Where packets come from. Thread: one, but for interrupt().
class PacketSource {
 public:
  virtual ~PacketSource() = default;

  /// The DLT of all of its packets, as libpcap numbers them.
  virtual int datalink() const = 0;
  /// The most octets that a packet has.
  virtual std::uint32_t snap_length() const = 0;
  /// Where packets come from, for the line on standard error.
  virtual std::string description() const = 0;
  /// Whether packets say if they came in or went out.
  virtual bool knows_direction() const = 0;
  /// Whether the filter was applied where packets come from.
  virtual bool filters() const { return false; }
  /// The next packet; nothing at the end.
  virtual Result<std::optional<SourcePacket>, Failure> next() = 0;
  /// Ends a next() that waits. From any thread.
  virtual void interrupt() noexcept = 0;
  /// Whether what was on its way when interrupt() was called still comes, and then the end.
  virtual bool drains() const { return false; }
  /// No more is wanted: makes counts() final.
  virtual void finish() {}
  /// Nothing: packets are not lost here, as in a file.
  virtual std::optional<CaptureCounts> counts() const { return std::nullopt; }
};

/// `[w2 port0 q2 in drop:tcp_bad_checksum] `, the parts that are known; empty if none is.
std::string meta_text(const PacketMeta& meta);
/// The variables of its connection in the words of `ss -ti`, a line below the packet's; empty if
/// they are not known.
std::string tcp_info_text(const PacketMeta& meta);
/// The comment of a packet in a file, that read_comment() takes apart again.
std::string comment_of(const PacketMeta& meta);
/// Takes "worker 2", "drop: tcp_bad_checksum", "consumed" and "tcp: ESTAB ..." (tcp::Trace) out of
/// a comment; pieces of it are parted by "; ". What is of another form stays in meta.comment.
void read_comment(std::string_view comment, PacketMeta& meta);

}  // namespace smol::dump
