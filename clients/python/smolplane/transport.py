"""A TCP connection as a transport of asyncio, so that asyncio's streams and any of its protocols work over it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from smolplane.errors import error_of_name
from smolplane.streams import Stream
from smolplane.v1 import tcp_pb2

DATA_OCTETS = 65_536
"""At most in a message."""


class TcpTransport(asyncio.Transport):
    """One connection. What the protocol does not take in (pause_reading) stays in the daemon and closes the TCP window;
    what the peer does not read fills the daemon, then the buffer here, and pauses the protocol's writing.

    After close(), what was written is delivered, then a FIN. What the peer still sends is thrown away; it has `linger`
    seconds to close its side, or the connection is reset. With `waits_for_delivery` the daemon says instead whether all
    of it was acknowledged in time.
    """

    def __init__(self, stream: Stream[Any], request: Callable[..., Any], protocol: asyncio.BaseProtocol, linger: float,
                 extra: Mapping[str, Any]) -> None:
        super().__init__(extra)
        self._loop = asyncio.get_running_loop()
        self._stream = stream
        self._request = request
        self._protocol = protocol
        self._linger = linger
        self._timer: asyncio.TimerHandle | None = None
        self._buffer = bytearray()
        self._high = DATA_OCTETS
        self._low = DATA_OCTETS // 4
        self._writing_paused = False
        self._eof = False  # after what is in the buffer
        self._sent = False  # all of it, and the end
        self.waits_for_delivery = False
        """The connection has the option `linger`."""
        self._closing = False
        self._finishing = False
        self._over = False
        self._may_read = asyncio.Event()
        self._may_read.set()
        self._to_send = asyncio.Event()
        self._turn = asyncio.Lock()  # one message after the other
        self.on_urgent: Callable[[int], None] = lambda end: None
        self.on_soft_error: Callable[[OSError], None] = lambda error: None
        self.ended = self._loop.create_future()
        """Done when nothing is left of the connection."""
        protocol.connection_made(self)
        self._tasks = [self._loop.create_task(self._receive()), self._loop.create_task(self._send())]

    # --- reading ----------------------------------------------------------------------------------------

    async def _receive(self) -> None:
        try:
            while True:
                await self._may_read.wait()
                response = await self._stream.read()
                if response is None:
                    return self._end(None)
                kind = response.WhichOneof("message")
                if kind == "data" and not self._closing:
                    self._protocol.data_received(response.data)  # type: ignore[attr-defined]
                elif kind == "peer_shutdown" and not self._closing:
                    if not self._protocol.eof_received():  # type: ignore[attr-defined]
                        self.close()
                elif kind == "soft_error":
                    self.on_soft_error(error_of_name(response.soft_error.error.name, response.soft_error.message))
                elif kind == "urgent":
                    self.on_urgent(response.urgent.end)
        except OSError as error:
            self._end(error)
        except asyncio.CancelledError:
            self._stream.cancel()
            self._end(ConnectionAbortedError("the event loop ends"))
            raise
        except Exception as error:  # of the protocol
            self._stream.cancel()
            self._loop.call_exception_handler({"message": "a protocol failed", "exception": error, "transport": self,
                                               "protocol": self._protocol})
            self._end(error)

    def is_reading(self) -> bool:
        return self._may_read.is_set() and not self._closing

    def pause_reading(self) -> None:
        if not self._closing:
            self._may_read.clear()

    def resume_reading(self) -> None:
        self._may_read.set()

    # --- writing ----------------------------------------------------------------------------------------

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._eof:
            raise RuntimeError("write() after write_eof() or close()")
        if self._over or not data:
            return  # why it is over, the protocol knows from connection_lost()
        self._buffer += data
        self._to_send.set()
        if len(self._buffer) > self._high and not self._writing_paused:
            self._writing_paused = True
            self._protocol.pause_writing()

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self._eof = True
        self._to_send.set()

    async def _send(self) -> None:
        try:
            while not self._sent:
                await self._to_send.wait()
                self._to_send.clear()
                async with self._turn:
                    await self._send_buffer()
                    if self._eof:
                        if not (self._closing and self.waits_for_delivery):
                            await self._stream.write(self._request(shutdown_write=tcp_pb2.ShutdownWrite()))
                        if not self.waits_for_delivery:
                            await self._stream.end()
                        self._sent = True
            if self._closing:
                await self._finish()
        except OSError as error:
            self._end(error)

    async def _send_buffer(self) -> None:
        while self._buffer:
            with memoryview(self._buffer) as view:
                piece = bytes(view[:DATA_OCTETS])
            await self._stream.write(self._request(data=piece))
            del self._buffer[:len(piece)]
            self._resume_writing()

    async def send_urgent(self, data: bytes) -> None:
        """After what was written before it."""
        if self._eof:
            raise RuntimeError("write_urgent() after write_eof() or close()")
        async with self._turn:
            await self._send_buffer()
            for at in range(0, len(data), DATA_OCTETS):
                await self._stream.write(self._request(urgent_data=data[at:at + DATA_OCTETS]))

    async def send_control(self, **message: Any) -> None:
        """A message that is no data, after what was written before it."""
        if self._eof:
            raise RuntimeError("nothing may follow write_eof() or close()")
        async with self._turn:
            await self._send_buffer()
            await self._stream.write(self._request(**message))

    def _resume_writing(self) -> None:
        if self._writing_paused and len(self._buffer) <= self._low:
            self._writing_paused = False
            self._protocol.resume_writing()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        if high is None:
            high = DATA_OCTETS if low is None else 4 * low
        if low is None:
            low = high // 4
        if not high >= low >= 0:
            raise ValueError(f"high ({high}) must not be below low ({low}), nor low below 0")
        self._high, self._low = high, low

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return self._low, self._high

    def get_write_buffer_size(self) -> int:
        return len(self._buffer)

    # --- the end ----------------------------------------------------------------------------------------

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        if self._closing:
            return
        self._closing = True
        self._may_read.set()
        self.write_eof()
        if self._sent:
            self._tasks.append(self._loop.create_task(self._finish()))

    def abort(self) -> None:
        self._closing = True
        if not self._over:
            self._stream.cancel()
            self._end(None)

    async def _finish(self) -> None:
        """Once, after all was sent and close() was called."""
        if self._over or self._finishing:
            return
        self._finishing = True
        if not self.waits_for_delivery:
            self._timer = self._loop.call_later(self._linger, self.abort)
            return
        try:
            async with self._turn:
                await self._stream.write(self._request(close=tcp_pb2.Close()))
        except OSError:
            pass  # why it is over, the other task hears

    def _end(self, error: Exception | None) -> None:
        """Once, whoever comes first: the end of the stream, or what went wrong with it."""
        if self._over:
            return
        self._over = self._closing = True
        self._buffer.clear()
        if self._timer is not None:
            self._timer.cancel()
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()
        self._loop.call_soon(self._lost, error)

    def _lost(self, error: Exception | None) -> None:
        self._protocol.connection_lost(error)
        if not self.ended.done():
            self.ended.set_result(None)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._protocol
