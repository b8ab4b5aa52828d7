"""Sockets of a smolplane daemon, for asyncio.

    async with smolplane.connect() as plane:
        async with plane.tcp_connect("192.0.2.1", 80) as connection:
            connection.write(b"GET / HTTP/1.0\\r\\n\\r\\n")
            print(await connection.read())

What the network refuses is an ordinary OSError: ConnectionRefusedError, TimeoutError, ... Its cause is a Refusal, which
has what the daemon said.
"""

from __future__ import annotations

from importlib.util import find_spec

if find_spec("smolplane.v1") is None:
    raise ImportError("smolplane.v1 is not made yet: run clients/python/generate.py, or install the package")

from smolplane.addresses import Address, Host
from smolplane.capture import Capture, CapturedPacket
from smolplane.errors import DaemonUnavailableError, Refusal
from smolplane.ping import Pings, PingReply, PingSummary
from smolplane.plane import Plane, connect
from smolplane.tcp import TcpConnection, TcpListener, TcpOptions
from smolplane.udp import Datagram, UdpSocket

__all__ = [
    "Address", "Capture", "CapturedPacket", "DaemonUnavailableError", "Datagram", "Host", "PingReply", "PingSummary",
    "Pings", "Plane", "Refusal", "TcpConnection", "TcpListener", "TcpOptions", "UdpSocket", "connect",
]
