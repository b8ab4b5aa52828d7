#!/usr/bin/env python3
"""Writes the seeds of the fuzz targets: corpus/<target>/<what it is>, a few octets each.

They are committed; run this after changing it. An input that a fuzzer found goes into the same folders by hand, and
stays. `--check` writes nothing and fails if a seed differs from what stands here.
"""

from __future__ import annotations

import argparse
import ipaddress
import struct
import sys
from pathlib import Path

CORPUS = Path(__file__).resolve().parent / "corpus"

MAC_A, MAC_B = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")
BROADCAST = b"\xff" * 6
A4, B4 = (ipaddress.IPv4Address(text).packed for text in ("10.0.0.1", "10.0.0.2"))
A6, B6, ROUTER6 = (ipaddress.IPv6Address(text).packed for text in ("fdaa::1", "fdaa::2", "fe80::1"))
ICMP, TCP, UDP, ROUTING, FRAGMENT, ICMP6, OPTIONS = 1, 6, 17, 43, 44, 58, 60


def checksum(octets: bytes) -> int:
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets[: len(octets) // 2 * 2]))
    if len(octets) % 2:
        total += octets[-1] << 8
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def filled(message: bytes, at: int, pseudo: bytes = b"") -> bytes:
    """With its checksum in the two octets at `at`."""
    return message[:at] + struct.pack("!H", checksum(pseudo + message)) + message[at + 2 :]


def pseudo(version: int, protocol: int, length: int) -> bytes:
    if version == 4:
        return A4 + B4 + struct.pack("!BBH", 0, protocol, length)
    return A6 + B6 + struct.pack("!II", length, protocol)


def ethernet(kind: int, payload: bytes, destination: bytes = MAC_B) -> bytes:
    return destination + MAC_A + struct.pack("!H", kind) + payload


def arp(operation: int, padding: int = 0) -> bytes:
    target = bytes(6) if operation == 1 else MAC_B
    return struct.pack("!HHBBH", 1, 0x0800, 6, 4, operation) + MAC_A + A4 + target + B4 + bytes(padding)


def ipv4(protocol: int, payload: bytes, options: bytes = b"", fragment: int = 0x4000) -> bytes:
    words = 5 + len(options) // 4
    header = struct.pack("!BBHHHBBH", 0x40 | words, 0, words * 4 + len(payload), 7, fragment, 64, protocol, 0)
    return filled(header + A4 + B4 + options, 10) + payload


def ipv6(following: int, payload: bytes) -> bytes:
    return struct.pack("!IHBB", 6 << 28, len(payload), following, 64) + A6 + B6 + payload


def tcp(version: int, flags: int, options: bytes = b"", data: bytes = b"") -> bytes:
    offset = 5 + len(options) // 4
    message = struct.pack("!HHIIBBHHH", 49500, 80, 1, 2, offset << 4, flags, 64240, 0, 0) + options + data
    return filled(message, 16, pseudo(version, TCP, len(message)))


def udp(version: int, data: bytes) -> bytes:
    message = struct.pack("!HHHH", 53, 1024, 8 + len(data), 0) + data
    return filled(message, 6, pseudo(version, UDP, len(message)))


def icmp(kind: int, code: int, rest: int, data: bytes = b"") -> bytes:
    return filled(struct.pack("!BBHI", kind, code, 0, rest) + data, 2)


def icmp6(kind: int, code: int, rest: int, data: bytes = b"") -> bytes:
    message = struct.pack("!BBHI", kind, code, 0, rest) + data
    return filled(message, 2, pseudo(6, ICMP6, len(message)))


TIMESTAMPS = bytes.fromhex("0101080a1122334455667788")
SYN_OPTIONS = bytes.fromhex("020405b40402080a112233445566778801030307")
SACK = bytes.fromhex("0101050a000003e8000003f2")
OPTION_SETS = {
    "none": b"",
    "timestamps": TIMESTAMPS,
    "syn": SYN_OPTIONS,
    "timestamps_sack": TIMESTAMPS + bytes.fromhex("0101051a") + bytes(range(24)),
    "four_sack_blocks": bytes.fromhex("01010522") + bytes(range(32)),
    "compact": bytes.fromhex("030307040205220000000100000002000000030000000400000005000000060000000700000008"),
    "unknown": bytes.fromhex("c806aabbccdd020405b401010101"),
    "end_of_list": bytes.fromhex("040200ff"),
    "length_zero": bytes.fromhex("c8000101"),
    "length_beyond": bytes.fromhex("0101020a"),
}

SLLA, TLLA = b"\x01\x01" + MAC_A, b"\x02\x01" + MAC_A
PREFIX = bytes.fromhex("030440c00001518000003840000000 00") + ipaddress.IPv6Address("fdaa::").packed
MTU = struct.pack("!BBHI", 5, 1, 0, 1500)
ND = {
    "neighbor_solicit": icmp6(135, 0, 0, B6 + SLLA),
    "neighbor_solicit_dad": icmp6(135, 0, 0, B6),
    "neighbor_advert": icmp6(136, 0, 0x60000000, A6 + TLLA),
    "router_solicit": icmp6(133, 0, 0, SLLA),
    "router_advert": icmp6(134, 0, 0x40C00708, struct.pack("!II", 30000, 1000) + SLLA + MTU + PREFIX),
    "router_advert_nine_prefixes": icmp6(134, 0, 0x40000708, bytes(8) + 9 * PREFIX),
    "redirect": icmp6(137, 0, 0, ROUTER6 + B6 + TLLA + bytes.fromhex("0402000000000000") + bytes(8)),
    "unknown_option": icmp6(135, 0, 0, B6 + bytes.fromhex("c801ffffffffffff") + SLLA),
    "option_length_zero": icmp6(135, 0, 0, B6 + bytes(8)),
    "multicast_target": icmp6(135, 0, 0, ipaddress.IPv6Address("ff02::1").packed),
    "mapped_target": icmp6(135, 0, 0, ipaddress.IPv6Address("::ffff:10.0.0.1").packed),
}

QUOTE4, QUOTE6 = ipv4(UDP, udp(4, b"abc")), ipv6(TCP, tcp(6, 0x10, TIMESTAMPS, b"abc"))
ICMPV4 = {
    "echo_request": icmp(8, 0, 0x1234ABCD, b"data"),
    "echo_reply": icmp(0, 0, 0x1234ABCD, b"data"),
    "port_unreachable": icmp(3, 3, 0, QUOTE4),
    "fragmentation_needed": icmp(3, 4, 1400, QUOTE4[:28]),
    "redirect": icmp(5, 1, 0x0A000001, QUOTE4),
    "time_exceeded": icmp(11, 1, 0, QUOTE4),
    "parameter_problem": icmp(12, 0, 20 << 24, QUOTE4),
    "timestamp": icmp(13, 0, 0, bytes(12)),
}
ICMPV6 = {
    "echo_request": icmp6(128, 0, 0x1234ABCD, b"data"),
    "echo_reply": icmp6(129, 0, 0x1234ABCD, b"data"),
    "packet_too_big": icmp6(2, 0, 1280, QUOTE6),
    "port_unreachable": icmp6(1, 4, 0, QUOTE6),
    "parameter_problem": icmp6(4, 1, 40, QUOTE6),
    "unknown_error": icmp6(100, 0, 0, QUOTE6),
    "listener_report": icmp6(143, 0, 1, bytes.fromhex("04000000") + ipaddress.IPv6Address("ff02::fb").packed),
    "unknown": icmp6(200, 0, 0),
}
EXTENSIONS = (
    bytes.fromhex("3c00010400000000") + bytes.fromhex("2b00010400000000")
    + bytes.fromhex("2c00000000000000") + bytes.fromhex("1100000000000007") + udp(6, b"abc")
)
IPV4 = {
    "tcp": ipv4(TCP, tcp(4, 0x18, TIMESTAMPS, b"data")),
    "syn": ipv4(TCP, tcp(4, 0x02, SYN_OPTIONS)),
    "udp": QUOTE4,
    "first_fragment": ipv4(UDP, udp(4, bytes(8)), fragment=0x2000),
    "last_fragment": ipv4(UDP, bytes(8), fragment=0x00B9),
    "router_alert": ipv4(UDP, udp(4, b""), options=bytes.fromhex("94040000")),
    "source_route": ipv4(UDP, udp(4, b""), options=bytes.fromhex("8307040a00000300")),
    "option_length_zero": ipv4(UDP, udp(4, b""), options=bytes.fromhex("99000000")),
}
IPV6 = {
    "tcp": QUOTE6,
    "udp": ipv6(UDP, udp(6, b"abc")),
    "extension_headers": ipv6(0, EXTENSIONS),
    "later_fragment": ipv6(FRAGMENT, bytes.fromhex("110005a900000007") + bytes(8)),
    "routed": ipv6(ROUTING, bytes.fromhex("1102000100000000") + B6 + udp(6, b"")),
    "mapped_source": ipv6(UDP, udp(6, b"abc"))[:8]
    + ipaddress.IPv6Address("::ffff:10.0.0.1").packed
    + ipv6(UDP, udp(6, b"abc"))[24:],
}


def nested_errors(depth: int) -> bytes:
    packet = QUOTE4
    for _ in range(depth):
        packet = ipv4(ICMP, icmp(11, 0, 0, packet))
    return packet


FRAMES = {
    "arp": ethernet(0x0806, arp(1, padding=18), BROADCAST),
    "tcp": ethernet(0x0800, IPV4["tcp"]),
    "tcp6": ethernet(0x86DD, IPV6["tcp"]),
    "vlan_udp": ethernet(0x8100, bytes.fromhex("60070800") + IPV4["udp"]),
    "vlans": ethernet(0x8100, 20 * bytes.fromhex("00078100")),
    "llc": ethernet(0x0026, bytes.fromhex("424203") + bytes(35)),
    "unknown_type": ethernet(0x88B5, bytes(46)),
    "group_source": MAC_B + BROADCAST + bytes.fromhex("0800"),
    "icmp_error": ethernet(0x0800, ipv4(ICMP, ICMPV4["port_unreachable"])),
    "icmp6_error": ethernet(0x86DD, ipv6(ICMP6, ICMPV6["packet_too_big"])),
    "nested_errors": ethernet(0x0800, nested_errors(14)),
    "extension_headers": ethernet(0x86DD, IPV6["extension_headers"]),
    "router_advert": ethernet(0x86DD, ipv6(ICMP6, ND["router_advert"])),
}
TEXTS = {
    "mac": "02:00:5e:AB:cd:ef",
    "v4": "192.168.69.1",
    "v4_prefix": "192.168.69.1/24",
    "v4_endpoint": "192.168.69.1:80",
    "v6": "2001:DB8:0:0:1::1",
    "v6_gap_in_front": "::2:3:4:5:6:7:8",
    "v6_quad": "64:ff9b::192.0.2.33",
    "v6_prefix": "fdaa::1/64",
    "v6_endpoint": "[fdaa::1]:443",
    "mapped": "::ffff:10.0.0.1",
    "leading_zero": "010.0.0.1",
}
# Behind an octet that says how large the pieces are.
HTTP = {
    "chunked": b"\x05GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5;x=y\r\nabcde\r\n0\r\nA: b\r\n\r\n",
    "expect": b"\x02POST /x?y HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n01234",
    "absolute_form": b"\x01OPTIONS http://a/x?y HTTP/1.0\r\nConnection: close, keep-alive\r\n\r\n",
    "pipelined": b"\x07\r\nHEAD / HTTP/1.1\r\nHost: [fdaa::1]:80\r\nX: y\r\n\r\nGET / HTTP/1.1\r\n",
}
PORT = b"ports: [{name: smol0, device: net_tap0, addresses: [192.168.69.1/24, 'fdaa::1/64']}]\n"
CONFIG = {
    "port": PORT,
    "routes": PORT + b"routes:\n  - {to: default, via: 192.168.69.100}\n  - {to: 10.0.0.0/8, dev: smol0, metric: 7}\n",
    "sections": PORT + b"workers: {count: 1, cores: [3]}\nidle: {spin: 1us, sleep: off}\npool: {packets: 1024}\n"
    b"tcp: {send_buffer: 64KiB, user_timeout: off, nagle: no}\nlimits: {connections: 100}\nseed: 42\ndrain: 1s\n",
    "apps": PORT + b"apps: {hello: {enabled: yes, udp_port: 7}, http: {enabled: yes, port: 80, idle_timeout: 5s}}\n",
    "anchors": b"log: &a {level: debug}\ncapture: *a\n",
    "recursive": b"ports: &a [*a]\n",
    "unknown_key": b"prots: 1\nworkers: {count: 99999999999999999999}\n",
    "two_documents": b"a: 1\n---\nb: 1\n",
    "tag": b"workers: !!int 5\n",
}


def u16(value: int) -> bytes:
    return struct.pack("!H", value)


# tests/fuzz/input.hh: a number near a mark is how far off, and in which unit. On it:
ON = b"\x00\x07"
# What a connection is set up with: rules, ISS, timestamp offset, segment size, family, options.
PLAIN = b"\x00" + bytes.fromhex("fffff000 00000007") + u16(1460) + b"\x00" + b"\x04\x04\x01"
BARE = b"\x03" + PLAIN[1:]
WRITE, READ_ALL, SHUT, CLOSE = b"\x06" + u16(4000), b"\x07" + u16(65535), b"\x08", b"\x09"
SEND, LATER = b"\x0f\x20", b"\x05" + b"\x88"
ACKED = b"\x04\xff" + u16(65535)
TEXT, TEXT_FIN = b"\x03" + u16(1000) + b"\x01", b"\x03" + u16(1000) + b"\x00"


def arrives(flags: int, seq: bytes = ON, ack: bytes = ON, text: int = 0, bits: bytes = b"\x00") -> bytes:
    return b"\x00" + bytes([flags]) + seq + b"\x00" + ack + b"\x01" + u16(text) + u16(65535) + bits


SYN_BITS = b"\x0e" + bytes.fromhex("0000000100000002") + u16(1460) + b"\x07"
OPENED = PLAIN + b"\x00" + SEND + arrives(0x12, bits=SYN_BITS) + SEND
ACCEPTED = BARE + b"\x01" + arrives(0x02) + SEND + arrives(0x10) + SEND
HOLE = arrives(0x10, seq=b"\x02\x01", text=1000)
TCP_CONNECTION = {
    "refused": PLAIN + b"\x00" + SEND + arrives(0x14),
    "transfer": OPENED + WRITE + SEND + ACKED + TEXT + READ_ALL + SEND + LATER,
    "active_close": OPENED + WRITE + CLOSE + SEND + ACKED + SEND + TEXT_FIN + LATER,
    "passive_close": ACCEPTED + TEXT_FIN + READ_ALL + SEND + WRITE + SHUT + SEND + ACKED + LATER,
    "simultaneous_open": PLAIN + b"\x00" + SEND + arrives(0x02) + SEND + arrives(0x12) + SEND,
    "out_of_order": ACCEPTED + HOLE + HOLE + SEND + TEXT + SEND + READ_ALL,
    "lost": OPENED + WRITE + SEND + LATER + LATER + ACKED + LATER,
    "duplicate_acks": OPENED + 8 * WRITE + SEND + 4 * arrives(0x10, ack=b"\x00\x07") + SEND,
    "shut_window": OPENED + WRITE + b"\x04\x00" + u16(0) + 4 * LATER + ACKED + LATER,
    "challenged": ACCEPTED + arrives(0x04, seq=b"\x05\x00") + arrives(0x02) + arrives(0x04),
    "short_of_memory": ACCEPTED + b"\x0d\x01\x01" + HOLE + TEXT + TEXT + READ_ALL + SEND + b"\x0d\x00",
    "told_of_errors": OPENED + WRITE + SEND + b"\x0c" + b"\x01\x00" + b"\x01" + LATER,
}

# A stack's configuration, and what its port offers.
STACK = b"\x00\x00"


def stack_frame(frame: bytes) -> bytes:
    return b"\x00" + bytes([(len(frame) + 7) // 8]) + frame + bytes(-len(frame) % 8) + b"\x01"


def stack_packet(kind: int, payload: bytes, v6: bool = False) -> bytes:
    """`kind`: its place in the target's list of protocols."""
    bits = next(bits for bits in range(64 if v6 else 0, 128) if bits % 6 == kind and bool(bits & 64) == v6)
    return b"\x01" + bytes([bits, 0xFF, len(payload)]) + payload + b"\x01"


def stack_segment(bits: int, length: int = 0, connection: bool = True, peer: int = 0) -> bytes:
    marks = ON + b"\x00" + ON if connection else b""
    return b"\x03" + bytes([peer]) + u16(65535) + marks + bytes([bits, length]) + b"\x01"


STACK_LISTEN = b"\x07\x30\x1b"
STACK_CONNECT = b"\x07\x01" + u16(80) + b"\x1b"
STACK_UDP = b"\x07\xe2" + u16(53)
STACK_TURN = b"\x0b\xff\xff"
STACK_LATER = b"\x06\x90"
KNOWN = stack_frame(ethernet(0x0806, arp(1), BROADCAST)) + stack_frame(ethernet(0x0806, arp(2)))


def stack_call(which: int, call: int, rest: bytes = b"") -> bytes:
    return b"\x08" + bytes([which, call]) + rest


def stack_too_big(bits: int, rest: bytes = b"") -> bytes:
    return b"\x0c" + bytes([bits]) + rest + b"\x01"


# The sizes of the target's list, and one of its own.
STACK_TOO_BIG = b"".join(stack_too_big(size) for size in (6, 5, 4, 3, 1, 0)) + stack_too_big(7, struct.pack("!I", 600))
# Of what would have fitted, damaged, cut off, and with a wrong checksum.
STACK_TOO_BIG_WRONG = (stack_too_big(4 + 8) + stack_too_big(4 + 16, b"\x18\xff") + stack_too_big(4 + 32, b"\x1b")
                       + stack_too_big(4 + 64))


STACK_SEEDS = {
    "frames": STACK + b"".join(stack_frame(frame) for frame in FRAMES.values() if len(frame) < 900),
    "udp": STACK + STACK_UDP + stack_packet(2, struct.pack("!HHHH", 9, 53, 11, 0) + b"abc") + STACK_TURN
    + stack_call(0, 13) + stack_call(0, 12, b"\x00" + u16(9) + b"\x00" + u16(100)) + STACK_TURN,
    "icmp": STACK + stack_packet(0, ICMPV4["echo_request"]) + stack_packet(3, ICMPV6["echo_request"], True)
    + stack_packet(3, ND["neighbor_solicit"], True) + STACK_TURN,
    "accepted": STACK + KNOWN + STACK_LISTEN + stack_segment(20, connection=False) + STACK_TURN
    + stack_segment(0) + stack_segment(1, 100) + STACK_TURN + stack_call(0, 0) + stack_call(1, 3, u16(4000))
    + stack_call(1, 1, u16(3000)) + STACK_TURN + stack_segment(0) + stack_segment(3) + STACK_TURN + STACK_LATER,
    "connected": STACK + KNOWN + STACK_CONNECT + STACK_TURN + stack_segment(4) + STACK_TURN
    + stack_call(0, 1, u16(4000)) + STACK_TURN + b"\x05\x03\x01\x00\x00\x08\x01" + STACK_LATER + stack_segment(5),
    "too_big": STACK + KNOWN + STACK_CONNECT + STACK_TURN + stack_segment(4) + STACK_TURN + stack_call(0, 1, u16(4000))
    + STACK_TURN + STACK_TOO_BIG_WRONG + STACK_TOO_BIG + STACK_TURN + stack_segment(0) + STACK_LATER + STACK_TOO_BIG
    + STACK_LATER,
    "too_big6": STACK + KNOWN + stack_packet(3, ND["neighbor_solicit"], True)
    + b"\x07\x05" + u16(80) + b"\x1b" + STACK_TURN + stack_segment(4) + STACK_TURN
    + stack_call(0, 1, u16(4000)) + STACK_TURN + STACK_TOO_BIG_WRONG + STACK_TOO_BIG + STACK_LATER,
    "closed": STACK + KNOWN + STACK_LISTEN + stack_segment(20, connection=False) + STACK_TURN + stack_segment(0)
    + stack_call(0, 0) + stack_call(1, 8, b"\x01\x01") + STACK_TURN + stack_segment(3) + STACK_TURN + STACK_LATER,
    "port_refuses": STACK + KNOWN + STACK_CONNECT + b"\x0a\x00\x01\x00" + STACK_TURN + STACK_LATER
    + b"\x0a\x01\x01\x01" + STACK_LATER,
    "nobody_answers": STACK + STACK_CONNECT + STACK_TURN + 4 * STACK_LATER,
}
# What the targets that begin with a length for the rest of the packet see: none, and some.
WHOLE, MORE = b"\x00\x00", b"\x01\x00"


def named(seeds: dict[str, bytes], prefix: bytes = b"") -> dict[str, bytes]:
    return {name: prefix + seed for name, seed in seeds.items()}


def segments() -> dict[str, bytes]:
    flags = {"syn": 0x02, "synack": 0x12, "rst": 0x04, "fin_push": 0x19, "urgent": 0x30, "xmas": 0xFF, "none": 0x00}
    out = {name: tcp(4, value) for name, value in flags.items()}
    for name, options in OPTION_SETS.items():
        out[f"options_{name}"] = tcp(4, 0x10, options + bytes(-len(options) % 4))
    out["port_zero"] = bytes(4) + tcp(4, 0x10)[4:]
    return out


def program(*instructions: tuple[int, int, int, int]) -> bytes:
    return b"".join(struct.pack("!HBBI", *each) for each in instructions)


def filtered(instructions: bytes, packet: bytes, front: int) -> bytes:
    return bytes([len(instructions) // 8, front]) + instructions + packet


# As pcap_compile() writes them: code, jt, jf, k.
YES, NO = (0x06, 0, 0, 262144), (0x06, 0, 0, 0)
IS_IPV4, HEADER = ((0x28, 0, 0, 12), (0x15, 0, 5, 0x800)), (0xB1, 0, 0, 14)
FILTERS: dict[str, bytes] = {
    "tcp_flags": filtered(
        program(*IS_IPV4, HEADER, (0x50, 0, 0, 27), (0x45, 0, 1, 3), YES, NO, NO), FRAMES["tcp"], 255),
    "host": filtered(program(*IS_IPV4, (0x20, 0, 0, 26), (0x15, 0, 1, 0x0A000001), YES, NO, NO, NO), FRAMES["tcp"], 28),
    "arithmetic": filtered(
        program((0x80, 0, 0, 0), (0x07, 0, 0, 0), (0x30, 0, 0, 14), (0x0C, 0, 0, 0), (0x24, 0, 0, 77), (0x02, 0, 0, 3),
                (0x94, 0, 0, 9), (0x61, 0, 0, 3), (0x7C, 0, 0, 0), (0x3C, 0, 0, 0), (0x84, 0, 0, 0), (0x16, 0, 0, 0)),
        FRAMES["arp"], 10),
    "wraps_around": filtered(program((0x01, 0, 0, 0xFFFFFFF0), (0x40, 0, 0, 0x20), YES), FRAMES["arp"], 20),
    "nothing_in_front": filtered(program((0x30, 0, 0, 14), (0x16, 0, 0, 0)), FRAMES["arp"], 0),
    "jumps_back": filtered(program((0x05, 0, 0, 0xFFFFFFFF), YES), b"", 0),
}

def pcapng(big: bool) -> bytes:
    """A section with two interfaces and three packets: of each kind, the first with every option."""
    order = ">" if big else "<"

    def option(code: int, value: bytes) -> bytes:
        return struct.pack(f"{order}HH", code, len(value)) + value + bytes(-len(value) % 4)

    def block(kind: int, body: bytes) -> bytes:
        length = struct.pack(f"{order}I", len(body) + 12)
        return struct.pack(f"{order}I", kind) + length + body + length

    def interface(name: bytes) -> bytes:
        return block(1, struct.pack(f"{order}HHI", 1, 0, 96) + option(2, name) + option(0, b""))

    options = (option(1, b"worker 2; drop: no_route; seen") + option(2, struct.pack(f"{order}I", 1))
               + option(4, struct.pack(f"{order}Q", 7)) + option(6, struct.pack(f"{order}I", 3)) + option(0, b""))
    return (block(0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0,
        -1)) + interface(b"port0") + interface(b"p1")
            + block(6, struct.pack(f"{order}IIIII", 1, 0, 0, 3, 3) + b"abc\0" + options)
            + block(3, struct.pack(f"{order}I", 3) + b"abc\0")
            + block(2, struct.pack(f"{order}HHIIII", 1, 9, 0, 0, 3, 3) + b"abc\0"))


def printed(choice: int, packet: bytes, more: int = 0) -> bytes:
    """`choice`: of options; `more`: bit 7 for raw IP, the others for what was not captured."""
    return bytes([choice, more]) + packet


DNS = (b"\x12\x34\x81\x80\0\1\0\1\0\0\0\1\x07example\3com\0\0\1\0\1\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xcb\0\x71\7"
       b"\0\0\x29\4\xd0\0\0\x80\0\0\4\0\x0a\0\0")
DHCP = (b"\1\1\6\0\0\0\x12\x34" + bytes(20) + MAC_A + bytes(202) + b"\x63\x82\x53\x63\x35\1\1\x37\2\1\3"
        b"\x3d\7\1" + MAC_A + b"\x79\5\0\x0a\0\0\1\x52\4\1\2ab\x51\5\1\0\0ab\xff")


def message(source: int, destination: int, payload: bytes) -> bytes:
    return ipv4(UDP, struct.pack("!HHHH", source, destination, 8 + len(payload), 0) + payload)


DUMPED: dict[str, bytes] = {
    **{f"frame_{name}": printed(0x07, frame) for name, frame in FRAMES.items()},
    **{f"icmp_{name}": printed(2, ethernet(0x0800, ipv4(ICMP, body))) for name, body in ICMPV4.items()},
    **{f"icmp6_{name}": printed(2, ethernet(0x86DD, ipv6(ICMP6, body))) for name, body in ICMPV6.items()},
    **{f"nd_{name}": printed(2, ethernet(0x86DD, ipv6(ICMP6, body))) for name, body in ND.items()},
    **{f"ip6_{name}": printed(1, packet, 0x80) for name, packet in IPV6.items()},
    **{f"options_{name}": printed(1, packet, 0x80) for name, packet in IPV4.items()},
    **{f"tcp_{name}": printed(1, ethernet(0x0800, ipv4(TCP, segment))) for name, segment in segments().items()},
    "dns": printed(3, ethernet(0x0800, message(53, 1024, DNS))),
    "mdns": printed(2, ethernet(0x0800, message(5353, 5353, DNS))),
    "dhcp": printed(3, ethernet(0x0800, message(68, 67, DHCP)), 3),
    "http": printed(1, ethernet(0x0800, ipv4(TCP, struct.pack("!HHIIBBHHH", 1024, 80, 1, 1, 0x50, 0x18, 9, 0, 0)
                                             + b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"))),
    "igmp": printed(2, ethernet(0x0800, ipv4(2, b"\x22\0\0\0\0\0\0\1\4\0\0\1" + A4 + B4))),
    "mld": printed(2, ethernet(0x86DD, ipv6(ICMP6, b"\x8f\0\0\0\0\0\0\1\4\0\0\1" + A6 + B6))),
    "quoted": printed(1, ethernet(0x0800, ipv4(ICMP, b"\3\4\0\0\0\x20\5\x78" + ipv4(UDP, udp(4, b"abc")).ljust(128,
        b"\0")
                                               + b"\x20\0\0\0\0\x08\1\1\0\x10\1\x20"))),
    "tunnel": printed(1, ipv4(4, ipv4(41, ipv6(UDP, udp(6, b"abc")))), 0x80),
    "unknown": printed(0, ethernet(0x88B5, b"an experiment")),
    "octets": printed(0x30, ethernet(0x0800, ipv4(UDP, udp(4, b"a\r\nb\rc")))),
}

SEEDS: dict[str, dict[str, bytes]] = {
    "address_fuzz": {name: text.encode() for name, text in TEXTS.items()},
    "arp_fuzz": {"request": arp(1), "reply": arp(2), "padded": arp(1, 18), "other_operation": arp(3)},
    "config_fuzz": CONFIG,
    "dump_pcapng_fuzz": {"big_endian": b"\xff" + pcapng(True), "little_endian": b"\x06" + pcapng(False)},
    "dump_print_fuzz": DUMPED,
    "ethernet_fuzz": {name: FRAMES[name][:20] for name in ("arp", "tcp", "vlan_udp", "llc", "group_source")},
    "filter_fuzz": FILTERS,
    "http_fuzz": HTTP,
    "icmpv4_fuzz": named(ICMPV4, WHOLE),
    "icmpv6_fuzz": named(ICMPV6, WHOLE),
    "ipv4_fuzz": named(IPV4, WHOLE) | {"front_only": MORE + IPV4["tcp"][:40]},
    "ipv6_fuzz": named(IPV6, WHOLE) | {"front_only": MORE + IPV6["tcp"][:60]},
    "nd_fuzz": ND,
    "print_fuzz": FRAMES | {"ip_tcp": IPV4["tcp"], "ip6_udp": IPV6["udp"]},
    "stack_fuzz": STACK_SEEDS,
    "steer_fuzz": FRAMES | {"fragment": ethernet(0x0800, IPV4["first_fragment"])},
    "tcp_connection_fuzz": TCP_CONNECTION,
    "tcp_fuzz": segments(),
    "tcp_options_fuzz": OPTION_SETS,
    "udp_fuzz": {
        "whole": WHOLE + udp(4, b"abc"),
        "front_only": MORE + struct.pack("!HHHH", 53, 1024, 200, 0),
        "length_below_header": WHOLE + struct.pack("!HHHH", 53, 1024, 7, 0),
        "padded": WHOLE + udp(4, b"abc") + bytes(9),
    },
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare with what is committed; write nothing")
    check = parser.parse_args().check
    wrong = 0
    for target, seeds in SEEDS.items():
        for name, seed in seeds.items():
            path = CORPUS / target / name
            if check:
                if not path.is_file() or path.read_bytes() != seed:
                    print(f"{path}: not what make_corpus.py makes; run it", file=sys.stderr)
                    wrong += 1
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(seed)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
