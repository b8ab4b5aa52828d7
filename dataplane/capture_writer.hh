#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "dataplane/capture.hh"
#include "dataplane/config.hh"
#include "dataplane/logger.hh"
#include "dataplane/pcap_file.hh"
#include "dataplane/wall_clock.hh"

namespace smol::dataplane {

/// The reading end of the workers' capture taps: a thread that writes the capture file, and prints
/// packets at level trace and dropped ones at level debug. What it does never holds up a worker.
class CaptureWriter {
 public:
  /// `interfaces`: names, in the order of their ids. `log` outlives the writer. Error: the file
  /// cannot be created. Without a file, and with a log above debug, there is nothing to do:
  /// add_tap() is null.
  static Result<std::unique_ptr<CaptureWriter>, StartError> create(
      const CaptureConfig& config, std::vector<std::string> interfaces, Logger& log);
  /// Writes what is left, and says what was lost. The workers are gone by then.
  ~CaptureWriter();
  CaptureWriter(const CaptureWriter&) = delete;
  CaptureWriter& operator=(const CaptureWriter&) = delete;

  /// One worker's; lives as long as the writer. Before start().
  CaptureTap* add_tap();
  /// Begins to read. Thread: main, before the workers.
  void start();

  /// Waits until what was published is in the file, for up to `limit`: before the process dies of a
  /// bug of its own. Thread: any but the writer's.
  void flush(std::chrono::milliseconds limit) noexcept;

 private:
  CaptureWriter(const CaptureConfig& config, std::vector<std::string> interfaces, Logger& log)
      : config_{config}, interfaces_{std::move(interfaces)}, log_{log} {}

  void run();
  bool drain();
  void take(const CaptureTap::Entry& entry);
  void print(const CaptureTap::Entry& entry);
  void give_up();

  const CaptureConfig config_;
  const std::vector<std::string> interfaces_;
  Logger& log_;
  std::unique_ptr<PcapFile> file_;
  WallClock clock_;
  std::vector<std::unique_ptr<CaptureTap>> taps_;
  std::mutex mutex_;  // stop_, flushes_
  std::condition_variable wake_;
  std::condition_variable flushed_;
  bool stop_ = false;
  std::uint64_t flushes_wanted_ = 0;
  std::uint64_t flushes_done_ = 0;
  std::thread thread_;
};

}  // namespace smol::dataplane
