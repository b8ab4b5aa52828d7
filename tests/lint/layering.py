#!/usr/bin/env python3
"""The arrows between folders: every include edge must be one that arrows.toml allows.

Runs as a lint and as a build step: with --stamp and --depfile it writes a header for the libraries to depend
on, so a forbidden edge does not build. The depfile names every file and folder looked at, so a new file is
looked at without configuring again, and an unchanged tree costs nothing.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

import tree
from tree import Violation

_INCLUDE = re.compile(r"^[ \t]*#[ \t]*include\b[ \t]*([^\n]*)", re.M)
_TARGET = re.compile(r'(["<])([^">]+)[">]')

# What purity.py cannot see, since it leaves no symbol behind, and what reads better as a line than as one.
_IMPURE = (
    (r"[cC]lock\w*::now\b", "reads a clock; time is an argument"),
    (r"\b_{1,2}rdtscp?\b|\b__builtin_ia32_rdtscp?\b|\b__builtin_readcyclecounter\b",
     "reads the cycle counter; time is an argument"),
    (r"\b_rd(?:rand|seed)\w*\b|\b__builtin_ia32_rd(?:rand|seed)\w*",
     "draws from the processor's chance; seeds are arguments"),
    (r"\bthread_local\b|\b__thread\b", "keeps state per thread; state belongs to an object"),
    (r"\b(?:try\s*\{|catch\s*\(|throw\b)", "uses exceptions; return a Result"),
    (r"(?<!= )(?<!operator )\bdelete\b", "frees memory; it comes from, and goes to, the memory_resource"),
    (r"\b(?:asm|__asm__)\b", "hides what it does from the purity lint"),
)
# One pass over a file; the number of the alternative that matched leads back to its sentence.
_ANY_IMPURE = re.compile("|".join(f"(?P<rule{number}>{pattern})" for number, (pattern, _) in enumerate(_IMPURE)))
_COMMENT_OR_STRING = re.compile(
    r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\'', re.S)


@dataclass
class Table:
    """arrows.toml, closed transitively."""

    arrows: dict[str, set[str]]
    faces: dict[str, list[str]]
    external: dict[str, list[str]]
    generated: dict[str, str]
    pure_folder: str
    pure_headers: set[str]
    everything: set[str] = field(default_factory=set)

    def unit_of(self, path: str) -> str | None:
        """The folder of the table that `path` belongs to: the longest that it starts with, or what made it."""
        for pattern, unit in self.generated.items():
            if fnmatchcase(path, pattern):
                return unit
        parts = path.split("/")
        for count in range(len(parts) - 1, 0, -1):
            unit = "/".join(parts[:count])
            if unit in self.arrows and unit not in self.external:
                return unit
        return None

    def layer_of(self, header: str) -> str | None:
        """The third-party layer that the system header belongs to."""
        for name, patterns in self.external.items():
            if any(fnmatchcase(header, pattern) for pattern in patterns):
                return name
        return None

    def allows(self, unit: str, other: str) -> bool:
        return unit == other or unit in self.everything or other in self.arrows[unit]

    def is_pure(self, unit: str) -> bool:
        return unit.startswith(self.pure_folder + "/")


def load(path: Path) -> Table:
    data = tomllib.loads(path.read_text())
    direct = {unit: set(targets) for unit, targets in data["arrows"].items()}
    everything = {unit for unit, targets in direct.items() if "*" in targets}
    known = set(direct) | set(data["external"]) | {"*"}
    closed: dict[str, set[str]] = {}

    def close(unit: str, path_to_it: tuple[str, ...]) -> set[str]:
        if unit in path_to_it:
            raise SystemExit(f"{path}: the arrows go in a circle: {' -> '.join((*path_to_it, unit))}")
        if unit not in closed:
            reached = set(direct.get(unit, ()))
            for target in direct.get(unit, ()):
                if target not in known:
                    raise SystemExit(f"{path}: {unit} points at {target}, which is no row and no external layer")
                if target != "*":
                    reached |= close(target, (*path_to_it, unit))
            closed[unit] = reached
        return closed[unit]

    for unit in direct:
        close(unit, ())
    return Table(closed, data["faces"], data["external"], data.get("generated", {}), data["pure"]["folder"],
                 set(data["pure"]["headers"]), everything)


@dataclass
class Include:
    line: int
    quoted: bool
    target: str


def includes_of(text: str) -> Iterator[Include | int]:
    """The include directives; a bare line number for one whose target is not written out."""
    for match in _INCLUDE.finditer(text):
        line = text.count("\n", 0, match.start(1)) + 1
        target = _TARGET.match(match.group(1))
        yield Include(line, target.group(1) == '"', target.group(2)) if target else line


class Layering:
    def __init__(self, root: Path, table: Table) -> None:
        self.root = root
        self.table = table
        self.texts: dict[str, str] = {}
        self.folders: list[str] = []

    def read(self) -> None:
        for folder, names in tree.walk(self.root):
            self.folders.append(folder)
            for name in names:
                if name.endswith(tree.INCLUDE_SUFFIXES):
                    path = f"{folder}/{name}" if folder else name
                    self.texts[path] = (self.root / path).read_text(errors="replace")

    def violations(self) -> Iterator[Violation]:
        for path, text in self.texts.items():
            unit = self.table.unit_of(path)
            if unit is None:
                yield Violation(path, 0, "is in no folder of the layout; put it into one, or add the folder to "
                                         "tests/lint/arrows.toml")
                continue
            for include in includes_of(text):
                message = self._edge(unit, include)
                if message:
                    yield Violation(path, include if isinstance(include, int) else include.line, message)
            if self.table.is_pure(unit):
                yield from self._impure_words(path, text)
        yield from self._faces()

    def _edge(self, unit: str, include: Include | int) -> str | None:
        if isinstance(include, int):
            return "an include must name its file, not a macro"
        target = include.target
        other = self.table.unit_of(target)
        if not include.quoted:
            if other:
                return f'<{target}> is ours: write it as "{target}"'
            return self._system(unit, target)
        if target.startswith(".") or other is None:
            return (f'"{target}" does not start at the root of the repository; write the whole path, such as '
                    f'"{unit}/{target.rsplit("/", 1)[-1]}"')
        if self.table.allows(unit, other) or self._is_face(unit, target):
            return None
        return f"{_short(unit)} may not include {_short(other)} (allowed: {self._allowed(unit)})"

    def _system(self, unit: str, header: str) -> str | None:
        layer = self.table.layer_of(header)
        if layer and not self.table.allows(unit, layer):
            return f"{_short(unit)} may not include {layer}'s <{header}> (allowed: {self._allowed(unit)})"
        if self.table.is_pure(unit) and header not in self.table.pure_headers:
            return (f"{_short(unit)} may not include <{header}>: it is not among the pure headers of "
                    "tests/lint/arrows.toml")
        return None

    def _is_face(self, unit: str, target: str) -> bool:
        return any(fnmatchcase(target, pattern) for pattern in self.table.faces.get(unit, ()))

    def _allowed(self, unit: str) -> str:
        names = sorted(_short(name) for name in self.table.arrows[unit])
        names += self.table.faces.get(unit, [])
        return ", ".join(names) or "nothing"

    def _impure_words(self, path: str, text: str) -> Iterator[Violation]:
        code = _COMMENT_OR_STRING.sub(lambda m: "\n" * m.group().count("\n") or " ", text)
        for match in _ANY_IMPURE.finditer(code):
            why = _IMPURE[int((match.lastgroup or "").removeprefix("rule"))][1]
            yield Violation(path, code.count("\n", 0, match.start()) + 1, f"`{match.group()}` {why}")

    def _faces(self) -> Iterator[Violation]:
        """A face that reaches DPDK would hand it to folders that have no arrow to it."""
        for face in sorted({pattern for faces in self.table.faces.values() for pattern in faces}):
            for header in (path for path in self.texts if fnmatchcase(path, face)):
                route = self._route_to(header, "dpdk")
                if route:
                    yield Violation(header, 0, "is shown to folders without DPDK, but reaches it: "
                                    + " -> ".join(route))

    def _route_to(self, header: str, layer: str) -> list[str] | None:
        routes, seen = [[header]], {header}
        for route in routes:
            for include in includes_of(self.texts.get(route[-1], "")):
                if isinstance(include, int):
                    continue
                if not include.quoted and self.table.layer_of(include.target) == layer:
                    return [*route, f"<{include.target}>"]
                if include.quoted and include.target not in seen:
                    seen.add(include.target)
                    routes.append([*route, include.target])
        return None

    def depfile(self, stamp: Path, table: Path) -> str:
        ours = (table, Path(__file__), Path(tree.__file__))
        seen = [*(self.root / path for path in (*self.folders, *self.texts)), *ours]
        return f"{stamp}: " + " ".join(str(path).replace(" ", "\\ ") for path in seen) + "\n"


def _short(unit: str) -> str:
    return unit.removeprefix("protocols/")


def main() -> int:
    parser = tree.arguments("Checks every include edge against tests/lint/arrows.toml.")
    parser.add_argument("--table", type=Path, help="the arrows (tests/lint/arrows.toml below the root)")
    parser.add_argument("--stamp", type=Path, help="a header to write when all is well")
    parser.add_argument("--depfile", type=Path, help="what the stamp depends on, for ninja")
    options = parser.parse_args()
    table_path = options.table or options.root / "tests/lint/arrows.toml"
    layering = Layering(options.root, load(table_path))
    layering.read()
    status = tree.report(sorted(layering.violations()))
    if status == 0 and options.stamp:
        options.stamp.write_text("// Written by tests/lint/layering.py: every include edge is an allowed one.\n")
        if options.depfile:
            options.depfile.write_text(layering.depfile(options.stamp, table_path))
    return status


if __name__ == "__main__":
    sys.exit(main())
