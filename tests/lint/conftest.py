"""A small tree to break rules in, and a way to run a lint over it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


class Tree:
    """A repository in miniature, with the real table of arrows."""

    def __init__(self, root: Path) -> None:
        self.root = root
        table = root / "tests" / "lint" / "arrows.toml"
        table.parent.mkdir(parents=True)
        table.write_text((REPOSITORY / "tests" / "lint" / "arrows.toml").read_text())

    def write(self, path: str, text: str | bytes) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    def lint(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-B", str(REPOSITORY / "tests" / "lint" / f"{name}.py"), "--root", str(self.root),
             *arguments], capture_output=True, text=True)

    def complaints(self, name: str, *arguments: str) -> list[str]:
        """What the lint says, checked to agree with its status."""
        done = self.lint(name, *arguments)
        assert done.stderr == ""
        lines = done.stdout.splitlines()
        assert done.returncode == (1 if lines else 0)
        return lines


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


@pytest.fixture
def compile_object(tmp_path: Path) -> Callable[[str, str], Path]:
    """Compiles text to an object file the way the pure library is compiled."""

    def compile_one(name: str, text: str, *flags: str) -> Path:
        source = tmp_path / f"{name}.cc"
        source.write_text(text)
        target = tmp_path / f"{name}.o"
        subprocess.run(["g++", "-std=c++20", "-O2", "-fno-exceptions", *flags, "-c", str(source), "-o", str(target)],
                       check=True)
        return target

    return compile_one
