"""Two hosts with `smold --bridge` between them: each thing that a bad link does happens, and TCP gets everything across
it, whoever is on its other side."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import time
from collections.abc import Iterator

import pytest
from conftest import IPV4, IPV6, Family
from netns import DIVISOR, PATIENCE, Namespace, scaled, wait_until
from smold import Smold
from through_bridge import SMOLCTL, Rig, exchange

KIB = 1 << 10


@pytest.fixture(scope="module", params=["linux", "smold"])
def rig(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    made = Rig(request.param, tmp_path_factory.mktemp("bridge"))
    try:
        yield made
        made.stop()
    finally:
        made.end()


def round_trip(rig: Rig, family: Family) -> float:
    """The best of a few, in milliseconds."""
    out = rig.left.run("ping", "-n", "-q", "-c", 10, "-i", 0.03, family.address).out
    return float(re.search(r"= ([\d.]+)/", out)[1])  # type: ignore[index]


# --- transfers ------------------------------------------------------------------------------------------

# What the link does, how much goes over it, and the counter that tells that it was done.
LINKS = {
    "delay": ({"delay": "10ms"}, 1024, "delayed"),
    "jitter": ({"delay": "2ms", "jitter": "3ms"}, 512, "delayed"),
    "loss": ({"delay": "2ms", "loss": 2}, 512, "lost"),
    "bursts": ({"delay": "2ms", "burst_enter": 3, "burst_leave": 50}, 512, "burst_lost"),
    "reordering": ({"delay": "2ms", "reorder": 3, "reorder_by": "1ms"}, 1024, "reordered"),
    "duplication": ({"delay": "2ms", "duplicate": 5}, 1024, "duplicated"),
    "corruption": ({"delay": "2ms", "corrupt": 2}, 512, "corrupted"),
    "truncation": ({"delay": "2ms", "truncate": 2}, 512, "truncated"),
    "rate": ({"delay": "2ms", "rate": "20Mbit", "queue_packets": 20}, 1024, "queue_full"),
    "codel": ({"delay": "2ms", "rate": "10Mbit", "aqm": "codel", "codel_target": "2ms", "codel_interval": "20ms"},
              1024, "codel_dropped"),
    "black-out": ({"delay": "2ms", "rate": "4Mbit", "blackout": "150ms", "blackout_after": "500ms"}, 512,
                  "blacked_out"),
}


@pytest.mark.parametrize("what", LINKS)
@pytest.mark.parametrize(("direction", "family"), [("to", IPV4), ("from", IPV6)], ids=["to", "from"])
def test_everything_comes_over_a_link_with(rig: Rig, what: str, direction: str, family: Family) -> None:
    settings, kib, counter = LINKS[what]
    way = "a_to_b" if direction == "to" else "b_to_a"
    before = rig.counters(way)[counter]
    with rig.link(**settings):
        rig.transfer(family, direction, scaled(kib * KIB, least=128 * KIB))
        if DIVISOR == 1:  # else it may be too little for a chance
            assert rig.counters(way)[counter] > before


def test_the_host_on_the_right_opens_connections_too(rig: Rig) -> None:
    """Through it both directions at once, by whoever is there."""
    data = bytes(range(251)) * 400
    with rig.link(delay="5ms", loss=1):
        with rig.left.inside():
            listener = socket.create_server((IPV4.host, 0))
        port = listener.getsockname()[1]
        if rig.daemon is None:
            with rig.right.inside():
                client = socket.create_connection((IPV4.host, port), timeout=20 * PATIENCE)
            server, _ = listener.accept()
            with listener, client, server:
                exchange(client, server, data)
            return
        child = rig.middle.start(SMOLCTL, "--server", rig.daemon.server, "tcp", "connect", f"{IPV4.host}:{port}",
                                 stdin=subprocess.PIPE)
        server, _ = listener.accept()
        server.settimeout(20 * PATIENCE)
        with listener, server:
            assert child.stdin is not None
            child.stdin.write(data)
            child.stdin.close()
            child.stdin = None
            assert b"".join(iter(lambda: server.recv(1 << 20), b"")) == data
            server.sendall(data)
        out, err = child.communicate(timeout=20 * PATIENCE)
        assert child.returncode == 0, err.decode()
        assert out == data


# --- each thing a link does -----------------------------------------------------------------------------


def test_the_delay_is_that_of_both_directions(rig: Rig) -> None:
    bare = round_trip(rig, IPV4)
    with rig.link(delay="20ms"):
        took = round_trip(rig, IPV4)
    assert 40 <= took < 40 + bare + 20 * PATIENCE
    with rig.link("a_to_b", delay="30ms"):
        took = round_trip(rig, IPV6)
    assert 30 <= took < 30 + bare + 20 * PATIENCE


def test_the_rate_is_kept(rig: Rig) -> None:
    octets = 512 * KIB
    with rig.link(rate="8Mbit", burst="off"):
        begin = time.monotonic()
        rig.transfer(IPV4, "from", octets)
        took = time.monotonic() - begin
    assert took > octets / 1e6 * 0.95


def test_what_is_longer_than_the_mtu_is_lost_without_a_word(rig: Rig) -> None:
    before = rig.counters("a_to_b")["too_long"]
    with rig.link(mtu=1000):
        assert rig.left.run("ping", "-n", "-q", "-c", 1, "-s", 900, IPV4.address).status == 0
        lost = rig.left.run("ping", "-n", "-q", "-c", 1, "-W", 0.3, "-s", 1100, IPV4.address, check=False)
        assert lost.status == 1
    assert rig.counters("a_to_b")["too_long"] == before + 1
    drops = rig.ctl("drops")
    assert "bridge_too_long" in drops


def test_a_black_out_ends(rig: Rig) -> None:
    with rig.link(blackout="500ms"):
        assert rig.left.run("ping", "-n", "-q", "-c", 1, "-W", 0.2, IPV4.address, check=False).status == 1
        wait_until(lambda: rig.left.run("ping", "-n", "-q", "-c", 1, "-W", 0.2, IPV4.address, check=False).status == 0,
                   5, "it does not end")


def test_a_full_queue_marks_what_is_ecn_capable(rig: Rig) -> None:
    if rig.daemon is not None:
        pytest.skip("two kernels agree on ECN for certain")
    rig.left.sysctl(tcp_ecn=1)
    rig.right.sysctl(tcp_ecn=1)
    before = rig.counters("a_to_b")
    with rig.link(delay="2ms", rate="10Mbit", aqm="codel", codel_target="2ms", codel_interval="20ms", ecn="on"):
        rig.transfer(IPV4, "to", 1024 * KIB)
    now = rig.counters("a_to_b")
    assert now["marked"] > before["marked"]
    assert now["codel_dropped"] - before["codel_dropped"] < now["marked"] - before["marked"]


def test_a_bridge_with_nothing_to_do_leaves_the_processor_alone(rig: Rig) -> None:
    before, begin = rig.bridge.cpu_seconds(), time.monotonic()
    time.sleep(2)
    assert (rig.bridge.cpu_seconds() - before) / (time.monotonic() - begin) < 0.05


# --- what it is not -------------------------------------------------------------------------------------


def test_settings_are_checked_as_in_a_file(rig: Rig) -> None:
    for words, wrong in ((["delay=5"], "delay: '5' has no unit"), (["speed=5"], "unknown key 'speed'"),
                         (["burst=3000"], "rate: is missing"), (["delay"], "is no KEY=VALUE")):
        done = rig.middle.run(SMOLCTL, "--server", rig.bridge.server, "bridge", "set", *words, check=False)
        assert done.status == 1
        assert wrong in done.err
    assert rig.links()[0]["settings"] == rig.defaults


def test_a_bridge_has_no_stack(rig: Rig) -> None:
    refused = rig.middle.run(SMOLCTL, "--server", rig.bridge.server, "addr", "add", "10.0.0.1/24", "dev", "left",
                             check=False)
    assert refused.status == 1
    assert "bridge" in refused.err
    if rig.daemon is not None:
        other = rig.middle.run(SMOLCTL, "--server", rig.daemon.server, "bridge", check=False)
        assert other.status == 1
        assert "is no bridge" in other.err


def test_frames_of_any_type_pass(rig: Rig) -> None:
    if rig.daemon is not None:
        pytest.skip("a stack does not show what it does not know")
    frame = bytes.fromhex("ffffffffffff 020000000042 88b5") + bytes(range(100))
    with rig.right.inside():
        taker = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x88B5))
        taker.bind(("right", 0x88B5))
    with rig.left.inside():
        giver = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        giver.bind(("left", 0))
    with taker, giver:
        taker.settimeout(5 * PATIENCE)
        giver.send(frame)
        assert taker.recv(2000) == frame


def test_a_tag_that_the_kernel_took_out_of_a_frame_is_put_back(net: Namespace) -> None:
    """Interfaces that exist, through their packet sockets: a VLAN's tag lies beside the frame there."""
    for outer, inner in (("a0", "a1"), ("b0", "b1")):
        net.ip("link", "add", outer, "type", "veth", "peer", "name", inner)
        for end in (outer, inner):
            net.ip("link", "set", end, "addrgenmode", "none")
            net.ip("link", "set", end, "up")
    bridge = Smold(net, "--bridge", "af_packet:a1", "af_packet:b1")
    try:
        bridge.launch()
        bridge.wait_for_line('component=smold msg="ready in ', 20)
        frame = bytes.fromhex("ffffffffffff 020000000042 81000007 88b5") + bytes(60)
        with net.inside(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as giver:
            giver.bind(("a0", 0))
            giver.send(frame)

        def sent() -> dict[str, int]:
            out = net.run(SMOLCTL, "--server", bridge.server, "-j", "bridge").out
            return json.loads(out)[0]["counters"]

        wait_until(lambda: sent()["sent"] == 1, 5, "the frame does not pass")
        assert sent()["sent_octets"] == len(frame)
        bridge.stop()
    finally:
        bridge.kill()
