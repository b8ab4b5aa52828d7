"""Live captures."""

from __future__ import annotations

import ctypes
import ctypes.util
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self

from smolplane.streams import Stream
from smolplane.v1 import capture_pb2

Tap = Literal["rx", "tx", "drop"]


@dataclass(frozen=True)
class CapturedPacket:
    """A copy of a packet, or of its beginning, and what became of it."""

    time_ns: int
    """Since 1970."""
    interface: str
    worker: int
    queue: int
    direction: Literal["in", "out", ""]
    dropped: bool
    reason: str
    """Why it was dropped; empty if it was not."""
    length: int
    """Octets of the packet; `data` may have fewer."""
    data: bytes
    """From the Ethernet header on."""


class Capture:
    """`async for packet in capture`, until a limit is reached, somebody stops it, or this program closes it. The daemon
    does not wait for a slow reader: what is lost is counted in `stats`."""

    def __init__(self, stream: Stream[capture_pb2.CaptureResponse], started: capture_pb2.CaptureStarted) -> None:
        self._stream = stream
        self._waiting: deque[capture_pb2.CapturedPacket] = deque()
        self._closed = False
        self._names = {each.index: each.name for each in started.interfaces}
        self.session_id: int = started.session_id
        self.snap_length: int = started.snap_length
        self.stats = capture_pb2.CaptureStats()
        """The latest; exact after the end."""
        self.end: str = ""
        """Why it ended: "limit", "stopped" or "shutdown"; empty while it goes on."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> CapturedPacket:
        while not self._waiting:
            try:
                response = await self._stream.read()
            except ConnectionAbortedError:
                if not self._closed:
                    raise
                response = None
            if response is None:
                raise StopAsyncIteration
            self._take(response)
        return self._packet(self._waiting.popleft())

    def _take(self, response: capture_pb2.CaptureResponse) -> None:
        kind = response.WhichOneof("message")
        if kind == "packets":
            self._waiting += response.packets.packets
        elif kind == "stats":
            self.stats = response.stats
        elif kind == "ended":
            self.stats = response.ended.stats
            self.end = capture_pb2.CaptureEnd.Name(response.ended.reason).removeprefix("CAPTURE_END_").lower()

    def _packet(self, one: capture_pb2.CapturedPacket) -> CapturedPacket:
        directions: dict[int, Literal["in", "out"]] = {capture_pb2.DIRECTION_IN: "in", capture_pb2.DIRECTION_OUT: "out"}
        return CapturedPacket(
            one.time_ns, self._names.get(one.interface, str(one.interface)), one.worker, one.queue,
            directions.get(one.direction, ""), one.verdict == capture_pb2.VERDICT_DROP, one.reason, one.length,
            one.octets)

    def close(self) -> None:
        """Captures no more."""
        self._closed = True
        self._stream.cancel()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        trace: TracebackType | None) -> None:
        self.close()


def taps_of(names: Sequence[Tap]) -> list[int]:
    """As the API has them."""
    known = {"rx": capture_pb2.TAP_RX, "tx": capture_pb2.TAP_TX, "drop": capture_pb2.TAP_DROP}
    for name in names:
        if name not in known:
            raise ValueError(f"{name!r} is no tap: there are rx, tx and drop")
    return [known[name] for name in names]


# --- filters, compiled by libpcap -----------------------------------------------------------------------


class _Instruction(ctypes.Structure):
    _fields_ = [("code", ctypes.c_ushort), ("jt", ctypes.c_ubyte), ("jf", ctypes.c_ubyte), ("k", ctypes.c_uint32)]


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_uint), ("instructions", ctypes.POINTER(_Instruction))]


_LINK_TYPE_ETHERNET = 1
_UNKNOWN_NETMASK = 0xFFFFFFFF


def compile_filter(text: str) -> capture_pb2.CaptureFilter:
    """A filter of tcpdump's language (pcap-filter(7)). ValueError: it is none, with libpcap's words."""
    out = capture_pb2.CaptureFilter(text=text)
    if not text:
        return out
    name = ctypes.util.find_library("pcap")
    if name is None:
        raise OSError("filters need libpcap: apt-get install libpcap0.8")
    pcap = ctypes.CDLL(name)
    pcap.pcap_open_dead.restype = ctypes.c_void_p
    pcap.pcap_geterr.restype = ctypes.c_char_p
    handle = ctypes.c_void_p(pcap.pcap_open_dead(_LINK_TYPE_ETHERNET, 262_144))
    program = _Program()
    try:
        if pcap.pcap_compile(handle, ctypes.byref(program), text.encode(), 1, ctypes.c_uint(_UNKNOWN_NETMASK)) != 0:
            raise ValueError(f"filter {text!r}: {pcap.pcap_geterr(handle).decode(errors='replace')}")
        for at in range(program.length):
            one = program.instructions[at]
            out.instructions.add(code=one.code, jt=one.jt, jf=one.jf, k=one.k)
        pcap.pcap_freecode(ctypes.byref(program))
    finally:
        pcap.pcap_close(handle)
    return out
