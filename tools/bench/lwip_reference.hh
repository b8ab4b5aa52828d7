#pragma once

#include "tools/bench/series.hh"

namespace smol::bench {

/// "lwIP 64K IPv4": the stream of "write 64K IPv4" between two interfaces of lwIP, as Debian builds
/// it: window 64 KiB, MSS 1460, software checksums, data copied in by tcp_write(). Its input writes
/// into headers, so these are copied on the wire; the payload is not.
Row lwip_row();

}  // namespace smol::bench
