#!/usr/bin/env python3
"""tests/smoltcp.tsv: the behaviours that smoltcp's own tests hold its TCP to, by name, and the tests of ours that
hold the same, or what we do instead. Every test that the table names must be there."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import tree
from tree import Violation

TABLE = "tests/smoltcp.tsv"
_COLUMNS = ["behaviour", "tests", "ours"]
_TEST = re.compile(r"^(?:TYPED_)?TEST(?:_[FP])?\(\s*(\w+),\s*(\w+)\s*\)", re.M)


def tests(root: Path) -> set[str]:
    """Every test of the tree, as Suite.Name."""
    found: set[str] = set()
    for path in tree.files(root, (".cc",)):
        if path.startswith("tests/"):
            found |= {".".join(names) for names in _TEST.findall((root / path).read_text())}
    return found


def violations(root: Path) -> list[Violation]:
    lines = (root / TABLE).read_text().splitlines()
    if not lines or lines[0].split("\t") != _COLUMNS:
        return [Violation(TABLE, 1, "the first line must name the columns: " + ", ".join(_COLUMNS))]
    known = tests(root)
    problems = []
    seen: set[str] = set()
    for number, line in enumerate(lines[1:], 2):
        cells = line.split("\t")
        if len(cells) != len(_COLUMNS) or not all(cell.strip() for cell in cells):
            problems.append(Violation(TABLE, number, f"needs {len(_COLUMNS)} columns, none of them empty ('-')"))
            continue
        behaviour, named, _ = cells
        if behaviour in seen:
            problems.append(Violation(TABLE, number, f"{behaviour} stands twice"))
        seen.add(behaviour)
        problems += [Violation(TABLE, number, f"{behaviour}: there is no test {name}")
                     for name in named.split(", ") if name not in known]
    return problems


if __name__ == "__main__":
    sys.exit(tree.report(violations(tree.arguments(__doc__ or "").parse_args().root)))
