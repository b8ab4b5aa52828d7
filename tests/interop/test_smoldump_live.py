"""smoldump beside a running smold: the lines of tcpdump, drops with their reasons, exact counts, and no harm done."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from api import asked
from capture import assert_sound, assert_tcpdump_reads, count
from conftest import IPV4, IPV6, Family
from dump import SMOLDUMP, Counts, Dump, untimed
from netns import PATIENCE, Namespace, scaled, wait_until
from peer import PROGRAM as PEER
from smold import INTERFACE, MAC, Smold

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "golden"))

from packets import IP, TCP, UDP, Ether, IPv6, Packet, Raw  # noqa: E402

FORMS = [("-n",), ("-nvv", "-e"), ("-nqS",), ("-nXX",)]


def page(net: Namespace, family: Family) -> None:
    net.run("curl", "-sS", "-g", "-o", "/dev/null", f"{family.url}/")


def host_mac(net: Namespace) -> str:
    return re.search(r"link/ether (\S+)", net.ip("link", "show", "dev", INTERFACE))[1]  # type: ignore[index]


# --- what passes --------------------------------------------------------------------------------------


def test_a_page_is_fetched_and_tcpdump_would_print_the_same(
        net: Namespace, smold: Callable[..., Smold], family: Family, tmp_path: Path) -> None:
    """In four forms by four smoldumps at once; tcpdump has the file that the daemon wrote."""
    file = tmp_path / "page.pcap"
    daemon = smold("--pcap", file)
    dumps = [Dump(net, daemon, *form, "-l", "-i", INTERFACE, "tcp port 80") for form in FORMS]
    page(net, family)
    dumps[0].wait_for(r"Flags \[F\.\]", 2)
    dumps[0].wait_for(r"Flags \[\.\], ack 2|Flags \[\.\], ack \d+, win \d+, options \[.*\], length 0$", 3)
    daemon.wait_for_counters(5, tcp_curr_estab=0)
    printed = [untimed(dump.stop()) for dump in dumps]
    daemon.stop()
    for form, lines in zip(FORMS, printed):
        wanted = subprocess.run(["tcpdump", *form, "-r", file, "tcp port 80"], capture_output=True, text=True,
                                check=True).stdout.splitlines()
        assert lines == untimed(wanted)
    flags = [re.search(r"Flags \[(\S+)\]", line)[1] for line in printed[0]]  # type: ignore[index]
    assert flags[:3] == ["S", "S.", "."] and flags.count("F.") == 2 and flags[-1] == "."
    assert any("HTTP: GET / HTTP/1.1" in line for line in printed[0])
    assert any("HTTP: HTTP/1.1 200 OK" in line for line in printed[0])


@pytest.mark.parametrize("suffix", ["pcap", "pcapng"])
def test_what_it_writes_opens_elsewhere(
        net: Namespace, daemon: Smold, family: Family, tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"page.{suffix}"
    dump = Dump(net, daemon, "-w", file, "tcp port 80")
    page(net, family)
    daemon.wait_for_counters(5, tcp_curr_estab=0)
    dump.stop()
    captured = Counts.of(dump.messages).captured
    assert captured >= 9
    assert_sound(file)
    assert count(file) == assert_tcpdump_reads(file) == captured


def test_each_sees_what_it_asked_for(net: Namespace, daemon: Smold) -> None:
    everything = Dump(net, daemon, "-n", "-l")
    echo, requests = Dump(net, daemon, "-nl", "icmp or icmp6"), Dump(net, daemon, "-nl", "-Q", "in", "icmp6")
    two = Dump(net, daemon, "-n", "-c", 2, "icmp")
    for family in (IPV4, IPV6):
        net.run("ping", "-n", "-q", "-c", 3, "-i", 0.01, family.address)
    assert two.wait() == 0
    assert [line.partition("ICMP ")[2].partition(",")[0] for line in two.lines] == ["echo request", "echo reply"]
    assert Counts.of(two.messages).captured == 2
    echo.wait_for("ICMP6, echo reply", 3)
    assert sum("ICMP echo" in line for line in echo.stop()) == 6
    lines = requests.stop()
    assert sum("ICMP6, echo request" in line for line in lines) == 3 and not any("echo reply" in line for line in lines)
    assert sum("ICMP" in line for line in everything.stop()) >= 12


def test_for_programs_each_packet_is_an_object(net: Namespace, daemon: Smold) -> None:
    dump = Dump(net, daemon, "-j", "-c", 2, "icmp")
    net.run("ping", "-n", "-q", "-c", 1, IPV4.address)
    assert dump.wait() == 0
    request, reply = map(json.loads, dump.lines)
    assert (request["if"], request["worker"], request["dir"], request["ip"]["dst"]) == \
        (INTERFACE, 0, "in", IPV4.address)
    assert (reply["dir"], reply["icmp"]["type"]) == ("out", 0)


# --- what does not ------------------------------------------------------------------------------------

ELSEWHERE = {"ipv4": "192.168.69.77", "ipv6": "fdaa::77"}


def ip(family: Family, **fields: object) -> Packet:
    """From the host to the daemon."""
    return (IP if family is IPV4 else IPv6)(**{"src": family.host, "dst": family.address, **fields})


def unknown_protocol(family: Family) -> Packet:
    return ip(family, proto=253) if family is IPV4 else ip(family, nh=253)


# What the host sends, why it is dropped, and what it gets for it.
DROPS: list[tuple[str, Callable[[Family], Packet], str, str]] = [
    ("a SYN to a closed port", lambda f: ip(f) / TCP(sport=4000, dport=81, flags="S", seq=7), "tcp_port_closed",
     r"\.81 > \S+\.4000: Flags \[R\.\], seq 0, ack 8,"),
    ("a bad checksum", lambda f: ip(f) / TCP(sport=4001, dport=80, flags="S", chksum=1), "tcp_bad_checksum", ""),
    ("another address", lambda f: ip(f, dst=ELSEWHERE[f.name]) / UDP(sport=4002, dport=9) / Raw(b"x"),
     "{ip}_other_host", ""),
    ("an unknown protocol", lambda f: unknown_protocol(f) / Raw(b"x"), "ip_unknown_protocol",
     r"protocol 253 unreachable|parameter problem"),
    ("a datagram for nobody", lambda f: ip(f) / UDP(sport=4003, dport=9) / Raw(b"x"), "udp_port_unreachable",
     r"udp port 9 unreachable|unreachable port, .* udp port 9"),
]


@pytest.mark.parametrize(("packet", "reason", "answer"), [case[1:] for case in DROPS], ids=[case[0] for case in DROPS])
def test_a_drop_is_shown_with_its_reason_and_what_was_answered(
        net: Namespace, daemon: Smold, family: Family, packet: Callable[[Family], Packet], reason: str,
        answer: str) -> None:
    reason = reason.format(ip="ip4" if family is IPV4 else "ip6")
    net.run("ping", "-n", "-q", "-c", 1, family.address)  # an answer shall not wait for the host's link address
    ours = f"host {family.address} or host {ELSEWHERE[family.name]}"
    drops = Dump(net, daemon, "-nml", "--tap", "drop", ours)
    chosen = Dump(net, daemon, "-nml", "--tap", "drop", "--reason", reason)
    sent = Dump(net, daemon, "-nl", "--tap", "tx", ours)
    before = dropped(daemon, reason)
    frame = Ether(src=host_mac(net), dst=MAC) / packet(family)
    with net.inside(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
        sock.bind((INTERFACE, 0))
        sock.send(bytes(frame))
    drops.wait_for(f"drop:{reason}")
    chosen.wait_for(f"drop:{reason}")
    if answer:
        sent.wait_for(answer)
    line, = (line for line in drops.stop() if f"drop:{reason}" in line)
    assert re.search(rf" \[w0 {INTERFACE} q0 in drop:{reason}\] IP", line), line
    assert line in chosen.stop()
    answers = [line for line in sent.stop() if "neighbor" not in line]
    assert len(answers) == bool(answer), answers
    # More than one if the kernel's own multicast comes in between, which is for another host as well.
    wait_until(lambda: dropped(daemon, reason) > before, 5, "smolctl drops does not count it")
    assert daemon.wait_for_books()["held"] == 0


def dropped(daemon: Smold, reason: str) -> int:
    """As smolctl has it."""
    return next(one["count"] for one in asked(daemon, "drops", "-a") if one["reason"] == reason)


# --- loss ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("output", ["lines", "file"])
def test_one_that_does_not_read_for_10_seconds_holds_nobody_up_and_loses_what_it_says(
        net: Namespace, daemon: Smold, output: str) -> None:
    seconds = scaled(10, 2)
    read, write = os.pipe()
    try:
        form = ("-n",) if output == "lines" else ("-U", "-w", "-")
        dump = Dump(net, daemon, *form, "tcp", stdout=write)
        other = Dump(net, daemon, "-n", "icmp")
        load = net.start(PEER, "receive", IPV4.address, 6972, 1 << 42)
        done = net.run("ping", "-n", "-q", "-i", 0.01, "-c", 100 * seconds, IPV4.address, limit=4 * seconds)
        load.kill()
        daemon.wait_for_counters(20, tcp_curr_estab=0)
        dump.process.send_signal(signal.SIGINT)
        os.close(write)
        write = -1
        octets = bytearray()
        while piece := os.read(read, 1 << 20):
            octets += piece
        assert dump.wait() == 0, dump.messages
    finally:
        os.close(read)
        if write >= 0:
            os.close(write)
    # No turn waited: a worker that did would not have answered in between.
    assert " 0% packet loss" in done.out, done.out
    slowest = float(re.search(r"= [\d.]+/[\d.]+/([\d.]+)/", done.out)[1])  # type: ignore[index]
    assert slowest < 1000 * PATIENCE, done.out
    assert Counts.of(other.messages if other.stop() else "").captured == 200 * seconds
    counts = Counts.of(dump.messages)
    counts.assert_exact()
    assert counts.lost > 0 and counts.captured > 0, counts
    if output == "lines":
        assert octets.count(b"\n") == counts.captured
    assert daemon.wait_for_books()["held"] == 0


def test_loss_is_a_status_if_one_likes(net: Namespace, daemon: Smold) -> None:
    read, write = os.pipe()
    dump = Dump(net, daemon, "-n", "--fail-on-loss", "--buffer", "64k", "tcp", stdout=write)
    os.close(write)
    net.run(PEER, "receive", IPV4.address, 6972, scaled(256 << 20, 64 << 20))
    dump.process.send_signal(signal.SIGINT)
    while os.read(read, 1 << 20):
        pass
    os.close(read)
    assert dump.wait() == 5, dump.messages
    assert "packets not captured" in dump.messages


# --- the end of the daemon, and none at all -------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
def test_a_daemon_that_ends_is_told_and_the_file_is_whole(
        net: Namespace, daemon: Smold, tmp_path: Path, number: signal.Signals) -> None:
    file = tmp_path / "ping.pcapng"
    dump = Dump(net, daemon, "-U", "-w", file, "icmp")
    net.run("ping", "-n", "-q", "-c", 3, "-i", 0.01, IPV4.address)
    wait_until(lambda: count(file) == 6, 5, "the packets are not written")
    daemon.process.send_signal(number)
    assert dump.wait() == 3
    why = "smold has ended" if number is signal.SIGTERM else "lost the daemon: "
    assert re.search(rf"^smoldump: {why}", dump.messages, re.MULTILINE), dump.messages
    assert Counts.of(dump.messages) == Counts(6, 6, 0, 0, 0)
    assert_sound(file)
    daemon.process.wait(10 * PATIENCE)


def smoldump(daemon: Smold | str, *words: object, prefix: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    server = daemon if isinstance(daemon, str) else daemon.server
    return subprocess.run([*prefix, SMOLDUMP, "--server", server, *map(str, words)], capture_output=True, text=True,
                          timeout=20 * PATIENCE, check=False)


def test_the_ports_are_listed(daemon: Smold) -> None:
    done = smoldump(daemon, "-D")
    assert (done.returncode, done.stdout) == (0, f"1.{INTERFACE}\n2.any (all of them)\n")


def test_it_ends_when_the_time_is_over(daemon: Smold) -> None:
    done = smoldump(daemon, "-n", "--duration", "200ms", "icmp")
    assert done.returncode == 0, done
    Counts.of(done.stderr).assert_exact()


@pytest.mark.parametrize(("words", "message"), [
    (("-i", "smol7"), "-i: there is no interface 'smol7': ListTaps has them all, as smoldump -D"),
    (("--reason", "rain"), "--reason: there is no drop reason 'rain': ListDropReasons has them all, as smolctl drops -a"),
    (("--worker", "7"), "--worker: there is no worker 7"),
], ids=lambda value: value[0] if isinstance(value, tuple) else "")
def test_what_is_wrong_is_named_by_its_option(daemon: Smold, words: tuple[str, ...], message: str) -> None:
    done = smoldump(daemon, *words)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"smoldump: {message}\n")


def test_a_wrong_filter_is_told_in_libpcaps_words(daemon: Smold) -> None:
    ours = smoldump(daemon, "tcp prot 80")
    theirs = subprocess.run(["tcpdump", "-d", "tcp prot 80"], capture_output=True, text=True, check=False)
    assert (ours.returncode, ours.stdout) == (1, "")
    words = theirs.stderr.splitlines()[-1].removeprefix("tcpdump: ")
    assert ours.stderr == f"smoldump: {words}\n"


def test_no_daemon_and_no_permission_have_statuses_of_their_own(daemon: Smold, tmp_path: Path) -> None:
    done = smoldump(f"unix://{tmp_path}/none")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"smoldump: cannot reach the daemon at unix://{tmp_path}/none: no such socket; is smold running?\n"
    daemon.folder.chmod(0o755)
    done = smoldump(daemon, prefix=("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"))
    assert (done.returncode, done.stdout) == (4, "")
    assert "permission denied" in done.stderr
