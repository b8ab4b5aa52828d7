#!/usr/bin/env python3
"""docs/rfc-matrix.md: every requirement, the tests that hold it, and what we do otherwise.

The page is made from three tables: tests/requirements.tsv, the tests themselves (each names in a comment the rows
that it covers), and docs/rfc-deviations.tsv, kept by hand: what we decided to do otherwise, and what is not there
yet. The lint fails where the page is not what they say, and where a requirement of a protocol that is held to all
of its own has neither a test nor a line of docs/rfc-deviations.tsv. `./dev docs` writes the page.
"""

from __future__ import annotations

import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import requirements
import tree
from requirements import Row
from tree import Violation

PAGE = "docs/rfc-matrix.md"
DEVIATIONS = "docs/rfc-deviations.tsv"
_COLUMNS = ["id", "status", "what", "why", "where"]
# decided: done otherwise, or left out, on purpose. note: held, with a word on how. open: not there yet.
_STATUSES = ("decided", "note", "open")

# Protocols by prefix, in the order of the page. Those with True must have each of their rows held or explained.
_PROTOCOLS = {
    "ETH": ("Ethernet and VLAN", False),
    "ARP": ("ARP and address conflicts", False),
    "IP4": ("IPv4", False),
    "IC4": ("ICMP for IPv4", False),
    "IGMP": ("IGMP", False),
    "IP6": ("IPv6", False),
    "IC6": ("ICMP for IPv6", False),
    "ND": ("Neighbour discovery", False),
    "ADR": ("IPv6 addresses: DAD, SLAAC, privacy", False),
    "MLD": ("MLD", False),
    "SAS": ("Choice of addresses", False),
    "UDP": ("UDP", False),
    "TCP": ("TCP", True),
    "TRAP": ("Sequences that break a naive TCP", True),
    "DH4": ("DHCP for IPv4", False),
    "DH6": ("DHCP for IPv6", False),
    "DNS": ("DNS and mDNS", False),
    "LOW": ("6LoWPAN", False),
    "WPAN": ("IEEE 802.15.4", False),
    "RPL": ("RPL", False),
    "OFF": ("Offloads of the port", False),
}
_LEVELS = ("MUST", "SHOULD", "MAY", "beyond", "trap")
_OBLIGING = ("MUST", "SHOULD", "trap")

_INTRODUCTION = """\
# Requirements and the tests that hold them

What the RFCs want of a host, row by row, and how each row is held here: by tests that name it, by a decision to do
otherwise, or not yet. The levels are the RFCs' words; "beyond" is what no RFC obliges a host to: drafts, practice,
hardening. A trap is a sequence of segments that breaks a naive stack.

`./dev docs` writes this page from [tests/requirements.tsv](../tests/requirements.tsv), the comments of the tests, and
[rfc-deviations.tsv](rfc-deviations.tsv), and a lint keeps it so. No obliging row of TCP goes without a test or a word
of why; other protocols are on their way there.
"""


class Deviation(NamedTuple):
    id: str
    status: str
    what: str
    why: str
    where: str


_NO_WORD = Deviation("", "note", "", "", "")


class Test(NamedTuple):
    path: str
    name: str  # empty: no single test of the file


def _level(row: Row) -> str:
    return row.level.removesuffix(" NOT")


def _prefix(name: str) -> str:
    return name.rpartition("-")[0]


# --- the tables -------------------------------------------------------------------------------------


def deviations(root: Path, known: set[str]) -> tuple[dict[str, Deviation], list[Violation]]:
    """By id, from the table that is kept by hand."""
    path = root / DEVIATIONS
    lines = path.read_text().splitlines() if path.exists() else []
    if not lines or lines[0].split("\t") != _COLUMNS:
        return {}, [Violation(DEVIATIONS, 1, "the first line must name the columns: " + ", ".join(_COLUMNS))]
    found: dict[str, Deviation] = {}
    problems = []
    for number, line in enumerate(lines[1:], 2):
        cells = line.split("\t")
        if len(cells) != len(_COLUMNS) or not all(cell.strip() for cell in cells):
            problems.append(Violation(DEVIATIONS, number, f"needs {len(_COLUMNS)} columns, none of them empty ('-')"))
            continue
        one = Deviation(*cells)
        if one.id not in known:
            problems.append(Violation(DEVIATIONS, number, f"{one.id} is no row of {requirements.TABLE}"))
        if one.id in found:
            problems.append(Violation(DEVIATIONS, number, f"{one.id} stands twice"))
        if one.status not in _STATUSES:
            problems.append(Violation(DEVIATIONS, number, f"{one.status} is no status: " + ", ".join(_STATUSES)))
        if one.where != "-" and not (root / "docs" / one.where.partition("#")[0]).is_file():
            problems.append(Violation(DEVIATIONS, number, f"{one.where} is no page below docs/"))
        found[one.id] = one
    return found, problems


_CPP_TEST = re.compile(r"^(?:TYPED_)?TEST(?:_[FP])?\(\s*(\w+),\s*(\w+)\s*\)")
_PYTHON_TEST = re.compile(r"^(?:async )?def (test_\w+)")


def _tests_by_line(path: str, lines: list[str]) -> list[str]:
    """Of each line, the test that it is part of. What stands before a test, its rows and comments, is its own, and so
    are the rows that it is instantiated with; the head of a file is nobody's."""
    cpp = path.endswith(".cc")
    test, head = (_CPP_TEST, "//") if cpp else (_PYTHON_TEST, ("#", '"'))
    begin = next((number for number, line in enumerate(lines) if not line.startswith(head)), len(lines))
    names = [""] * len(lines)
    inside = last = ""
    for number, line in enumerate(lines):
        margin = bool(line) and not line[0].isspace()
        found = test.match(" ".join(lines[number:number + 3]) if cpp else line)
        if found:
            if begin == number and not last:  # the head of the file is this test's own
                begin = 0
            inside = last = ".".join(found.groups())
            names[begin:number] = [inside] * (number - begin)
        elif cpp and line.startswith("INSTANTIATE"):
            inside = last
        elif margin and inside and not line.startswith(("{", "}", "#") if cpp else ("#", ")")):
            inside, begin = "", number
        if inside:
            names[number] = inside
            begin = number + 1
        if cpp and line.startswith("}"):
            inside = ""
    return names


def tests_of(root: Path, rows: list[Row]) -> dict[str, list[Test]]:
    """The tests that name each id, in the order of the files."""
    found: dict[str, dict[Test, None]] = defaultdict(dict)
    owners: dict[str, list[str]] = {}
    for path, line, name in requirements.citations(root, rows):
        if not path.startswith("tests/"):
            continue
        if path not in owners:
            owners[path] = _tests_by_line(path, (tree.text_of(root, path) or "").splitlines())
        found[name][Test(path, owners[path][line - 1])] = None
    return {name: sorted(tests) for name, tests in found.items()}


# --- the page ---------------------------------------------------------------------------------------


class Matrix(NamedTuple):
    rows: list[Row]
    tests: dict[str, list[Test]]
    deviations: dict[str, Deviation]

    def status(self, row: Row) -> str:
        """decided, tested or open: the first that is so."""
        decided = row.id in self.deviations and self.deviations[row.id].status == "decided"
        return "decided" if decided else "tested" if row.id in self.tests else "open"


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


def _counts(matrix: Matrix) -> Iterator[str]:
    yield "| protocol | level | rows | tested | decided otherwise | open |"
    yield "|---|---|--:|--:|--:|--:|"
    count: Counter[tuple[str, str, str]] = Counter()
    for row in matrix.rows:
        for prefix in (_prefix(row.id), "all"):
            count[prefix, _level(row), matrix.status(row)] += 1
    for prefix, title in [*((key, value[0]) for key, value in _PROTOCOLS.items()), ("all", "all")]:
        for level in _LEVELS:
            numbers = [count[prefix, level, status] for status in ("tested", "decided", "open")]
            if sum(numbers):
                shown = title if prefix == "all" else f"[{title}](#{_anchor(title)})"
                yield f"| {shown} | {level} | {sum(numbers)} | " + " | ".join(map(str, numbers)) + " |"


def _anchor(title: str) -> str:
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def _held(matrix: Matrix, row: Row) -> str:
    links = [f"[{test.name or test.path.rpartition('/')[2]}](../{test.path})" for test in matrix.tests.get(row.id, [])]
    return ", ".join(links) or matrix.status(row)


def _otherwise(matrix: Matrix, row: Row) -> str:
    one = matrix.deviations.get(row.id)
    if not one or (one.status == "open" and row.id in matrix.tests):
        return ""
    where = "" if one.where == "-" else f" See [{Path(one.where.partition('#')[0]).stem}]({one.where})."
    why = "" if one.why == "-" else f" {one.why}"
    return f"{one.what}{why}{where}"


def page(matrix: Matrix) -> str:
    parts = [_INTRODUCTION, "\n".join(_counts(matrix))]
    for prefix, (title, _) in _PROTOCOLS.items():
        rows = [row for row in matrix.rows if _prefix(row.id) == prefix]
        if not rows:
            continue
        lines = ["| id | requirement | level | held by | what we do otherwise, and why |", "|---|---|---|---|---|"]
        for row in rows:
            cells = (row.id, row.sentence, row.level, _held(matrix, row), _otherwise(matrix, row))
            lines.append("| " + " | ".join(_cell(cell) for cell in cells) + " |")
        parts += [f"\n## {title}\n", "\n".join(lines)]
    return "\n".join(parts) + "\n"


def gaps(matrix: Matrix) -> Iterator[Violation]:
    """Rows that oblige and that nothing holds or explains."""
    for number, row in enumerate(matrix.rows, 2):
        prefix = _prefix(row.id)
        if prefix not in _PROTOCOLS:
            yield Violation(requirements.TABLE, number, f"{row.id}: name its protocol in tests/lint/rfc_matrix.py")
        elif _PROTOCOLS[prefix][1] and _level(row) in _OBLIGING and row.id not in matrix.tests \
                and matrix.deviations.get(row.id, _NO_WORD).status == "note":
            yield Violation(requirements.TABLE, number,
                            f"{row.id} ({row.level}) has neither a test that names it nor a line of {DEVIATIONS}")


def overtaken(matrix: Matrix) -> Iterator[Violation]:
    """What is called open and has a test."""
    for one in matrix.deviations.values():
        if one.status == "open" and one.id in matrix.tests:
            yield Violation(DEVIATIONS, 0, f"{one.id} is open no more, a test names it: take its line away")


def read(root: Path) -> tuple[Matrix, list[Violation]]:
    """What the page is made from, and what is wrong with it."""
    rows, _ = requirements.read(root)  # what is wrong with that table, its own lint says
    decided, problems = deviations(root, {row.id for row in rows})
    matrix = Matrix(rows, tests_of(root, rows), decided)
    return matrix, [*problems, *gaps(matrix), *overtaken(matrix)]


def main() -> int:
    root = tree.arguments("Checks that docs/rfc-matrix.md says which tests hold which requirement.").parse_args().root
    matrix, problems = read(root)
    file = root / PAGE
    if not file.exists() or file.read_text() != page(matrix):
        problems.append(Violation(PAGE, 0, "is not what the tests and the tables say: "
                                           "./dev docs rfc-matrix.md writes it"))
    return tree.report(problems)


if __name__ == "__main__":
    sys.exit(main())
