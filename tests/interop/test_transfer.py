"""Much data in either direction: all of it comes, in order and whole, over good links and bad ones."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from conftest import Family
from netns import PATIENCE, Namespace, scaled, wait_until
from peer import PROGRAM, peer
from smold import Smold

GIB = 1 << 30


def assert_taken(daemon: Smold, sent: dict[str, str]) -> None:
    """The sink's line about this connection says what the client sent."""
    line = daemon.wait_for_line(rf':{sent["port"]} closed: (.+)"$', 10)
    assert line[1] == f"{sent['octets']} octets, crc32c {sent['crc32c']}"


# --- a good link --------------------------------------------------------------------------------------


@pytest.mark.tsan
def test_a_gibibyte_to_the_daemon(net: Namespace, daemon: Smold, family: Family) -> None:
    sent = peer(net, family, "send", 6971, scaled(GIB))
    assert_taken(daemon, sent)


@pytest.mark.tsan
def test_a_gibibyte_from_the_daemon(net: Namespace, daemon: Smold, family: Family) -> None:
    peer(net, family, "receive", 6972, scaled(GIB))


def test_both_directions_at_once(net: Namespace, daemon: Smold, family: Family) -> None:
    before = daemon.counters()
    octets = scaled(GIB // 4)
    receiver = net.start(PROGRAM, "receive", family.address, 6972, octets)
    sent = peer(net, family, "send", 6971, octets)
    out, err = receiver.communicate(timeout=50 * PATIENCE)
    assert receiver.returncode == 0, err.decode()
    assert_taken(daemon, sent)
    daemon.wait_for_rest(before)


# --- a bad link ---------------------------------------------------------------------------------------

MIB = 1 << 20


@pytest.fixture
def over(net: Namespace, smold: Callable[..., Smold], family: Family) -> Callable[..., Smold]:
    """A daemon behind a link with faults, once both sides know each other's link address: no checksum guards ARP,
    so that a flipped bit in an answer would stand for as long as the entry does."""

    def start(*faults: object) -> Smold:
        daemon = smold(*faults, apps={"sink": {"keep_alive": "off", "user_timeout": "off"}})
        answered = re.compile(r" [1-9]\d* received")
        wait_until(lambda: answered.search(net.run("ping", "-n", "-q", "-c", 1, "-W", 1, family.address,
                                                   check=False).out), 20, "no ping is answered")
        return daemon

    return start


# Only what is lost takes long: without SACK each hole costs a round trip, and the last one a timeout. When our first
# SYN-ACK is lost, the kernel takes the second that we let pass for the round trip, and every timeout of its for three.
@pytest.mark.parametrize(("faults", "octets"), [
    pytest.param(["--drop-chance", 5], MIB, id="loss"),
    pytest.param(["--duplicate-chance", 5], 64 * MIB, id="duplication"),
    pytest.param(["--reorder-chance", 5], 64 * MIB, id="reordering"),
    pytest.param(["--corrupt-chance", 1], 8 * MIB, id="corruption"),
    pytest.param(["--drop-chance", 5, "--duplicate-chance", 5, "--reorder-chance", 5, "--corrupt-chance", 1],
                 MIB, id="all"),
])
@pytest.mark.parametrize("direction", ["to", "from"])
def test_nothing_is_lost_over_a_bad_link(net: Namespace, over: Callable[..., Smold], family: Family,
                                         faults: list[object], octets: int, direction: str) -> None:
    daemon = over(*faults)
    if direction == "to":
        assert_taken(daemon, peer(net, family, "send", 6971, scaled(octets)))
    else:
        peer(net, family, "receive", 6972, scaled(octets))
    daemon.wait_for_counters(20, tcp_curr_estab=0)
    daemon.stop()
    drops = daemon.drops()
    if "--drop-chance" in faults:
        assert drops["injected_drop"] > 0
    if faults == ["--corrupt-chance", 1]:
        assert drops["tcp_bad_checksum"] > 0
