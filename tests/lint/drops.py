#!/usr/bin/env python3
"""Every row of protocols/base/drop.def is produced somewhere, and held by a test that names it.

A test names a reason as Drop::kTcpPaws in C++, or as tcp_paws in a script or in Python.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import tree
from tree import Violation

TABLE = "protocols/base/drop.def"
_ROW = re.compile(r'^SMOL_DROP\((k\w+), "(\w+)"')
_PRODUCERS = ("protocols/", "dataplane/")
# What knows reasons by the table alone, or carries any of them about, holds none of them.
_NO_PROOF = ("tests/lint/", "tests/runner/", "tests/support/", "tests/fuzz/", "tests/sim/",
             "tests/protocols/base/drop_test.cc", "tests/dataplane/capture_test.cc")


class Row(NamedTuple):
    line: int
    symbol: str
    name: str


def rows(root: Path) -> list[Row]:
    lines = (root / TABLE).read_text().splitlines()
    return [Row(number, *match.groups()) for number, line in enumerate(lines, 1) if (match := _ROW.match(line))]


def words_of(root: Path, folders: tuple[str, ...], suffixes: tuple[str, ...]) -> Iterator[str]:
    """Every `Drop::k...` and every snake-case word below the folders, comments left out."""
    for path in tree.files(root, suffixes):
        if path.startswith(folders) and not path.startswith(_NO_PROOF) and path != TABLE:
            text = re.sub(r"//[^\n]*", "", tree.text_of(root, path) or "")
            yield from re.findall(r"Drop::k\w+|\b[a-z][a-z0-9]*(?:_[a-z0-9]+)+\b", text)


def violations(root: Path) -> Iterator[Violation]:
    table = rows(root)
    if not table:
        yield Violation(TABLE, 1, "holds no row: SMOL_DROP(kName, \"name\", kStage, \"Sentence.\")")
    produced = set(words_of(root, _PRODUCERS, tree.CPP_SUFFIXES))
    tested = set(words_of(root, ("tests/",), (*tree.CPP_SUFFIXES, ".py")))
    for row in table:
        if f"Drop::{row.symbol}" not in produced:
            yield Violation(TABLE, row.line, f"{row.name} is produced nowhere: remove the row")
        if not {f"Drop::{row.symbol}", row.name} & tested:
            yield Violation(TABLE, row.line, f"{row.name} is named by no test: add one that fails without it")


def main() -> int:
    return tree.report(violations(tree.arguments(__doc__ or "").parse_args().root))


if __name__ == "__main__":
    sys.exit(main())
