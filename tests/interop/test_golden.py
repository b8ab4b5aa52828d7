"""smoldump against tcpdump: the same lines, octet for octet, for packets of every form that smoldump prints."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "golden"))

import packets  # noqa: E402

BUILD = Path(os.environ.get("SMOL_BUILD") or Path(__file__).resolve().parents[2] / "build")
SMOLDUMP = BUILD / "tools" / "dump" / "smoldump"

OPTIONS = ([], ["-e"], ["-v"], ["-vv"], ["-vvv"], ["-q"], ["-S"], ["-X"], ["-XX"], ["-x"], ["-xx"], ["-A"], ["-t"],
           ["-tt"], ["-ttt"], ["-tttt"], ["-ttttt"], ["--nano"], ["-#"], ["-K", "-vv"], ["-evv"], ["-qe"], ["-qv"],
           ["-c", "7"], ["--count"], ["-ttttt", "--nano", "-#", "-eSvvvXX"])
FILTERS = ("tcp", "udp port 53", "ip6", "arp", "icmp[icmptype] = icmp-echo", "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0",
           "ether multicast", "vlan", "ip[6] & 0x20 != 0", "host 192.0.2.1 and not port 80", "greater 100",
           "ip6 proto 58", "src net 2001:db8::/32", "len <= 60", "dst portrange 6000-7000")


def run(program: str | Path, *arguments: str, stdin: bytes | None = None) -> bytes:
    """What it prints. Times are UTC, as the same for both."""
    done = subprocess.run([str(program), *arguments], capture_output=True, input=stdin, timeout=120, check=False,
                          env={**os.environ, "TZ": "UTC"})
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout


def assert_same(options: Sequence[str], file: Path) -> None:
    theirs = run("tcpdump", "-n", *options, "-r", str(file)).splitlines()
    ours = run(SMOLDUMP, "-n", *options, "-r", str(file)).splitlines()
    for number, (expected, printed) in enumerate(zip(theirs, ours)):
        assert printed == expected, f"line {number + 1} with {' '.join(options)}"
    assert len(ours) == len(theirs)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All packets as they were made."""
    path = tmp_path_factory.mktemp("golden") / "whole.pcap"
    path.write_bytes(packets.pcap((frame, len(frame)) for frames in packets.families().values() for frame in frames))
    return path


def test_the_generator_covers_all_and_makes_the_same_packets_each_time(whole: Path, tmp_path: Path) -> None:
    families = packets.families()
    assert sum(map(len, families.values())) > 1000
    code = ("import sys; sys.path.insert(0, sys.argv[1]); import packets; "
            "print(hash(tuple(map(tuple, packets.families().values()))))")
    command = [sys.executable, "-c", code, packets.__file__.removesuffix("packets.py")]
    once, twice = (subprocess.run(command, capture_output=True, check=True, timeout=120,
                                  env={**os.environ, "PYTHONHASHSEED": "0"}).stdout for _ in range(2))
    assert once == twice


@pytest.mark.parametrize("options", OPTIONS, ids=" ".join)
def test_whole_packets(options: list[str], whole: Path) -> None:
    assert_same(options, whole)


@pytest.mark.parametrize("options", (["--nano"], ["-ttt", "--nano"], ["-tt", "--micro"]), ids=" ".join)
def test_times_with_nanoseconds(options: list[str], tmp_path: Path) -> None:
    path = tmp_path / "nano.pcap"
    path.write_bytes(packets.pcap(((frame, len(frame)) for frame in packets.families()["arp"]), nanoseconds=True))
    assert_same(options, path)


@pytest.mark.parametrize("family", sorted(packets.families()))
@pytest.mark.parametrize("options", (["-#"], ["-e", "-#"], ["-vv", "-#"], ["-xv", "-#"]), ids=" ".join)
def test_packets_cut_anywhere(family: str, options: list[str], tmp_path: Path) -> None:
    path = tmp_path / "cut.pcap"
    path.write_bytes(packets.pcap(packets.cut(packets.families()[family])))
    assert_same(options, path)


@pytest.mark.parametrize("expression", FILTERS)
def test_filters(expression: str, whole: Path) -> None:
    assert_same(["-#", expression], whole)


@pytest.mark.parametrize("form", ("-d", "-dd", "-ddd"))
def test_compiled_filters(form: str, whole: Path) -> None:
    assert_same([form, "tcp port 80 or ip6"], whole)


def test_raw_ip(tmp_path: Path) -> None:
    path = tmp_path / "raw.pcap"
    frames = packets.families()["ip4"] + packets.families()["ip6"]
    path.write_bytes(packets.pcap(((frame[14:], len(frame) - 14) for frame in frames), link=101))
    for options in ([], ["-e"], ["-vv"], ["-x"], ["-XX"]):
        assert_same(options, path)


@pytest.mark.parametrize("name", ("copy.pcap", "copy.pcapng"))
def test_what_is_written_reads_the_same(name: str, whole: Path, tmp_path: Path) -> None:
    copy = tmp_path / name
    run(SMOLDUMP, "-r", str(whole), "-w", str(copy))
    assert run("tcpdump", "-nvv", "-r", str(copy)) == run("tcpdump", "-nvv", "-r", str(whole))
    assert_same(["-v"], copy)


def test_standard_input_and_output(whole: Path) -> None:
    pcapng = run(SMOLDUMP, "-r", "-", "-w", "-", "arp", stdin=whole.read_bytes())
    assert run(SMOLDUMP, "-n", "-r", "-", stdin=pcapng) == run("tcpdump", "-n", "-r", str(whole), "arp")
