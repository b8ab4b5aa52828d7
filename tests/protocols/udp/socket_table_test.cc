#include "protocols/udp/socket_table.hh"

#include <memory_resource>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "protocols/base/random.hh"

namespace smol::udp {
namespace {

IpEndpoint end(std::string_view text) {
  return IpEndpoint::parse(text).value();
}
constexpr IpEndpoint kNobody{};

struct Table : SocketTable {
  explicit Table(std::uint32_t capacity = 16)
      : SocketTable{capacity, Secret{5, 6}, *std::pmr::new_delete_resource()} {}
};

// UDP-008: RFC 1122 section 4.1.3.5.
TEST(UdpSocketTable, TheMostParticularBindingTakesTheDatagram) {
  Table table;
  table.add(0, end("0.0.0.0:53"), kNobody);
  table.add(1, end("10.0.0.1:53"), kNobody);
  table.add(2, end("0.0.0.0:53"), end("10.0.0.9:1000"));
  table.add(3, end("10.0.0.1:53"), end("10.0.0.9:1000"));
  EXPECT_EQ(table.find(end("10.0.0.1:53"), end("10.0.0.9:1000")), 3u);
  EXPECT_EQ(table.find(end("10.0.0.1:53"), end("10.0.0.9:1001")), 1u);
  EXPECT_EQ(table.find(end("10.0.0.2:53"), end("10.0.0.9:1000")), 2u);
  EXPECT_EQ(table.find(end("10.0.0.2:53"), end("10.0.0.8:1000")), 0u);
  EXPECT_EQ(table.find(end("10.0.0.1:54"), end("10.0.0.9:1000")), SocketTable::kNone);
  table.remove(3);
  EXPECT_EQ(table.find(end("10.0.0.1:53"), end("10.0.0.9:1000")), 2u);
  table.remove(2);
  EXPECT_EQ(table.find(end("10.0.0.1:53"), end("10.0.0.9:1000")), 1u);
  table.remove(1);
  EXPECT_EQ(table.find(end("10.0.0.1:53"), end("10.0.0.9:1000")), 0u);
}

TEST(UdpSocketTable, AWildcardIsOfOneFamily) {
  Table table;
  table.add(0, end("0.0.0.0:53"), kNobody);
  EXPECT_EQ(table.find(end("[fdaa::1]:53"), end("[fdaa::9]:1000")), SocketTable::kNone);
  table.add(1, end("[::]:53"), kNobody);
  EXPECT_EQ(table.find(end("[fdaa::1]:53"), end("[fdaa::9]:1000")), 1u);
  EXPECT_EQ(table.find(end("10.0.0.1:53"), end("10.0.0.9:1000")), 0u);
}

TEST(UdpSocketTable, AConnectedSocketTakesNobodyElsesDatagrams) {
  Table table;
  table.add(4, end("10.0.0.1:4000"), end("10.0.0.9:53"));
  EXPECT_EQ(table.find(end("10.0.0.1:4000"), end("10.0.0.9:53")), 4u);
  EXPECT_EQ(table.find(end("10.0.0.1:4000"), end("10.0.0.9:54")), SocketTable::kNone);
  EXPECT_EQ(table.find(end("10.0.0.1:4000"), end("10.0.0.8:53")), SocketTable::kNone);
}

TEST(UdpSocketTable, FindExactlyDoesNotWiden) {
  Table table;
  table.add(0, end("0.0.0.0:53"), kNobody);
  EXPECT_EQ(table.find_exactly(end("0.0.0.0:53"), kNobody), 0u);
  EXPECT_EQ(table.find_exactly(end("10.0.0.1:53"), kNobody), SocketTable::kNone);
  EXPECT_EQ(table.find_exactly(end("0.0.0.0:53"), end("10.0.0.9:53")), SocketTable::kNone);
}

TEST(UdpSocketTable, AgreesWithALinearSearch) {
  struct Binding {
    IpEndpoint local;
    IpEndpoint remote;
  };
  Rng rng{9};
  const auto any = [&](bool unspecified) {
    const IpAddress address =
        unspecified ? IpAddress::v4(0) : IpAddress::v4(0x0a000000 + rng.below(3));
    return IpEndpoint{address, static_cast<std::uint16_t>(1 + rng.below(3))};
  };
  Table table{64};
  std::vector<std::optional<Binding>> model(64);
  for (int step = 0; step < 20'000; ++step) {
    const std::uint32_t at = rng.below(64);
    if (model[at]) {
      table.remove(at);
      model[at].reset();
    } else {
      const Binding binding{any(rng.below(3) == 0), rng.below(2) == 0 ? kNobody : any(false)};
      if (table.find_exactly(binding.local, binding.remote) == SocketTable::kNone) {
        table.add(at, binding.local, binding.remote);
        model[at] = binding;
      }
    }
    const IpEndpoint local = any(false);
    const IpEndpoint remote = any(false);
    std::uint32_t want = SocketTable::kNone;
    int best = -1;
    for (std::uint32_t i = 0; i < 64; ++i) {
      if (!model[i] || model[i]->local.port != local.port) continue;
      const bool bound = model[i]->local.address == local.address;
      const bool connected = model[i]->remote == remote;
      if (!bound && !model[i]->local.address.is_unspecified()) continue;
      if (!connected && model[i]->remote != kNobody) continue;
      const int rank = (connected ? 2 : 0) + (bound ? 1 : 0);
      if (rank > best) {
        best = rank;
        want = i;
      }
    }
    ASSERT_EQ(table.find(local, remote), want);
  }
}

TEST(UdpSocketTable, AnIndexBeyondItsCapacityEndsTheProcess) {
  Table table{4};
  EXPECT_DEATH(table.add(4, end("0.0.0.0:53"), kNobody), "");
}

}  // namespace
}  // namespace smol::udp
