#include "protocols/wire/udp.hh"

namespace smol {

void UdpRepr::print(TextWriter& out) const noexcept {
  out.put("UDP src=").dec(src_port).put(" dst=").dec(dst_port).put(" len=").dec(payload_len);
}

}  // namespace smol
