"""The layering lint fails when an arrow is broken, and only then."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Tree

# (sentence, file, its text, what the complaint must say)
FORBIDDEN = [
    ("a sibling", "protocols/tcp/a.hh", '#include "protocols/stack/stack.hh"',
     "protocols/tcp/a.hh:1: tcp may not include stack (allowed: base, wire)"),
    ("the packet from tcp", "protocols/tcp/a.cc", '\n#include "protocols/packet/buffer.hh"',
     "protocols/tcp/a.cc:2: tcp may not include packet"),
    ("upwards", "protocols/base/a.hh", '#include "protocols/wire/tcp.hh"',
     "base may not include wire (allowed: nothing)"),
    ("base from nowhere near", "protocols/udp/a.hh", '#  include   "protocols/tcp/connection.hh"',
     "udp may not include tcp"),
    ("through a .def", "protocols/base/a.def", '#include "dataplane/worker.hh"', "base may not include dataplane"),
    ("DPDK in the pure library", "protocols/stack/a.cc", "#include <rte_mbuf.h>",
     "stack may not include dpdk's <rte_mbuf.h>"),
    ("gRPC in the pure library", "protocols/stack/a.cc", "#include <grpcpp/grpcpp.h>", "may not include grpc's"),
    ("DPDK in control", "control/a.cc", "#include <rte_eal.h>", "control may not include dpdk's"),
    ("DPDK in an application", "apps/a.cc", "#include <rte_mbuf.h>", "apps may not include dpdk's"),
    ("threads", "protocols/base/a.hh", "#include <thread>", "base may not include <thread>"),
    ("locks", "protocols/base/a.hh", "#include <mutex>", "base may not include <mutex>"),
    ("a file", "protocols/base/a.hh", "#include <cstdio>", "base may not include <cstdio>"),
    ("fmt", "protocols/wire/a.hh", "#include <fmt/core.h>", "wire may not include <fmt/core.h>"),
    ("the inside of the dataplane from an application", "apps/a.cc", '#include "dataplane/worker.hh"',
     "apps may not include dataplane"),
    ("the inside of the dataplane from control", "control/a.cc", '#include "dataplane/worker.hh"',
     "control may not include dataplane"),
    ("control from the dataplane", "dataplane/a.cc", '#include "control/service.hh"',
     "dataplane may not include control"),
    ("the API's messages from the dataplane", "dataplane/a.cc", '#include "smol/v1/route.pb.h"',
     "dataplane may not include proto"),
    ("apps from the dataplane", "dataplane/a.cc", '#include "apps/echo.hh"', "dataplane may not include apps"),
    ("control from a benchmark", "tools/bench/a.cc", '#include "control/service.hh"',
     "tools/bench may not include control"),
    ("tools from the daemon", "smold/a.cc", '#include "tools/bench/run.hh"', "smold may not include tools/bench"),
    ("tests from the library", "protocols/tcp/a.cc", '#include "tests/support/script.hh"',
     "tcp may not include tests/support"),
    ("tests from a benchmark, but for support", "tools/bench/a.cc", '#include "tests/sim/net.hh"',
     "tools/bench may not include tests"),
    ("a relative path", "protocols/tcp/a.cc", '#include "../wire/tcp.hh"',
     'write the whole path, such as "protocols/tcp/tcp.hh"'),
    ("a bare name", "protocols/tcp/a.cc", '#include "connection.hh"', "does not start at the root"),
    ("an unknown folder", "protocols/tcp/a.cc", '#include "util/string.hh"', "does not start at the root"),
    ("an unknown folder of protocols", "protocols/tcp/a.cc", '#include "protocols/quic/a.hh"',
     "does not start at the root"),
    ("ours as if it were the system's", "protocols/tcp/a.cc", "#include <protocols/stack/stack.hh>", "is ours"),
    ("a macro", "protocols/tcp/a.cc", "#include HEADER", "must name its file"),
    ("a file outside of the layout", "lib/a.cc", "int x;", "is in no folder of the layout"),
    ("a clock", "protocols/tcp/a.cc", "auto t = std::chrono::steady_clock::now();", "reads a clock"),
    ("the cycle counter", "protocols/tcp/a.cc", "auto t = __rdtsc();", "reads the cycle counter"),
    ("chance", "protocols/tcp/a.cc", "_rdrand64_step(&x);", "draws from the processor's chance"),
    ("state per thread", "protocols/tcp/a.cc", "thread_local int x;", "keeps state per thread"),
    ("an exception", "protocols/tcp/a.cc", "throw 1;", "uses exceptions"),
    ("a delete", "protocols/tcp/a.cc", "delete p;", "frees memory"),
    ("assembly", "protocols/tcp/a.cc", 'asm("rdtsc");', "hides what it does"),
]

ALLOWED = [
    ("protocols/tcp/a.cc", '#include "protocols/tcp/a.hh"\n#include "protocols/base/seq.hh"\n#include <array>'),
    ("protocols/client/a.cc", '#include "protocols/wire/udp.hh"'),  # through udp: arrows are transitive
    ("control/a.cc", '#include "smol/v1/route.grpc.pb.h"'),  # made by the build, from proto
    ("control/a.cc", "#include <grpc/support/log.h>"),  # a third party's, whatever its folder is called
    ("dataplane/a.cc", '#include <rte_mbuf.h>\n#include "protocols/tcp/info.hh"\n#include <thread>'),
    ("smold/a.cc", '#include "control/server.hh"\n#include "apps/echo.hh"\n#include "dataplane/worker.hh"'),
    ("tests/a.cc", '#include "apps/echo.hh"\n#include <rte_mbuf.h>'),
    ("tools/bench/a.cc", '#include "tests/support/script.hh"\n#include "dataplane/worker.hh"'),
    ("apps/a.cc", '#include "dataplane/application.hh"\n#include "protocols/base/bytes.hh"'),
    ("protocols/tcp/a.cc", "// reads no clock: steady_clock::now() is the driver's\nconst char* s = \"throw\";\n"
                           "struct A { A(const A&) = delete; };\nvoid operator delete(void*);"),
    ("build/x.cc", '#include "anything.h"'),
    ("out/meson-private/x.cc", '#include "anything.h"'),
]


@pytest.mark.parametrize(("path", "text", "complaint"),
                         [row[1:] for row in FORBIDDEN], ids=[row[0] for row in FORBIDDEN])
def test_forbidden(tree: Tree, path: str, text: str, complaint: str) -> None:
    tree.write(path, text + "\n")
    lines = tree.complaints("layering")
    assert len(lines) == 1
    assert lines[0].startswith(f"{path}:")
    assert complaint in lines[0]


@pytest.mark.parametrize(("path", "text"), ALLOWED, ids=[row[0] for row in ALLOWED])
def test_allowed(tree: Tree, path: str, text: str) -> None:
    tree.write(path, text + "\n")
    assert tree.complaints("layering") == []


def test_a_face_of_the_dataplane_may_not_reach_dpdk(tree: Tree) -> None:
    tree.write("dataplane/application.hh", '#include "dataplane/inner.hh"\n')
    tree.write("dataplane/inner.hh", "#include <rte_mbuf.h>\n")
    assert tree.complaints("layering") == [
        "dataplane/application.hh: is shown to folders without DPDK, but reaches it: "
        "dataplane/application.hh -> dataplane/inner.hh -> <rte_mbuf.h>"]


def test_a_circle_of_arrows_is_refused(tree: Tree) -> None:
    table = tree.root / "tests/lint/arrows.toml"
    table.write_text(table.read_text().replace('"protocols/base" = []', '"protocols/base" = ["protocols/tcp"]'))
    done = tree.lint("layering")
    assert done.returncode != 0
    assert "the arrows go in a circle" in done.stderr


def test_an_arrow_to_nowhere_is_refused(tree: Tree) -> None:
    table = tree.root / "tests/lint/arrows.toml"
    table.write_text(table.read_text().replace('"protocols/base" = []', '"protocols/base" = ["protocols/bas"]'))
    assert "points at protocols/bas, which is no row" in tree.lint("layering").stderr


def test_nothing_but_the_daemon_and_tests_reaches_control_and_apps(tree: Tree) -> None:
    for unit in ("protocols/stack", "dataplane", "tools/dump", "tools/ctl", "tools/bench", "proto"):
        for other in ("control", "apps"):
            file = tree.write(f"{unit}/a.cc", f'#include "{other}/a.hh"\n')
            assert len(tree.complaints("layering")) == 1, (unit, other)
            file.unlink()


def test_the_stamp_is_written_only_for_a_clean_tree(tree: Tree, tmp_path: Path) -> None:
    stamp, depfile = tmp_path / "out" / "layering.hh", tmp_path / "out" / "layering.d"
    stamp.parent.mkdir()
    arguments = ("--stamp", str(stamp), "--depfile", str(depfile))
    broken = tree.write("protocols/base/a.hh", '#include "protocols/tcp/a.hh"\n')
    assert tree.lint("layering", *arguments).returncode == 1
    assert not stamp.exists()
    broken.write_text("#pragma once\n")
    assert tree.complaints("layering", *arguments) == []
    assert stamp.exists()
    # The folder makes a new file noticed, the file a changed one, the table and the lint themselves.
    for dependency in ("protocols/base ", "protocols/base/a.hh ", "arrows.toml ", "layering.py ", "tree.py"):
        assert dependency in depfile.read_text() + " "
