"""docs/: what is generated is what the program says, and what is shown is taken by it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import REPOSITORY

DOCS = REPOSITORY / "docs"
REFERENCE = DOCS / "reference"
BUILD = Path(os.environ.get("SMOL_BUILD", REPOSITORY / "build"))
SMOLD = BUILD / "smold/smold"
# Benchmarks are kept runs, and decisions are history: neither shows how things are done today.
PAGES = sorted(page for page in (REPOSITORY / "README.md", *DOCS.rglob("*.md"))
               if page.relative_to(REPOSITORY).parts[:2] not in (("docs", "benchmarks"), ("docs", "decisions")))


def name_of(page: Path) -> str:
    return str(page.relative_to(REPOSITORY))


def run(*command: str | Path, **keywords: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300, **keywords)


@pytest.fixture(scope="module")
def smold() -> Path:
    if not SMOLD.exists():
        pytest.skip(f"{SMOLD} is not built: ./dev build smold/smold")
    return SMOLD


# --- the reference ------------------------------------------------------------------------------------


def generate(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return run(sys.executable, "-B", REFERENCE / "generate.py", *arguments)


@pytest.mark.parametrize("page", ["api.md", "counters.md", "drops.md", "tcp-options.md"])
def test_a_page_from_a_table_is_what_the_table_says(page: str) -> None:
    done = generate("--check", page)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", ["configuration.md", "smold.md"])
def test_a_page_from_the_program_is_what_the_program_says(smold: Path, page: str) -> None:
    done = generate("--check", "--smold", smold, page)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("target", ["tools/ctl/smolctl", "tools/dump/smoldump"])
def test_the_page_of_a_tool_is_what_it_says(target: str) -> None:
    program = BUILD / target
    if not program.exists():
        pytest.skip(f"{program} is not built: ./dev build {target}")
    done = generate("--check", f"--{program.name}", program, f"{program.name}.md")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """What the tables' pages are made from, to change something in."""
    for name in ("docs/reference", "proto", "protocols/base/drop.def", "protocols/stack/counters.def"):
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copyfile(source, target)
    return tmp_path


def test_a_new_row_makes_its_page_stale_until_it_is_written(copy: Path) -> None:
    with (copy / "protocols/base/drop.def").open("a") as table:
        table.write('\nSMOL_DROP(kTooBlue, "too_blue", kLink, "Bluer than \\"blue\\" | allows, "\n          "by far.")\n')
    stale = generate("--root", copy, "--check", "drops.md")
    assert (stale.returncode, stale.stdout) == (1, "docs/reference/drops.md: is not what ./dev docs writes: run it\n")

    assert generate("--root", copy, "drops.md").returncode == 0

    assert r'| `too_blue` | Bluer than "blue" \| allows, by far. |' in (copy / "docs/reference/drops.md").read_text()
    assert generate("--root", copy, "--check", "drops.md").returncode == 0


def test_a_comment_in_the_api_is_in_its_page(copy: Path) -> None:
    file = copy / "proto/smol/v1/route.proto"
    file.write_text(file.read_text().replace("  // Length 0: the default route.\n", "  // Where to | whither.\n"))
    assert generate("--root", copy, "--check", "api.md").returncode == 1
    assert generate("--root", copy, "api.md").returncode == 0
    assert r"| `destination` | IpPrefix | Where to \| whither. |" in (copy / "docs/reference/api.md").read_text()


# (sentence, file, what to replace in it, by what, arguments, what is said)
REFUSALS = [
    ("an API that is none", "proto/smol/v1/route.proto", "message Route {", "massage Route {", ["api.md"],
     "smol/v1/route.proto"),
    ("a row of another form", "protocols/base/drop.def", ', kLink, "', ', "', ["drops.md"],
     "protocols/base/drop.def: a row is not SMOL_DROP with 4 arguments"),
    ("a stage without description", "protocols/base/drop.def", "kLink", "kMoon", ["drops.md"],
     "is of stage kMoon: describe it in STAGES of generate.py"),
    ("a block of counters without title", "protocols/stack/counters.def", "arp_in", "moon_in", ["counters.md"],
     "a block begins with moon_in: name it in GROUPS of generate.py"),
    ("a page without its block", "docs/reference/counters.md", "<!-- end", "<!-- no end", ["counters.md"],
     "docs/reference/counters.md: has no block between"),
    ("no program", "docs/reference/smold.md", "", "", ["--smold", "/nowhere/smold", "smold.md"],
     "/nowhere/smold: No such file or directory: build it with ./dev build smold/smold"),
    ("a page that is not one", "docs/reference/smold.md", "", "", ["smol.md"], "no page 'smol.md'"),
]


@pytest.mark.parametrize(("file", "old", "new", "arguments", "said"), [row[1:] for row in REFUSALS],
                         ids=[row[0] for row in REFUSALS])
def test_the_generator_says_what_is_wrong(copy: Path, file: str, old: str, new: str, arguments: list[str],
                                          said: str) -> None:
    text = (copy / file).read_text()
    (copy / file).write_text(text.replace(old, new) if old else text)
    done = generate("--root", copy, *arguments)
    assert done.returncode == 2
    assert said in done.stderr


def test_dev_docs_asks_the_program_of_its_build(copy: Path) -> None:
    build, tools = copy / "build", copy / "tools"
    answer = 'echo "answer to $1  "'
    for program, script in ((tools / "ninja", "echo no work to do"), (build / "bin/smold", answer),
                            (build / "bin/smolctl", answer), (build / "bin/smoldump", answer)):
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
    (build / "build.ninja").touch()
    (build / "meson-private").mkdir()
    (build / "meson-private/dev-arguments").write_text("--buildtype=debugoptimized")

    done = run(REPOSITORY / "dev", "docs", "--root", copy, "smold.md", env={
        **os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "SMOL_BUILD_ROOT": str(build), "SMOL_NO_INSTALL": "1"})

    assert (done.returncode, done.stdout) == (0, "docs/reference/smold.md: written\n"), done.stderr
    assert "\n```text\nanswer to --help\n```\n" in (copy / "docs/reference/smold.md").read_text()
    assert "\n  docs " in run(REPOSITORY / "dev", "help").stdout


def test_every_counter_of_workers_and_ports_is_described() -> None:
    page = (REFERENCE / "counters.md").read_text()
    header = (REPOSITORY / "dataplane/counters.hh").read_text()
    for struct, prefix in (("WorkerCounters", "worker"), ("PortCounters", "PORT")):
        body = re.search(rf"struct {struct} {{(.*?)^}};", header, re.M | re.S)
        assert body
        fields = re.findall(r"Counter (\w+);", body.group(1))
        assert fields
        assert [name for name in fields if f"| `{prefix}.{name}` |" not in page] == []


# --- what is shown --------------------------------------------------------------------------------------


def blocks(page: Path, *languages: str) -> Iterator[str]:
    # In a list, a block is indented as its item is.
    for match in re.finditer(r"^( *)```(\w+)\n(.*?)^\1```$", page.read_text(), re.M | re.S):
        if match.group(2) in languages:
            yield re.sub(rf"^{match.group(1)}", "", match.group(3), flags=re.M)


def commands(page: Path) -> Iterator[str]:
    """The commands of the page: all of a shell block, and of a session what follows the prompt."""
    for block in blocks(page, "sh"):
        yield from block.replace("\\\n", " ").splitlines()
    for block in blocks(page, "console"):
        yield from re.findall(r"^\$ (.*)", block, re.M)
    # One code span a line: between two of them stands prose.
    yield from re.findall(r"`((?:\./dev|smold) [^`\n]+)`", page.read_text())


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_the_commands_of_dev_exist(page: Path) -> None:
    known = set(re.findall(r"^  ([\w-]+) ", run(REPOSITORY / "dev", "help").stdout, re.M))
    used = {word for command in commands(page) for word in re.findall(r"\./dev (\w[\w-]*)", command)}
    assert used - known == set()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_the_options_of_smold_exist(smold: Path, page: Path) -> None:
    known = set(re.findall(r"--[a-z][a-z-]*", run(smold, "--help").stdout))
    used = {option for command in commands(page)
            for call in re.findall(r"(?:^|/|\s)smold( [^|>;]*)", command.partition("#")[0])
            for option in re.findall(r"(?<!\S)--[a-z][a-z-]*", call)}
    assert used - known == set()


CONFIGURATIONS = [(page, block) for page in PAGES if page.parent != REFERENCE for block in blocks(page, "yaml")]


@pytest.mark.parametrize(("page", "text"), CONFIGURATIONS,
                         ids=[f"{name_of(page)}-{number}" for number, (page, _) in enumerate(CONFIGURATIONS)])
def test_smold_takes_the_configurations(smold: Path, tmp_path: Path, page: Path, text: str) -> None:
    file = tmp_path / "smold.yaml"
    file.write_text(text)
    done = run(smold, "--check-config", file)
    assert done.returncode == 0, f"{name_of(page)}: {done.stderr}"


def test_the_embedded_program_prints_what_its_page_says(tmp_path: Path) -> None:
    library = BUILD / "protocols/libsmolplane.a"
    if not library.exists():
        pytest.skip(f"{library} is not built: ./dev build protocols/libsmolplane.a")
    page = DOCS / "howto/embed.md"
    (program,) = blocks(page, "cpp")
    (session,) = blocks(page, "console")
    (tmp_path / "program.cc").write_text(program)
    built = run("c++", "-std=c++20", "-Wall", "-Wextra", "-Werror", f"-I{REPOSITORY}", tmp_path / "program.cc", library,
                "-o", tmp_path / "program")
    assert built.returncode == 0, built.stderr
    assert run(tmp_path / "program").stdout == session.partition("$ ./program\n")[2]


# --- the index ------------------------------------------------------------------------------------------


def test_every_document_is_found_from_the_index() -> None:
    linked = re.compile(r"\]\(([^)#\s]+\.md)")
    found: set[Path] = set()
    ahead = [DOCS / "README.md"]
    while ahead:
        page = ahead.pop()
        if page not in found and page.is_relative_to(DOCS) and page.exists():
            found.add(page)
            ahead += [(page.parent / target).resolve() for target in linked.findall(page.read_text())]
    assert {page for page in DOCS.rglob("*.md") if "benchmarks" not in page.parts} - found == set()
