#!/usr/bin/env python3
"""Runs the tests: lints, unit tests, interop tests, the same under sanitizers, and fuzzing. `./dev test` calls it.

The last line is `N passed, N failed`; the status is 1 if anything failed. Nothing that a run starts outlives it,
also when it is interrupted.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path
from types import FrameType

sys.path.insert(0, str(Path(__file__).resolve().parent / "runner"))

import lints  # noqa: E402
from fuzzers import Fuzzers  # noqa: E402
from gtests import GTests  # noqa: E402
from processes import Supervisor, new_run_id, remove_remains_of_dead_runs  # noqa: E402
from pytests import TEST_LIMIT, PyTests  # noqa: E402
from results import Case, Results, Status  # noqa: E402
from screen import Screen  # noqa: E402
from variants import ASAN, FUZZ, MAIN, REPOSITORY, TSAN, Kind, Program, Variant  # noqa: E402

SUITES = ("lint", "unit", "interop", "asan", "tsan", "fuzz")
_ALIASES = {"sanitize": ("asan", "tsan")}
# What ThreadSanitizer is for: the parts that have threads.
_THREADED = frozenset({"dataplane", "control"})


class Interrupted(BaseException):
    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


class Run:
    def __init__(self, options: argparse.Namespace) -> None:
        self.name: str = options.name
        self.suites: list[str] = options.only or self._default_suites()
        self.jobs: int = options.jobs
        self.seconds: int = options.seconds
        self.build_root: Path = options.build_root
        self.interop_folder: Path = options.interop_folder
        self.test_limit: float = options.test_limit
        self.builds: bool = not options.no_build
        self.screen = Screen()
        self.results = Results()
        self.supervisor = Supervisor(new_run_id())

    def _default_suites(self) -> list[str]:
        """All; with a name, what is quick to build, and the sanitizers' when the name is one of theirs."""
        if not self.name:
            return list(SUITES)
        prefix = self.name.partition("/")[0]
        return [prefix] if prefix in SUITES else ["lint", "unit", "interop", "fuzz"]

    def all(self) -> None:
        main = Variant(MAIN, self.build_root, self.supervisor, self.screen)
        if {"lint", "unit", "interop"} & set(self.suites):
            self._main(main)
        for kind, marker, only_suites in ((ASAN, "", frozenset()), (TSAN, "tsan", _THREADED)):
            if kind.name in self.suites:
                self._sanitized(kind, marker, only_suites)
        if "fuzz" in self.suites:
            self._fuzz()

    def _variant(self, kind: Kind) -> Variant | None:
        """The configured variant, or None: then a case tells why."""
        variant = Variant(kind, self.build_root, self.supervisor, self.screen)
        problems = variant.configure() if self.builds else []
        self.results.add(problems)
        return None if problems else variant

    def _main(self, main: Variant) -> None:
        """What runs in the build that is shipped: lints, unit and interop tests."""
        chosen = lints.names(self.name) if "lint" in self.suites else []
        unit = GTests("unit", main, self.supervisor, self.screen, self.jobs)
        interop = self._interop("interop", main, "")
        programs: list[Program] = []
        files: list[Path] = []
        if "purity" in chosen or {"unit", "interop"} & set(self.suites):
            self.screen.heading("build")
            if self._variant(MAIN) is None:
                chosen = [lint for lint in chosen if lint != "purity"]  # why it has nothing to read is told already
            else:
                programs = unit.candidates(self.name) if "unit" in self.suites else []
                files = interop.files(self.name) if "interop" in self.suites else []
                self._build_main(main, programs, bool(files), "purity" in chosen)
        if "lint" in self.suites:
            self._lint(main, chosen)
        if programs:
            self.screen.heading("unit")
            unit.run(programs, self.name, self.results)
        if files:
            self.screen.heading("interop")
            interop.run(files, self.name, self.results)

    def _build_main(self, main: Variant, programs: list[Program], interop: bool, purity: bool) -> None:
        targets = [program.target for program in programs if program.target]
        targets += main.driven() if interop else []
        targets += main.pure_libraries() if purity else []
        everything = not self.name and {"unit", "interop"} <= set(self.suites)
        self._build(main, [] if everything else targets, anything=everything)

    def _lint(self, main: Variant, chosen: list[str]) -> None:
        self.screen.heading("lint")
        lints.run(chosen, main, self.supervisor, self.screen, self.jobs, self.results)
        for folder in ("lint", "runner"):
            tests = PyTests("lint", REPOSITORY / "tests" / folder, main, self.supervisor, self.screen, jobs=self.jobs)
            tests.run(tests.files(self.name), self.name, self.results)

    def _build(self, variant: Variant, targets: list[str], anything: bool) -> None:
        if self.builds and (targets or anything):
            self.results.add(variant.build(targets))

    def _interop(self, suite: str, variant: Variant, marker: str) -> PyTests:
        return PyTests(suite, self.interop_folder, variant, self.supervisor, self.screen, marker,
                       limit=self.test_limit, jobs=self.jobs)

    def _sanitized(self, kind: Kind, marker: str, only_suites: frozenset[str]) -> None:
        self.screen.heading(kind.name)
        variant = self._variant(kind)
        if variant is None:
            return
        unit = GTests(kind.name, variant, self.supervisor, self.screen, self.jobs)
        programs = unit.candidates(self.name, only_suites)
        interop = self._interop(kind.name, variant, marker)
        files = interop.files(self.name)
        targets = [program.target for program in programs if program.target] + (variant.driven() if files else [])
        self._build(variant, targets, anything=False)
        unit.run(programs, self.name, self.results)
        interop.run(files, self.name, self.results)

    def _fuzz(self) -> None:
        sources = (REPOSITORY / "tests" / "fuzz").glob("*.cc")
        if not any(self.name in f"fuzz/{source.stem}" for source in sources):
            return
        self.screen.heading("fuzz")
        variant = self._variant(FUZZ)
        if variant is None:
            return
        fuzzers = Fuzzers(variant, self.supervisor, self.screen, self.jobs)
        targets = fuzzers.targets(self.name)
        self._build(variant, [target.target for target in targets], anything=False)
        fuzzers.run(targets, self.seconds, self.results)

    def finish(self) -> int:
        if remains := self.supervisor.sweep():
            self.results.add([Case.failed("run/leaves nothing behind", "left behind: " + ", ".join(remains))])
        if not self.results.cases:
            what = f"contains {self.name!r}" if self.name else "is there in " + ", ".join(self.suites)
            self.screen.line(f"no test's name {what}")
        self.screen.summary(self.results)
        return 1 if self.results.with_status(Status.FAILED) or not self.results.cases else 0

    def give_back(self) -> None:
        """What root built under sudo belongs to the user who asked for it."""
        uid, gid = os.environ.get("SUDO_UID"), os.environ.get("SUDO_GID")
        if os.geteuid() == 0 and uid and gid and self.build_root.exists():
            for folder, _, files in os.walk(self.build_root):
                for path in (folder, *(os.path.join(folder, file) for file in files)):
                    os.lchown(path, int(uid), int(gid))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev test", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-k", dest="name", default="", metavar="NAME",
                        help="only tests whose full name (suite/unit/test) contains NAME")
    parser.add_argument("--only", action="append", metavar="SUITE", default=[],
                        help=f"only these suites: {', '.join(SUITES)}, sanitize (asan and tsan); repeat, or use commas")
    parser.add_argument("--seconds", type=int, default=10, help="for each fuzz target (10)")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="programs and files of tests at a time (one a core)")
    parser.add_argument("--build-root", type=Path, default=REPOSITORY / "build", help=argparse.SUPPRESS)
    # For the tests of the runner itself.
    parser.add_argument("--no-build", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--test-limit", type=float, default=TEST_LIMIT, help=argparse.SUPPRESS)
    parser.add_argument("--interop-folder", type=Path, default=REPOSITORY / "tests" / "interop",
                        help=argparse.SUPPRESS)
    options = parser.parse_args()
    words = [word for group in options.only for word in group.split(",")]
    options.only = [suite for word in words for suite in _ALIASES.get(word, (word,))]
    for suite in options.only:
        if suite not in SUITES:
            parser.error(f"no suite {suite!r}; there are: {', '.join((*SUITES, *_ALIASES))}")
    return options


def main() -> int:
    run = Run(_parse())

    def interrupt(number: int, _: FrameType | None) -> None:
        for again in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(again, signal.SIG_IGN)
        run.supervisor.stop()  # first, since the threads of a pool wait for these children
        raise Interrupted(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    remove_remains_of_dead_runs()
    try:
        run.all()
        return run.finish()
    except Interrupted as interrupted:
        run.screen.status("")
        print(f"interrupted by {interrupted}; everything that was started has been ended")
        return 128 + interrupted.number
    finally:
        run.supervisor.stop()
        run.give_back()


if __name__ == "__main__":
    sys.exit(main())
