"""Runs libFuzzer targets: the executables that tests/fuzz defines, each with its committed corpus.

tests/fuzz/corpus/<target> (or the target's name without _fuzz) is read and never written; what a run finds is
kept in the build folder, and an input that breaks something in its artifacts.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from processes import Supervisor
from results import Case, Results, Status
from screen import Screen
from variants import REPOSITORY, Variant

SUITE = "fuzz"
_GRACE = 60  # seconds on top of the asked-for time: reading a corpus, writing a report


@dataclass(frozen=True)
class Target:
    name: str
    path: Path
    target: str


class Fuzzers:
    def __init__(self, variant: Variant, supervisor: Supervisor, screen: Screen, jobs: int) -> None:
        self.variant = variant
        self._supervisor = supervisor
        self._screen = screen
        self._jobs = jobs

    def targets(self, name: str) -> list[Target]:
        found = [Target(Path(path).name, self.variant.folder / path, path)
                 for target in self.variant.targets() if target["type"] == "executable"
                 and target["where"].startswith("tests/fuzz") and target["name"].endswith("_fuzz")
                 for path in target["paths"]]
        return sorted((t for t in found if name in f"{SUITE}/{t.name}"), key=lambda t: t.name)

    def run(self, targets: list[Target], seconds: int, results: Results) -> None:
        with ThreadPoolExecutor(self._jobs) as pool:
            list(pool.map(lambda target: self._run_target(target, seconds, results), targets))

    def _run_target(self, target: Target, seconds: int, results: Results) -> None:
        begin = time.monotonic()
        name = f"{SUITE}/{target.name}"
        if self.variant.is_built(target.target):
            case = self._fuzz(target, name, seconds)
        else:
            case = Case.failed(name, f"{target.target} does not build; the errors stand above")
        self._screen.unit(name, [case], time.monotonic() - begin)
        results.add([case])

    def _fuzz(self, target: Target, name: str, seconds: int) -> Case:
        found = self.variant.folder / "corpus" / target.name
        artifacts = self.variant.folder / "artifacts" / target.name
        for folder in (found, artifacts):
            folder.mkdir(parents=True, exist_ok=True)
        command = [str(target.path), f"-max_total_time={seconds}", f"-artifact_prefix={artifacts}/", "-timeout=10",
                   "-rss_limit_mb=2048", "-print_final_stats=1", "-verbosity=1", str(found),
                   *map(str, committed_corpora(target.name))]
        done = self._supervisor.run(command, self.variant.log_folder / f"{target.name}.log",
                                    self.variant.environment(), limit=seconds + _GRACE)
        if done.status == 0 and not done.timed_out:
            return Case(name, Status.PASSED, done.seconds, done.output)
        return Case.failed(name, f"{_report_of(done.output)}\nthe input is kept in {artifacts}", done.seconds)


def committed_corpora(target: str) -> list[Path]:
    corpora = REPOSITORY / "tests" / "fuzz" / "corpus"
    folders = {corpora / target, corpora / target.removesuffix("_fuzz")}
    return sorted(folder for folder in folders if folder.is_dir())


def _report_of(output: str) -> str:
    """Without libFuzzer's running commentary."""
    return "\n".join(line for line in output.splitlines() if not line.startswith("#"))
