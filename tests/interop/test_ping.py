"""Echo, as ping(8) asks for it: nothing is lost, and the first packet least of all."""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Callable

import pytest
from conftest import Family
from netns import DIVISOR, PATIENCE, Namespace, scaled
from smold import INTERFACE, MAC, Smold


def ping(net: Namespace, family: Family, *options: object, limit: float = 30) -> tuple[int, int]:
    """How many were sent, and answered; duplicates and damage fail."""
    done = net.run("ping", f"-{family.digit}", "-n", "-q", *options, family.address, limit=limit, check=False)
    counts = re.search(r"(\d+) packets transmitted, (\d+) received, [\d.]+% packet loss", done.out)
    assert counts, str(done)  # "+1 duplicates" and "+1 corrupted" stand between the two
    return int(counts[1]), int(counts[2])


def test_no_echo_is_lost_and_the_first_one_least(net: Namespace, daemon: Smold, family: Family) -> None:
    # ARP-009
    net.ip("neigh", "flush", "dev", INTERFACE)
    assert ping(net, family, "-c", 100, "-i", 0.01) == (100, 100)


def test_the_answer_waits_for_the_address_of_a_host_that_did_not_ask_for_ours(
        net: Namespace, daemon: Smold, family: Family) -> None:
    # ARP-009: the host knows us, so that its first packet is the echo request.
    net.ip("neigh", "replace", family.address, "lladdr", MAC, "dev", INTERFACE, "nud", "permanent")
    assert ping(net, family, "-c", 100, "-i", 0.01) == (100, 100)


@pytest.mark.tsan
def test_no_echo_of_a_flood_is_lost(net: Namespace, daemon: Smold, family: Family) -> None:
    count = scaled(10_000)
    assert ping(net, family, "-f", "-c", count) == (count, count)


@pytest.mark.parametrize("fill", ["least", "most"])
def test_a_flood_of_the_smallest_and_of_the_largest_packets(
        net: Namespace, daemon: Smold, family: Family, fill: str) -> None:
    size = 0 if fill == "least" else 1500 - family.headers + 12
    count = scaled(2000)
    assert ping(net, family, "-f", "-c", count, "-s", size) == (count, count)


def test_echoes_of_every_size_come_back_as_they_were(net: Namespace, daemon: Smold, family: Family) -> None:
    # IC4-018, IC6-012
    v6 = family.digit == "6"
    largest = 1500 - family.headers + 12  # TCP's header is 12 octets longer than ICMP's
    assert largest == (1452 if v6 else 1472)
    sizes = range(0, largest + 1) if DIVISOR == 1 else [*range(0, largest, DIVISOR), largest]
    with net.inside():
        if v6:
            sock = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
        else:
            sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    with sock:
        sock.connect((family.address, 0))
        sock.settimeout(5 * PATIENCE)
        for size in sizes:
            payload = bytes((size + i) & 0xff for i in range(size))
            sock.send(_echo_request(v6, size, payload))
            assert _echo_reply(sock, v6) == struct.pack("!HH", 0x5307, size) + payload, f"{size} octets"


def _echo_request(v6: bool, sequence: int, payload: bytes) -> bytes:
    message = struct.pack("!BBHHH", 128 if v6 else 8, 0, 0, 0x5307, sequence) + payload
    if v6:
        return message  # the kernel fills the checksum in
    words = struct.unpack(f"!{(len(message) + 1) // 2}H", message + b"\0" * (len(message) % 2))
    total = sum(words)
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return message[:2] + struct.pack("!H", ~total & 0xffff) + message[4:]


def _echo_reply(sock: socket.socket, v6: bool) -> bytes:
    """The next one's identifier, sequence number and content; neighbour discovery is passed over."""
    while True:
        message = sock.recv(2048)
        if not v6:
            message = message[(message[0] & 15) * 4:]
        if message[0] == (129 if v6 else 0):
            return message[4:]


def test_fragments_are_counted_and_not_answered(
        net: Namespace, smold: Callable[..., Smold], family: Family) -> None:
    daemon = smold()
    assert ping(net, family, "-c", 3, "-i", 0.1, "-W", 1, "-s", 4000) == (3, 0)
    assert ping(net, family, "-c", 1) == (1, 1)  # and the daemon goes on
    daemon.stop()
    # 4008 octets of ICMP are three fragments.
    assert daemon.drops()[f"ip{family.digit}_fragment"] == 9
