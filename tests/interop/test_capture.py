"""What --pcap writes, and what the host's tcpdump sees of us, is what tshark and tcpdump take for sound."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from capture import assert_sound, assert_tcpdump_reads, count, drop_reasons, packets, tcpdump
from conftest import IPV4, IPV6, Family
from netns import PATIENCE, Namespace, scaled
from peer import peer
from smold import INTERFACE, MAC, Smold


def a_bit_of_everything(net: Namespace, family: Family) -> None:
    """Each kind of packet that a client can make the daemon send."""
    net.run("ping", "-n", "-q", "-c", 3, "-i", 0.01, family.address)
    net.run("ping", "-n", "-q", "-c", 2, "-i", 0.01, "-s", 1500 - family.headers + 12, family.address)
    net.run("ping", "-n", "-q", "-c", 1, "-W", 0.2, "-s", 4000, family.address, check=False)
    net.run("socat", "-t", 0.2, "-", family.socat(6969, "udp"), stdin=b"anyone\n")
    with net.inside(), socket.socket(socket.AF_INET6 if family.digit == "6" else socket.AF_INET,
                                     socket.SOCK_DGRAM) as sock:
        sock.connect((family.address, 6968))
        sock.settimeout(5 * PATIENCE)
        sock.send(b"anyone?")
        with pytest.raises(ConnectionRefusedError):
            sock.recv(100)
    net.run("nc", f"-{family.digit}", "-z", family.address, "6960-6971", check=False)
    net.run("socat", "-u", family.socat(6969), "-")
    net.run("socat", "-t", 5, "-", family.socat(6970), stdin=b"a line\n")
    net.run("curl", "-sS", "-g", "-o", "/dev/null", f"{family.url}/", f"{family.url}/nowhere")
    peer(net, family, "send", 6971, scaled(4 << 20))
    peer(net, family, "receive", 6972, scaled(4 << 20))


@pytest.mark.parametrize("suffix", ["pcap", "pcapng"])
def test_a_capture_of_everything_is_sound_and_whole(
        net: Namespace, smold: Callable[..., Smold], tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"all.{suffix}"
    daemon = smold("--pcap", file, capture={"ring": "256MiB"})
    for family in (IPV4, IPV6):
        a_bit_of_everything(net, family)
    daemon.stop()
    assert_sound(file)
    traffic = daemon.traffic()
    assert count(file) == assert_tcpdump_reads(file) == traffic["rx_packets"] + traffic["tx_packets"]
    assert count(file, f"eth.src == {MAC}") == traffic["tx_packets"]
    if suffix == "pcapng":
        assert drop_reasons(file) == daemon.drops()
        assert {words[0] for words in packets(file, "frame", "frame.interface_name")} == {INTERFACE}
        # Bits 0 and 1: 1 came in, 2 went out.
        assert count(file, "frame.packet_flags_direction == 2") == traffic["tx_packets"]
        assert count(file, "frame.packet_flags_direction == 1") == traffic["rx_packets"]


def test_injected_losses_stand_in_the_capture_with_their_reason(
        net: Namespace, smold: Callable[..., Smold], family: Family, tmp_path: Path) -> None:
    file = tmp_path / "lossy.pcapng"
    daemon = smold("--pcap", file, "--drop-chance", 20, "--size-limit", 1200)
    net.run("ping", "-n", "-q", "-c", 200, "-i", 0.002, family.address, check=False)
    net.run("ping", "-n", "-q", "-c", 20, "-i", 0.002, "-W", 0.2, "-s", 1300, family.address, check=False)
    daemon.stop()
    assert_sound(file)
    reasons = drop_reasons(file)
    assert reasons == daemon.drops()
    assert reasons["injected_drop"] > 10
    assert reasons["injected_size_limit"] > 0
    # In both directions.
    for direction in (1, 2):
        assert count(file, f'frame.comment contains "injected_drop" && frame.packet_flags_direction == {direction}')


def test_a_capture_that_is_cut_short_says_so(
        net: Namespace, smold: Callable[..., Smold], family: Family, tmp_path: Path) -> None:
    file = tmp_path / "short.pcapng"
    daemon = smold("--pcap", file, capture={"snap_length": 96})
    net.run("ping", "-n", "-q", "-c", 1, "-s", 1000, family.address)
    daemon.stop()
    lengths = packets(file, "icmp || icmpv6.type in {128, 129}", "frame.len", "frame.cap_len")
    assert lengths == [[str(1000 + family.headers + 2), "96"]] * 2  # 14 for Ethernet, 8 for ICMP instead of 20


def test_the_host_sees_nothing_wrong_in_what_we_send(
        net: Namespace, daemon: Smold, family: Family, tmp_path: Path) -> None:
    file = tmp_path / "host.pcap"
    with tcpdump(net, INTERFACE, file):
        a_bit_of_everything(net, family)
    assert_sound(file, f"eth.src == {MAC}")
    # The kernel has merged segments by then, but not as many as a megabyte has.
    assert count(file, f"eth.src == {MAC} && tcp.srcport == 6972") > scaled(100)
