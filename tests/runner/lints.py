"""Runs the lints, one case each: programs that print a line a violation."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor

from processes import Supervisor
from results import Case, Results, Status
from screen import Screen
from variants import REPOSITORY, Variant

SUITE = "lint"
_LINTS = ("drops", "format", "layering", "leaks", "links", "options", "proto_lint", "purity", "requirements",
          "rfc_matrix", "shell", "smoltcp")


def names(name: str) -> list[str]:
    return [lint for lint in _LINTS if name in f"{SUITE}/{lint}"]


def run(chosen: list[str], variant: Variant, supervisor: Supervisor, screen: Screen, jobs: int,
        results: Results) -> None:
    def run_one(lint: str) -> None:
        begin = time.monotonic()
        command = [sys.executable, str(REPOSITORY / "tests" / "lint" / f"{lint}.py")]
        if lint == "purity":
            command.append(str(variant.folder))
        done = supervisor.run(command, variant.log_folder / f"lint-{lint}.log", limit=300)
        status = Status.PASSED if done.status == 0 else Status.FAILED
        case = Case(f"{SUITE}/{lint}", status, done.seconds, done.output)
        screen.unit(case.name, [case], time.monotonic() - begin)
        results.add([case])

    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(run_one, chosen))
