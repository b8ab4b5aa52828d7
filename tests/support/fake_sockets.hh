#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/log.hh"
#include "protocols/stack/sockets.hh"

namespace smol::testing {

/// Sockets without a stack: what an application programs against, with the peers in the test's
/// hands. It holds the application to the contract of stack/sockets.hh and fails the running test
/// when it is broken: octets from readable() are gone at the next call on the socket (freed, so
/// that a sanitizer sees a late look), consume() takes no more than was shown, commit() follows a
/// reservation at once, no call names a socket that was closed.
class FakeSockets final : public Sockets {
 public:
  /// A connection as its peer sees it.
  struct Peer {
    std::deque<std::string> to_app;  ///< not read yet; each lies in one piece
    std::string to_peer;             ///< written by the application and not taken by take()
    std::size_t send_limit = 65536;  ///< room for to_peer
    std::size_t packet_room = 1448;  ///< the most that reserve() gives at once
    bool fin_to_app = false;
    bool fin_to_peer = false;
    bool reset_to_peer = false;  ///< aborted, or closed with data unread
    bool reading_shut = false;   ///< what is sent to it is thrown away
    bool accepted = false;
    bool closed_by_app = false;
    std::optional<Error> ended;  ///< the connection ended this way
    tcp::SocketOptions options;
    Instant deadline = kNever;

    IpEndpoint local;
    IpEndpoint remote;
    std::uint16_t owner = 0;
    std::uint64_t user_data = 0;
    bool over = false;
    std::uint16_t early = 0;  ///< events before it was accepted
    bool blocked = false;     ///< kWritable is owed
    std::unique_ptr<std::vector<std::uint8_t>> shown;
    std::size_t consumable = 0;
    std::vector<std::uint8_t> reserved;
  };

  struct SentEcho {
    IcmpSendOptions options;
    std::uint16_t sequence = 0;
    std::string payload;
  };

  struct SentDatagram {
    UdpSendOptions options;
    std::string payload;
  };

  // --- the test's side ---------------------------------------------------------------------------

  /// A connection from `remote` to a listener on `local`'s port; failure of the test when none
  /// listens. Returns its number.
  std::size_t connect(IpEndpoint local, IpEndpoint remote);
  Peer& peer(std::size_t number) { return *peers_.at(number); }
  std::size_t peers() const { return peers_.size(); }
  /// The peer sends `text`, in one piece.
  void send(std::size_t number, std::string_view text);
  void send_fin(std::size_t number);
  /// The connection dies: RST, time-out.
  void kill(std::size_t number, Error how);
  /// Takes and acknowledges up to `limit` octets of what was written.
  std::string take(std::size_t number, std::size_t limit = SIZE_MAX);
  /// A datagram to the UDP socket on `local`'s port and family.
  void deliver(IpEndpoint local, IpEndpoint remote, std::string_view payload, InterfaceId in = 0);
  std::vector<SentDatagram> sent_datagrams;
  /// A message to the ICMP socket of `message.identifier`, of the family of its destination; its
  /// payload is `payload`.
  void deliver(const IcmpMessage& message, std::string_view payload);
  std::vector<SentEcho> sent_echos;
  tcp::SocketOptions defaults;
  /// What udp_send() answers next instead of sending.
  std::deque<Error> udp_send_errors;
  /// What tcp_listen() answers for this port.
  std::map<std::uint16_t, Error> listen_errors;

  void advance(Duration by);
  /// What changed since the last call.
  std::vector<SocketEvent> events();
  std::size_t listening() const;
  std::size_t udp_open() const;

  // --- the application's side --------------------------------------------------------------------

  Instant now() const noexcept override { return now_; }
  const tcp::SocketOptions& tcp_defaults() const noexcept override { return defaults; }
  Result<SocketId, Error> tcp_listen(const TcpListenOptions& options) noexcept override;
  Result<SocketId, Error> tcp_accept(SocketId listener) noexcept override;
  Result<SocketId, Error> tcp_connect(const TcpConnectOptions& options) noexcept override;
  Bytes readable(SocketId socket) noexcept override;
  void consume(SocketId socket, std::size_t n) noexcept override;
  std::size_t read(SocketId socket, MutBytes out) noexcept override;
  std::size_t readable_pieces(SocketId socket, std::span<Bytes> out) noexcept override;
  std::size_t peek(SocketId socket, std::size_t offset, MutBytes out) noexcept override;
  bool at_end(SocketId socket) const noexcept override;
  std::size_t unread(SocketId socket) const noexcept override;
  Result<std::size_t, Error> write(SocketId socket, Bytes data) noexcept override;
  Result<std::size_t, Error> write_urgent(SocketId socket, Bytes data) noexcept override {
    return write(socket, data);
  }
  tcp::Urgent urgent(SocketId) const noexcept override { return {}; }
  Result<std::size_t, Error> write_pieces(SocketId socket,
                                          std::span<const Bytes> pieces) noexcept override;
  std::size_t writable(SocketId socket) const noexcept override;
  MutBytes reserve(SocketId socket, std::size_t want) noexcept override;
  void commit(SocketId socket, std::size_t n) noexcept override;
  Result<void, Error> shutdown_read(SocketId socket) noexcept override;
  Result<void, Error> shutdown_write(SocketId socket) noexcept override;
  void close(SocketId socket) noexcept override;
  Result<void, Error> linger(SocketId socket) noexcept override;
  void abort(SocketId socket) noexcept override;
  Result<void, Error> set_options(SocketId socket,
                                  const tcp::SocketOptions& options) noexcept override;
  Result<tcp::Info, Error> tcp_info(SocketId socket) const noexcept override;
  Result<SocketId, Error> udp_open(const UdpOptions& options) noexcept override;
  std::optional<Datagram> udp_front(SocketId socket) noexcept override;
  void udp_pop(SocketId socket) noexcept override;
  Result<void, Error> udp_send(SocketId socket, const UdpSendOptions& options,
                               Bytes payload) noexcept override;
  Result<SocketId, Error> icmp_open(const IcmpOptions& options) noexcept override;
  Result<void, Error> icmp_send_echo(SocketId socket, const IcmpSendOptions& options,
                                     std::uint16_t sequence, Bytes payload) noexcept override;
  std::optional<IcmpMessage> icmp_front(SocketId socket) noexcept override;
  void icmp_pop(SocketId socket) noexcept override;
  void set_user_data(SocketId socket, std::uint64_t user_data) noexcept override;
  void set_deadline(SocketId socket, Instant when) noexcept override;
  std::optional<Error> error(SocketId socket) const noexcept override;
  std::optional<Error> soft_error(SocketId socket) noexcept override;
  Result<IpEndpoint, Error> local_endpoint(SocketId socket) const noexcept override;
  Result<IpEndpoint, Error> remote_endpoint(SocketId socket) const noexcept override;

 private:
  struct Listener {
    TcpListenOptions options;
    std::deque<std::size_t> waiting;
    bool open = true;
  };
  struct QueuedDatagram {
    IpEndpoint source;
    IpEndpoint destination;
    InterfaceId interface;
    std::string payload;
  };
  struct Udp {
    UdpOptions options;
    std::deque<QueuedDatagram> queue;
    bool open = true;
  };

  struct QueuedMessage {
    IcmpMessage message;
    std::string payload;
  };
  struct Icmp {
    IcmpOptions options;
    std::deque<QueuedMessage> queue;
    bool open = true;
  };

  /// The connection named; a failure of the test and null when the id is gone. Takes back what
  /// readable() showed.
  Peer* touch(SocketId socket) noexcept;
  const Peer* look(SocketId socket) const noexcept;
  void raise(SocketId socket, std::uint16_t events);
  void raise_peer(std::size_t number, std::uint16_t events);
  static SocketId id_of(SocketKind kind, std::size_t index) noexcept {
    return {kind, {static_cast<std::uint32_t>(index), 1}};
  }

  Instant now_{seconds(1000)};
  std::vector<std::unique_ptr<Peer>> peers_;
  std::vector<Listener> listeners_;
  std::vector<Udp> udp_;
  std::vector<Icmp> icmp_;
  std::vector<std::pair<SocketId, std::uint16_t>> raised_;
};

/// Keeps what is logged.
class RecordingLog final : public dataplane::Log {
 public:
  struct Line {
    dataplane::LogLevel level;
    std::string component;
    std::string text;
  };

  bool wants(dataplane::LogLevel level) const noexcept override { return level >= threshold; }
  void write(dataplane::LogLevel level, std::string_view component,
             std::string_view text) noexcept override {
    lines.push_back({level, std::string{component}, std::string{text}});
  }

  dataplane::LogLevel threshold = dataplane::LogLevel::kDebug;
  std::vector<Line> lines;
};

}  // namespace smol::testing
