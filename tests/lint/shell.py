#!/usr/bin/env python3
"""Shell scripts, by their first line or their suffix, are clean under shellcheck."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import tree
from tree import Violation

_SHEBANG = re.compile(rb"#!.*\b(?:ba|da)?sh\b")


def scripts(root: Path) -> Iterator[str]:
    for path in tree.files(root):
        with (root / path).open("rb") as file:
            if path.endswith(".sh") or _SHEBANG.match(file.read(64)):
                yield path


def violations(root: Path) -> Iterator[Violation]:
    paths = list(scripts(root))
    if paths and not shutil.which("shellcheck"):
        yield Violation("shellcheck", 0, "is not installed: apt-get install shellcheck")
    elif paths:
        done = subprocess.run(["shellcheck", "--format=json", *paths], cwd=root, capture_output=True, text=True)
        for finding in json.loads(done.stdout or "[]"):
            yield Violation(finding["file"], finding["line"], f"SC{finding['code']}: {finding['message']}")
        if done.returncode > 1:
            yield Violation("shellcheck", 0, done.stderr.strip())


if __name__ == "__main__":
    sys.exit(tree.report(violations(tree.arguments(__doc__ or "").parse_args().root)))
