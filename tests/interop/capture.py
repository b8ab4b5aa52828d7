"""Captures, as tshark and tcpdump understand them."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from netns import PATIENCE, Namespace, wait_until

# Wireshark takes checksums on trust unless told otherwise.
_CHECKS = [word for protocol in ("ip", "tcp", "udp") for word in ("-o", f"{protocol}.check_checksum:TRUE")]
_CHECKSUMS = ("ip.checksum.status", "tcp.checksum.status", "udp.checksum.status", "icmp.checksum.status",
              "icmpv6.checksum.status")
_WRONG = " || ".join(["_ws.malformed", "_ws.short", "frame.cap_len < frame.len",
                      *(f'{field} == "Bad"' for field in _CHECKSUMS)])
# The kernel writes 0xffff where a checksum is 0 and its device takes none over; the sum comes to the same.
_LIKE_UDP = "(tcp.checksum == 0xffff && tcp.checksum_calculated == 0)"


@contextmanager
def tcpdump(net: Namespace, interface: str, file: Path) -> Iterator[None]:
    """The host's view of an interface, written to a file meanwhile. No packet may be missing from it."""
    messages = file.with_suffix(".messages")
    with messages.open("wb") as stderr:
        # A buffer of 64 MiB; -Z root: it shall not give up the right to write where pytest's files are.
        child = net.start("tcpdump", "-n", "-i", interface, "-s", 0, "-B", 65536, "-U", "-w", file, "-Z", "root",
                          stderr=stderr.fileno())
        wait_until(lambda: "listening on" in messages.read_text(), 10, "tcpdump does not listen")
        yield
        child.terminate()
        child.wait(20 * PATIENCE)
    assert "\n0 packets dropped by kernel" in messages.read_text(), messages.read_text()


def _output(command: list[object]) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{' '.join(done.args)}: {done.stderr}"
    return done.stdout


def packets(file: Path, which: str, *fields: str) -> list[list[str]]:
    """The fields of the packets that a display filter matches."""
    command: list[object] = ["tshark", "-n", "-r", file, *_CHECKS, "-Y", which, "-T", "fields"]
    for field in fields or ("frame.number",):
        command += ["-e", field]
    return [line.split("\t") for line in _output(command).splitlines()]


def count(file: Path, which: str = "frame") -> int:
    return len(packets(file, which))


def assert_sound(file: Path, which: str = "frame") -> None:
    """tshark finds no packet of these malformed, cut off, or with a wrong checksum; and it did look."""
    wrong = packets(file, f"({which}) && ({_WRONG}) && !{_LIKE_UDP}", "frame.number", "_ws.col.Info", *_CHECKSUMS)
    assert not wrong, f"{len(wrong)} packets of {file} are wrong: {wrong[:10]}"
    # Those that an ICMP error quotes are not whole, and fragments have their checksum elsewhere.
    whole = f"({which}) && !{_LIKE_UDP} && !icmp.type in {{3, 4, 5, 11, 12}} && !icmpv6.type < 128"
    for protocol in ("tcp", "udp"):
        checked = count(file, f'{whole} && {protocol}.checksum.status == "Good"')
        assert checked == count(file, f"{whole} && {protocol}"), f"{protocol}: not every checksum was looked at"


def assert_tcpdump_reads(file: Path) -> int:
    """As many lines as packets, none of which tells of damage. Their number."""
    lines = _output(["tcpdump", "-n", "-r", file]).splitlines()
    bad = [line for line in lines if "[|" in line or "truncated" in line or "invalid" in line]
    assert not bad, f"tcpdump on {file}: {bad[:10]}"
    return len(lines)


def drop_reasons(file: Path) -> Counter[str]:
    """What the comments of a pcapng file say of dropped packets."""
    comments = packets(file, "frame.comment", "frame.comment")
    assert all(comment.startswith("drop: ") for (comment,) in comments), comments[:10]
    return Counter(comment.removeprefix("drop: ") for (comment,) in comments)
