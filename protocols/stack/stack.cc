// The stack over plain memory: what the library offers as it is, and what makes the templates
// visible to the purity check.
#include "protocols/packet/mem_packet.hh"
#include "protocols/stack/stack_impl.hh"

namespace smol {

// The parts too: what the compiler inlines here it would not emit for those who call it from
// elsewhere.
template class Network<MemPacket>;
template class DatagramQueue<MemPacket>;
template class Resolution<MemPacket>;
template class TcpTransport<MemPacket>;
template class UdpTransport<MemPacket>;
template class IcmpSockets<MemPacket>;
template class IcmpTransport<MemPacket>;
template class Stack<MemPacket>;

}  // namespace smol
