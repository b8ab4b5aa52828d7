"""Echo requests at an interval."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Self

from google.protobuf.duration_pb2 import Duration

from smolplane.addresses import host_of
from smolplane.errors import error_of_name
from smolplane.streams import Stream
from smolplane.v1 import icmp_pb2


@dataclass(frozen=True)
class PingReply:
    """What became of one echo request."""

    sequence: int
    remote: str
    """Who answered; a router, if it is an error of one; empty if nobody did."""
    round_trip: float | None = None
    """In seconds, as the worker measured it; None: it was not answered."""
    hop_limit: int = 0
    octets: int = 0
    """Of payload."""
    error: OSError | None = None
    """Why it was not answered: TimeoutError, or what a router said."""


@dataclass(frozen=True)
class PingSummary:
    """Of a count. The times are in seconds."""

    sent: int
    received: int
    least: float
    average: float
    most: float


class Pings:
    """`async for reply in plane.ping(...)`. Requests are sent whether or not the replies are read."""

    def __init__(self, stream: Stream[icmp_pb2.PingResponse]) -> None:
        self._stream = stream
        self._closed = False
        self.summary: PingSummary | None = None
        """After the last of a count."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> PingReply:
        while True:
            try:
                response = await self._stream.read()
            except ConnectionAbortedError:
                if not self._closed:
                    raise
                response = None
            if response is None:
                raise StopAsyncIteration
            kind = response.WhichOneof("message")
            if kind != "summary":
                return _reply(kind, getattr(response, kind))
            self.summary = _summary(response.summary)

    def close(self) -> None:
        """Sends no more."""
        self._closed = True
        self._stream.cancel()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        trace: TracebackType | None) -> None:
        self.close()


def _reply(kind: str, told: icmp_pb2.PingReply | icmp_pb2.PingTimeout | icmp_pb2.PingError) -> PingReply:
    remote = getattr(told, "from", None)
    host = host_of(remote) if remote is not None and remote.WhichOneof("address") else ""
    if kind == "timeout":
        return PingReply(told.sequence, "", error=error_of_name("ETIMEDOUT", "no answer in time"))
    if kind == "error":
        return PingReply(told.sequence, host, error=error_of_name(told.name, ""))
    return PingReply(told.sequence, host, _seconds(told.round_trip), told.hop_limit, told.payload_octets)


def _seconds(duration: Duration) -> float:
    return duration.seconds + duration.nanos / 1e9


def _summary(told: icmp_pb2.PingSummary) -> PingSummary:
    return PingSummary(told.sent, told.received, _seconds(told.min), _seconds(told.avg), _seconds(told.max))
