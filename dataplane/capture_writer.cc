#include "dataplane/capture_writer.hh"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <pthread.h>
#include <utility>

#include "dataplane/wall_clock.hh"
#include "protocols/base/check.hh"
#include "protocols/base/text.hh"
#include "protocols/wire/print.hh"

namespace smol::dataplane {

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
  if (!thread_.joinable()) return;
  for (const Source& source : sources_) source.session->stop();
  thread_.join();
  for (const Source& source : sources_) report(source.session->stats());
}

void CaptureWriter::start(CaptureHub& hub) {
  hub_ = &hub;
  CaptureSpec all;
  all.drop = true;
  all.snap_length = config_.snap_length;
  if (file_ != nullptr) {
    all.name = "file " + config_.file;
    // The disk may stall for as long as it takes to fill this.
    all.queue_octets = std::size_t{config_.ring_mb} << 20;
    all.flush_interval = CaptureSpec::kLowLatency;
    open(hub, all, &CaptureWriter::save);
  }
  if (log_.wants(LogLevel::kDebug)) {
    all.name = "log";
    all.queue_octets = CaptureSpec{}.queue_octets;
    all.rx = all.tx = log_.wants(LogLevel::kTrace);
    open(hub, all, &CaptureWriter::print);
  }
  if (sources_.empty()) return;
  thread_ = std::thread{[this] { run(); }};
  pthread_setname_np(thread_.native_handle(), "smol-pcap");
}

void CaptureWriter::open(CaptureHub& hub, const CaptureSpec& spec, Use use) {
  auto session = hub.open(spec);
  SMOL_CHECK(session.has_value());  // a valid specification, and the first ones
  sources_.push_back({std::move(*session), use});
}

void CaptureWriter::flush(std::chrono::milliseconds limit) noexcept {
  if (!thread_.joinable()) return;
  const auto until = std::chrono::steady_clock::now() + limit;
  hub_->flush(limit);
  std::unique_lock lock{mutex_};
  const std::uint64_t mine = ++flushes_wanted_;
  wake_.notify_all();
  flushed_.wait_until(lock, until, [&] { return flushes_done_ >= mine; });
}

void CaptureWriter::run() {
  std::unique_lock lock{mutex_};
  for (bool more = true; more;) {
    const std::uint64_t wanted = flushes_wanted_;
    ready_ = false;
    lock.unlock();
    bool any = false;
    for (Source& source : sources_) any = drain(source) || any;
    if (any && file_ != nullptr && !file_->flush()) give_up();
    more = !std::all_of(sources_.begin(), sources_.end(), [](const Source& s) { return s.ended; });
    lock.lock();
    flushes_done_ = wanted;
    flushed_.notify_all();
    if (more) wake_.wait(lock, [&] { return ready_ || flushes_wanted_ > flushes_done_; });
  }
}

/// True: there was something to read. Otherwise its next packet wakes this thread.
bool CaptureWriter::drain(Source& source) {
  bool any = false;
  while (!source.ended) {
    const CaptureRead read = source.session->try_read(batch_, [this] {
      const std::lock_guard lock{mutex_};
      ready_ = true;
      wake_.notify_all();
    });
    if (read == CaptureRead::kNothing) break;
    source.ended = read == CaptureRead::kEnded;
    any = any || !batch_.empty();
    batch_.for_each([&](const CapturedPacket& packet) { (this->*source.use)(packet); });
  }
  return any;
}

void CaptureWriter::save(const CapturedPacket& packet) {
  if (file_ != nullptr && !file_->write(packet)) give_up();
}

void CaptureWriter::print(const CapturedPacket& packet) {
  Text<kMaxPrinted + 128> text;
  text.put(packet.direction == Direction::kRx ? "<- " : "-> ");
  print_frame(text, packet.octets);
  if (packet.dropped) {
    text.put("\ndrop: ").put(name(packet.reason)).put(": ").put(sentence(packet.reason));
  }
  log_.write_at(packet.unix_ns, packet.dropped ? LogLevel::kDebug : LogLevel::kTrace,
                packet.interface < interfaces_.size() ? interfaces_[packet.interface] : "?",
                text.view());
}

void CaptureWriter::report(const CaptureStats& stats) {
  if (file_ != nullptr) {
    WallClock clock;
    clock.refresh();
    if (!file_->finish(clock.unix_ns(monotonic_now()), stats.matched, stats.lost())) give_up();
    file_.reset();  // the first source is the file's
  }
  if (stats.lost() == 0) return;
  log_.write(LogLevel::kWarning, "capture",
             std::to_string(stats.lost()) + " of " + std::to_string(stats.matched) +
                 " packets were lost: they came faster than they could be written; raise "
                 "capture.ring or lower capture.snap_length");
}

void CaptureWriter::give_up() {
  const int error = errno;
  file_.reset();
  log_.write(LogLevel::kError, "capture",
             "file " + config_.file + ": cannot write: " + std::strerror(error) +
                 "; the capture ends here");
}

}  // namespace smol::dataplane
