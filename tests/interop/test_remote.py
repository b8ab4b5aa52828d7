"""Sockets of the daemon for programs elsewhere: data, backpressure, ends and errors, through the Python client."""

from __future__ import annotations

import asyncio
import errno
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import grpc
import pytest
from api import asked
from conftest import IPV4, Family
from netns import DIVISOR, PATIENCE, Namespace, scaled, wait_until
from remote import (client, content, kernel_accept, kernel_connect, kernel_listener, kernel_socket, listening,
                    receive, receive_all, remote_sockets, resident, run, send, smolplane)
from smold import Smold
from smolplane.v1 import icmp_pb2, icmp_pb2_grpc, socket_pb2, tcp_pb2, types_pb2, udp_pb2, udp_pb2_grpc

KIB = 1 << 10
MIB = 1 << 20


@pytest.fixture
def daemon(smold: Callable[..., Smold]) -> Smold:
    return listening(smold())


@pytest.fixture(autouse=True)
def _everything_is_given_back(daemon: Smold) -> Iterator[None]:
    """Around each test: no socket, no connection and no packet of it stays."""
    before = daemon.counters()
    yield
    if daemon.running():
        daemon.wait_for_rest(before, 15)

        async def none_left() -> list[socket_pb2.Socket]:
            async with smolplane.connect(daemon.server) as plane:
                return await remote_sockets(plane)

        wait_until(lambda: run(none_left()) == [], 5, "remote sockets stay")


# --- TCP ----------------------------------------------------------------------------------------------


NGINX = """
daemon off; pid %(folder)s/pid; error_log stderr warn; user root;
events {}
http {
  access_log off; keepalive_timeout 0;
  client_body_temp_path %(folder)s/body; proxy_temp_path %(folder)s/proxy; fastcgi_temp_path %(folder)s/fastcgi;
  uwsgi_temp_path %(folder)s/uwsgi; scgi_temp_path %(folder)s/scgi;
  server { listen %(host)s:8000; root /usr/share/common-licenses; }
}
"""


def test_a_web_page_of_nginx(net: Namespace, daemon: Smold, family: Family, tmp_path: Path) -> None:
    file = tmp_path / "nginx.conf"
    host = f"[{family.host}]" if family.digit == "6" else family.host
    file.write_text(NGINX % {"folder": tmp_path, "host": host})
    server = net.start("nginx", "-p", tmp_path, "-e", "stderr", "-c", file)
    wanted = Path("/usr/share/common-licenses/GPL-3").read_bytes()

    def listens() -> bool:
        assert server.poll() is None and server.stderr is not None, server.stderr and server.stderr.read()
        return ":8000 " in net.run("ss", "-Hltn").out

    wait_until(listens, 10, "nginx does not listen")

    async def get() -> bytes:
        async with smolplane.connect(daemon.server) as plane:
            async with plane.tcp_connect(family.host, 8000) as connection:
                connection.write(b"GET /GPL-3 HTTP/1.0\r\n\r\n")
                assert (await connection.readline()).startswith(b"HTTP/1.1 200")
                await connection.readuntil(b"\r\n\r\n")
                return await connection.read()

    assert run(get()) == wanted


async def echo(connection: smolplane.TcpConnection) -> None:
    while data := await connection.read(65_536):
        connection.write(data)
        await connection.drain()


@pytest.mark.tsan
def test_an_echo_server_for_many(net: Namespace, daemon: Smold, family: Family) -> None:
    """socat, and a hundred at once."""
    said = content(scaled(256 * KIB, 16 * KIB))

    async def ask(number: int) -> None:
        mine = said[number:]
        sock = await kernel_connect(net, family, 7)
        with sock:
            async def write() -> None:
                await send(sock, mine)
                sock.shutdown(socket.SHUT_WR)

            got, _ = await asyncio.gather(receive_all(sock), write())
            assert got == mine

    async def serve() -> None:
        async with smolplane.connect(daemon.server) as plane, plane.tcp_listen(7, echo):
            out = await asyncio.to_thread(net.run, "socat", "-t", 20, "-", family.socat(7), stdin=said[:KIB])
            assert out.out == said[:KIB].decode(errors="replace")
            await asyncio.gather(*(ask(number) for number in range(100)))
            assert daemon.counters()["tcp_passive_opens"] >= 101

    run(serve(), 60)


@pytest.mark.tsan
def test_much_data_both_ways(net: Namespace, daemon: Smold, family: Family) -> None:
    """All of it, in order and whole, in both directions at once."""
    up, down = content(scaled(100 * MIB), 1), content(scaled(100 * MIB), 2)

    async def other_side(listener: socket.socket) -> None:
        with await kernel_accept(listener) as sock:
            async def write() -> None:
                await send(sock, down)
                sock.shutdown(socket.SHUT_WR)

            got, _ = await asyncio.gather(receive_all(sock), write())
            assert got == up

    async def this_side(plane: smolplane.Plane) -> None:
        async with plane.tcp_connect(family.host, 9000) as connection:
            async def write() -> None:
                for at in range(0, len(up), MIB):
                    connection.write(up[at:at + MIB])
                    await connection.drain()
                connection.write_eof()

            got, _ = await asyncio.gather(connection.read(), write())
            assert got == down

    async def both() -> None:
        with kernel_listener(net, family, 9000) as listener:
            async with smolplane.connect(daemon.server) as plane:
                await asyncio.gather(other_side(listener), this_side(plane))

    run(both(), 90)


@pytest.mark.parametrize("first", ["client", "peer"])
def test_who_has_closed_still_gets_an_answer(net: Namespace, daemon: Smold, family: Family, first: str) -> None:
    """A FIN, then a mebibyte the other way."""
    question, answer = b"what do you know?", content(MIB)

    async def both() -> None:
        with kernel_listener(net, family, 9000) as listener:
            async with smolplane.connect(daemon.server) as plane:
                async with plane.tcp_connect(family.host, 9000) as connection:
                    with await kernel_accept(listener) as sock:
                        if first == "client":
                            connection.write(question)
                            connection.write_eof()
                            assert await receive_all(sock) == question
                            writing = asyncio.ensure_future(send(sock, answer))
                            assert await connection.readexactly(MIB) == answer
                            await writing
                            sock.shutdown(socket.SHUT_WR)
                            assert await connection.read() == b""
                        else:
                            await send(sock, question)
                            sock.shutdown(socket.SHUT_WR)
                            assert await connection.read() == question
                            connection.write(answer)
                            connection.write_eof()
                            assert await receive_all(sock) == answer

    run(both())


# --- backpressure -------------------------------------------------------------------------------------

SMALL = smolplane.TcpOptions(send_buffer=64 * KIB, receive_buffer=64 * KIB)
STREAMS = 16
# A stream and direction: what gRPC lets be on its way, and two messages being filled; then the socket's own buffer. And
# what the allocator keeps, whatever the streams have: without a bound it would be 8 MiB a stream.
ALLOWED = STREAMS * (512 * KIB + 64 * KIB) + 4 * MIB


async def _settled(value: Callable[[], int], seconds: float) -> int:
    """What it is after it has not changed for a second; `seconds` in all."""
    begin = time.monotonic()
    last, since = value(), begin
    while time.monotonic() - begin < seconds or time.monotonic() - since < 1:
        assert time.monotonic() - begin < seconds + 20 * PATIENCE, "it goes on and on"
        await asyncio.sleep(0.05)
        if value() != last:
            last, since = value(), time.monotonic()
    return last


def test_a_reader_that_stops_closes_the_window(net: Namespace, daemon: Smold, family: Family) -> None:
    """The peers stand still, the daemon keeps little, another connection goes on; then everything arrives."""
    data = content(8 * MIB)
    sent = [0] * STREAMS

    async def feed(number: int, sock: socket.socket) -> None:
        while sent[number] < len(data):
            piece = data[sent[number]:sent[number] + 64 * KIB]
            await send(sock, piece)
            sent[number] += len(piece)
        sock.shutdown(socket.SHUT_WR)

    async def another(plane: smolplane.Plane, listener: socket.socket) -> None:
        async with plane.tcp_connect(family.host, 9000) as connection:
            with await kernel_accept(listener) as sock:
                await asyncio.gather(send(sock, data), connection.readexactly(len(data)))
                sock.shutdown(socket.SHUT_WR)

    async def both() -> None:
        with kernel_listener(net, family, 9000, so_sndbuf=64 * KIB) as listener:
            async with smolplane.connect(daemon.server) as plane:
                for _ in range(4):  # so that gRPC, if it did, would have found out how much it can buffer
                    await another(plane, listener)
                connections, socks = [], []
                for _ in range(STREAMS):
                    connections.append(await plane.tcp_connect(family.host, 9000, options=SMALL))
                    socks.append(await kernel_accept(listener))
                before = resident(daemon)
                feeders = [asyncio.ensure_future(feed(number, sock)) for number, sock in enumerate(socks)]
                held = await _settled(lambda: sum(sent), scaled(10))
                assert held < STREAMS * MIB, "they do not stand still"
                grown = resident(daemon) - before
                print(f"taken in: {held / STREAMS / KIB:.0f} KiB a stream; grown by {grown / STREAMS / KIB:.0f}")
                assert grown <= ALLOWED or DIVISOR > 1  # a sanitizer's own memory is no figure
                for connection in connections:
                    info = await connection.info()
                    assert info.rcv_wnd < 2 * info.rcv_mss + 4 * KIB, info
                await another(plane, listener)
                for connection, sock in zip(connections, socks):
                    async with connection:
                        assert await connection.read() == data
                    sock.close()
                await asyncio.gather(*feeders)

    run(both(), 60)


def test_a_peer_that_does_not_read_stops_the_writer(net: Namespace, daemon: Smold, family: Family) -> None:
    data = content(8 * MIB)
    written = [0] * STREAMS

    async def feed(number: int, connection: smolplane.TcpConnection) -> None:
        while written[number] < len(data):
            connection.write(data[written[number]:written[number] + 64 * KIB])
            await connection.drain()
            written[number] += 64 * KIB
        connection.write_eof()

    async def both() -> None:
        with kernel_listener(net, family, 9000, so_rcvbuf=64 * KIB) as listener:
            async with smolplane.connect(daemon.server) as plane:
                connections, socks = [], []
                for _ in range(STREAMS):
                    connections.append(await plane.tcp_connect(family.host, 9000, options=SMALL))
                    socks.append(await kernel_accept(listener))
                before = resident(daemon)
                feeders = [asyncio.ensure_future(feed(*each)) for each in enumerate(connections)]
                held = await _settled(lambda: sum(written), scaled(10))
                assert held < STREAMS * MIB, "they do not stand still"
                grown = resident(daemon) - before
                print(f"taken in: {held / STREAMS / KIB:.0f} KiB a stream; grown by {grown / STREAMS / KIB:.0f}")
                assert grown <= ALLOWED or DIVISOR > 1  # a sanitizer's own memory is no figure
                for connection, sock in zip(connections, socks):
                    with sock:
                        assert await receive_all(sock) == data
                await asyncio.gather(*feeders)
                for connection in connections:
                    connection.close()
                    await connection.wait_closed()

    run(both(), 60)


# --- ends that are none -------------------------------------------------------------------------------


async def _end_of(sock: socket.socket) -> str:
    """How the other side sees it end."""
    try:
        data = await receive(sock, 1)
    except ConnectionResetError:
        return "reset"
    return "closed" if data == b"" else "goes on"


@pytest.mark.tsan
@pytest.mark.parametrize("peer_closed", [False, True], ids=["open", "half closed"])
def test_a_killed_client_resets_its_connections(net: Namespace, daemon: Smold, family: Family,
                                                peer_closed: bool) -> None:
    """Those it made and those it accepted: nobody may take what it sent so far for all of it."""
    count = 10
    script = """
made = [await plane.tcp_connect(sys.argv[2], 9000) for _ in range(int(sys.argv[3]))]
async with plane.udp(("0.0.0.0", 9001)), plane.tcp_listen(9002) as listener:
    print("up", flush=True)
    taken = [await listener.accept() for _ in made]
    for connection in made + taken:
        connection.write(b"half of it")
        await connection.drain()
    await asyncio.sleep(1000)"""

    async def watch() -> None:
        with kernel_listener(net, family, 9000) as listener:
            process = client(net, daemon, script, family.host, count)
            socks = [await kernel_accept(listener) for _ in range(count)]
            assert process.stdout is not None
            await asyncio.to_thread(process.stdout.readline)
            socks += [await kernel_connect(net, family, 9002) for _ in range(count)]
            for sock in socks:
                assert await receive(sock) == b"half of it"
                if peer_closed:
                    sock.shutdown(socket.SHUT_WR)
            await asyncio.sleep(0.2)
            ends = [asyncio.ensure_future(_end_of(sock)) for sock in socks]
            await asyncio.sleep(0.05)
            process.kill()
            assert await asyncio.gather(*ends) == ["reset"] * len(socks)
            for sock in socks:
                sock.close()

    run(watch())


@pytest.mark.tsan
def test_an_aborted_connection_is_reset(net: Namespace, daemon: Smold, family: Family) -> None:
    async def both() -> None:
        with kernel_listener(net, family, 9000) as listener:
            async with smolplane.connect(daemon.server) as plane:
                for _ in range(20):
                    connection = await plane.tcp_connect(family.host, 9000)
                    with await kernel_accept(listener) as sock:
                        end = asyncio.ensure_future(_end_of(sock))
                        await asyncio.sleep(0)
                        connection.abort()
                        assert await end == "reset"

    run(both())


def test_a_listener_that_ends_resets_who_waits(net: Namespace, daemon: Smold, family: Family) -> None:
    async def both() -> None:
        async with smolplane.connect(daemon.server) as plane:
            async with plane.tcp_listen(9000):
                socks = [await kernel_connect(net, family, 9000) for _ in range(10)]
            for sock in socks:
                with sock:
                    assert await _end_of(sock) == "reset"
            with pytest.raises(ConnectionRefusedError):
                await kernel_connect(net, family, 9000)

    run(both())


# --- errors -------------------------------------------------------------------------------------------


async def _refused(work: Awaitable[object], kind: type[OSError], code: grpc.StatusCode, name: str,
                   field: str = "") -> OSError:
    """It fails so, and both the error and the daemon's own words say why."""
    with pytest.raises(OSError) as caught:
        await work
    refusal = caught.value.__cause__
    assert isinstance(refusal, smolplane.Refusal), repr(caught.value)
    assert (type(caught.value), refusal.code, refusal.name, refusal.field) == (kind, code, name, field)
    assert caught.value.errno == getattr(errno, name)
    return caught.value


def test_a_refused_connection(daemon: Smold, family: Family) -> None:
    async def both() -> None:
        async with smolplane.connect(daemon.server) as plane:
            await _refused(plane.tcp_connect(family.host, 1), ConnectionRefusedError, grpc.StatusCode.ABORTED,
                           "ECONNREFUSED")

    run(both())


def test_a_reset_connection(net: Namespace, daemon: Smold, family: Family) -> None:
    async def both() -> None:
        with kernel_listener(net, family, 9000) as listener:
            async with smolplane.connect(daemon.server) as plane:
                connection = await plane.tcp_connect(family.host, 9000)
                sock = await kernel_accept(listener)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                sock.close()
                await _refused(connection.read(), ConnectionResetError, grpc.StatusCode.ABORTED, "ECONNRESET")
                with pytest.raises(ConnectionResetError):
                    connection.write(b"x")
                    await connection.drain()

    run(both())


def test_a_peer_that_is_not_there(daemon: Smold, family: Family) -> None:
    """Nobody says its link address: the patient are told so, and the others that their time is over."""
    async def both() -> None:
        async with smolplane.connect(daemon.server) as plane:
            begin = time.monotonic()
            await _refused(plane.tcp_connect(family.host.replace("100", "77"), 9000, timeout=0.5), TimeoutError,
                           grpc.StatusCode.DEADLINE_EXCEEDED, "ETIMEDOUT")
            assert 0.4 < time.monotonic() - begin < 2 * PATIENCE
            await _refused(plane.tcp_connect(family.host.replace("100", "78"), 9000), OSError,
                           grpc.StatusCode.FAILED_PRECONDITION, "EHOSTUNREACH")

    run(both())


def test_an_address_that_is_in_use(daemon: Smold) -> None:
    async def both() -> None:
        async with smolplane.connect(daemon.server) as plane:
            async with plane.tcp_listen(9000), plane.udp(("0.0.0.0", 9000)):
                await _refused(plane.tcp_listen(9000), OSError, grpc.StatusCode.ALREADY_EXISTS, "EADDRINUSE")
                await _refused(plane.udp(("0.0.0.0", 9000)), OSError, grpc.StatusCode.ALREADY_EXISTS, "EADDRINUSE")
            await _refused(plane.tcp_connect("192.168.69.100", 9000, local=("192.168.69.50", 0)), OSError,
                           grpc.StatusCode.FAILED_PRECONDITION, "EADDRNOTAVAIL")

    run(both())


V4 = types_pb2.IpAddress(v4=0xC0A84564)
TO = types_pb2.Endpoint(address=V4, port=9000)


def _open(**fields: object) -> tcp_pb2.ConnectRequest:
    return tcp_pb2.ConnectRequest(open=tcp_pb2.TcpOpen(**fields))


def _seconds(seconds: int) -> dict[str, int]:
    return {"seconds": seconds}


CONNECTS = [
    (tcp_pb2.ConnectRequest(data=b"x"), "message"),
    (tcp_pb2.ConnectRequest(), "message"),
    (_open(), "open.remote.address"),
    (_open(remote=types_pb2.Endpoint(address=V4)), "open.remote.port"),
    (_open(remote=types_pb2.Endpoint(address=V4, port=65_536)), "open.remote.port"),
    (_open(remote=types_pb2.Endpoint(address=types_pb2.IpAddress(v6=bytes(15)), port=1)), "open.remote.address.v6"),
    (_open(remote=types_pb2.Endpoint(address=types_pb2.IpAddress(v6=bytes(10) + b"\xff\xff\1\2\3\4"), port=1)),
     "open.remote.address.v6"),
    (_open(remote=TO, local=types_pb2.Endpoint(port=65_536)), "open.local.port"),
    (_open(remote=TO, connect_timeout=_seconds(0)), "open.connect_timeout"),
    (_open(remote=TO, connect_timeout=_seconds(3601)), "open.connect_timeout"),
    (_open(remote=TO, options={"keep_alive": _seconds(-1)}), "open.options.keep_alive"),
    (_open(remote=TO, options={"user_timeout": _seconds(-1)}), "open.options.user_timeout"),
    (_open(remote=TO, options={"send_buffer": 4095}), "open.options.send_buffer"),
    (_open(remote=TO, options={"receive_buffer": (1 << 30) + 1}), "open.options.receive_buffer"),
]
LISTENS = [
    (tcp_pb2.ListenRequest(), "local.port"),
    (tcp_pb2.ListenRequest(local=types_pb2.Endpoint(port=65_536)), "local.port"),
    (tcp_pb2.ListenRequest(local=types_pb2.Endpoint(port=1), backlog=0), "backlog"),
    (tcp_pb2.ListenRequest(local=types_pb2.Endpoint(port=1), backlog=65_537), "backlog"),
    (tcp_pb2.ListenRequest(local=types_pb2.Endpoint(port=1), options={"send_buffer": 1}), "options.send_buffer"),
]
PINGS = [
    (icmp_pb2.PingRequest(), "remote"),
    (icmp_pb2.PingRequest(remote=V4, local=types_pb2.IpAddress(v6=bytes(16))), "local"),
    (icmp_pb2.PingRequest(remote=V4, interval=_seconds(3601)), "interval"),
    (icmp_pb2.PingRequest(remote=V4, timeout=_seconds(0)), "timeout"),
    (icmp_pb2.PingRequest(remote=V4, payload_octets=65_001), "payload_octets"),
    (icmp_pb2.PingRequest(remote=V4, hop_limit=256), "hop_limit"),
]
UDP_OPENS = [
    (udp_pb2.UdpServiceOpenRequest(), "message"),
    (udp_pb2.UdpServiceOpenRequest(open={"remote": types_pb2.Endpoint(address=V4)}), "open.remote.port"),
    (udp_pb2.UdpServiceOpenRequest(open={"receive_datagrams": 0}), "open.receive_datagrams"),
    (udp_pb2.UdpServiceOpenRequest(open={"remote": TO, "local": types_pb2.Endpoint(
        address=types_pb2.IpAddress(v6=bytes(16)))}), "open.local.address"),
]


@pytest.mark.tsan
def test_a_malformed_request_is_told_its_field(daemon: Smold) -> None:
    async def answer(call: grpc.aio.Call, requests: list[object]) -> tuple[grpc.StatusCode, str]:
        stream = smolplane.streams.Stream(call)
        with suppress(OSError):
            for request in requests:
                await stream.write(request)
        with pytest.raises(OSError) as caught:
            while await stream.read() is not None:
                pass
        refusal = caught.value.__cause__
        assert isinstance(refusal, smolplane.Refusal)
        assert str(refusal).startswith(f"{refusal.field}: "), refusal
        return refusal.code, refusal.field

    async def all_of_them() -> list[str]:
        wrong = []
        async with smolplane.connect(daemon.server) as plane:
            udp = udp_pb2_grpc.UdpServiceStub(plane.channel)
            icmp = icmp_pb2_grpc.IcmpServiceStub(plane.channel)
            cases = [(plane.tcp.Connect(), [request], field) for request, field in CONNECTS]
            cases += [(plane.tcp.Listen(request), [], field) for request, field in LISTENS]
            cases += [(icmp.Ping(request), [], field) for request, field in PINGS]
            cases += [(udp.Open(), [request], field) for request, field in UDP_OPENS]
            cases += [
                (plane.tcp.Attach(), [tcp_pb2.AttachRequest(data=b"x")], "message"),
                (udp.Open(), [udp_pb2.UdpServiceOpenRequest(open={}),
                              udp_pb2.UdpServiceOpenRequest(send={"datagrams": [{"payload": b"x"}]})],
                 "send.datagrams.remote"),
                (icmp.Open(), [icmp_pb2.IcmpServiceOpenRequest(open={"local": V4, "identifier": 65_536})],
                 "open.identifier"),
            ]
            for call, requests, field in cases:
                got = await answer(call, requests)
                if got != (grpc.StatusCode.INVALID_ARGUMENT, field):
                    wrong.append(f"{requests}: wanted {field}, got {got}")
        return wrong

    assert run(all_of_them()) == []


def test_nothing_may_follow_the_end(net: Namespace, daemon: Smold) -> None:
    """Nor a second `open`."""
    async def refused(plane: smolplane.Plane, requests: list[tcp_pb2.ConnectRequest], field: str) -> None:
        stream = smolplane.streams.Stream(plane.tcp.Connect())
        await stream.write(_open(remote=TO))
        assert (await stream.read()).opened.remote == TO
        for request in requests:
            await stream.write(request)
        await _refused(stream.read(), OSError, grpc.StatusCode.INVALID_ARGUMENT, "EINVAL", field)

    async def both() -> None:
        with kernel_listener(net, IPV4, 9000) as listener:
            async with smolplane.connect(daemon.server) as plane:
                end = [tcp_pb2.ConnectRequest(shutdown_write={}), tcp_pb2.ConnectRequest(data=b"x")]
                for requests, field in ((end, "data"), ([_open(remote=TO)], "message")):
                    await refused(plane, requests, field)
                    (await kernel_accept(listener)).close()

    run(both())


def test_every_question_has_its_answer(net: Namespace, daemon: Smold) -> None:
    """Asked for as fast as they can be sent, by one that reads of none until the last is on its way."""
    count = 2000

    async def both() -> None:
        with kernel_listener(net, IPV4, 9000) as listener:
            async with smolplane.connect(daemon.server) as plane:
                stream = smolplane.streams.Stream(plane.tcp.Connect())
                await smolplane.streams.opened(stream, _open(remote=TO), "opened")
                sock = await kernel_accept(listener)

                async def ask() -> None:
                    for _ in range(count):
                        await stream.write(tcp_pb2.ConnectRequest(query_info={}))
                    await stream.write(tcp_pb2.ConnectRequest(data=b"last"))

                with sock:
                    asking = asyncio.create_task(ask())
                    # What is under way between the two is bounded, so it may be that nobody can send on before we read.
                    await asyncio.wait([asking], timeout=1)
                    states = [(await stream.read()).info.state for _ in range(count)]
                    assert set(states) == {socket_pb2.TCP_STATE_ESTABLISHED}
                    await asking
                    assert await receive(sock) == b"last"
                stream.cancel()

    run(both())


# --- accept tokens ------------------------------------------------------------------------------------


async def _attach(plane: smolplane.Plane, token: bytes) -> smolplane.streams.Stream:
    stream = smolplane.streams.Stream(plane.tcp.Attach())
    up = await smolplane.streams.opened(stream, tcp_pb2.AttachRequest(accept_token=token), "opened")
    assert up.socket_id != 0
    return stream


def _listen(plane: smolplane.Plane, **fields: object) -> smolplane.streams.Stream:
    return smolplane.streams.Stream(plane.tcp.Listen(tcp_pb2.ListenRequest(local={"port": 9000}, **fields)))


def test_a_token_is_good_once(net: Namespace, daemon: Smold, family: Family) -> None:
    async def both() -> None:
        async with smolplane.connect(daemon.server) as plane:
            listener = _listen(plane)
            listening = (await listener.read()).listening
            assert listening.local.port == 9000 and listening.socket_id != 0
            with await kernel_connect(net, family, 9000) as sock:
                token = (await listener.read()).accepted.accept_token
                results = await asyncio.gather(*(_attach(plane, token) for _ in range(2)), return_exceptions=True)
                good = [each for each in results if isinstance(each, smolplane.streams.Stream)]
                assert len(good) == 1, results

                async def again() -> None:
                    raise next(each for each in results if isinstance(each, OSError))

                await _refused(again(), FileNotFoundError, grpc.StatusCode.NOT_FOUND, "ENOENT", "accept_token")
                await _refused(_attach(plane, b"guessed"), FileNotFoundError, grpc.StatusCode.NOT_FOUND, "ENOENT",
                               "accept_token")
                await good[0].write(tcp_pb2.AttachRequest(data=b"hello"))
                assert await receive(sock) == b"hello"
                good[0].cancel()
            listener.cancel()

    run(both())


def test_a_token_nobody_uses_expires(net: Namespace, daemon: Smold, family: Family) -> None:
    async def both() -> None:
        async with smolplane.connect(daemon.server) as plane:
            listener = _listen(plane)
            await listener.read()
            with await kernel_connect(net, family, 9000) as sock:
                begin = time.monotonic()
                token = (await listener.read()).accepted.accept_token
                assert await _end_of(sock) == "reset"
                assert 9 < time.monotonic() - begin < 11 + PATIENCE
            await _refused(_attach(plane, token), FileNotFoundError, grpc.StatusCode.NOT_FOUND, "ENOENT",
                           "accept_token")
            assert asked(daemon, "nstat", "remote.") == {"remote.listen_token_expired": 1}
            listener.cancel()

    run(both(), 40)


def test_the_backlog_bounds_who_waits(net: Namespace, daemon: Smold) -> None:
    """Told of and not attached to, or not even told of: no more than twice the backlog, and one that is on its way."""
    backlog = 8

    async def connect(socks: list[socket.socket]) -> bool:
        try:
            socks.append(await asyncio.wait_for(kernel_connect(net, IPV4, 9000), 2))
        except (TimeoutError, ConnectionRefusedError):
            return False
        return True

    async def both() -> None:
        socks: list[socket.socket] = []
        async with smolplane.connect(daemon.server) as plane:
            listener = _listen(plane, backlog=backlog)
            await listener.read()
            await asyncio.gather(*(connect(socks) for _ in range(64)))
            await asyncio.sleep(0.2)
            waiting = daemon.counters()["tcp_curr_estab"]
            assert backlog <= waiting <= 2 * backlog + 2, waiting
            tokens = []
            with suppress(TimeoutError):
                while True:
                    response = await asyncio.wait_for(listener.read(), 0.3 * PATIENCE)
                    tokens.append(response.accepted.accept_token)
            assert backlog <= len(tokens) <= backlog + 2
            # Once they are taken, there is room for others, at once.
            streams = [await _attach(plane, token) for token in tokens]
            begin = time.monotonic()
            assert (await listener.read()).accepted.accept_token not in tokens
            assert time.monotonic() - begin < 0.1 * PATIENCE
            for stream in streams:
                stream.cancel()
            listener.cancel()
        for sock in socks:
            sock.close()

    run(both())


# --- UDP and ICMP -------------------------------------------------------------------------------------


@pytest.mark.tsan
def test_datagrams_both_ways(net: Namespace, daemon: Smold, family: Family) -> None:
    async def both() -> None:
        loop = asyncio.get_running_loop()
        any_address = "0.0.0.0" if family is IPV4 else "::"
        with kernel_socket(net, family, socket.SOCK_DGRAM) as sock:
            sock.bind((family.host, 9000))
            async with smolplane.connect(daemon.server) as plane:
                async with plane.udp((any_address, 9001)) as udp:
                    assert udp.local.port == 9001
                    for data in (b"", b"x", content(1400)):
                        await loop.sock_sendto(sock, data, (family.address, 9001))
                        got = await udp.recv()
                        assert (got.data, got.remote, got.local) == (data, (family.host, 9000), family.address)
                        assert (got.interface, got.hop_limit) == ("smol0", 64)
                        assert abs(got.time - time.time()) < 5
                        await udp.send(data, got.remote)
                        back, sender = await loop.sock_recvfrom(sock, 65_536)
                        assert (back, sender[:2]) == (data, (family.address, 9001))
                async with plane.udp(remote=(family.host, 9000)) as udp:
                    await udp.send_many((bytes([number]), None) for number in range(200))
                    for number in range(200):
                        assert await receive(sock) == bytes([number])

    run(both())


def test_datagrams_nobody_reads_are_counted(net: Namespace, daemon: Smold, family: Family) -> None:
    """What gRPC and the queue hold is kept; of the rest the client is told how many."""
    count = scaled(8000, 4000)

    async def both() -> None:
        any_address = "0.0.0.0" if family is IPV4 else "::"
        with kernel_socket(net, family, socket.SOCK_DGRAM) as sock:
            async with smolplane.connect(daemon.server) as plane:
                async with plane.udp((any_address, 9001), receive_datagrams=4) as udp:
                    for number in range(count):
                        await asyncio.get_running_loop().sock_sendto(
                            sock, number.to_bytes(4, "big") + bytes(1000), (family.address, 9001))
                    got = 0
                    with suppress(TimeoutError):
                        while True:
                            await asyncio.wait_for(udp.recv(), 0.5 * PATIENCE)
                            got += 1
                    counters = daemon.counters()
                    assert (got, udp.dropped) == (counters["udp_in_datagrams"], counters["udp_rcvbuf_errors"])
                    assert got > 0 and udp.dropped > 0

    run(both())


def test_what_becomes_of_datagrams_is_told(net: Namespace, daemon: Smold, family: Family) -> None:
    async def both() -> None:
        async with smolplane.connect(daemon.server) as plane:
            async with plane.udp(remote=(family.host, 1)) as udp:
                await udp.send(b"to nobody")
                with pytest.raises(ConnectionRefusedError):
                    await asyncio.wait_for(udp.recv(), 5 * PATIENCE)
                await udp.send(bytes(65_535))
                with pytest.raises(OSError) as caught:
                    await asyncio.wait_for(udp.recv(), 5 * PATIENCE)
                assert caught.value.errno == errno.EMSGSIZE
                assert family.host in caught.value.filename

    run(both())


@pytest.mark.tsan
def test_ping(net: Namespace, daemon: Smold, family: Family) -> None:
    async def both() -> None:
        async with smolplane.connect(daemon.server) as plane:
            pings = plane.ping(family.host, 10, 0.02, size=1000)
            replies = [reply async for reply in pings]
            assert [reply.sequence for reply in replies] == list(range(10))
            for reply in replies:
                assert reply.error is None and reply.round_trip is not None
                assert (reply.remote, reply.octets, reply.hop_limit) == (family.host, 1000, 64)
                assert 0 < reply.round_trip < 1 * PATIENCE
            assert pings.summary is not None
            assert (pings.summary.sent, pings.summary.received) == (10, 10)
            assert 0 < pings.summary.least <= pings.summary.average <= pings.summary.most
            nobody = family.host.replace("100", "77")
            (reply,) = [reply async for reply in plane.ping(nobody, 1, timeout=0.2)]
            assert reply.round_trip is None and isinstance(reply.error, TimeoutError)

    run(both())


def test_a_router_that_says_no(net: Namespace, daemon: Smold, family: Family) -> None:
    """The kernel has no route to it, and says so; the daemon's default route goes there."""
    far = "203.0.113.1" if family is IPV4 else "2001:db8::1"
    forwards = "net.ipv4.ip_forward" if family is IPV4 else "net.ipv6.conf.all.forwarding"
    net.run("sysctl", "-q", "-w", f"{forwards}=1")

    async def both() -> None:
        async with smolplane.connect(daemon.server) as plane:
            (reply,) = [reply async for reply in plane.ping(far, 1, timeout=5)]
            assert isinstance(reply.error, OSError) and reply.error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH)
            if family is IPV4:
                assert reply.remote == family.host

    run(both())


# --- the end of the daemon ----------------------------------------------------------------------------


def test_a_daemon_that_ends_tells_its_clients(net: Namespace, daemon: Smold) -> None:
    async def both() -> None:
        with kernel_listener(net, IPV4, 9000) as listener:
            async with smolplane.connect(daemon.server) as plane:
                connection = await plane.tcp_connect(IPV4.host, 9000)
                udp = await plane.udp()
                with await kernel_accept(listener):
                    waiting = [asyncio.ensure_future(connection.read()), asyncio.ensure_future(udp.recv())]
                    await asyncio.sleep(0.1)
                    await asyncio.to_thread(daemon.stop, signal.SIGTERM)
                    results = await asyncio.gather(*waiting, return_exceptions=True)
                    assert all(isinstance(each, ConnectionError) for each in results), results
            with pytest.raises(smolplane.DaemonUnavailableError):
                async with smolplane.connect(daemon.server):
                    pass

    run(both())
