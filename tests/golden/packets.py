"""Packets that show every form smoldump prints, made with scapy and struct: the same ones each time.

`families()` gives {name: [frame, ...]}; what is broken or cut is broken on purpose. `cut()` and `damaged()` make more
out of them.
"""

from __future__ import annotations

import random
import socket
import struct
from collections.abc import Iterable

from scapy.contrib.igmp import IGMP
from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.dns import DNS, DNSQR, DNSRR, DNSRROPT, DNSRRSOA, DNSRRSRV, DNSRRMX
from scapy.layers.inet import (ICMP, IP, TCP, UDP, IPOption_LSRR, IPOption_MTU_Probe, IPOption_NOP, IPOption_RR,
                               IPOption_Router_Alert, IPOption_SSRR, IPOption_Timestamp)
from scapy.layers.inet6 import (
    ICMPv6DestUnreach, ICMPv6EchoReply, ICMPv6EchoRequest, ICMPv6MLDMultAddrRec, ICMPv6MLDone, ICMPv6MLQuery,
    ICMPv6MLQuery2, ICMPv6MLReport, ICMPv6MLReport2, ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6ND_RA, ICMPv6ND_Redirect,
    ICMPv6ND_RS, ICMPv6NDOptAdvInterval, ICMPv6NDOptDNSSL, ICMPv6NDOptDstLLAddr, ICMPv6NDOptHAInfo, ICMPv6NDOptMTU,
    ICMPv6NDOptPrefixInfo, ICMPv6NDOptRDNSS, ICMPv6NDOptRedirectedHdr, ICMPv6NDOptRouteInfo, ICMPv6NDOptSrcLLAddr,
    ICMPv6PacketTooBig, ICMPv6ParamProblem, ICMPv6TimeExceeded, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, IPv6ExtHdrSegmentRouting, Jumbo, HAO, PadN, Pad1, RouterAlert)
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import Packet, Raw

MAC_A, MAC_B = "02:00:00:00:00:01", "02:00:00:00:00:02"
A4, B4, C4 = "192.0.2.1", "192.0.2.2", "198.51.100.7"
A6, B6, C6, LINK6 = "2001:db8::1", "2001:db8::2", "2001:db8:1::7", "fe80::2"


def ether(payload: Packet | bytes, kind: int | None = None) -> bytes:
    if isinstance(payload, bytes):
        return bytes(Ether(src=MAC_A, dst=MAC_B, type=kind if kind is not None else 0x0800)) + payload
    return bytes(Ether(src=MAC_A, dst=MAC_B) / payload)


def with_octet(frame: bytes, at: int, value: int) -> bytes:
    return frame[:at] + bytes([value]) + frame[at + 1:]


def arp() -> list[bytes]:
    request = ARP(op=1, hwsrc=MAC_A, psrc=A4, pdst=B4)
    out = [
        ether(request),
        ether(ARP(op=1, hwsrc=MAC_A, psrc=A4, hwdst=MAC_B, pdst=B4)),
        ether(ARP(op=1, hwsrc=MAC_A, psrc=A4, pdst=B4) / Raw(bytes(18))),
        ether(ARP(op=2, hwsrc=MAC_B, psrc=B4, hwdst=MAC_A, pdst=A4)),
        ether(ARP(op=1, hwsrc=MAC_A, psrc=A4, pdst=A4)),
        bytes(Ether(src=MAC_A, dst="ff:ff:ff:ff:ff:ff", type=0x8035) / ARP(op=3, hwsrc=MAC_A, hwdst=MAC_A)),
        bytes(Ether(src=MAC_A, dst=MAC_B, type=0x8035) / ARP(op=4, hwsrc=MAC_A, hwdst=MAC_B, pdst=B4)),
        ether(ARP(op=8, hwsrc=MAC_A, hwdst=MAC_B, psrc=A4, pdst=B4)),
        ether(ARP(op=9, hwsrc=MAC_A, hwdst=MAC_B, psrc=A4, pdst=B4)),
        ether(ARP(op=10, hwsrc=MAC_A, hwdst=MAC_B, psrc=A4, pdst=B4)),
        ether(ARP(op=77, hwsrc=MAC_A, hwdst=MAC_B, psrc=A4, pdst=B4)),
    ]
    for hardware, protocol, hardware_len, protocol_len in (
            (6, 0x0800, 6, 4), (7, 0x0800, 1, 4), (15, 0x0800, 2, 4), (23, 0x0800, 6, 4), (24, 0x0800, 8, 4),
            (32, 0x0800, 20, 4), (99, 0x0800, 6, 4), (1, 0x86DD, 6, 16), (1, 0x1234, 6, 4), (1, 0x1000, 6, 4),
            (1, 0x0800, 0, 4), (1, 0x0800, 6, 5), (1, 0x0800, 6, 0)):
        for operation in (1, 2, 3, 4, 8, 9):
            body = bytes(range(1, 2 * (hardware_len + protocol_len) + 1))
            header = struct.pack("!HHBBH", hardware, protocol, hardware_len, protocol_len, operation)
            out.append(ether(header + body, 0x0806))
    return out


def ethernet() -> list[bytes]:
    ping = IP(src=A4, dst=B4) / ICMP(id=1, seq=1)
    out = [
        bytes(Ether(src=MAC_A, dst=MAC_B) / Dot1Q(vlan=100) / ping),
        bytes(Ether(src=MAC_A, dst=MAC_B) / Dot1Q(vlan=4095, prio=7, id=1) / ping),
        bytes(Ether(src=MAC_A, dst=MAC_B, type=0x88A8) / Dot1Q(vlan=5, type=0x8100) / Dot1Q(vlan=6, prio=1) / ping),
        bytes(Ether(src=MAC_A, dst=MAC_B, type=0x9100) / Dot1Q(vlan=5) / ping),
        bytes(Ether(src=MAC_A, dst=MAC_B) / Dot1Q(vlan=7, type=0x1234) / Raw(b"unknown behind a tag")),
        ether(b"nobody knows what this is" * 2, 0x1234),
        ether(b"\x00" * 46, 0x88B5),
        ether(b"text and \x80\xff\x00 more", 0x0801),
        ether(bytes(ping)[:1], 0x0800),
        ether(b"", 0x0800),
        ether(b"", 0x86DD),
        ether(b"", 0x0806),
        ether(b"\x45", 0x86DD),
        ether(b"\x60" + bytes(60), 0x0800),
        ether(b"\x50" + bytes(60), 0x0800),
        ether(bytes(ping), 0x86DD),
        bytes(Ether(src=MAC_A, dst=MAC_B) / Dot1Q(vlan=100))[:16],
        # LLC: STP's points with too little, SNAP with IPv4 and an organization of its own, XID, information.
        ether(b"\xaa\xaa\x03\x00\x00\x00\x08\x00" + bytes(ping), 36 + 0),
        ether(b"\xaa\xaa\x03\x00\x01\x02\x12\x34" + bytes(20), 28),
        ether(b"\x06\x06\x01\x01" + bytes(42), 4),
        ether(b"\x02\x04\x00\x02" + bytes(42), 6),
        ether(b"\x04\x05\x7f" + bytes(43), 3),
    ]
    return out


def ip4_options() -> list[bytes]:
    def packet(*options: Packet, payload: Packet | None = None) -> bytes:
        return ether(IP(src=A4, dst=B4, id=3, options=list(options)) / (payload or ICMP(id=1, seq=1)))

    def raw(options: bytes, payload: Packet | None = None) -> bytes:
        padded = options + bytes(-len(options) % 4)
        body = bytes(payload or ICMP(id=1, seq=1))
        header = IP(src=A4, dst=B4, id=4, ihl=5 + len(padded) // 4, len=20 + len(padded) + len(body), proto=1, chksum=0)
        octets = bytearray(bytes(header)[:20] + padded)
        struct.pack_into("!H", octets, 10, checksum(bytes(octets)))
        return ether(bytes(octets) + body)

    routers = [C4, "203.0.113.9"]
    return [
        packet(IPOption_RR(routers=routers, pointer=4)),
        packet(IPOption_RR(routers=routers, pointer=12)),
        packet(IPOption_LSRR(routers=routers), payload=UDP(sport=5, dport=6) / Raw(b"abc")),
        packet(IPOption_SSRR(routers=routers), payload=TCP(sport=5, dport=6, flags="S", seq=9)),
        packet(IPOption_Router_Alert()),
        packet(IPOption_Router_Alert(alert=7)),
        packet(IPOption_NOP(), IPOption_NOP(), IPOption_MTU_Probe(mtu=1400)),
        packet(IPOption_Timestamp(flg=0, timestamp=1000)),
        packet(IPOption_Timestamp(flg=1, internet_address=C4, timestamp=1000)),
        packet(IPOption_Timestamp(flg=3, internet_address=C4, timestamp=1000, oflw=3)),
        raw(b"\x44\x0c\x05\x00" + struct.pack("!II", 1, 2)),
        raw(b"\x44\x0c\x09\x00" + struct.pack("!II", 1, 2)),
        raw(b"\x44\x0c\x0d\x00" + struct.pack("!II", 1, 2)),
        raw(b"\x44\x0c\x01\x05" + struct.pack("!II", 1, 2)),
        raw(b"\x44\x0b\x05\x01" + bytes(7)),
        raw(b"\x44\x03\x05"), raw(b"\x07\x02"), raw(b"\x07\x03\x04"), raw(b"\x07\x06\x04\x01\x02\x03"),
        raw(b"\x07\x07\x00" + bytes(4)), raw(b"\x07\x07\xff" + bytes(4)), raw(b"\x83\x07\x04" + bytes([10, 0, 0, 9])),
        raw(b"\x94\x03\x00"), raw(b"\x94\x01"), raw(b"\x99\x00"), raw(b"\x82\x0b" + bytes(9)),
        raw(b"\x52\x0c" + bytes(10)),
        raw(b"\x99\x30"), raw(b"\x00\x00\x00\x00"), raw(b"\x01\x01\x01\x00"), raw(b"\x89\x0b\x04" + bytes(8)),
    ]


def ip4() -> list[bytes]:
    udp = UDP(sport=5000, dport=6000) / Raw(b"hello")
    base = IP(src=A4, dst=B4, id=4660)
    good = ether(base / udp)
    out = [
        good,
        ether(IP(src=A4, dst=B4, tos=1, ttl=1) / udp),
        ether(IP(src=A4, dst=B4, tos=2, ttl=255) / udp),
        ether(IP(src=A4, dst=B4, tos=3, ttl=0) / udp),
        ether(IP(src=A4, dst=B4, tos=0xB8, flags="DF") / udp),
        ether(IP(src=A4, dst=B4, flags="MF+DF") / udp),
        ether(IP(src=A4, dst=B4, flags="evil") / udp),
        ether(IP(src=A4, dst=B4, flags="MF", id=7) / udp),
        ether(IP(src=A4, dst=B4, flags="MF", frag=185, id=7, proto=17) / Raw(bytes(24))),
        ether(IP(src=A4, dst=B4, frag=370, id=7, proto=17) / Raw(b"the end of it")),
        ether(IP(src=A4, dst=B4, frag=370, id=7, proto=1) / Raw(b"the end of it")),
        ether(IP(src=A4, dst=B4, frag=1, id=7, proto=253) / Raw(b"the end of it")),
        ether(IP(src=A4, dst=B4, flags="MF", id=8) / TCP(sport=1, dport=2, seq=5, flags="S")),
        ether(IP(src=A4, dst=B4, flags="MF", id=8) / ICMP(id=1, seq=2) / Raw(b"abcdefgh")),
        ether(IP(src=A4, dst=B4, chksum=0x1234) / udp),
        ether(base / udp) + bytes(14),
        ether(IP(src=A4, dst=B4, len=200) / udp),
        ether(IP(src=A4, dst=B4, len=19) / udp),
        ether(IP(src=A4, dst=B4, len=0) / udp),
        ether(IP(src=A4, dst=B4, len=20) / udp),
        ether(IP(src=A4, dst=B4, len=24) / udp),
        ether(IP(src=A4, dst=B4, ihl=3) / udp),
        ether(IP(src=A4, dst=B4, ihl=0) / udp),
        ether(IP(src=A4, dst=B4, ihl=15) / Raw(b"short")),
        ether(bytes(base / udp)[:10]),
        ether(bytes(base / udp)[:19]),
        ether(bytes(base / udp)[:20]),
        ether(IP(src=A4, dst=B4) / IP(src=C4, dst=B4) / udp),
        ether(IP(src=A4, dst=B4, proto=41) / IPv6(src=A6, dst=B6) / udp),
        ether(IP(src=A4, dst=B4, proto=58) / Raw(b"\x80\x00\x00\x00")),
        ether(IP(src=A4, dst=B4, proto=59) / Raw(b"nothing")),
        ether(IP(src=A4, dst=B4, proto=253) / Raw(b"experiment")),
        ether(IP(src=A4, dst=B4, proto=0) / Raw(b"experiment")),
        ether(IP(src=A4, dst=B4, proto=143) / Raw(bytes(20))),
        ether(IP(src=A4, dst=B4, proto=255)),
        ether(IP(src="0.0.0.0", dst="255.255.255.255") / udp),
        ether(IP(src=A4, dst="224.0.0.251") / udp),
    ]
    return out


def icmp4() -> list[bytes]:
    quoted_udp = IP(src=B4, dst=A4, id=9) / UDP(sport=4000, dport=9) / Raw(b"abcdefgh")
    quoted_tcp = IP(src=B4, dst=A4, id=9, flags="DF") / TCP(sport=4000, dport=80, seq=77, flags="S")
    quoted_other = IP(src=B4, dst=A4, id=9, proto=99) / Raw(b"abcdefghijkl")

    def packet(message: Packet, rest: Packet | bytes = b"") -> bytes:
        return ether(IP(src=A4, dst=B4) / message / Raw(bytes(rest)))

    out = [packet(ICMP(type=8, id=77, seq=1), bytes(56)), packet(ICMP(type=0, id=77, seq=1), bytes(56)),
           packet(ICMP(type=8, id=77, seq=1, chksum=0x1234), b"wrong")]
    out += [packet(ICMP(type=3, code=code), quoted) for code in range(18)
            for quoted in (quoted_udp, quoted_tcp, quoted_other)]
    out += [packet(ICMP(type=3, code=4, nexthopmtu=1400), quoted_udp),
            packet(ICMP(type=3, code=4, nexthopmtu=0), quoted_udp)]
    out += [packet(ICMP(type=5, code=code, gw=C4), quoted_udp) for code in range(5)]
    out += [packet(ICMP(type=11, code=code), quoted_udp) for code in range(3)]
    out += [packet(ICMP(type=12, code=code, ptr=20), quoted_udp) for code in range(3)]
    out += [packet(ICMP(type=4), quoted_udp), packet(ICMP(type=13, id=1, seq=2, ts_ori=1000, ts_rx=2, ts_tx=3)),
            packet(ICMP(type=14, id=1, seq=2, ts_ori=45296789, ts_rx=86399999, ts_tx=0)),
            packet(ICMP(type=14, id=1, seq=2, ts_ori=0x80001234, ts_rx=0xFFFFFFFF, ts_tx=86400000)),
            packet(ICMP(type=17, id=1, seq=2)), packet(ICMP(type=18, id=1, seq=2, addr_mask="255.255.255.0")),
            packet(ICMP(type=15, id=1, seq=2)), packet(ICMP(type=16, id=1, seq=2)), packet(ICMP(type=10)),
            packet(ICMP(type=99, code=7), b"unknown"), packet(ICMP(type=40), b"photuris"),
            packet(ICMP(type=42), b"extended"), packet(ICMP(type=43), b"extended")]

    def router(lifetime: int, count: int, size: int, body: bytes) -> bytes:
        message = bytearray(struct.pack("!BBHBBH", 9, 0, 0, count, size, lifetime) + body)
        struct.pack_into("!H", message, 2, checksum(bytes(message)))
        return ether(IP(src=A4, dst=B4, proto=1) / Raw(bytes(message)))

    entry = socket.inet_aton(C4) + struct.pack("!I", 5)
    out += [router(30, 1, 2, entry), router(1800, 2, 2, entry * 2), router(7325, 0, 2, b""), router(60, 1, 3, entry),
            router(9, 3, 2, entry)]
    # RFC 4884 extensions behind the quoted packet.
    padded = bytes(quoted_udp).ljust(128, b"\0")
    mpls = b"\x00\x08\x01\x01" + struct.pack("!I", 16001 << 12 | 5 << 9 | 1 << 8 | 63)
    stack = b"\x00\x0c\x01\x01" + struct.pack("!II", 17 << 12 | 1, 18 << 12 | 0x1FF)
    for body in (mpls, stack, mpls + mpls, b"\x00\x08\x03\x01abcd", b"\x00\x03\x01\x01abcd", b"\x00\x08\x00\x01abcd",
                 b"\x00\x40\x01\x01abcd", b"\x00\x08\x01\x02abcd", b"", mpls + b"ab", b"\x00\x04\x01\x01"):
        for version, told in ((0x20, 32), (0x20, 0), (0x10, 32), (0x10, 0)):
            extension = bytearray(bytes([version, 0, 0, 0]) + body)
            struct.pack_into("!H", extension, 2, checksum(bytes(extension)) ^ (told == 0))
            out += [packet(ICMP(type=kind, code=0, length=told), padded + bytes(extension)) for kind in (3, 11)]
    return out


def igmp() -> list[bytes]:
    def message(body: bytes, **ip: object) -> bytes:
        octets = bytearray(body)
        if len(octets) >= 4:
            struct.pack_into("!H", octets, 2, checksum(bytes(octets)))
        return ether(IP(src=A4, dst="224.0.0.22", ttl=1, proto=2, **ip) / Raw(bytes(octets)))

    group, source = socket.inet_aton("239.1.1.1"), socket.inet_aton(C4)

    def record(kind: int, sources: int) -> bytes:
        return struct.pack("!BBH", kind, 0, sources) + group + source * sources

    def report(*records: bytes, count: int | None = None) -> bytes:
        number = len(records) if count is None else count
        return struct.pack("!BBHHH", 0x22, 0, 0, 0, number) + b"".join(records)

    def query(code: int, to: bytes, sources: int = 0, told: int | None = None) -> bytes:
        number = sources if told is None else told
        return struct.pack("!BBH", 0x11, code, 0) + to + struct.pack("!BBH", 2, 125, number) + source * sources

    none = bytes(4)
    return [
        ether(IP(src=A4, dst="224.0.0.1", ttl=1) / IGMP(type=0x11, mrcode=0)),
        ether(IP(src=A4, dst="224.0.0.1", ttl=1) / IGMP(type=0x11, mrcode=100)),
        ether(IP(src=A4, dst="239.1.1.1", ttl=1) / IGMP(type=0x11, mrcode=20, gaddr="239.1.1.1")),
        *(message(struct.pack("!BBH", kind, 0, 0) + group) for kind in (0x12, 0x16, 0x17, 0x55)),
        *(message(struct.pack("!BBH", kind, 0, 0) + group + b"tail") for kind in (0x12, 0x16, 0x17)),
        message(struct.pack("!BBH", 0x11, 0, 0) + group + b"ab"),
        *(message(query(code, none)) for code in (0, 100, 127, 128, 199, 255)),
        *(message(query(code, group, 2)) for code in (100, 10)),
        message(query(100, group, 0)), message(query(100, group, 1, told=9)), message(query(100, group) + b"ab"),
        message(report(record(4, 0))), message(report(*(record(kind, kind % 3) for kind in range(0, 8)))),
        message(report(record(1, 1), count=3)), message(report(count=0)), message(report(record(1, 0)) + b"x"),
        message(struct.pack("!BBHHH", 0x22, 0, 0, 0, 1) + struct.pack("!BBH", 1, 0, 50) + group),
        ether(IP(src=A4, dst="224.0.0.22", proto=2) / Raw(b"\x16\x00\x12\x34" + group)),
        ether(IP(src=A4, dst="224.0.0.22", proto=2) / Raw(b"\x16\x00")),
    ]


def tcp() -> list[bytes]:
    out = []

    def add(source: str, destination: str, payload: bytes = b"", **fields: object) -> None:
        options = fields.pop("options", [])
        head = IP(src=source, dst=destination) if "." in source else IPv6(src=source, dst=destination)
        out.append(ether(head / TCP(options=options, **fields) / Raw(payload)))

    for a, b in ((A4, B4), (A6, B6)):
        client, server = {"sport": 50000, "dport": 80}, {"sport": 80, "dport": 50000}
        add(a, b, **client, flags="S", seq=1000, window=64240,
            options=[("MSS", 1460), ("SAckOK", b""), ("Timestamp", (100, 0)), ("NOP", None), ("WScale", 7)])
        add(b, a, **server, flags="SA", seq=5000, ack=1001, window=65160,
            options=[("MSS", 1460), ("SAckOK", b""), ("Timestamp", (900, 100)), ("NOP", None), ("WScale", 7)])
        add(a, b, **client, flags="A", seq=1001, ack=5001, window=502,
            options=[("NOP", None), ("NOP", None), ("Timestamp", (101, 900))])
        add(a, b, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", **client, flags="PA", seq=1001, ack=5001, window=502)
        add(b, a, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", **server, flags="PA", seq=5001, ack=1028)
        add(b, a, **server, flags="A", seq=5044, ack=1028, options=[("NOP", None), ("NOP", None),
            ("SAck", (2028, 3028))])
        add(b, a, **server, flags="A", seq=5044, ack=1028,
            options=[("NOP", None), ("NOP", None), ("SAck", (2028, 3028, 4028, 5028))])
        add(a, b, **client, flags="A", seq=1028, ack=5044, options=[("SAck", (5100, 5200))])
        add(a, b, **client, flags="FA", seq=1028, ack=5044)
        add(b, a, **server, flags="FA", seq=5044, ack=1029)
        add(a, b, **client, flags="A", seq=1029, ack=5045)
        add(a, b, **client, flags="R", seq=1029)
        add(a, b, b"reset because of \x01\x80\xff this and that, at length", **client, flags="RA", seq=1029, ack=5045)
        add(b, a, sport=7777, dport=7777, flags="A", seq=1, ack=2)
        add(a, b, sport=7777, dport=7777, flags="A", seq=2, ack=1)
        add(a, b, b"data", sport=9, dport=10, flags="UPSFREWC"[:3], seq=5, urgptr=3)
        add(a, b, b"data", sport=9, dport=10, flags=0xFF, seq=5, ack=9, urgptr=3)
        add(a, b, b"data", sport=9, dport=11, flags=0, seq=5)
        add(a, b, sport=9, dport=11, flags="EC", seq=5)
        add(a, b, sport=9, dport=11, flags="A", seq=4294967290, ack=1)
        add(a, b, b"wraps around", sport=9, dport=11, flags="A", seq=4294967290, ack=1)
        add(a, b, sport=9, dport=11, flags="A", seq=3, ack=4294967290, chksum=0x1234)
        add(a, b, b"short", sport=9, dport=11, flags="A", seq=3, ack=1, dataofs=4)
        add(a, b, b"short", sport=9, dport=11, flags="A", seq=3, ack=1, dataofs=0)
        add(a, b, b"short", sport=9, dport=11, flags="A", seq=3, ack=1, dataofs=15)
        add(a, b, sport=9, dport=11, flags="A", seq=3, ack=1, reserved=7)
    return out


def tcp_options() -> list[bytes]:
    def packet(options: bytes, payload: bytes = b"", flags: int = 0x10) -> bytes:
        padded = options + bytes(-len(options) % 4)
        header = struct.pack("!HHIIBBHHH", 1234, 4321, 7, 8, (5 + len(padded) // 4) << 4, flags, 512, 0, 0) + padded
        return ether(IP(src=A4, dst=B4, proto=6) / Raw(header + payload))

    out = [packet(options) for options in (
        b"\x00", b"\x01\x01\x01\x00", b"\x01\x00\x01\x01", b"\x02\x04\x05\xb4", b"\x02\x03\x05\x01",
        b"\x02\x02\x01\x01",
        b"\x02\x05\x05\xb4\x01\x01\x01\x01", b"\x03\x03\x07\x01", b"\x03\x04\x07\x07", b"\x03\x02\x01\x01",
        b"\x04\x02\x01\x01",
        b"\x04\x03\x01\x01", b"\x05\x0a" + struct.pack("!II", 10, 20),
        b"\x05\x12" + struct.pack("!IIII", 10, 20, 30, 40),
        b"\x05\x02\x01\x01", b"\x05\x06\x00\x00\x00\x01", b"\x06\x06\x00\x00\x00\x07", b"\x07\x06\x00\x00\x00\x07",
        b"\x08\x0a" + struct.pack("!II", 1, 2), b"\x08\x06" + struct.pack("!I", 1),
        b"\x08\x0c" + struct.pack("!III", 1, 2, 3),
        b"\x0b\x06\x00\x00\x00\x01", b"\x0c\x06\x00\x00\x00\x02", b"\x0d\x06\x00\x00\x00\x03",
        b"\x13\x12" + bytes(range(16)), b"\x13\x04\x01\x02", b"\x14\x04\x01\x02", b"\x1c\x04\x00\x3c",
        b"\x1c\x04\x80\x05",
        b"\x1d\x04\x01\x02", b"\x1d\x10\x01\x02" + bytes(range(12)), b"\x1d\x03\x01\x01", b"\x1d\x02\x01\x01",
        b"\x22\x02\x01\x01", b"\x22\x0a" + bytes(range(8)), b"\x22\x05\x01\x02\x03\x01\x01\x01", b"\x22\x04\x01\x02",
        b"\xfe\x04\xf9\x89", b"\xfe\x0c\xf9\x89" + bytes(range(8)), b"\xfe\x04\x12\x34", b"\xfe\x03\x12\x01",
        b"\xfd\x04\xf9\x89",
        b"\x63\x02\x01\x01", b"\x63\x06\xde\xad\xbe\xef", b"\x63\x01\x01\x01", b"\x63\x00\x01\x01", b"\x63\x20\x01\x01",
        b"\x01\x63\x01\x01", b"\x01\x01\x01\x02", b"\x01\x01\x02\x04", b"\x45\x04\x00\x00\x02\x04\x05\xb4")]
    out += [packet(b"\x13\x12" + bytes(range(16)), b"payload", 0x18), packet(b"\x05\x0a\0\0\0\1\0\0\0\2", b"x", 0x02)]
    return out


def text() -> list[bytes]:
    def packet(payload: bytes, port: int) -> bytes:
        return ether(IP(src=A4, dst=B4) / TCP(sport=40000, dport=port, flags="PA", seq=1, ack=1) / Raw(payload))

    lines = (b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\nHost: x\n\n",
        b"HTTP/1.0 404 Not Found\r\nServer: s\r\n\r\n\x00\x01binary",
             b"HTTP/1.1\r\n", b"get lower\r\n", b"UNKNOWN / HTTP/1.1\r\n", b"GET", b"GET /no/end/of/the/line",
             b"GET /\rbare", b"GET /\r",
             b"POST /x\twith\ttabs HTTP/1.1\r\nA: b\r\n\r\n", b"\x16\x03\x01\x00\xa5binary", b"200 OK\r\nmore\r\n",
             b"220 hello\r\n",
             b"GET /\x80\xff\r\n", b"\r\n", b" GET / x\r\n", b"a b\r\n", b"x" * 200 + b"\r\n",
             b"EHLO me\r\nMAIL FROM:<a>\r\n",
             b"USER anonymous\r\n", b"HTTP/1.1  200\r\n\r\n", b"PROPFIND / HTTP/1.1\r\nDepth: 1\r\n\r\n",
             b"RTSP/1.0 200 OK\r\n",
             b"DESCRIBE rtsp://x RTSP/1.0\r\nCSeq: 1\r\n\r\n", b"GETS / x\r\n", b"HEAD\t/\r\n", b"200\r\nmore",
             b"200 \r\n", b"HTTP/1.1 2000 OK\r\n")
    return [packet(line, port) for line in lines for port in (80, 8080, 3128, 21, 25, 554, 8554)]


def udp() -> list[bytes]:
    def packet(datagram: Packet | bytes, **ip: object) -> bytes:
        return ether(IP(src=A4, dst=B4, proto=17, **ip) / (datagram if isinstance(datagram, Packet) else Raw(datagram)))

    out = [packet(UDP(sport=5000, dport=6000) / Raw(b"hello")), packet(UDP(sport=5000, dport=6000)),
           packet(UDP(sport=5000, dport=6000, chksum=0) / Raw(b"none")),
           packet(UDP(sport=5000, dport=6000, chksum=0x1234) / Raw(b"wrong")),
           packet(UDP(sport=5000, dport=6000, len=7) / Raw(b"hello")),
           packet(UDP(sport=5000, dport=6000, len=0) / Raw(b"hello")),
           packet(UDP(sport=5000, dport=6000, len=8) / Raw(b"hello")),
           packet(UDP(sport=5000, dport=6000, len=99) / Raw(b"hello")),
           packet(UDP(sport=5000, dport=6000, len=99) / Raw(b"hello"), flags="MF"),
           packet(UDP(sport=5000, dport=6000, len=10) / Raw(b"hello")),
           packet(b"\x13\x88"), packet(b"\x13\x88\x17\x70"), packet(b"\x13\x88\x17\x70\x00\x08")]
    for head in (IPv6(src=A6, dst=B6), IPv6(src="::1", dst="::ffff:192.0.2.1"), IPv6(src="::192.0.2.9", dst="::")):
        out += [ether(head / UDP(sport=5000, dport=6000) / Raw(b"hello")),
                ether(head / UDP(sport=5000, dport=6000, chksum=0x1234) / Raw(b"wrong"))]
    out += [with_octet(with_octet(ether(IPv6(src=A6, dst=B6) / UDP(sport=1, dport=2) / Raw(b"x")), 60, 0), 61, 0)]
    return out


def ip6() -> list[bytes]:
    udp = UDP(sport=5000, dport=6000) / Raw(b"hello")
    ping = ICMPv6EchoRequest(id=1, seq=2, data=b"abcd")

    def packet(*layers: Packet, **fields: object) -> bytes:
        whole: Packet = IPv6(src=A6, dst=B6, **fields)
        for layer in layers:
            whole = whole / layer
        return ether(whole)

    def raw(next_header: int, body: bytes, **fields: object) -> bytes:
        return ether(IPv6(src=A6, dst=B6, nh=next_header, **fields) / Raw(body))

    good = packet(udp)
    out = [
        good, good + bytes(10), packet(udp, hlim=1), packet(udp, tc=0xB8), packet(udp, fl=0x12345),
        packet(udp, tc=3, fl=1),
        packet(udp, plen=200), packet(udp, plen=4), packet(udp, plen=0),
        packet(IPv6ExtHdrDestOpt(), udp, plen=6), packet(IPv6ExtHdrDestOpt(), udp, plen=12), good[:54], good[:53],
        good[:30],
        ether(with_octet(bytes(IPv6(src=A6, dst=B6) / udp), 0, 0x70), 0x86DD), packet(ping), packet(nh=59),
        packet(Raw(b"data"), nh=59), packet(Raw(b"data"), nh=253), packet(Raw(b"data"), nh=1),
        packet(Raw(b"data"), nh=2),
        packet(IP(src=A4, dst=B4) / udp), packet(IPv6(src=B6, dst=C6) / udp),
        packet(IPv6ExtHdrHopByHop(options=[RouterAlert()]), ping),
        packet(IPv6ExtHdrHopByHop(options=[RouterAlert(value=5), Pad1(), PadN(optdata=b"\0\0")]), udp),
        packet(IPv6ExtHdrHopByHop(options=[Jumbo(jumboplen=70000)]), udp, plen=0),
        packet(IPv6ExtHdrHopByHop(options=[Jumbo(jumboplen=70000)]), udp),
        packet(IPv6ExtHdrHopByHop(options=[Jumbo(jumboplen=70)]), udp, plen=0),
        packet(IPv6ExtHdrHopByHop(options=[Jumbo(jumboplen=70000), Jumbo(jumboplen=70001)]), udp, plen=0),
        packet(IPv6ExtHdrHopByHop(options=[PadN(optdata=bytes(4))]), udp, plen=0),
        packet(IPv6ExtHdrHopByHop(), IPv6ExtHdrHopByHop(), udp),
        packet(IPv6ExtHdrDestOpt(), IPv6ExtHdrHopByHop(), udp),
        packet(IPv6ExtHdrDestOpt(options=[HAO(hoa=C6)]), udp),
        packet(IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 4)]), TCP(sport=1, dport=2, flags="S", seq=3)),
        packet(IPv6ExtHdrDestOpt(options=[Jumbo(jumboplen=70000)]), udp),
        packet(IPv6ExtHdrRouting(addresses=[C6, "2001:db8:9::1"], segleft=2), udp),
        packet(IPv6ExtHdrRouting(addresses=[C6], segleft=0), ping),
        packet(IPv6ExtHdrRouting(addresses=[C6], segleft=1, reserved=5), ping),
        packet(IPv6ExtHdrRouting(type=2, addresses=[C6], segleft=1), udp),
        packet(IPv6ExtHdrSegmentRouting(addresses=[C6, B6], segleft=1, lastentry=1, tag=0x1F), udp),
        packet(IPv6ExtHdrSegmentRouting(addresses=[C6], segleft=0, lastentry=0), ping),
        packet(IPv6ExtHdrFragment(id=0xABCD, m=1), udp),
        packet(IPv6ExtHdrFragment(id=0xABCD, m=1, offset=181, nh=17), Raw(bytes(16))),
        packet(IPv6ExtHdrFragment(id=0xABCD, offset=362, nh=58), Raw(b"end")),
        packet(IPv6ExtHdrFragment(id=1), ping),
        packet(IPv6ExtHdrFragment(id=1), TCP(sport=1, dport=2, flags="A", seq=3, ack=4), plen=0),
        packet(IPv6ExtHdrHopByHop(), IPv6ExtHdrRouting(addresses=[C6], segleft=1), IPv6ExtHdrFragment(id=1),
               IPv6ExtHdrDestOpt(), udp),
        raw(43, b"\x11\x03\x00\x01" + bytes(28) + bytes(udp)), raw(43, b"\x11\x02\x63\x01" + bytes(20) + bytes(udp)),
        raw(43, b"\x11\x03\x04\x01\x00\x01\x00\x00" + bytes(24) + bytes(udp)), raw(43, b"\x11\x02\x02\x01" + bytes(20)),
        raw(0, b"\x11\x00\x05\x03\x00\x00\x00\x01" + bytes(udp)),
        raw(0, b"\x11\x00\x00\x00\x00\x00\x05\x02" + bytes(udp)),
        raw(0, b"\x11\x00\x63\x02\xaa\xbb\x00\x00" + bytes(udp)),
        raw(0, b"\x11\x00\x00\x00\x00\x00\x00\x63" + bytes(udp)),
        raw(0, b"\x11\x00\x01\x00\x01\x00\x00\x01" + bytes(udp)),
        raw(0, b"\x11\x00\xc2\x02\x00\x00\x00\x00" + bytes(udp)),
        raw(0, b"\x11\x00\x00\x00\x00\xc2\x04\x00" + bytes(udp)),
        raw(60, b"\x11\x00\x05\x02\x00\x00\x01\x00" + bytes(udp)),
        raw(60, b"\x11\x00\xc9\x04\x00\x00\x00\x00" + bytes(udp)),
        raw(60, b"\x11\x02\xc9\x0f" + bytes(20) + bytes(udp)),
        raw(60, b"\x11\x03\xc9\x1a" + bytes(16) + b"\x00\x01\x02\x00\x00\x63\x02\x01\x02\x00" + bytes(udp)),
        raw(60, b"\x11\x02\xc9\x14" + bytes(16) + b"\x00\x01\x00\x00" + bytes(udp)),
        raw(0, b"\x3a"), raw(0, b"\x3a\x00"), raw(60, b"\x3a\x05" + bytes(6)), raw(44, b"\x3a\x00\x00"),
        raw(43, b"\x3a\x00\x00"),
        raw(6, bytes(TCP(sport=1, dport=2))[:3]), raw(17, b"\x00"), raw(58, b""), raw(58, b"\x80"),
        raw(58, b"\x80\x00\x00"),
    ]
    return out


def icmp6() -> list[bytes]:
    quoted = IPv6(src=B6, dst=A6) / UDP(sport=4000, dport=9) / Raw(b"abc")
    quoted_tcp = IPv6(src=B6, dst=A6) / TCP(sport=4000, dport=80, seq=1)
    quoted_ext = IPv6(src=B6, dst=A6) / IPv6ExtHdrHopByHop() / IPv6ExtHdrFragment() / UDP(sport=4000, dport=9)
    quoted_other = IPv6(src=B6, dst=A6, nh=99) / Raw(b"abcdefgh")

    def packet(*layers: Packet, src: str = A6, dst: str = B6) -> bytes:
        whole: Packet = IPv6(src=src, dst=dst)
        for layer in layers:
            whole = whole / layer
        return ether(whole)

    def raw(kind: int, code: int, body: bytes) -> bytes:
        return ether(IPv6(src=A6, dst=B6, nh=58) / Raw(struct.pack("!BBH", kind, code, 0) + body))

    out = [packet(ICMPv6EchoRequest(id=1, seq=2, data=b"x" * 56)), packet(ICMPv6EchoReply(id=1, seq=2)),
           packet(ICMPv6EchoRequest(id=1, seq=2, cksum=0x1234))]
    out += [packet(ICMPv6DestUnreach(code=code), q) for code in range(7)
            for q in (quoted, quoted_tcp, quoted_ext, quoted_other)]
    out += [packet(ICMPv6PacketTooBig(mtu=1280), quoted)]
    out += [packet(ICMPv6TimeExceeded(code=code), quoted) for code in range(3)]
    out += [packet(ICMPv6ParamProblem(code=code, ptr=6), quoted) for code in range(5)]
    out += [raw(kind, 0, bytes(28)) for kind in (0, 5, 100, 127, 141, 142, 148, 160, 255)]
    out += [raw(1, 4, b"\0" * 4 + bytes(quoted)[:30])]
    return out


def nd() -> list[bytes]:
    def packet(*layers: Packet, src: str = LINK6, dst: str = "ff02::1") -> bytes:
        whole: Packet = IPv6(src=src, dst=dst, hlim=255)
        for layer in layers:
            whole = whole / layer
        return ether(whole)

    link = ICMPv6NDOptSrcLLAddr(lladdr=MAC_A)
    prefix = ICMPv6NDOptPrefixInfo(prefixlen=64, prefix="2001:db8::", L=1, A=1, R=0, validlifetime=86400,
                                   preferredlifetime=0xFFFFFFFF)
    quoted = IPv6(src=B6, dst=A6) / UDP(sport=4000, dport=9) / Raw(b"abcdef")
    out = [
        packet(ICMPv6ND_NS(tgt=B6), dst="ff02::1:ff00:2"), packet(ICMPv6ND_NS(tgt=B6), link),
        packet(ICMPv6ND_NA(tgt=B6, R=0, S=0, O=0)), packet(ICMPv6ND_NA(tgt=B6, R=1, S=1, O=1),
            ICMPv6NDOptDstLLAddr(lladdr=MAC_B)),
        packet(ICMPv6ND_RS()), packet(ICMPv6ND_RS(), link),
        packet(ICMPv6ND_RA(chlim=64, M=1, O=1, H=1, prf=1, routerlifetime=1800, reachabletime=30000,
            retranstimer=1000), link,
               ICMPv6NDOptMTU(mtu=1500), prefix, ICMPv6NDOptRDNSS(dns=[A6, B6], lifetime=600),
               ICMPv6NDOptDNSSL(searchlist=["example.com.", "lan."], lifetime=60),
               ICMPv6NDOptRouteInfo(prefix="2001:db8:5::", plen=48, prf=3, rtlifetime=0xFFFFFFFF),
               ICMPv6NDOptAdvInterval(advint=1000), ICMPv6NDOptHAInfo(pref=3, lifetime=30)),
        packet(ICMPv6ND_RA(chlim=0, prf=0, routerlifetime=0)), packet(ICMPv6ND_RA(prf=2)),
        packet(ICMPv6ND_RA(prf=3), prefix),
        packet(ICMPv6ND_RA(), ICMPv6NDOptRouteInfo(prefix="::", plen=0, prf=1, rtlifetime=9, len=1)),
        packet(ICMPv6ND_RA(), ICMPv6NDOptRouteInfo(prefix="2001:db8::", plen=40, prf=2, rtlifetime=9, len=2)),
        packet(ICMPv6ND_Redirect(tgt=B6, dst=C6), ICMPv6NDOptDstLLAddr(lladdr=MAC_B),
            ICMPv6NDOptRedirectedHdr(pkt=quoted)),
        packet(ICMPv6ND_Redirect(tgt=B6, dst=C6)),
    ]
    base = bytes(IPv6(src=LINK6, dst="ff02::1", hlim=255, nh=58, plen=0))

    def options(octets: bytes) -> bytes:
        message = struct.pack("!BBHI", 133, 0, 0, 0) + octets
        return ether(base[:4] + struct.pack("!H", len(message)) + base[6:] + message, 0x86DD)

    out += [options(octets) for octets in (
        b"\x01\x00" + bytes(6), b"\x63\x01abcdef", b"\x63\x02" + bytes(14), b"\x01\x02" + bytes(14),
        b"\x01\x03" + bytes(6),
        b"\x05\x02" + bytes(14), b"\x03\x03" + bytes(22), b"\x03\x04" + bytes(30), b"\x19\x02" + bytes(14),
        b"\x18\x04" + bytes(30),
        b"\x1f\x02\0\0\0\0\0\x09\x07exampl", b"\x1f\x02\0\0\0\0\0\x09\x03abc\xc0\x08\0\0",
        b"\x1f\x02\0\0\0\0\0\x09\x3fabc\0\0\0\0",
        b"\x01", b"\x01\x01abc", b"\x0e\x01abcdef" + b"\x01\x01abcdef", b"\x07\x01" + bytes(6), b"\x08\x01" + bytes(6))]
    return out


def mld() -> list[bytes]:
    def packet(*layers: Packet, alert: bool = True) -> bytes:
        whole: Packet = IPv6(src="fe80::1", dst="ff02::16", hlim=1)
        if alert:
            whole = whole / IPv6ExtHdrHopByHop(options=[RouterAlert()])
        for layer in layers:
            whole = whole / layer
        return ether(whole)

    def raw(kind: int, body: bytes) -> bytes:
        return packet(Raw(b""), alert=False)[:0] + ether(
            IPv6(src="fe80::1", dst="ff02::16", hlim=1, nh=58) / Raw(struct.pack("!BBH", kind, 0, 0) + body))

    group = socket.inet_pton(socket.AF_INET6, "ff05::1:3")
    source = socket.inet_pton(socket.AF_INET6, C6)

    def record(kind: int, sources: int) -> bytes:
        return struct.pack("!BBH", kind, 0, sources) + group + source * sources

    return [
        packet(ICMPv6MLQuery(mladdr="::", mrd=1000)), packet(ICMPv6MLQuery(mladdr="ff05::1:3")),
        packet(ICMPv6MLReport(mladdr="ff05::1:3")), packet(ICMPv6MLReport(mladdr="ff05::1:3", mrd=9)),
        packet(ICMPv6MLDone(mladdr="ff05::1:3")),
        packet(ICMPv6MLQuery2(mladdr="::", mrd=10000, QRV=2, QQIC=125)),
        packet(ICMPv6MLQuery2(mladdr="ff05::1:3", mrd=0x9123, S=1, QRV=7, QQIC=200, sources=[C6, A6])),
        packet(ICMPv6MLQuery2(mladdr="ff05::1:3", sources=[C6], sources_number=5)),
        packet(ICMPv6MLReport2(records=[ICMPv6MLDMultAddrRec(rtype=4, dst="ff05::1:3")])),
        packet(ICMPv6MLReport2(records=[ICMPv6MLDMultAddrRec(rtype=kind, dst="ff05::1:3", sources=[C6] * (kind % 3))
                                        for kind in range(8)])),
        raw(143, struct.pack("!HH", 0, 3) + record(1, 1)), raw(143, struct.pack("!HH", 0, 1) + record(1, 1)[:20]),
        raw(143, b"\0\0\0\0"), raw(143, b"\0\0"), raw(130, bytes(22)), raw(130, bytes(10)), raw(130, bytes(26)),
        raw(131, bytes(8)),
        raw(132, bytes(20)),
    ]


def dns() -> list[bytes]:
    def over(port: int, message: Packet | bytes, tcp_too: bool = False, reverse: bool = False) -> list[bytes]:
        octets = bytes(message)
        sport, dport = (port, 45353) if reverse else (45353, port)
        out = [ether(IP(src=A4, dst=B4) / UDP(sport=sport, dport=dport) / Raw(octets))]
        if tcp_too:
            out += [ether(IP(src=A4, dst=B4) / TCP(sport=sport, dport=dport, flags="PA", seq=1, ack=1) / Raw(
                struct.pack("!H", len(octets) + extra) + octets)) for extra in (0, 5, -5)]
        return out

    def ask(name: str, kind: object = "A", **fields: object) -> Packet:
        return DNS(id=4660, rd=1, qd=DNSQR(qname=name, qtype=kind), **fields)

    answer = DNSRR(rrname="example.com", type="A", ttl=93784, rdata="203.0.113.7")
    out: list[bytes] = []
    out += over(53, ask("example.com"), tcp_too=True)
    for kind in ("AAAA", "MX", "TXT", "SOA", "NS", "PTR", "SRV", "ANY", 999, "OPT", "DS"):
        out += over(53, ask("example.com", kind))
    out += over(53, DNS(id=1, rd=0, qd=DNSQR(qname="a.b.c.example.com", qclass=3)))
    out += over(53, DNS(id=1, rd=0, qd=DNSQR(qname=".", qclass=77)))
    out += over(53, DNS(id=1, rd=1, cd=1, ad=1, qd=DNSQR(qname="x.example")))
    out += over(53, ask("example.com", ar=DNSRROPT(rclass=1232, z=0x8000)))
    out += over(53, DNS(id=4660, qr=1, aa=1, ra=1, qd=DNSQR(qname="example.com"), an=answer), tcp_too=True,
        reverse=True)
    out += over(53, DNS(id=4661, qr=1, rcode=3, ra=0, qd=DNSQR(qname="no.example.com")), reverse=True)
    for code in range(16):
        out += over(53, DNS(id=code, qr=1, rcode=code, opcode=code, tc=code & 1, ad=1, qd=DNSQR(qname="x.")),
            reverse=True)
        out += over(53, DNS(id=code, opcode=code, qd=DNSQR(qname="x.")))
    records = answer / DNSRR(rrname="example.com", type="CNAME", ttl=5, rdata="www.example.com") / DNSRR(
        rrname="example.com", type="AAAA", ttl=604800, rdata=A6) / DNSRR(
        rrname="example.com", type="TXT", ttl=61, rdata=[b"v=spf1 -all", b"\x01\x80 odd"]) / DNSRR(
        rrname="example.com", type="PTR", ttl=3600, rdata="host.example.com") / DNSRRMX(
        rrname="example.com", ttl=0, preference=10, exchange="mx.example.com") / DNSRRSRV(
        rrname="_sip._tcp.example.com", ttl=7, priority=1, weight=2, port=5060, target="sip.example.com") / DNSRRSOA(
        rrname="example.com", ttl=60, mname="ns.example.com", rname="root.example.com", serial=1, refresh=2, retry=3,
        expire=4,
        minimum=5) / DNSRR(rrname="example.com", type=65399, ttl=60, rdata=b"abc", rclass=3)
    out += over(53, DNS(id=2, qr=1, ra=1, qd=DNSQR(qname="example.com"), an=records,
                        ns=DNSRR(rrname="example.com", type="NS", rdata="ns.example.com"),
                        ar=DNSRROPT(rclass=4096)), reverse=True)
    header = struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0)
    for name in (b"\x07example\x03com\x00", b"\xc0\x0c", b"\xc0\xff", b"\x40abc\x00", b"\x80abc\x00", b"\x3fshort",
        b"\x00", b"\x03a\x01\xff\x00",
                 b"\x01a\xc0\x0c", b"\x07example\x03com"):
        out += over(53, header + name + b"\x00\x01\x00\x01")
    for counts in ((0, 0, 0, 0), (2, 0, 0, 0), (1, 1, 1, 1), (0, 1, 0, 0), (1, 0, 0, 2)):
        for flags in (0x0100, 0x8180, 0x0900):
            out += over(53, struct.pack("!HHHHHH", 8, flags, *counts) + b"\x01x\x00\x00\x01\x00\x01")
    out += over(53, b"short") + over(53, b"") + over(53, header[:11]) + over(53, header)
    out += over(5353, DNS(id=0, qd=DNSQR(qname="host.local", qclass=0x8001)))
    out += over(5353, DNS(id=0, qd=DNSQR(qname="host.local")))
    out += over(5353, DNS(id=0, qr=1, aa=1, qdcount=0, an=DNSRR(rrname="host.local", type="A", rclass=0x8001,
        rdata=A4)))
    out += [ether(IP(src=A4, dst=B4) / TCP(sport=40000, dport=53, flags="PA", seq=1, ack=1) / Raw(b))
        for b in (b"\0", b"\0\0", b"\0\x05abc")]
    return out


def dhcp() -> list[bytes]:
    def over(message: Packet | bytes, sport: int = 68, dport: int = 67) -> bytes:
        return ether(IP(src="0.0.0.0", dst="255.255.255.255") / UDP(sport=sport, dport=dport) / Raw(bytes(message)))

    def bootp(**fields: object) -> Packet:
        return BOOTP(**{"chaddr": bytes.fromhex("020000000001"), "xid": 0x1234, **fields})

    out = []
    for kind in ("discover", "offer", "request", "decline", "ack", "nak", "release", "inform"):
        out.append(over(bootp() / DHCP(options=[("message-type", kind), "end"])))
    out.append(over(bootp(op=2, yiaddr=B4, siaddr=C4, giaddr=A4, ciaddr=A4, sname=b"boot", file=b"pxe.0", hops=1,
        secs=7,
                          flags=0x8000) / DHCP(options=[
                              ("message-type", "offer"), ("subnet_mask", "255.255.255.0"), ("router", A4),
                              ("name_server", A4, B4),
                              ("lease_time", 3600), ("server_id", A4), ("domain", b"example.com"),
                              ("hostname", b"host"),
                              ("renewal_time", 1800), ("rebinding_time", 3150), ("vendor_class_id", b"smol"), "end"]),
                              67, 68))
    cookie = bytes(bootp()) [:236] + bytes.fromhex("63825363")
    out += [over(cookie + options) for options in (
        b"\x00\x00\x00\x35\x01\x63\xff", b"\x37\x07\x01\x03\x06\x0f\x63\x79\xfc\xff", b"\x01\x05\1\2\3\4\5\xff",
        b"\x02\x04\xff\xff\xf1\xf0",
        b"\x21\x08\1\2\3\4\5\6\7\x08\xff", b"\x13\x03\x00\x01\x02\xff", b"\x17\x01\x40", b"\x19\x04\x01\x02\x03\x04",
        b"\x63\x03abc",
        b"\x63\x02ab", b"\x63\x04abcd", b"\x63\x08abcdefgh", b"\x2e\x01\x08", b"\x2e\x00", b"\x34\x01\x03",
        b"\x34\x02\x01\x02",
        b"\x3d\x07\x01\x02\0\0\0\0\x01", b"\x3d\x05\x00name", b"\x3d\x00", b"\x3d\x03\x63ab", b"\x3d\x01\x63",
        b"\x51\x08\x05\x01\x02host.", b"\x51\x02\0\0",
        b"\x52\x0a\x01\x03eth\x02\x03rem", b"\x52\x06\x63\x04abcd", b"\x52\x04\x01\x09ab", b"\x52\x05\x01\x02ab\x07",
        b"\x79\x08\x18\xc0\x00\x02\xc0\x00\x02\x01", b"\x79\x05\x00\xc0\x00\x02\x01", b"\xf9\x06\x08\x0a\x0a\0\0\x01",
        b"\x79\x05\x21abcd",
        b"\x79\x05\x20abcd", b"\x79\x02ab", b"\x4d\x04\x03abc", b"\x4d\x04\x00abc", b"\x4d\x04\x09abc", b"\x4d\x01a",
        b"\x4d\x06\x01a\x03bcd",
        b"\x0c\x04host\xff\x00\x00", b"\x0c\x40host", b"\x0c", b"\x0c\x00", b"\x35\x02\x01\x02", b"\x5d\x02\x00\x07",
        b"\x2b\x03abc", b"\x5b\x04\xff\xff\xff\xff")]
    out += [over(bytes(bootp())[:236] + b"\x01\x02\x03\x04" + bytes(60)),
        over(bytes(bootp(sname=b"x" * 64, file=b"y" * 128)))]
    out += [over(bootp(op=7)), over(bootp(htype=6)), over(bootp(hlen=8)), over(b"\x01\x01\x06"), over(b""),
        over(bootp())]
    return out


def checksum(octets: bytes) -> int:
    if len(octets) % 2:
        octets += b"\0"
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def families() -> dict[str, list[bytes]]:
    makers = (arp, ethernet, ip4_options, ip4, icmp4, igmp, tcp, tcp_options, text, udp, ip6, icmp6, nd, mld, dns, dhcp)
    return {make.__name__: make() for make in makers}


def cut(frames: Iterable[bytes]) -> list[tuple[bytes, int]]:
    """Each frame as a capture with every shorter snapshot length would hold it: (octets, length on the wire)."""
    out: list[tuple[bytes, int]] = []
    for frame in dict.fromkeys(frames):
        step = 1 if len(frame) < 160 else 5
        out += [(frame[:kept], len(frame)) for kept in range(15, len(frame), step)]
    return out


def damaged(frames: Iterable[bytes], rounds: int, seed: int) -> list[tuple[bytes, int]]:
    """Frames with a few octets changed, the same ones for the same seed."""
    chance = random.Random(seed)
    out = []
    pool = [frame for frame in frames if len(frame) > 15]
    for _ in range(rounds):
        octets = bytearray(chance.choice(pool))
        for _ in range(chance.randint(1, 3)):
            octets[chance.randrange(12, len(octets))] = chance.choice((0, 1, 0xFF, chance.randrange(256)))
        kept = len(octets) if chance.random() < 0.7 else chance.randint(15, len(octets))
        out.append((bytes(octets[:kept]), len(octets)))
    return out


def pcap(records: Iterable[tuple[bytes, int]], nanoseconds: bool = False, link: int = 1) -> bytes:
    """A classic pcap file, its times uneven: they go back once, and jump over midnight."""
    out = struct.pack("<IHHiIII", 0xA1B23C4D if nanoseconds else 0xA1B2C3D4, 2, 4, 0, 0, 262144, link)
    when = 1_700_000_000_123_456_789
    for number, (octets, length) in enumerate(records):
        when += (number % 7) * 1_000_003 + (86_400_000_000_000 if number == 5 else 0) - (3_000_000_000
            if number == 9 else 0)
        seconds, ns = divmod(when, 1_000_000_000)
        out += struct.pack("<IIII", seconds, ns if nanoseconds else ns // 1000, len(octets), length) + octets
    return out
