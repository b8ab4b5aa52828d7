"""Remote sockets for tests: the Python package as it is built, and the kernel's side of its connections."""

from __future__ import annotations

import asyncio
import atexit
import hashlib
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import TypeVar

from conftest import IPV4, Family
from netns import PATIENCE, Namespace
from smold import Smold

SOURCE = Path(__file__).resolve().parents[2] / "clients" / "python"
PYTHON = "/usr/bin/python3"


def _build() -> Path:
    """Into a folder of this run: the tree stays as it is."""
    folder = Path(tempfile.mkdtemp(prefix="smolplane-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    command = [PYTHON, "setup.py", "-q", "build_py", "--build-lib", str(folder)]
    done = subprocess.run(command, cwd=SOURCE, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return folder


PACKAGE = _build()
sys.path.insert(0, str(PACKAGE))

import smolplane  # noqa: E402
from smolplane.v1 import socket_pb2  # noqa: E402

T = TypeVar("T")

MSG_FASTOPEN = 0x20000000
SYN_DATA = 0x20
"""Of tcpi_options: the text of the SYN was acknowledged with it."""


def run(work: Coroutine[object, object, T], seconds: float = 30) -> T:
    """An event loop for `work`, which must end in time."""
    return asyncio.run(asyncio.wait_for(work, seconds * PATIENCE))


def listening(daemon: Smold) -> Smold:
    """Once it takes clients."""
    daemon.wait_for_line(r'component=grpc msg="listens on', 10)
    return daemon


def client(net: Namespace, daemon: Smold, script: str, *words: object) -> subprocess.Popen[bytes]:
    """A process with the package: `plane` is connected, `words` are in sys.argv[2:]."""
    indented = "\n".join("        " + line for line in script.splitlines())
    text = ("import asyncio, sys\nimport smolplane\nasync def main():\n"
            f"    async with smolplane.connect(sys.argv[1]) as plane:\n{indented}\nasyncio.run(main())\n")
    return net.start(PYTHON, "-c", text, daemon.server, *words, environment={"PYTHONPATH": str(PACKAGE)})


def version(family: Family) -> socket.AddressFamily:
    return socket.AF_INET if family is IPV4 else socket.AF_INET6


def kernel_socket(net: Namespace, family: Family, kind: int = socket.SOCK_STREAM) -> socket.socket:
    """Of the other side, for the event loop."""
    with net.inside():
        sock = socket.socket(version(family), kind)
    sock.setblocking(False)
    return sock


def kernel_listener(net: Namespace, family: Family, port: int, backlog: int = 200, **options: int) -> socket.socket:
    """`options` of SOL_SOCKET, such as so_rcvbuf=4096."""
    sock = kernel_socket(net, family)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    for name, value in options.items():
        sock.setsockopt(socket.SOL_SOCKET, getattr(socket, name.upper()), value)
    sock.bind((family.host, port))
    sock.listen(backlog)
    return sock


async def kernel_accept(listener: socket.socket) -> socket.socket:
    sock, _ = await asyncio.get_running_loop().sock_accept(listener)
    return sock


async def kernel_connect(net: Namespace, family: Family, port: int, **options: int) -> socket.socket:
    sock = kernel_socket(net, family)
    for name, value in options.items():
        sock.setsockopt(socket.SOL_SOCKET, getattr(socket, name.upper()), value)
    try:
        await asyncio.get_running_loop().sock_connect(sock, (family.address, port))
    except BaseException:
        sock.close()
        raise
    return sock


async def receive(sock: socket.socket, octets: int = 65_536) -> bytes:
    return await asyncio.get_running_loop().sock_recv(sock, octets)


async def receive_all(sock: socket.socket) -> bytes:
    """Until the other side closes."""
    out = bytearray()
    while piece := await receive(sock, 1 << 18):
        out += piece
    return bytes(out)


def kernel_says_at_once(net: Namespace, family: Family, port: int, data: bytes) -> tuple[bytes, bool]:
    """The kernel connects by fast open and closes. The answer, and whether what went on the SYN was taken there."""
    with net.inside(), socket.socket(version(family), socket.SOCK_STREAM) as sock:
        # Not settimeout(): a socket that does not block would not wait for the handshake.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 5 * PATIENCE, 0))
        sock.sendto(data, MSG_FASTOPEN, (family.address, port))
        answer = sock.recv(len(data), socket.MSG_WAITALL)
        return answer, bool(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 8)[5] & SYN_DATA)


async def send(sock: socket.socket, data: bytes) -> None:
    await asyncio.get_running_loop().sock_sendall(sock, data)


def content(octets: int, seed: int = 0) -> bytes:
    """Octets that repeat nowhere, so that none can be lost, doubled or moved unseen."""
    return hashlib.shake_128(seed.to_bytes(8, "big")).digest(octets)


async def remote_sockets(plane: smolplane.Plane) -> list[socket_pb2.Socket]:
    """What the daemon still has for clients."""
    found: list[socket_pb2.Socket] = []
    async for response in plane.sockets.ListSockets(socket_pb2.ListSocketsRequest()):
        found += [each for each in response.sockets if each.owner == "grpc"]
    return found


def resident(daemon: Smold) -> int:
    """Octets of memory that the daemon really has."""
    for line in Path(f"/proc/{daemon.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) << 10
    raise AssertionError("no VmRSS")
