"""Children of the runner: started in sessions of their own, timed, and never left behind.

Everything that a run starts carries SMOL_TEST_RUN=<id> in its environment, and every network namespace that
it makes is called smoltest-<id>-...: by these two marks a run finds what is its own, and nothing else.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

RUN_VARIABLE = "SMOL_TEST_RUN"
_NAMESPACE_PREFIX = "smoltest-"
_GRACE = 5.0  # seconds for a child to put away what it made: pytest's fixtures, a draining daemon


@dataclass
class Done:
    status: int
    output: str
    seconds: float
    timed_out: bool


def new_run_id() -> str:
    """Names the runner's process, so that a later run can tell the remains of a run that was killed."""
    return f"r{os.getpid()}"


class Supervisor:
    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self._live: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.RLock()  # the signal handler may find it taken by its own thread
        self._stopping = False

    def environment(self, extra: Mapping[str, str]) -> dict[str, str]:
        return {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **extra, RUN_VARIABLE: self.run_id}

    def start(self, command: list[str], log: Path, environment: Mapping[str, str],
              folder: Path | None = None) -> subprocess.Popen[bytes]:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as out, self._lock:
            if self._stopping:
                raise KeyboardInterrupt
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                                     cwd=folder, env=self.environment(environment), start_new_session=True)
            self._live.add(child)
        return child

    def run(self, command: list[str], log: Path, environment: Mapping[str, str] | None = None,
            folder: Path | None = None, limit: float = 600.0,
            watch: Callable[[], bool] | None = None) -> Done:
        """Runs to the end, or for `limit` seconds. `watch`, called ten times a second, may end it with False."""
        begin = time.monotonic()
        child = self.start(command, log, environment or {}, folder)
        timed_out = False
        try:
            while child.poll() is None:
                with suppress(subprocess.TimeoutExpired):
                    child.wait(0.1)
                if child.returncode is None and (time.monotonic() - begin > limit or (watch and not watch())):
                    timed_out = True
                    end_group(child)
        finally:
            with self._lock:
                self._live.discard(child)
        return Done(child.returncode, log.read_text(errors="replace"), time.monotonic() - begin, timed_out)

    def stop(self) -> None:
        """Ends every child, from a signal or at the end; none is started afterwards."""
        with self._lock:
            self._stopping = True
            live = list(self._live)
        for child in live:
            _signal_group(child, signal.SIGINT)
        deadline = time.monotonic() + _GRACE
        for child in live:
            end_group(child, max(0.0, deadline - time.monotonic()), first=None)
        self.sweep()

    def sweep(self) -> list[str]:
        """Ends what carries the marks of this run and nobody waits for; says what that was."""
        with self._lock:
            expected = {child.pid for child in self._live}
        remains = _wait_for_none(lambda: self._strays(expected), 1.0)
        found = [f"process {pid} ({name})" for pid, name in remains.items()]
        _signal_all(remains, signal.SIGTERM)
        if remains:
            _signal_all(_wait_for_none(lambda: self._strays(expected), 2.0), signal.SIGKILL)
        for name in _namespaces(f"{_NAMESPACE_PREFIX}{self.run_id}-"):
            found.append(f"network namespace {name}")
            delete_namespace(name)
        return found

    def _strays(self, expected: set[int]) -> dict[int, str]:
        """Processes with this run's mark, but for the runner and the children it waits for (and theirs)."""
        mark = f"{RUN_VARIABLE}={self.run_id}".encode()
        strays: dict[int, str] = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            with suppress(OSError):
                if mark in (entry / "environ").read_bytes().split(b"\0") and \
                        os.getsid(int(entry.name)) not in expected:
                    strays[int(entry.name)] = (entry / "comm").read_text().strip()
        return strays


def end_group(child: subprocess.Popen[bytes], grace: float = _GRACE,
              first: signal.Signals | None = signal.SIGINT) -> None:
    """Asks the child's session to end, then makes it."""
    if first is not None:
        _signal_group(child, first)
    with suppress(subprocess.TimeoutExpired):
        child.wait(grace)
    _signal_group(child, signal.SIGKILL)
    child.wait()


def remove_remains_of_dead_runs() -> None:
    """Namespaces whose runner was killed before it could clean up."""
    for name in _namespaces(f"{_NAMESPACE_PREFIX}r"):
        pid = name.removeprefix(f"{_NAMESPACE_PREFIX}r").partition("-")[0]
        if pid.isdigit() and not _is_runner(pid):
            delete_namespace(name)


def delete_namespace(name: str) -> None:
    def inside() -> dict[int, str]:
        done = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True)
        return {int(pid): name for pid in done.stdout.split()}

    _signal_all(inside(), signal.SIGKILL)
    _wait_for_none(inside, 2.0)
    subprocess.run(["ip", "netns", "delete", name], capture_output=True)


def _namespaces(prefix: str) -> list[str]:
    with suppress(OSError):
        return sorted(name for name in os.listdir("/run/netns") if name.startswith(prefix))
    return []


def _is_runner(pid: str) -> bool:
    with suppress(OSError):
        return b"run.py" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def _signal_group(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, number)


def _signal_all(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _wait_for_none(look: Callable[[], dict[int, str]], seconds: float) -> dict[int, str]:
    """What is still there after at most `seconds`: something that is just ending is not left behind."""
    deadline = time.monotonic() + seconds
    while (found := look()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return found
