"""Loaded into the pytest that the runner starts: selects by full name, and tells what happens as it happens.

Each event is a line of JSON in the file that SMOL_TEST_EVENTS names, so the runner knows which test runs, and
what had passed, even when pytest is killed. SMOL_TEST_SELECT is a JSON object {prefix, contains, not: [names]}.
"""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

_EVENTS = os.environ.get("SMOL_TEST_EVENTS")
_SELECT = json.loads(os.environ.get("SMOL_TEST_SELECT", "{}"))


def _tell(**event: Any) -> None:
    if _EVENTS:
        with open(_EVENTS, "a", encoding="utf-8") as file:
            file.write(json.dumps(event) + "\n")


def _name(nodeid: str) -> str:
    """tests/interop/test_tcp.py::TestA::test_b[c] is TestA::test_b[c]: the runner knows the file."""
    return nodeid.partition("::")[2]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "tsan: runs in the build with ThreadSanitizer as well")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    prefix, contains = _SELECT.get("prefix", ""), _SELECT.get("contains", "")
    left_out = set(_SELECT.get("not", ()))
    chosen = [item for item in items if contains in prefix + _name(item.nodeid)
              and _name(item.nodeid) not in left_out]
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = chosen
    _tell(event="collected", count=len(chosen))


def pytest_collectreport(report: pytest.CollectReport) -> None:
    if report.failed:
        _tell(event="collect-error", output=str(report.longrepr))


def pytest_runtest_logstart(nodeid: str) -> None:
    _tell(event="start", name=_name(nodeid))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    output = report.longreprtext
    if report.skipped and isinstance(report.longrepr, tuple):
        output = report.longrepr[2].removeprefix("Skipped: ")
    if report.failed:
        output += "".join(f"\n---- {title} ----\n{text}" for title, text in report.sections)
    expected = hasattr(report, "wasxfail")
    _tell(event="phase", name=_name(report.nodeid), when=report.when, seconds=report.duration, output=output,
          outcome="passed" if expected and report.skipped else report.outcome)


def pytest_runtest_logfinish(nodeid: str) -> None:
    _tell(event="finish", name=_name(nodeid))
