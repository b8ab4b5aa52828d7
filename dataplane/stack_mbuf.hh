#pragma once

#include "dataplane/mbuf_packet.hh"
#include "protocols/stack/stack.hh"

namespace smol {

// Instantiated once, in stack_mbuf.cc.
extern template class Stack<dataplane::MbufPacket>;

}  // namespace smol
