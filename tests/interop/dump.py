"""smoldump, live."""

from __future__ import annotations

import re
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from netns import PATIENCE, Namespace, wait_until
from smold import BUILD, Smold

SMOLDUMP = BUILD / "tools" / "dump" / "smoldump"
_COUNTS = re.compile(r"(\d+) packets? captured\n(\d+) packets? received by filter\n"
                     r"(\d+) packets? dropped by capture \(rings (\d+), stream (\d+)\)\n")


@dataclass(frozen=True)
class Counts:
    """What smoldump says at its end."""

    captured: int
    matched: int
    lost: int
    rings: int
    stream: int

    @staticmethod
    def of(messages: str) -> Counts:
        match = _COUNTS.search(messages)
        assert match, messages
        return Counts(*map(int, match.groups()))

    def assert_exact(self) -> None:
        assert self.captured + self.lost == self.matched and self.rings + self.stream == self.lost, self


class Dump:
    """One run of smoldump, from when it listens to its end."""

    def __init__(self, net: Namespace, daemon: Smold, *arguments: object, stdout: int | None = None) -> None:
        assert SMOLDUMP.exists(), f"{SMOLDUMP} is not built: ninja -C {BUILD} tools/dump/smoldump"
        self._folder = tempfile.TemporaryDirectory(prefix="lines-")
        self._out = Path(self._folder.name) / "out"
        self._messages = Path(self._folder.name) / "messages"
        with self._out.open("wb") as out, self._messages.open("wb") as messages:
            self.process: subprocess.Popen[bytes] = net.start(
                SMOLDUMP, "--server", daemon.server, *arguments, stdout=out.fileno() if stdout is None else stdout,
                stderr=messages.fileno())
        wait_until(lambda: "listening on" in self.messages or self.process.poll() is not None, 10,
                   "smoldump does not listen")

    @property
    def messages(self) -> str:
        return self._messages.read_text()

    @property
    def lines(self) -> list[str]:
        """What it has printed."""
        return self._out.read_text().splitlines()

    def wait_for(self, pattern: str, count: int = 1) -> None:
        """Until so many lines match."""
        wait_until(lambda: sum(bool(re.search(pattern, line)) for line in self.lines) >= count, 10,
                   lambda: f"{count} lines like {pattern!r}, but {self.lines}")

    def wait(self, limit: float = 20) -> int:
        """Its status."""
        return self.process.wait(limit * PATIENCE)

    def stop(self, number: signal.Signals = signal.SIGINT) -> list[str]:
        """Its lines. It must have been well, and have lost nothing."""
        self.process.send_signal(number)
        assert self.wait() == 0, self.messages
        counts = Counts.of(self.messages)
        counts.assert_exact()
        assert counts.lost == 0, self.messages
        return self.lines


def untimed(lines: list[str]) -> list[str]:
    """Without the time in front of each packet's first line; the others are indented."""
    return [line if line[:1].isspace() else line.partition(" ")[2] for line in lines]
