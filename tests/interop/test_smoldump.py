"""smoldump as its user meets it: statuses, messages, pipes, and metadata that tshark shows as well."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "golden"))

import packets  # noqa: E402

BUILD = Path(os.environ.get("SMOL_BUILD") or Path(__file__).resolve().parents[2] / "build")
SMOLDUMP = str(BUILD / "tools" / "dump" / "smoldump")


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("smoldump") / "tcp.pcap"
    path.write_bytes(packets.pcap((frame, len(frame)) for frame in packets.families()["tcp"]))
    return str(path)


def smoldump(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SMOLDUMP, *arguments], capture_output=True, text=True, timeout=60, check=False)


def test_says_what_it_reads_and_ends_well(capture: str) -> None:
    done = smoldump("-n", "-c", "1", "-r", capture)
    assert done.returncode == 0
    assert done.stderr == f"reading from file {capture}, link-type EN10MB (Ethernet), snapshot length 262144\n"
    assert done.stdout.count("\n") == 1


@pytest.mark.parametrize(("arguments", "words"), (
    (("tcp", "prot"), "can't parse filter expression: syntax error"),
    (("-Q", "in"), "-Q: no packet here says"),
    (("-Q", "up"), "in, out or inout"),
    (("-c", "none"), "-c: invalid packet count none"),
    (("-p",), "-p: smold's ports have no promiscuous mode"),
    (("-F", "/nonexistent"), "-F: can't open /nonexistent: No such file or directory"),
))
def test_refuses_with_one_line_and_status_1(arguments: tuple[str, ...], words: str, capture: str) -> None:
    done = smoldump("-n", "-r", capture, *arguments)
    assert done.returncode == 1
    assert done.stdout == ""
    lines = [line for line in done.stderr.splitlines() if not line.startswith("reading from")]
    assert len(lines) == 1
    assert lines[0].startswith("smoldump: ")
    assert words in lines[0]


def test_names_the_file_that_is_not_there() -> None:
    done = smoldump("-r", "/nonexistent")
    assert (done.returncode, done.stderr) == (1, "smoldump: /nonexistent: No such file or directory\n")


def test_a_damaged_file_is_printed_as_far_as_it_goes(capture: str, tmp_path: Path) -> None:
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(Path(capture).read_bytes()[:-3])
    done = smoldump("-n", "-r", str(cut))
    assert done.returncode == 1
    assert done.stdout.count("\n") == len(packets.families()["tcp"]) - 1
    assert "truncated dump file" in done.stderr


def test_a_full_disk_is_status_6(capture: str) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run([SMOLDUMP, "-n", "-r", capture], stdout=full, stderr=subprocess.PIPE, text=True,
                              timeout=60, check=False)
    assert done.returncode == 6
    assert done.stderr.endswith("cannot write to standard output: No space left on device\n")


def test_a_reader_that_has_seen_enough_is_no_failure(tmp_path: Path) -> None:
    many = tmp_path / "many.pcap"
    many.write_bytes(packets.pcap([(frame, len(frame)) for frame in packets.families()["tcp"]] * 500))
    with subprocess.Popen([SMOLDUMP, "-nl", "-r", str(many)], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(60) == 0
        assert process.stderr.read().count(b"\n") == 1


@pytest.mark.parametrize("number", (signal.SIGINT, signal.SIGTERM))
def test_an_interrupt_ends_it_well_and_leaves_a_whole_file(number: int, capture: str, tmp_path: Path) -> None:
    """Standard input stays open: only the signal ends the run."""
    copy = tmp_path / "copy.pcapng"
    with subprocess.Popen([SMOLDUMP, "-nU", "--print", "-l", "-r", "-", "-w", str(copy)], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(Path(capture).read_bytes())
        process.stdin.flush()
        for _ in packets.families()["tcp"]:
            assert process.stdout.readline()
        process.send_signal(number)
        assert process.wait(60) == 0
    assert smoldump("--count", "-r", str(copy)).returncode == 0


def test_json_is_one_object_a_line(capture: str) -> None:
    done = smoldump("-nj", "-r", capture, "tcp port 80 and ip")
    first = json.loads(done.stdout.splitlines()[0])
    assert first["ip"] == {"src": "192.0.2.1", "dst": "192.0.2.2", "ttl": 64, "proto": 6, "len": 60}
    assert first["tcp"]["flags"] == "S"
    assert first["text"].startswith("IP 192.0.2.1.50000 > 192.0.2.2.80: Flags [S], seq 1000,")
    assert first["ts"] == "2023-11-14T22:13:20.123456000Z"


def test_looks_names_up_unless_told_not_to(capture: str) -> None:
    assert ".http: Flags" in smoldump("-t", "-c", "1", "-r", capture).stdout
    assert ".80: Flags" in smoldump("-nt", "-c", "1", "-r", capture).stdout


def test_colours_only_when_asked_or_on_a_terminal(capture: str) -> None:
    assert "\033[" not in smoldump("-nc1", "-r", capture).stdout
    assert "\033[32mS\033[0m" in smoldump("-nc1", "--color", "always", "-r", capture).stdout
    under_terminal = ["script", "-qec", f"{SMOLDUMP} -nc1 -r {capture}", "/dev/null"]
    for no_color, coloured in (("", True), ("1", False)):
        done = subprocess.run(under_terminal, capture_output=True, text=True, timeout=60, check=False,
                              env={**os.environ, "NO_COLOR": no_color})
        assert ("\033[32m" in done.stdout) == coloured


def test_metadata_goes_through_files_and_tshark_shows_it(tmp_path: Path) -> None:
    frame = packets.families()["udp"][0]
    source = tmp_path / "source.pcapng"
    source.write_bytes(pcapng(frame, "port0", direction=1, queue=2, comment="worker 2; drop: tcp_bad_checksum"))
    copy = tmp_path / "copy.pcapng"
    assert smoldump("-r", str(source), "-w", str(copy)).returncode == 0
    for file in (source, copy):
        assert smoldump("-nmt", "-r", str(file)).stdout.startswith("[w2 port0 q2 in drop:tcp_bad_checksum] IP ")
    shown = subprocess.run(
        ["tshark", "-r", str(copy), "-T", "fields", "-e", "frame.interface_name", "-e", "frame.interface_queue",
         "-e", "frame.comment", "-e", "frame.packet_flags_direction"], capture_output=True, text=True, timeout=60,
        check=True).stdout.split("\t")
    assert shown[:3] == ["port0", "2", "worker 2; drop: tcp_bad_checksum"]
    assert int(shown[3], 0) == 1


def pcapng(frame: bytes, interface: str, direction: int, queue: int, comment: str) -> bytes:
    """One packet with everything, as another program would write it: big-endian."""
    def option(code: int, value: bytes) -> bytes:
        return code.to_bytes(2, "big") + len(value).to_bytes(2, "big") + value + bytes(-len(value) % 4)

    def block(kind: int, body: bytes) -> bytes:
        length = (len(body) + 12).to_bytes(4, "big")
        return kind.to_bytes(4, "big") + length + body + length

    def word(value: int) -> bytes:
        return value.to_bytes(4, "big")

    section = word(0x1A2B3C4D) + b"\0\1\0\0" + b"\xff" * 8
    description = b"\0\1\0\0" + word(262144) + option(2, interface.encode()) + option(0, b"")
    packet = word(0) * 3 + word(len(frame)) * 2 + frame + bytes(-len(frame) % 4)
    options = option(1, comment.encode()) + option(2, word(direction)) + option(6, word(queue)) + option(0, b"")
    return block(0x0A0D0D0A, section) + block(1, description) + block(6, packet + options)
