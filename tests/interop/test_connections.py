"""Many connections, at once and one after another; and that nothing of them is left."""

from __future__ import annotations

import resource
import selectors
import socket
import time
from collections.abc import Callable, Iterator

import pytest
from conftest import Family
from netns import PATIENCE, Namespace, scaled, wait_until
from peer import peer
from smold import Smold

PATTERN = bytes(i % 251 for i in range(1 << 18))


@pytest.fixture(autouse=True)
def _enough_descriptors() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def connections(net: Namespace, family: Family, port: int, count: int) -> list[socket.socket]:
    with net.inside():
        return [socket.create_connection((family.address, port), timeout=10 * PATIENCE) for _ in range(count)]


def close_all(socks: list[socket.socket]) -> None:
    for sock in socks:
        sock.close()


# --- at once ------------------------------------------------------------------------------------------


@pytest.mark.tsan
def test_a_thousand_connections_are_held_at_once_and_each_is_served(
        net: Namespace, daemon: Smold, family: Family) -> None:
    before = daemon.counters()
    count = 1000
    socks = connections(net, family, 6970, count)
    try:
        for turn in range(2):
            for i, sock in enumerate(socks):
                sock.sendall(f"{turn} {i:06}\n".encode())
            for i, sock in enumerate(socks):
                assert sock.recv(100, socket.MSG_WAITALL if turn else 0) == f"{turn} {i:06}"[::-1].encode() + b"\n"
        assert daemon.counters()["tcp_curr_estab"] == count
    finally:
        close_all(socks)
    daemon.wait_for_rest(before)


def test_two_thousand_downloads_at_once(net: Namespace, daemon: Smold, family: Family) -> None:
    """All together want more than the packet pool holds, and each gets what it wants."""
    before = daemon.counters()
    size = len(PATTERN) // 4
    selector = selectors.DefaultSelector()
    socks = connections(net, family, 6972, scaled(2000, 500))
    got = dict.fromkeys(socks, 0)
    for sock in socks:
        sock.setblocking(False)
        selector.register(sock, selectors.EVENT_READ)
    try:
        deadline = time.monotonic() + 40 * PATIENCE
        while left := len(selector.get_map()):
            ready = selector.select(deadline - time.monotonic())
            assert ready, f"{left} downloads hang; the daemon counts {daemon.nonzero()}"
            for key, _ in ready:
                sock = key.fileobj
                data = sock.recv(min(65536, size - got[sock]))
                assert data, f"closed after {got[sock]} octets"
                at = got[sock] % 251
                assert data == PATTERN[at:at + len(data)], f"wrong content behind octet {got[sock]}"
                got[sock] += len(data)
                if got[sock] == size:
                    selector.unregister(sock)
                    sock.close()
    finally:
        close_all(socks)
    daemon.wait_for_rest(before)


def test_some_that_do_not_read_keep_nobody_from_being_served(
        net: Namespace, daemon: Smold, family: Family) -> None:
    """What is queued for them may not be all the memory there is for everybody's data."""
    before = daemon.counters()
    idle = connections(net, family, 6972, 50)
    try:
        # Until their windows are closed and all that will ever be queued for them is.
        wait_until(lambda: daemon.counters()["tcp_zero_window_probes"] >= len(idle) // 2, 15, "no window closes")
        for sock in connections(net, family, 6970, 10):
            with sock:
                sock.settimeout(5 * PATIENCE)
                sock.sendall(b"ab\n")
                assert sock.recv(3) == b"ba\n"
        assert peer(net, family, "receive", 6972, 1 << 20, limit=20)["octets"] == str(1 << 20)
    finally:
        close_all(idle)
    daemon.wait_for_rest(before)


def test_a_full_table_refuses_and_is_whole_again_afterwards(
        net: Namespace, smold: Callable[..., Smold], family: Family) -> None:
    """Counters say what the tables hold; that as many connections fit again is what shows that they do."""
    daemon = smold(limits={"connections": 64}, tcp={"time_wait": "100ms", "syn_cookies": "off"})
    before = daemon.counters()
    for _ in range(3):
        socks = connections(net, family, 6970, 64)
        with net.inside(), socket.socket(socket.AF_INET6 if family.digit == "6" else socket.AF_INET) as extra:
            extra.settimeout(0.5)
            with pytest.raises((TimeoutError, ConnectionRefusedError)):
                extra.connect((family.address, 6970))
        for sock in socks:
            sock.sendall(b"ab\n")
            assert sock.recv(3) == b"ba\n"
        close_all(socks)
        daemon.wait_for_counters(5, tcp_curr_estab=0, tcp_time_wait=0)
    assert daemon.wait_for_rest(before)["drop.tcp_no_connection_block"] > 0


def test_a_full_table_answers_by_a_cookie_and_serves_when_there_is_room(
        net: Namespace, smold: Callable[..., Smold], family: Family) -> None:
    daemon = smold(limits={"connections": 16}, tcp={"time_wait": "100ms"})
    before = daemon.counters()
    socks = connections(net, family, 6970, 16)
    with net.inside():
        extra = socket.create_connection((family.address, 6970), timeout=0.5)
    with extra:
        extra.sendall(b"ab\n")
        with pytest.raises(TimeoutError):
            extra.recv(3)
        close_all(socks)
        extra.settimeout(10 * PATIENCE)
        assert extra.recv(3) == b"ba\n"
    after = daemon.wait_for_rest(before)
    assert after["drop.tcp_no_connection_block"] > 0
    assert after["tcp_syncookies_recv"] - before["tcp_syncookies_recv"] == 1


# --- one after another --------------------------------------------------------------------------------


@pytest.mark.tsan
@pytest.mark.parametrize("first", ["daemon", "client"])
def test_a_hundred_thousand_connections_one_after_another(
        net: Namespace, smold: Callable[..., Smold], family: Family, first: str) -> None:
    """None is refused or reset, whoever closes first, and nothing of them is left."""
    # TCP-035, TCP-037
    daemon = smold(tcp={"time_wait": "1s"})
    net.sysctl(ip_local_port_range="1024 65535", tcp_tw_reuse=1)
    before = daemon.counters()
    count = scaled(100_000)
    if first == "daemon":
        peer(net, family, "churn", 6969, count, "hello")
    else:
        peer(net, family, "churn", 6970, count, "reverse")
    daemon.wait_for_counters(10, tcp_time_wait=0)
    after = daemon.wait_for_rest(before)
    assert after["tcp_passive_opens"] - before["tcp_passive_opens"] == count
    for name in ("tcp_out_rsts", "tcp_estab_resets", "tcp_attempt_fails", "tcp_listen_drops",
                 "tcp_listen_overflows", "tcp_retrans_segs"):
        assert after[name] == before[name], name
