"""The native client: peers/peer.cc."""

from __future__ import annotations

import re

from conftest import Family
from netns import Namespace
from smold import BUILD

PROGRAM = BUILD / "tests" / "interop" / "peer"


def peer(net: Namespace, family: Family, command: str, port: int, count: int, *words: object,
         limit: float = 110) -> dict[str, str]:
    """What it prints of what it did. It fails on the first connection or octet that is not as it should be."""
    assert PROGRAM.exists(), f"{PROGRAM} is not built: ninja -C {BUILD} tests/interop/peer"
    done = net.run(PROGRAM, command, family.address, port, count, *words, limit=limit)
    print(f"{command} {family.name}: {done.out}", end="")
    return dict(re.findall(r"(\w+)=(\S+)", done.out))
