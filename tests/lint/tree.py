"""The files of the repository as the lints see them, and how a lint reports.

Every lint is a program: it prints one line a violation, `file:line: what is wrong and what to do`, and
ends with status 1 if there was one. They use the standard library alone, so that a build step can run one.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]

# What .gitignore names, and what tools leave behind: none of it is source.
_IGNORED = {".git", ".cache", "__pycache__", ".pytest_cache", ".mypy_cache"}

CPP_SUFFIXES = (".hh", ".cc")
# Everything that the preprocessor may read: a forbidden edge is one whatever the file is called.
INCLUDE_SUFFIXES = (".hh", ".cc", ".def", ".h", ".hpp", ".cpp", ".inc", ".ipp")


class Violation(NamedTuple):
    path: str
    line: int
    message: str

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else self.path
        return f"{place}: {self.message}"


def ignored_folder(name: str) -> bool:
    return name in _IGNORED or name == "build" or name.startswith("build-")


def walk(root: Path) -> Iterator[tuple[str, list[str]]]:
    """Every folder of source below `root`, as (path relative to the root, its files); "" is the root."""
    for folder, subfolders, files in os.walk(root):
        if "meson-private" in subfolders:  # a build folder of any name
            subfolders.clear()
            continue
        subfolders[:] = sorted(name for name in subfolders if not ignored_folder(name))
        relative = os.path.relpath(folder, root)
        yield ("" if relative == "." else relative), sorted(files)


def files(root: Path, suffixes: tuple[str, ...] = ()) -> Iterator[str]:
    """Paths relative to the root; all files, or those that end as `suffixes` say."""
    for folder, names in walk(root):
        for name in names:
            path = f"{folder}/{name}" if folder else name
            if name.endswith(suffixes) if suffixes else not os.path.islink(root / path):
                yield path


def is_machine_made(path: str) -> bool:
    """Fuzz corpora and captures are bytes, whatever they look like."""
    return "/corpus/" in path or path.endswith((".pcap", ".pcapng", ".bin", ".binpb"))


def text_of(root: Path, path: str) -> str | None:
    """The file's text, or None where it is no text."""
    if is_machine_made(path):
        return None
    data = (root / path).read_bytes()
    if b"\0" in data:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def arguments(description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--root", type=Path, default=ROOT, help="the tree to look at (this one)")
    return parser


def report(violations: Iterable[Violation]) -> int:
    """Prints them; the exit status of the lint."""
    count = 0
    for violation in violations:
        print(violation)
        count += 1
    return 1 if count else 0
