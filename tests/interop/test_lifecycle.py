"""From start to end: how it refuses to start, how it stops, and that it leaves nothing behind."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import IPV4, Family
from netns import PATIENCE, Namespace, wait_until
from peer import PROGRAM as PEER
from smold import INTERFACE, PROGRAM, Smold, configuration, write_configuration

STOP_LIMIT = 2.0 * PATIENCE


def traces() -> set[str]:
    """Files of the kinds that DPDK and we might forget."""
    folders = ("/run", "/run/dpdk", "/tmp", "/dev/shm", "/dev/hugepages")
    names = (f"{folder}/{name}" for folder in folders if os.path.isdir(folder) for name in os.listdir(folder))
    # From a name's beginning: the rest of it may be chance's (mkdtemp).
    return {name for name in names if re.search(r"/\.?(dpdk|rte|smold|smol0)", name)}


@pytest.fixture(autouse=True)
def _nothing_stays_behind(net: Namespace) -> Iterator[None]:
    """Around each test: the other fixtures of it are built later, and so put away earlier."""
    before = traces()
    yield
    assert net.interfaces() == set()
    assert net.pids() == []
    assert traces() - before == set()


# --- refusals -----------------------------------------------------------------------------------------


@pytest.fixture
def refusal(net: Namespace) -> Callable[..., str]:
    """Starts a daemon that must not start: the one line that it says why."""

    def start(*arguments: object, prefix: tuple[str, ...] = ()) -> str:
        daemon = Smold(net, *arguments)
        daemon.launch(*prefix)
        assert daemon.wait() == 1, daemon.log
        daemon.assert_well()
        said = [line for line in daemon.lines if " level=info " not in line]
        assert len(said) == 1, daemon.log
        return said[0]

    return start


@pytest.mark.parametrize(("device", "line"), [
    ("net_nonsense0", "smold: port smol0: no driver for net_nonsense0 is installed: look for package "
                      "librte-net-nonsense*"),
    ("0000:ff:1f.7", "smold: port smol0: there is no PCI device 0000:ff:1f.7: lspci -D lists what is there"),
])
def test_a_device_that_is_not_there(refusal: Callable[..., str], tmp_path: Path, device: str, line: str) -> None:
    assert refusal("--config", write_configuration(tmp_path, configuration(port={"device": device}))) == line


@pytest.mark.parametrize(("text", "line"), [
    ("ports:\n  - name: smol0\n    device: net_tap0,iface=smol0\n    colour: red\n",
     ":4:5: unknown key 'colour' in ports[0] (allowed: addresses, device, "),
    ("ports:\n  - name: smol0\n    device: net_tap0,iface=smol0\n    addresses: [300.1.1.1/24]\n",
     ":4:17: ports[0].addresses[0]: '300.1.1.1/24' is no address with a prefix length: write one such as "),
    ("tcp:\n  time_wait: 60\n", ":2:14: tcp.time_wait: "),
    ("ports:\n  - name: smol0\n   device: [\n", ":3:4: not YAML: "),
    ("", ": "),
], ids=["unknown key", "bad address", "no unit", "no YAML", "empty"])
def test_a_configuration_that_is_wrong(refusal: Callable[..., str], tmp_path: Path, text: str, line: str) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(text)
    assert refusal("--config", file).startswith(f"{file}{line}")


def test_a_configuration_that_is_not_there(refusal: Callable[..., str], tmp_path: Path) -> None:
    assert refusal("--config", tmp_path / "none.yaml") == f"{tmp_path}/none.yaml: no such file"


def test_a_capture_file_that_cannot_be_written(refusal: Callable[..., str], tmp_path: Path) -> None:
    file = tmp_path / "none" / "a.pcap"
    assert refusal("--demo", "--pcap", file) == \
        f"smold: capture file {file}: cannot create: No such file or directory"


@pytest.mark.parametrize("prefix", [
    ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"),
    ("setpriv", "--bounding-set=-net_admin"),
], ids=["nobody", "root without the capability"])
def test_no_permission(refusal: Callable[..., str], prefix: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(tempfile.mkdtemp(prefix="interop-"))  # pytest's are for root alone
    try:
        folder.chmod(0o755)
        program = Path(shutil.copy(PROGRAM, folder))
        program.chmod(0o755)
        monkeypatch.setattr("smold.PROGRAM", program)
        assert refusal("--demo", prefix=prefix) == \
            ("smold: port smol0: no permission to make interface smol0: run as root or with the capability "
             "cap_net_admin (setcap cap_net_admin+ep)")
    finally:
        shutil.rmtree(folder)


def test_a_second_daemon_is_refused_and_the_first_one_unharmed(
        net: Namespace, daemon: Smold, refusal: Callable[..., str], family: Family) -> None:
    ping = net.start("ping", "-n", "-q", "-i", 0.01, "-c", 100, family.address)
    for _ in range(2):
        assert refusal("--demo") == \
            "smold: port smol0: smol0: another smold has this interface: choose another iface="
    out, _ = ping.communicate(timeout=20 * PATIENCE)
    assert b"100 received, 0% packet loss" in out
    daemon.stop()  # the fixture above looks at what is left


def test_an_interface_of_somebody_else_is_left_alone(net: Namespace, refusal: Callable[..., str]) -> None:
    net.ip("tuntap", "add", INTERFACE, "mode", "tap")
    try:
        assert refusal("--demo") == ("smold: port smol0: smol0: an interface of this name exists already: choose "
                                     "another iface=, or delete it: ip link delete smol0")
        assert net.interfaces() == {INTERFACE}
    finally:
        net.ip("link", "delete", INTERFACE)


# --- the end ------------------------------------------------------------------------------------------

SIGNALS = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])


@SIGNALS
@pytest.mark.tsan
def test_an_idle_daemon_ends_at_once(smold: Callable[..., Smold], number: signal.Signals) -> None:
    daemon = smold()
    assert daemon.stop(number) < 1.0 * PATIENCE
    daemon.wait_for_line(f"stops: {number.name}", 0)


@SIGNALS
def test_idle_connections_are_closed_in_order(
        net: Namespace, smold: Callable[..., Smold], family: Family, number: signal.Signals) -> None:
    daemon = smold()
    with net.inside():
        socks = [socket.create_connection((family.address, port), timeout=5 * PATIENCE)
                 for port in (80, 6970, 6971) for _ in range(20)]
    daemon.wait_for_counters(5, tcp_curr_estab=len(socks))
    daemon.process.send_signal(number)
    for sock in socks:
        with sock:
            assert sock.recv(1) == b""
    # All of them closed: there is nothing to wait for.
    assert daemon.wait() == 0
    daemon.assert_well()
    assert "cut off" not in daemon.log


@SIGNALS
def test_connections_that_stay_do_not_hold_it_up(
        net: Namespace, smold: Callable[..., Smold], family: Family, number: signal.Signals) -> None:
    """Some of each service, and none of the clients says a word."""
    daemon = smold()
    with net.inside():
        socks = [socket.create_connection((family.address, port), timeout=5 * PATIENCE)
                 for port in (80, 6970, 6971, 6972) for _ in range(20)]
    took = daemon.stop(number)
    for sock in socks:
        sock.close()
    assert took < STOP_LIMIT
    assert re.search(r"\d+ connections were cut off", daemon.log)


@SIGNALS
@pytest.mark.tsan
def test_running_transfers_do_not_hold_it_up(
        net: Namespace, smold: Callable[..., Smold], family: Family, number: signal.Signals) -> None:
    daemon = smold()
    clients = [net.start(PEER, command, family.address, port, 1 << 40)
               for command, port in (("send", 6971), ("receive", 6972)) for _ in range(3)]
    daemon.wait_for_counters(10, tcp_curr_estab=len(clients))
    for octets in ("smol0.rx_octets", "smol0.tx_octets"):
        wait_until(lambda: daemon.counters()[octets] > 10_000_000, 20, "nothing is transferred")
    assert daemon.stop(number) < STOP_LIMIT
    for client in clients:
        assert client.wait(10 * PATIENCE) == 1  # told, and not left to wait


def test_nobody_new_is_let_in_while_it_drains(net: Namespace, smold: Callable[..., Smold], family: Family) -> None:
    daemon = smold(drain="5s")
    with net.inside():
        with socket.create_connection((family.address, 6970), timeout=5 * PATIENCE) as stays:
            daemon.wait_for_counters(5, tcp_curr_estab=1)
            daemon.process.send_signal(signal.SIGTERM)
            assert stays.recv(1) == b""  # it drains: our side is still open
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection((family.address, 6970), timeout=2 * PATIENCE)
            net.run("ping", "-n", "-q", "-c", 1, family.address)  # otherwise it is there
            assert daemon.running()
    assert daemon.wait() == 0
    daemon.assert_well()


def test_a_second_signal_does_not_wait(net: Namespace, smold: Callable[..., Smold], family: Family) -> None:
    daemon = smold(drain="30s")
    with net.inside(), socket.create_connection((family.address, 6970), timeout=5 * PATIENCE) as stays:
        daemon.wait_for_counters(5, tcp_curr_estab=1)
        daemon.process.send_signal(signal.SIGTERM)
        assert stays.recv(1) == b""
        begin = time.monotonic()
        daemon.stop()
        assert time.monotonic() - begin < 1.0 * PATIENCE
    assert "1 connections were cut off" in daemon.log


def test_what_was_killed_leaves_nothing_in_the_way_of_the_next(
        net: Namespace, smold: Callable[..., Smold]) -> None:
    for _ in range(3):
        killed = smold()
        net.run("ping", "-n", "-q", "-c", 1, IPV4.address)
        killed.kill()
        wait_until(lambda: INTERFACE not in net.interfaces(), 5, "the interface stays")
    daemon = smold()
    net.run("ping", "-n", "-q", "-c", 1, IPV4.address)
    daemon.stop()
