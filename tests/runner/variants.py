"""The builds that tests run in, and what meson knows about them."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from processes import Supervisor
from results import Case
from screen import Screen

REPOSITORY = Path(__file__).resolve().parents[2]

_SANITIZER_ENVIRONMENT = {
    "ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1:check_initialization_order=1",
    "LSAN_OPTIONS": f"suppressions={REPOSITORY}/tests/runner/lsan.supp:print_suppressions=0",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    "TSAN_OPTIONS": f"halt_on_error=1:second_deadlock_stack=1:suppressions={REPOSITORY}/tests/runner/tsan.supp",
}


@dataclass(frozen=True)
class Kind:
    """A way to build the tree: what ./dev build calls it, and what slows down in it."""

    name: str
    arguments: tuple[str, ...] = ()
    folder: str = ""
    environment: dict[str, str] = field(default_factory=dict, hash=False)
    patience: float = 1.0  # what a time limit is multiplied by
    driven: tuple[str, ...] = ("",)  # folders of the programs that its interop tests drive


MAIN = Kind("main", environment={"SMOL_TEST_DIVISOR": "1"})
ASAN = Kind("asan", ("--sanitize", "address"), "asan", {**_SANITIZER_ENVIRONMENT, "SMOL_TEST_DIVISOR": "10"}, 4.0)
TSAN = Kind("tsan", ("--sanitize", "thread"), "tsan", {**_SANITIZER_ENVIRONMENT, "SMOL_TEST_DIVISOR": "10"}, 8.0,
            ("smold", "tools/ctl", "tests/interop"))
# The fuzz targets are of the same build.
FUZZ = Kind("fuzz", ASAN.arguments, ASAN.folder, _SANITIZER_ENVIRONMENT, 4.0)


@dataclass(frozen=True)
class Program:
    """What meson registers with test(): an executable of the build, or a script that needs none of it."""

    name: str
    path: Path
    target: str  # relative to the build folder; empty for a script
    suites: frozenset[str]
    gtest: bool
    limit: float
    arguments: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict, hash=False)


class Variant:
    def __init__(self, kind: Kind, build_root: Path, supervisor: Supervisor, screen: Screen) -> None:
        self.kind = kind
        self.build_root = build_root
        self.folder = build_root / kind.folder if kind.folder else build_root
        self._supervisor = supervisor
        self._screen = screen
        self._all_built = False

    @property
    def log_folder(self) -> Path:
        return self.build_root / "log" / "test" / self.kind.name

    def environment(self) -> dict[str, str]:
        return {"SMOL_BUILD": str(self.folder), **self.kind.environment}

    def wrapper(self) -> list[str]:
        """ThreadSanitizer maps its shadow at fixed places, which much address randomisation collides with."""
        if self.kind is not TSAN:
            return []
        try:
            bits = int(Path("/proc/sys/vm/mmap_rnd_bits").read_text())
        except OSError:
            return []
        return ["setarch", os.uname().machine, "-R"] if bits > 28 else []

    def configure(self) -> list[Case]:
        return self._dev_build("configure", ["--configure-only"])

    def build(self, targets: Iterable[str] = ()) -> list[Case]:
        """Builds `targets`, or all; what can be built is, whatever else fails. One case, failed or not."""
        problems = self._dev_build("build", ["--keep-going", *targets])
        self._all_built = not problems
        return problems

    def _dev_build(self, what: str, arguments: list[str]) -> list[Case]:
        name = f"{what}/{self.kind.name}"
        log = self.log_folder / f"{what}.log"
        command = [str(REPOSITORY / "dev"), "build", *self.kind.arguments, *arguments]

        def watch() -> bool:
            self._screen.status(f"{name} {_last_progress(log)}")
            return True

        done = self._supervisor.run(command, log, {"SMOL_BUILD_ROOT": str(self.build_root), "NO_COLOR": "1"},
                                    limit=3600, watch=watch)
        self._screen.status("")
        if done.status == 0:
            return []
        case = Case.failed(name, _errors_of(done.output), done.seconds)
        self._screen.unit(name, [case], done.seconds)
        return [case]

    def is_built(self, target: str) -> bool:
        """After the build: also of a target whose sources somebody has touched since."""
        if self._all_built or not target:
            return True
        done = subprocess.run(["ninja", "-C", str(self.folder), "-n", target], capture_output=True, text=True)
        return done.returncode == 0 and "no work to do" in done.stdout

    def introspect(self, what: str) -> Any:
        done = subprocess.run(["meson", "introspect", str(self.folder), f"--{what}"], capture_output=True, text=True)
        return json.loads(done.stdout) if done.returncode == 0 else []

    def programs(self) -> list[Program]:
        """All of them; scripts in the main build alone, since another build changes nothing for them."""
        found = []
        tests = self.introspect("tests")
        uses = Counter(test["cmd"][0] for test in tests)
        for test in tests:
            path = Path(test["cmd"][0])
            built = path.is_relative_to(self.folder)
            if not built and self.kind is not MAIN:
                continue
            found.append(Program(
                name=path.name if built and uses[test["cmd"][0]] == 1 else test["name"], path=path,
                target=str(path.relative_to(self.folder)) if built else "",
                suites=frozenset(suite.rpartition(":")[2] for suite in test["suite"]),
                gtest=test["protocol"] == "gtest", limit=float(max(test["timeout"], 120)),
                arguments=tuple(test["cmd"][1:]), environment=dict(test["env"])))
        return sorted(found, key=lambda program: program.name)

    def targets(self) -> list[dict[str, Any]]:
        """meson's targets with `paths`, relative to the build folder, and `where` they are defined."""
        found = []
        for target in self.introspect("targets"):
            files = [Path(name) for name in target["filename"]]
            target["paths"] = [str(f.relative_to(self.folder)) for f in files if f.is_relative_to(self.folder)]
            defined = Path(target["defined_in"])
            inside = defined.is_relative_to(REPOSITORY)
            target["where"] = str(defined.parent.relative_to(REPOSITORY)) if inside else ""
            found.append(target)
        return found

    def driven(self) -> list[str]:
        """What interop tests drive: executables that are not tests, and the tests' own."""
        return [path for target in self.targets() if target["type"] == "executable"
                and target["where"].startswith(self.kind.driven)
                and (not target["where"].startswith("tests") or target["where"].startswith("tests/interop"))
                for path in target["paths"]]

    def pure_libraries(self) -> list[str]:
        return [path for target in self.targets() if target["type"] == "static library"
                and target["where"].startswith("protocols") for path in target["paths"]]


def _last_progress(log: Path) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 400))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    return next((line for line in reversed(lines) if re.match(r"\[\d+/\d+\]", line)), "")


def _errors_of(output: str) -> str:
    """The part of a build's output to show: without the lines of what went well."""
    return "\n".join(line for line in output.splitlines() if not re.match(r"\[\d+/\d+\] ", line))
