#!/usr/bin/env python3
"""tests/requirements.tsv, and who cites it: a test names the rows that it covers in a comment (`// TCP-008`).

The table is well formed, and every id that stands anywhere in the tree is a row of it. With --coverage it
prints which rows no test names.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import tree
from tree import Violation

TABLE = "tests/requirements.tsv"
_COLUMNS = ["id", "level", "source", "sentence"]
_LEVELS = {"MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY", "beyond", "trap"}
_ID = re.compile(r"[A-Z][A-Z0-9]*-\d{2,3}")
# The lints' own tests break the rules on purpose.
_EXEMPT = ("tests/lint/", "tests/runner/", TABLE)


class Row(NamedTuple):
    id: str
    level: str
    source: str
    sentence: str


def read(root: Path) -> tuple[list[Row], list[Violation]]:
    lines = (root / TABLE).read_text().splitlines()
    rows: list[Row] = []
    problems: list[Violation] = []
    if not lines or lines[0].split("\t") != _COLUMNS:
        return [], [Violation(TABLE, 1, "the first line must name the columns: " + ", ".join(_COLUMNS))]
    seen: set[str] = set()
    for number, line in enumerate(lines[1:], 2):
        cells = line.split("\t")
        if len(cells) != len(_COLUMNS) or not all(cell.strip() for cell in cells):
            problems.append(Violation(TABLE, number, f"needs {len(_COLUMNS)} columns, none of them empty"))
            continue
        row = Row(*cells)
        rows.append(row)
        if not _ID.fullmatch(row.id):
            problems.append(Violation(TABLE, number, f"{row.id} is no id: PREFIX-NNN"))
        if row.id in seen:
            problems.append(Violation(TABLE, number, f"{row.id} stands twice"))
        if row.level not in _LEVELS:
            problems.append(Violation(TABLE, number, f"{row.level} is no level: " + ", ".join(sorted(_LEVELS))))
        if not row.sentence.endswith("."):
            problems.append(Violation(TABLE, number, f"{row.id}: a sentence ends with a full stop"))
        seen.add(row.id)
    return rows, problems


def citations(root: Path, rows: list[Row]) -> Iterator[tuple[str, int, str]]:
    """(path, line, id) of whatever looks like an id of one of the table's prefixes."""
    prefixes = sorted({row.id.rpartition("-")[0] for row in rows}, key=len, reverse=True)
    if not prefixes:
        return
    cited = re.compile(rf"(?<![\w-])(?:{'|'.join(prefixes)})-\d{{2,3}}(?![\w-])")
    for path in tree.files(root):
        text = None if path.startswith(_EXEMPT) else tree.text_of(root, path)
        for number, line in enumerate((text or "").splitlines(), 1):
            for match in cited.finditer(line):
                yield path, number, match.group()


def print_coverage(rows: list[Row], tested: set[str]) -> None:
    missing = [row for row in rows if row.id not in tested]
    for row in missing:
        print(f"{row.id}\t{row.level}\t{row.sentence}")
    have, total = Counter(), Counter()
    for row in rows:
        prefix = row.id.rpartition("-")[0]
        total[prefix] += 1
        have[prefix] += row.id in tested
    print(f"\n{'prefix':<8}{'tested':>8}{'rows':>8}")
    for prefix, count in total.items():
        print(f"{prefix:<8}{have[prefix]:>8}{count:>8}")
    print(f"{'all':<8}{len(rows) - len(missing):>8}{len(rows):>8}")


def main() -> int:
    parser = tree.arguments("Checks the table of requirements and its citations.")
    parser.add_argument("--coverage", action="store_true", help="print the rows that no test names, and totals")
    options = parser.parse_args()
    rows, problems = read(options.root)
    known = {row.id for row in rows}
    tested: set[str] = set()
    for path, line, name in citations(options.root, rows):
        if name not in known:
            problems.append(Violation(path, line, f"cites {name}, which is no row of {TABLE}"))
        elif path.startswith("tests/"):
            tested.add(name)
    if options.coverage:
        print_coverage(rows, tested)
    return tree.report(problems)


if __name__ == "__main__":
    sys.exit(main())
