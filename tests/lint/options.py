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
SOCKETS = "control/socket_service.cc"
OPTIONS_CODE = "control/remote/tcp_options.cc"


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
    Struct("SocketInfo", "protocols/stack/listing.hh"),
)

# Fields without a key of their own, and why.
NO_KEY = {
    "SocketOptions.user_timeout": "`user_timeout` of the stack is what sockets begin with",
    "SocketOptions.cork": "a moment of one connection, not a rule",
    "Config.defaults": "the socket options",
}
# Where the API says the same by another name.
API_NAMES = {"nagle": "nodelay"}
# Facts that the API tells as another one, or that others are told with.
TOLD_OTHERWISE = {
    "Info.at": "the times are told from then on",
    "Info.window_scaling": "`snd_wscale` and `rcv_wscale` are there",
    "SocketInfo.owned": "`owner` is there", "SocketInfo.user_data": "its owner's alone",
    "CongestionInfo.cwnd": "`Info` has it", "CongestionInfo.ssthresh": "`Info` has it",
    "CongestionInfo.pacing_rate": "`Info` has it",
}

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


def _text(root: Path, path: str) -> str:
    return (root / path).read_text()


def api_fields(root: Path) -> set[str]:
    """Of TcpOptions."""
    body = re.search(r"^message TcpOptions \{$(.*?)^\}", _text(root, API), re.M | re.S)
    return set(re.findall(r"(\w+) = \d+;", body.group(1) if body else ""))


def python_fields(root: Path) -> set[str]:
    body = re.search(r"^class TcpOptions:$(.*?)^    def ", _text(root, PYTHON), re.M | re.S)
    return set(re.findall(r"^    (\w+): ", body.group(1) if body else "", re.M))


def told(root: Path) -> dict[str, str]:
    """The field of TcpInfo, or of TcpCongestion, that each fact of FACTS becomes."""
    found: dict[str, str] = {}
    text = _text(root, INFO)
    for struct, begin, end in (("CongestionInfo", "void put_congestion(", "\n}"), ("Info", "", "")):
        part = text[text.index(begin):] if begin else text
        part = part[:part.index(end)] if end else part.replace(_congestion(text), "")
        for field, fact in (*re.findall(r"\bout\.set_(\w+)\((?:to_proto\(|std::string\{(?:tcp::name\()?)?in\.(\w+)", part),
                            *((field, fact) for fact, field in re.findall(
                                r"\bput\w*\((?:left\(|milliseconds\(|in\.at - )?in\.(\w+)\)?,\s*\*out\.mutable_(\w+)\(", part))):
            found[f"{struct}.{fact}"] = field
    found["CongestionInfo.kind"] = "congestion"
    part = _text(root, SOCKETS)
    for field, fact in re.findall(r"\bto\.set_(\w+)\([^;]*?\bfrom\.(\w+)", part):
        found.setdefault(f"SocketInfo.{fact}", field)
    for fact, field in re.findall(r"\bfrom\.(\w+)[^;]*?, \*to\.mutable_(\w+)\(", part):
        found[f"SocketInfo.{fact}"] = field
    if "from.interface" in part and "to.set_interface(" in part:
        found["SocketInfo.interface"] = "interface"
    return found


def _congestion(text: str) -> str:
    begin = text.index("void put_congestion(")
    return text[begin:text.index("\n}", begin)]


def _reach(root: Path) -> list[Violation]:
    """What clients cannot set or see."""
    problems = []
    api, python, code = api_fields(root), python_fields(root), _text(root, OPTIONS_CODE)
    for field, line in fields(root, OPTIONS):
        name = API_NAMES.get(field, field)
        if name not in api:
            problems.append(Violation(OPTIONS.file, line, f"SocketOptions.{field}: TcpOptions of {API} has no {name}"))
        elif name not in python:
            problems.append(Violation(OPTIONS.file, line, f"SocketOptions.{field}: TcpOptions of {PYTHON} has no {name}"))
        elif f"out_.{field}" not in code:
            problems.append(Violation(OPTIONS.file, line, f"SocketOptions.{field} is not taken over by {OPTIONS_CODE}"))
    known = told(root)
    for struct in FACTS:
        for field, line in fields(root, struct):
            name = f"{struct.name}.{field}"
            if name not in known and name not in TOLD_OTHERWISE:
                problems.append(Violation(struct.file, line, f"{name} is not told by "
                                          f"{SOCKETS if struct.name == 'SocketInfo' else INFO}: add it to the API, and to "
                                          "`smolctl ss -i`"))
    return problems


def violations(root: Path) -> list[Violation]:
    known = keys(root)
    problems = _reach(root)
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


# --- the page ---------------------------------------------------------------------------------------


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(line) + " |" for line in (head, *rows)]
    return "\n".join([lines[0], "|---" * len(head) + "|", *lines[1:]])


def page(root: Path) -> str:
    """The tables of docs/reference/tcp-options.md."""
    known, facts = keys(root), told(root)

    def key(struct: Struct, field: str) -> str:
        name = f"{struct.name}.{field}"
        return f"`{struct.section}.{known[name]}`" if name in known else f"none: {NO_KEY.get(name, '?')}"

    rows = []
    for field, _ in fields(root, OPTIONS):
        word = API_NAMES.get(field, field)
        rows.append((f"`{field}`", key(OPTIONS, field), f"`{word}`"))
    parts = ["## Of a socket", _table(("`tcp::SocketOptions`", "configuration: what sockets begin with",
                                       "`TcpOptions`, smolctl and Python"), rows)]
    for struct in SETTINGS:
        if struct is not OPTIONS:
            parts += [f"## `{struct.name}`", _table(("field", "configuration"), [
                (f"`{field}`", key(struct, field)) for field, _ in fields(root, struct)
                if f"{struct.name}.{field}" != "Config.defaults"])]
    for struct, message in zip(FACTS, ("TcpInfo", "TcpCongestion", "Socket")):
        rows = [(f"`{field}`", f"`{facts[name]}`" if (name := f"{struct.name}.{field}") in facts else
                 f"none: {TOLD_OTHERWISE.get(name, '?')}") for field, _ in fields(root, struct)]
        parts += [f"## `{struct.name}`: what is told", _table(("field", f"`{message}`"), rows)]
    return "\n\n".join(parts)


if __name__ == "__main__":
    sys.exit(tree.report(violations(tree.arguments(__doc__ or "").parse_args().root)))
