#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "apps/http_answers.hh"
#include "apps/http_body.hh"
#include "apps/http_parser.hh"
#include "apps/tcp_service.hh"

namespace smol::apps {

struct HttpConfig {
  bool enabled = false;
  std::uint16_t port = 80;
  Duration idle_timeout = seconds(60);    ///< a connection without a request, or a peer that stalls
  Duration header_timeout = seconds(10);  ///< from the first octet of a head to its last
  std::uint64_t max_content = 1 << 20;    ///< octets of a request's content
};

/// Room for a head that comes in pieces.
using HttpHeadBuffer = std::array<char, HttpParser::kMaxHead>;

/// A few buffers for the few heads that come in pieces, kept for the next when given back.
class HttpHeadBuffers {
 public:
  static constexpr std::size_t kLimit = 4096;  ///< 64 MiB a worker: what an attacker can pin

  /// None when kLimit are out.
  std::unique_ptr<HttpHeadBuffer> take();
  void give_back(std::unique_ptr<HttpHeadBuffer> buffer) noexcept;

 private:
  std::vector<std::unique_ptr<HttpHeadBuffer>> free_;
  std::size_t made_ = 0;
};

struct HttpConnection : ConnectionBase {
  enum class Phase : std::uint8_t {
    kHead,    ///< a head is next, or in `buffer` as far as it has come
    kBody,    ///< a body is thrown away before `answer` is given
    kLinger,  ///< all was said; what still comes is thrown away until the peer closes
  };
  enum class Timer : std::uint8_t { kHeader, kIdle, kLinger };

  HttpParser parser;
  HttpBody body;
  std::unique_ptr<HttpHeadBuffer> buffer;
  std::uint32_t buffered = 0;  ///< octets in `buffer`
  Phase phase = Phase::kHead;
  Timer timer = Timer::kHeader;
  bool last = false;    ///< nothing is answered after `pending`
  bool linger = false;  ///< with `last`: the peer may still be sending
  bool answer_is_last = false;
  std::string_view answer;    ///< to be given after the body
  std::string_view pending;   ///< of an answer, what is not in the send queue yet
  Instant since{};            ///< when `timer` began to count
  Instant deadline = kNever;  ///< what the socket's is set to
};

/// An HTTP/1.1 server (RFC 9110, RFC 9112) of a few fixed answers: GET and HEAD, connections that
/// stay open, pipelined requests answered in order and together. A head that lies in one piece is
/// read where the packet left it. Answers are built once; a request costs parsing and one copy.
///
/// A peer that sends slowly loses its connection after `header_timeout`; one that does not read
/// keeps one answer in the send queue and the rest of its requests unread.
class Http final : public TcpService<HttpConnection> {
 public:
  Http(const HttpConfig& config, dataplane::Log& log);

 private:
  struct Batch;

  void on_accepted(Sockets& sockets, HttpConnection& connection) override;
  void on_ready(Sockets& sockets, HttpConnection& connection) override;
  bool on_deadline(Sockets& sockets, HttpConnection& connection) override;
  void on_over(Sockets& sockets, HttpConnection& connection, std::optional<Error> how) override;
  void on_drain(Sockets& sockets, HttpConnection& connection) override;

  bool write_pending(Sockets& sockets, HttpConnection& connection) noexcept;
  void write_batch(Sockets& sockets, HttpConnection& connection, const Batch& batch) noexcept;
  void end(Sockets& sockets, HttpConnection& connection);
  void give_up(Sockets& sockets, HttpConnection& connection);

  void take_heads(Sockets& sockets, HttpConnection& connection, std::string_view data);
  void take_head(Sockets& sockets, HttpConnection& connection, std::string_view data);
  void buffer_head(Sockets& sockets, HttpConnection& connection, std::string_view data);
  void take_buffered(Sockets& sockets, HttpConnection& connection, std::string_view data);
  void take_body(Sockets& sockets, HttpConnection& connection, std::string_view data);
  void accept_request(HttpConnection& connection, std::string_view head) noexcept;
  std::string_view answer_to(const HttpRequest& request, std::string_view head) const noexcept;
  bool stays_open(const HttpRequest& request) const noexcept;
  void refuse(HttpConnection& connection, HttpStatus status) noexcept;

  Instant due(const HttpConnection& connection) const noexcept;
  void start_timer(Sockets& sockets, HttpConnection& connection,
                   HttpConnection::Timer timer) noexcept;
  void note_progress(const Sockets& sockets, HttpConnection& connection) noexcept;
  void forget_buffer(HttpConnection& connection) noexcept;

  HttpConfig config_;
  HttpHeadBuffers buffers_;
};

}  // namespace smol::apps
