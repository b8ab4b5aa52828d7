// Segments with a signature, of which this host knows no key: RFC 2385, RFC 5925 section 7.5.
#include "tests/protocols/stack/tcp_peer.hh"

namespace smol {
namespace {

class TcpSignedTest : public TcpTest {
 protected:
  /// The peer's segment with an option of the kind behind its header: 18 octets, padded to 20.
  static Octets signed_segment(const TcpPeer& peer, std::string_view flags, std::uint8_t kind,
                               const Octets& text = {}) {
    TcpPeer bare = peer;
    bare.syn_options = {};
    Octets frame = bare.segment(flags, text);
    constexpr std::size_t kIp = 14;
    constexpr std::size_t kTcp = kIp + 20;
    Octets option{kind, 18};
    option.resize(20, 0x5a);
    option[18] = option[19] = 0;
    frame.insert(frame.begin() + kTcp + 20, option.begin(), option.end());
    frame[kTcp + 12] = 10 << 4;
    put_be16(frame, kIp + 2, static_cast<std::uint16_t>(be16(frame, kIp + 2) + 20));
    fix_ip4_checksum(frame, kIp);
    const Bytes segment = Bytes{frame}.subspan(kTcp);
    put_be16(frame, kTcp + 16, 0);
    const std::uint16_t sum = pseudo_header_sum(peer.own.address, peer.theirs.address, 6,
                                                static_cast<std::uint32_t>(segment.size()))
                                  .add(internet_sum(segment))
                                  .checksum();
    put_be16(frame, kTcp + 16, sum);
    return frame;
  }
  static constexpr std::uint8_t kMd5 = 19;
  static constexpr std::uint8_t kAo = 29;
};

// TCP-260, TCP-261: a SYN makes no connection, and gets no answer.
TEST_F(TcpSignedTest, ASignedSynIsRefusedInSilence) {
  listen();
  host.receive(signed_segment(client(), "S", kMd5));
  EXPECT_EQ(host.only_dropped(), Drop::kTcpUnexpectedMd5);
  host.receive(signed_segment(client(), "S", kAo));
  EXPECT_EQ(host.only_dropped(), Drop::kTcpUnexpectedAo);
  EXPECT_THAT(host.sent(), IsEmpty());
  EXPECT_EQ(host.stack->tcp().half_open().size(), 0u);
}

// TCP-260: nor does one to a closed port.
TEST_F(TcpSignedTest, ASignedSegmentToAClosedPortIsNotReset) {
  host.receive(signed_segment(client(), ".", kAo));
  EXPECT_EQ(host.only_dropped(), Drop::kTcpUnexpectedAo);
  EXPECT_THAT(host.sent(), IsEmpty());
}

// TCP-261: before any change of state, for RST, SYN, FIN and text alike.
TEST_F(TcpSignedTest, ASignedSegmentChangesNothingOfAnOpenConnection) {
  TcpPeer peer = client();
  const SocketId socket = established(peer);
  const tcp::Info before = host.stack->tcp_info(socket).value();
  for (const char* flags : {"R", "R.", "S", "F.", "P.", "."}) {
    for (const std::uint8_t kind : {kMd5, kAo}) {
      host.receive(signed_segment(peer, flags, kind, octets_of(flags[0] == 'P' ? "text" : "")));
      EXPECT_EQ(host.only_dropped(),
                kind == kMd5 ? Drop::kTcpUnexpectedMd5 : Drop::kTcpUnexpectedAo)
          << flags;
    }
  }
  EXPECT_THAT(host.sent(), IsEmpty());
  const tcp::Info after = host.stack->tcp_info(socket).value();
  EXPECT_EQ(after.state, tcp::State::kEstablished);
  EXPECT_EQ(after.rcv_nxt, before.rcv_nxt);
  EXPECT_EQ(after.segs_in, before.segs_in);
  peer.send("P.", "unsigned");
  EXPECT_EQ(read(socket), "unsigned");
}

// TCP-261: nor of one in TIME-WAIT, or half open.
TEST_F(TcpSignedTest, ASignedSegmentChangesNothingOfARecord) {
  TcpPeer peer = client();
  const SocketId listener = listen();
  peer.send("S");
  peer.take();
  host.receive(signed_segment(peer, "R", kMd5));
  EXPECT_EQ(host.only_dropped(), Drop::kTcpUnexpectedMd5);
  host.receive(signed_segment(peer, ".", kMd5));
  EXPECT_EQ(host.only_dropped(), Drop::kTcpUnexpectedMd5);
  EXPECT_EQ(error_of(host.stack->tcp_accept(listener)), "EAGAIN");
  peer.send(".");
  EXPECT_EQ(error_of(host.stack->tcp_accept(listener)), "none");
}

}  // namespace
}  // namespace smol
