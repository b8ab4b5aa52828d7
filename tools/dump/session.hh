#pragma once

#include <atomic>
#include <cstdio>
#include <string>

#include "protocols/base/result.hh"
#include "tools/dump/options.hh"
#include "tools/dump/packet_source.hh"

namespace smol::dump {

/// What ends a run early: a sentence for standard error, unless it is empty, and the exit status.
struct Failure {
  int status = kMisused;
  std::string text;
};

/// Takes packets from a source, filters them, and prints, writes or counts them. Thread: one; only
/// stop() may be called from others, and from a signal handler.
class Session {
 public:
  /// `out`: where lines go. Both are borrowed.
  Session(const Options& options, std::FILE* out) : options_{options}, out_{out} {}

  /// Until the source ends, -c is reached or stop() is called.
  Result<void, Failure> run(PacketSource& source);
  void stop() noexcept;

 private:
  struct Stage;

  Result<void, Failure> take_all(PacketSource& source, const Stage& stage, CaptureWriter* writer);
  Result<void, Failure> write(CaptureWriter& writer, SourcePacket& packet);
  Result<void, Failure> print(const Stage& stage, LinePrinter& printer, const SourcePacket& packet);
  bool colours() const;

  const Options& options_;
  std::FILE* out_;
  std::atomic<bool> stopped_ = false;
  std::atomic<PacketSource*> source_ = nullptr;  ///< while run() is in it
};

/// Prints what the filter compiles to (-d), for `source`, or for Ethernet if there is none.
Result<void, Failure> dump_filter(const Options& options, const PacketSource* source);

}  // namespace smol::dump
