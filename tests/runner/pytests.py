"""Runs files of pytest tests, one process a file, each test under a time limit, and looks at what they leave."""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from processes import Done, Supervisor
from results import Case, Results, Status
from screen import Screen
from variants import REPOSITORY, Variant

TEST_LIMIT = 180.0  # seconds for one test, its fixtures included
_START_LIMIT = 60.0  # for importing and collecting
_NOTHING_COLLECTED = 5


@dataclass
class _Progress:
    """What the events of one pytest process have told so far."""

    path: Path
    offset: int = 0
    cases: dict[str, Case] = field(default_factory=dict)
    finished: set[str] = field(default_factory=set)
    collect_errors: list[str] = field(default_factory=list)
    running: str = ""
    since: float = field(default_factory=time.monotonic)

    def read(self) -> None:
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            file.seek(self.offset)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self.offset += len(line)
                self._take(json.loads(line))

    def _take(self, event: dict[str, str]) -> None:
        name = event.get("name", "")
        if event["event"] == "collect-error":
            self.collect_errors.append(event["output"])
        elif event["event"] == "start":
            self.running, self.since = name, time.monotonic()
        elif event["event"] == "finish":
            self.finished.add(name)
            self.running, self.since = "", time.monotonic()
        elif event["event"] == "phase":
            self._phase(name, event)

    def _phase(self, name: str, event: dict[str, str]) -> None:
        case = self.cases.setdefault(name, Case(name, Status.PASSED))
        case.seconds += float(event["seconds"])
        if event["outcome"] == "failed":
            case.status = Status.FAILED
            place = "" if event["when"] == "call" else f"in {event['when']}:\n"
            case.output += place + event["output"] + "\n"
        elif event["outcome"] == "skipped" and case.status is Status.PASSED:
            case.status, case.output = Status.SKIPPED, event["output"]


class PyTests:
    """The files of one folder, as the suite `suite`."""

    def __init__(self, suite: str, folder: Path, variant: Variant, supervisor: Supervisor, screen: Screen,
                 marker: str = "", limit: float = TEST_LIMIT, jobs: int = 1) -> None:
        """`jobs` files at a time: more than one is for tests that share no interface and no port."""
        self.suite = suite
        self.folder = folder
        self.variant = variant
        self._supervisor = supervisor
        self._screen = screen
        self._marker = marker
        self._limit = limit * variant.kind.patience
        self._jobs = jobs

    def files(self, name: str) -> list[Path]:
        """The files that may hold a test whose full name contains `name`: told from their text."""
        found = []
        for path in sorted(self.folder.glob("**/test_*.py")):
            text = path.read_text(errors="replace")
            word = name.partition("[")[0].rpartition("::")[2].rpartition("/")[2]
            if (name in self.unit(path) or word in text) and (not self._marker or self._marker in text):
                found.append(path)
        return found

    def unit(self, path: Path) -> str:
        return f"{self.suite}/{path.relative_to(self.folder)}"

    def run(self, files: list[Path], name: str, results: Results) -> None:
        def run_one(path: Path) -> None:
            begin = time.monotonic()
            cases = self._run_file(path, name)
            if self._jobs == 1:
                cases += self._remains(self.unit(path))
            if cases:
                self._screen.unit(self.unit(path), cases, time.monotonic() - begin)
                results.add(cases)

        # The longest first, as far as their size tells: the last to end shall not have begun late.
        order = files if self._jobs == 1 else sorted(files, key=lambda path: path.stat().st_size, reverse=True)
        with ThreadPoolExecutor(self._jobs) as pool:
            list(pool.map(run_one, order))
        if self._jobs > 1 and (remains := self._remains(self.suite)):
            self._screen.unit(self.suite, remains, 0.0)
            results.add(remains)

    def _remains(self, unit: str) -> list[Case]:
        """What a unit has left behind is ended, and its failure. Not while others run: it may be theirs."""
        if remains := self._supervisor.sweep():
            return [Case.failed(f"{unit}::leaves nothing behind", "left behind: " + ", ".join(remains))]
        return []

    def _run_file(self, path: Path, name: str) -> list[Case]:
        """All tests of the file; after one that pytest did not survive, the others in a new process."""
        unit = self.unit(path)
        cases: dict[str, Case] = {}
        while True:
            progress, done = self._run_process(path, name, list(cases))
            cases.update({test: case for test, case in progress.cases.items() if test in progress.finished})
            if not progress.running:
                break
            if self._jobs == 1:
                self._supervisor.sweep()  # what the killed test had no chance to put away
            cases[progress.running] = Case.failed(
                progress.running, f"{done.output[-20000:]}\n{_how_ended(done)}", done.seconds)
        found = [Case(f"{unit}::{case.name}", case.status, case.seconds, case.output) for case in cases.values()]
        found += [Case.failed(unit, error) for error in progress.collect_errors]
        if done.status not in (0, 1, _NOTHING_COLLECTED) and not progress.collect_errors:
            found.append(Case.failed(unit, f"{done.output}\n{_how_ended(done)}", done.seconds))
        return found

    def _run_process(self, path: Path, name: str, left_out: list[str]) -> tuple[_Progress, Done]:
        unit = self.unit(path)
        log = self.variant.log_folder / f"{self.suite}-{path.stem}"
        events = log.with_suffix(".events")
        events.unlink(missing_ok=True)
        progress = _Progress(events)

        def watch() -> bool:
            progress.read()
            self._screen.status(f"{unit}::{progress.running}" if progress.running else unit)
            limit = self._limit if progress.running or progress.finished else _START_LIMIT
            return time.monotonic() - progress.since < limit

        select = {"prefix": f"{unit}::", "contains": "" if name in unit else name, "not": left_out}
        command = [*self.variant.wrapper(), sys.executable, "-m", "pytest", "-p", "pytest_plugin",
                   "-p", "no:cacheprovider", "--tb=short", "-q", "-rN",
                   "--rootdir", str(REPOSITORY), "--basetemp", str(log.with_suffix(".tmp")), str(path)]
        if self._marker:
            command += ["-m", self._marker]
        environment = {**self.variant.environment(), "SMOL_TEST_EVENTS": str(events),
                       "SMOL_TEST_SELECT": json.dumps(select), "PYTHONPATH": str(Path(__file__).parent)}
        done = self._supervisor.run(command, log.with_suffix(".log"), environment, folder=REPOSITORY,
                                    limit=7200, watch=watch)
        progress.read()
        return progress, done


def _how_ended(done: Done) -> str:
    if done.timed_out:
        return "took longer than it may, and was ended"
    return f"pytest ended with status {done.status}"
