"""TCP at its edges: peers that vanish, read slowly, close one side, write little."""

from __future__ import annotations

import random
import socket
import struct
import time
from collections.abc import Callable

import pytest
from conftest import Family
from netns import PATIENCE, Namespace, scaled, wait_until
from smold import INTERFACE, Smold

PATTERN = bytes(i % 251 for i in range(1 << 20))


def connect(net: Namespace, family: Family, port: int, receive_buffer: int = 0, source_port: int = 0) -> socket.socket:
    with net.inside():
        sock = socket.socket(socket.AF_INET6 if family.digit == "6" else socket.AF_INET)
    sock.settimeout(10 * PATIENCE)
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    if source_port:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("", source_port))
    sock.connect((family.address, port))
    return sock


def read_exactly(sock: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        piece = sock.recv(min(size - len(data), 1 << 20))
        assert piece, f"closed after {len(data)} of {size} octets"
        data += piece
    return bytes(data)


# --- peers that vanish, and peers that are only silent ------------------------------------------------


def test_a_peer_that_vanished_is_given_up(net: Namespace, daemon: Smold, family: Family) -> None:
    # TCP-070, TCP-077; the sink probes after 1 s, and gives up after 2 s without an answer.
    with connect(net, family, 6971) as sock:
        sock.sendall(bytes(1000))
        wait_until(lambda: daemon.counters()["smol0.rx_octets"] > 1000, 5, "nothing comes")
        net.ip("address", "delete", f"{family.host}/{'64' if family.digit == '6' else '24'}", "dev", INTERFACE)
        begin = time.monotonic()
        line = daemon.wait_for_line(r"closed: 1000 octets, crc32c \w+ \((.+)\)", 6)
        took = time.monotonic() - begin
        assert line[1] == "timed out"
        assert 1.9 < took < 4.5 * PATIENCE
        daemon.wait_for_counters(1, tcp_curr_estab=0)


def test_a_silent_peer_is_probed_and_kept(net: Namespace, daemon: Smold, family: Family) -> None:
    # TCP-077, TCP-080: the kernel answers the probes.
    before = daemon.counters()
    with connect(net, family, 6971) as sock:
        sock.sendall(b"1234")
        time.sleep(4.5)  # more than twice what a dead peer is given
        after = daemon.counters()
        assert after["tcp_curr_estab"] == 1
        assert after["tcp_keepalive_sent"] - before["tcp_keepalive_sent"] >= 3
        sock.sendall(b"56789")
    line = daemon.wait_for_line(r"closed: (\d+) octets, crc32c (\w+)(.*)\"", 5)
    assert line.groups() == ("9", "0xe3069283", "")


def test_a_peer_that_vanished_in_mid_transfer_is_given_up(
        net: Namespace, smold: Callable[..., Smold], family: Family) -> None:
    # TCP-071
    daemon = smold(tcp={"user_timeout": "2s"})
    before = daemon.counters()
    with connect(net, family, 6972) as sock:
        read_exactly(sock, 1 << 20)
        net.ip("address", "delete", f"{family.host}/{'64' if family.digit == '6' else '24'}", "dev", INTERFACE)
        sock.settimeout(0.1)  # what is in flight may still be read
        after = daemon.wait_for_rest(before, 8)
        assert after["tcp_abort_on_timeout"] - before["tcp_abort_on_timeout"] == 1


# --- peers that read slowly ---------------------------------------------------------------------------


def test_a_window_that_closes_opens_again(net: Namespace, daemon: Smold, family: Family) -> None:
    # TCP-096, TCP-098
    before = daemon.counters()
    with connect(net, family, 6972, receive_buffer=32768) as sock:
        at = 0
        for _ in range(3):
            probes = daemon.counters()["tcp_zero_window_probes"]
            wait_until(lambda: daemon.counters()["tcp_zero_window_probes"] > probes + 1, 10,
                       "a closed window is not probed")
            for _ in range(scaled(16)):
                data = read_exactly(sock, 1 << 18)
                assert data == PATTERN[at % 251:at % 251 + len(data)]
                at += len(data)
    daemon.wait_for_rest(before)


def test_a_peer_that_writes_and_does_not_read_is_held_back(
        net: Namespace, daemon: Smold, family: Family) -> None:
    """Neither side's memory fills without end; and when it reads, everything is there."""
    # TCP-101, TCP-104
    before = daemon.counters()
    # Four octets: a segment, of 1448 or 1428 octets, ends where a line does.
    lines = [f"{i:03x}\n".encode()[-4:] for i in range(4096)]
    with connect(net, family, 6970, receive_buffer=32768) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 32768)
        sock.setblocking(False)
        block = b"".join(lines)
        sent = 0
        last = time.monotonic()
        while time.monotonic() - last < 1:
            try:
                sent += sock.send(block[sent % len(block):])
                last = time.monotonic()
            except BlockingIOError:
                time.sleep(0.01)
        assert sent < 64 << 20
        sock.settimeout(10 * PATIENCE)
        answer = bytearray()
        while len(answer) < sent:
            answer += sock.recv(1 << 20)
        assert len(answer) == sent
        # Lines of one piece come in the reverse order: their number must agree, and their letters be turned round.
        counts = {line[:3][::-1]: 0 for line in lines}
        for line in bytes(answer).split(b"\n")[:-1]:
            counts[line] += 1
        rounds, rest = divmod(sent, len(block))
        for i, line in enumerate(lines):
            assert counts[line[:3][::-1]] == rounds + (4 * i + 4 <= rest), line
    daemon.wait_for_rest(before)


# --- little by little ---------------------------------------------------------------------------------


@pytest.mark.parametrize("nagle", [True, False], ids=["nagle", "nodelay"])
def test_many_small_writes_arrive_whole(net: Namespace, daemon: Smold, family: Family, nagle: bool) -> None:
    count = scaled(20_000)
    lines = [b"%03x\n" % (i % 4096) for i in range(count)]
    with connect(net, family, 6970) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, not nagle)
        for line in lines:
            sock.sendall(line)
        answer = read_exactly(sock, 4 * count)
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(1) == b""
    assert sorted(answer.split(b"\n")[:-1]) == sorted(line[:3][::-1] for line in lines)


def test_a_dialogue_of_small_writes_does_not_wait_for_delayed_acknowledgements(
        net: Namespace, daemon: Smold, family: Family) -> None:
    """Each answer takes its question's acknowledgement along; a wait of 40 ms in each turn would be seen."""
    turns = 200
    with connect(net, family, 6970) as sock:
        begin = time.monotonic()
        for i in range(turns):
            sock.sendall(b"%03d\n" % i)
            assert read_exactly(sock, 4) == (b"%03d" % i)[::-1] + b"\n"
        assert time.monotonic() - begin < turns * 0.020 * PATIENCE


def test_random_pieces_at_random_times(net: Namespace, daemon: Smold, family: Family) -> None:
    chance = random.Random(8)
    content = chance.randbytes(scaled(2_000_000))
    with connect(net, family, 6971) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        at = 0
        while at < len(content):
            size = chance.choice((1, 2, 7, 100, 1447, 1448, 1449, 5000, 60_000))
            sock.sendall(content[at:at + size])
            at += size
            if chance.random() < 0.05:
                time.sleep(0.002)
    line = daemon.wait_for_line(r"closed: (\d+) octets, crc32c (\w+)\"", 5)
    assert int(line[1]) == len(content)
    assert int(line[2], 16) == crc32c(content)


def crc32c(data: bytes) -> int:
    table = []
    for octet in range(256):
        for _ in range(8):
            octet = (octet >> 1) ^ (0x82f63b78 if octet & 1 else 0)
        table.append(octet)
    crc = 0xffffffff
    for octet in data:
        crc = (crc >> 8) ^ table[(crc ^ octet) & 0xff]
    return crc ^ 0xffffffff


# --- closing ------------------------------------------------------------------------------------------


def test_a_request_is_answered_although_its_sender_has_closed(
        net: Namespace, daemon: Smold, family: Family) -> None:
    # TCP-041
    done = net.run("socat", "-t", 10, "-", family.socat(80),
                   stdin=b"GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert done.out.startswith("HTTP/1.1 200 OK\r\n") and done.out.endswith("\r\n\r\nhello\n")


def test_a_large_answer_is_sent_to_a_peer_that_has_closed_its_side(
        net: Namespace, daemon: Smold, family: Family) -> None:
    # TCP-041: the FIN comes while much of the answer is still to be written.
    line = b"x" * 999 + b"\n"
    with connect(net, family, 6970) as sock:
        sock.sendall(line * 200)
        sock.shutdown(socket.SHUT_WR)
        data = bytearray()
        while piece := sock.recv(65536):
            data += piece
    assert len(data.replace(b"\n", b"")) == 999 * 200


def test_an_abort_is_told_to_the_service(net: Namespace, daemon: Smold, family: Family) -> None:
    # TCP-032
    sock = connect(net, family, 6971)
    sock.sendall(bytes(100))
    wait_until(lambda: daemon.counters()["tcp_in_segs"] >= 3, 5, "nothing comes")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
    line = daemon.wait_for_line(r"closed: 100 octets, crc32c \w+ \((.+)\)", 5)
    assert line[1] == "connection reset by the peer"


def test_text_to_a_connection_that_was_closed_is_answered_with_a_reset(
        net: Namespace, daemon: Smold, family: Family) -> None:
    # TCP-034, TCP-174: hello waits a second for the peer's FIN, then closes for good.
    with connect(net, family, 6969) as sock:
        assert read_exactly(sock, 6) == b"hello\n"
        assert sock.recv(1) == b""
        time.sleep(1.5)
        sock.sendall(b"anyone?")
        wait_until(lambda: sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0, 5, "no reset comes")
    assert daemon.counters()["drop.tcp_text_after_close"] == 1


@pytest.mark.parametrize("timestamps", [1, 0])
def test_ports_are_used_again_at_once(net: Namespace, daemon: Smold, family: Family, timestamps: int) -> None:
    """We closed first and remember the connection for a minute; a newer SYN reopens it."""
    # TCP-036, TCP-037, TRAP-30
    net.sysctl(tcp_timestamps=timestamps)
    before = daemon.counters()
    rounds = 50
    for _ in range(rounds):
        # Our kernel has forgotten the last one when our acknowledgement of its FIN has reached it.
        wait_until(lambda: net.run("ss", "-Htan", "sport", "=", ":40000").out == "", 5, "the last one stays")
        with connect(net, family, 6969, source_port=40_000) as sock:
            assert read_exactly(sock, 6) == b"hello\n"
            assert sock.recv(1) == b""
    after = daemon.counters()
    assert after["tcp_time_wait_reused"] - before["tcp_time_wait_reused"] == rounds - 1
    assert after["tcp_out_rsts"] == before["tcp_out_rsts"]
