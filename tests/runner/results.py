"""What a run found: one Case a test, and their sum."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from enum import Enum


class Status(Enum):
    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass
class Case:
    """One test. `name` is the full one, suite/unit/test: what -k looks into."""

    name: str
    status: Status
    seconds: float = 0.0
    output: str = ""

    @classmethod
    def failed(cls, name: str, output: str, seconds: float = 0.0) -> Case:
        return cls(name, Status.FAILED, seconds, output)


@dataclass
class Results:
    cases: list[Case] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, cases: list[Case]) -> None:
        with self._lock:
            self.cases += cases

    def with_status(self, status: Status) -> list[Case]:
        return [case for case in self.cases if case.status is status]

    def last_line(self) -> str:
        line = f"{len(self.with_status(Status.PASSED))} passed, {len(self.with_status(Status.FAILED))} failed"
        skipped = len(self.with_status(Status.SKIPPED))
        return f"{line}, {skipped} skipped" if skipped else line
