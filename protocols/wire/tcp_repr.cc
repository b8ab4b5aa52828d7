#include "protocols/wire/tcp_repr.hh"

namespace smol {

void TcpRepr::print(TextWriter& out) const noexcept {
  out.put("TCP src=").dec(src_port).put(" dst=").dec(dst_port);
  const TcpFlags flags{static_cast<std::uint8_t>(control)};
  if (flags.syn()) out.put(" syn");
  if (flags.fin()) out.put(" fin");
  if (flags.rst()) out.put(" rst");
  if (flags.psh()) out.put(" psh");
  if (ece) out.put(" ece");
  if (cwr) out.put(" cwr");
  out.put(" seq=").dec(seq.raw);
  if (ack) out.put(" ack=").dec(ack->raw);
  out.put(" win=").dec(window);
  if (urgent != 0) out.put(" urg=").dec(urgent);
  if (options.mss) out.put(" mss=").dec(*options.mss);
  if (options.window_scale) out.put(" ws=").dec(*options.window_scale);
  if (options.sack_permitted) out.put(" sACK");
  if (options.timestamps) {
    out.put(" tsval=").dec(options.timestamps->tsval);
    out.put(" tsecr=").dec(options.timestamps->tsecr);
  }
  if (options.md5) out.put(" md5");
  if (options.authentication) out.put(" ao");
  if (options.user_timeout) out.put(" uto=").dec(options.user_timeout->seconds());
  if (options.fast_open) {
    out.put(" tfo=").put(options.fast_open->is_request() ? "?" : "");
    for (const std::uint8_t octet : options.fast_open->bytes()) out.hex(octet, 2);
  }
  const char* separator = " sack=";
  for (const SackBlock& block : options.sack) {
    out.put(separator).dec(block.left.raw).put(':').dec(block.right.raw);
    separator = ",";
  }
}

}  // namespace smol
