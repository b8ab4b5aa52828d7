"""Network namespaces of one test, and what runs in them. Nothing outlives the namespace that it was started in."""

from __future__ import annotations

import ctypes
import itertools
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

RUN = os.environ.get("SMOL_TEST_RUN") or f"p{os.getpid()}"
DIVISOR = max(1, int(os.environ.get("SMOL_TEST_DIVISOR", "1")))
# What is instrumented is slower, and is given longer: only limits that guard against hanging grow by this.
PATIENCE = 1 if DIVISOR == 1 else 6

_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)
_numbers = itertools.count()


def scaled(count: int, least: int = 1) -> int:
    """A count or volume for this build: all of it, or the part that an instrumented one gets."""
    return max(least, count // DIVISOR)


def wait_until(holds: Callable[[], object], seconds: float, what: str | Callable[[], str]) -> None:
    """For what nothing announces: looks again and again, and fails after `seconds`."""
    deadline = time.monotonic() + seconds * PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds * PATIENCE:g} s: {what if isinstance(what, str) else what()}")
        time.sleep(0.01)


@dataclass(frozen=True)
class Done:
    command: list[str]
    status: int
    out: str
    err: str
    seconds: float

    def __str__(self) -> str:
        return (f"{' '.join(self.command)}\nended with {self.status} after {self.seconds:.2f} s\n"
                f"---- stdout ----\n{self.out[-4000:]}\n---- stderr ----\n{self.err[-4000:]}")


class Namespace:
    """A network namespace with loopback up, named after the run so that the runner finds a forgotten one."""

    def __init__(self) -> None:
        self.name = f"smoltest-{RUN}-{os.getpid()}-{next(_numbers)}"
        self._children: list[subprocess.Popen[bytes]] = []
        subprocess.run(["ip", "netns", "add", self.name], check=True)
        try:
            self.ip("link", "set", "lo", "up")
        except BaseException:
            self.remove()
            raise

    # --- commands -------------------------------------------------------------------------------------

    def command(self, *words: object) -> list[str]:
        return ["ip", "netns", "exec", self.name, *(str(word) for word in words)]

    def start(self, *words: object, stdin: int = subprocess.DEVNULL, stdout: int = subprocess.PIPE,
              stderr: int = subprocess.PIPE, environment: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
        """A process that ends with the namespace at the latest. Its id is the program's own: ip only execs."""
        child = subprocess.Popen(self.command(*words), stdin=stdin, stdout=stdout, stderr=stderr,
                                 env={**os.environ, **(environment or {})})
        self._children.append(child)
        return child

    def run(self, *words: object, stdin: bytes = b"", limit: float = 30, check: bool = True,
            environment: dict[str, str] | None = None) -> Done:
        """Runs to the end; fails after `limit` seconds, and unless the status is 0 or `check` is off."""
        begin = time.monotonic()
        child = self.start(*words, stdin=subprocess.PIPE, environment=environment)
        late = False
        try:
            out, err = child.communicate(stdin, timeout=limit * PATIENCE)
        except subprocess.TimeoutExpired:
            late = True
            child.kill()
            out, err = child.communicate()
        finally:
            self._children.remove(child)
        done = Done([str(word) for word in words], child.returncode, out.decode(errors="replace"),
                    err.decode(errors="replace"), time.monotonic() - begin)
        assert not late, f"took longer than {limit * PATIENCE:g} s: {done}"
        assert not check or done.status == 0, str(done)
        return done

    def ip(self, *words: object) -> str:
        """ip(8) in the namespace."""
        command = ["ip", "-n", self.name, *(str(word) for word in words)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
        return done.stdout

    def sysctl(self, **values: object) -> None:
        """Those of the namespace, below net.ipv4: tcp_sack=0."""
        with self.inside():
            for name, value in values.items():
                Path("/proc/sys/net/ipv4", name).write_text(f"{value}\n")

    # --- sockets of this process ------------------------------------------------------------------------

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Sockets made by this thread meanwhile belong to the namespace, and stay there."""
        with open(f"/proc/{os.getpid()}/task/{threading.get_native_id()}/ns/net", "rb") as before:
            with open(f"/run/netns/{self.name}", "rb") as wanted:
                _enter(wanted.fileno())
            try:
                yield
            finally:
                _enter(before.fileno())

    # --- end --------------------------------------------------------------------------------------------

    def remove(self) -> None:
        for child in self._children:
            with suppress(ProcessLookupError):
                child.send_signal(signal.SIGCONT)
                child.kill()
        for child in self._children:
            child.wait()
            for pipe in (child.stdin, child.stdout, child.stderr):
                if pipe is not None:
                    pipe.close()
        self._children.clear()
        self._kill_the_rest()
        subprocess.run(["ip", "netns", "delete", self.name], check=True)

    def _kill_the_rest(self) -> None:
        """Children's children: what socat forks, for one."""
        deadline = time.monotonic() + 5
        while pids := self.pids():
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if time.monotonic() > deadline:
                raise AssertionError(f"{self.name} still has processes {pids}")
            time.sleep(0.01)

    def pids(self) -> list[int]:
        """Processes in the namespace."""
        done = subprocess.run(["ip", "netns", "pids", self.name], capture_output=True, text=True)
        return [int(pid) for pid in done.stdout.split()]

    def interfaces(self) -> set[str]:
        """Names of its interfaces, but for loopback."""
        with self.inside():
            lines = Path("/proc/thread-self/net/dev").read_text().splitlines()[2:]
        return {line.partition(":")[0].strip() for line in lines} - {"lo"}


def _enter(fd: int) -> None:
    if _libc.setns(fd, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), f"setns: {os.strerror(ctypes.get_errno())}")
