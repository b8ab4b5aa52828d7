"""Runs the executables that meson registers: GoogleTest programs case by case, others as one case each."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from processes import Done, Supervisor
from results import Case, Results, Status
from screen import Screen
from variants import Program, Variant

_TEST = re.compile(r"\b(?:TYPED_)?TEST(?:_F|_P)?\(\s*(\w+)\s*,\s*(\w+)\s*\)")
_STATUS_LINE = re.compile(r"^\[ +(RUN|OK|FAILED|SKIPPED) +\] ([^\s,]+)")


class GTests:
    """The unit tests of one variant, as the suite `suite`."""

    def __init__(self, suite: str, variant: Variant, supervisor: Supervisor, screen: Screen, jobs: int) -> None:
        self.suite = suite
        self.variant = variant
        self._supervisor = supervisor
        self._screen = screen
        self._jobs = jobs

    def candidates(self, name: str, only_suites: frozenset[str] = frozenset()) -> list[Program]:
        """The programs that may hold a test whose full name contains `name`: told from their sources, unbuilt."""
        programs = [p for p in self.variant.programs() if not only_suites or p.suites & only_suites]
        if not name:
            return programs
        sources = {path: _sources(target) for target in self.variant.targets() for path in target["paths"]}
        return [p for p in programs if _may_hold(f"{self.suite}/{p.name}", sources.get(p.target, []), name)]

    def run(self, programs: Iterable[Program], name: str, results: Results) -> None:
        """Runs the programs' tests, those whose full name contains `name`."""
        with ThreadPoolExecutor(self._jobs) as pool:
            list(pool.map(lambda program: self._run_program(program, name, results), programs))

    def _run_program(self, program: Program, name: str, results: Results) -> None:
        begin = time.monotonic()
        unit = f"{self.suite}/{program.name}"
        if not self.variant.is_built(program.target):
            cases = [Case.failed(unit, f"{program.target} does not build; the errors stand above")]
        elif not program.gtest:
            cases = [self._plain(program, unit)] if name in unit else []
        else:
            cases = self._gtest(program, unit, name)
        if cases:
            self._screen.unit(unit, cases, time.monotonic() - begin)
            results.add(cases)

    def _execute(self, program: Program, arguments: list[str], log: str) -> Done:
        environment = {**self.variant.environment(), **program.environment}
        return self._supervisor.run(
            [*self.variant.wrapper(), str(program.path), *program.arguments, *arguments],
            self.variant.log_folder / log, environment, folder=self.variant.folder,
            limit=program.limit * self.variant.kind.patience)

    def _plain(self, program: Program, unit: str) -> Case:
        done = self._execute(program, [], f"{program.name}.log")
        if done.status == 77:  # meson's and automake's word for skipped
            return Case(unit, Status.SKIPPED, done.seconds, done.output)
        passed = done.status == 0 and not done.timed_out
        return Case(unit, Status.PASSED if passed else Status.FAILED, done.seconds, done.output + _how_ended(done))

    def _gtest(self, program: Program, unit: str, name: str) -> list[Case]:
        arguments = []
        if name and name not in unit:
            listed = self._execute(program, ["--gtest_list_tests"], f"{program.name}.list.log")
            chosen = [test for test in _listed_tests(listed.output) if name in f"{unit}/{test}"]
            if not chosen:
                return []
            flags = self.variant.log_folder / f"{program.name}.flags"
            flags.write_text(f"--gtest_filter={':'.join(chosen)}\n")
            arguments.append(f"--gtest_flagfile={flags}")
        report = self.variant.log_folder / f"{program.name}.json"
        report.unlink(missing_ok=True)
        done = self._execute(program, [*arguments, f"--gtest_output=json:{report}", "--gtest_color=no"],
                             f"{program.name}.log")
        reported = _reported_cases(report, unit)
        # The report is the word of a whole run; the printed lines tell what happened up to a crash.
        printed = _printed_cases(done.output, unit)
        cases = printed if reported is None else _with_text(reported, printed)
        ended_well = done.status == 0 and not done.timed_out and reported is not None
        if not ended_well and not any(case.status is Status.FAILED for case in cases):
            cases.append(Case.failed(unit, done.output[-20000:] + _how_ended(done), done.seconds))
        return cases


def _sources(target: dict[str, object]) -> list[Path]:
    groups = target.get("target_sources") or []
    assert isinstance(groups, list)
    return [Path(source) for group in groups for source in group.get("sources", [])]


def _may_hold(unit: str, sources: list[Path], name: str) -> bool:
    if name in unit:
        return True
    parts = [part for part in re.split(r"[/.]", name) if part]
    for source in sources:
        text = source.read_text(errors="replace") if source.exists() else ""
        tests = [f"{unit}/{suite}.{test}" for suite, test in _TEST.findall(text)]
        if any(name in test for test in tests):
            return True
        # The names of parameterised tests are put together when the program runs.
        if "INSTANTIATE_TEST_SUITE_P" in text and all(part in text or part in unit for part in parts):
            return True
    return False


def _listed_tests(output: str) -> list[str]:
    tests, suite = [], ""
    for line in output.splitlines():
        plain = line.partition("#")[0].rstrip()
        if plain.startswith("  "):
            tests.append(suite + plain.strip())
        elif plain.endswith("."):
            suite = plain
    return tests


def _printed_cases(output: str, unit: str) -> list[Case]:
    """The cases by the lines that a GoogleTest program prints; one that began and did not end has failed."""
    cases: list[Case] = []
    running, text = "", []
    for line in output.splitlines():
        match = _STATUS_LINE.match(line)
        word = match.group(1) if match else ""
        if match and word == "RUN":
            running, text = match.group(2), []
        elif match and running and match.group(2) == running:
            status = {"OK": Status.PASSED, "FAILED": Status.FAILED, "SKIPPED": Status.SKIPPED}[word]
            milliseconds = re.search(r"\((\d+) ms\)", line)
            seconds = int(milliseconds.group(1)) / 1000 if milliseconds else 0.0
            cases.append(Case(f"{unit}/{running}", status, seconds, "\n".join(text)))
            running = ""
        elif running:
            text.append(line)
    if running:
        cases.append(Case.failed(f"{unit}/{running}", "\n".join([*text, "the program ended in this test"])))
    return cases


def _reported_cases(report: Path, unit: str) -> list[Case] | None:
    """The cases of the program's JSON report; None if it did not live to write one."""
    try:
        suites = json.loads(report.read_text(errors="replace"))["testsuites"]
    except (OSError, ValueError):
        return None
    cases = []
    for suite in suites:
        for test in suite["testsuite"]:
            if test["status"] != "RUN":
                continue
            failures = "\n".join(failure["failure"] for failure in test.get("failures", []))
            status = Status.FAILED if failures else Status.PASSED
            if test["result"] == "SKIPPED":
                status = Status.SKIPPED
            seconds = float(test["time"].removesuffix("s"))
            cases.append(Case(f"{unit}/{suite['name']}.{test['name']}", status, seconds, failures))
    return cases


def _with_text(cases: list[Case], printed: list[Case]) -> list[Case]:
    """The cases with all that they printed, where that could be told apart."""
    text = {case.name: case.output for case in printed}
    for case in cases:
        case.output = text.get(case.name) or case.output
    return cases


def _how_ended(done: Done) -> str:
    if done.timed_out:
        return f"\nended after {done.seconds:.0f} s, the limit"
    return f"\nended with status {done.status}" if done.status else ""
