"""Our own port over a tap: frames with things left to be done, taps of users, and what it refuses."""

from __future__ import annotations

import fcntl
import json
import os
import pwd
import re
import shutil
import socket
import struct
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from api import smolctl
from conftest import IPV4, Family
from netns import Namespace, scaled
from peer import PROGRAM as PEER, peer
from smold import INTERFACE, PROGRAM, Smold, configuration, write_configuration

DEVICE = f"tap:{INTERFACE}"
NOBODY = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")


@pytest.fixture
def workers() -> int:
    return 1


@pytest.fixture
def offload() -> str:
    return "auto"


@pytest.fixture
def daemon(smold: Callable[..., Smold], workers: int, offload: str) -> Smold:
    return smold("--workers", workers, port={"device": DEVICE, "offload": offload})


BOTH = pytest.mark.parametrize("offload", ["auto", "off"])


@contextmanager
def tap(net: Namespace, *words: str, mode: str = "tap") -> Iterator[None]:
    """One that somebody made, and that stays when the daemon goes."""
    net.ip("tuntap", "add", INTERFACE, "mode", mode, *words)
    try:
        yield
        assert INTERFACE in net.interfaces()
    finally:
        net.ip("link", "delete", INTERFACE)


# --- traffic ------------------------------------------------------------------------------------------


@BOTH
def test_pings_are_answered(net: Namespace, daemon: Smold, family: Family) -> None:
    for size in (0, 56, 1400):
        done = net.run("ping", "-n", "-q", "-i", 0.01, "-c", 20, "-s", size, family.address)
        assert "20 received, 0% packet loss" in done.out


@BOTH
def test_datagrams_are_answered(net: Namespace, daemon: Smold, family: Family) -> None:
    with net.inside():
        sock = socket.socket(socket.AF_INET if family.digit == "4" else socket.AF_INET6, socket.SOCK_DGRAM)
    with sock:
        sock.settimeout(10)
        for size in (1, 2, 1400):
            sock.sendto(b"x" * size, (family.address, 6969))
            assert sock.recv(2000)


@BOTH
@pytest.mark.parametrize("workers", [1, 3], ids=["1-worker", "3-workers"])
@pytest.mark.tsan
def test_streams_are_whole_whichever_way_they_go(net: Namespace, daemon: Smold, family: Family, offload: str) -> None:
    octets = scaled(64 << 20)
    receiver = net.start(PEER, "receive", family.address, 6972, octets)
    sent = peer(net, family, "send", 6971, octets)
    out, err = receiver.communicate(timeout=110)
    assert receiver.returncode == 0, (out, err)
    line = daemon.wait_for_line(rf':{sent["port"]} closed: (.+)"$', 10)
    assert line[1] == f"{sent['octets']} octets, crc32c {sent['crc32c']}"
    counters = daemon.counters()
    assert counters["drop.tcp_bad_checksum"] == counters["drop.rx_bad_offload"] == 0
    assert counters["drop.rx_frame_too_long"] == 0
    for name in ("rx_merged", "tx_segmented"):
        assert (counters[f"{INTERFACE}.{name}"] > 0) == (offload == "auto"), name


def test_what_the_kernel_leaves_undone_is_done_in_a_capture(net: Namespace, smold: Callable[..., Smold],
                                                            family: Family, tmp_path: Path) -> None:
    file = tmp_path / "all.pcap"
    daemon = smold("--pcap", file, port={"device": DEVICE})
    peer(net, family, "send", 6971, 1 << 20)
    daemon.stop()
    shown = net.run("tcpdump", "-n", "-vv", "-r", file, "tcp").out
    assert f" > {family.address}.6971: Flags [" in shown
    assert "incorrect" not in shown


@pytest.fixture
def beyond(net: Namespace) -> Iterator[Namespace]:
    """Another host, that the kernel forwards to over a link whose ends do everything by themselves."""
    other = Namespace()
    try:
        net.ip("link", "add", "near", "type", "veth", "peer", "name", "far", "netns", other.name)
        for where, end, host in ((net, "near", 1), (other, "far", 2)):
            where.run("ethtool", "-K", end, "tx", "off", "tso", "off", "gso", "off", "gro", "off")
            where.ip("link", "set", end, "up")
            where.ip("address", "add", f"10.9.0.{host}/24", "dev", end)
            where.ip("address", "add", f"fd99::{host}/64", "dev", end, "nodad")
        other.ip("route", "add", "192.168.69.0/24", "via", "10.9.0.1")
        other.ip("route", "add", "fdaa::/64", "via", "fd99::1")
        with net.inside():
            for switch in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
                Path("/proc/sys/net", switch).write_text("1\n")
        yield other
    finally:
        other.remove()


def test_what_is_left_to_the_kernel_is_right_on_a_wire(net: Namespace, daemon: Smold, beyond: Namespace,
                                                       family: Family) -> None:
    """Nobody looks at a checksum that was left out, unless the packet leaves the machine."""
    octets = scaled(8 << 20)
    peer(beyond, family, "receive", 6972, octets)
    sent = peer(beyond, family, "send", 6971, octets)
    line = daemon.wait_for_line(rf':{sent["port"]} closed: (.+)"$', 10)
    assert line[1] == f"{sent['octets']} octets, crc32c {sent['crc32c']}"
    shown = beyond.run("nstat", "-a", "-s", "-z", "TcpInCsumErrors").out
    assert re.search(r"^TcpInCsumErrors +0 ", shown, re.MULTILINE), shown
    assert daemon.counters()[f"{INTERFACE}.tx_segmented"] > 0


def test_faults_are_done_to_single_frames(net: Namespace, smold: Callable[..., Smold], family: Family) -> None:
    daemon = smold(port={"device": DEVICE, "faults": {"drop_chance": 1, "corrupt_chance": 1}}, seed=7)
    octets = scaled(4 << 20)
    sent = peer(net, family, "send", 6971, octets)
    line = daemon.wait_for_line(rf':{sent["port"]} closed: (.+)"$', 10)
    assert line[1] == f"{sent['octets']} octets, crc32c {sent['crc32c']}"
    counters = daemon.counters()
    assert counters[f"{INTERFACE}.rx_merged"] == 0
    assert counters["drop.injected_drop"] > 0


def test_jumbo_frames_pass(net: Namespace, smold: Callable[..., Smold], family: Family) -> None:
    daemon = smold(port={"device": DEVICE, "mtu": 9000, "offload": "off"})
    assert "mtu 9000" in net.ip("link", "show", INTERFACE)
    done = net.run("ping", "-n", "-q", "-i", 0.01, "-c", 5, "-M", "do", "-s", 8900, family.address)
    assert "5 received, 0% packet loss" in done.out
    daemon.stop()


@BOTH
def test_what_is_left_to_the_kernel_is_shown(daemon: Smold, offload: str) -> None:
    link, = json.loads(smolctl(daemon, "-j", "link").out)
    assert link["driver"] == "tap"
    assert link["offloads"] == (["rx-checksum", "rx-merge", "tx-tcp-checksum", "tx-udp-checksum", "tx-tcp-segmentation"]
                                if offload == "auto" else [])
    assert f"offloads: {' '.join(link['offloads']) or 'none'}\n" in smolctl(daemon, "link").out


# --- whose interface it is ----------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 3], ids=["1-worker", "3-workers"])
def test_an_interface_that_is_made_goes_with_the_daemon(net: Namespace, daemon: Smold, workers: int) -> None:
    assert net.interfaces() == {INTERFACE}
    net.run("curl", "-sS", f"{IPV4.url}/hello")
    daemon.stop()
    assert net.interfaces() == set()


@pytest.fixture
def program_for_all(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """pytest's folders, and this build, may be for root alone."""
    folder = Path(tempfile.mkdtemp(prefix="interop-"))
    try:
        folder.chmod(0o755)
        program = Path(shutil.copy(PROGRAM, folder))
        program.chmod(0o755)
        monkeypatch.setattr("smold.PROGRAM", program)
        yield
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize(("words", "workers"), [((), 1), ((), 2), (("multi_queue",), 1), (("multi_queue",), 3)],
                         ids=["one queue", "one queue for two workers", "queues for one worker",
                              "queues for three workers"])
@pytest.mark.usefixtures("program_for_all")
def test_a_users_tap_needs_no_privilege_and_stays(net: Namespace, words: tuple[str, ...], workers: int) -> None:
    """Started, ended, and started again."""
    nobody = pwd.getpwnam("nobody")
    with tap(net, "user", "nobody", *words), tempfile.TemporaryDirectory(prefix="smol-") as folder:
        Path(folder).chmod(0o755)
        file = write_configuration(Path(folder), configuration(port={"device": DEVICE}))
        net.ip("link", "set", INTERFACE, "up")
        for run in range(2):
            daemon = Smold(net, "--config", file, "--workers", workers)
            os.chown(daemon.folder, nobody.pw_uid, nobody.pw_gid)
            try:
                daemon.launch(*NOBODY)
                daemon.wait_for_line("component=smold msg=\"ready in ", 10)
                if run == 0:
                    daemon.host_side()
                assert Path(f"/proc/{daemon.pid}").stat().st_uid == nobody.pw_uid
                sent = peer(net, IPV4, "send", 6971, scaled(8 << 20))
                daemon.wait_for_line(rf':{sent["port"]} closed: {sent["octets"]} octets, crc32c {sent["crc32c"]}"$', 10)
                assert daemon.counters()[f"{INTERFACE}.rx_merged"] > 0
                daemon.stop()
            finally:
                daemon.kill()


def test_an_interface_that_is_deleted_is_said_to_be_gone(net: Namespace, daemon: Smold) -> None:
    net.ip("link", "delete", INTERFACE)
    daemon.wait_for_line("smol0: its interface is gone: start the daemon again", 10)


# --- refusals -----------------------------------------------------------------------------------------


@pytest.fixture
def refusal(net: Namespace, tmp_path: Path) -> Callable[..., str]:
    """Starts a daemon that must not start: the one line that it says why."""

    def start(*prefix: str) -> str:
        config = configuration(port={"device": DEVICE})
        with tempfile.TemporaryDirectory(prefix="smol-") as folder:
            Path(folder).chmod(0o755)
            daemon = Smold(net, "--config", write_configuration(Path(folder), config))
            daemon.launch(*prefix)
            assert daemon.wait() == 1, daemon.log
        daemon.assert_well()
        said = [line for line in daemon.lines if " level=info " not in line]
        assert len(said) == 1, daemon.log
        return said[0]

    return start


def test_another_daemon_has_it(daemon: Smold, refusal: Callable[..., str]) -> None:
    assert refusal() == "smold: port smol0: smol0: another smold has this interface: choose another name"


@pytest.mark.parametrize("words", [(), ("multi_queue",)], ids=["one queue", "queues"])
def test_another_program_has_it(net: Namespace, refusal: Callable[..., str], words: tuple[str, ...]) -> None:
    iff_tap, iff_no_pi, iff_multi_queue, tunsetiff = 2, 0x1000, 0x100, 0x400454CA
    with tap(net, *words), net.inside(), open("/dev/net/tun", "r+b", buffering=0) as theirs:
        flags = iff_tap | iff_no_pi | (iff_multi_queue if words else 0)
        fcntl.ioctl(theirs, tunsetiff, struct.pack("16sH22x", INTERFACE.encode(), flags))
        assert refusal() == \
            "smold: port smol0: smol0: another program has this tap: stop it, or choose another name"


def test_an_interface_that_is_no_tap(net: Namespace, refusal: Callable[..., str]) -> None:
    with tap(net, mode="tun"):
        assert refusal() == ("smold: port smol0: smol0: an interface of this name exists already, and is no tap: "
                             "choose another name, or delete it: ip link delete smol0")


@pytest.mark.usefixtures("program_for_all")
def test_no_permission(net: Namespace, refusal: Callable[..., str]) -> None:
    assert refusal(*NOBODY) == (
        "smold: port smol0: no permission to make interface smol0: run as root or with the capability cap_net_admin "
        "(setcap cap_net_admin+ep), or have root make it for this user: ip tuntap add smol0 mode tap user nobody")
    with tap(net, "user", "daemon"):
        assert refusal(*NOBODY) == (
            "smold: port smol0: no permission to open interface smol0, which is for user daemon: run as root or with "
            "the capability cap_net_admin, or make it for this user: ip tuntap add smol0 mode tap user nobody")
