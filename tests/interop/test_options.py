"""Hosts whose TCP is set up in other ways: each is served, and nothing is agreed on that was not offered."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from capture import assert_sound, count, packets
from conftest import Family
from netns import PATIENCE, Namespace, scaled
from peer import peer
from smold import INTERFACE, MAC, Smold

OURS = f"tcp && eth.src == {MAC}"
THEIRS = f"tcp && eth.dst == {MAC}"
SYN = "tcp.flags.syn == 1"


@dataclass(frozen=True)
class Traffic:
    """What was captured by the daemon while a host of some kind used it."""

    file: Path

    def ours(self, which: str) -> int:
        """How many segments of ours match."""
        return count(self.file, f"{OURS} && ({which})")

    def theirs(self, which: str) -> int:
        return count(self.file, f"{THEIRS} && ({which})")

    def largest(self, whose: str) -> int:
        """Octets of the largest IP packet."""
        return max(int(length) - 14 for (length,) in packets(self.file, whose, "frame.len"))


@pytest.fixture
def use(net: Namespace, smold: Callable[..., Smold], family: Family, tmp_path: Path) -> Callable[..., Traffic]:
    """Starts a daemon, sets the host up, uses TCP in each way, and returns what was seen of it."""

    def run(setup: Callable[[], None] = lambda: None, octets: int = 4 << 20) -> Traffic:
        file = tmp_path / "options.pcapng"
        daemon = smold("--pcap", file, capture={"ring": "256MiB", "snap_length": 200})
        setup()
        assert net.run("socat", "-u", family.socat(6969), "-").out == "hello\n"
        assert net.run("socat", "-t", 10, "-", family.socat(6970), stdin=b"smolplane\n").out == "enalploms\n"
        sent = peer(net, family, "send", 6971, scaled(octets))
        daemon.wait_for_line(rf"closed: {sent['octets']} octets, crc32c {sent['crc32c']}\"", 5)
        peer(net, family, "receive", 6972, scaled(octets))
        before = daemon.counters()
        assert before["tcp_attempt_fails"] == 0
        daemon.stop()
        return Traffic(file)

    return run


def test_a_host_of_today(use: Callable[..., Traffic], family: Family) -> None:
    # TCP-046, TCP-053, TCP-194
    traffic = use()
    assert traffic.ours(SYN) == 4
    mss = 1500 - family.headers
    assert traffic.ours(f"{SYN} && tcp.options.mss_val == {mss} && tcp.options.wscale.shift && "
                        "tcp.options.timestamp.tsval && tcp.options.sack_perm") == 4
    assert traffic.ours("tcp.flags.syn == 0 && tcp.flags.reset == 0 && !tcp.options.timestamp.tsval") == 0
    assert traffic.largest(OURS) == 1500


@pytest.mark.parametrize(("sysctl", "option"), [
    ({"tcp_timestamps": 0}, "tcp.options.timestamp.tsval"),
    ({"tcp_window_scaling": 0}, "tcp.options.wscale.shift"),
    ({"tcp_sack": 0}, "tcp.options.sack_perm"),
], ids=["timestamps", "window scaling", "sack"])
def test_an_option_that_the_host_does_not_offer_is_not_taken(
        net: Namespace, use: Callable[..., Traffic], family: Family, sysctl: dict[str, int], option: str) -> None:
    # TCP-194
    traffic = use(lambda: net.sysctl(**sysctl))
    assert traffic.theirs(f"{SYN} && !{option}") == 4
    assert traffic.ours(SYN) == 4
    assert traffic.ours(option) == 0


def test_a_host_that_offers_nothing_but_its_segment_size(
        net: Namespace, use: Callable[..., Traffic], family: Family) -> None:
    traffic = use(lambda: net.sysctl(tcp_timestamps=0, tcp_window_scaling=0, tcp_sack=0))
    assert traffic.ours(f"{SYN} && tcp.options.mss_val && tcp.hdr_len == 24") == 4
    assert traffic.ours("tcp.flags.syn == 0 && tcp.hdr_len > 20") == 0


# --- segment sizes ------------------------------------------------------------------------------------


def set_route(net: Namespace, family: Family, *words: object) -> None:
    """The host's route to us, with further words instead of what the kernel made of its address."""
    prefix = "fdaa::/64" if family.digit == "6" else "192.168.69.0/24"
    net.ip(f"-{family.digit}", "route", "delete", prefix, "dev", INTERFACE)
    net.ip(f"-{family.digit}", "route", "add", prefix, "dev", INTERFACE, *words)


def test_a_small_segment_size_is_kept_to(net: Namespace, use: Callable[..., Traffic], family: Family) -> None:
    # TCP-050
    traffic = use(lambda: set_route(net, family, "advmss", 536), 2 << 20)
    assert traffic.theirs(f"{SYN} && tcp.options.mss_val == 536") == 4
    assert traffic.largest(OURS) == 536 + family.headers  # timestamps are taken out of the text
    assert traffic.ours("tcp.len > 524") == 0


def test_a_host_with_a_route_of_small_packets(net: Namespace, use: Callable[..., Traffic], family: Family) -> None:
    mtu = 1280 if family.digit == "6" else 600
    traffic = use(lambda: set_route(net, family, "mtu", "lock", mtu), 2 << 20)
    assert traffic.largest(THEIRS) == mtu
    assert traffic.largest(OURS) <= mtu


def test_a_host_with_an_interface_of_small_packets(
        net: Namespace, use: Callable[..., Traffic], family: Family) -> None:
    traffic = use(lambda: net.ip("link", "set", INTERFACE, "mtu", 1280))
    assert traffic.theirs(f"{SYN} && tcp.options.mss_val == {1280 - family.headers}") == 4
    assert traffic.largest(OURS) == traffic.largest(THEIRS) == 1280


def test_an_interface_of_ours_with_small_packets(
        net: Namespace, smold: Callable[..., Smold], family: Family, tmp_path: Path) -> None:
    # TCP-053, TCP-055
    file = tmp_path / "mtu.pcap"
    daemon = smold("--pcap", file, port={"mtu": 1280})
    peer(net, family, "send", 6971, scaled(1 << 20))
    peer(net, family, "receive", 6972, scaled(1 << 20))
    daemon.stop()
    assert count(file, f"{OURS} && {SYN} && tcp.options.mss_val == {1280 - family.headers}") == 2
    traffic = Traffic(file)
    assert traffic.largest(OURS) == 1280
    assert traffic.largest(THEIRS) == 1280


# --- explicit congestion notification -----------------------------------------------------------------

ECT = "(ip.dsfield.ecn > 0 || ipv6.tclass.ecn > 0)"


def test_explicit_congestion_notification_is_for_a_host_that_asks(
        net: Namespace, use: Callable[..., Traffic], family: Family) -> None:
    traffic = use(lambda: net.sysctl(tcp_ecn=1))
    assert traffic.theirs(f"{SYN} && tcp.flags.ece == 1 && tcp.flags.cwr == 1") == 4
    assert traffic.ours(f"{SYN} && tcp.flags.ece == 1 && tcp.flags.cwr == 0") == 4
    # What is marked is text that goes for the first time, on both sides.
    assert traffic.ours(f"tcp.len > 0 && {ECT}") > 0
    assert traffic.theirs(f"tcp.len > 0 && {ECT}") > 0
    assert traffic.ours(f"tcp.len == 0 && {ECT}") == 0
    assert traffic.ours("ip.dsfield.ecn == 1 || ip.dsfield.ecn == 3 || ipv6.tclass.ecn == 1 || "
                        "ipv6.tclass.ecn == 3") == 0


def test_a_host_that_does_not_ask_sees_nothing_of_it(
        net: Namespace, use: Callable[..., Traffic], family: Family) -> None:
    traffic = use(lambda: net.sysctl(tcp_ecn=0), 1 << 20)
    assert traffic.theirs(f"{SYN} && tcp.flags.ece == 1") == 0
    assert traffic.ours("tcp.flags.ece == 1 || tcp.flags.cwr == 1") == 0
    assert traffic.ours(ECT) == 0


# --- what we do not do --------------------------------------------------------------------------------


@pytest.mark.parametrize("early", [False, True], ids=["cookie asked for", "text on the SYN"])
def test_fast_open_falls_back(net: Namespace, smold: Callable[..., Smold], family: Family, tmp_path: Path,
                              early: bool) -> None:
    file = tmp_path / "tfo.pcap"
    daemon = smold("--pcap", file)
    net.sysctl(tcp_fastopen=5 if early else 1)  # 4: text goes along without a cookie
    msg_fastopen = 0x20000000
    with net.inside(), socket.socket(socket.AF_INET6 if family.digit == "6" else socket.AF_INET) as sock:
        # Not settimeout(): a socket that does not block would not wait for the handshake.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 5 * PATIENCE, 0))
        sock.sendto(b"smolplane\n", msg_fastopen, (family.address, 6970))
        assert sock.recv(100) == b"enalploms\n"
    daemon.stop()
    if early:
        assert count(file, f"{THEIRS} && {SYN} && tcp.len == 10") == 1
    else:
        assert count(file, f"{THEIRS} && {SYN} && tcp.options.tfo") == 1
    assert count(file, f"{OURS} && tcp.options.tfo") == 0
    assert_sound(file)


@pytest.mark.parametrize("name", ["reno", "cubic", "bbr"])
def test_the_host_may_control_congestion_as_it_likes(
        net: Namespace, daemon: Smold, family: Family, name: str) -> None:
    available = Path("/proc/sys/net/ipv4/tcp_available_congestion_control").read_text().split()
    if name not in available:
        pytest.skip(f"this kernel does not have {name}: modprobe tcp_{name}")
    sent = peer(net, family, "send", 6971, scaled(64 << 20), name)
    daemon.wait_for_line(rf"closed: {sent['octets']} octets, crc32c {sent['crc32c']}\"", 5)
