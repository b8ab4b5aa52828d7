#include "dataplane/capture_writer.hh"

#include <cerrno>
#include <chrono>
#include <cstring>

#include "protocols/base/text.hh"
#include "protocols/wire/print.hh"

namespace smol::dataplane {
namespace {

/// Workers do not wake us; a ring of 16 MiB holds 10 ms at 10 Gbit/s.
constexpr std::chrono::milliseconds kLook{5};

}  // namespace

Result<std::unique_ptr<CaptureWriter>, StartError> CaptureWriter::create(
    const CaptureConfig& config, std::vector<std::string> interfaces, Logger& log) {
  std::unique_ptr<CaptureWriter> out{new CaptureWriter{config, std::move(interfaces), log}};
  if (!config.file.empty()) {
    auto file = PcapFile::create(config.file, out->interfaces_, config.snap_length);
    if (!file) return fail(file.error());
    out->file_ = std::move(*file);
  }
  return out;
}

CaptureWriter::~CaptureWriter() {
  if (thread_.joinable()) {
    {
      const std::lock_guard lock{mutex_};
      stop_ = true;
    }
    wake_.notify_all();
    thread_.join();
  }
  std::uint64_t packets = 0;
  std::uint64_t lost = 0;
  for (const auto& tap : taps_) {
    packets += tap->packets();
    lost += tap->lost();
  }
  if (file_ != nullptr && !file_->finish(clock_.unix_ns(monotonic_now()), packets, lost)) give_up();
  if (lost > 0) {
    log_.write(LogLevel::kWarning, "capture",
               std::to_string(lost) + " of " + std::to_string(packets) +
                   " packets were lost: they came faster than they could be written; raise "
                   "capture.ring_mb or lower capture.snap_length");
  }
}

CaptureTap* CaptureWriter::add_tap() {
  if (file_ == nullptr && !log_.wants(LogLevel::kDebug)) return nullptr;
  const bool all = file_ != nullptr || log_.wants(LogLevel::kTrace);
  taps_.push_back(
      std::make_unique<CaptureTap>(all ? CaptureTap::Scope::kAll : CaptureTap::Scope::kDrops,
                                   std::size_t{config_.ring_mb} << 20, config_.snap_length));
  return taps_.back().get();
}

void CaptureWriter::start() {
  if (taps_.empty()) return;
  thread_ = std::thread{[this] { run(); }};
  pthread_setname_np(thread_.native_handle(), "smol-capture");
}

void CaptureWriter::flush(std::chrono::milliseconds limit) noexcept {
  std::unique_lock lock{mutex_};
  if (!thread_.joinable()) return;
  const std::uint64_t mine = ++flushes_wanted_;
  wake_.notify_all();
  flushed_.wait_for(lock, limit, [&] { return flushes_done_ >= mine; });
}

void CaptureWriter::run() {
  std::unique_lock lock{mutex_};
  for (bool last = false; !last;) {
    last = stop_;
    const std::uint64_t wanted = flushes_wanted_;
    lock.unlock();
    clock_.refresh();
    if (drain() && file_ != nullptr && !file_->flush()) give_up();
    lock.lock();
    flushes_done_ = wanted;
    flushed_.notify_all();
    if (last) break;
    wake_.wait_for(lock, kLook, [&] { return stop_ || flushes_wanted_ > flushes_done_; });
  }
}

bool CaptureWriter::drain() {
  bool any = false;
  for (;;) {
    // Of several workers the oldest packet goes first.
    CaptureTap* oldest = nullptr;
    Instant at = kNever;
    for (const auto& tap : taps_) {
      const auto entry = tap->front();
      if (entry && (oldest == nullptr || entry->packet.at < at)) {
        oldest = tap.get();
        at = entry->packet.at;
      }
    }
    if (oldest == nullptr) return any;
    take(*oldest->front());
    oldest->pop();
    any = true;
  }
}

void CaptureWriter::take(const CaptureTap::Entry& entry) {
  if (file_ != nullptr &&
      !file_->write(clock_.unix_ns(entry.packet.at), entry.packet, entry.octets)) {
    give_up();
  }
  if (log_.wants(entry.packet.dropped ? LogLevel::kDebug : LogLevel::kTrace)) print(entry);
}

void CaptureWriter::print(const CaptureTap::Entry& entry) {
  const CapturedPacket& packet = entry.packet;
  Text<kMaxPrinted + 128> text;
  text.put(packet.direction == Direction::kRx ? "<- " : "-> ");
  print_frame(text, entry.octets);
  if (packet.dropped) {
    text.put("\ndrop: ").put(name(packet.reason)).put(": ").put(sentence(packet.reason));
  }
  log_.write_at(clock_.unix_ns(packet.at), packet.dropped ? LogLevel::kDebug : LogLevel::kTrace,
                packet.interface < interfaces_.size() ? interfaces_[packet.interface] : "?",
                text.view());
}

void CaptureWriter::give_up() {
  const int error = errno;
  file_.reset();
  log_.write(LogLevel::kError, "capture",
             "file " + config_.file + ": cannot write: " + std::strerror(error) +
                 "; the capture ends here");
}

}  // namespace smol::dataplane
