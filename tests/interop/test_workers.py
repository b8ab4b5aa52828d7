"""Several workers behind one tap: what users see does not depend on how many there are, and each worker has its share."""

from __future__ import annotations

import asyncio
import json
import socket
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from api import smolctl
from capture import tcpdump
from conftest import Family
from netns import Namespace, scaled, wait_until
from peer import PROGRAM, peer
from remote import (content, kernel_accept, kernel_connect, kernel_listener, kernel_says_at_once, kernel_socket, listening,
                    receive_all, run, send, smolplane)
from smold import Smold


@pytest.fixture
def workers() -> int:
    """An odd number, so that no power of two hides what is shared out wrongly."""
    return 3


@pytest.fixture
def daemon(smold: Callable[..., Smold], workers: int) -> Smold:
    return listening(smold("--workers", workers))


def workers_of(daemon: Smold, *words: object) -> Counter[int]:
    """How many sockets each worker has, of those that `smolctl ss WORDS` lists."""
    return Counter(row["worker"] for row in json.loads(smolctl(daemon, "-j", "ss", *words).out))


def all_taken(daemon: Smold) -> bool:
    now = daemon.counters()
    return now["worker.handed_over"] == now["worker.taken_over"]


@pytest.mark.tsan
@pytest.mark.parametrize("workers", [2, 3, 4], ids=lambda count: f"{count}-workers")
def test_every_request_is_answered_whoever_has_it(net: Namespace, daemon: Smold, family: Family, workers: int) -> None:
    requests = 120
    urls = [word for _ in range(requests) for word in ("-o", "/dev/null", f"{family.url}/hello")]
    done = net.run("curl", "-sS", "-g", "-Z", "--parallel-max", 20, "-m", 60, "-H", "Connection: close",
                   "-w", "%{http_code}\n", *urls, limit=60)
    assert Counter(done.out.split()) == {"200": requests}
    counters = daemon.wait_for_counters(5, tcp_passive_opens=requests, **{"drop.handover_full": 0})
    # The last packets may still be on their way.
    wait_until(lambda: all_taken(daemon), 5, "not all that was handed over was taken over")
    assert counters["worker.handed_over"] > 0


@pytest.mark.tsan
def test_streams_are_whole_whichever_way_they_go(net: Namespace, daemon: Smold, family: Family) -> None:
    octets = scaled(64 << 20)
    receivers = [net.start(PROGRAM, "receive", family.address, 6972, octets) for _ in range(3)]
    sent = [peer(net, family, "send", 6971, octets) for _ in range(3)]
    for receiver in receivers:
        out, err = receiver.communicate(timeout=110)
        assert receiver.returncode == 0, (out, err)
    for one in sent:
        line = daemon.wait_for_line(rf':{one["port"]} closed: (.+)"$', 10)
        assert line[1] == f"{one['octets']} octets, crc32c {one['crc32c']}"


def test_listeners_and_connections_are_on_all_workers(net: Namespace, daemon: Smold, family: Family,
                                                      workers: int) -> None:
    count = 40

    async def both() -> None:
        loop = asyncio.get_running_loop()
        async with smolplane.connect(daemon.server) as plane:
            async def echo(connection: smolplane.TcpConnection) -> None:
                connection.writer.write(await connection.reader.readexactly(5))
                await connection.reader.read()

            async with plane.tcp_listen(9001, echo):
                clients = [await kernel_connect(net, family, 9001) for _ in range(count)]
                for client in clients:
                    await send(client, b"hello")
                for client in clients:
                    assert await loop.sock_recv(client, 5) == b"hello"
                spread = workers_of(daemon, "-t", "sport", "=", ":9001", "state", "established")
                assert sum(spread.values()) == count
                assert sorted(spread) == list(range(workers)), spread
                assert workers_of(daemon, "-t", "-l", "sport", "=", ":9001") == \
                    {worker: 2 for worker in range(workers)}
                for client in clients:
                    client.close()

    run(both())


def test_a_cookie_of_one_worker_is_good_for_all(net: Namespace, daemon: Smold, family: Family) -> None:
    """Fast Open: the flow that shows a cookie is seldom of the worker that gave it."""
    count = 12

    async def echo(connection: smolplane.TcpConnection) -> None:
        while data := await connection.read(65_536):
            connection.write(data)

    async def both() -> list[tuple[bytes, bool]]:
        async with smolplane.connect(daemon.server) as plane, plane.tcp_listen(9000, echo, fast_open=8):
            return [await asyncio.to_thread(kernel_says_at_once, net, family, 9000, b"at once") for _ in range(count)]

    assert run(both()) == [(b"at once", number > 0) for number in range(count)]
    now = daemon.counters()
    assert now["tcp_fast_open_passive"] == count - 1
    assert now["tcp_fast_open_passive_fail"] == 0


def test_a_connection_goes_to_the_worker_that_owns_the_port_asked_for(net: Namespace, daemon: Smold, family: Family,
                                                                      workers: int) -> None:
    count = 24

    async def both() -> None:
        with kernel_listener(net, family, 9000) as listener:
            async with smolplane.connect(daemon.server) as plane:
                for number in range(count):
                    async with plane.tcp_connect(family.host, 9000, local=(None, 20_000 + number)) as connection:
                        with await kernel_accept(listener) as sock:
                            assert sock.getpeername()[:2] == (family.address, 20_000 + number)
                            data = content(10_000, number)
                            await send(sock, data)
                            assert await connection.reader.readexactly(len(data)) == data
                            connection.writer.write(data)
                            connection.writer.write_eof()
                            assert await receive_all(sock) == data

    run(both())
    assert daemon.counters()["tcp_active_opens"] == count


def test_a_datagram_socket_has_the_datagrams_of_all_flows(net: Namespace, daemon: Smold, family: Family) -> None:
    async def both() -> None:
        loop = asyncio.get_running_loop()
        async with smolplane.connect(daemon.server) as plane:
            for port in (9001, 0):
                async with plane.udp(("0.0.0.0" if family.digit == "4" else "::", port)) as udp:
                    for number in range(30):
                        with kernel_socket(net, family, socket.SOCK_DGRAM) as sock:
                            await loop.sock_sendto(sock, bytes([number]), (family.address, udp.local.port))
                            got = await udp.recv()
                            assert got.data == bytes([number])
                            await udp.send(b"back", got.remote)
                            assert await loop.sock_recv(sock, 10) == b"back"

    run(both())


def test_pings_of_ours_come_back(net: Namespace, daemon: Smold, family: Family) -> None:
    for _ in range(8):
        done = smolctl(daemon, "ping", family.host, "-c", 3, "-i", 0.01, "-q")
        assert "3 received, 0% packet loss" in done.out


def test_one_resolution_is_one_request_however_many_workers_ask(net: Namespace, daemon: Smold, tmp_path: Path) -> None:
    """Nobody has spoken with this host before, and all workers want to at the same moment."""
    host = "192.168.69.77"
    net.ip("addr", "add", f"{host}/24", "dev", "smol0")
    file = tmp_path / "arp.pcap"

    async def connect_all() -> None:
        with net.inside():
            listener = socket.socket()
        listener.setblocking(False)
        listener.bind((host, 9000))
        listener.listen(100)
        with listener:
            async with smolplane.connect(daemon.server) as plane:
                connections = await asyncio.gather(*(plane.tcp_connect(host, 9000) for _ in range(20)))
                for connection in connections:
                    connection.writer.close()

    with tcpdump(net, "smol0", file):
        run(connect_all())
    shown = net.run("tcpdump", "-n", "-r", file, "arp").out.splitlines()
    asked = [line for line in shown if f"Request who-has {host} tell 192.168.69.1" in line]
    assert len(asked) == 1, shown
