#!/usr/bin/env python3
"""What a stack can be told, and what it tells of a connection, can be reached from outside: every field of the
configuration's structs has a key in the YAML file, every socket option a field in the API (whose name is smolctl's word
and the Python client's, too), and every fact of a connection a field of TcpInfo. docs/reference/tcp-options.md is the
table of it."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

import tree
from tree import Violation

SCHEMAS = ("control/config.cc", "control/config_tcp.cc")
API = "proto/smol/v1/tcp.proto"
PYTHON = "clients/python/smolplane/tcp.py"
INFO = "control/convert_tcp.cc"


@dataclass(frozen=True)
class Struct:
    """One whose every field somebody outside must be able to set, or to see."""

    name: str
    """Without its namespace."""
    file: str
    section: str = ""
    """Of the YAML file; empty: what it holds is told and not set."""


OPTIONS = Struct("SocketOptions", "protocols/tcp/config.hh", "tcp")
SETTINGS = (
    OPTIONS,
    Struct("Config", "protocols/tcp/config.hh", "tcp"),
    Struct("Limits", "protocols/stack/config.hh", "limits"),
    Struct("PathMtuConfig", "protocols/iface/config.hh", "path_mtu"),
    Struct("IcmpConfig", "protocols/stack/config.hh", "icmp"),
    Struct("NeighborConfig", "protocols/iface/config.hh", "neighbor"),
)
FACTS = (
    Struct("Info", "protocols/tcp/info.hh"),
    Struct("CongestionInfo", "protocols/tcp/cc/congestion_info.hh"),
)

# Fields without a key of their own, and why.
NO_KEY = {
    "SocketOptions.user_timeout": "`user_timeout` of the stack is what sockets begin with",
    "SocketOptions.cork": "a moment of one connection, not a rule",
    "Config.defaults": "the socket options",
}
# Where the API says the same by another name.
API_NAMES = {"nagle": "nodelay"}

_FIELD = re.compile(r"^  (?=\w)(?!static|using|constexpr|friend)[\w:<>, ]+?[ >](\w+)(?:\s*=[^;]*|\{[^;]*\})?;", re.M)
_KEY = re.compile(r'"(\w+)",\s*(?:&(?:\w+::)*(\w+)::(\w+)\b(?!::)|\[\]\(auto& tcp\) -> auto& \{ return tcp\.defaults\.(\w+); \})')


def fields(root: Path, struct: Struct) -> list[tuple[str, int]]:
    """Each with the line it stands on."""
    text = (root / struct.file).read_text()
    begin = re.search(rf"^struct {struct.name} \{{$", text, re.M)
    if begin is None:
        return []
    end = text.index("\n};", begin.end())
    return [(match.group(1), text.count("\n", 0, match.start(1)) + 1)
            for match in _FIELD.finditer(text, begin.end(), end)]


def keys(root: Path) -> dict[str, str]:
    """The YAML key of each "Struct.field"."""
    found: dict[str, str] = {}
    for path in SCHEMAS:
        for key, struct, member, option in _KEY.findall((root / path).read_text()):
            found[f"SocketOptions.{option}" if option else f"{struct}.{member}"] = key
    return found


def violations(root: Path) -> list[Violation]:
    known = keys(root)
    problems = []
    for struct in SETTINGS:
        found = fields(root, struct)
        if not found:
            problems.append(Violation(struct.file, 0, f"has no struct {struct.name}: name another in options.py"))
        for field, line in found:
            name = f"{struct.name}.{field}"
            if name not in known and name not in NO_KEY:
                problems.append(Violation(struct.file, line, f"{name} has no key in the YAML file ({SCHEMAS[1]}): "
                                          f"add one to section {struct.section}, or to NO_KEY of options.py why not"))
            if name in known and name in NO_KEY:
                problems.append(Violation(struct.file, line, f"{name} has a key: take it out of NO_KEY of options.py"))
    return problems


if __name__ == "__main__":
    sys.exit(tree.report(violations(tree.arguments(__doc__ or "").parse_args().root)))
