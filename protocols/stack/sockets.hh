#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "protocols/base/address.hh"
#include "protocols/base/bytes.hh"
#include "protocols/base/error.hh"
#include "protocols/base/result.hh"
#include "protocols/base/slab.hh"
#include "protocols/base/time.hh"
#include "protocols/stack/config.hh"
#include "protocols/tcp/config.hh"
#include "protocols/tcp/info.hh"
#include "protocols/wire/ip.hh"

namespace smol {

/// kTcpHalfOpen: a listener's, before the handshake is complete; only a control plane names it.
enum class SocketKind : std::uint8_t { kNone, kTcp, kTcpListener, kUdp, kIcmp, kTcpHalfOpen };

/// Names a socket of one stack. Once the socket is gone the id misses: calls answer kBadHandle.
struct SocketId {
  SocketKind kind = SocketKind::kNone;
  Handle handle;

  constexpr explicit operator bool() const noexcept { return kind != SocketKind::kNone; }
  constexpr bool operator==(const SocketId&) const noexcept = default;
};

/// What changed on a socket, as bits. Level after edge: an event says "look", the calls say what
/// is.
struct SocketEvents {
  static constexpr std::uint16_t kReadable = 1
                                             << 0;  ///< data, a datagram, or the end of the stream
  static constexpr std::uint16_t kWritable = 1
                                             << 1;  ///< room again after a write took less than all
  static constexpr std::uint16_t kConnected = 1 << 2;   ///< a connect succeeded
  static constexpr std::uint16_t kAcceptable = 1 << 3;  ///< a listener has connections to accept
  static constexpr std::uint16_t kPeerClosed = 1 << 4;  ///< the peer's FIN came, behind all data
  static constexpr std::uint16_t kDeadline = 1 << 6;  ///< the deadline set by set_deadline() passed
  static constexpr std::uint16_t kSoftError = 1
                                              << 7;  ///< soft_error() has news; the socket lives on
  static constexpr std::uint16_t kClosed = 1 << 8;   ///< the connection is over: error() says how
  static constexpr std::uint16_t kUrgent = 1 << 9;   ///< urgent() has news: urgent data, or more
};

/// One socket, all that changed on it since its owner last looked.
struct SocketEvent {
  SocketId socket;
  std::uint16_t events = 0;  ///< SocketEvents bits
  std::uint16_t owner = 0;   ///< which application of the worker
  std::uint64_t user_data = 0;
};

struct TcpListenOptions {
  IpEndpoint local;  ///< address unspecified (0.0.0.0 or ::): any of that family; port 1..65535
  std::uint32_t backlog = 1024;      ///< connections ready to accept
  std::uint32_t syn_backlog = 1024;  ///< half-open connections
  /// Text on SYNs is taken (RFC 7413): connections that may be read before their handshake is
  /// complete, at most. 0: off. The application must bear that a SYN, and its text, comes twice.
  std::uint32_t fast_open = 0;
  tcp::SocketOptions socket;
  std::uint16_t owner = 0;
  std::uint64_t user_data = 0;
};

struct TcpConnectOptions {
  IpEndpoint remote;
  /// Address unspecified or absent: chosen by route; port 0: an ephemeral one (RFC 6056).
  std::optional<IpEndpoint> local;
  std::optional<InterfaceId> interface;  ///< wanted for a link-local remote
  /// What is written in this turn goes on the SYN, if the server gave a cookie earlier; if not, one
  /// is asked for (RFC 7413). It may reach the application there twice.
  bool fast_open = false;
  tcp::SocketOptions socket;
  std::uint16_t owner = 0;
  std::uint64_t user_data = 0;
};

struct UdpOptions {
  IpEndpoint local;                  ///< as of TcpListenOptions; port 0: an ephemeral one
  std::optional<IpEndpoint> remote;  ///< connected: others' datagrams are not taken
  /// Where there are several workers: all that comes to the port comes to this one, as it does to
  /// an ephemeral port. Without, each worker has the datagrams of its own flows, and a service
  /// opens the port on all of them.
  bool alone = false;
  std::uint32_t receive_datagrams = 256;  ///< queue length
  std::uint8_t hop_limit = 64;
  std::uint8_t dscp = 0;
  std::uint16_t owner = 0;
  std::uint64_t user_data = 0;
};

/// A datagram at the head of a UDP socket's queue. Valid until udp_pop() or the next call on it.
struct Datagram {
  IpEndpoint source;
  IpEndpoint destination;  ///< ours, or the group or broadcast address it was sent to
  InterfaceId interface = 0;
  Instant at{};                ///< when it arrived
  Bytes payload;               ///< contiguous
  std::uint8_t hop_limit = 0;  ///< TTL or hop limit, as it arrived
  std::uint8_t dscp = 0;
  Ecn ecn = Ecn::kNotEct;
};

struct UdpSendOptions {
  IpEndpoint remote;
  std::optional<IpAddress> source;       ///< one of ours; absent: the bound one, or chosen by route
  std::optional<InterfaceId> interface;  ///< wanted for a link-local or multicast remote
};

struct IcmpOptions {
  /// Of which family it speaks, and from which address: unspecified (0.0.0.0 or ::) is any.
  IpAddress local;
  std::uint16_t identifier = 0;          ///< 0: a free one
  std::uint32_t receive_messages = 256;  ///< queue length
  std::uint8_t hop_limit = 64;
  std::uint8_t dscp = 0;
  std::uint16_t owner = 0;
  std::uint64_t user_data = 0;
};

struct IcmpSendOptions {
  IpAddress remote;
  std::optional<IpAddress> source;        ///< as of UdpSendOptions
  std::optional<InterfaceId> interface;   ///< as of UdpSendOptions
  std::optional<std::uint8_t> hop_limit;  ///< for this request alone; 1..255
};

/// A message at the head of an ICMP socket's queue: a reply to an echo request of the socket, or an
/// error about one. Valid until icmp_pop() or the next call on it.
struct IcmpMessage {
  enum class Kind : std::uint8_t { kEchoReply, kError };

  Kind kind = Kind::kEchoReply;
  IpAddress source;       ///< who replied, or who reports the error: an address of ours if it is us
  IpAddress destination;  ///< ours
  IpAddress remote;       ///< whom the request was sent to; of a reply: who replied
  std::uint16_t identifier = 0;  ///< of the request, as the reply repeats or the error quotes it
  std::uint16_t sequence = 0;    ///< likewise
  std::uint8_t type = 0;         ///< ICMP type and code of the family, as they arrived
  std::uint8_t code = 0;
  std::uint32_t rest = 0;      ///< second word of the ICMP header: of an error the MTU, the pointer
  std::optional<Error> error;  ///< what an error means; none for a reply
  InterfaceId interface = 0;
  Instant at{};  ///< when it arrived
  std::uint8_t hop_limit = 0;
  std::uint8_t dscp = 0;
  Bytes payload;  ///< of a reply: the data that came back; of an error: the packet it quotes
};

/// The sockets of one stack: what an application on a worker programs against. One thread: the
/// worker's. Every call returns at once; what comes later is an event. Nothing is called back.
///
/// Data is not copied on the way in: readable() lends the octets where the packet left them. A call
/// names its errors; all may answer kBadHandle.
class Sockets {
 public:
  virtual ~Sockets() = default;

  /// The time of this turn.
  virtual Instant now() const noexcept = 0;

  // --- TCP -------------------------------------------------------------------------------------

  /// The configured defaults: what TcpListenOptions::socket and TcpConnectOptions::socket begin
  /// from.
  virtual const tcp::SocketOptions& tcp_defaults() const noexcept = 0;
  /// Errors: kInvalid (port 0, options out of range), kAddressInUse, kAddressNotAvailable (not an
  /// address of ours), kNoBuffers (limits.listeners).
  virtual Result<SocketId, Error> tcp_listen(const TcpListenOptions& options) noexcept = 0;
  /// The oldest connection that waits. Error: kWouldBlock. The new socket has the listener's owner.
  virtual Result<SocketId, Error> tcp_accept(SocketId listener) noexcept = 0;
  /// Sends a SYN at the end of the turn; kConnected or kClosed follows. Errors: kInvalid (remote is
  /// unspecified, a group or port 0), kNetworkUnreachable, kAddressNotAvailable, kAddressInUse,
  /// kNoBuffers, kOtherWorker (answers to the port asked for go to another worker).
  virtual Result<SocketId, Error> tcp_connect(const TcpConnectOptions& options) noexcept = 0;

  /// The next received octets, in order, as many as lie in one piece; empty: none now. Valid until
  /// the next call on this socket. at_end() tells "none now" from "none ever".
  virtual Bytes readable(SocketId socket) noexcept = 0;
  /// The next received octets in up to out.size() pieces, in order, where the packets left them;
  /// returns how many. Valid as readable() is. O(pieces).
  virtual std::size_t readable_pieces(SocketId socket, std::span<Bytes> out) noexcept = 0;
  /// Copies up to out.size() octets out that begin `offset` octets into what is unread, and takes
  /// none; returns how many. O(packets before them).
  virtual std::size_t peek(SocketId socket, std::size_t offset, MutBytes out) noexcept = 0;
  /// Takes n octets off the front. Precondition: n <= unread().
  virtual void consume(SocketId socket, std::size_t n) noexcept = 0;
  /// Copies up to out.size() octets out and consumes them; returns how many.
  virtual std::size_t read(SocketId socket, MutBytes out) noexcept = 0;
  /// True once the peer closed its side and everything before that was read.
  virtual bool at_end(SocketId socket) const noexcept = 0;
  /// Octets received in order and not read.
  virtual std::size_t unread(SocketId socket) const noexcept = 0;

  /// Copies into the send queue as much as its limit allows; returns how much. Less than all:
  /// kWritable follows when there is room. Errors: kNotConnected (still connecting is fine: data is
  /// queued), kShutDown, and how the connection ended.
  virtual Result<std::size_t, Error> write(SocketId socket, Bytes data) noexcept = 0;
  /// As write(), and what is taken is urgent to its end (RFC 9293 section 3.8.5): the peer is told
  /// of it at once, wherever the octets are. New protocols should not use it (RFC 6093 section 5).
  virtual Result<std::size_t, Error> write_urgent(SocketId socket, Bytes data) noexcept = 0;
  /// What the peer says is urgent, kUrgent told of; its octets are read like others.
  virtual tcp::Urgent urgent(SocketId socket) const noexcept = 0;
  /// As write(), of several pieces one behind the other.
  virtual Result<std::size_t, Error> write_pieces(SocketId socket,
                                                  std::span<const Bytes> pieces) noexcept = 0;
  /// Room in the send queue, in octets.
  virtual std::size_t writable(SocketId socket) const noexcept = 0;
  /// Up to `want` octets of contiguous room in a packet about to be sent, to be filled in place;
  /// empty: no room. commit() puts the first n of them into the stream, and must follow before any
  /// other call on the socket and before the turn ends (checked); without it nothing happens.
  virtual MutBytes reserve(SocketId socket, std::size_t want) noexcept = 0;
  virtual void commit(SocketId socket, std::size_t n) noexcept = 0;

  /// No more reading (POSIX SHUT_RD): what is unread is thrown away, and so is what comes; at_end()
  /// is true. The peer hears nothing of it and may go on writing. Error: kNotConnected.
  virtual Result<void, Error> shutdown_read(SocketId socket) noexcept = 0;
  /// No more writing: a FIN follows what is queued. Reading goes on.
  virtual Result<void, Error> shutdown_write(SocketId socket) noexcept = 0;
  /// Done with the socket, of any kind: the id is gone on return. Queued data and a FIN are still
  /// delivered in the background, for no longer than tcp::SocketOptions::linger; unread data turns
  /// the FIN into a RST (RFC 9293 SHLD-3). A closed listener resets what waits in it.
  virtual void close(SocketId socket) noexcept = 0;
  /// As close() of a TCP socket, for who wants to hear of the end (SO_LINGER): the id stays, to be
  /// closed after kClosed, and nothing is read or written any more. error() says then whether all
  /// of it was acknowledged (none), or the connection was reset: by us when linger was over
  /// (kTimedOut) or because data was unread (kConnectionReset), or by the peer. Errors: how the
  /// connection ended, where it has already, or kNotConnected.
  virtual Result<void, Error> linger(SocketId socket) noexcept = 0;
  /// Done at once: RST, queues thrown away, the id is gone on return.
  virtual void abort(SocketId socket) noexcept = 0;

  /// Buffers, timers and marks of a live connection; a buffer never shrinks below what it holds.
  /// Error: kInvalid.
  virtual Result<void, Error> set_options(SocketId socket,
                                          const tcp::SocketOptions& options) noexcept = 0;
  virtual Result<tcp::Info, Error> tcp_info(SocketId socket) const noexcept = 0;

  // --- UDP -------------------------------------------------------------------------------------

  /// Errors: kAddressInUse (here, or `alone` by or against another worker), kAddressNotAvailable,
  /// kInvalid, kNoBuffers (limits.udp_sockets).
  virtual Result<SocketId, Error> udp_open(const UdpOptions& options) noexcept = 0;
  /// The datagram at the head of the queue; none: nothing there.
  virtual std::optional<Datagram> udp_front(SocketId socket) noexcept = 0;
  /// Takes the head off. Precondition: there is one.
  virtual void udp_pop(SocketId socket) noexcept = 0;
  /// One datagram of up to MTU size. Errors: kMessageTooLong, kNetworkUnreachable, kInvalid,
  /// kAddressNotAvailable, kNoBuffers, kHostUnreachable (the neighbour failed just now).
  virtual Result<void, Error> udp_send(SocketId socket, const UdpSendOptions& options,
                                       Bytes payload) noexcept = 0;

  // --- ICMP ------------------------------------------------------------------------------------

  /// A socket that sends echo requests and receives what answers them. Errors: kAddressInUse (the
  /// identifier, in its family), kAddressNotAvailable (not an address of ours, or no identifier is
  /// free), kInvalid, kNoBuffers (limits.icmp_sockets), kOtherWorker (replies to the identifier go
  /// to another worker).
  virtual Result<SocketId, Error> icmp_open(const IcmpOptions& options) noexcept = 0;
  /// One echo request of up to MTU size. Errors: as of udp_send().
  virtual Result<void, Error> icmp_send_echo(SocketId socket, const IcmpSendOptions& options,
                                             std::uint16_t sequence, Bytes payload) noexcept = 0;
  /// The message at the head of the queue; none: nothing there.
  virtual std::optional<IcmpMessage> icmp_front(SocketId socket) noexcept = 0;
  /// Takes the head off. Precondition: there is one.
  virtual void icmp_pop(SocketId socket) noexcept = 0;

  // --- any socket ------------------------------------------------------------------------------

  virtual void set_user_data(SocketId socket, std::uint64_t user_data) noexcept = 0;
  /// kDeadline comes at `when`; kNever takes it back. One a TCP connection; none elsewhere.
  virtual void set_deadline(SocketId socket, Instant when) noexcept = 0;
  /// How the connection ended; none while it lives, and none if both sides closed in order. One
  /// that was given up for want of an answer ended by what ICMP said of it last (kHostUnreachable
  /// and its like), if it did since anything was acknowledged, else by kTimedOut.
  virtual std::optional<Error> error(SocketId socket) const noexcept = 0;
  /// The last soft error (an ICMP message; kTimedOut: three retransmissions in a row were not
  /// answered), taken away by asking. None where tcp::SocketOptions::soft_errors is off.
  virtual std::optional<Error> soft_error(SocketId socket) noexcept = 0;
  /// The port of an ICMP socket's endpoint is its identifier.
  virtual Result<IpEndpoint, Error> local_endpoint(SocketId socket) const noexcept = 0;
  virtual Result<IpEndpoint, Error> remote_endpoint(SocketId socket) const noexcept = 0;
};

}  // namespace smol
