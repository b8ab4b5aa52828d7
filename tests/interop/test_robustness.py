"""Clients that die, links that go down: the daemon serves whoever is there."""

from __future__ import annotations

import os
import random
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Callable

import pytest
from conftest import Family
from netns import PATIENCE, Namespace, scaled, wait_until
from peer import PROGRAM as PEER
from peer import peer
from smold import INTERFACE, Smold


def assert_serves(net: Namespace, daemon: Smold, family: Family) -> None:
    assert daemon.running(), daemon.log
    net.run("ping", "-n", "-q", "-c", 1, "-W", 2 * PATIENCE, family.address)
    done = net.run("curl", "-sS", "-g", "-m", 5 * PATIENCE, f"{family.url}/hello")
    assert done.out == "hello\n"


# --- clients die --------------------------------------------------------------------------------------


@pytest.mark.tsan
def test_clients_may_be_killed_at_any_moment(net: Namespace, daemon: Smold, family: Family) -> None:
    before = daemon.counters()
    chance = random.Random(6)
    commands: list[list[object]] = [
        ["wrk", "-t1", "-c50", "-d60", f"{family.url}/"],
        ["socat", "-u", "/dev/zero", family.socat(6971)],
        ["socat", "-u", family.socat(6972), "/dev/null"],
        [PEER, "churn", family.address, 6969, 1 << 30, "hello"],
        [PEER, "churn", family.address, 6970, 1 << 30, "reverse"],
        [PEER, "receive", family.address, 6972, 1 << 40],
    ]
    running: list[subprocess.Popen[bytes]] = []
    for _ in range(scaled(60, 10)):
        running.append(net.start(*chance.choice(commands), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        time.sleep(chance.uniform(0, 0.1))
        if len(running) == 5:
            victim = running.pop(chance.randrange(len(running)))
            victim.kill()
            victim.wait()
    assert_serves(net, daemon, family)
    for victim in running:
        victim.kill()
        victim.wait()
    assert_serves(net, daemon, family)
    daemon.wait_for_rest(before, 10)


def test_clients_may_abort_at_any_moment(net: Namespace, daemon: Smold, family: Family) -> None:
    """A RST instead of a FIN, after each step that a client can take."""
    before = daemon.counters()
    rounds = scaled(50, 5)
    with net.inside():
        for port, text in ((80, b"GET / HT"), (6969, b""), (6970, b"half a li"), (6971, b"x" * 50_000), (6972, b"")):
            for step in range(3 * rounds):
                sock = socket.create_connection((family.address, port), timeout=5 * PATIENCE)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                if step % 3 > 0 and text:
                    sock.sendall(text)
                if step % 3 > 1 and port in (6969, 6972):
                    sock.recv(10)
                sock.close()
    assert_serves(net, daemon, family)
    after = daemon.wait_for_rest(before)
    assert after["tcp_estab_resets"] - before["tcp_estab_resets"] >= 4 * 3 * rounds  # hello may be quicker


def test_many_clients_die_at_once(net: Namespace, daemon: Smold, family: Family) -> None:
    # Their kernel says it for all of them in one moment, and its queue would lose what others send just then.
    net.ip("link", "set", INTERFACE, "txqueuelen", "10000")
    before = daemon.counters()
    clients = [net.start("wrk", "-t1", "-c250", "-d60", f"{family.url}/", stdout=subprocess.DEVNULL)
               for _ in range(4)]
    wait_until(lambda: daemon.counters()["tcp_curr_estab"] == 1000, 20, "wrk does not connect")
    for client in clients:
        os.kill(client.pid, signal.SIGKILL)
    assert_serves(net, daemon, family)
    daemon.wait_for_rest(before, 10)


# --- the link goes down -------------------------------------------------------------------------------


@pytest.fixture
def patient(net: Namespace, smold: Callable[..., Smold]) -> Smold:
    """A daemon whose sink does not give a silent peer up, and a host that keeps its addresses."""
    daemon = smold(apps={"sink": {"keep_alive": "off", "user_timeout": "off"}})
    with net.inside(), open(f"/proc/sys/net/ipv6/conf/{INTERFACE}/keep_addr_on_down", "w") as file:
        file.write("1")
    return daemon


@pytest.mark.parametrize("direction", ["to", "from"])
def test_a_transfer_goes_on_after_the_link_was_down(
        net: Namespace, patient: Smold, family: Family, direction: str) -> None:
    octets = scaled(1 << 30)
    if direction == "to":
        client = net.start(PEER, "send", family.address, 6971, octets)
    else:
        client = net.start(PEER, "receive", family.address, 6972, octets)
    counter = f"smol0.{'rx' if direction == 'to' else 'tx'}_octets"
    for part in (0.02, 0.1):  # early: it shall not be over before this process gets its turn
        wait_until(lambda: patient.counters()[counter] > part * octets, 20, "the transfer does not go on")
        assert client.poll() is None
        net.ip("link", "set", INTERFACE, "down")
        time.sleep(0.3)  # long enough for a retransmission or two to be lost
        net.ip("link", "set", INTERFACE, "up")
    out, err = client.communicate(timeout=30 * PATIENCE)
    assert client.returncode == 0, err.decode()
    if direction == "to":
        crc = out.decode().partition("crc32c=")[2].split()[0]
        patient.wait_for_line(rf"closed: {octets} octets, crc32c {crc}\"", 5)
    assert_serves(net, patient, family)


def test_a_link_that_is_down_costs_nothing_and_comes_up_again(
        net: Namespace, patient: Smold, family: Family) -> None:
    client = net.start(PEER, "receive", family.address, 6972, 1 << 40)
    patient.wait_for_counters(5, tcp_curr_estab=1)
    net.ip("link", "set", INTERFACE, "down")
    client.kill()
    begin = patient.cpu_seconds()
    time.sleep(2)
    assert patient.cpu_seconds() - begin < 0.2 * PATIENCE
    net.ip("link", "set", INTERFACE, "up")
    assert_serves(net, patient, family)
    patient.wait_for_counters(20, tcp_curr_estab=0)  # a retransmission finds nobody, and is told so


def test_an_interface_that_is_deleted_is_told_of_once_and_costs_nothing(net: Namespace, daemon: Smold) -> None:
    net.ip("link", "delete", INTERFACE)
    daemon.wait_for_line('level=error component=port msg="smol0: its interface is gone: start the daemon again"', 5)
    begin = daemon.cpu_seconds()
    time.sleep(1)
    assert daemon.cpu_seconds() - begin < 0.1 * PATIENCE
    assert daemon.log.count("its interface is gone") == 1
