#!/usr/bin/env python3
"""Form: C++ as clang-format writes it, and no stray white space in any text file."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import tree
from tree import Violation

_DIAGNOSTIC = re.compile(r"(.+?):(\d+):\d+: (?:error|warning): (.+)")
_PER_RUN = 16

# Text whose white space means something: tables, golden output, and Markdown's hard line breaks.
_TABS_ALLOWED = (".tsv", ".mk", "Makefile")
_TRAILING_SPACE_ALLOWED = (".md", ".tsv")


def clang_format_violations(root: Path, in_place: bool) -> Iterator[Violation]:
    paths = list(tree.files(root, tree.CPP_SUFFIXES))
    if paths and not shutil.which("clang-format"):
        yield Violation("clang-format", 0, "is not installed: apt-get install clang-format")
        return
    mode = ["-i"] if in_place else ["--dry-run", "-Werror"]
    batches = [paths[i:i + _PER_RUN] for i in range(0, len(paths), _PER_RUN)]

    def run(batch: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["clang-format", "--style=file", *mode, *batch], cwd=root, capture_output=True,
                              text=True)

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for done in pool.map(run, batches):
            yield from _first_of_each_file(done)


def _first_of_each_file(done: subprocess.CompletedProcess[str]) -> Iterator[Violation]:
    seen: set[str] = set()
    for line in done.stderr.splitlines():
        match = _DIAGNOSTIC.match(line)
        if match and match.group(1) not in seen:
            seen.add(match.group(1))
            yield Violation(match.group(1), int(match.group(2)),
                            "is not as clang-format writes it: ./dev format")
    if done.returncode != 0 and not seen:
        yield Violation("clang-format", 0, done.stderr.strip().splitlines()[0])


def text_violations(root: Path) -> Iterator[Violation]:
    for path in tree.files(root):
        text = tree.text_of(root, path)
        if not text or "/golden/" in path:
            continue
        if not text.endswith("\n"):
            yield Violation(path, text.count("\n") + 1, "has no newline at its end")
        elif text.endswith("\n\n"):
            yield Violation(path, text.count("\n"), "ends with an empty line")
        for number, line in enumerate(text.splitlines(), 1):
            if line != line.rstrip() and not path.endswith(_TRAILING_SPACE_ALLOWED):
                yield Violation(path, number, "has white space at the end of the line")
            if "\t" in line and not path.endswith(_TABS_ALLOWED):
                yield Violation(path, number, "has a tab: indent with spaces, write \\t in strings")


def main() -> int:
    parser = tree.arguments("Checks the form of the sources.")
    parser.add_argument("--in-place", action="store_true", help="let clang-format rewrite the C++ files")
    options = parser.parse_args()
    if options.in_place:
        return tree.report(clang_format_violations(options.root, in_place=True))
    return tree.report([*clang_format_violations(options.root, in_place=False), *text_violations(options.root)])


if __name__ == "__main__":
    sys.exit(main())
