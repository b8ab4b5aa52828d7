"""The variables of a connection: at each segment in a capture (smoldump --tcp-info), and live (smolctl ss --watch)."""

from __future__ import annotations

import json
import re
import socket
import subprocess
from pathlib import Path

import pytest
from api import SMOLCTL
from conftest import IPV4, Family
from dump import SMOLDUMP, Dump
from netns import PATIENCE, Namespace, wait_until
from peer import peer
from smold import Smold

SOURCE = 6972
OCTETS = 4 << 20


def traces(lines: list[str]) -> list[dict[str, object]]:
    """Of the segments that have one, in their order; each with the direction of the segment."""
    out = []
    for line in map(json.loads, lines):
        if "tcp_info" in line:
            out.append({**line["tcp_info"], "dir": line["dir"]})
    return out


def test_a_download_shows_the_window_grow(net: Namespace, daemon: Smold, family: Family) -> None:
    dump = Dump(net, daemon, "-nlj", "--buffer", "64M", "-s", 128, "--tcp-info", f"tcp port {SOURCE}")
    # All of it in any build: less is over before the window has grown.
    peer(net, family, "receive", SOURCE, OCTETS)
    daemon.wait_for_counters(10, tcp_curr_estab=0)
    seen = traces(dump.stop())
    assert {each["dir"] for each in seen} == {"in", "out"}
    assert len({each["socket"] for each in seen}) == 1
    windows = [int(each["cwnd"]) for each in seen if each["state"] == "ESTAB"]  # type: ignore[call-overload]
    assert max(windows) > 2 * windows[0], windows[:50]
    assert seen[0]["phase"] == "slow_start" and float(seen[-1]["rtt"]) > 0  # type: ignore[arg-type]
    delivered = [int(each["delivered"]) for each in seen]  # type: ignore[call-overload]
    assert delivered == sorted(delivered) and delivered[-1] > OCTETS * 0.9


@pytest.fixture
def connection(net: Namespace, daemon: Smold) -> socket.socket:
    """One that has said and heard something, and is at rest."""
    with net.inside():
        sock = socket.create_connection((IPV4.address, SOURCE), timeout=10 * PATIENCE)
    return sock


def shown(daemon: Smold) -> list[dict[str, object]]:
    out = subprocess.run([SMOLCTL, "--server", daemon.server, "-j", "ss", "-ti", "sport", "=", f":{SOURCE}"],
                         capture_output=True, text=True, check=True, timeout=20 * PATIENCE).stdout
    return json.loads(out)  # type: ignore[no-any-return]


def test_the_last_segment_and_ss_agree(net: Namespace, daemon: Smold, connection: socket.socket) -> None:
    """The reader stops, so that the connection comes to rest with its window full."""
    with connection:
        def sent() -> list[object]:
            return [(each["state"], each["tcp_info"]["bytes_sent"])  # type: ignore[index]
                    for each in shown(daemon)]

        def at_rest() -> bool:
            before = sent()
            return len(before) == 1 and before == sent()

        wait_until(at_rest, 10, "the connection does not come to rest")
        number = shown(daemon)[0]["id"]
        dump = Dump(net, daemon, "-nlj", "--tcp-info", "--socket", number)
        connection.recv(200_000, socket.MSG_WAITALL)
        dump.wait_for('"dir":"out"')
        wait_until(at_rest, 10, "the connection does not come to rest again")
        now = shown(daemon)[0]
        last = traces(dump.stop())[-1]
    info = now["tcp_info"]
    assert isinstance(info, dict)
    assert last["socket"] == number
    for key in ("cwnd", "snd_wnd", "mss", "congestion"):
        assert last[key] == info[key], key


def test_tshark_shows_the_comment_and_smoldump_reads_it_again(
        net: Namespace, daemon: Smold, family: Family, tmp_path: Path) -> None:
    file = tmp_path / "traced.pcapng"
    dump = Dump(net, daemon, "-w", file, "--tcp-info", "tcp port 80")
    net.run("curl", "-sS", "-g", "-o", "/dev/null", f"{family.url}/")
    daemon.wait_for_counters(5, tcp_curr_estab=0)
    dump.stop()
    comments = subprocess.run(["tshark", "-r", file, "-T", "fields", "-e", "frame.comment", "-Y",
                               'frame.comment contains "tcp: ESTAB"'],
                              capture_output=True, text=True, check=True).stdout.splitlines()
    assert comments and all(re.search(r"cwnd:\d+ .*una:\d+ nxt:\d+", line) for line in comments)
    text = subprocess.run([SMOLDUMP, "-n", "--tcp-info", "-r", file], capture_output=True, text=True,
                          check=True).stdout
    below = re.findall(r"^\t(ESTAB .*)$", text, re.MULTILINE)
    assert below == [re.search(r"tcp: (.*)", line)[1] for line in comments]  # type: ignore[index]
    as_json = subprocess.run([SMOLDUMP, "-nj", "-r", file], capture_output=True, text=True, check=True).stdout
    assert sum(each["state"] == "ESTAB" for each in traces(as_json.splitlines())) == len(below)


def test_without_the_option_nothing_is_told(net: Namespace, daemon: Smold, family: Family) -> None:
    dump = Dump(net, daemon, "-nlj", "tcp port 80")
    net.run("curl", "-sS", "-g", "-o", "/dev/null", f"{family.url}/")
    daemon.wait_for_counters(5, tcp_curr_estab=0)
    lines = dump.stop()
    assert lines and not traces(lines)


def test_a_socket_that_is_none_is_refused(net: Namespace, daemon: Smold) -> None:
    done = subprocess.run([SMOLDUMP, "--server", daemon.server, "--socket", "17"], capture_output=True, text=True,
                          timeout=20 * PATIENCE)
    assert done.returncode == 1 and done.stderr


def test_ss_is_watched(net: Namespace, daemon: Smold, connection: socket.socket) -> None:
    """A line of JSON each time, and as a table one behind the other."""
    with connection:
        for words, pattern in ((("-j", "ss", "-ti", "--watch", 1, "sport", "=", f":{SOURCE}"), '"tcp_info"'),
                               (("ss", "-ti", "--watch", "sport", "=", f":{SOURCE}"), r"\bcwnd:")):
            with subprocess.Popen([SMOLCTL, "--server", daemon.server, *map(str, words)], stdout=subprocess.PIPE,
                                  text=True) as child:
                assert child.stdout is not None
                found = 0
                times = []
                while found < 2:
                    line = child.stdout.readline()
                    assert line, "it has ended"
                    if line.startswith("{"):
                        times.append(json.loads(line)["time"])
                    found += bool(re.search(pattern, line))
                child.terminate()
            assert not times or 0.5 < times[1] - times[0] < 10 * PATIENCE
