#!/usr/bin/env python3
"""What is committed speaks of the project alone: no path of the machine it was written on."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import tree
from tree import Violation

# Written so that this file does not break its own rule.
_LEAK = re.compile(
    r"(?<![\w.])/(?:work|root|Users)/|/tmp/build[-]"  # somebody's checkout or build folder
    r"|(?<![\w./])/home/(?!smol\b)[a-z]"
    r"|\.\./share[d]/|\.librar[y]/"
    r"|tmp/brie[f]-")


def violations(root: Path) -> Iterator[Violation]:
    for path in tree.files(root):
        text = tree.text_of(root, path)
        for number, line in enumerate((text or "").splitlines(), 1):
            if match := _LEAK.search(line):
                yield Violation(path, number, f"names a place outside the repository: {match.group().strip()}")


if __name__ == "__main__":
    sys.exit(tree.report(violations(tree.arguments(__doc__ or "").parse_args().root)))
