#include "control/remote/tcp_socket.hh"

#include <algorithm>
#include <utility>

#include "control/convert.hh"
#include "protocols/base/check.hh"

namespace smol::control {

TcpSocket::TcpSocket(RemoteSockets& sockets, unsigned worker) : sockets_{sockets}, worker_{worker} {
  for (ReadCall& call : reads_) call.socket = this;
}

// --- the caller's side

void TcpSocket::connect(const TcpConnectOptions& options, Duration timeout) {
  options_ = options;
  timeout_ = timeout;
  sockets_.desk(worker_).post(connect_);
}

void TcpSocket::write(std::string text, bool urgent) {
  text_ = std::move(text);
  urgent_ = urgent;
  written_ = 0;
  sockets_.desk(worker_).post(write_);
}

void TcpSocket::shut_down_write() {
  sockets_.desk(worker_).post(shut_down_);
}

void TcpSocket::read(Read& read) {
  const auto call =
      std::find_if(reads_.begin(), reads_.end(), [](const ReadCall& each) { return each.idle; });
  SMOL_CHECK(call != reads_.end());
  // Here, so that the worker need not: it appends to what is reserved.
  read.text.clear();
  read.text.reserve(kReadOctets);
  read.end = false;
  read.error.reset();
  call->idle = false;
  call->target = &read;
  sockets_.desk(worker_).post(*call);
}

void TcpSocket::query() {
  sockets_.desk(worker_).post(query_);
}

void TcpSocket::set_options(const tcp::SocketOptions& options) {
  wanted_ = options;
  sockets_.desk(worker_).post(set_options_);
}

void TcpSocket::shut_down_read() {
  sockets_.desk(worker_).post(shut_down_read_);
}

void TcpSocket::watch() {
  sockets_.desk(worker_).post(watch_);
}

void TcpSocket::linger() {
  sockets_.desk(worker_).post(linger_);
}

void TcpSocket::release(bool in_order) {
  in_order_ = in_order;
  sockets_.desk(worker_).post(release_);
}

void TcpSocket::done_connect() {
  if (connect_.cancelled() && !open_error_) open_error_ = Error::kNotConnected;
  if (const auto other = sockets_.other_worker(worker_, open_error_, tried_)) {
    worker_ = *other;
    open_error_.reset();
    return sockets_.desk(worker_).post(connect_);
  }
  if (open_error_) {
    observer_->on_not_opened(*open_error_);
  } else {
    observer_->on_opened(opened_);
  }
}

void TcpSocket::done_write() {
  if (write_.cancelled()) write_error_ = Error::kNotConnected;
  observer_->on_written(write_error_);
}

void TcpSocket::done_shut_down() {
  if (shut_down_.cancelled()) shut_down_error_ = Error::kNotConnected;
  observer_->on_write_shut_down(shut_down_error_);
}

void TcpSocket::done_read(ReadCall& call) {
  Read& read = *std::exchange(call.target, nullptr);
  if (call.cancelled()) read.error = Error::kNotConnected;
  call.idle = true;
  observer_->on_read(read);
}

void TcpSocket::done_query() {
  if (query_.cancelled()) info_ = fail(Error::kNotConnected);
  observer_->on_info(info_);
}

void TcpSocket::done_set_options() {
  if (set_options_.cancelled()) options_error_ = Error::kNotConnected;
  if (!options_error_) options_.socket = wanted_;
  observer_->on_options_set(options_error_);
}

void TcpSocket::done_watch() {
  if (!watch_.cancelled()) observer_->on_news(told_);
}

void TcpSocket::done_linger() {
  if (linger_.cancelled()) linger_error_ = Error::kNotConnected;
  observer_->on_lingered(linger_error_);
}

void TcpSocket::done_release() {
  observer_->on_released();
}

// --- the worker's side

TcpSocket::Step TcpSocket::run_connect(Worker& worker) {
  RemoteApplication& application = sockets_.application(worker_);
  options_.owner = application.owner();
  options_.user_data = user_data();
  const auto id = worker.sockets.tcp_connect(options_);
  if (!id) {
    open_error_ = id.error();
    return Step::kDone;
  }
  id_ = *id;
  application.attach(worker, *this);
  attached_ = true;
  opening_ = true;
  // All of it is taken: no send buffer is smaller. What becomes of it, the connection tells.
  if (!text_.empty()) static_cast<void>(worker.sockets.write(id_, bytes_of(text_)));
  if (timeout_ != tcp::SocketOptions::kForever) {
    worker.sockets.set_deadline(id_, worker.sockets.now() + timeout_);
  }
  return Step::kKept;
}

void TcpSocket::accepted(Worker& worker, SocketId id, const tcp::SocketOptions& options) noexcept {
  id_ = id;
  options_.socket = options;
  worker.sockets.set_user_data(id_, user_data());
  sockets_.application(worker_).attach(worker, *this);
  attached_ = true;
  opened_on(worker);
}

void TcpSocket::opened_on(Worker& worker) noexcept {
  // Of one that was accepted nobody was told before.
  note_news(worker, SocketEvents::kSoftError | SocketEvents::kUrgent);
  opened_.id = id_;
  opened_.worker = worker.index;
  if (const auto local = worker.sockets.local_endpoint(id_)) opened_.local = *local;
  if (const auto remote = worker.sockets.remote_endpoint(id_)) opened_.remote = *remote;
}

void TcpSocket::on_event(Worker& worker, const SocketEvent& event) noexcept {
  const bool over = (event.events & SocketEvents::kClosed) != 0;
  if (opening_) {
    if ((event.events & SocketEvents::kConnected) != 0) {
      opening_ = false;
      worker.sockets.set_deadline(id_, kNever);
      opened_on(worker);
      worker.desk.finish(connect_);
    } else if (over) {
      return end_open(worker, death(worker).value_or(Error::kNotConnected));
    } else if ((event.events & SocketEvents::kDeadline) != 0) {
      return end_open(worker, Error::kTimedOut);
    }
  }
  if (over && std::exchange(lingering_, false)) {
    linger_error_ = death(worker);
    worker.desk.finish(linger_);
  }
  if (writing_ && try_write(worker)) {
    writing_ = false;
    worker.desk.finish(write_);
  }
  note_news(worker, event.events);
  if (watching_ && collect_news()) {
    watching_ = false;
    worker.desk.finish(watch_);
  }
  progress_reads(worker);
}

/// Before it is read: what was read is urgent no more.
void TcpSocket::note_news(Worker& worker, std::uint16_t events) noexcept {
  if ((events & SocketEvents::kSoftError) != 0) {
    if (const auto error = worker.sockets.soft_error(id_)) news_.soft_error = error;
  }
  if ((events & SocketEvents::kUrgent) != 0) {
    const std::uint32_t left = worker.sockets.urgent(id_).left;
    if (left > 0 && taken_ + left != urgent_end_) {
      urgent_end_ = taken_ + left;
      news_.urgent_end = urgent_end_;
    }
  }
}

/// True: there are any.
bool TcpSocket::collect_news() noexcept {
  told_ = std::exchange(news_, {});
  return told_.soft_error || told_.urgent_end;
}

void TcpSocket::end_open(Worker& worker, Error why) noexcept {
  opening_ = false;
  open_error_ = why;
  worker.sockets.abort(id_);
  id_ = {};
  worker.desk.finish(connect_);
}

std::optional<Error> TcpSocket::death(Worker& worker) const noexcept {
  return worker.sockets.error(id_);
}

TcpSocket::Step TcpSocket::run_write(Worker& worker) {
  write_error_.reset();
  writing_ = !try_write(worker);
  return writing_ ? Step::kKept : Step::kDone;
}

/// True: there is no more to write, or never will be.
bool TcpSocket::try_write(Worker& worker) noexcept {
  while (written_ < text_.size()) {
    const Bytes rest{reinterpret_cast<const std::uint8_t*>(text_.data()) + written_,
                     text_.size() - written_};
    const auto taken =
        urgent_ ? worker.sockets.write_urgent(id_, rest) : worker.sockets.write(id_, rest);
    if (!taken) {
      write_error_ = taken.error();
      return true;
    }
    written_ += *taken;
    if (*taken < rest.size()) return false;
  }
  return true;
}

TcpSocket::Step TcpSocket::run_shut_down(Worker& worker) {
  shut_down_error_.reset();
  if (const auto done = worker.sockets.shutdown_write(id_); !done) shut_down_error_ = done.error();
  return Step::kDone;
}

TcpSocket::Step TcpSocket::run_read(Worker& worker, ReadCall& call) {
  // One that came before waits: so does this.
  if (waiting_[0] == nullptr && try_read(worker, *call.target)) return Step::kDone;
  waiting_[waiting_[0] == nullptr ? 0 : 1] = &call;
  return Step::kKept;
}

/// True: something was read, or nothing ever will be.
bool TcpSocket::try_read(Worker& worker, Read& read) noexcept {
  // An errand may read it before its event is delivered.
  note_news(worker, SocketEvents::kUrgent);
  while (read.text.size() < kReadOctets) {
    const Bytes piece = worker.sockets.readable(id_);
    if (piece.empty()) break;
    const std::size_t n = std::min(piece.size(), kReadOctets - read.text.size());
    read.text.append(reinterpret_cast<const char*>(piece.data()), n);
    worker.sockets.consume(id_, n);
    taken_ += n;
  }
  if (!read.text.empty()) return true;
  if ((read.error = death(worker))) return true;
  return read.end = worker.sockets.at_end(id_);
}

void TcpSocket::progress_reads(Worker& worker) noexcept {
  while (waiting_[0] != nullptr && try_read(worker, *waiting_[0]->target)) {
    worker.desk.finish(*waiting_[0]);
    waiting_ = {waiting_[1], nullptr};
  }
}

TcpSocket::Step TcpSocket::run_query(Worker& worker) {
  info_ = worker.sockets.tcp_info(id_);
  return Step::kDone;
}

TcpSocket::Step TcpSocket::run_set_options(Worker& worker) {
  options_error_.reset();
  if (const auto done = worker.sockets.set_options(id_, wanted_); !done) {
    options_error_ = done.error();
  }
  return Step::kDone;
}

TcpSocket::Step TcpSocket::run_shut_down_read(Worker& worker) {
  // One that is over has nothing to read anyway.
  static_cast<void>(worker.sockets.shutdown_read(id_));
  progress_reads(worker);
  return Step::kDone;
}

TcpSocket::Step TcpSocket::run_watch(Worker&) {
  watching_ = !collect_news();
  return watching_ ? Step::kKept : Step::kDone;
}

TcpSocket::Step TcpSocket::run_linger(Worker& worker) {
  linger_error_.reset();
  const auto done = worker.sockets.linger(id_);
  lingering_ = done.has_value();
  // One that has ended in order is not connected, and all of it was acknowledged.
  if (!done && done.error() != Error::kNotConnected) linger_error_ = done.error();
  return lingering_ ? Step::kKept : Step::kDone;
}

TcpSocket::Step TcpSocket::run_release(Worker& worker) {
  on_stopped(worker.desk);
  if (id_) in_order_ ? worker.sockets.close(id_) : worker.sockets.abort(id_);
  id_ = {};
  if (std::exchange(attached_, false)) sockets_.application(worker_).detach(*this);
  return Step::kDone;
}

void TcpSocket::on_stopped(dataplane::Desk& desk) noexcept {
  if (std::exchange(opening_, false)) desk.cancel(connect_);
  if (std::exchange(writing_, false)) desk.cancel(write_);
  if (std::exchange(watching_, false)) desk.cancel(watch_);
  if (std::exchange(lingering_, false)) desk.cancel(linger_);
  for (ReadCall*& call : waiting_) {
    if (call != nullptr) desk.cancel(*std::exchange(call, nullptr));
  }
}

}  // namespace smol::control
