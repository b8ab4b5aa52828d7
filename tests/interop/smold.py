"""The daemon under test: configured, started, listened to, and looked at when it ends."""

from __future__ import annotations

import copy
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from netns import PATIENCE, Namespace, wait_until

BUILD = Path(os.environ.get("SMOL_BUILD") or Path(__file__).resolve().parents[2] / "build")
PROGRAM = BUILD / "smold" / "smold"
WORKERS = int(os.environ.get("SMOL_WORKERS") or 1)
INTERFACE = "smol0"
MAC = "02:00:00:00:00:01"

# What --demo runs, as a file would have it; tests change parts of it.
_DEMO: dict[str, Any] = {
    "ports": [{
        "name": INTERFACE, "device": f"net_tap0,iface={INTERFACE}", "mac": MAC,
        "addresses": ["192.168.69.1/24", "fdaa::1/64", "fe80::1/64"]}],
    "routes": [{"to": "default", "via": "192.168.69.100", "dev": INTERFACE},
               {"to": "::/0", "via": "fe80::100", "dev": INTERFACE}],
    "apps": {name: {"enabled": "on"} for name in ("hello", "reverse", "sink", "source", "http")},
}

_READY = re.compile(r'component=smold msg="ready in ')
_DROPPED = re.compile(r'component=smold msg="dropped +(\d+) (\w+) ')
_TRAFFIC = re.compile(r'component=smold msg="(\S+): received (\d+) packets, (\d+) octets; sent (\d+) packets, '
                      r'(\d+) octets"')
_COUNTER = re.compile(r'component=counters msg="([\w.]+) (\d+)"')
# A sanitizer's report, a broken invariant, packets that were not given back, log lines that were lost.
_BUG = re.compile(r"Sanitizer|runtime error: |: a bug|smold: bug|messages were lost")


def _merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    out = copy.deepcopy(base)
    for key, value in changes.items():
        out[key] = _merged(out.get(key, {}), value) if isinstance(value, dict) else value
    return out


def configuration(**changes: Any) -> dict[str, Any]:
    """The demo's configuration with sections changed: tcp={"time_wait": "1s"}. `port` is the only port's."""
    port = changes.pop("port", {})
    out = _merged(_DEMO, changes)
    out["ports"][0] = _merged(out["ports"][0], port)
    return out


class Smold:
    """One run of smold in a namespace, from start() to its end. Its log is kept whole."""

    def __init__(self, namespace: Namespace, *arguments: object) -> None:
        self.namespace = namespace
        self.arguments = [str(argument) for argument in arguments]
        # Each its own, and short: a socket's path has 107 characters at most.
        self.folder = Path(tempfile.mkdtemp(prefix="smol-"))
        self.server = f"unix://{self.folder}/ctl.sock"
        if "--grpc" not in self.arguments:
            self.arguments += ["--grpc", self.server]
        # Every test can be run with several workers: what it sees must not change.
        if WORKERS > 1 and "--bridge" not in self.arguments:
            self.arguments += ["--workers", str(WORKERS)]
        self.lines: list[str] = []
        self._news = threading.Condition()
        self._end_of_log = False
        self.process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        self.started_at = 0.0

    # --- from start to end ------------------------------------------------------------------------------

    def start(self) -> Smold:
        """Starts it, waits until it is ready, and sets the kernel's side of its interface up."""
        self.launch()
        self.wait_for_line(_READY, 10)
        self.host_side()
        return self

    def launch(self, *prefix: str) -> None:
        """Only the process. `prefix`: what executes it with other rights."""
        assert PROGRAM.exists(), f"{PROGRAM} is not built: set SMOL_BUILD to a build folder"
        self.started_at = time.monotonic()
        self.process = self.namespace.start(*prefix, PROGRAM, *self.arguments, stderr=subprocess.STDOUT)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def host_side(self) -> None:
        """As the daemon's users set it up. Without duplicate address detection the addresses work at once."""
        self.namespace.ip("link", "set", INTERFACE, "up")
        for address in ("192.168.69.100/24", "fdaa::100/64", "fe80::100/64"):
            self.namespace.ip("address", "add", address, "dev", INTERFACE, *(["nodad"] if ":" in address else []))

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def wait(self, limit: float = 10) -> int:
        """Its exit status, and its log to the end."""
        assert self.process is not None and self._reader is not None
        try:
            self.process.wait(limit * PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"smold did not end within {limit * PATIENCE:g} s\n{self.log}") from None
        self._reader.join(5)
        assert not self._reader.is_alive(), "something still holds smold's standard error open"
        self._tidy()
        return self.process.returncode

    def stop(self, number: signal.Signals = signal.SIGTERM) -> float:
        """Ends it as an operator would. It must have been well to the end. Seconds that it took."""
        assert self.running(), f"smold ended by itself\n{self.log}"
        begin = time.monotonic()
        self.process.send_signal(number)
        status = self.wait()
        took = time.monotonic() - begin
        assert status == 0, f"smold ended with status {status}\n{self.log}"
        self.assert_well()
        return took

    def kill(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._tidy()

    def _tidy(self) -> None:
        """Only a daemon that was killed leaves its socket behind."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def assert_well(self) -> None:
        """Nothing in the log so far tells of a bug."""
        bad = next((line for line in list(self.lines) if _BUG.search(line)), None)
        assert bad is None, f"smold reports a bug: {bad}\n{self.log}"

    # --- log --------------------------------------------------------------------------------------------

    def _read(self) -> None:
        assert self.process is not None and self.process.stdout is not None
        for line in self.process.stdout:
            with self._news:
                self.lines.append(line.decode(errors="replace").rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._end_of_log = True
            self._news.notify_all()

    @property
    def log(self) -> str:
        """To be read by people: without the counters that it printed."""
        lines = [line for line in list(self.lines) if "component=counters" not in line]
        return f"---- {' '.join(self.arguments)} ----\n" + "\n".join(lines)

    def wait_for_line(self, pattern: str | re.Pattern[str], seconds: float, after: int = 0) -> re.Match[str]:
        """The first line that matches, from line number `after` on; fails if it does not come in time."""
        return self.wait_for_lines(pattern, 1, seconds, after)[0]

    def wait_for_lines(self, pattern: str | re.Pattern[str], count: int, seconds: float,
                       after: int = 0) -> list[re.Match[str]]:
        compiled = re.compile(pattern)
        deadline = time.monotonic() + seconds * PATIENCE
        found: list[re.Match[str]] = []
        with self._news:
            while True:
                found += [match for line in self.lines[after:] if (match := compiled.search(line))]
                after = len(self.lines)
                if len(found) >= count:
                    return found
                left = deadline - time.monotonic()
                if left <= 0 or self._end_of_log:
                    raise AssertionError(f"{len(found)} of {count} lines like {compiled.pattern!r} within "
                                         f"{seconds * PATIENCE:g} s\n{self.log}")
                self._news.wait(left)

    # --- what it counts ---------------------------------------------------------------------------------

    def drops(self) -> dict[str, int]:
        """By name, of the whole run: the summary of one that has ended."""
        assert not self.running()
        return {match[2]: int(match[1]) for line in self.lines if (match := _DROPPED.search(line))}

    def traffic(self) -> dict[str, int]:
        """Packets and octets of the whole run: the summary of one that has ended."""
        assert not self.running()
        found = next(match for line in self.lines if (match := _TRAFFIC.search(line)))
        names = ("rx_packets", "rx_octets", "tx_packets", "tx_octets")
        return dict(zip(names, map(int, found.groups()[1:])))

    def counters(self) -> dict[str, int]:
        """The stack's counters, drops and the free packets of the pool, now."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        taken = 0
        for mask in ("SigBlk", "SigCgt"):
            taken |= int(re.search(rf"{mask}:\s*(\w+)", status)[1], 16)  # type: ignore[index]
        assert taken >> (signal.SIGUSR1 - 1) & 1, "smold does not take SIGUSR1, which prints its counters"
        after = len(self.lines)
        self.process.send_signal(signal.SIGUSR1)
        self.wait_for_line('component=counters msg="end"', 5, after)
        return {match[1]: int(match[2]) for line in self.lines[after:] if (match := _COUNTER.search(line))}

    def nonzero(self) -> dict[str, int]:
        """For messages."""
        return {name: value for name, value in self.counters().items() if value}

    def wait_for_rest(self, before: dict[str, int], seconds: float = 5) -> dict[str, int]:
        """Until no connection is left, and no more packets are in use than `before`, when some may have been under
        way. Fails with what is left."""
        now: dict[str, int] = {}

        def rests() -> bool:
            nonlocal now
            now = self.counters()
            return now["tcp_curr_estab"] == now["held"] == 0 and now["pool.in_use"] <= before["pool.in_use"]

        names = ("tcp_curr_estab", "held", "pool.in_use")
        wait_until(rests, seconds, lambda: f"not at rest: { {name: (before[name], now[name]) for name in names} }")
        return now

    def wait_for_counters(self, seconds: float, **wanted: int) -> dict[str, int]:
        """Until the named counters have these values; fails with what they have instead."""
        now: dict[str, int] = {}

        def holds() -> bool:
            nonlocal now
            now = self.counters()
            return all(now[name] == value for name, value in wanted.items())

        wait_until(holds, seconds, lambda: f"{wanted}, but { {name: now[name] for name in wanted} }")
        return now

    def wait_for_books(self, seconds: float = 5) -> dict[str, int]:
        """Until every packet is accounted for: while packets pass, the counters are not all of one moment."""
        now: dict[str, int] = {}

        def off() -> int:
            nonlocal now
            now = self.counters()
            return now["received"] + now["made"] - (now["consumed"] + now["sent"] + now["dropped"] + now["held"])

        wait_until(lambda: off() == 0, seconds, lambda: f"the books are off by {off()}")
        return now

    def cpu_seconds(self) -> float:
        """Processor time of all of its threads so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def write_configuration(folder: Path, config: dict[str, Any]) -> Path:
    """As a file: JSON is YAML."""
    path = folder / "smold.yaml"
    path.write_text(json.dumps(config, indent=2))
    return path
