#include "apps/source.hh"

#include <algorithm>
#include <array>

namespace smol::apps {
namespace {

constexpr std::size_t kPeriod = 251;
constexpr std::size_t kPiece = 16 * kPeriod;

/// The pattern twice and more: a copy of up to kPiece octets may begin at any phase.
constexpr std::array<std::uint8_t, kPiece + kPeriod> make_pattern() {
  std::array<std::uint8_t, kPiece + kPeriod> pattern{};
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    pattern[i] = static_cast<std::uint8_t>(i % kPeriod);
  }
  return pattern;
}

constexpr std::array<std::uint8_t, kPiece + kPeriod> kPattern = make_pattern();

void put_pattern(MutBytes out, std::uint64_t position) noexcept {
  const Bytes pattern = Bytes{kPattern}.subspan(position % kPeriod);
  while (!out.empty()) {
    const std::size_t n = std::min(out.size(), kPiece);  // whole periods: the phase stays
    copy_bytes(out, pattern.first(n));
    out = out.subspan(n);
  }
}

}  // namespace

Source::Source(const SourceConfig& config, dataplane::Log& log)
    : TcpService{{.name = "source", .port = config.port}, log} {}

void Source::on_ready(Sockets& sockets, SourceConnection& connection) {
  discard_unread(sockets, connection.socket);
  if (sockets.at_end(connection.socket)) {
    finish(sockets, connection);
    return;
  }
  fill(sockets, connection);
}

/// The stream has no end to wait for.
void Source::on_drain(Sockets& sockets, SourceConnection& connection) {
  finish(sockets, connection);
}

/// As much as the send queue takes; kWritable follows when it took less than it was asked for.
void Source::fill(Sockets& sockets, SourceConnection& connection) noexcept {
  constexpr std::size_t kWant = 65536;
  for (;;) {
    const MutBytes room = sockets.reserve(connection.socket, kWant);
    if (room.empty()) return;
    put_pattern(room, connection.position);
    sockets.commit(connection.socket, room.size());
    connection.position += room.size();
  }
}

}  // namespace smol::apps
