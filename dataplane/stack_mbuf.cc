#include "dataplane/stack_mbuf.hh"

#include "protocols/stack/stack_impl.hh"

namespace smol {

// The parts too: what the compiler inlines here it would not emit for those who call it from
// elsewhere.
template class Network<dataplane::MbufPacket>;
template class Resolution<dataplane::MbufPacket>;
template class TcpTransport<dataplane::MbufPacket>;
template class UdpTransport<dataplane::MbufPacket>;
template class IcmpTransport<dataplane::MbufPacket>;
template class Stack<dataplane::MbufPacket>;

}  // namespace smol
