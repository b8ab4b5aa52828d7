"""TCP connections and listeners."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, fields
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self

from smolplane.addresses import Address, address_of
from smolplane.streams import Stream, opened
from smolplane.transport import TcpTransport
from smolplane.v1 import socket_pb2, tcp_pb2

if TYPE_CHECKING:
    from smolplane.plane import Plane

LINGER = 10.0
"""Seconds that the peer has to close its side after this program closed the connection."""
LIMIT = 65_536
"""Octets that wait here for a reader; twice as many stop the stream. As with asyncio.open_connection()."""


@dataclass(frozen=True)
class TcpOptions:
    """None: as the daemon is configured."""

    nodelay: bool | None = None
    """Without Nagle's algorithm."""
    keep_alive: float | None = None
    """Probe a silent peer after so many seconds; 0: never."""
    user_timeout: float | None = None
    """Give a peer up that has not acknowledged for so many seconds; 0: as long as TCP tries."""
    send_buffer: int | None = None
    """Octets."""
    receive_buffer: int | None = None
    """Octets."""
    user_timeout_option: bool | None = None
    """Tell the peer of user_timeout, and wait as long as the peer asks for (RFC 5482)."""
    keep_alive_interval: float | None = None
    """Seconds between two probes that are not answered."""
    keep_alive_probes: int | None = None
    """So many of them end the connection."""
    keep_alive_octet: bool | None = None
    """Probes carry one octet."""
    hop_limit: int | None = None
    """TTL or hop limit, 1 to 255."""
    dscp: int | None = None
    """Differentiated services code point, 0 to 63."""
    soft_errors: bool | None = None
    """Tell of what may yet pass: TcpConnection.on_soft_error."""
    cork: bool | None = None
    """What is less than a full segment waits for more, until this is set back."""
    receive_low_water: int | None = None
    """Nothing is received before there are so many octets, or no more can come."""
    send_low_water: int | None = None
    """Nothing is taken to be sent before there is room for so many octets; 0: a quarter of the buffer."""
    unsent_low_water: int | None = None
    """No more octets than these are taken that are not sent yet; 0: as many as send_buffer lets."""
    linger: float | None = None
    """After close() the connection is reset if what was written is not acknowledged within so many seconds, and
    wait_closed() says so; 0: it is reset at once."""
    congestion_control: str | None = None
    """"cubic", "newreno", "westwood", "bbr" or "none". Settled when the connection begins, and so is ecn."""
    ecn: str | None = None
    """"off", "accept", "ask" or "dctcp"."""

    def message(self) -> tcp_pb2.TcpOptions:
        """As the API has it. ValueError: a word that it does not have."""
        out = tcp_pb2.TcpOptions()
        for field in fields(self):
            value, there = getattr(self, field.name), out.DESCRIPTOR.fields_by_name[field.name]
            if value is None:
                continue
            if there.message_type is not None:
                getattr(out, field.name).FromTimedelta(timedelta(seconds=value))
            elif there.enum_type is not None:
                name = f"{there.enum_type.values_by_number[0].name.removesuffix('UNSPECIFIED')}{value.upper()}"
                setattr(out, field.name, there.enum_type.values_by_name[name].number if name in
                        there.enum_type.values_by_name else _no_word(field.name, value))
            else:
                setattr(out, field.name, value)
        return out


def _no_word(name: str, value: str) -> NoReturn:
    raise ValueError(f"{name}: there is no {value!r}")


class TcpConnection:
    """A TCP connection of the daemon: what asyncio.open_connection() gives, in one piece.

    With `async with`, it is closed at the end, and gone when that returns; an exception resets it instead.
    """

    def __init__(self, plane: Plane, transport: TcpTransport, reader: asyncio.StreamReader,
                 writer: asyncio.StreamWriter) -> None:
        self._plane = plane
        self._transport = transport
        self.reader = reader
        """For who wants one of asyncio's."""
        self.writer = writer
        """For who wants one of asyncio's."""

    @property
    def local(self) -> Address:
        """The daemon's side."""
        return self._transport.get_extra_info("sockname")

    @property
    def remote(self) -> Address:
        """The peer's side."""
        return self._transport.get_extra_info("peername")

    @property
    def socket_id(self) -> int:
        """As in `smolctl ss`."""
        return self._transport.get_extra_info("socket_id")

    @property
    def worker(self) -> int:
        """The worker of the daemon that has it."""
        return self._transport.get_extra_info("worker")

    # --- reading ----------------------------------------------------------------------------------------

    async def read(self, n: int = -1) -> bytes:
        """Up to n octets, as soon as there are any; all until the end if n is negative. Empty: the peer has closed."""
        return await self.reader.read(n)

    async def readexactly(self, n: int) -> bytes:
        """asyncio.IncompleteReadError: the peer closed before."""
        return await self.reader.readexactly(n)

    async def readuntil(self, separator: bytes = b"\n") -> bytes:
        """With the separator. asyncio.LimitOverrunError: it is not among the next 64 KiB."""
        return await self.reader.readuntil(separator)

    async def readline(self) -> bytes:
        """A line with its end; what there is if the peer closes before."""
        return await self.reader.readline()

    async def shutdown_read(self) -> None:
        """Nothing more is read: what came and what comes is thrown away. The peer hears nothing of it."""
        await self._transport.send_control(shutdown_read=tcp_pb2.ShutdownRead())

    def on_urgent(self, callback: Callable[[int], None]) -> None:
        """Calls it when the peer says that what it sends is urgent, with how many octets behind the first one received
        that ends. What is urgent is read like other data."""
        self._transport.on_urgent = callback

    def on_soft_error(self, callback: Callable[[OSError], None]) -> None:
        """Calls it with what may yet pass: ICMP messages, retransmissions without an answer. The connection lives
        on."""
        self._transport.on_soft_error = callback

    def at_eof(self) -> bool:
        """The peer has closed its side, and all of it was read."""
        return self.reader.at_eof()

    # --- writing ----------------------------------------------------------------------------------------

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Queues it. Follow with `await drain()`, or the queue grows as long as this program writes."""
        self.writer.write(data)

    async def drain(self) -> None:
        """Waits until the queue is short enough to go on. OSError: the connection is gone."""
        await self.writer.drain()

    async def write_urgent(self, data: bytes) -> None:
        """As write(), and the peer is told that it is urgent to its end, at once (RFC 9293 section 3.8.5). It goes
        after what was written before. New protocols should not use it."""
        await self._transport.send_urgent(data)

    def write_eof(self) -> None:
        """A FIN after what was written; the peer may still send."""
        self.writer.write_eof()

    # --- the end ----------------------------------------------------------------------------------------

    def close(self) -> None:
        """Delivers what was written, then a FIN. What the peer still sends is thrown away; with TcpOptions.linger it
        resets the connection."""
        self.writer.close()

    async def wait_closed(self) -> None:
        """Until nothing is left of it. OSError: it did not end in order."""
        await self.writer.wait_closed()

    def is_closing(self) -> bool:
        """close() or abort() was called, or the connection is gone."""
        return self.writer.is_closing()

    def abort(self) -> None:
        """A RST, now. What was written and not sent yet is lost."""
        self._transport.abort()

    async def set_options(self, options: TcpOptions) -> None:
        """From now on; None leaves what is. All but congestion_control and ecn."""
        self._transport.waits_for_delivery |= options.linger is not None
        await self._transport.send_control(set_options=options.message())

    async def info(self) -> socket_pb2.TcpInfo:
        """What TCP knows of it now. OSError with EBADF: it is gone."""
        request = socket_pb2.GetSocketRequest(id=self.socket_id)
        return (await self._plane.call(self._plane.sockets.GetSocket(request))).socket.tcp_info

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        trace: TracebackType | None) -> None:
        if kind is None:
            self.close()
            await asyncio.shield(self._transport.ended)
        else:
            self.abort()

    def __repr__(self) -> str:
        return f"<TcpConnection {self.local} -> {self.remote}{' closing' if self.is_closing() else ''}>"


Handler = Callable[[TcpConnection], Awaitable[None]]


class TcpListener:
    """Connections that come in, one by one: `async for connection in listener`. Those that nobody takes wait in the
    daemon, for 10 s at most and no more of them than the backlog. With a handler they are taken by themselves, each in
    a task of its own, and closed when the handler returns; if it raises, they are reset and the event loop is told."""

    def __init__(self, plane: Plane, stream: Stream[tcp_pb2.ListenResponse], listening: tcp_pb2.Listening,
                 handler: Handler | None, linger: float, waits_for_delivery: bool = False) -> None:
        self._plane = plane
        self._stream = stream
        self._linger = linger
        self._waits_for_delivery = waits_for_delivery
        self._closed = False
        self._handlers: set[asyncio.Task[None]] = set()
        self.local: Address | None = address_of(listening.local) if listening.local.HasField("address") else None
        """None: any address."""
        self._task = None if handler is None else asyncio.create_task(self._serve(handler))

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> TcpConnection:
        while True:
            accepted = await self._accepted()
            if accepted is None:
                raise StopAsyncIteration
            try:
                return await self._attach(accepted)
            except (FileNotFoundError, ConnectionResetError):
                continue  # its peer did not wait for us

    async def accept(self) -> TcpConnection:
        """The next one. ConnectionAbortedError: the listener is closed."""
        async for connection in self:
            return connection
        raise ConnectionAbortedError("the listener is closed")

    async def serve_forever(self) -> None:
        """Waits until the listener ends, which one with a handler does when it is closed or the daemon ends."""
        if self._task is None:
            raise RuntimeError("this listener has no handler: iterate over it")
        await asyncio.shield(self._task)

    async def _accepted(self) -> tcp_pb2.Accepted | None:
        try:
            response = await self._stream.read()
        except ConnectionAbortedError:
            if self._closed:
                return None
            raise
        return None if response is None else response.accepted

    async def _attach(self, accepted: tcp_pb2.Accepted) -> TcpConnection:
        stream = Stream[tcp_pb2.AttachResponse](self._plane.tcp.Attach())
        up = await opened(stream, tcp_pb2.AttachRequest(accept_token=accepted.accept_token), "opened")
        connection = self._plane.connection(stream, tcp_pb2.AttachRequest, up, self._linger)
        connection._transport.waits_for_delivery = self._waits_for_delivery
        return connection

    async def _serve(self, handler: Handler) -> None:
        while (accepted := await self._accepted()) is not None:
            task = asyncio.create_task(self._handle(handler, accepted))
            self._handlers.add(task)
            task.add_done_callback(self._handlers.discard)

    async def _handle(self, handler: Handler, accepted: tcp_pb2.Accepted) -> None:
        try:
            connection = await self._attach(accepted)
        except (FileNotFoundError, ConnectionResetError):
            return  # its peer did not wait for us
        except OSError as error:
            return _report("a connection was not taken", error)
        try:
            async with connection:
                await handler(connection)
        except Exception as error:
            _report(f"the handler of {connection} failed", error)

    def close(self) -> None:
        """No more connections. Those that were taken go on."""
        self._closed = True
        self._stream.cancel()

    async def wait_closed(self) -> None:
        """Until all handlers have returned."""
        if self._task is not None:
            await asyncio.wait([self._task])
        if self._handlers:
            await asyncio.wait(self._handlers)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        trace: TracebackType | None) -> None:
        self.close()
        for task in self._handlers:
            task.cancel()  # which resets its connection
        await self.wait_closed()


def _report(what: str, error: Exception) -> None:
    asyncio.get_running_loop().call_exception_handler({"message": what, "exception": error})


async def open_transport(plane: Plane, protocol: asyncio.BaseProtocol, request: tcp_pb2.TcpOpen,
                         linger: float) -> TcpTransport:
    """Connects."""
    stream = Stream[tcp_pb2.ConnectResponse](plane.tcp.Connect())
    up = await opened(stream, tcp_pb2.ConnectRequest(open=request), "opened")
    transport = make_transport(stream, tcp_pb2.ConnectRequest, protocol, up, linger)
    transport.waits_for_delivery = request.options.HasField("linger")
    return transport


def make_transport(stream: Stream[Any], request: Callable[..., Any], protocol: asyncio.BaseProtocol,
                   up: tcp_pb2.Opened, linger: float) -> TcpTransport:
    """Of a stream whose connection is up."""
    return TcpTransport(stream, request, protocol, linger, {
        "sockname": address_of(up.local), "peername": address_of(up.remote), "socket_id": up.socket_id,
        "worker": up.worker})
