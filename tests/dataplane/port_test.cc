// Ports over devices that need no privilege, and the line that each failure gives.

#include "dataplane/port.hh"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/dpdk.hh"
#include "tests/dataplane/environment.hh"
#include "tests/dataplane/ring_link.hh"

namespace smol::dataplane {
namespace {

using ::smol::dataplane::testing::eal;
using ::smol::dataplane::testing::log;
using ::smol::dataplane::testing::RingLink;

class PortTest : public ::testing::Test {
 protected:
  std::vector<std::unique_ptr<MbufPool>> pools_;

  void SetUp() override {
    pools_.push_back(
        MbufPool::create("port-test", {.packets = 1024, .small_packets = 64}, -1).value());
  }

  Result<std::unique_ptr<Port>, StartError> open(const PortConfig& config) {
    return Port::open(config, {eal(), log(), pools_, true, 42});
  }
  static PortConfig config(std::string device) {
    PortConfig out;
    out.name = "smol0";
    out.device = std::move(device);
    return out;
  }
  std::string refusal(const PortConfig& config) {
    const unsigned before = rte_eth_dev_count_avail();
    log().take();
    const auto port = open(config);
    EXPECT_FALSE(port) << config.device;
    EXPECT_EQ(rte_eth_dev_count_avail(), before) << "a device was left behind";
    // DPDK's own words are for those who debug.
    for (const auto& line : log().take()) EXPECT_EQ(line.level, LogLevel::kDebug) << line.text;
    return port ? "" : port.error().message;
  }
};

TEST_F(PortTest, DeviceIsMadeAndGoesWithThePort) {
  const unsigned before = rte_eth_dev_count_avail();
  for (int i = 0; i < 2; ++i) {
    const auto port = open(config("net_null0,no-rx=1"));
    ASSERT_TRUE(port) << port.error().message;
    EXPECT_EQ(rte_eth_dev_count_avail(), before + 1);
    EXPECT_EQ((*port)->name(), "smol0");
    EXPECT_EQ((*port)->mtu(), 1500);
  }
  EXPECT_EQ(rte_eth_dev_count_avail(), before);
}

TEST_F(PortTest, PollingIsAllThatDevicesWithoutInterruptsOffer) {
  const auto port = open(config("net_null0,no-rx=1"));
  ASSERT_TRUE(port);
  EXPECT_EQ((*port)->wake_fd(0), -1);
}

TEST_F(PortTest, AddressIsTheConfiguredOneOrTheDevices) {
  PortConfig wanted = config("net_null0,no-rx=1");
  wanted.mac = MacAddress{{2, 1, 2, 3, 4, 5}};
  EXPECT_EQ(open(wanted).value()->mac(), *wanted.mac);
  wanted.mac.reset();
  const auto port = open(wanted);
  ASSERT_TRUE(port);
  std::uint16_t id = 0;
  ASSERT_EQ(rte_eth_dev_get_port_by_name("net_null0", &id), 0);
  rte_ether_addr device{};
  rte_eth_macaddr_get(id, &device);
  EXPECT_EQ((*port)->mac(), MacAddress::from(Bytes{device.addr_bytes, 6}));
}

TEST_F(PortTest, VirtualDeviceIsAskedForNoOffloads) {
  const auto port = open(config("net_null0,no-rx=1"));
  ASSERT_TRUE(port);
  const PortOffloads offloads = (*port)->offloads();
  EXPECT_FALSE(offloads.ip4_checksum);
  EXPECT_FALSE(offloads.tcp_checksum);
  EXPECT_FALSE(offloads.udp_checksum);
  EXPECT_TRUE(offloads.reads_only);
}

// What goes through a ring is the receiver's afterwards.
TEST_F(PortTest, RingDoesNotOnlyRead) {
  RingLink link{"port"};
  const auto port = open(config(link.device()));
  ASSERT_TRUE(port) << port.error().message;
  EXPECT_FALSE((*port)->offloads().reads_only);
}

// The driver says that it takes 1518 octets.
TEST_F(PortTest, MemifCarriesJumboFramesAsChains) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "memif connects in a thread of DPDK's, which ThreadSanitizer cannot see into";
#endif
  const std::string socket = "socket-abstract=yes,socket=smol-test-" + std::to_string(getpid());
  PortConfig server = config("net_memif0,role=server,id=0," + socket);
  PortConfig client = config("net_memif1,role=client,id=0," + socket);
  server.mtu = client.mtu = 9000;
  const auto to = open(server);
  ASSERT_TRUE(to) << to.error().message;
  const auto from = open(client);
  ASSERT_TRUE(from) << from.error().message;
  while (!(*to)->link_up() || !(*from)->link_up()) std::this_thread::yield();
  rte_mbuf* received = nullptr;
  // The link is up before the rings are; what is sent too early is refused.
  while (received == nullptr) {
    MbufPacket packet;
    for (std::uint8_t fill = 1; fill <= 5; ++fill) {
      MbufPacket piece = pools_[0]->allocate();
      const MutBytes room = piece.append(1800);
      std::fill(room.begin(), room.end(), fill);
      if (packet) {
        packet.chain(std::move(piece));
      } else {
        packet = std::move(piece);
      }
    }
    packet.prepare_to_send();
    rte_mbuf* mbuf = packet.release();
    if ((*from)->send(0, {&mbuf, 1}) == 0) MbufPacket::adopt(mbuf);
    (*to)->receive(0, {&received, 1});
  }
  MbufPacket packet = MbufPacket::received(received, Instant{}, 0);
  ASSERT_EQ(packet.size(), 9000u);
  std::vector<std::uint8_t> octets(9000);
  packet_copy(packet, 0, octets);
  EXPECT_EQ(octets[0], 1);
  EXPECT_EQ(octets[8999], 5);
}

TEST_F(PortTest, UnknownDriverIsNamed) {
  EXPECT_EQ(
      refusal(config("net_nosuch0")),
      "port smol0: no driver for net_nosuch0 is installed: look for package librte-net-nosuch*");
}

TEST_F(PortTest, UnknownArgumentIsNamed) {
  EXPECT_EQ(refusal(config("net_null0,nonsense=1")),
            "port smol0: DPDK cannot make net_null0,nonsense=1: Driver cannot attach the device "
            "(net_null0); check its arguments");
}

TEST_F(PortTest, MissingCaptureFileIsNamed) {
  EXPECT_EQ(
      refusal(config("net_pcap0,rx_pcap=/nowhere/in.pcap,tx_pcap=/tmp/smol-port-test.pcap")),
      "port smol0: DPDK cannot make net_pcap0,rx_pcap=/nowhere/in.pcap,"
      "tx_pcap=/tmp/smol-port-test.pcap: Couldn't open /nowhere/in.pcap: /nowhere/in.pcap: No "
      "such file or directory; check its arguments");
}

TEST_F(PortTest, MissingPciDeviceIsNamed) {
  EXPECT_EQ(refusal(config("0000:ff:1f.7")),
            "port smol0: there is no PCI device 0000:ff:1f.7: lspci -D lists what is there");
}

TEST_F(PortTest, MtuAboveTheDevicesIsNamed) {
  PortConfig wanted = config("net_af_packet0,iface=lo");
  wanted.mtu = 9000;
  if (geteuid() != 0) GTEST_SKIP() << "needs a packet socket";
  EXPECT_EQ(refusal(wanted),
            "port smol0: mtu 9000 is more than net_af_packet0 takes: at most 1500");
}

TEST_F(PortTest, MoreDescriptorsThanPacketsAreRefused) {
  PortConfig wanted = config("net_null0,no-rx=1");
  wanted.rx_descriptors = 1000;
  EXPECT_EQ(refusal(wanted),
            "port smol0: 1000 receive descriptors take more than half of the 1024 packets: lower "
            "rx_descriptors or raise pool.packets");
}

TEST_F(PortTest, InterfaceThatExistsIsNotJoined) {
  EXPECT_EQ(refusal(config("net_tap0,iface=lo")),
            "port smol0: lo: an interface of this name exists already: choose another iface=, or "
            "delete it: ip link delete lo");
}

// Two daemons that start at once both find no interface, and the second would join the first one's.
TEST_F(PortTest, InterfaceThatAnotherDaemonIsAboutToMakeIsNotJoined) {
  const std::string name = "smolplane/interface/smoltest7";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  name.copy(address.sun_path + 1, sizeof address.sun_path - 1);
  const int other = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(bind(other, reinterpret_cast<const sockaddr*>(&address),
                 static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size())),
            0);
  EXPECT_EQ(refusal(config("net_tap0,iface=smoltest7")),
            "port smol0: smoltest7: another smold has this interface: choose another iface=");
  close(other);
}

TEST(DeviceMtu, IsWhatFitsBehindTheEthernetHeader) {
  EXPECT_EQ(device_mtu(1514, 65'535), 1500);
  EXPECT_EQ(device_mtu(1518, 65'535), 1500) << "room for a frame check sequence";
  EXPECT_EQ(device_mtu(1522, 65'535), 1500) << "and for a VLAN tag";
  EXPECT_EQ(device_mtu(9618, 9600), 9600);
  EXPECT_EQ(device_mtu(0xffffffff, 65'535), 65'535);
  EXPECT_EQ(device_mtu(10, 65'535), 0);
}

}  // namespace
}  // namespace smol::dataplane
