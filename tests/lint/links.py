#!/usr/bin/env python3
"""Documents cite only what exists: every relative link of a Markdown file leads to a file, or to a heading."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import tree
from tree import Violation

_FENCE = re.compile(r"^(`{3,}|~{3,}).*?^\1[ \t]*$", re.M | re.S)
_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"!?\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
_REFERENCE = re.compile(r"^\[[^\]]+\]:\s*<?(\S+?)>?\s*$", re.M)
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*\s*$", re.M)
_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*:", re.I)


def _without_code(text: str) -> str:
    """The same text, as many lines, with code blanked out: what stands in it is no link."""
    text = _FENCE.sub(lambda m: "\n" * m.group().count("\n"), text)
    return _CODE.sub(lambda m: " " * len(m.group()), text)


def anchors(text: str) -> set[str]:
    """The headings' anchors, as GitHub forms them."""
    names: set[str] = set()
    for heading in _HEADING.findall(_FENCE.sub("", text)):
        plain = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).replace(" ", "-")
        name, count = plain, 0
        while name in names:
            count += 1
            name = f"{plain}-{count}"
        names.add(name)
    return names


def violations(root: Path) -> Iterator[Violation]:
    for path in tree.files(root, (".md",)):
        text = (root / path).read_text()
        plain = _without_code(text)
        for match in sorted((*_LINK.finditer(plain), *_REFERENCE.finditer(plain)), key=lambda m: m.start()):
            target = unquote(match.group(1))
            line = plain.count("\n", 0, match.start(1)) + 1
            if not _SCHEME.match(target) and (message := _broken(root, path, text, target)):
                yield Violation(path, line, message)


def _broken(root: Path, path: str, text: str, target: str) -> str | None:
    name, _, anchor = target.partition("#")
    base = root if name.startswith("/") else (root / path).parent
    file = (base / name.lstrip("/")).resolve() if name else root / path
    if not file.is_relative_to(root.resolve()):
        return f"links to {target}, outside the repository"
    if not file.exists():
        return f"links to {target}, which does not exist"
    if anchor and file.suffix == ".md":
        if anchor not in anchors(text if not name else file.read_text()):
            return f"links to {target}, but the file has no such heading"
    return None


if __name__ == "__main__":
    sys.exit(tree.report(violations(tree.arguments(__doc__ or "").parse_args().root.resolve())))
