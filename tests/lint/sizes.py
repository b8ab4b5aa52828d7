#!/usr/bin/env python3
"""What has grown: files and functions longer than one likes to read. A report for people; it fails nothing."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import tree

_LINES = {"headers": 300, "sources": 600, "tests": 800}
_FUNCTION = 60
_STARTS = re.compile(r"^(?!(?:namespace|class|struct|union|enum|extern|template|public|private|using)\b)[\w\[:~]")
_NAME = re.compile(r"([~\w:]+)\s*\(")


def kind_of(path: str) -> str:
    if path.startswith("tests/"):
        return "tests"
    return "headers" if path.endswith(".hh") else "sources"


def functions(lines: list[str]) -> Iterator[tuple[int, str, int]]:
    """(line, name, length) of the functions at the left margin: from where one starts to the brace below it."""
    start = 0
    for number, line in enumerate(lines, 1):
        if _STARTS.match(line):
            start = number
        elif line == "}" and start:
            name = _NAME.search(lines[start - 1])
            yield start, name.group(1) if name else lines[start - 1].strip(), number - start + 1
            start = 0


def main() -> int:
    root: Path = tree.arguments(__doc__ or "").parse_args().root
    for path in tree.files(root, (*tree.CPP_SUFFIXES, ".py")):
        lines = (root / path).read_text(errors="replace").splitlines()
        limit = _LINES[kind_of(path)]
        if len(lines) > limit:
            print(f"{path}: {len(lines)} lines ({kind_of(path)}: {limit})")
        if path.endswith(tree.CPP_SUFFIXES) and not path.startswith("tests/"):
            for line, name, length in functions(lines):
                if length > _FUNCTION:
                    print(f"{path}:{line}: {name} has {length} lines ({_FUNCTION})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
