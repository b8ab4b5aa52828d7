#pragma once

#include <atomic>
#include <cstdio>
#include <string>

#include "protocols/base/result.hh"
#include "tools/dump/options.hh"
#include "tools/dump/packet_source.hh"

namespace smol::dump {

/// Takes packets from a source, filters them, and prints, writes or counts them. Thread: one; only
/// stop() may be called from others.
class Session {
 public:
  /// `out`: where lines go. Both are borrowed.
  Session(const Options& options, std::FILE* out) : options_{options}, out_{out} {}

  /// Until the source ends, -c is reached or stop() is called; then says on standard error what a
  /// live source has lost.
  Result<void, Failure> run(PacketSource& source);
  /// Of a live source, what was captured until now is still taken. Called again, it is not.
  void stop() noexcept;

 private:
  struct Stage;

  Result<void, Failure> run(PacketSource& source, const Stage& stage, CaptureWriter* writer);
  Result<void, Failure> take_all(PacketSource& source, const Stage& stage, CaptureWriter* writer);
  Result<void, Failure> take(const Stage& stage, LinePrinter& printer, CaptureWriter* writer,
                             SourcePacket& packet);
  Result<void, Failure> tell_loss(const CaptureCounts& counts, bool as_json);
  Result<void, Failure> write(CaptureWriter& writer, SourcePacket& packet);
  Result<void, Failure> print(const Stage& stage, LinePrinter& printer, const SourcePacket& packet);
  bool colours() const;

  const Options& options_;
  std::FILE* out_;
  std::uint64_t count_ = 0;  ///< packets taken
  std::uint64_t lost_ = 0;   ///< told of
  std::atomic<bool> stopped_ = false;
  std::atomic<PacketSource*> source_ = nullptr;  ///< while run() is in it
};

/// Prints what the filter compiles to (-d), for `source`, or for Ethernet if there is none.
Result<void, Failure> dump_filter(const Options& options, const PacketSource* source);

}  // namespace smol::dump
