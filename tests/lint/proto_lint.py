#!/usr/bin/env python3
"""The API's files below proto/: their form, as buf's STANDARD rules have it, and that they break no client.

What clients may rely on is recorded in proto/smol.v1.binpb, a descriptor set. What was there stays: its name, its
number, its type. `./dev proto-accept` (this program with --accept) records the files as they are now: after adding
something, or after a break that is meant, which needs a line in the changelog.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import tree
from google.protobuf import descriptor_pb2
from tree import Violation

FOLDER = "proto"
RECORD = "proto/smol.v1.binpb"
_OURS = "smol/"
_Field = descriptor_pb2.FieldDescriptorProto

_LOWER_SNAKE = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_UPPER_SNAKE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*")
_PASCAL = re.compile(r"(?:[A-Z][a-z0-9]*)+")
# Messages whose name says all there is to say.
_SPEAKS_FOR_ITSELF = re.compile(r".*(?:Request|Response)")

# Numbers of fields in google/protobuf/descriptor.proto, of which the paths of comments are made.
_FILE_MESSAGE, _FILE_ENUM, _FILE_SERVICE = 4, 5, 6
_MESSAGE_FIELD, _MESSAGE_NESTED, _MESSAGE_ENUM = 2, 3, 4
_ENUM_VALUE, _SERVICE_METHOD = 2, 2


class Broken(Exception):
    """protoc does not take the files: what it says."""


def describe(root: Path) -> descriptor_pb2.FileDescriptorSet:
    """All files of the API below `root`, with their comments."""
    folder = root / FOLDER
    names = sorted(str(path.relative_to(folder)) for path in folder.glob(f"{_OURS}**/*.proto"))
    with tempfile.TemporaryDirectory() as temporary:
        out = Path(temporary) / "set"
        done = subprocess.run(["protoc", f"-I{folder}", "--include_source_info", f"--descriptor_set_out={out}", *names],
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise Broken(done.stderr.strip())
        return descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes())


class File:
    """One file with the places and comments of what is in it."""

    def __init__(self, file: descriptor_pb2.FileDescriptorProto) -> None:
        self.file = file
        self.path = f"{FOLDER}/{file.name}"
        self._places = {tuple(place.path): place for place in file.source_code_info.location}

    def line(self, path: tuple[int, ...]) -> int:
        place = self._places.get(path)
        return place.span[0] + 1 if place else 0

    def comment(self, path: tuple[int, ...]) -> str:
        place = self._places.get(path)
        return place.leading_comments.strip() if place else ""

    def messages(self) -> Iterator[tuple[tuple[int, ...], Any]]:
        """All of them, nested ones too, with their paths."""
        def below(path: tuple[int, ...], messages: Any) -> Iterator[tuple[tuple[int, ...], Any]]:
            for index, message in enumerate(messages):
                here = (*path, index)
                if not message.options.map_entry:
                    yield here, message
                yield from below((*here, _MESSAGE_NESTED), message.nested_type)
        return below((_FILE_MESSAGE,), self.file.message_type)

    def enums(self) -> Iterator[tuple[tuple[int, ...], Any]]:
        for index, enum in enumerate(self.file.enum_type):
            yield (_FILE_ENUM, index), enum
        for path, message in self.messages():
            for index, enum in enumerate(message.enum_type):
                yield (*path, _MESSAGE_ENUM, index), enum

    def services(self) -> Iterator[tuple[tuple[int, ...], Any]]:
        for index, service in enumerate(self.file.service):
            yield (_FILE_SERVICE, index), service


# --- form -------------------------------------------------------------------------------------------


def _file_form(file: File) -> Iterator[Violation]:
    folder = str(Path(file.file.name).parent).replace("/", ".")
    if file.file.package != folder:
        yield Violation(file.path, 0, f"is of package {file.file.package or 'none'}: its folder says {folder}")
    if not re.search(r"\.v[1-9]\d*$", file.file.package):
        yield Violation(file.path, 0, f"package {file.file.package} has no version at its end, such as smol.v1")
    if not _LOWER_SNAKE.fullmatch(Path(file.file.name).stem):
        yield Violation(file.path, 0, "a file's name is lower_snake_case")
    if file.file.syntax != "proto3":
        yield Violation(file.path, 0, 'needs syntax = "proto3"')


def _message_form(file: File) -> Iterator[Violation]:
    for path, message in file.messages():
        if not _PASCAL.fullmatch(message.name):
            yield Violation(file.path, file.line(path), f"message {message.name}: a message's name is PascalCase")
        for index, field in enumerate(message.field):
            here = (*path, _MESSAGE_FIELD, index)
            if not _LOWER_SNAKE.fullmatch(field.name):
                yield Violation(file.path, file.line(here),
                                f"field {message.name}.{field.name}: a field's name is lower_snake_case")
        if not _SPEAKS_FOR_ITSELF.fullmatch(message.name) and not file.comment(path):
            yield Violation(file.path, file.line(path), f"message {message.name} needs a comment")


def _enum_form(file: File) -> Iterator[Violation]:
    for path, enum in file.enums():
        prefix = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", enum.name).upper() + "_"
        zero = next((value for value in enum.value if value.number == 0), None)
        if zero is None or zero.name != f"{prefix}UNSPECIFIED":
            yield Violation(file.path, file.line(path), f"enum {enum.name}: its value 0 must be {prefix}UNSPECIFIED")
        for index, value in enumerate(enum.value):
            line = file.line((*path, _ENUM_VALUE, index))
            if not _UPPER_SNAKE.fullmatch(value.name) or not value.name.startswith(prefix):
                yield Violation(file.path, line, f"value {value.name} of enum {enum.name} must begin with {prefix}")
        if enum.options.allow_alias:
            yield Violation(file.path, file.line(path), f"enum {enum.name}: two names for one number")


def _service_form(file: File, seen: dict[str, str]) -> Iterator[Violation]:
    for path, service in file.services():
        if not _PASCAL.fullmatch(service.name) or not service.name.endswith("Service"):
            yield Violation(file.path, file.line(path), f"service {service.name}: its name must end with Service")
        methods = [(*path, _SERVICE_METHOD, index) for index in range(len(service.method))]
        if not file.comment(path):
            yield Violation(file.path, file.line(path), f"service {service.name} needs a comment")
        for here, method in zip(methods, service.method):
            name = f"{service.name}.{method.name}"
            if not _PASCAL.fullmatch(method.name):
                yield Violation(file.path, file.line(here), f"method {name}: a method's name is PascalCase")
            if not file.comment(here):
                yield Violation(file.path, file.line(here), f"method {name} needs a comment")
            for kind, used in (("Request", method.input_type), ("Response", method.output_type)):
                used = used.rsplit(".", 1)[-1]
                allowed = (method.name + kind, service.name + method.name + kind)
                if used not in allowed:
                    yield Violation(file.path, file.line(here),
                                    f"method {name}: its {kind.lower()} is {used}; call it {' or '.join(allowed)}")
                if used in seen:
                    yield Violation(file.path, file.line(here), f"method {name}: {used} is {seen[used]}'s already")
                seen[used] = name


# --- breaks -----------------------------------------------------------------------------------------


def _elements(descriptors: descriptor_pb2.FileDescriptorSet) -> dict[str, tuple[str, str]]:
    """All that a client may rely on: what it is -> (how it is, in which file)."""
    found: dict[str, tuple[str, str]] = {}
    for one in descriptors.file:
        file = File(one)
        add: Callable[[str, str], None] = lambda what, how: found.update({what: (how, file.path)})  # noqa: B023,E731
        for _, message in file.messages():
            add(f"message {message.name}", "")
            for field in message.field:
                _add_field(add, message, field)
        for _, enum in file.enums():
            add(f"enum {enum.name}", "")
            for value in enum.value:
                add(f"value {value.number} of enum {enum.name}", f"named {value.name}")
        for _, service in file.services():
            add(f"service {service.name}", "")
            for method in service.method:
                streams = " from a stream" * method.client_streaming + " to a stream" * method.server_streaming
                add(f"method {service.name}.{method.name}", f"{method.input_type} -> {method.output_type}{streams}")
    return found


def _add_field(add: Callable[[str, str], None], message: Any, field: Any) -> None:
    kind = field.type_name or _Field.Type.Name(field.type).removeprefix("TYPE_").lower()
    label = "repeated " if field.label == _Field.LABEL_REPEATED else ""
    if field.proto3_optional:
        label = "optional "
    elif field.HasField("oneof_index"):
        label = f"{message.oneof_decl[field.oneof_index].name}: "
    add(f"field {field.number} of message {message.name}", f"{label}{kind} {field.name}")


def breaks(recorded: descriptor_pb2.FileDescriptorSet, now: descriptor_pb2.FileDescriptorSet) -> Iterator[Violation]:
    after = _elements(now)
    for what, (how, path) in _elements(recorded).items():
        if what not in after:
            yield Violation(path, 0, f"{what} ({how}) is gone: clients use it" if how else
                            f"{what} is gone: clients use it")
        elif after[what][0] != how:
            yield Violation(after[what][1], 0, f"{what} was '{how}' and is '{after[what][0]}': clients know it as it was")


def _without_comments(descriptors: descriptor_pb2.FileDescriptorSet) -> bytes:
    plain = descriptor_pb2.FileDescriptorSet()
    plain.CopyFrom(descriptors)
    for file in plain.file:
        file.ClearField("source_code_info")
    return plain.SerializeToString(deterministic=True)


def violations(root: Path) -> Iterator[Violation]:
    try:
        descriptors = describe(root)
    except Broken as broken:
        yield Violation(FOLDER, 0, f"protoc does not take it: {broken}")
        return
    seen: dict[str, str] = {}
    for one in descriptors.file:
        file = File(one)
        yield from _file_form(file)
        yield from _message_form(file)
        yield from _enum_form(file)
        yield from _service_form(file, seen)
    record = root / RECORD
    if not record.exists():
        yield Violation(RECORD, 0, "is missing: ./dev proto-accept writes it")
        return
    recorded = descriptor_pb2.FileDescriptorSet.FromString(record.read_bytes())
    broken_ones = list(breaks(recorded, descriptors))
    yield from broken_ones
    if not broken_ones and record.read_bytes() != _without_comments(descriptors):
        yield Violation(RECORD, 0, "lacks what was added: ./dev proto-accept writes it")


def main() -> int:
    parser = tree.arguments((__doc__ or "").partition("\n")[0])
    parser.add_argument("--accept", action="store_true", help="record the files as they are now")
    options = parser.parse_args()
    if options.accept:
        try:
            (options.root / RECORD).write_bytes(_without_comments(describe(options.root)))
        except Broken as broken:
            print(broken, file=sys.stderr)
            return 1
        return 0
    return tree.report(violations(options.root))


if __name__ == "__main__":
    sys.exit(main())
