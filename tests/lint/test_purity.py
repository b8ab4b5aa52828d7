"""The purity lint fails for every kind of impure symbol, and lets the pure ones pass."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Tree

# (sentence, C++, what the complaint must say)
IMPURE = [
    ("DPDK", "extern \"C\" int rte_eth_rx_burst(int); int f() { return rte_eth_rx_burst(0); }", "DPDK"),
    ("a clock of C", "#include <ctime>\nlong f() { return time(nullptr); }", "a clock"),
    ("a clock of POSIX",
     "#include <ctime>\nlong f() { timespec t; clock_gettime(CLOCK_REALTIME, &t); return t.tv_sec; }",
     "a clock"),
    ("a clock of chrono",
     "#include <chrono>\nlong f() { return std::chrono::steady_clock::now()"
     ".time_since_epoch().count(); }",
     "a clock"),
    ("chance of C", "#include <cstdlib>\nint f() { return rand(); }", "chance"),
    ("chance of C++", "#include <random>\nunsigned f() { std::random_device d; return d(); }", "chance"),
    ("a thread", "#include <thread>\nvoid f(std::thread& t) { t.join(); }", "threads"),
    ("a lock", "#include <mutex>\nvoid f(std::mutex& m) { m.lock(); }", "threads"),
    ("a guarded static", "int g(); int f() { static int x = g(); return x; }", "threads"),
    ("a static made at run time", "struct A { A(); ~A(); int x; }; A::A() : x{1} {} A::~A() { x = 0; } A a;",
     "a static made or destroyed at run time"),
    ("an exception", "#include <stdexcept>\nvoid f() { throw 1; }", "exceptions"),
    ("a throwing call of the library",
     "#include <string_view>\nauto f(std::string_view s, unsigned n) { return s.substr(n); }",
     "exceptions"),
    ("operator new", "int* f() { return new int{1}; }", "operator new"),
    ("operator delete", "void f(int* p) { delete p; }", "operator delete outside a deleting destructor"),
    ("malloc", "#include <cstdlib>\nvoid* f() { return malloc(8); }", "the heap"),
    ("the default memory resource",
     "#include <memory_resource>\nauto* f() { return std::pmr::get_default_resource(); }",
     "the heap"),
    ("printf", "#include <cstdio>\nvoid f(int x) { std::printf(\"%d\", x); }", "files or the system"),
    ("a descriptor", "#include <unistd.h>\nlong f(char* p) { return read(0, p, 1); }", "files or the system"),
    ("anything new", "extern \"C\" int qsort_r(); int f() { return qsort_r(); }", "nothing pure needs it so far"),
]

PURE = [
    ("memory given by the caller",
     "#include <memory_resource>\nvoid* f(std::pmr::memory_resource& m) { return m.allocate(8, 8); }"),
    ("copies and checks",
     "#include <cstring>\n#include <cstdlib>\nvoid f(char* a, const char* b, unsigned n) { if (n > 9) std::abort();"
     " std::memcpy(a, b, n); }"),
    ("a virtual destructor, whose deleting form names operator delete",
     "struct A { virtual ~A(); virtual int f() = 0; }; A::~A() {} "
     "struct B : A { int f() override; }; int B::f() { return 1; }"),
]


def archive(tree: Tree, compiled: Path, kind: str) -> None:
    folder = tree.root / "build" / "protocols" / "tcp"
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["ar", kind, str(folder / "libsmol-tcp.a"), str(compiled)], check=True, capture_output=True)


@pytest.mark.parametrize("kind", ["csr", "csrT"], ids=["archive", "thin archive"])
@pytest.mark.parametrize(("text", "complaint"), [row[1:] for row in IMPURE], ids=[row[0] for row in IMPURE])
def test_impure(tree: Tree, compile_object: Callable[..., Path], kind: str, text: str, complaint: str) -> None:
    flags = ["-fexceptions"] if "throw" in text else []
    archive(tree, compile_object("connection", text, *flags), kind)
    lines = tree.complaints("purity", str(tree.root / "build"))
    assert lines
    assert all(line.startswith("protocols/tcp/libsmol-tcp.a(connection.o): needs ") for line in lines)
    assert any(complaint in line for line in lines), lines


@pytest.mark.parametrize("kind", ["csr", "csrT"], ids=["archive", "thin archive"])
@pytest.mark.parametrize("text", [row[1] for row in PURE], ids=[row[0] for row in PURE])
def test_pure(tree: Tree, compile_object: Callable[..., Path], kind: str, text: str) -> None:
    archive(tree, compile_object("connection", text), kind)
    assert tree.complaints("purity", str(tree.root / "build")) == []


def test_a_delete_beside_a_virtual_destructor_is_found(tree: Tree, compile_object: Callable[..., Path]) -> None:
    text = "struct A { virtual ~A(); int x; }; A::~A() {} void f(long* p) { delete p; }"
    archive(tree, compile_object("a", text), "csr")
    lines = tree.complaints("purity", str(tree.root / "build"))
    assert len(lines) == 1
    assert "operator delete(void*, unsigned long) (in f(long*))" in lines[0]


def test_what_one_library_defines_another_may_need(tree: Tree, compile_object: Callable[..., Path]) -> None:
    archive(tree, compile_object("needs", "int g(); int f() { return g(); }"), "csr")
    assert len(tree.complaints("purity", str(tree.root / "build"))) == 1
    archive(tree, compile_object("defines", "int g() { return 1; }"), "csr")
    assert tree.complaints("purity", str(tree.root / "build")) == []


def test_a_tree_without_libraries_does_not_pass(tree: Tree) -> None:
    (tree.root / "build").mkdir()
    assert "build first: ./dev build" in tree.complaints("purity", str(tree.root / "build"))[0]
