"""A daemon with nothing to do costs next to nothing, and one that was just started answers at once."""

from __future__ import annotations

import socket
import time

import pytest
from conftest import Family
from netns import PATIENCE, Namespace, scaled, wait_until
from smold import INTERFACE, Smold

# Of one core. Without instrumentation about half a percent is usual, and two percent the promise.
MOST = 0.05


def load_of(daemon: Smold, seconds: float) -> float:
    """Share of one core over the next seconds."""
    cpu, begin = daemon.cpu_seconds(), time.monotonic()
    time.sleep(seconds)
    return (daemon.cpu_seconds() - cpu) / (time.monotonic() - begin)


def test_an_idle_daemon_leaves_the_processor_alone(net: Namespace, daemon: Smold) -> None:
    net.run("ping", "-n", "-q", "-c", 1, "192.168.69.1")
    load = load_of(daemon, 10)
    print(f"idle: {load:.2%} of one core")
    assert load < MOST


def test_idle_connections_leave_it_alone_too(net: Namespace, daemon: Smold, family: Family) -> None:
    with net.inside():
        socks = [socket.create_connection((family.address, 6970), timeout=5 * PATIENCE)
                 for _ in range(scaled(500))]
    load = load_of(daemon, 3)
    print(f"idle with {len(socks)} connections: {load:.2%} of one core")
    for sock in socks:
        sock.close()
    assert load < MOST


def test_the_first_ping_is_answered_within_a_moment_of_the_start(net: Namespace, family: Family) -> None:
    daemon = Smold(net, "--demo")
    daemon.launch()
    try:
        wait_until(lambda: INTERFACE in net.interfaces(), 5, "no interface")
        daemon.host_side()
        net.run("ping", "-n", "-q", "-c", 1, "-i", 0.01, "-w", 5 * PATIENCE, family.address)
        seconds = time.monotonic() - daemon.started_at
        print(f"first answer {seconds:.2f} s after the start")
        assert seconds < 3 * PATIENCE
        daemon.stop()
    finally:
        daemon.kill()
