#!/usr/bin/env python3
"""Writes smolplane/v1: the modules of the API, made of proto/smol/v1 by protoc.

Nothing that can be made is committed. `setup.py` calls this when it builds; to use the package out of a checkout, run

    clients/python/generate.py

protoc names modules after the files that they come from: smol.v1.tcp_pb2. Here they are a part of the package, so that
it takes no name but its own; the files keep their names in protobuf's registry, whose names all users share.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROTO = HERE.parents[1] / "proto"
PLUGIN = "grpc_python_plugin"

_IMPORT = re.compile(r"^from smol\.v1 import ", re.MULTILINE)


class GenerateError(Exception):
    """Why there are no modules, in one line."""


def _program(name: str, package: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise GenerateError(f"{name} is not installed: apt-get install {package}")
    return found


def generate(target: Path) -> None:
    """Fills the folder `target`, which is that of the package smolplane.v1. What was there is replaced."""
    protoc = _program("protoc", "protobuf-compiler")
    plugin = _program(PLUGIN, "protobuf-compiler-grpc")
    files = sorted(str(path.relative_to(PROTO)) for path in PROTO.glob("smol/v1/*.proto"))
    if not files:
        raise GenerateError(f"no API in {PROTO}/smol/v1: build from a checkout of smolplane")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".v1-") as name:
        out = Path(name)
        command = [protoc, f"--proto_path={PROTO}", f"--plugin=protoc-gen-grpc_python={plugin}", f"--python_out={out}",
                   f"--pyi_out={out}", f"--grpc_python_out={out}", *files]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise GenerateError(f"protoc: {done.stderr.strip()}")
        made = out / "smol" / "v1"
        for path in made.iterdir():
            path.write_text(_IMPORT.sub("from smolplane.v1 import ", path.read_text()).rstrip("\n") + "\n")
        (made / "__init__.py").write_text('"""The API smol.v1 as protoc makes it: one module a file."""\n')
        if target.exists():
            shutil.rmtree(target)
        made.rename(target)


if __name__ == "__main__":
    try:
        generate(HERE / "smolplane" / "v1")
    except GenerateError as error:
        sys.exit(f"generate.py: {error}")
