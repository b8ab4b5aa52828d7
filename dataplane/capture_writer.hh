#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "dataplane/capture_hub.hh"
#include "dataplane/config.hh"
#include "dataplane/logger.hh"
#include "dataplane/pcap_file.hh"

namespace smol::dataplane {

/// The captures of the daemon's own: the capture file, and the log, which has every packet at level
/// trace and dropped ones at level debug. A thread reads them, so that a slow disk holds up
/// neither workers nor the captures of others.
class CaptureWriter {
 public:
  /// `interfaces`: names, in the order of their ids. `log` outlives the writer. Error: the file
  /// cannot be created.
  static Result<std::unique_ptr<CaptureWriter>, StartError> create(
      const CaptureConfig& config, std::vector<std::string> interfaces, Logger& log);
  /// Writes what is left, and says what was lost.
  ~CaptureWriter();
  CaptureWriter(const CaptureWriter&) = delete;
  CaptureWriter& operator=(const CaptureWriter&) = delete;

  /// Begins to capture; nothing without a file and with a log above debug. `hub` outlives the
  /// writer and has all its taps. Thread: main, before the workers.
  void start(CaptureHub& hub);

  /// Waits until what was published is in the file, for up to `limit`: before the process dies of a
  /// bug of its own. Thread: any but the writer's.
  void flush(std::chrono::milliseconds limit) noexcept;

 private:
  using Use = void (CaptureWriter::*)(const CapturedPacket&);
  struct Source {
    std::unique_ptr<CaptureSession> session;
    Use use;
    bool ended = false;
  };

  CaptureWriter(const CaptureConfig& config, std::vector<std::string> interfaces, Logger& log)
      : config_{config}, interfaces_{std::move(interfaces)}, log_{log} {}

  void open(CaptureHub& hub, const CaptureSpec& spec, Use use);
  void run();
  bool drain(Source& source);
  void save(const CapturedPacket& packet);
  void print(const CapturedPacket& packet);
  void report(const CaptureStats& stats);
  void give_up();

  const CaptureConfig config_;
  const std::vector<std::string> interfaces_;
  Logger& log_;
  CaptureHub* hub_ = nullptr;
  std::unique_ptr<PcapFile> file_;
  std::vector<Source> sources_;
  CaptureBatch batch_;
  std::mutex mutex_;  // ready_, flushes_
  std::condition_variable wake_;
  std::condition_variable flushed_;
  bool ready_ = false;
  std::uint64_t flushes_wanted_ = 0;
  std::uint64_t flushes_done_ = 0;
  std::thread thread_;
};

}  // namespace smol::dataplane
