"""The demo's services, as socat and nc use them."""

from __future__ import annotations

import re
import socket

import pytest
from conftest import Family
from netns import PATIENCE, Namespace
from smold import INTERFACE, Smold

PATTERN = bytes(i % 251 for i in range(1 << 20))


# --- UDP ----------------------------------------------------------------------------------------------


def test_udp_hello_to_socat(net: Namespace, daemon: Smold, family: Family) -> None:
    done = net.run("socat", "-t", 2, "-", family.socat(6969, "udp"), stdin=b"anyone\n")
    assert done.out == "hello\n"


def test_udp_hello_to_nc(net: Namespace, daemon: Smold, family: Family) -> None:
    done = net.run("nc", f"-{family.digit}", "-u", "-W", 1, family.address, 6969, stdin=b"anyone\n")
    assert done.out == "hello\n"


def test_each_datagram_is_answered_from_where_it_was_sent_to(
        net: Namespace, daemon: Smold, family: Family) -> None:
    with net.inside(), socket.socket(socket.AF_INET6 if family.digit == "6" else socket.AF_INET,
                                     socket.SOCK_DGRAM) as sock:
        sock.settimeout(5 * PATIENCE)
        for size in (0, 1, 512, 1500 - family.headers + 12):
            sock.sendto(bytes(size), (family.address, 6969))
            answer, source = sock.recvfrom(2048)
            assert (answer, source[:2]) == (b"hello\n", (family.address, 6969))


def test_a_udp_port_without_a_socket_refuses(net: Namespace, daemon: Smold, family: Family) -> None:
    with net.inside(), socket.socket(socket.AF_INET6 if family.digit == "6" else socket.AF_INET,
                                     socket.SOCK_DGRAM) as sock:
        sock.settimeout(5 * PATIENCE)
        sock.connect((family.address, 6968))
        sock.send(b"anyone?")
        with pytest.raises(ConnectionRefusedError):
            sock.recv(100)


# --- TCP ----------------------------------------------------------------------------------------------


def test_tcp_hello_to_socat(net: Namespace, daemon: Smold, family: Family) -> None:
    assert net.run("socat", "-u", family.socat(6969), "-").out == "hello\n"


def test_tcp_hello_to_nc(net: Namespace, daemon: Smold, family: Family) -> None:
    assert net.run("nc", f"-{family.digit}", "-N", family.address, 6969).out == "hello\n"


def test_a_line_comes_back_reversed_to_socat_although_it_closed_its_side(
        net: Namespace, daemon: Smold, family: Family) -> None:
    # TCP-041
    done = net.run("socat", "-t", 10, "-", family.socat(6970), stdin=b"smolplane\n")
    assert done.out == "enalploms\n"
    assert done.seconds < 5 * PATIENCE  # not by socat's patience: our FIN ended it


def test_a_line_comes_back_reversed_to_nc_although_it_closed_its_side(
        net: Namespace, daemon: Smold, family: Family) -> None:
    # TCP-041
    done = net.run("nc", f"-{family.digit}", "-N", family.address, 6970, stdin=b"smolplane\n")
    assert done.out == "enalploms\n"


def test_a_dialogue_line_by_line(net: Namespace, daemon: Smold, family: Family) -> None:
    with net.inside(), socket.create_connection((family.address, 6970), timeout=5 * PATIENCE) as sock:
        stream = sock.makefile("rb")
        for line in ("", "a", "palindrome", "x" * 1000):
            sock.sendall(f"{line}\n".encode())
            assert stream.readline().decode() == f"{line[::-1]}\n"


@pytest.mark.parametrize("client", ["socat", "nc"])
def test_the_sink_says_how_much_it_took(net: Namespace, daemon: Smold, family: Family, client: str) -> None:
    content = b"123456789" * 100_000
    if client == "socat":
        net.run("socat", "-u", "-", family.socat(6971), stdin=content)
    else:
        net.run("nc", f"-{family.digit}", "-N", family.address, 6971, stdin=content)
    host = re.escape(family.host if family.digit == "4" else f"[{family.host}]")
    line = daemon.wait_for_line(rf'component=sink msg="{host}:\d+ closed: (\d+) octets, crc32c 0x[0-9a-f]{{8}}"', 5)
    assert int(line[1]) == len(content)


def test_the_sink_computes_the_checksum_that_everybody_does(
        net: Namespace, daemon: Smold, family: Family) -> None:
    net.run("socat", "-u", "-", family.socat(6971), stdin=b"123456789")
    assert daemon.wait_for_line(r"closed: 9 octets, crc32c (\w+)", 5)[1] == "0xe3069283"  # RFC 3720's check value


@pytest.mark.parametrize("client", ["socat", "nc"])
def test_the_source_sends_its_pattern(net: Namespace, daemon: Smold, family: Family, client: str) -> None:
    words = (["socat", "-u", family.socat(6972), "-"] if client == "socat"
             else ["nc", "-d", f"-{family.digit}", family.address, "6972"])
    child = net.start(*words)
    assert child.stdout is not None
    assert child.stdout.read(len(PATTERN)) == PATTERN
    child.kill()


def test_hello_on_the_link_local_address(net: Namespace, daemon: Smold) -> None:
    assert net.run("socat", "-u", f"tcp6-connect:[fe80::1%{INTERFACE}]:6969", "-").out == "hello\n"


# --- open and closed ports ----------------------------------------------------------------------------


@pytest.mark.tsan
def test_a_scan_sees_what_is_open_and_is_refused_elsewhere_at_once(
        net: Namespace, daemon: Smold, family: Family) -> None:
    # TCP-153
    first, last = 6900, 7199
    done = net.run("nc", f"-{family.digit}", "-z", "-v", family.address, f"{first}-{last}", limit=20, check=False)
    opened = {int(port) for port in re.findall(r" (\d+) port .* succeeded!", done.err)}
    refused = {int(port) for port in re.findall(r" port (\d+) \(tcp\) failed: Connection refused", done.err)}
    assert opened == {6969, 6970, 6971, 6972}
    assert refused == set(range(first, last + 1)) - opened
    assert done.seconds < 5 * PATIENCE, f"{last - first} ports took {done.seconds:.1f} s"
