"""The connection to a daemon, from which all sockets come."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from types import TracebackType
from typing import Any, Self, TypeVar

import grpc

from smolplane import capture as captures
from smolplane import ping as pings
from smolplane import tcp, udp
from smolplane.addresses import Host, parse_endpoint, parse_host
from smolplane.errors import DaemonUnavailableError, error_of_rpc
from smolplane.streams import Opening, Stream, opened
from smolplane.transport import TcpTransport
from smolplane.v1 import (admin_pb2, admin_pb2_grpc, capture_pb2, capture_pb2_grpc, icmp_pb2, icmp_pb2_grpc,
                          socket_pb2_grpc, tcp_pb2, tcp_pb2_grpc, udp_pb2, udp_pb2_grpc)

SERVER = "unix:///run/smol/ctl.sock"

_CHANNEL_OPTIONS = (
    # What the daemon may send ahead of a stream's reader. Left to itself gRPC takes 4 MiB and more.
    ("grpc.http2.lookahead_bytes", 262_144),
    ("grpc.http2.bdp_probe", 0),
    ("grpc.max_receive_message_length", 16 << 20),
    # Two planes are two connections, even to one daemon.
    ("grpc.use_local_subchannel_pool", 1),
)
_ANSWER_SECONDS = 10.0

Answer = TypeVar("Answer")
P = TypeVar("P", bound=asyncio.BaseProtocol)


def connect(server: str = SERVER) -> Plane:
    """The daemon at `server`, an address as gRPC has them: "unix:///run/smol/ctl.sock". Use it with `async with`: it is
    connected at the beginning, and everything that came from it is closed at the end."""
    return Plane(server)


class Plane:
    """A daemon. Made by connect()."""

    def __init__(self, server: str) -> None:
        self.server = server
        self.server_info = admin_pb2.GetServerInfoResponse()
        """What runs there; known when it is connected."""
        self._channel: grpc.aio.Channel | None = None
        self._transports: weakref.WeakSet[TcpTransport] = weakref.WeakSet()

    async def __aenter__(self) -> Self:
        """DaemonUnavailableError: nothing answers there."""
        self._channel = grpc.aio.insecure_channel(self.server, options=_CHANNEL_OPTIONS)
        try:
            request = admin_pb2.GetServerInfoRequest()
            self.server_info = await self.call(
                admin_pb2_grpc.AdminServiceStub(self._channel).GetServerInfo(request, timeout=_ANSWER_SECONDS))
        except BaseException as error:
            await self._channel.close()
            self._channel = None
            if isinstance(error, DaemonUnavailableError):
                raise DaemonUnavailableError(error.errno, f"no smold answers at {self.server}: {error.strerror}") \
                    from error.__cause__
            raise
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        trace: TracebackType | None) -> None:
        if kind is not None:
            for transport in list(self._transports):
                transport.abort()
        await self.close()

    async def close(self) -> None:
        """Waits for connections that were closed and are not gone yet; all others are reset."""
        if self._channel is None:
            return
        ending = []
        for transport in list(self._transports):
            if not transport.is_closing():
                transport.abort()
            ending.append(transport.ended)
        if ending:
            await asyncio.wait(ending)
        channel, self._channel = self._channel, None
        await channel.close()

    # --- TCP --------------------------------------------------------------------------------------------

    def tcp_connect(self, host: Host, port: int, *, local: tuple[Host | None, int] | None = None,
                    options: tcp.TcpOptions | None = None, timeout: float | None = None,
                    linger: float = tcp.LINGER, first_data: bytes = b"",
                    fast_open: bool = False) -> Opening[tcp.TcpConnection]:
        """`connection = await plane.tcp_connect(...)`, or with `async with`.

        `local`: where from; by route and by chance otherwise. `timeout`: for the connect alone; as long as TCP tries
        otherwise. `linger`: seconds that the peer has to close its side after close(). `first_data`: what goes first,
        4096 octets at most; with `fast_open` on the SYN, if the server gave a cookie earlier (RFC 7413).
        """
        request = _tcp_open(host, port, local, options, timeout)
        request.first_data, request.fast_open = first_data, fast_open

        async def work() -> tcp.TcpConnection:
            reader, protocol = _reader()
            transport = await tcp.open_transport(self, protocol, request, linger)
            return self._connection(transport, reader, protocol)

        return Opening(work)

    async def create_connection(self, protocol_factory: Callable[[], P], host: Host, port: int, *,
                                local: tuple[Host | None, int] | None = None, options: tcp.TcpOptions | None = None,
                                timeout: float | None = None, linger: float = tcp.LINGER) -> tuple[TcpTransport, P]:
        """As loop.create_connection(), for protocols of asyncio."""
        protocol = protocol_factory()
        request = _tcp_open(host, port, local, options, timeout)
        transport = await tcp.open_transport(self, protocol, request, linger)
        self._transports.add(transport)
        return transport, protocol

    def tcp_listen(self, port: int, handler: tcp.Handler | None = None, *, host: Host | None = None,
                   backlog: int | None = None, options: tcp.TcpOptions | None = None,
                   linger: float = tcp.LINGER, syn_backlog: int | None = None,
                   fast_open: int | None = None) -> Opening[tcp.TcpListener]:
        """`listener = await plane.tcp_listen(...)`, or with `async with`. No host: any address of both families.

        `fast_open`: connections that may be open with what came on their SYN before the handshake is complete (RFC
        7413); such a SYN may come twice.
        """
        local, _ = parse_endpoint(host, port)
        request = tcp_pb2.ListenRequest(local=local, backlog=backlog, syn_backlog=syn_backlog, fast_open=fast_open,
                                        options=options and options.message())

        async def work() -> tcp.TcpListener:
            stream = Stream[tcp_pb2.ListenResponse](self.tcp.Listen(request))
            return tcp.TcpListener(self, stream, await opened(stream, None, "listening"), handler, linger,
                                   options is not None and options.linger is not None)

        return Opening(work)

    def connection(self, stream: Stream[Any], request: Callable[..., Any], up: tcp_pb2.Opened,
                   linger: float) -> tcp.TcpConnection:
        """For TcpListener: of a stream whose connection is up."""
        reader, protocol = _reader()
        return self._connection(tcp.make_transport(stream, request, protocol, up, linger), reader, protocol)

    def _connection(self, transport: TcpTransport, reader: asyncio.StreamReader,
                    protocol: asyncio.StreamReaderProtocol) -> tcp.TcpConnection:
        self._transports.add(transport)
        writer = asyncio.StreamWriter(transport, protocol, reader, asyncio.get_running_loop())
        return tcp.TcpConnection(self, transport, reader, writer)

    # --- UDP, ping, capture -----------------------------------------------------------------------------

    def udp(self, local: tuple[Host | None, int] | None = None, remote: tuple[Host, int] | None = None, *,
            receive_datagrams: int | None = None) -> Opening[udp.UdpSocket]:
        """`socket = await plane.udp(...)`, or with `async with`.

        `local`: any IPv4 address, or one of `remote`'s family, and a free port otherwise. `remote`: its only peer.
        `receive_datagrams`: how many may wait in the daemon; further ones are dropped and counted.
        """
        request = udp_pb2.UdpOpen(receive_datagrams=receive_datagrams)
        if local is not None:
            request.local.CopyFrom(parse_endpoint(*local)[0])
        if remote is not None:
            request.remote.CopyFrom(parse_endpoint(*remote)[0])

        async def work() -> udp.UdpSocket:
            stream = Stream[udp_pb2.UdpServiceOpenResponse](udp_pb2_grpc.UdpServiceStub(self.channel).Open())
            first = udp_pb2.UdpServiceOpenRequest(open=request)
            return udp.UdpSocket(stream, await opened(stream, first, "opened"))

        return Opening(work)

    def ping(self, host: Host, count: int = 0, interval: float = 1.0, *, timeout: float = 1.0, size: int = 56,
             hop_limit: int | None = None, local: Host | None = None) -> pings.Pings:
        """`async for reply in plane.ping(...)`: echo requests of `size` octets. `count` 0: without end."""
        remote, interface = parse_host(host)
        request = icmp_pb2.PingRequest(remote=remote, interface=interface, count=count, payload_octets=size,
                                       hop_limit=hop_limit)
        request.interval.FromTimedelta(timedelta(seconds=interval))
        request.timeout.FromTimedelta(timedelta(seconds=timeout))
        if local is not None:
            request.local.CopyFrom(parse_host(local)[0])
        return pings.Pings(Stream(icmp_pb2_grpc.IcmpServiceStub(self.channel).Ping(request)))

    def capture(self, filter: str = "", *, taps: Sequence[captures.Tap] = (), interfaces: Sequence[str] = (),
                reasons: Sequence[str] = (), workers: Sequence[int] = (), snap_length: int = 0, count: int = 0,
                duration: float | None = None, low_latency: bool = False,
                buffer_octets: int = 0) -> Opening[captures.Capture]:
        """`async with plane.capture("tcp port 80") as capture: async for packet in capture: ...`

        `filter`: as tcpdump's (pcap-filter(7)). `taps`: rx and tx otherwise. `reasons`: only packets dropped for one of
        these; name the tap drop as well. `count`, `duration`: where it ends by itself.
        """
        request = capture_pb2.CaptureRequest(
            taps=captures.taps_of(taps), interfaces=interfaces, reasons=reasons, workers=workers,
            snap_length=snap_length, limit_packets=count, encoding=capture_pb2.CAPTURE_ENCODING_RECORDS,
            low_latency=low_latency, buffer_octets=buffer_octets)
        if filter:
            request.filter.CopyFrom(captures.compile_filter(filter))
        if duration is not None:
            request.limit_duration.FromTimedelta(timedelta(seconds=duration))

        async def work() -> captures.Capture:
            stream = Stream[capture_pb2.CaptureResponse](
                capture_pb2_grpc.CaptureServiceStub(self.channel).Capture(request))
            return captures.Capture(stream, await opened(stream, None, "started"))

        return Opening(work)

    # --- the API itself ---------------------------------------------------------------------------------

    @property
    def channel(self) -> grpc.aio.Channel:
        """For smolplane.v1: what has no method here is a stub away."""
        if self._channel is None:
            raise RuntimeError("the plane is not connected: `async with smolplane.connect() as plane`")
        return self._channel

    @property
    def tcp(self) -> tcp_pb2_grpc.TcpServiceStub:
        """smol.v1.TcpService."""
        return tcp_pb2_grpc.TcpServiceStub(self.channel)

    @property
    def sockets(self) -> socket_pb2_grpc.SocketServiceStub:
        """smol.v1.SocketService."""
        return socket_pb2_grpc.SocketServiceStub(self.channel)

    async def call(self, rpc: Awaitable[Answer]) -> Answer:
        """The answer of a unary call of smolplane.v1; what it is refused with as OSError."""
        try:
            return await rpc
        except grpc.aio.AioRpcError as failure:
            error = error_of_rpc(failure)
        raise error from error.__cause__


def _tcp_open(host: Host, port: int, local: tuple[Host | None, int] | None, options: tcp.TcpOptions | None,
              timeout: float | None) -> tcp_pb2.TcpOpen:
    remote, interface = parse_endpoint(host, port)
    out = tcp_pb2.TcpOpen(remote=remote, interface=interface, options=options and options.message())
    if local is not None:
        out.local.CopyFrom(parse_endpoint(*local)[0])
    if timeout is not None:
        out.connect_timeout.FromTimedelta(timedelta(seconds=timeout))
    return out


def _reader() -> tuple[asyncio.StreamReader, asyncio.StreamReaderProtocol]:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=tcp.LIMIT, loop=loop)
    return reader, asyncio.StreamReaderProtocol(reader, loop=loop)
