"""What the streams of all kinds of sockets share."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Awaitable, Callable, Coroutine, Generator
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar

import grpc

from smolplane.errors import error_of_call

Response = TypeVar("Response")
T = TypeVar("T")


class Stream(Generic[Response]):
    """A call that streams. To cancel who waits for it does not end it, as it would with gRPC's own: a timeout around
    a read must not cost the connection."""

    def __init__(self, call: Any) -> None:
        self._call = call
        self._reading: asyncio.Task[Response | None] | None = None
        self._reads = asyncio.Lock()
        self._writes = asyncio.Lock()
        self._cancelled = False

    async def read(self) -> Response | None:
        """The next message; None after the last. OSError: it ended otherwise."""
        async with self._reads:
            if self._reading is None:
                self._reading = _task(self._guard(self._call.read))
            response = await asyncio.shield(self._reading)
            self._reading = None
        return None if response is grpc.aio.EOF else response

    async def write(self, request: Any) -> None:
        """Returns when the daemon, or the way to it, has room for more. OSError: the stream has ended."""
        await asyncio.shield(_task(self._write(request)))

    async def _write(self, request: Any) -> None:
        async with self._writes:
            await self._guard(lambda: self._call.write(request))

    async def end(self) -> None:
        """No more writes."""
        async with self._writes:
            await self._guard(self._call.done_writing)

    def cancel(self) -> None:
        """Ends it at once: the daemon resets the connection, or closes the socket."""
        self._cancelled = True
        self._call.cancel()

    async def _guard(self, operation: Callable[[], Awaitable[T]]) -> T:
        """What gRPC raises, as OSError."""
        try:
            return await operation()
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self._cancelled and not (task and task.cancelling()):
                raise ConnectionAbortedError(errno.ECONNABORTED, "ended by this program") from None
            raise
        except (grpc.aio.AioRpcError, grpc.aio.BaseError, asyncio.InvalidStateError):
            if self._cancelled:
                raise ConnectionAbortedError(errno.ECONNABORTED, "ended by this program") from None
        error = await error_of_call(self._call)
        raise error from error.__cause__


def _task(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """A task whose failure is no news if nobody waits for it any more."""
    task = asyncio.get_running_loop().create_task(work)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    return task


async def opened(stream: Stream[Response], first: Any, kind: str) -> Any:
    """Sends the first message, and returns what is under `kind` in the first answer. Leaves no stream behind if that
    fails or is cancelled."""
    try:
        if first is not None:
            await stream.write(first)
        response = await stream.read()
        if response is None or response.WhichOneof("message") != kind:  # type: ignore[attr-defined]
            raise OSError(errno.EPROTO, f"the daemon answered {response}, not `{kind}`")
        return getattr(response, kind)
    except BaseException:
        stream.cancel()
        raise


class _Closable(Protocol):
    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        trace: TracebackType | None) -> None: ...


Opened = TypeVar("Opened", bound=_Closable)


class Opening(Generic[Opened]):
    """Something that is being opened: `x = await opening`, or `async with opening as x`, which closes it as well."""

    def __init__(self, work: Callable[[], Coroutine[Any, Any, Opened]]) -> None:
        self._work = work
        self._opened: Opened | None = None

    def __await__(self) -> Generator[Any, None, Opened]:
        return self._work().__await__()

    async def __aenter__(self) -> Opened:
        self._opened = await self._work()
        return await self._opened.__aenter__()

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        trace: TracebackType | None) -> None:
        assert self._opened is not None
        await self._opened.__aexit__(kind, error, trace)
