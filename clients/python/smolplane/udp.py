"""UDP sockets."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from smolplane.addresses import Address, Host, address_of, host_of, parse_endpoint
from smolplane.errors import error_of_name
from smolplane.streams import Stream
from smolplane.v1 import udp_pb2

_BATCH = 64
_BATCH_OCTETS = 65_536


@dataclass(frozen=True)
class Datagram:
    """One that came."""

    data: bytes
    remote: Address
    """Who sent it."""
    local: str
    """The address of the daemon that it came to."""
    interface: str
    time: float
    """When the daemon got it, in seconds since 1970."""
    hop_limit: int


class UdpSocket:
    """A UDP socket of the daemon. `async for datagram in socket` receives until it is closed."""

    def __init__(self, stream: Stream[udp_pb2.UdpServiceOpenResponse], opened: udp_pb2.UdpOpened) -> None:
        self._stream = stream
        self._waiting: deque[Datagram | OSError] = deque()
        self._closed = False
        self.local: Address = address_of(opened.local)
        self.socket_id: int = opened.socket_id
        """As in `smolctl ss`."""
        self.worker: int = opened.worker
        self.dropped = 0
        """Datagrams that came and were lost, because nobody received those before them."""

    async def send(self, data: bytes, remote: tuple[Host, int] | None = None) -> None:
        """To `remote`, or to the socket's own peer. What goes wrong behind the daemon is raised by a later recv()."""
        await self.send_many([(data, remote)])

    async def send_many(self, datagrams: Iterable[tuple[bytes, tuple[Host, int] | None]]) -> None:
        """As send(), in this order, and faster."""
        batch = udp_pb2.UdpDatagrams()
        octets = 0
        for data, remote in datagrams:
            if len(batch.datagrams) == _BATCH or octets + len(data) > _BATCH_OCTETS and octets > 0:
                await self._stream.write(udp_pb2.UdpServiceOpenRequest(send=batch))
                batch = udp_pb2.UdpDatagrams()
                octets = 0
            one = batch.datagrams.add(payload=data)
            if remote is not None:
                endpoint, one.interface = parse_endpoint(*remote)
                one.remote.CopyFrom(endpoint)
            octets += len(data)
        if batch.datagrams:
            await self._stream.write(udp_pb2.UdpServiceOpenRequest(send=batch))

    async def recv(self) -> Datagram:
        """The next one. OSError: what became of one that was sent; `filename` says to whom. The socket lives on, unless
        it is a ConnectionAbortedError: it is closed."""
        while not self._waiting:
            response = await self._stream.read()
            if response is None:
                raise ConnectionAbortedError("the socket is closed")
            if response.WhichOneof("message") == "error":
                self._waiting.append(_error(response.error))
                continue
            self.dropped += response.received.dropped
            self._waiting += map(_datagram, response.received.datagrams)
        first = self._waiting.popleft()
        if isinstance(first, OSError):
            raise first
        return first

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Datagram:
        try:
            return await self.recv()
        except ConnectionAbortedError:
            if self._closed:
                raise StopAsyncIteration from None
            raise

    def close(self) -> None:
        """At once. What was received and not read is lost."""
        self._closed = True
        self._stream.cancel()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        trace: TracebackType | None) -> None:
        if kind is None:
            # In order: what was sent is still on its way to the daemon.
            try:
                await asyncio.wait_for(self._finish(), 5)
            except (OSError, TimeoutError):
                pass
        self.close()

    async def _finish(self) -> None:
        await self._stream.end()
        while await self._stream.read() is not None:
            pass


def _datagram(one: udp_pb2.UdpDatagram) -> Datagram:
    at = one.time.seconds + one.time.nanos / 1e9 if one.HasField("time") else time.time()
    return Datagram(one.payload, address_of(one.remote), host_of(one.local), one.interface, at, one.hop_limit)


def _error(told: udp_pb2.UdpError) -> OSError:
    error = error_of_name(told.name, told.message)
    if told.HasField("remote"):
        error.filename = str(address_of(told.remote))
    return error
