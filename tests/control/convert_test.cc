// What clients send, and how what is wrong with it is named.
#include "control/convert.hh"

#include <string>

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "control/codec.hh"
#include "control/remote/requests.hh"
#include "control/route_service.hh"
#include "control/socket_service.hh"

namespace smol::control {
namespace {

template <class Message>
Message message(const std::string& text) {
  Message out;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &out)) << text;
  return out;
}

/// "field: sentence", as the status will have it; empty: it was taken.
template <class T>
std::string objection(const Parsed<T>& parsed) {
  return parsed ? "" : parsed.error().field + ": " + parsed.error().message;
}

TEST(ParseAddress, NamesWhatIsWrong) {
  struct Row {
    const char* text;
    const char* objection;
  };
  const Row rows[] = {
      {"v4: 0xc0000201", ""},
      {R"(v6: "\xfd\xaa\0\0\0\0\0\0\0\0\0\0\0\0\0\1")", ""},
      {"", "a: an address is missing"},
      {R"(v6: "\1\2\3\4")", "a.v6: 4 octets; an IPv6 address has 16"},
      {R"(v6: "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\1")",
       "a.v6: an IPv4-mapped address: say 192.0.2.1 in v4"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(objection(parse(message<v1::IpAddress>(row.text), "a")), row.objection) << row.text;
  }
}

TEST(ParsePrefix, HoldsItsLengthToTheFamily) {
  const auto parsed = [](const char* text) { return parse(message<v1::IpPrefix>(text), "p"); };
  EXPECT_EQ(printed(*parsed("address { v4: 0xc0000201 } length: 24")), "192.0.2.1/24");
  EXPECT_EQ(objection(parsed("address { v4: 1 } length: 33")),
            "p.length: 33 is too long: at most 32");
  EXPECT_EQ(objection(parsed("length: 24")), "p.address: an address is missing");
}

TEST(ParseEndpoint, NamesAPortThatIsNone) {
  const auto parsed = parse(message<v1::Endpoint>("address { v4: 1 } port: 65536"), "remote");
  EXPECT_EQ(objection(parsed), "remote.port: 65536 is no port: 0 to 65535");
}

TEST(ParseMac, TakesAStationsAlone) {
  EXPECT_EQ(objection(parse_mac(std::string("\2\0\0\0\0\1", 6), "mac")), "");
  EXPECT_EQ(objection(parse_mac("abc", "mac")), "mac: 3 octets; a MAC address has 6");
  EXPECT_EQ(objection(parse_mac(std::string(6, '\0'), "mac")),
            "mac: all zeros are no station's address");
  EXPECT_EQ(objection(parse_mac(std::string(6, '\xff'), "mac")),
            "mac: ff:ff:ff:ff:ff:ff is a group's address");
}

TEST(ParseDuration, KeepsToItsRangeWithoutOverflow) {
  const auto parsed = [](const char* text) {
    return parse(message<google::protobuf::Duration>(text), "t", milliseconds(10), seconds(3600));
  };
  EXPECT_EQ(*parsed("seconds: 1 nanos: 500000000"), milliseconds(1500));
  for (const char* wrong :
       {"", "nanos: 9999999", "seconds: 3600 nanos: 1", "seconds: -1", "seconds: 1 nanos: -1",
        "nanos: 1000000000", "seconds: 9223372036854775807"}) {
    EXPECT_EQ(objection(parsed(wrong)), "t: is out of range: 10ms..1h") << wrong;
  }
}

TEST(PutAddress, IsReadBackAsItWas) {
  for (const IpAddress& address :
       {IpAddress::v4(192, 0, 2, 1), IpAddress::v6(0xfdaa, 0, 0, 0, 0, 0, 0, 1)}) {
    v1::IpAddress out;
    put(address, out);
    EXPECT_EQ(*parse(out, ""), address);
  }
}

/// smol0: 192.0.2.1/24 and fe80::1/64; smol1: 198.51.100.1/24 and 192.0.2.129/25.
InterfaceList two_interfaces() {
  InterfaceList all(2);
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i].id = static_cast<InterfaceId>(i);
    all[i].name.characters = {'s', 'm', 'o', 'l', static_cast<char>('0' + i)};
    all[i].mtu = 1500;
  }
  all[0].addresses.push_back(IpPrefix{IpAddress::v4(192, 0, 2, 1), 24});
  all[0].addresses.push_back(IpPrefix{IpAddress::v6(0xfe80, 0, 0, 0, 0, 0, 0, 1), 64});
  all[1].addresses.push_back(IpPrefix{IpAddress::v4(198, 51, 100, 1), 24});
  all[1].addresses.push_back(IpPrefix{IpAddress::v4(192, 0, 2, 129), 25});
  return all;
}

TEST(ParseRoute, NamesWhatIsWrong) {
  struct Row {
    const char* text;
    const char* objection;
  };
  constexpr const char* kTen = "destination { address { v4: 0x0a000000 } length: 8 } ";
  const Row rows[] = {
      {"gateway { v4: 0xc6336402 }", ""},
      {"interface: 'smol1'", ""},
      {"", "r.interface: a route needs a gateway or an interface"},
      {"interface: 'smol7'", "r.interface: there is no interface 'smol7'"},
      {"gateway { v4: 0xcb007101 }",
       "r.gateway: 203.0.113.1 is in no subnet of any interface: a gateway must be on the link"},
      {"gateway { v4: 0xc0000263 } interface: 'smol1'",
       "r.gateway: 192.0.2.99 is in no subnet of smol1: a gateway must be on the link"},
      {"gateway { v4: 0xc00002c8 }",
       "r.interface: 192.0.2.200 is in a subnet of several interfaces: name one"},
      {"gateway { v4: 0xc0000201 }", "r.gateway: 192.0.2.1 is an address of this host itself"},
      {"gateway { v4: 0xe0000001 }", "r.gateway: 224.0.0.1 is no address of a host"},
      {R"(gateway { v6: "\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\2" })",
       "r.gateway: fe80::2 is of the other IP version than 10.0.0.0/8"},
      {"interface: 'smol1' connected: true",
       "r.connected: is for answers: such routes come with addresses"},
  };
  for (const Row& row : rows) {
    const auto route = message<v1::Route>(kTen + std::string{row.text});
    EXPECT_EQ(objection(parse_route(route, "r", two_interfaces())), row.objection) << row.text;
  }
}

TEST(ParseRoute, WantsADestinationWithoutHostBits) {
  const auto parsed = [](const char* text) {
    return parse_route(message<v1::Route>(text), "r", two_interfaces());
  };
  EXPECT_EQ(objection(parsed("interface: 'smol0'")), "r.destination: is missing");
  EXPECT_EQ(
      objection(parsed("destination { address { v4: 0x0a000001 } length: 8 } interface: 'smol0'")),
      "r.destination: 10.0.0.1/8 has bits set behind its prefix length: write 10.0.0.0/8");
}

TEST(ParseRoute, AnMtuIsOneThatALinkCanHave) {
  const auto parsed = [](const std::string& mtu) {
    return parse_route(
        message<v1::Route>("destination { address { v4: 0 } } interface: 'smol0' mtu: " + mtu), "r",
        two_interfaces());
  };
  EXPECT_EQ(objection(parsed("67")), "r.mtu: 67 is not 68..65535, or 0 for none");
  EXPECT_EQ(objection(parsed("65536")), "r.mtu: 65536 is not 68..65535, or 0 for none");
  EXPECT_TRUE(parsed("68"));
  EXPECT_TRUE(parsed("65535"));
}

TEST(ParseRoute, FindsTheInterfaceByTheGateway) {
  const auto route = parse_route(
      message<v1::Route>("destination { address { v4: 0 } } gateway { v4: 0xc6336402 } metric: 7 "
                         "mtu: 1400"),
      "r", two_interfaces());
  ASSERT_TRUE(route);
  EXPECT_EQ(route->interface, 1);
  EXPECT_EQ(route->metric, 7u);
  EXPECT_EQ(route->mtu, 1400);
  EXPECT_EQ(printed(route->destination), "0.0.0.0/0");
}

TEST(ConnectedRoute, IsThatOfAnAddressAlone) {
  const InterfaceList all = two_interfaces();
  const Route own{IpPrefix{IpAddress::v4(192, 0, 2, 0), 24}, {}, 0, 0};
  EXPECT_TRUE(is_connected(own, all));
  Route other = own;
  other.metric = 1;
  EXPECT_FALSE(is_connected(other, all));
  other = own;
  other.gateway = IpAddress::v4(192, 0, 2, 9);
  EXPECT_FALSE(is_connected(other, all));
  other = own;
  other.interface = 1;
  EXPECT_FALSE(is_connected(other, all));
}

SocketInfo connection() {
  SocketInfo out;
  out.kind = SocketKind::kTcp;
  out.state = tcp::State::kEstablished;
  out.local = {IpAddress::v4(192, 0, 2, 1), 80};
  out.remote = IpEndpoint{IpAddress::v4(198, 51, 100, 7), 5000};
  return out;
}

TEST(SocketFilter, TakesWhatEachOfItsFieldsTakes) {
  const char* taken[] = {"",
                         "kinds: SOCKET_KIND_TCP",
                         "states: TCP_STATE_ESTABLISHED states: TCP_STATE_CLOSED",
                         "local_port: 80",
                         "remote_port: 5000",
                         "local { address { v4: 0xc0000200 } length: 24 }",
                         "remote { address { v4: 0xc6336407 } length: 32 }"};
  for (const char* text : taken) {
    const auto filter = SocketFilter::parse(message<v1::ListSocketsRequest>(text));
    EXPECT_TRUE(filter && filter->takes(connection())) << text;
  }
  const char* left_out[] = {"kinds: SOCKET_KIND_UDP kinds: SOCKET_KIND_TCP_LISTENER",
                            "states: TCP_STATE_LISTEN",
                            "local_port: 81",
                            "remote_port: 0",
                            "local { address { v4: 0xc0000100 } length: 24 }",
                            "remote { address { v4: 0xc6336406 } length: 32 }"};
  for (const char* text : left_out) {
    const auto filter = SocketFilter::parse(message<v1::ListSocketsRequest>(text));
    EXPECT_TRUE(filter && !filter->takes(connection())) << text;
  }
}

TEST(SocketFilter, TakesNobodyWithoutAPeerWhenThePeerMatters) {
  SocketInfo listener = connection();
  listener.kind = SocketKind::kTcpListener;
  listener.state = tcp::State::kListen;
  listener.remote.reset();
  EXPECT_FALSE(
      SocketFilter::parse(message<v1::ListSocketsRequest>("remote_port: 5000"))->takes(listener));
}

TEST(SocketFilter, NamesWhatIsWrong) {
  const auto parsed = [](const char* text) {
    return SocketFilter::parse(message<v1::ListSocketsRequest>(text));
  };
  EXPECT_EQ(objection(parsed("kinds: SOCKET_KIND_TCP kinds: SOCKET_KIND_UNSPECIFIED")),
            "kinds[1]: 0 is none of them");
  EXPECT_EQ(objection(parsed("states: TCP_STATE_UNSPECIFIED")), "states[0]: 0 is none of them");
  EXPECT_EQ(objection(parsed("local_port: 70000")), "local_port: 70000 is no port: 0 to 65535");
  EXPECT_EQ(objection(parsed("local { length: 8 }")), "local.address: an address is missing");
}

TEST(PutTcpInfo, LeavesOutWhatIsNotKnown) {
  tcp::Info info;
  info.ssthresh = 1u << 30;
  v1::TcpInfo out;
  put(info, out);
  EXPECT_FALSE(out.has_srtt() || out.has_ssthresh() || out.has_snd_wscale());
  info.srtt = milliseconds(3);
  info.ssthresh = 1000;
  info.window_scaling = true;
  info.state = tcp::State::kFinWait1;
  info.waits_for = tcp::WaitsFor::kPeerWindow;
  put(info, out);
  EXPECT_EQ(out.srtt().nanos(), 3'000'000);
  EXPECT_EQ(out.ssthresh(), 1000u);
  EXPECT_TRUE(out.has_snd_wscale());
  EXPECT_EQ(out.state(), v1::TCP_STATE_FIN_WAIT_1);
  EXPECT_EQ(out.waits_for(), v1::TCP_WAITS_FOR_PEER_WINDOW);
}

TEST(PutTcpInfo, TellsTimesFromNowOn) {
  tcp::Info info;
  info.at = Instant{seconds(100)};
  v1::TcpInfo out;
  put(info, out);
  EXPECT_FALSE(out.has_last_sent() || out.has_last_received() || out.has_retransmit_timer() ||
               out.has_ato());
  info.last_sent = Instant{seconds(90)};
  info.retransmit_timer = Instant{seconds(103)};
  info.keep_alive_timer = Instant{seconds(99)};  // runs out in this turn
  put(info, out);
  EXPECT_EQ(out.last_sent().seconds(), 10);
  EXPECT_EQ(out.retransmit_timer().seconds(), 3);
  EXPECT_TRUE(out.has_keep_alive_timer());
  EXPECT_EQ(out.keep_alive_timer().seconds(), 0);
  EXPECT_FALSE(out.has_persist_timer());
}

TEST(PutTcpInfo, TellsWhatCongestionControlKnows) {
  tcp::Info info;
  info.congestion.kind = tcp::CongestionControl::kBbr;
  info.congestion.phase = "probe_bw_up";
  info.congestion.bandwidth = 1'000'000;
  info.congestion.pacing_gain = 125;
  info.congestion.inflight_longterm = ~0u;
  info.congestion.inflight_shortterm = 5;
  v1::TcpInfo out;
  put(info, out);
  EXPECT_EQ(out.congestion_info().phase(), "probe_bw_up");
  EXPECT_EQ(out.congestion_info().bandwidth(), 1'000'000u);
  EXPECT_DOUBLE_EQ(out.congestion_info().pacing_gain(), 1.25);
  EXPECT_FALSE(out.congestion_info().has_inflight_longterm());
  EXPECT_EQ(out.congestion_info().inflight_shortterm(), 5u);
  EXPECT_FALSE(out.congestion_info().has_w_max() || out.congestion_info().has_dctcp_alpha());
}

TEST(ParseTcpOptions, TakesWhatIsThereOverTheBase) {
  tcp::SocketOptions base;
  base.dscp = 7;
  const auto parsed = parse_options(
      base,
      message<v1::TcpOptions>(
          "nodelay: true cork: true keep_alive { seconds: 30 } keep_alive_probes: 3 hop_limit: 9 "
          "soft_errors: false unsent_low_water: 4096 congestion_control: "
          "TCP_CONGESTION_CONTROL_BBR ecn: TCP_ECN_DCTCP user_timeout_option: true"),
      "o");
  ASSERT_EQ(objection(parsed), "");
  EXPECT_FALSE(parsed->nagle);
  EXPECT_TRUE(parsed->cork);
  EXPECT_EQ(parsed->keep_alive, seconds(30));
  EXPECT_EQ(parsed->keep_alive_probes, 3);
  EXPECT_EQ(parsed->hop_limit, 9);
  EXPECT_EQ(parsed->dscp, 7);
  EXPECT_FALSE(parsed->soft_errors);
  EXPECT_EQ(parsed->unsent_low_water, 4096u);
  EXPECT_EQ(parsed->congestion_control, tcp::CongestionControl::kBbr);
  EXPECT_EQ(parsed->ecn, tcp::EcnUse::kDctcp);
  EXPECT_TRUE(parsed->user_timeout_option);
}

TEST(ParseTcpOptions, NamesWhatIsWrong) {
  const auto parsed = [](const char* text) {
    return parse_options({}, message<v1::TcpOptions>(text), "o");
  };
  EXPECT_EQ(objection(parsed("send_buffer: 4095")), "o.send_buffer: must be 4 KiB to 1 GiB");
  EXPECT_EQ(objection(parsed("receive_buffer: 4096 receive_low_water: 4097")),
            "o.receive_low_water: must be 1 octet to receive_buffer");
  EXPECT_EQ(objection(parsed("receive_low_water: 0")),
            "o.receive_low_water: must be 1 octet to receive_buffer");
  EXPECT_EQ(objection(parsed("send_buffer: 4096 send_low_water: 4097")),
            "o.send_low_water: must be no more than send_buffer");
  EXPECT_EQ(objection(parsed("hop_limit: 256")), "o.hop_limit: must be 1 to 255");
  EXPECT_EQ(objection(parsed("hop_limit: 0")), "o.hop_limit: must be 1 to 255");
  EXPECT_EQ(objection(parsed("dscp: 64")), "o.dscp: must be 0 to 63");
  EXPECT_EQ(objection(parsed("keep_alive_probes: 0")), "o.keep_alive_probes: must be 1 to 255");
  EXPECT_EQ(objection(parsed("keep_alive_interval { }")).substr(0, 22), "o.keep_alive_interval:");
  EXPECT_EQ(objection(parsed("keep_alive { seconds: -1 }")).substr(0, 13), "o.keep_alive:");
}

}  // namespace
}  // namespace smol::control
