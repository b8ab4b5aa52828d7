#!/usr/bin/env python3
"""Writes the parts of the reference pages that follow from the program and its tables. `./dev docs` calls it.

A page is written by hand around blocks that this script fills:

    <!-- begin drops -->
    ...
    <!-- end drops -->

The blocks come from tables of the sources, or from what smold prints; configuration.md is one whole block.
docs/rfc-matrix.md is made as a whole, by its lint.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/lint"))

import options as options_lint
import proto_lint
import rfc_matrix

PAGES = Path("docs/reference")


class Failure(Exception):
    """What is wrong and where, in one line."""


@dataclass(frozen=True)
class Sources:
    root: Path
    smold: Path
    smolctl: Path
    smoldump: Path

    def rows(self, table: str, macro: str, fields: int) -> list[tuple[list[str], list[tuple[str, ...]]]]:
        """The table's blocks, which empty lines set apart, as (lines of comment, arguments of each row)."""
        text = (self.root / table).read_text()
        # An argument is a name, or strings side by side.
        argument = r'\s*(\w+|"(?:\\.|[^"\\])*"(?:\s*"(?:\\.|[^"\\])*")*)\s*'
        row = re.compile(macro + r"\(" + ",".join([argument] * fields) + r"\)")
        blocks = []
        for block in re.split(r"\n\s*\n", text):
            comments = [line[2:].strip() for line in block.splitlines() if line.startswith("//")]
            code = "\n".join(line for line in block.splitlines() if not line.startswith("//"))
            found = [tuple(_plain(value) for value in match.groups()) for match in row.finditer(code)]
            if len(found) != code.count(f"{macro}("):
                raise Failure(f"{table}: a row is not {macro} with {fields} arguments")
            blocks.append((comments, found))
        return [(comments, found) for comments, found in blocks if found]

    def printed_by_smold(self, option: str) -> str:
        return _printed(self.smold, option, "smold/smold")

    def printed_by_smolctl(self, option: str) -> str:
        return _printed(self.smolctl, option, "tools/ctl/smolctl")

    def printed_by_smoldump(self, option: str) -> str:
        return _printed(self.smoldump, option, "tools/dump/smoldump")


def _printed(program: Path, option: str, target: str) -> str:
    try:
        done = subprocess.run([program, option], capture_output=True, text=True)
    except OSError as error:
        raise Failure(f"{program}: {error.strerror}: build it with ./dev build {target}") from error
    if done.returncode != 0:
        raise Failure(f"{program} {option}: status {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def _plain(argument: str) -> str:
    """The text of string literals, or the name as it is."""
    pieces = re.findall(r'"((?:\\.|[^"\\])*)"', argument)
    return re.sub(r"\\(.)", r"\1", "".join(pieces)) if pieces else argument


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in (head, *rows)]
    return "\n".join([lines[0], "|---" * len(head) + "|", *lines[1:]])


# --- the blocks -------------------------------------------------------------------------------------

# By the names of DropStage, in the order of a received packet's way.
STAGES = {
    "kPort": ("Port", "The device and its queues, in either direction."),
    "kInjector": ("Fault injector", "Dropped on purpose, by `ports[].faults`, `bridge` or the options of smold."),
    "kLink": ("Link", "Ethernet."),
    "kNetwork": ("Network", "ARP, IPv4, IPv6, routes and neighbours."),
    "kTransport": ("Transport", "ICMP, neighbour discovery, UDP and TCP."),
    "kSocket": ("Socket", "The packet was good, and its socket could not keep it."),
}


def drops(sources: Sources) -> str:
    table = "protocols/base/drop.def"
    by_stage: dict[str, list[tuple[str, str]]] = {}
    for _, rows in sources.rows(table, "SMOL_DROP", 4):
        for row in rows:
            _, name, stage, sentence = row
            if stage not in STAGES:
                raise Failure(f"{table}: {name} is of stage {stage}: describe it in STAGES of generate.py")
            by_stage.setdefault(stage, []).append((f"`{name}`", sentence))
    count = sum(len(rows) for rows in by_stage.values())
    parts = [f"There are {count} reasons."]
    for stage, (title, what) in STAGES.items():
        if stage in by_stage:
            parts += [f"## {title}", what, _table(("name", "meaning"), list(by_stage[stage]))]
    return "\n\n".join(parts)


# By the first word of a block's first counter.
GROUPS = {
    "received": "Packets",
    "arp": "ARP and neighbour discovery",
    "ip": "IP",
    "icmp": "ICMP",
    "udp": "UDP",
    "tcp": "TCP",
}


def stack_counters(sources: Sources) -> str:
    table = "protocols/stack/counters.def"
    parts = []
    for comments, rows in sources.rows(table, "SMOL_COUNTER", 2):
        group = rows[0][0].split("_")[0]
        if group not in GROUPS:
            raise Failure(f"{table}: a block begins with {rows[0][0]}: name it in GROUPS of generate.py")
        parts.append(f"### {GROUPS[group]}")
        if comments:
            parts.append(" ".join(comments))
        parts.append(_table(("name", "meaning"), [(f"`{name}`", _sentence(meaning)) for name, meaning in rows]))
    return "\n\n".join(parts)


def link_counters(sources: Sources) -> str:
    found = sources.rows("dataplane/link_counters.def", "SMOL_LINK_COUNTER", 2)
    rows = [(f"`{name}`", _sentence(meaning)) for _, block in found for name, meaning in block]
    return _table(("name", "meaning"), rows)


def _sentence(text: str) -> str:
    return text if text.endswith(".") else text[:1].upper() + text[1:] + "."


def options(sources: Sources) -> str:
    return "```text\n" + _tidy(sources.printed_by_smold("--help")) + "\n```"


def tcp_options(sources: Sources) -> str:
    return options_lint.page(sources.root)


def configuration(sources: Sources) -> str:
    return _tidy(sources.printed_by_smold("--print-config-reference"))


def smolctl(sources: Sources) -> str:
    return "```text\n" + _tidy(sources.printed_by_smolctl("--help")) + "\n```"


def smoldump(sources: Sources) -> str:
    return "```text\n" + _tidy(sources.printed_by_smoldump("--help")) + "\n```"


def api(sources: Sources) -> str:
    """Services, then the messages that are not a method's own, file by file."""
    try:
        found = proto_lint.describe(sources.root)
    except (proto_lint.Broken, OSError) as error:
        raise Failure(f"proto/: {error}") from error
    files = [proto_lint.File(one) for one in found.file]
    parts: list[str] = []
    for file in files:
        own = {name.rsplit(".", 1)[-1] for service in file.file.service for method in service.method
               for name in (method.input_type, method.output_type)}
        messages = list(file.messages())
        for path, service in file.services():
            parts += [f"## {service.name}", _flow(file.comment(path)), f"[{file.path}](../../{file.path})"]
            for index, method in enumerate(service.method):
                streams = ("stream " * method.client_streaming, "stream " * method.server_streaming)
                used = [name.rsplit(".", 1)[-1] for name in (method.input_type, method.output_type)]
                parts += [f"### {service.name}.{method.name}", _flow(file.comment((*path, 2, index))),
                          f"`{method.name}({streams[0]}{used[0]}) returns ({streams[1]}{used[1]})`"]
                parts += [_fields(file, where, message) for where, message in messages
                          if message.name in used and message.field]
        others = [(where, message) for where, message in messages if message.name not in own]
        if not file.file.service:
            parts += ["## What services share", f"[{file.path}](../../{file.path})"]
        for where, message in others:
            parts += [f"### {message.name}", _flow(file.comment(where))]
            if message.field:
                parts.append(_fields(file, where, message))
        for where, enum in file.enums():
            rows = [(f"`{value.name}`", str(value.number), _flow(file.comment((*where, 2, index))))
                    for index, value in enumerate(enum.value)]
            parts += [f"### {enum.name}", *filter(None, [_flow(file.comment(where))]),
                      _table(("value", "number", "meaning"), rows)]
    return "\n\n".join(parts)


def _flow(comment: str) -> str:
    """A comment of several lines as one; its paragraphs stay apart."""
    paragraphs = re.split(r"\n\s*\n", comment)
    return "\n\n".join(" ".join(line.strip() for line in paragraph.splitlines()) for paragraph in paragraphs)


def _fields(file: proto_lint.File, where: tuple[int, ...], message: Any) -> str:
    rows = []
    for index, one in enumerate(message.field):
        kind = one.type_name.removeprefix(".smol.v1.").lstrip(".") or one.Type.Name(one.type).removeprefix(
            "TYPE_").lower()
        label = "repeated " if one.label == one.LABEL_REPEATED else "optional " if one.proto3_optional else ""
        if one.HasField("oneof_index") and not one.proto3_optional:
            label = f"one of {message.oneof_decl[one.oneof_index].name}: "
        meaning = _flow(file.comment((*where, 2, index))).replace("\n\n", " ")
        rows.append((f"`{one.name}`", label + kind, meaning))
    return _table((f"field of {message.name}", "type", "meaning"), rows)


def _tidy(text: str) -> str:
    """As a file of the repository: no white space at the ends of lines, nor empty lines at the end."""
    return "\n".join(line.rstrip() for line in text.splitlines()).strip("\n")


BLOCKS: dict[str, Callable[[Sources], str]] = {
    "api": api,
    "drops": drops,
    "stack-counters": stack_counters,
    "link-counters": link_counters,
    "options": options,
    "smolctl": smolctl,
    "smoldump": smoldump,
    "configuration": configuration,
    "tcp-options": tcp_options,
}
# A page, the blocks it needs, and whether the program is asked for them.
CONTENTS = {
    "api.md": (("api",), False),
    "configuration.md": (("configuration",), True),
    "counters.md": (("stack-counters", "link-counters"), False),
    "drops.md": (("drops",), False),
    "smold.md": (("options",), True),
    "smolctl.md": (("smolctl",), True),
    "smoldump.md": (("smoldump",), True),
    "tcp-options.md": (("tcp-options",), False),
}
MATRIX = Path(rfc_matrix.PAGE).name


# --- the pages --------------------------------------------------------------------------------------


def filled(page: str, text: str, sources: Sources) -> str:
    """The page with its blocks made anew."""
    for name in CONTENTS[page][0]:
        block = re.compile(rf"(<!-- begin {name}\b[^>]*-->\n).*?(<!-- end {name} -->)", re.S)
        if len(block.findall(text)) != 1:
            raise Failure(f"{PAGES / page}: has no block between '<!-- begin {name} -->' and '<!-- end {name} -->'")
        made = BLOCKS[name](sources)
        text = block.sub(lambda match: f"{match.group(1)}\n{made}\n\n{match.group(2)}", text)
    return text


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev docs", description=(__doc__ or "").partition("\n")[0])
    known = (*CONTENTS, MATRIX)
    parser.add_argument("pages", nargs="*", metavar="PAGE", help=f"of {', '.join(known)} (all)")
    parser.add_argument("--check", action="store_true", help="write nothing; status 1 if a page would change")
    parser.add_argument("--smold", type=Path, help="the program to ask (build/bin/smold)",
                        default=Path(os.environ.get("SMOL_BUILD", ROOT / "build")) / "smold/smold")
    parser.add_argument("--smolctl", type=Path, help="the other program to ask (build/bin/smolctl)",
                        default=Path(os.environ.get("SMOL_BUILD", ROOT / "build")) / "tools/ctl/smolctl")
    parser.add_argument("--smoldump", type=Path, help="and the third (build/bin/smoldump)",
                        default=Path(os.environ.get("SMOL_BUILD", ROOT / "build")) / "tools/dump/smoldump")
    parser.add_argument("--root", type=Path, default=ROOT, help="the tree whose pages are written (this one)")
    arguments = parser.parse_args()
    for page in arguments.pages:
        if page not in known:
            parser.error(f"no page {page!r}: {', '.join(known)}")
    sources = Sources(arguments.root, arguments.smold, arguments.smolctl, arguments.smoldump)
    status = 0
    for page in arguments.pages or known:
        path = Path(rfc_matrix.PAGE) if page == MATRIX else PAGES / page
        file = arguments.root / path
        try:
            before = file.read_text()
            after = rfc_matrix.page(rfc_matrix.read(sources.root)[0]) if page == MATRIX else filled(
                page, before, sources)
        except (Failure, OSError) as error:
            print(f"generate.py: {error}", file=sys.stderr)
            return 2
        if after == before:
            continue
        print(f"{path}: " + ("is not what ./dev docs writes: run it" if arguments.check else "written"))
        if arguments.check:
            status = 1
        else:
            file.write_text(after)
    return status


if __name__ == "__main__":
    sys.exit(main())
