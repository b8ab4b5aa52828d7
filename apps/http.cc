#include "apps/http.hh"

#include <algorithm>
#include <cstring>

#include "protocols/base/static_vector.hh"

namespace smol::apps {
namespace {

/// How long a peer may take to close its side after the last answer (RFC 9112 section 9.6).
constexpr Duration kLinger = seconds(2);

std::string_view text_of(Bytes data) noexcept {
  return {reinterpret_cast<const char*>(data.data()), data.size()};
}

Bytes bytes_of(std::string_view text) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

bool has_body(const HttpRequest& request) noexcept {
  return request.chunked || request.content_length > 0;
}

using Phase = HttpConnection::Phase;
using Timer = HttpConnection::Timer;

}  // namespace

std::unique_ptr<HttpHeadBuffer> HttpHeadBuffers::take() {
  if (!free_.empty()) {
    std::unique_ptr<HttpHeadBuffer> buffer = std::move(free_.back());
    free_.pop_back();
    return buffer;
  }
  if (made_ == kLimit) return nullptr;
  free_.reserve(++made_);  // so that giving back never allocates
  return std::unique_ptr<HttpHeadBuffer>{new HttpHeadBuffer};
}

void HttpHeadBuffers::give_back(std::unique_ptr<HttpHeadBuffer> buffer) noexcept {
  free_.push_back(std::move(buffer));
}

/// Whole requests that lie one behind the other in a piece of data, with their answers.
struct Http::Batch {
  struct Item {
    std::string_view answer;
    std::size_t end = 0;  ///< where its request ends in the data
  };

  StaticVector<Item, 16> items;
  std::size_t octets = 0;  ///< of all answers
  bool last = false;       ///< the connection ends after these
};

Http::Http(const HttpConfig& config, dataplane::Log& log)
    : TcpService{{.name = "http", .port = config.port}, log}, config_{config} {
  prepare_http_answers();
}

void Http::on_accepted(Sockets& sockets, HttpConnection& connection) {
  start_timer(sockets, connection, Timer::kHeader);
}

void Http::on_ready(Sockets& sockets, HttpConnection& connection) {
  for (;;) {
    if (!write_pending(sockets, connection)) return;  // kWritable follows
    if (connection.last) return end(sockets, connection);
    const std::string_view data = text_of(sockets.readable(connection.socket));
    if (data.empty()) {
      if (sockets.at_end(connection.socket)) give_up(sockets, connection);
      return;
    }
    note_progress(sockets, connection);
    if (connection.phase == Phase::kBody) {
      take_body(sockets, connection, data);
    } else if (connection.buffer) {
      take_buffered(sockets, connection, data);
    } else {
      take_heads(sockets, connection, data);
    }
  }
}

bool Http::on_deadline(Sockets& sockets, HttpConnection& connection) {
  connection.deadline = kNever;
  if (sockets.now() < due(connection)) {
    // Deadlines are only moved when they fire, so that a request costs no timer call.
    connection.deadline = due(connection);
    sockets.set_deadline(connection.socket, connection.deadline);
    return true;
  }
  if (connection.timer == Timer::kHeader && connection.buffered > 0 && !connection.last) {
    refuse(connection, HttpStatus::kRequestTimeout);
    start_timer(sockets, connection, Timer::kLinger);
    return true;
  }
  if (connection.pending.empty()) {
    give_up(sockets, connection);
  } else {
    on_over(sockets, connection, Error::kTimedOut);
    abort(sockets, connection);
  }
  return false;
}

void Http::on_over(Sockets&, HttpConnection& connection, std::optional<Error>) {
  forget_buffer(connection);
}

/// Who waits for an answer gets it, with word that it is the last.
void Http::on_drain(Sockets& sockets, HttpConnection& connection) {
  const bool idle = connection.phase == Phase::kHead && connection.buffered == 0 &&
                    connection.pending.empty() && sockets.unread(connection.socket) == 0;
  if (idle || connection.phase == Phase::kLinger) give_up(sockets, connection);
}

// --- writing -------------------------------------------------------------------------------------

/// True once all of the pending answer is in the send queue.
bool Http::write_pending(Sockets& sockets, HttpConnection& connection) noexcept {
  if (connection.pending.empty()) return true;
  const Result<std::size_t, Error> written =
      sockets.write(connection.socket, bytes_of(connection.pending));
  if (!written) return false;  // the connection is ending: on_over() follows
  if (*written > 0) note_progress(sockets, connection);
  connection.pending.remove_prefix(*written);
  return connection.pending.empty();
}

/// Puts the answers into the send queue and takes the requests that they answer. Answers that find
/// no room leave their requests unread; the first of them, or what is left of it, is pending.
void Http::write_batch(Sockets& sockets, HttpConnection& connection, const Batch& batch) noexcept {
  std::size_t octets = batch.octets;
  std::size_t item = 0;
  std::string_view left = batch.items[0].answer;
  while (octets > 0) {
    MutBytes room = sockets.reserve(connection.socket, octets);
    if (room.empty()) break;
    std::size_t filled = 0;
    while (!room.empty() && octets > 0) {
      const std::size_t n = std::min(room.size(), left.size());
      std::memcpy(room.data(), left.data(), n);
      room = room.subspan(n);
      filled += n;
      octets -= n;
      left.remove_prefix(n);
      if (left.empty() && ++item < batch.items.size()) left = batch.items[item].answer;
    }
    sockets.commit(connection.socket, filled);
  }
  const bool complete = octets == 0;
  if (!complete) connection.pending = left;  // write() of it, refused, brings kWritable
  const std::size_t answered = complete ? batch.items.size() : item + 1;
  sockets.consume(connection.socket, batch.items[answered - 1].end);
  connection.last = batch.last && answered == batch.items.size();
  connection.linger = draining();  // the client could not know, and may be sending its next request
}

/// All is written and nothing more will be.
void Http::end(Sockets& sockets, HttpConnection& connection) {
  if (connection.phase != Phase::kLinger) {
    const bool more = connection.linger || sockets.unread(connection.socket) > 0;
    if (!more) return give_up(sockets, connection);
    // Closing with data unread, or more to come, sends a RST that may destroy the answer on its
    // way.
    connection.phase = Phase::kLinger;
    if (!sockets.shutdown_write(connection.socket)) return give_up(sockets, connection);
    if (connection.timer != Timer::kLinger) start_timer(sockets, connection, Timer::kLinger);
  }
  discard_unread(sockets, connection.socket);
  if (sockets.at_end(connection.socket)) give_up(sockets, connection);
}

/// `connection` is gone on return.
void Http::give_up(Sockets& sockets, HttpConnection& connection) {
  forget_buffer(connection);
  finish(sockets, connection);
}

// --- reading -------------------------------------------------------------------------------------

/// Answers the whole requests at the front of `data`, in place. Precondition: no head is half read.
void Http::take_heads(Sockets& sockets, HttpConnection& connection, std::string_view data) {
  Batch batch;
  HttpParser& parser = connection.parser;
  std::size_t at = 0;
  while (at < data.size() && !batch.items.full() && !batch.last) {
    const std::string_view head = data.substr(at);
    if (parser.parse(head) != HttpParser::Outcome::kComplete || has_body(parser.request())) break;
    const std::string_view answer = answer_to(parser.request(), head);
    at += parser.head_length();
    batch.items.push_back({answer, at});
    batch.octets += answer.size();
    batch.last = !stays_open(parser.request());
    parser.reset();
  }
  if (batch.items.empty()) return take_head(sockets, connection, data);
  parser.reset();
  if (connection.timer == Timer::kHeader) start_timer(sockets, connection, Timer::kIdle);
  write_batch(sockets, connection, batch);
}

/// The request at the front of `data` is not whole, not understood or has a body. Precondition: it
/// was just parsed.
void Http::take_head(Sockets& sockets, HttpConnection& connection, std::string_view data) {
  HttpParser& parser = connection.parser;
  parser.reset();
  switch (parser.parse(data)) {
    case HttpParser::Outcome::kIncomplete:
      return buffer_head(sockets, connection, data);
    case HttpParser::Outcome::kRefused:
      return refuse(connection, parser.refusal());
    case HttpParser::Outcome::kComplete:
      accept_request(connection, data);
      sockets.consume(connection.socket, parser.head_length());
      parser.reset();
      if (connection.timer == Timer::kHeader) start_timer(sockets, connection, Timer::kIdle);
      return;
  }
}

void Http::buffer_head(Sockets& sockets, HttpConnection& connection, std::string_view data) {
  connection.buffer = buffers_.take();
  if (!connection.buffer) return refuse(connection, HttpStatus::kServiceUnavailable);
  SMOL_CHECK(data.size() < connection.buffer->size());
  std::memcpy(connection.buffer->data(), data.data(), data.size());
  connection.buffered = static_cast<std::uint32_t>(data.size());
  sockets.consume(connection.socket, data.size());
  if (connection.timer != Timer::kHeader) start_timer(sockets, connection, Timer::kHeader);
}

void Http::take_buffered(Sockets& sockets, HttpConnection& connection, std::string_view data) {
  HttpParser& parser = connection.parser;
  HttpHeadBuffer& buffer = *connection.buffer;
  const std::size_t n = std::min(data.size(), buffer.size() - connection.buffered);
  std::memcpy(buffer.data() + connection.buffered, data.data(), n);
  const std::string_view head{buffer.data(), connection.buffered + n};
  switch (parser.parse(head)) {
    case HttpParser::Outcome::kIncomplete:
      connection.buffered += static_cast<std::uint32_t>(n);
      sockets.consume(connection.socket, n);
      return;
    case HttpParser::Outcome::kRefused:
      return refuse(connection, parser.refusal());
    case HttpParser::Outcome::kComplete:
      accept_request(connection, head);
      sockets.consume(connection.socket, parser.head_length() - connection.buffered);
      parser.reset();
      forget_buffer(connection);
      start_timer(sockets, connection, Timer::kIdle);
      return;
  }
}

void Http::take_body(Sockets& sockets, HttpConnection& connection, std::string_view data) {
  sockets.consume(connection.socket, connection.body.skip(data));
  if (connection.body.refused()) return refuse(connection, connection.body.refusal());
  if (!connection.body.done()) return;
  connection.phase = Phase::kHead;
  connection.pending = connection.answer;
  connection.last = connection.answer_is_last;
  connection.linger = draining();
}

/// A whole head: its answer is pending, or waits for the end of the body.
void Http::accept_request(HttpConnection& connection, std::string_view head) noexcept {
  const HttpRequest& request = connection.parser.request();
  connection.answer = answer_to(request, head);
  connection.answer_is_last = !stays_open(request);
  connection.body = HttpBody{request, config_.max_content};
  if (connection.body.refused()) return refuse(connection, connection.body.refusal());
  if (!connection.body.done() && !request.expects_continue) {
    connection.phase = Phase::kBody;
    return;
  }
  connection.pending = connection.answer;
  connection.last = connection.answer_is_last;
  // Told not to wait for a 100, the client may send the body or not: nothing behind it can be
  // trusted.
  connection.linger = request.expects_continue || draining();
}

std::string_view Http::answer_to(const HttpRequest& request, std::string_view head) const noexcept {
  HttpPersistence persistence = HttpPersistence::kImplied;
  if (!stays_open(request)) {
    persistence = HttpPersistence::kClose;
  } else if (request.http_1_0) {
    persistence = HttpPersistence::kKeepAlive;
  }
  return http_answer(request, request.path(head), persistence);
}

bool Http::stays_open(const HttpRequest& request) const noexcept {
  const bool body_in_doubt = request.expects_continue && has_body(request);
  return request.keep_alive && !draining() && !body_in_doubt;
}

void Http::refuse(HttpConnection& connection, HttpStatus status) noexcept {
  connection.phase = Phase::kHead;
  connection.pending = http_refusal(status);
  connection.last = true;
  connection.linger = true;
}

// --- time ----------------------------------------------------------------------------------------

Instant Http::due(const HttpConnection& connection) const noexcept {
  switch (connection.timer) {
    case Timer::kHeader:
      return connection.since + config_.header_timeout;
    case Timer::kIdle:
      return connection.since + config_.idle_timeout;
    case Timer::kLinger:
      break;
  }
  return connection.since + kLinger;
}

void Http::start_timer(Sockets& sockets, HttpConnection& connection, Timer timer) noexcept {
  connection.timer = timer;
  connection.since = sockets.now();
  if (due(connection) >= connection.deadline) return;
  connection.deadline = due(connection);
  sockets.set_deadline(connection.socket, connection.deadline);
}

void Http::note_progress(const Sockets& sockets, HttpConnection& connection) noexcept {
  if (connection.timer == Timer::kIdle) connection.since = sockets.now();
}

void Http::forget_buffer(HttpConnection& connection) noexcept {
  if (connection.buffer) buffers_.give_back(std::move(connection.buffer));
  connection.buffered = 0;
}

}  // namespace smol::apps
