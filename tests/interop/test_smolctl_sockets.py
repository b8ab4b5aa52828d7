"""smolctl's own sockets, tcp, udp and ping: against the kernel's, with the words and statuses of nc(1) and ping(8)."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from api import SMOLCTL, refused, smolctl
from conftest import IPV4, Family
from netns import PATIENCE, Namespace, scaled
from smold import Smold

LIMIT = 20 * PATIENCE


def where(family: Family, port: int) -> str:
    return f"[{family.host}]:{port}" if family.digit == "6" else f"{family.host}:{port}"


def start(daemon: Smold, *words: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen([SMOLCTL, "--server", daemon.server, *map(str, words)], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@contextmanager
def listener(net: Namespace, family: Family, port: int) -> Iterator[socket.socket]:
    with net.inside():
        sock = socket.create_server((family.host, port),
                                    family=socket.AF_INET6 if family.digit == "6" else socket.AF_INET)
    with sock:
        sock.settimeout(LIMIT)
        yield sock


def read_all(sock: socket.socket) -> bytes:
    out = bytearray()
    while piece := sock.recv(1 << 20):
        out += piece
    return bytes(out)


def test_input_goes_to_the_peer_and_what_it_says_comes_out(net: Namespace, daemon: Smold, family: Family) -> None:
    """The end of standard input is a FIN, after which the other direction goes on."""
    said = os.urandom(scaled(8 << 20))
    with listener(net, family, 9000) as sock:
        child = start(daemon, "tcp", "connect", where(family, 9000))
        peer, _ = sock.accept()
        with peer:
            peer.settimeout(LIMIT)
            with ThreadPoolExecutor(1) as pool:
                ended = pool.submit(child.communicate, said, LIMIT)
                assert read_all(peer) == said
                peer.sendall(said)
                peer.shutdown(socket.SHUT_WR)
                out, err = ended.result()
    assert (child.returncode, out, err) == (0, said, b"")


def test_options_stand_behind_the_address(net: Namespace, daemon: Smold, family: Family) -> None:
    with listener(net, family, 9000) as sock:
        child = start(daemon, "tcp", "connect", where(family, 9000), "congestion_control", "bbr", "nodelay", "on",
                      "keep_alive", "1h", "receive_buffer", "64KiB")
        peer, _ = sock.accept()
        with peer:
            (found,) = json.loads(smolctl(daemon, "-j", "ss", "-tio", "dport", "=", ":9000").out)
            info = found["tcp_info"]
            assert (info["congestion"], info["nagle"], info["rcvbuf_max"]) == ("bbr", False, 65_536)
            assert info["congestion_info"]["phase"] == "startup"
            assert 3_500_000 < info["timers"]["keep_alive"] <= 3_600_000
            line = smolctl(daemon, "ss", "-tio", "dport", "=", ":9000").out
            assert re.search(r"owner:grpc timer:\(keepalive,3[56]\d{5}(\.\d+)?ms,0\)", line)
            assert re.search(r" bbr .*bbr:\(phase:startup,.*pacing_gain:\d", line)
            assert "rcvbuf:65536/65536" in line
            assert child.stdin is not None
            child.stdin.close()
            child.stdin = None
            assert read_all(peer) == b""
        child.communicate(timeout=LIMIT)


def test_one_that_connects_is_served(net: Namespace, daemon: Smold, family: Family) -> None:
    child = start(daemon, "tcp", "listen", ":7000")
    assert child.stderr is not None
    assert child.stderr.readline() == b"listening on *:7000\n"
    assert child.stdin is not None
    child.stdin.write(b"answer\n")
    child.stdin.close()
    child.stdin = None
    done = net.run("socat", "-t", 5, "-", family.socat(7000), stdin=b"question\n")
    assert done.out == "answer\n"
    out, err = child.communicate(timeout=LIMIT)
    assert (child.returncode, out) == (0, b"question\n")
    assert re.fullmatch(rf"connection from \[?{family.host}\]?:\d+\n", err.decode())


@pytest.mark.parametrize(("words", "message"), [
    (("tcp", "connect", "192.168.69.100:9"), "cannot connect: connection refused"),
    (("tcp", "connect", "192.168.69.100"),
     "'192.168.69.100' is no address with a port: write one such as 192.0.2.1:80 or [fdaa::1]:80"),
    (("tcp", "connect", ":80"), "':80' is no address with a port: write one such as 192.0.2.1:80 or [fdaa::1]:80"),
    (("tcp", "listen", "fdaa::1"), "'fdaa::1' is no port: write one such as :80, 192.0.2.1:80 or [fdaa::1]:80"),
    (("tcp", "listen", ":65536"), "':65536' is no port: write one such as :80, 192.0.2.1:80 or [fdaa::1]:80"),
    (("tcp",), "word: connect or listen is missing"),
    (("tcp", "connect", "192.168.69.100:9", "nodelay", "maybe"), "'maybe' is no nodelay: on, off"),
    (("tcp", "connect", "192.168.69.100:9", "keep_alive", "3x"), "'3x' is no keep_alive: x is no unit"),
    (("tcp", "connect", "192.168.69.100:9", "ecn", "x"), "'x' is no ecn: off, accept, ask, dctcp"),
    (("tcp", "connect", "192.168.69.100:9", "cork"), "the value of cork is missing"),
    (("tcp", "connect", "192.168.69.100:9", "send_", "1"),
     "'send_' is more than one option of a TCP socket: send_buffer, send_low_water"),
    (("tcp", "connect", "192.168.69.100:9", "hop_limit", "256"), "open.options.hop_limit: must be 1 to 255"),
    (("tcp", "listen", ":7001", "backlog", "0"), "backlog: must be 1 to 65536"),
    (("udp", "connect", "[fdaa::100]:0"),
     "'[fdaa::100]:0' is no address with a port: write one such as 192.0.2.1:80 or [fdaa::1]:80"),
    (("ping", "-i", "0", "::1"), "'0' is no number of seconds: 0.001 to 3600"),
    (("ping", "-x", "::1"), "'-x' is no option of ping: -c, -i, -s, -W, -t, -I, -q"),
    (("ping",), "an address is missing"),
])
def test_what_is_wrong_is_told_in_one_line(net: Namespace, daemon: Smold, words: tuple[str, ...], message: str) -> None:
    assert refused(daemon, *words) == message


def test_a_port_that_is_taken_is_told(daemon: Smold) -> None:
    assert "address and port are in use" in refused(daemon, "tcp", "listen", ":80")


def test_datagrams_both_ways(net: Namespace, daemon: Smold, family: Family) -> None:
    kind = socket.AF_INET6 if family.digit == "6" else socket.AF_INET
    with net.inside(), socket.socket(kind, socket.SOCK_DGRAM) as sock:
        sock.bind((family.host, 9000))
        sock.settimeout(LIMIT)
        child = start(daemon, "udp", "connect", where(family, 9000), "-w", 30)
        assert child.stdin is not None and child.stdout is not None
        child.stdin.write(b"one\n")
        child.stdin.flush()
        data, sender = sock.recvfrom(100)
        assert data == b"one\n"
        sock.sendto(b"two\n", sender)
        assert child.stdout.readline() == b"two\n"
        child.terminate()
        child.wait(LIMIT)
        # The other way round: who speaks first is answered.
        child = start(daemon, "udp", "listen", f"{'[::]' if family.digit == '6' else ''}:7001")
        assert child.stdin is not None and child.stdout is not None and child.stderr is not None
        assert child.stderr.readline().startswith(b"listening on ")
        sock.sendto(b"three\n", (family.address, 7001))
        assert child.stdout.readline() == b"three\n"
        child.stdin.write(b"four\n")
        child.stdin.flush()
        assert sock.recv(100) == b"four\n"
        child.terminate()
        child.wait(LIMIT)
    done = subprocess.run([SMOLCTL, "--server", daemon.server, "udp", "connect", where(family, 9001)], input=b"x",
                          capture_output=True, timeout=LIMIT)
    assert (done.returncode, done.stderr) == (1, b"smolctl: connection refused\n")


def test_ping_speaks_as_ping_does(net: Namespace, daemon: Smold, family: Family) -> None:
    done = smolctl(daemon, "ping", family.host, "-c", 3, "-i", 0.01, "-s", 100)
    lines = done.out.splitlines()
    assert done.status == 0 and lines[0] == f"PING {family.host}: 100 data bytes"
    for number, line in enumerate(lines[1:4], 1):
        assert re.fullmatch(rf"108 bytes from {family.host}: icmp_seq={number} ttl=64 time=[\d.]+ ms", line)
    assert lines[5:7] == [f"--- {family.host} ping statistics ---",
                          "3 packets transmitted, 3 received, 0% packet loss"]
    assert re.fullmatch(r"rtt min/avg/max/mdev = [\d.]+/[\d.]+/[\d.]+/[\d.]+ ms", lines[7])
    done = smolctl(daemon, "-j", "ping", family.host, "-c", 2, "-i", 0.01)
    first, _, summary = map(json.loads, done.out.splitlines())
    assert (first["from"], first["ttl"], first["octets"], summary["received"]) == (family.host, 64, 64, 2)


def test_nobody_answers_is_a_status(net: Namespace, daemon: Smold) -> None:
    done = smolctl(daemon, "ping", "192.168.69.77", "-c", 1, "-W", 0.1)
    assert (done.status, done.err) == (1, "")
    assert "1 packets transmitted, 0 received, 100% packet loss" in done.out


def test_ping_without_a_count_ends_on_sigint_with_its_summary(net: Namespace, daemon: Smold) -> None:
    child = start(daemon, "ping", IPV4.host, "-i", 0.01)
    assert child.stdout is not None
    for _ in range(5):
        child.stdout.readline()
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=LIMIT)
    assert (child.returncode, err) == (0, b"")
    assert b" 0% packet loss\nrtt min/avg/max/mdev" in out
