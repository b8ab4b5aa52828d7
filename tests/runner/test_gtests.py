"""GoogleTest programs are counted case by case, also when they crash, hang, or print without end of line."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from gtests import GTests
from processes import Supervisor
from results import Case, Results, Status
from screen import Screen
from variants import ASAN, MAIN, Kind, Program, Variant

PROGRAM = r"""
#include <gtest/gtest.h>
#include <cstdio>
#include <cstdlib>
#include <unistd.h>
TEST(Calm, Passes) { std::printf("no end of line"); }
TEST(Calm, AlsoPasses) {}
TEST(Calm, Skips) { GTEST_SKIP() << "no such hardware"; }
TEST(Wrong, Fails) { EXPECT_EQ(1, 2) << "said why"; }
class Many : public testing::TestWithParam<int> {};
TEST_P(Many, Pass) {}
INSTANTIATE_TEST_SUITE_P(Of, Many, testing::Values(1, 2));
TEST(Bad, Crashes) { std::fflush(stdout); std::abort(); }
TEST(Bad, NeverRunsAfterTheCrash) {}
TEST(Slow, Hangs) { sleep(1000); }
"""


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gtest")
    source = folder / "calm_test.cc"
    source.write_text(PROGRAM)
    subprocess.run(["g++", "-std=c++20", str(source), "-o", str(folder / "calm_test"), "-lgtest", "-lgtest_main"],
                   check=True)
    return folder / "calm_test"


class Programs(GTests):
    """The one program, as if meson had registered and ninja built it."""

    def __init__(self, folder: Path, built: bool = True) -> None:
        variant = Variant(MAIN, folder, Supervisor("rtest"), Screen())
        variant.is_built = lambda target: built  # type: ignore[method-assign]
        super().__init__("unit", variant, variant._supervisor, variant._screen, jobs=1)


def run(tmp_path: Path, compiled: Path, name: str = "", *arguments: str, limit: float = 60.0,
        built: bool = True) -> dict[str, Case]:
    program = Program("calm_test", compiled, "calm_test", frozenset(), True, limit, arguments)
    results = Results()
    Programs(tmp_path, built).run([program], name, results)
    assert len({case.name for case in results.cases}) == len(results.cases)
    return {case.name: case for case in results.cases}


def statuses(cases: dict[str, Case]) -> dict[str, Status]:
    return {name: case.status for name, case in cases.items()}


def test_each_case_counts(tmp_path: Path, compiled: Path) -> None:
    cases = run(tmp_path, compiled, "", "--gtest_filter=-Bad.*:Slow.*")
    assert statuses(cases) == {
        "unit/calm_test/Calm.Passes": Status.PASSED, "unit/calm_test/Calm.AlsoPasses": Status.PASSED,
        "unit/calm_test/Calm.Skips": Status.SKIPPED, "unit/calm_test/Wrong.Fails": Status.FAILED,
        "unit/calm_test/Of/Many.Pass/0": Status.PASSED, "unit/calm_test/Of/Many.Pass/1": Status.PASSED}
    assert "said why" in cases["unit/calm_test/Wrong.Fails"].output
    assert "no such hardware" in cases["unit/calm_test/Calm.Skips"].output


@pytest.mark.parametrize(("name", "found"), [
    ("Calm.", {"Calm.Passes", "Calm.AlsoPasses", "Calm.Skips"}), ("AlsoPasses", {"Calm.AlsoPasses"}),
    ("unit/calm_test/Calm.Skips", {"Calm.Skips"}), ("Of/Many.Pass/1", {"Of/Many.Pass/1"}), ("nonesuch", set()),
])
def test_a_name_chooses(tmp_path: Path, compiled: Path, name: str, found: set[str]) -> None:
    assert set(run(tmp_path, compiled, name)) == {f"unit/calm_test/{test}" for test in found}


def test_a_crash_is_told_from_what_passed_before(tmp_path: Path, compiled: Path) -> None:
    cases = run(tmp_path, compiled, "", "--gtest_filter=Calm.AlsoPasses:Bad.*")
    assert statuses(cases) == {"unit/calm_test/Calm.AlsoPasses": Status.PASSED,
                               "unit/calm_test/Bad.Crashes": Status.FAILED}
    assert "the program ended in this test" in cases["unit/calm_test/Bad.Crashes"].output


def test_a_hanging_program_is_ended(tmp_path: Path, compiled: Path) -> None:
    cases = run(tmp_path, compiled, "", "--gtest_filter=Calm.AlsoPasses:Slow.*", limit=1.0)
    assert statuses(cases) == {"unit/calm_test/Calm.AlsoPasses": Status.PASSED,
                               "unit/calm_test/Slow.Hangs": Status.FAILED}


def test_a_program_that_does_not_build_fails(tmp_path: Path, compiled: Path) -> None:
    assert statuses(run(tmp_path, compiled, built=False)) == {"unit/calm_test": Status.FAILED}


@pytest.mark.parametrize(("script", "status"), [
    ("exit 0", Status.PASSED), ("echo no; exit 1", Status.FAILED), ("exit 77", Status.SKIPPED),
    ("kill -9 $$", Status.FAILED),
])
def test_other_programs_are_one_case_each(tmp_path: Path, script: str, status: Status) -> None:
    path = tmp_path / "check.sh"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    results = Results()
    Programs(tmp_path).run([Program("check.sh", path, "check.sh", frozenset(), False, 60.0, ())], "", results)
    assert [(case.name, case.status) for case in results.cases] == [("unit/check.sh", status)]


def registered(folder: Path, kind: Kind) -> dict[str, str]:
    """The programs by name, with their targets, of a build in which meson knows of three tests."""
    variant = Variant(kind, folder, Supervisor("rtest"), Screen())

    def test(name: str, command: str, protocol: str) -> dict[str, object]:
        return {"name": name, "cmd": [command], "protocol": protocol, "suite": ["smolplane:base"], "timeout": 30,
                "env": {}}

    variant.introspect = lambda what: [  # type: ignore[method-assign]
        test("tcp", f"{variant.folder}/tests/tcp_test", "gtest"),
        test("plain", f"{variant.folder}/tests/plain", "exitcode"),
        test("again", f"{variant.folder}/tests/plain", "exitcode"),
        test("corpus", "/usr/bin/python3", "exitcode")]
    assert all(program.suites == {"base"} and program.limit == 120 for program in variant.programs())
    return {program.name: program.target for program in variant.programs()}


def test_every_test_that_meson_knows_is_run(tmp_path: Path) -> None:
    assert registered(tmp_path, MAIN) == {
        "tcp_test": "tests/tcp_test", "plain": "tests/plain", "again": "tests/plain", "corpus": ""}


def test_a_script_runs_once_and_not_in_every_build(tmp_path: Path) -> None:
    assert set(registered(tmp_path, ASAN)) == {"tcp_test", "plain", "again"}
