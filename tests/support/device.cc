#include "tests/support/device.hh"

#include <algorithm>
#include <utility>

#include "protocols/base/bytes.hh"
#include "protocols/base/checksum.hh"

namespace smol {
namespace {

using Octets = std::vector<std::uint8_t>;

constexpr std::uint8_t kFinAndPsh = 0x09;
constexpr std::uint8_t kCwr = 0x80;

/// The transport's field holds the pseudo-header's sum.
void fill_in_checksums(Octets& frame, const TxOffload& offload) {
  const std::size_t l3 = offload.l2_len;
  const std::size_t l4 = l3 + offload.l3_len;
  if (offload.ip4_checksum) {
    const MutBytes header = MutBytes{frame}.subspan(l3, offload.l3_len);
    put_be16(header, 10, internet_sum(header).checksum());
  }
  if (!offload.tcp_checksum && !offload.udp_checksum) return;
  const std::uint16_t checksum = internet_sum(Bytes{frame}.subspan(l4)).checksum();
  const std::size_t field = l4 + (offload.tcp_checksum ? 16u : 6u);
  put_be16(frame, field, offload.udp_checksum && checksum == 0 ? 0xffff : checksum);
}

/// Segment `number` of `packet`, without its checksums.
Octets segment_of(const Octets& packet, const TxOffload& offload, std::size_t number) {
  const std::size_t l3 = offload.l2_len;
  const std::size_t l4 = l3 + offload.l3_len;
  const std::size_t headers = l4 + offload.l4_len;
  const std::size_t begin = headers + number * offload.segment_size;
  const std::size_t end = std::min(begin + offload.segment_size, packet.size());
  Octets out(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(headers));
  out.insert(out.end(), packet.begin() + static_cast<std::ptrdiff_t>(begin),
             packet.begin() + static_cast<std::ptrdiff_t>(end));
  if (out[l3] >> 4 == 4) {
    put_be16(out, l3 + 2, static_cast<std::uint16_t>(out.size() - l3));
    put_be16(out, l3 + 4, static_cast<std::uint16_t>(be16(out, l3 + 4) + number));
  } else {
    put_be16(out, l3 + 4, static_cast<std::uint16_t>(out.size() - l4));
  }
  put_be32(out, l4 + 4, be32(out, l4 + 4) + static_cast<std::uint32_t>(begin - headers));
  if (end < packet.size()) out[l4 + 13] &= static_cast<std::uint8_t>(~kFinAndPsh);
  if (number > 0) out[l4 + 13] &= static_cast<std::uint8_t>(~kCwr);
  // Of a packet to be cut the sum is without a length.
  put_be16(out, l4 + 16,
           InternetSum{be16(out, l4 + 16)}
               .add_dword(static_cast<std::uint32_t>(out.size() - l4))
               .folded());
  return out;
}

}  // namespace

std::vector<Octets> as_device_sends(Octets frame, const TxOffload& offload) {
  std::vector<Octets> out;
  if (offload.segment_size == 0) {
    out.push_back(std::move(frame));
  } else {
    const std::size_t text =
        frame.size() - offload.l2_len - offload.l3_len - std::size_t{offload.l4_len};
    const std::size_t count = (text + offload.segment_size - 1) / offload.segment_size;
    for (std::size_t i = 0; i < count; ++i) out.push_back(segment_of(frame, offload, i));
  }
  for (Octets& one : out) fill_in_checksums(one, offload);
  return out;
}

}  // namespace smol
