"""The Python package: that it behaves as asyncio's own sockets do, what its errors say, and that its examples run."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import select
import socket
import subprocess
import time
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path

import pytest
from conftest import IPV4, Family
from netns import PATIENCE, Namespace
from remote import (PACKAGE, PYTHON, SOURCE, content, kernel_accept, kernel_connect, kernel_listener,
                    kernel_socket, listening, receive, receive_all, run, send, smolplane)
from smold import INTERFACE, Smold
from smolplane.addresses import parse_endpoint, parse_host
from smolplane.capture import compile_filter

EXAMPLES = SOURCE / "examples"


@pytest.fixture
def daemon(smold: Callable[..., Smold]) -> Smold:
    return listening(smold())


# --- without a daemon ---------------------------------------------------------------------------------


def test_the_build_is_whole_and_typed() -> None:
    """What setup.py makes can be imported with nothing else in the way, and takes no name but its own."""
    script = ("import smolplane, smolplane.v1.tcp_pb2_grpc, sys; "
              "assert not [name for name in sys.modules if name == 'smol' or name.startswith('smol.')]; "
              "print(all(hasattr(smolplane, name) for name in smolplane.__all__))")
    done = subprocess.run([PYTHON, "-I", "-c", f"import sys; sys.path.insert(0, {str(PACKAGE)!r}); {script}"],
                          capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("True\n", "")
    assert {"py.typed", "tcp.py"} <= {path.name for path in (PACKAGE / "smolplane").iterdir()}
    assert (PACKAGE / "smolplane" / "v1" / "tcp_pb2.pyi").exists()


def test_a_checkout_that_was_not_generated_says_so(tmp_path: Path) -> None:
    package = tmp_path / "smolplane"
    package.mkdir()
    for path in (SOURCE / "smolplane").glob("*.py"):
        (package / path.name).write_text(path.read_text())
    done = subprocess.run([PYTHON, "-c", "import smolplane"], cwd=tmp_path, capture_output=True, text=True)
    assert "run clients/python/generate.py" in done.stderr.splitlines()[-1]


def test_generating_without_protoc_names_the_package(tmp_path: Path) -> None:
    done = subprocess.run([PYTHON, SOURCE / "generate.py"], env={**os.environ, "PATH": str(tmp_path)},
                          capture_output=True, text=True)
    assert (done.returncode, done.stderr) == \
        (1, "generate.py: protoc is not installed: apt-get install protobuf-compiler\n")


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1"])
def test_addresses_are_text_or_objects(host: str) -> None:
    assert parse_host(host) == parse_host(ip_address(host))
    endpoint, interface = parse_endpoint(host, 80)
    assert (smolplane.addresses.address_of(endpoint), interface) == ((host, 80), "")


def test_a_link_local_address_names_its_interface() -> None:
    address, interface = parse_host("fe80::1%smol0")
    assert (smolplane.addresses.host_of(address), interface) == ("fe80::1", "smol0")


@pytest.mark.parametrize(("call", "sentence"), [
    (lambda: parse_host("example.org"), "'example.org' is no IP address: look names up first, such as with "
                                        "loop.getaddrinfo()"),
    (lambda: parse_endpoint("192.0.2.1", 65_536), "port 65536 is not 0 to 65535"),
    (lambda: smolplane.capture.taps_of(["up"]), "'up' is no tap: there are rx, tx and drop"),
])
def test_what_is_wrong_before_it_is_sent(call: Callable[[], object], sentence: str) -> None:
    with pytest.raises(ValueError) as caught:
        call()
    assert str(caught.value) == sentence


def test_filters_are_those_of_tcpdump() -> None:
    compiled = compile_filter("udp port 53")
    done = subprocess.run(["tcpdump", "-y", "EN10MB", "-s", "262144", "-ddd", "udp port 53"], capture_output=True,
                          text=True, check=True)
    lines = [tuple(map(int, line.split())) for line in done.stdout.splitlines()[1:]]
    assert [(one.code, one.jt, one.jf, one.k) for one in compiled.instructions] == lines
    assert compiled.text == "udp port 53"
    with pytest.raises(ValueError, match="^filter 'udp prt 53': .*syntax error"):
        compile_filter("udp prt 53")


def test_no_daemon(tmp_path: Path) -> None:
    async def connect() -> None:
        async with smolplane.connect(f"unix://{tmp_path}/none.sock"):
            pass

    with pytest.raises(smolplane.DaemonUnavailableError, match="no smold answers at unix://.*/none.sock: ") as caught:
        run(connect())
    assert isinstance(caught.value, ConnectionError)


# --- as asyncio's -------------------------------------------------------------------------------------


def test_a_timeout_around_a_read_costs_nothing(net: Namespace, daemon: Smold) -> None:
    """gRPC's own calls would be cancelled by it."""
    async def both() -> None:
        with kernel_listener(net, IPV4, 9000) as listener:
            async with smolplane.connect(daemon.server) as plane, plane.tcp_connect(IPV4.host, 9000) as connection:
                with await kernel_accept(listener) as sock:
                    async with plane.udp(("0.0.0.0", 9001)) as udp:
                        for _ in range(3):
                            for reading in (connection.read(1), udp.recv()):
                                with pytest.raises(TimeoutError):
                                    await asyncio.wait_for(reading, 0.05)
                        await send(sock, b"late")
                        assert await connection.read(10) == b"late"
                        with kernel_socket(net, IPV4, socket.SOCK_DGRAM) as other:
                            await asyncio.get_running_loop().sock_sendto(other, b"late", (IPV4.address, 9001))
                        assert (await udp.recv()).data == b"late"

    run(both())


def test_reading_by_lines_and_counts(net: Namespace, daemon: Smold) -> None:
    async def both() -> None:
        with kernel_listener(net, IPV4, 9000) as listener:
            async with smolplane.connect(daemon.server) as plane, plane.tcp_connect(IPV4.host, 9000) as connection:
                with await kernel_accept(listener) as sock:
                    await send(sock, b"a line\nhalf--12345678rest")
                    assert await connection.readline() == b"a line\n"
                    assert await connection.readuntil(b"--") == b"half--"
                    assert await connection.readexactly(8) == b"12345678"
                    assert await connection.read(2) == b"re"
                    assert not connection.at_eof()
                with pytest.raises(asyncio.IncompleteReadError) as caught:
                    await connection.readexactly(10)
                assert caught.value.partial == b"st"
                assert connection.at_eof()

    run(both())


def test_what_is_known_of_a_connection(net: Namespace, daemon: Smold, family: Family) -> None:
    async def both() -> None:
        with kernel_listener(net, family, 9000) as listener:
            async with smolplane.connect(daemon.server) as plane:
                assert plane.server_info.pid == daemon.pid
                async with plane.tcp_connect(ip_address(family.host), 9000, local=(family.address, 12_345),
                                             options=smolplane.TcpOptions(nodelay=True)) as connection:
                    (await kernel_accept(listener)).close()
                    assert connection.local == (family.address, 12_345)
                    assert connection.remote == (family.host, 9000)
                    assert str(connection.remote) == f"{family.host if family is IPV4 else f'[{family.host}]'}:9000"
                    assert (await connection.info()).snd_mss > 500
                    assert repr(connection) == f"<TcpConnection {connection.local} -> {connection.remote}>"
                with pytest.raises(OSError) as caught:
                    await connection.info()
                assert caught.value.errno == errno.EBADF

    run(both())


def test_options_are_taken_and_can_be_changed(net: Namespace, daemon: Smold, family: Family) -> None:
    async def both() -> None:
        with kernel_listener(net, family, 9000) as listener:
            async with smolplane.connect(daemon.server) as plane:
                options = smolplane.TcpOptions(congestion_control="bbr", ecn="ask", hop_limit=9, receive_buffer=65_536)
                async with plane.tcp_connect(ip_address(family.host), 9000, options=options,
                                             first_data=b"first ") as connection:
                    with await kernel_accept(listener) as peer:
                        info = await connection.info()
                        assert (info.congestion, info.receive_buffer_max, info.nagle) == ("bbr", 65_536, True)
                        assert info.congestion_info.phase == "startup"
                        await connection.set_options(smolplane.TcpOptions(nodelay=True, cork=True))
                        connection.write(b"second")
                        while not (info := await connection.info()).unsent:
                            assert info.bytes_sent <= 6, "what is corked goes"
                        assert not info.nagle
                        await connection.set_options(smolplane.TcpOptions(cork=False))
                        got = b""
                        while len(got) < 12:
                            got += await receive(peer)
                        assert got == b"first second"
                with pytest.raises(ValueError, match="ecn: there is no 'perhaps'"):
                    smolplane.TcpOptions(ecn="perhaps").message()
                with pytest.raises(OSError, match="open.options.hop_limit: must be 1 to 255"):
                    await plane.tcp_connect(ip_address(family.host), 9000, options=smolplane.TcpOptions(hop_limit=256))

    run(both())


def test_urgent_data_both_ways(net: Namespace, daemon: Smold, family: Family) -> None:
    # TCP-067
    async def both() -> None:
        with kernel_listener(net, family, 9000) as listener:
            async with smolplane.connect(daemon.server) as plane:
                async with plane.tcp_connect(ip_address(family.host), 9000) as connection:
                    told: asyncio.Queue[int] = asyncio.Queue()
                    connection.on_urgent(told.put_nowait)
                    with await kernel_accept(listener) as peer:
                        peer.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
                        await send(peer, b"abc")
                        peer.send(b"d", socket.MSG_OOB)
                        assert await told.get() in (3, 4)  # Linux points at the last octet or behind it
                        assert await connection.readexactly(4) == b"abcd"
                        connection.write(b"plain ")
                        await connection.write_urgent(b"now")
                        ready = await asyncio.to_thread(select.select, [], [], [peer], 5 * PATIENCE)
                        assert ready[2] == [peer], "the peer is told that it is urgent"
                        got = b""
                        while len(got) < 9:
                            got += await receive(peer)
                        assert got == b"plain now"

    run(both())


def test_what_nobody_wants_to_read(net: Namespace, daemon: Smold, family: Family) -> None:
    async def both() -> None:
        with kernel_listener(net, family, 9000) as listener:
            async with smolplane.connect(daemon.server) as plane:
                async with plane.tcp_connect(ip_address(family.host), 9000) as connection:
                    with await kernel_accept(listener) as peer:
                        await connection.shutdown_read()
                        assert await connection.read() == b""
                        await send(peer, b"x" * 100_000)  # thrown away, and acknowledged
                        connection.write(b"still here")
                        assert await receive(peer) == b"still here"

    run(both())


def test_a_protocol_of_asyncio(net: Namespace, daemon: Smold) -> None:
    """With asyncio's own streams over it, and with what a transport must do."""
    class Collects(asyncio.Protocol):
        def __init__(self) -> None:
            self.said: list[object] = []
            self.lost = asyncio.get_running_loop().create_future()

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.said.append("made")

        def data_received(self, data: bytes) -> None:
            self.said.append(data)

        def eof_received(self) -> None:
            self.said.append("eof")  # None: the transport closes

        def connection_lost(self, error: Exception | None) -> None:
            self.lost.set_result(error)

    async def both() -> None:
        with kernel_listener(net, IPV4, 9000) as listener:
            async with smolplane.connect(daemon.server) as plane:
                transport, protocol = await plane.create_connection(Collects, IPV4.host, 9000)
                assert transport.get_protocol() is protocol
                assert transport.get_extra_info("peername") == (IPV4.host, 9000)
                with await kernel_accept(listener) as sock:
                    transport.writelines([b"one", b"two"])
                    assert await receive(sock) == b"onetwo"
                    transport.pause_reading()
                    assert not transport.is_reading()
                    for piece in (b"x", b"y", b"z"):
                        await send(sock, piece)
                        await asyncio.sleep(0.1)
                    quiet = list(protocol.said)
                    transport.resume_reading()
                    sock.shutdown(socket.SHUT_WR)
                    assert await receive_all(sock) == b""
                    assert await protocol.lost is None
                assert quiet in (["made"], ["made", b"x"])  # a read was under way
                assert b"".join(filter(lambda each: isinstance(each, bytes), protocol.said)) == b"xyz"
                assert protocol.said[-1] == "eof"

    run(both())


def test_write_limits_pause_a_protocol(net: Namespace, daemon: Smold) -> None:
    calls: list[str] = []

    class Slow(asyncio.Protocol):
        def pause_writing(self) -> None:
            calls.append("pause")

        def resume_writing(self) -> None:
            calls.append("resume")

    async def both() -> None:
        with kernel_listener(net, IPV4, 9000) as listener:
            async with smolplane.connect(daemon.server) as plane:
                transport, _ = await plane.create_connection(Slow, IPV4.host, 9000)
                transport.set_write_buffer_limits(high=1000, low=10)
                assert transport.get_write_buffer_limits() == (10, 1000)
                with pytest.raises(ValueError):
                    transport.set_write_buffer_limits(high=1, low=2)
                transport.write(bytes(1000))
                assert (calls, transport.get_write_buffer_size()) == ([], 1000)
                transport.write(b"x")
                assert calls == ["pause"]
                with await kernel_accept(listener) as sock:
                    transport.write_eof()
                    with pytest.raises(RuntimeError):
                        transport.write(b"x")
                    assert len(await receive_all(sock)) == 1001
                    assert calls == ["pause", "resume"]
                transport.abort()

    run(both())


# --- ends ---------------------------------------------------------------------------------------------


def test_close_delivers_what_was_written(net: Namespace, daemon: Smold, family: Family) -> None:
    """However fast the program goes on: with the plane, or not waiting at all."""
    data = content(1 << 20)

    async def both() -> None:
        with kernel_listener(net, family, 9000) as listener:
            async def collect() -> bytes:
                with await kernel_accept(listener) as sock:
                    return await receive_all(sock)

            for _ in range(5):
                got = asyncio.ensure_future(collect())
                async with smolplane.connect(daemon.server) as plane:
                    connection = await plane.tcp_connect(family.host, 9000)
                    connection.write(data)
                    connection.close()
                assert await got == data

    run(both())


def test_who_lingers_hears_that_all_was_delivered(net: Namespace, daemon: Smold, family: Family) -> None:
    """The peer need not close its side, and one that has gone is not waited for."""
    async def both() -> None:
        options = smolplane.TcpOptions(linger=1)
        with kernel_listener(net, family, 9000) as listener:
            async with smolplane.connect(daemon.server) as plane:
                connection = await plane.tcp_connect(family.host, 9000, options=options)
                with await kernel_accept(listener) as peer:
                    connection.write(b"last words")
                    connection.close()
                    begin = time.monotonic()
                    await connection.wait_closed()
                    assert time.monotonic() - begin < 0.9 * PATIENCE
                    assert await receive(peer) == b"last words"
                late = await plane.tcp_connect(family.host, 9000, options=options)
                with await kernel_accept(listener):
                    net.ip("link", "set", INTERFACE, "down")
                    late.write(b"never heard")
                    late.write_eof()
                    late.close()
                    with pytest.raises(TimeoutError, match="not all was acknowledged: timed out"):
                        await late.wait_closed()

    run(both())
    assert daemon.counters()["tcp_abort_on_linger"] == 1


def test_who_lingers_for_no_time_resets(net: Namespace, daemon: Smold, family: Family) -> None:
    async def both() -> None:
        with kernel_listener(net, family, 9000) as listener:
            async with smolplane.connect(daemon.server) as plane:
                connection = await plane.tcp_connect(family.host, 9000)
                with await kernel_accept(listener) as peer:
                    await connection.set_options(smolplane.TcpOptions(linger=0))
                    connection.close()
                    await connection.wait_closed()
                    with pytest.raises(ConnectionResetError):
                        await receive(peer)

    run(both())


def test_an_exception_resets(net: Namespace, daemon: Smold) -> None:
    async def both() -> None:
        with kernel_listener(net, IPV4, 9000) as listener:
            async with smolplane.connect(daemon.server) as plane:
                with pytest.raises(KeyError):
                    async with plane.tcp_connect(IPV4.host, 9000):
                        sock = await kernel_accept(listener)
                        raise KeyError
                with sock, pytest.raises(ConnectionResetError):
                    await receive(sock)

    run(both())


def test_a_peer_that_does_not_close_is_not_waited_for_forever(net: Namespace, daemon: Smold) -> None:
    async def both() -> None:
        with kernel_listener(net, IPV4, 9000) as listener:
            async with smolplane.connect(daemon.server) as plane:
                async with plane.tcp_connect(IPV4.host, 9000, linger=0.3) as connection:
                    sock = await kernel_accept(listener)
                    connection.write(b"bye")
                with sock:
                    assert await receive(sock) == b"bye"
                    assert await receive(sock) == b""  # a FIN first
                    with pytest.raises((ConnectionResetError, BrokenPipeError)):
                        for _ in range(100):
                            await send(sock, b"still here")
                            await asyncio.sleep(0.01)

    run(both())


def test_a_cancelled_connect_leaves_nothing(daemon: Smold) -> None:
    async def both() -> None:
        async with smolplane.connect(daemon.server) as plane:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await plane.tcp_connect("192.168.69.77", 9000)

    before = daemon.counters()
    run(both())
    daemon.wait_for_rest(before)


def test_a_handler_that_fails_is_heard_of(net: Namespace, daemon: Smold) -> None:
    async def fail(connection: smolplane.TcpConnection) -> None:
        raise KeyError("mine")

    async def both() -> None:
        heard: list[dict[str, object]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: heard.append(context))
        async with smolplane.connect(daemon.server) as plane, plane.tcp_listen(9000, fail) as listener:
            assert listener.local is None or listener.local.port == 9000
            with await kernel_connect(net, IPV4, 9000) as sock:
                with pytest.raises(ConnectionResetError):
                    await receive(sock)
        # gRPC tells any event loop about calls of those that tests before had closed.
        told = [context for context in heard if "Event loop is closed" not in str(context["exception"])]
        assert [repr(context["exception"]) for context in told] == ["KeyError('mine')"]

    run(both())


def test_accepting_one_by_one(net: Namespace, daemon: Smold) -> None:
    async def both() -> None:
        async with smolplane.connect(daemon.server) as plane, plane.tcp_listen(9000, host="0.0.0.0") as listener:
            assert listener.local == ("0.0.0.0", 9000)
            socks = [await kernel_connect(net, IPV4, 9000) for _ in range(3)]
            ports = set()
            async for connection in listener:
                ports.add(connection.remote.port)
                connection.abort()
                if len(ports) == len(socks):
                    listener.close()
            assert ports == {sock.getsockname()[1] for sock in socks}
            for sock in socks:
                sock.close()

    run(both())


# --- captures -----------------------------------------------------------------------------------------


def test_a_capture(net: Namespace, daemon: Smold, family: Family) -> None:
    async def both() -> None:
        async with smolplane.connect(daemon.server) as plane:
            word = "icmp" if family is IPV4 else "icmp6 and ip6[40] >= 128 and ip6[40] <= 129"
            async with plane.capture(word, count=20, low_latency=True) as capture:
                await asyncio.to_thread(net.run, "ping", "-n", "-q", "-i", 0.01, "-c", 10, family.address)
                packets = [packet async for packet in capture]
                assert [packet.direction for packet in packets].count("in") == 10
                assert {(packet.interface, packet.dropped, packet.reason) for packet in packets} == \
                    {("smol0", False, "")}
                assert all(packet.length == len(packet.data) for packet in packets)
                assert (capture.end, capture.stats.delivered) == ("limit", 20)
            with kernel_socket(net, family, socket.SOCK_DGRAM) as sock:
                async with plane.capture(taps=["drop"], reasons=["udp_port_unreachable"], count=1) as capture:
                    await asyncio.get_running_loop().sock_sendto(sock, b"x", (family.address, 9))
                    (packet,) = [packet async for packet in capture]
                    assert (packet.dropped, packet.reason, packet.direction) == (True, "udp_port_unreachable", "in")

    run(both())


# --- examples -----------------------------------------------------------------------------------------


def _example(net: Namespace, daemon: Smold, name: str, *words: object) -> subprocess.Popen[bytes]:
    return net.start(PYTHON, "-u", EXAMPLES / name, "--server", daemon.server, *words,
                     environment={"PYTHONPATH": str(PACKAGE)})


def _said(process: subprocess.Popen[bytes], seconds: float = 20) -> str:
    out, err = process.communicate(timeout=seconds * PATIENCE)
    assert (process.returncode, err.decode()) == (0, "")
    return out.decode()


def test_example_http_get(net: Namespace, daemon: Smold, family: Family) -> None:
    with kernel_listener(net, family, 8000) as listener:
        listener.setblocking(True)
        process = _example(net, daemon, "http_get.py", family.host, "--port", 8000, "--path", "/x")
        sock, _ = listener.accept()
        with sock:
            assert sock.recv(4096).startswith(b"GET /x HTTP/1.1\r\n")
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n")
        assert _said(process) == "hello\n"


def test_example_echo_server(net: Namespace, daemon: Smold, family: Family) -> None:
    process = _example(net, daemon, "echo_server.py", "--port", 7)
    assert process.stdout is not None and b"listens" in process.stdout.readline()
    assert net.run("socat", "-t", 10, "-", family.socat(7), stdin=b"hello").out == "hello"
    process.terminate()


def test_example_udp_echo(net: Namespace, daemon: Smold) -> None:
    process = _example(net, daemon, "udp_echo.py", "--port", 7)
    assert process.stdout is not None and b"listens" in process.stdout.readline()
    assert net.run("socat", "-t", 2, "-", IPV4.socat(7, "udp"), stdin=b"hello").out == "hello"
    process.terminate()


def test_example_ping(net: Namespace, daemon: Smold, family: Family) -> None:
    said = _said(_example(net, daemon, "ping.py", family.host, "--count", 3, "--interval", 0.01))
    assert len(re.findall(rf"^64 octets from {family.host}: seq=\d hop_limit=64 time=\d+\.\d+ ms$", said, re.M)) == 3
    assert "3 sent, 3 received" in said


def test_example_capture(net: Namespace, daemon: Smold) -> None:
    process = _example(net, daemon, "capture.py", "icmp", "--count", 2)
    assert process.stdout is not None and b"captures" in process.stdout.readline()
    net.run("ping", "-n", "-q", "-c", 1, IPV4.address)
    assert len(re.findall(r"^\S+ (in|out) smol0 98 octets$", _said(process), re.M)) == 2


def test_the_paste_able_examples_run(net: Namespace, daemon: Smold) -> None:
    """Each python block of README and how-to, against the demo and a web server where they say it is."""
    server = net.start("/usr/bin/python3", "-u", "-m", "http.server", "--bind", IPV4.host, "80", "--directory",
                       "/usr/share/common-licenses")
    assert server.stdout is not None and server.stdout.readline()
    for path in (SOURCE / "README.md", SOURCE.parents[1] / "docs" / "howto" / "python.md"):
        blocks = re.findall(r"^```python\n(.*?)^```$", path.read_text(), re.M | re.S)
        assert blocks, path
        for block in blocks:
            compile(block, str(path), "exec")
            if "serve_forever" in block:
                continue  # which never ends; its like is among the examples
            text = block.replace("smolplane.connect()", f"smolplane.connect({daemon.server!r})")
            done = subprocess.run([PYTHON, "-c", text], capture_output=True, text=True, timeout=20 * PATIENCE,
                                  env={**os.environ, "PYTHONPATH": str(PACKAGE)})
            assert done.returncode == 0, f"{path}\n{block}\n{done.stderr}"
