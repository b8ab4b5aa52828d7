#include "protocols/tcp/isn.hh"

#include <array>

#include "protocols/base/bytes.hh"

namespace smol::tcp {
namespace {

/// Sets the three uses of one secret apart.
enum class Use : std::uint8_t { kSequence = 1, kTimestamp = 2, kPort = 3 };

std::uint64_t keyed(const Secret& secret, const FlowKey& flow, Use use) noexcept {
  std::array<std::uint8_t, 39> message;
  Writer w{message};
  w.bytes(flow.local.octets()).bytes(flow.remote.octets());
  w.be16(flow.local_port).be16(flow.remote_port).be16(flow.interface);
  w.u8(static_cast<std::uint8_t>(use));
  return siphash24(secret, message);
}

}  // namespace

SeqNumber initial_sequence_number(const Secret& secret, const FlowKey& flow, Instant now) noexcept {
  const auto ticks = static_cast<std::uint64_t>(now.time_since_epoch() / microseconds(4));
  return {static_cast<std::uint32_t>(keyed(secret, flow, Use::kSequence) + ticks)};
}

std::uint32_t timestamp_offset(const Secret& secret, const FlowKey& flow) noexcept {
  return static_cast<std::uint32_t>(keyed(secret, flow, Use::kTimestamp));
}

std::uint32_t ephemeral_port_offset(const Secret& secret, const FlowKey& flow) noexcept {
  return static_cast<std::uint32_t>(keyed(secret, flow, Use::kPort));
}

}  // namespace smol::tcp
