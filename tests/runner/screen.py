"""What the runner prints: a line for each unit that is done, the output of what failed, one status line."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time

from results import Case, Results, Status

_LINES_OF_OUTPUT = 120


def _colour(code: str, text: str) -> str:
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return text
    return f"\033[{code}m{text}\033[0m"


def green(text: str) -> str:
    return _colour("32", text)


def red(text: str) -> str:
    return _colour("31;1", text)


def bold(text: str) -> str:
    return _colour("1", text)


class Screen:
    """Prints from any thread. On a terminal the last line shows what is going on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._terminal = sys.stdout.isatty()
        self._status = ""
        self._start = self._last_status = time.monotonic()

    def _elapsed(self) -> str:
        seconds = int(time.monotonic() - self._start)
        return f"{seconds // 60:2d}:{seconds % 60:02d}"

    def _erase(self) -> None:
        if self._status:
            sys.stdout.write("\r\033[K")

    def line(self, text: str = "") -> None:
        with self._lock:
            self._erase()
            print(text, flush=not self._status)
            if self._status:
                sys.stdout.write(self._status)
                sys.stdout.flush()

    def heading(self, text: str) -> None:
        self.line(bold(f"[{self._elapsed()}] {text}"))

    def status(self, text: str) -> None:
        """What is going on: at once on a terminal, and every half minute elsewhere, as a sign of life."""
        now = time.monotonic()
        with self._lock:
            if self._terminal:
                self._erase()
                width = shutil.get_terminal_size().columns - 1
                self._status = f"        {text}"[:width] if text else ""
                sys.stdout.write(self._status)
                sys.stdout.flush()
            elif text and now - self._last_status > 30:
                print(f"        {text}", flush=True)
                self._last_status = now

    def unit(self, name: str, cases: list[Case], seconds: float) -> None:
        failed = [case for case in cases if case.status is Status.FAILED]
        skipped = [case for case in cases if case.status is Status.SKIPPED]
        passed = len(cases) - len(failed) - len(skipped)
        verdict = red("FAILED") if failed else green("ok    ")
        counts = f"{passed} passed" + (f", {len(failed)} failed" if failed else "")
        counts += f", {len(skipped)} skipped" if skipped else ""
        self.line(f"  {verdict} {name:<48} {counts:<24} {seconds:6.1f} s")
        for case in skipped:
            self.line(f"         skipped: {case.name}: {_first_line(case.output)}")
        for case in failed:
            self.failure(case)

    def failure(self, case: Case) -> None:
        lines = case.output.rstrip().splitlines()
        left_out = len(lines) - _LINES_OF_OUTPUT
        self.line(red(f"  ---- {case.name} ----"))
        if left_out > 0:
            lines = [*lines[:_LINES_OF_OUTPUT // 2], f"[... {left_out} lines left out ...]",
                     *lines[-_LINES_OF_OUTPUT // 2:]]
        self.line("\n".join(f"  | {line}" for line in lines) or "  | (no output)")

    def summary(self, results: Results) -> None:
        self.status("")
        failed = results.with_status(Status.FAILED)
        if failed:
            self.line()
            self.line(red("Failed:"))
            for case in failed:
                self.line(f"  {case.name}")
            tests = [case.name for case in failed if not case.name.startswith(("configure/", "build/", "run/"))]
            if tests:
                self.line(f"One alone: ./dev test -k '{tests[0]}'")
        self.line()
        print(results.last_line(), flush=True)


def _first_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[0] if lines else "no reason given"
