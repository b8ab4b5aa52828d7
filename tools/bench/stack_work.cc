#include "tools/bench/stack_work.hh"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "tools/bench/failure.hh"
#include "tools/bench/stopwatch.hh"

namespace smol::bench {
namespace {

using End = StackPair::End;

/// Reads all that is there without looking at it. Returns how many octets.
std::size_t discard(Stack<MemPacket>& stack, SocketId socket) noexcept {
  std::size_t total = 0;
  for (Bytes piece = stack.readable(socket); !piece.empty(); piece = stack.readable(socket)) {
    total += piece.size();
    stack.consume(socket, piece.size());
  }
  return total;
}

/// Fills a send queue in one of the three ways.
class Writer {
 public:
  Writer(Stack<MemPacket>& stack, SocketId socket, Handing handing)
      : stack_{stack}, socket_{socket}, handing_{handing}, data_(1 << 16, 0x5a) {}

  void fill() noexcept {
    if (handing_ == Handing::kWrite) {
      while (stack_.write(socket_, data_).value_or(0) == data_.size()) {
      }
      return;
    }
    for (;;) {
      const MutBytes room = stack_.reserve(socket_, data_.size());
      if (room.empty()) return;
      if (handing_ == Handing::kInPlace) std::memset(room.data(), 0x5a, room.size());
      stack_.commit(socket_, room.size());
    }
  }

 private:
  Stack<MemPacket>& stack_;
  const SocketId socket_;
  const Handing handing_;
  const std::vector<std::uint8_t> data_;
};

/// One way traffic from the client to the server.
class Stream {
 public:
  Stream(const StackPair::Options& options, Handing handing)
      : pair_{options},
        sockets_{pair_.open()},
        writer_{pair_.client.stack, sockets_.client, handing} {
    writer_.fill();
  }

  /// Until `time` is over. Returns the octets that arrived.
  std::uint64_t run(Seconds time) {
    const std::uint64_t before = received_;
    const Stopwatch watch;
    do {
      for (int i = 0; i < 8; ++i) fill_and_drain_window();
    } while (watch.elapsed() < time);
    return received_ - before;
  }

  StackPair& pair() noexcept { return pair_; }
  std::uint32_t mss() const { return pair_.client.stack.tcp_info(sockets_.client)->mss; }

 private:
  void fill_and_drain_window() noexcept {
    while (sender_turn()) {
    }
    while (pair_.server.has_mail()) receiver_turn();
  }

  bool sender_turn() noexcept {
    const Instant now = pair_.turn();
    const std::size_t got = pair_.client.receive(now);
    for (const SocketEvent& event : pair_.client.stack.events()) {
      if ((event.events & SocketEvents::kWritable) != 0) writer_.fill();
    }
    return pair_.client.transmit(now) + got > 0;
  }

  void receiver_turn() noexcept {
    const Instant now = pair_.turn();
    pair_.server.receive(now);
    for (const SocketEvent& event : pair_.server.stack.events()) {
      if ((event.events & SocketEvents::kReadable) != 0) {
        received_ += discard(pair_.server.stack, sockets_.server);
      }
    }
    pair_.server.transmit(now);
  }

  StackPair pair_;
  StackPair::Sockets sockets_;
  Writer writer_;
  std::uint64_t received_ = 0;
};

constexpr std::array<std::uint8_t, 64> kRequest{};
constexpr std::array<std::uint8_t, 128> kAnswer{};

/// A turn of an end whose application is `on_event(event)`.
template <class OnEvent>
void turn(StackPair& pair, End& end, OnEvent&& on_event) {
  const Instant now = pair.turn();
  end.receive(now);
  for (const SocketEvent& event : end.stack.events()) on_event(event);
  end.transmit(now);
}

/// Clients that open, ask, read the answer to its end and close, and a server that answers once
/// and closes.
class Connections {
 public:
  static constexpr int kAtOnce = 64;

  explicit Connections(const StackPair::Options& options) : pair_{options} {
    pair_.open();  // stays: the first one resolves the neighbours, who hold few packets back
    for (int i = 0; i < kAtOnce; ++i) open();
  }

  /// Returns how many connections have ended.
  std::uint64_t run(Seconds time) {
    const std::uint64_t before = done_;
    const Stopwatch watch;
    do {
      for (int i = 0; i < 8; ++i) {
        turn(pair_, pair_.client, [this](const SocketEvent& event) { on_client(event); });
        turn(pair_, pair_.server, [this](const SocketEvent& event) { on_server(event); });
      }
    } while (watch.elapsed() < time);
    return done_ - before;
  }

  StackPair& pair() noexcept { return pair_; }

 private:
  void open() {
    TcpConnectOptions options;
    options.remote = {pair_.server.address(), 80};
    options.socket = pair_.client.stack.tcp_defaults();
    if (!pair_.client.stack.tcp_connect(options)) throw Failure{"cannot open a connection"};
  }

  void on_client(const SocketEvent& event) {
    Stack<MemPacket>& stack = pair_.client.stack;
    if ((event.events & SocketEvents::kConnected) != 0) stack.write(event.socket, kRequest);
    if ((event.events & SocketEvents::kReadable) == 0) return;
    answered_ += discard(stack, event.socket);
    if (!stack.at_end(event.socket)) return;
    stack.close(event.socket);
    ++done_;
    open();
  }

  void on_server(const SocketEvent& event) {
    Stack<MemPacket>& stack = pair_.server.stack;
    if (event.socket == pair_.listener) {
      while (stack.tcp_accept(pair_.listener)) {
      }
      return;
    }
    if ((event.events & SocketEvents::kReadable) == 0) return;
    if (discard(stack, event.socket) < kRequest.size()) return;
    stack.write(event.socket, kAnswer);
    stack.close(event.socket);
  }

  StackPair pair_;
  std::uint64_t done_ = 0;
  std::uint64_t answered_ = 0;
};

}  // namespace

Figure stream(const StackPair::Options& options, Handing handing, Seconds time) {
  Stream stream{options, handing};
  stream.run(time / 4);
  const StackCounters& receiver = stream.pair().server.stack.counters();
  const std::uint64_t acks_before = receiver.tcp_out_segs.value();
  const Stopwatch watch;
  const std::uint64_t octets = stream.run(time);
  const double ns = watch.nanoseconds();
  stream.pair().check();
  const double segments = static_cast<double>(octets) / stream.mss();
  const auto acks = static_cast<double>(receiver.tcp_out_segs.value() - acks_before);
  if (segments == 0 || acks == 0) throw Failure{"the stream stands still"};
  return {ns / segments, {{"segments an ACK", segments / acks}}};
}

Figure ping_pong(const StackPair::Options& options, Seconds time) {
  StackPair pair{options};
  const StackPair::Sockets sockets = pair.open();
  std::uint64_t transactions = 0;
  const auto ask = [&] { pair.client.stack.write(sockets.client, kRequest); };
  const auto run = [&](Seconds how_long) {
    const Stopwatch watch;
    do {
      for (int i = 0; i < 64; ++i) {
        turn(pair, pair.client, [&](const SocketEvent& event) {
          if (discard(pair.client.stack, event.socket) == 0) return;
          ++transactions;
          ask();
        });
        turn(pair, pair.server, [&](const SocketEvent& event) {
          if (discard(pair.server.stack, event.socket) == 0) return;
          pair.server.stack.write(event.socket, kRequest);
        });
      }
    } while (watch.elapsed() < how_long);
    return watch.nanoseconds();
  };
  ask();
  run(time / 4);
  transactions = 0;
  const double ns = run(time);
  pair.check();
  if (transactions == 0) throw Failure{"no answer comes back"};
  return {ns / static_cast<double>(transactions), {}};
}

Figure connections(const StackPair::Options& options, Seconds time) {
  StackPair::Options wide = options;
  wide.connections = 1024;
  Connections work{wide};
  work.run(time / 4);
  const Stopwatch watch;
  const std::uint64_t done = work.run(time);
  const double a_second = static_cast<double>(done) / watch.elapsed().count();
  work.pair().check();
  return {a_second, {}};
}

}  // namespace smol::bench
