#include "dataplane/tap_interface.hh"

#include <array>
#include <cstddef>
#include <cstring>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>

#include "protocols/base/bytes.hh"

namespace smol::dataplane {
namespace {

constexpr std::size_t aligned(std::size_t octets) noexcept {
  return (octets + NLMSG_ALIGNTO - 1) & ~std::size_t{NLMSG_ALIGNTO - 1};
}

/// A value of the kernel's in its own byte order; zeros if there is not as much.
template <class T>
T value_of(Bytes octets, std::size_t offset = 0) noexcept {
  T out{};
  if (octets.size() >= offset + sizeof out) {
    std::memcpy(&out, octets.data() + offset, sizeof out);
  }
  return out;
}

/// visit(type, value) for each attribute.
template <class Visit>
void for_each_attribute(Bytes octets, Visit visit) {
  while (octets.size() >= sizeof(nlattr)) {
    const auto head = value_of<nlattr>(octets);
    if (head.nla_len < sizeof head || head.nla_len > octets.size()) return;
    visit(head.nla_type & NLA_TYPE_MASK, octets.first(head.nla_len).subspan(sizeof head));
    octets = octets.subspan(std::min(aligned(head.nla_len), octets.size()));
  }
}

void read_tun(Bytes octets, TapInterface& out) {
  for_each_attribute(octets, [&](int type, Bytes value) {
    if (type == IFLA_TUN_TYPE) out.tap = value_of<std::uint8_t>(value) == IFF_TAP;
    if (type == IFLA_TUN_MULTI_QUEUE) out.multi_queue = value_of<std::uint8_t>(value) != 0;
    if (type == IFLA_TUN_NUM_QUEUES || type == IFLA_TUN_NUM_DISABLED_QUEUES) {
      out.attached += value_of<std::uint32_t>(value);
    }
    if (type == IFLA_TUN_OWNER) out.owner = value_of<std::uint32_t>(value);
  });
}

void read_kind(Bytes octets, TapInterface& out) {
  bool tun = false;
  Bytes data;
  for_each_attribute(octets, [&](int type, Bytes value) {
    if (type == IFLA_INFO_KIND) tun = value.size() >= 3 && std::memcmp(value.data(), "tun", 3) == 0;
    if (type == IFLA_INFO_DATA) data = value;
  });
  if (tun) read_tun(data, out);
}

TapInterface read_link(Bytes octets) {
  TapInterface out;
  const auto link = value_of<ifinfomsg>(octets);
  out.index = static_cast<unsigned>(link.ifi_index);
  out.up = (link.ifi_flags & IFF_UP) != 0;
  const std::size_t head = aligned(sizeof link);
  if (octets.size() < head) return out;
  for_each_attribute(octets.subspan(head), [&](int type, Bytes value) {
    if (type == IFLA_MTU) out.mtu = value_of<std::uint32_t>(value);
    if (type == IFLA_LINKINFO) read_kind(value, out);
    if (type == IFLA_STATS64) {
      out.tx_dropped = value_of<std::uint64_t>(value, offsetof(rtnl_link_stats64, tx_dropped));
    }
  });
  return out;
}

struct Request {
  nlmsghdr head;
  ifinfomsg link;
  nlattr name_head;
  std::array<char, IFNAMSIZ> name;
};

}  // namespace

TapInterface look_at_interface(const std::string& name) {
  Request request{};
  if (name.empty() || name.size() >= request.name.size()) return {};
  request.head.nlmsg_len = sizeof request;
  request.head.nlmsg_type = RTM_GETLINK;
  request.head.nlmsg_flags = NLM_F_REQUEST;
  request.link.ifi_family = AF_UNSPEC;
  request.name_head.nla_len = static_cast<std::uint16_t>(sizeof(nlattr) + name.size() + 1);
  request.name_head.nla_type = IFLA_IFNAME;
  name.copy(request.name.data(), name.size());
  const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) return {};
  std::array<std::uint8_t, 32'768> answer;
  ssize_t got = -1;
  if (send(fd, &request, sizeof request, 0) == sizeof request) {
    got = recv(fd, answer.data(), answer.size(), 0);
  }
  close(fd);
  if (got < static_cast<ssize_t>(sizeof(nlmsghdr))) return {};
  const Bytes octets = Bytes{answer}.first(static_cast<std::size_t>(got));
  const auto head = value_of<nlmsghdr>(octets);
  if (head.nlmsg_type != RTM_NEWLINK || head.nlmsg_len > octets.size() ||
      head.nlmsg_len < aligned(sizeof head)) {
    return {};
  }
  return read_link(octets.first(head.nlmsg_len).subspan(aligned(sizeof head)));
}

}  // namespace smol::dataplane
