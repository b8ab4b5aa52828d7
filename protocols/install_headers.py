#!/usr/bin/env python3
"""Installs the library's headers, whichever there are: meson calls it, and tells where by its environment."""

import os
import shutil
from pathlib import Path

source = Path(__file__).resolve().parent
target = Path(os.environ["MESON_INSTALL_DESTDIR_PREFIX"]) / "include/smolplane/protocols"
for pattern in ("*.hh", "*.def"):
    for header in sorted(source.rglob(pattern)):
        place = target / header.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(header, place)
        place.chmod(0o644)
