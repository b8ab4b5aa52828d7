#include "protocols/wire/tcp_repr.hh"

namespace smol {

void TcpRepr::print(TextWriter& out) const noexcept {
  out.put("TCP src=").dec(src_port).put(" dst=").dec(dst_port);
  const TcpFlags flags{static_cast<std::uint8_t>(control)};
  if (flags.syn()) out.put(" syn");
  if (flags.fin()) out.put(" fin");
  if (flags.rst()) out.put(" rst");
  if (flags.psh()) out.put(" psh");
  out.put(" seq=").dec(seq.raw);
  if (ack) out.put(" ack=").dec(ack->raw);
  out.put(" win=").dec(window);
  if (options.mss) out.put(" mss=").dec(*options.mss);
  if (options.window_scale) out.put(" ws=").dec(*options.window_scale);
  if (options.sack_permitted) out.put(" sACK");
  if (options.timestamps) {
    out.put(" tsval=").dec(options.timestamps->tsval);
    out.put(" tsecr=").dec(options.timestamps->tsecr);
  }
  const char* separator = " sack=";
  for (const SackBlock& block : options.sack) {
    out.put(separator).dec(block.left.raw).put(':').dec(block.right.raw);
    separator = ",";
  }
}

}  // namespace smol
