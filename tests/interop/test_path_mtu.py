"""A router between the daemon and a Linux host, and behind it a link that is narrower than ours. The router says so, or
long packets vanish without a word: everything comes all the same, in segments that fit."""

from __future__ import annotations

import re
import socket
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from capture import packets
from conftest import Family
from netns import DIVISOR, PATIENCE, Namespace, scaled
from peer import PROGRAM as PEER
from smold import BUILD, INTERFACE, MAC, Smold

SMOLCTL = BUILD / "tools/ctl/smolctl"
OURS = f"tcp && eth.src == {MAC}"
OCTETS = 2 << 20
PATTERN = bytes(i % 251 for i in range(OCTETS))


@dataclass
class Narrow:
    """The daemon, the namespace on its other side, which forwards, and the host behind that."""

    family: Family
    router: Namespace
    far: Namespace
    start: Callable[..., Smold]
    file: Path

    @property
    def host(self) -> str:
        """The address behind the router."""
        return "fdbb::2" if self.family.digit == "6" else "10.9.0.2"

    def daemon(self) -> Smold:
        out = self.start("--pcap", self.file, capture={"ring": "256MiB", "snap_length": 120})
        self._join()
        return out

    def _join(self) -> None:
        """The host takes what a link of 1500 octets carries, and believes that ours is one."""
        self.router.ip("link", "add", "far0", "type", "veth", "peer", "name", "near0", "netns", self.far.name)
        for where, interface, number in ((self.router, "far0", 1), (self.far, "near0", 2)):
            # What is longer than a packet is never seen on a wire.
            where.run("ethtool", "-K", interface, "tso", "off", "gso", "off", "gro", "off", check=False)
            where.ip("link", "set", interface, "up")
            where.ip("address", "add", f"10.9.0.{number}/24", "dev", interface)
            where.ip("address", "add", f"fdbb::{number}/64", "dev", interface, "nodad")
        self.far.ip("route", "add", "192.168.69.0/24", "via", "10.9.0.1", "advmss", 1460)
        self.far.ip("-6", "route", "add", "fdaa::/64", "via", "fdbb::1", "advmss", 1440)
        with self.router.inside():
            Path("/proc/sys/net/ipv4/ip_forward").write_text("1\n")
            Path("/proc/sys/net/ipv6/conf/all/forwarding").write_text("1\n")

    def narrow(self, mtu: int) -> None:
        """From now on the router tells both sides of a narrower link to the other one."""
        for address, interface in ((self.host, "far0"), (self.family.address, INTERFACE)):
            self.router.ip(f"-{self.family.digit}", "route", "add", address, "dev", interface, "mtu", "lock", mtu)

    def blacken(self, mtu: int) -> None:
        """From now on what is longer is lost on its way to the host, and nobody says so."""
        self.far.ip("link", "set", "near0", "mtu", mtu - 4)  # a veth takes what a VLAN's tag would need

    # --- transfers --------------------------------------------------------------------------------------

    def receive(self, octets: int = OCTETS) -> None:
        """The daemon sends; the host has opened the connection."""
        self.far.run(PEER, "receive", self.family.address, 6972, scaled(octets), limit=20)

    def send(self, daemon: Smold, octets: int = OCTETS) -> None:
        """The host sends, over a connection that it opens."""
        out = dict(re.findall(r"(\w+)=(\S+)", self.far.run(PEER, "send", self.family.address, 6971, scaled(octets),
                                                           limit=20).out))
        daemon.wait_for_line(rf"closed: {out['octets']} octets, crc32c {out['crc32c']}\"", 5)

    def echo(self, daemon: Smold, octets: int = OCTETS) -> None:
        """Both send, over a connection that the daemon opens."""
        data = PATTERN[:scaled(octets)]
        kind = socket.AF_INET6 if self.family.digit == "6" else socket.AF_INET
        with self.far.inside():
            listener = socket.create_server((self.host, 0), family=kind)
        to = f"[{self.host}]" if self.family.digit == "6" else self.host
        to += f":{listener.getsockname()[1]}"
        child = self.router.start(SMOLCTL, "--server", daemon.server, "tcp", "connect", to, stdin=subprocess.PIPE)
        listener.settimeout(10 * PATIENCE)
        with listener:
            server, _ = listener.accept()
        server.settimeout(10 * PATIENCE)
        with server:
            writer = threading.Thread(target=write, args=(child, data), daemon=True)
            writer.start()
            assert b"".join(iter(lambda: server.recv(1 << 20), b"")) == data
            writer.join()
            child.stdin = None
            server.sendall(data)
        out, err = child.communicate(timeout=10 * PATIENCE)
        assert child.returncode == 0, err.decode()
        assert out == data

    # --- what was seen ----------------------------------------------------------------------------------

    def lengths(self) -> list[int]:
        """Octets of the IP packets with our text, in their order."""
        return [int(length) - 14 for (length,) in packets(self.file, f"{OURS} && tcp.len > 0", "frame.len")]


@pytest.fixture
def path(net: Namespace, smold: Callable[..., Smold], family: Family, tmp_path: Path) -> Iterator[Narrow]:
    far = Namespace()
    try:
        yield Narrow(family, net, far, smold, tmp_path / "path.pcapng")
    finally:
        far.remove()


def write(child: subprocess.Popen[bytes], data: bytes) -> None:
    assert child.stdin is not None
    child.stdin.write(data)
    child.stdin.close()


def read(sock: socket.socket, begin: int, end: int) -> None:
    """These octets of what the daemon's source sends."""
    while begin < end:
        piece = sock.recv(min(end - begin, 1 << 20))
        assert piece, f"closed after {begin} octets"
        assert piece == (PATTERN * 2)[begin % 251:begin % 251 + len(piece)]
        begin += len(piece)


def usual(lengths: list[int]) -> int:
    """Probes are longer, and ends of the text shorter."""
    return Counter(lengths).most_common(1)[0][0]


def connect(path: Narrow) -> socket.socket:
    with path.far.inside():
        return socket.create_connection((path.family.address, 6972), timeout=10 * PATIENCE)


def test_what_the_router_tells_is_heard(path: Narrow) -> None:
    # IP4-039, IP6-035, TCP-066: whoever opens the connection and whoever sends.
    daemon = path.daemon()
    path.narrow(1300)
    path.receive()
    first = daemon.counters()
    assert first["path_mtu_updates"] == 1
    path.echo(daemon)
    path.send(daemon)
    now = daemon.counters()
    assert now["path_mtu_updates"] == 1, "later connections know"
    assert now["tcp_black_holes"] == now["tcp_path_mtu_doubted"] == 0
    daemon.stop()
    lengths = path.lengths()
    long = [at for at, length in enumerate(lengths) if length > 1300]
    assert 0 < len(long) <= 10, "the first flight"
    assert long[-1] < 10 + len(long)
    assert lengths.count(1300) > len(lengths) / 2


def test_the_router_tells_in_the_middle_of_a_transfer(path: Narrow) -> None:
    # IC4-027: long segments have got through so far, so it must be proven first.
    daemon = path.daemon()
    with connect(path) as sock:
        read(sock, 0, 500_000)
        path.narrow(1400)
        # All of it in any build: buffers on the way hold the first megabytes.
        read(sock, 500_000, 500_000 + OCTETS)
    now = daemon.counters()
    assert now["path_mtu_updates"] == 1
    assert now["tcp_path_mtu_doubted"] > 0
    assert now["tcp_black_holes"] == 0
    daemon.stop()
    lengths = path.lengths()
    assert max(lengths[:100]) == 1500
    assert usual(lengths[-100:]) == 1400


def test_long_packets_vanish_without_a_word(path: Narrow) -> None:
    # TRAP-39, TCP-253: each connection finds for itself what gets through.
    daemon = path.daemon()
    path.blacken(1300)
    path.receive()
    now = daemon.counters()
    assert now["tcp_black_holes"] == 1
    assert now["tcp_mtu_probes"] > 0
    if DIVISOR == 1:  # else it may be too little for a search
        assert now["tcp_mtu_probes_arrived"] > 0
    path.echo(daemon)
    path.send(daemon)
    now = daemon.counters()
    assert now["tcp_black_holes"] == 2
    assert now["path_mtu_updates"] == 0
    daemon.stop()
    assert usual(path.lengths()) <= 1300


def test_long_packets_begin_to_vanish_in_the_middle_of_a_transfer(path: Narrow) -> None:
    # TRAP-39
    daemon = path.daemon()
    with connect(path) as sock:
        read(sock, 0, 500_000)
        path.blacken(1400)
        read(sock, 500_000, 500_000 + 2 * OCTETS)
    now = daemon.counters()
    assert now["tcp_black_holes"] == 1
    assert now["path_mtu_updates"] == 0
    daemon.stop()
    lengths = path.lengths()
    assert max(lengths[:100]) == 1500
    assert 1024 <= usual(lengths[-100:]) <= 1400
