"""How connections begin and end against the kernel's TCP: floods of SYNs, text on SYNs, full queues, ports that are used
again, FINs that cross, peers that are gone."""

from __future__ import annotations

import asyncio
import errno
import random
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path

import pytest
from api import asked
from capture import assert_sound, count, packets
from conftest import IPV4, Family
from netns import PATIENCE, Namespace, wait_until
from remote import (kernel_accept, kernel_connect, kernel_listener, kernel_says_at_once, kernel_socket, listening, receive,
                    receive_all, run, send, smolplane, version)
from smold import INTERFACE, MAC, Smold

OURS = f"tcp && eth.src == {MAC}"
THEIRS = f"tcp && eth.dst == {MAC}"
TCP_FASTOPEN = 23


@pytest.fixture
def daemon(smold: Callable[..., Smold]) -> Smold:
    return listening(smold())


# --- SYN floods ---------------------------------------------------------------------------------------


def _sum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def syn(family: Family, number: int) -> bytes:
    """A frame: a SYN to the web server, from an address behind the router that nobody has."""
    if family is IPV4:
        source = ip_address((10 << 24) | number).packed
    else:
        source = ip_address((0x20010DB8 << 96) | number).packed
    target = ip_address(family.address).packed
    segment = struct.pack("!HHIIBBHHHBBH", 1024 + number % 60_000, 80, number * 7919 & 0xFFFFFFFF, 0, 6 << 4, 2, 64_240,
                          0, 0, 2, 4, 1460)
    checksum = ~_sum(source + target + struct.pack("!II", len(segment), 6) + segment) & 0xFFFF
    segment = segment[:16] + struct.pack("!H", checksum) + segment[18:]
    if family is IPV4:
        header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(segment), 0, 0x4000, 64, 6, 0) + source + target
        header = header[:10] + struct.pack("!H", ~_sum(header) & 0xFFFF) + header[12:]
        kind = 0x0800
    else:
        header = struct.pack("!IHBB", 6 << 28, len(segment), 6, 64) + source + target
        kind = 0x86DD
    ethernet = bytes.fromhex(MAC.replace(":", "")) + b"\x02\x00\x00\x00\x00\xaa" + struct.pack("!H", kind)
    return ethernet + header + segment


@contextmanager
def flood(net: Namespace, family: Family, most: int) -> Iterator[None]:
    """Of SYNs, from ever new addresses, as long as the block takes and no more of them than `most`."""
    frames = [syn(family, number) for number in range(1, 4097)]
    over = threading.Event()

    def pour(sock: socket.socket) -> None:
        for at in range(0, most, 32):
            if over.is_set():
                return
            for number in range(at, at + 32):
                try:
                    sock.send(frames[number % len(frames)])
                except OSError as error:
                    if error.errno != errno.ENOBUFS:
                        raise
            time.sleep(0.002)

    with net.inside(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
        sock.bind((INTERFACE, 0))
        thread = threading.Thread(target=pour, args=(sock,))
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def agreed(daemon: Smold, port: int) -> dict[str, object]:
    """What both ends have settled, of the connection from `port`."""
    (found,) = asked(daemon, "ss", "-ti", "dport", "=", f":{port}")
    info = found["tcp_info"]
    return {name: info.get(name) for name in ("timestamps", "sack", "snd_wscale", "rcv_wscale", "snd_mss", "ecn")}


def test_a_flood_of_syns_keeps_nobody_out(net: Namespace, smold: Callable[..., Smold], family: Family) -> None:
    """And who comes in by a cookie has all the options that it would have had."""
    # TCP-183, TCP-184
    daemon = smold(limits={"half_open": 256})
    with net.inside():
        calm = socket.create_connection((family.address, 6970), timeout=5 * PATIENCE)
    before = daemon.counters()
    with calm, flood(net, family, 60_000):
        wait_until(lambda: daemon.counters()["tcp_syncookies_sent"] > 500, 5, "no cookie is sent")
        for _ in range(20):
            assert net.run("curl", "-sS", "-g", "-m", 5 * PATIENCE, f"{family.url}/hello").out == "hello\n"
        with net.inside():
            stormy = socket.create_connection((family.address, 6970), timeout=5 * PATIENCE)
        with stormy:
            stormy.sendall(b"ab\n")
            assert stormy.recv(3) == b"ba\n"
            assert agreed(daemon, stormy.getsockname()[1]) == agreed(daemon, calm.getsockname()[1])
    after = daemon.counters()
    assert after["tcp_syncookies_recv"] - before["tcp_syncookies_recv"] == 21
    assert after["tcp_syncookies_failed"] == before["tcp_syncookies_failed"]
    assert len(asked(daemon, "ss", "-t", "state", "syn-recv")) <= 256


# --- fast open ----------------------------------------------------------------------------------------


async def echo(connection: smolplane.TcpConnection) -> None:
    while data := await connection.read(65_536):
        connection.write(data)


def test_text_on_the_kernels_syn_is_taken(net: Namespace, smold: Callable[..., Smold], family: Family,
                                          tmp_path: Path) -> None:
    """Once it has a cookie, and one of ours: another daemon's is none, and the text comes again."""
    # TCP-256, TCP-257
    said = b"GET / at once"

    def ask(daemon: Smold, times: int) -> list[tuple[bytes, bool]]:
        async def both() -> list[tuple[bytes, bool]]:
            async with smolplane.connect(daemon.server) as plane, plane.tcp_listen(9000, echo, fast_open=8):
                return [await asyncio.to_thread(kernel_says_at_once, net, family, 9000, said) for _ in range(times)]

        return run(both())

    file = tmp_path / "server.pcap"
    first = listening(smold("--pcap", file))
    assert ask(first, 3) == [(said, False), (said, True), (said, True)]
    now = first.counters()
    assert now["tcp_fast_open_cookie_reqd"] == 1
    assert now["tcp_fast_open_passive"] == 2
    assert now["tcp_fast_open_passive_fail"] == 0
    first.stop()
    assert_sound(file)
    assert count(file, f"{THEIRS} && tcp.flags.syn == 1 && tcp.len == {len(said)}") == 2
    second = listening(smold())
    assert ask(second, 2) == [(said, False), (said, True)]
    now = second.counters()
    assert now["tcp_fast_open_passive_fail"] == now["tcp_fast_open_passive"] == now["tcp_fast_open_cookie_reqd"] == 1


def test_the_answer_to_text_on_a_syn_takes_one_round_trip(net: Namespace, smold: Callable[..., Smold],
                                                          family: Family) -> None:
    # RFC 7413 section 3: it does not wait for the last ACK of the handshake.
    daemon = listening(smold(port={"faults": {"delay": "250ms"}}))

    def timed(said: bytes) -> tuple[bool, bool]:
        begin = time.monotonic()
        answer, early = kernel_says_at_once(net, family, 9000, said)
        assert answer == said
        return early, time.monotonic() - begin < 0.95

    async def both() -> None:
        async with smolplane.connect(daemon.server) as plane, plane.tcp_listen(9000, echo, fast_open=8):
            for wanted in (False, True):
                assert await asyncio.to_thread(timed, b"GET / at once") == (wanted, wanted)

    run(both())


def netstat(net: Namespace, name: str) -> int:
    """A counter of the kernel's TcpExt."""
    with net.inside():
        names, values = Path("/proc/thread-self/net/netstat").read_text().splitlines()[:2]
    return int(dict(zip(names.split(), values.split(), strict=True))[name])


async def say_at_once(plane: smolplane.Plane, listener: socket.socket, family: Family, data: bytes) -> None:
    """By fast open, to the kernel, which answers with the same."""
    async with plane.tcp_connect(family.host, 9000, first_data=data, fast_open=True) as connection:
        with await kernel_accept(listener) as peer:
            got = b""
            while len(got) < len(data):
                got += await receive(peer)
            assert got == data
            await send(peer, data)
            assert await connection.readexactly(len(data)) == data


@contextmanager
def fast_listener(net: Namespace, family: Family) -> Iterator[socket.socket]:
    net.sysctl(tcp_fastopen=3)
    with kernel_listener(net, family, 9000) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN, 8)
        yield listener


def test_text_on_our_syn_is_taken_by_the_kernel(net: Namespace, smold: Callable[..., Smold], family: Family,
                                                tmp_path: Path) -> None:
    # TCP-256, TCP-258
    file = tmp_path / "client.pcap"
    daemon = listening(smold("--pcap", file))

    async def thrice(listener: socket.socket) -> None:
        async with smolplane.connect(daemon.server) as plane:
            for _ in range(3):
                await say_at_once(plane, listener, family, b"at once")

    with fast_listener(net, family) as listener:
        run(thrice(listener))
    now = daemon.counters()
    assert now["tcp_fast_open_active"] == 2
    assert now["tcp_fast_open_active_fail"] == now["tcp_retrans_segs"] == 0
    assert netstat(net, "TCPFastOpenPassive") == 2
    assert netstat(net, "TCPFastOpenCookieReqd") == 1
    daemon.stop()
    assert_sound(file)
    # SYN-ACKs that acknowledge seven octets behind the SYN.
    assert count(file, f"{THEIRS} && tcp.flags.syn == 1 && tcp.ack == 8") == 2


def test_a_syn_with_text_that_vanishes_is_sent_again_without(net: Namespace, smold: Callable[..., Smold],
                                                            family: Family) -> None:
    # TCP-258: and the next connection does without from the start.
    data = bytes(40)
    syn_with_text = 14 + family.headers + 32 + len(data)  # with 20 octets of options, and 12 for the cookie
    daemon = listening(smold(port={"faults": {"size_limit": syn_with_text - 1}}))

    async def both(listener: socket.socket) -> None:
        async with smolplane.connect(daemon.server) as plane:
            for wanted in (False, True, False):
                begin = time.monotonic()
                await say_at_once(plane, listener, family, data)
                assert (time.monotonic() - begin > 0.9) == wanted

    with fast_listener(net, family) as listener:
        run(both(listener))
    now = daemon.counters()
    assert now["tcp_fast_open_active"] == now["tcp_fast_open_active_fail"] == 1
    assert now["drop.injected_size_limit"] == 1
    assert netstat(net, "TCPFastOpenPassive") == 0


# --- queues that are full -----------------------------------------------------------------------------


def test_a_full_accept_queue_of_the_kernels_lets_us_in_later(net: Namespace, daemon: Smold, family: Family) -> None:
    async def both() -> None:
        with kernel_listener(net, family, 9000, backlog=0) as listener:
            async with smolplane.connect(daemon.server) as plane, plane.tcp_connect(family.host, 9000):
                second = asyncio.create_task(_opened(plane, family))
                await asyncio.sleep(0.3)
                assert not second.done()
                for _ in range(2):
                    (await kernel_accept(listener)).close()
                await second

    run(both())
    assert daemon.counters()["tcp_retrans_segs"] > 0


async def _opened(plane: smolplane.Plane, family: Family) -> None:
    async with plane.tcp_connect(family.host, 9000):
        pass


def test_a_full_accept_queue_of_ours_lets_the_kernel_in_later(net: Namespace, daemon: Smold, family: Family) -> None:
    # TCP-186
    async def both() -> None:
        async with smolplane.connect(daemon.server) as plane, plane.tcp_listen(9000, backlog=1) as listener:
            # One waits under its token, one in the queue of the stack.
            first = [await kernel_connect(net, family, 9000) for _ in range(2)]
            late = asyncio.create_task(kernel_connect(net, family, 9000))
            await asyncio.sleep(0.3)
            assert not late.done()
            taken = [await listener.accept() for _ in range(2)]
            first.append(await late)
            taken.append(await listener.accept())
            for sock, connection in zip(first, taken, strict=True):
                await send(sock, b"hello")
                assert await connection.readexactly(5) == b"hello"
                sock.close()
                connection.close()

    run(both())
    now = daemon.counters()
    assert now["drop.tcp_accept_queue_full"] > 0
    assert now["tcp_out_rsts"] == 0


# --- ports that are used again ------------------------------------------------------------------------


def test_our_port_is_used_again_while_the_kernel_remembers(net: Namespace, daemon: Smold, family: Family) -> None:
    # It closed first, and its TIME-WAIT ends by the timestamp of a newer SYN (RFC 6191).
    before = daemon.counters()
    rounds = 20

    async def again() -> None:
        with kernel_listener(net, family, 9000) as listener:
            async with smolplane.connect(daemon.server) as plane:
                for number in range(rounds):
                    async with plane.tcp_connect(family.host, 9000, local=(None, 4000)) as connection:
                        peer = await kernel_accept(listener)
                        await send(peer, b"%d" % number)
                        peer.close()
                        assert await connection.read() == b"%d" % number
                    assert "TIME-WAIT" in net.run("ss", "-Htan", "dport", "=", ":4000").out

    run(again())
    after = daemon.counters()
    for name in ("tcp_retrans_segs", "tcp_out_rsts", "tcp_estab_resets", "tcp_attempt_fails"):
        assert after[name] == before[name], name


# --- ends ---------------------------------------------------------------------------------------------


def test_fins_that_cross_end_both_sides_in_order(net: Namespace, smold: Callable[..., Smold], family: Family,
                                                 tmp_path: Path) -> None:
    # TCP-040: the delay is between port and stack, so that each side's FIN leaves before the other's comes.
    file = tmp_path / "fins.pcap"
    daemon = listening(smold("--pcap", file, port={"faults": {"delay": "100ms"}}, tcp={"time_wait": "300ms"}))
    before = daemon.counters()

    async def both() -> None:
        with kernel_listener(net, family, 9000) as listener:
            async with smolplane.connect(daemon.server) as plane:
                connection = await plane.tcp_connect(family.host, 9000)
                with await kernel_accept(listener) as peer:
                    connection.write(b"ours")
                    await send(peer, b"theirs")
                    assert await connection.readexactly(6) == b"theirs"
                    assert await receive(peer) == b"ours"
                    connection.write_eof()
                    # Before it can have come: the errand takes far less than the delay, and this none.
                    peer.shutdown(socket.SHUT_WR)
                    assert await connection.read() == b""
                    assert await receive_all(peer) == b""
                    connection.close()
                    await connection.wait_closed()

    run(both())
    daemon.wait_for_counters(5, tcp_curr_estab=0, tcp_time_wait=0)
    daemon.wait_for_rest(before)
    assert daemon.counters()["tcp_out_rsts"] == 0
    daemon.stop()
    # Neither FIN acknowledges the other one.
    fins = packets(file, "tcp.flags.fin == 1", "tcp.seq", "tcp.ack", "tcp.len")
    (one, other) = [[int(field) for field in fields] for fields in fins]
    assert one[1] == other[0] + other[2] and other[1] == one[0] + one[2]


def gone(net: Namespace, daemon: Smold, family: Family, options: smolplane.TcpOptions, text: bytes) -> float:
    """Seconds that a connection lives on, with these options and `text` to send, after the link has gone down."""
    async def both() -> float:
        with kernel_listener(net, family, 9000) as listener:
            async with smolplane.connect(daemon.server) as plane:
                connection = await plane.tcp_connect(family.host, 9000, options=options)
                with await kernel_accept(listener):
                    begin = time.monotonic()
                    net.ip("link", "set", INTERFACE, "down")
                    if text:
                        connection.write(text)
                    with pytest.raises(OSError) as caught:
                        await connection.read()
                    assert caught.value.errno in (errno.ETIMEDOUT, errno.EHOSTUNREACH)
                    return time.monotonic() - begin

    return run(both())


def test_a_peer_that_vanished_fails_the_keep_alive(net: Namespace, daemon: Smold, family: Family) -> None:
    # TCP-077: two probes that nobody answers.
    options = smolplane.TcpOptions(keep_alive=1, keep_alive_interval=0.5, keep_alive_probes=2)
    assert 1.9 < gone(net, daemon, family, options, b"") < 4 * PATIENCE
    now = daemon.counters()
    assert now["tcp_keepalive_sent"] == 2
    assert now["tcp_abort_on_timeout"] == 1


def test_a_peer_that_vanished_outlives_no_user_timeout(net: Namespace, daemon: Smold, family: Family) -> None:
    # TCP-071
    assert 1.4 < gone(net, daemon, family, smolplane.TcpOptions(user_timeout=1.5), b"anybody?") < 4 * PATIENCE
    assert daemon.counters()["tcp_abort_on_timeout"] == 1


# --- simultaneous open --------------------------------------------------------------------------------


def test_syns_that_cross_make_one_connection(net: Namespace, smold: Callable[..., Smold], family: Family,
                                             tmp_path: Path) -> None:
    # TCP-025
    file = tmp_path / "syns.pcap"
    daemon = listening(smold("--pcap", file, port={"faults": {"delay": "100ms"}}))

    async def both() -> None:
        loop = asyncio.get_running_loop()
        async with smolplane.connect(daemon.server) as plane:
            with kernel_socket(net, family) as sock:
                sock.bind((family.host, 9000))
                ours = asyncio.create_task(_connection(plane, family))
                await asyncio.sleep(0.02)
                await loop.sock_connect(sock, (family.address, 4000))
                connection = await ours
                await send(sock, b"theirs")
                connection.write(b"ours")
                assert await connection.readexactly(6) == b"theirs"
                assert await receive(sock) == b"ours"
                connection.abort()

    run(both())
    daemon.stop()
    assert count(file, f"{OURS} && tcp.flags.syn == 1 && tcp.flags.ack == 0") == 1
    assert count(file, f"{THEIRS} && tcp.flags.syn == 1 && tcp.flags.ack == 0") == 1
    assert count(file, f"{OURS} && tcp.flags.syn == 1 && tcp.flags.ack == 1") == 1


async def _connection(plane: smolplane.Plane, family: Family) -> smolplane.TcpConnection:
    return await plane.tcp_connect(family.host, 9000, local=(None, 4000))
