"""What `meson install` leaves behind serves programs that know nothing of this repository."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from smold import BUILD

REPOSITORY = Path(__file__).resolve().parents[2]


def run(*command: object, **environment: str) -> str:
    done = subprocess.run([str(word) for word in command], env={**os.environ, **environment}, cwd="/",
                          capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    options = {option["name"]: option["value"] for option in
               json.loads(run("meson", "introspect", BUILD, "--buildoptions"))}
    if options["b_sanitize"] != "none":
        pytest.skip("nobody installs a build with sanitizers")
    root = tmp_path_factory.mktemp("root")
    run("meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", root)
    return root


def test_a_program_outside_builds_with_pkg_config_and_runs(installed: Path, tmp_path: Path) -> None:
    found = next(installed.rglob("smolplane.pc")).parent
    environment = {"PKG_CONFIG_LIBDIR": str(found), "PKG_CONFIG_SYSROOT_DIR": str(installed)}
    source = tmp_path / "program.cc"
    source.write_text((REPOSITORY / "apps/embed.cc").read_text())
    flags = run("pkg-config", "--cflags", "--libs", "smolplane", **environment).split()
    assert all(flag.startswith((f"-I{installed}", f"-L{installed}", "-l")) for flag in flags), flags

    run("c++", "-std=c++20", source, *flags, "-o", tmp_path / "program")

    assert run(tmp_path / "program") == run(BUILD / "apps/embed")


def test_every_header_can_be_included_first(installed: Path, tmp_path: Path) -> None:
    include = next(installed.rglob("smolplane/protocols")).parent
    headers = sorted(header.relative_to(include) for header in include.rglob("*.hh"))
    assert len(headers) > 50
    for header in headers:
        # One a translation unit: a header must bring what it needs.
        (tmp_path / f"{str(header).replace('/', '_')}.cc").write_text(f'#include "{header}"\n')
    run("sh", "-c", f"printf '%s\\n' {tmp_path}/*.cc | xargs -P {os.cpu_count()} -n 4 "
                    f"c++ -std=c++20 -fsyntax-only -Wall -Wextra -I{include}")


def test_the_programs_are_there(installed: Path) -> None:
    names = {path.name for path in installed.rglob("bin/*")}
    assert {"smold", "smolbench"} <= names
    assert run(next(installed.rglob("bin/smold")), "--version").startswith("smold ")
