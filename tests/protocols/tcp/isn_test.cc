// Initial sequence numbers, timestamp offsets and ephemeral ports: RFC 6528, RFC 7323 section 7.1,
// RFC 6056.
#include "protocols/tcp/isn.hh"

#include <set>

#include <gtest/gtest.h>

namespace smol::tcp {
namespace {

constexpr Secret kSecret{0x0706'0504'0302'0100, 0x0f0e'0d0c'0b0a'0908};

FlowKey flow(std::uint16_t remote_port = 80) {
  return {IpAddress::v4(192, 0, 2, 1), IpAddress::v4(198, 51, 100, 7), 49'152, remote_port, 0};
}

std::uint32_t isn(const Secret& secret, const FlowKey& key, Instant now) {
  return initial_sequence_number(secret, key, now).raw;
}

// TCP-016: a tick each 4 us, on the same tuple.
TEST(TcpIsn, FollowsTheClock) {
  const std::uint32_t first = isn(kSecret, flow(), Instant{});
  EXPECT_EQ(isn(kSecret, flow(), Instant{microseconds(3)}), first);
  EXPECT_EQ(isn(kSecret, flow(), Instant{microseconds(4)}), first + 1);
  EXPECT_EQ(isn(kSecret, flow(), Instant{seconds(1)}), first + 250'000);
  EXPECT_EQ(isn(kSecret, flow(), Instant{seconds(60)}), first + 15'000'000);
}

// TCP-016: once round in 2^32 ticks, 4.77 hours.
TEST(TcpIsn, WrapsWithTheClock) {
  const std::uint32_t first = isn(kSecret, flow(), Instant{});
  EXPECT_EQ(isn(kSecret, flow(), Instant{microseconds(4) * (1ll << 32)}), first);
  EXPECT_EQ(isn(kSecret, flow(), Instant{microseconds(4) * ((1ll << 32) + 9)}), first + 9);
}

// TCP-017: each part of the tuple counts.
TEST(TcpIsn, DependsOnEveryPartOfTheTuple) {
  std::set<std::uint32_t> seen{isn(kSecret, flow(), Instant{})};
  FlowKey key = flow();
  key.local = IpAddress::v4(192, 0, 2, 2);
  seen.insert(isn(kSecret, key, Instant{}));
  key = flow();
  key.remote = IpAddress::v4(198, 51, 100, 8);
  seen.insert(isn(kSecret, key, Instant{}));
  key = flow();
  key.local_port = 49'153;
  seen.insert(isn(kSecret, key, Instant{}));
  seen.insert(isn(kSecret, flow(81), Instant{}));
  key = flow();
  key.interface = 1;
  seen.insert(isn(kSecret, key, Instant{}));
  key = flow();
  std::swap(key.local, key.remote);
  seen.insert(isn(kSecret, key, Instant{}));
  EXPECT_EQ(seen.size(), 7u);
}

// TCP-018: and on all 128 bits of the secret.
TEST(TcpIsn, DependsOnTheSecret) {
  std::set<std::uint32_t> seen;
  for (int bit = 0; bit < 64; ++bit) {
    seen.insert(isn({kSecret.k0 ^ 1ull << bit, kSecret.k1}, flow(), Instant{}));
    seen.insert(isn({kSecret.k0, kSecret.k1 ^ 1ull << bit}, flow(), Instant{}));
  }
  EXPECT_GE(seen.size(), 127u);
}

// TCP-017: neighbours look unrelated: about half of the bits differ, each of them often.
TEST(TcpIsn, NeighboursAreUnrelated) {
  std::uint32_t changed[32] = {};
  constexpr int kTuples = 1000;
  for (std::uint16_t port = 1; port <= kTuples; ++port) {
    const std::uint32_t difference =
        isn(kSecret, flow(port), Instant{}) ^
        isn(kSecret, flow(static_cast<std::uint16_t>(port + 1)), Instant{});
    for (int bit = 0; bit < 32; ++bit) changed[bit] += difference >> bit & 1;
  }
  for (int bit = 0; bit < 32; ++bit) {
    EXPECT_GT(changed[bit], kTuples * 2 / 5) << "bit " << bit;
    EXPECT_LT(changed[bit], kTuples * 3 / 5) << "bit " << bit;
  }
}

// TCP-203: the same for each incarnation of a tuple, unrelated to the others and to the ISN.
TEST(TcpTimestampOffset, IsTheTuplesOwn) {
  EXPECT_EQ(timestamp_offset(kSecret, flow()), timestamp_offset(kSecret, flow()));
  EXPECT_NE(timestamp_offset(kSecret, flow(80)), timestamp_offset(kSecret, flow(81)));
  EXPECT_NE(timestamp_offset(kSecret, flow()), timestamp_offset({1, 2}, flow()));
  EXPECT_NE(timestamp_offset(kSecret, flow()), isn(kSecret, flow(), Instant{}));
}

// TCP-187
TEST(TcpEphemeralPort, BeginsSomewhereElseForEachDestination) {
  FlowKey key = flow();
  key.local_port = 0;
  const std::uint32_t first = ephemeral_port_offset(kSecret, key);
  EXPECT_EQ(ephemeral_port_offset(kSecret, key), first);
  key.remote_port = 81;
  EXPECT_NE(ephemeral_port_offset(kSecret, key), first);
  key = flow();
  EXPECT_NE(ephemeral_port_offset(kSecret, key), timestamp_offset(kSecret, key));
  EXPECT_NE(ephemeral_port_offset(kSecret, key), isn(kSecret, key, Instant{}));
}

}  // namespace
}  // namespace smol::tcp
