#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "protocols/base/result.hh"
#include "protocols/pcap/pcap.hh"
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
  std::string comment;               ///< what else the comment holds
  std::uint64_t dropped_before = 0;  ///< lost by the capture since the packet before
};

/// A packet out of a source. Borrowed: valid until the source's next call.
struct SourcePacket {
  Captured captured;
  PacketMeta meta;
};

/// Where packets come from. Thread: one.
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
  /// The next packet; nothing at the end. Error: a sentence.
  virtual Result<std::optional<SourcePacket>, std::string> next() = 0;
  /// Ends a next() that waits, and all after it. From any thread, and from a signal handler.
  virtual void interrupt() noexcept = 0;
};

/// `[w2 port0 q2 in drop:tcp_bad_checksum] `, the parts that are known; empty if none is.
std::string meta_text(const PacketMeta& meta);
/// The comment of a packet in a file, that read_comment() takes apart again.
std::string comment_of(const PacketMeta& meta);
/// Takes "worker 2", "drop: tcp_bad_checksum" and "consumed" out of a comment; pieces of it are
/// parted by "; ". What is of another form stays in meta.comment.
void read_comment(std::string_view comment, PacketMeta& meta);

}  // namespace smol::dump
