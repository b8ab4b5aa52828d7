#!/usr/bin/env python3
"""protocols/ is pure: its libraries need nothing that has a clock, chance, threads, files, exceptions or a heap.

Reads the undefined symbols of the static libraries of a built tree. What the libraries define for each other
is theirs; everything else must be on the list below, so anything new is looked at by a person.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import tree
from tree import Violation

# A full match allows the symbol.
_ALLOWED = re.compile("|".join((
    r"mem(?:cpy|move|set|cmp|chr)|bcmp|strlen",  # what compilers make of loops and assignments
    r"abort|__stack_chk_fail|_ZSt9terminatev|__cxa_pure_virtual",  # the ways to end on a bug of our own
    r"_ZSt21__glibcxx_assert_failPKciS0_S0_",
    r"__cpu_model|__cpu_indicator_init",  # which instructions there are: a constant of the machine
    r"_GLOBAL_OFFSET_TABLE_|_DYNAMIC",
    # The interface of std::pmr::memory_resource and of the resources that hand out a caller's memory. Not the
    # default resource, which is the heap.
    r"_ZT[VIS]NSt3pmr15memory_resourceE|_ZNSt3pmr15memory_resourceD[012]Ev",
    r"_ZT[VIS]NSt3pmr25monotonic_buffer_resourceE|_ZNSt3pmr25monotonic_buffer_resource.*",
    r"_ZTVN10__cxxabiv1\w+",  # type information of our own classes
)))

# The sentence for what is most likely to turn up; the first that matches.
_REASONS = (
    (r"rte_|eal_|_?per_lcore_", "DPDK: the driver hands packets and time in"),
    (r"clock_gettime|gettimeofday|time|times|clock|.*chrono.*3nowEv|.*steady_clock|.*system_clock",
     "a clock: time is an argument"),
    (r"rand|srand|random|srandom|[delnmj]rand48|getrandom|getentropy|arc4random.*|.*random_device.*",
     "chance: seeds are arguments"),
    (r"pthread_.*|__pthread.*|thrd_.*|mtx_.*|_ZNSt6thread.*|.*condition_variable.*|__cxa_guard_.*|__tls_get_addr"
     r"|__cxa_thread_atexit|sched_.*|_ZNSt.*mutex.*|.*__atomic_futex.*|__atomic_.*",
     "threads: one worker owns a machine (a guarded static is made at run time: make it constexpr)"),
    (r"__cxa_.*throw.*|__cxa_.*catch|__cxa_allocate_exception|__cxa_free_exception|_Unwind_.*|__gxx_personality.*"
     r"|_ZSt\d+__throw_.*|_ZNSt.*exception.*|_ZNKSt.*exception.*",
     "exceptions: check first, and return a Result"),
    (r"_Zn[wa].*", "operator new: memory comes from the memory_resource passed in"),
    (r"_Zd[la].*", "operator delete outside a deleting destructor: memory goes back to its memory_resource"),
    (r"malloc|calloc|realloc|free|aligned_alloc|posix_memalign|strdup|.*get_default_resource.*|.*new_delete_resource.*",
     "the heap: memory comes from the memory_resource passed in"),
    (r".*printf.*|.*scanf.*|f?puts|f?putc.*|putchar|fwrite|fread|fopen.*|fclose|open(at)?(64)?|close|read|write|ioctl"
     r"|socket|send|recv|stdout|stderr|_ZNSo.*|_ZSt4(cout|cerr|clog)|syscall",
     "files or the system: the machine returns values, its driver acts"),
    (r"atexit|__cxa_atexit|__dso_handle", "a static made or destroyed at run time: make it constexpr"),
)

_DELETE = re.compile(r"_Zd[la]Pv.*")
_DELETING_DESTRUCTOR = re.compile(r"_ZN.*D0Ev$|_ZThn\d+_N.*D0Ev$|_ZTv0_n\d+_N.*D0Ev$")


class Need(NamedTuple):
    archive: Path
    member: str
    symbol: str


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"purity.py: {command[0]} failed: {done.stderr.strip()}")
    return done.stdout


def symbols(archive: Path) -> tuple[set[str], list[Need]]:
    """What the archive defines, and what its members need."""
    defined: set[str] = set()
    needs: list[Need] = []
    for line in _run("nm", "-A", "-P", "--no-demangle", str(archive)).splitlines():
        # libsmol-tcp.a[connection.cc.o]: _ZN4smol... T 0 2a; a thin archive has paths for members.
        place, _, rest = line.partition("]: ")
        name, kind = rest.split()[:2]
        if kind in "Uwv":
            needs.append(Need(archive, place.rpartition("[")[2], name))
        else:
            defined.add(name)
    return defined, needs


def deletes_outside_destructors(need: Need) -> list[str]:
    """The functions of the member that call the operator delete `need`, but for deleting destructors.

    A class with a virtual destructor has one (D0), which the table of virtual functions must point at and
    which must name operator delete; calling it takes a delete expression, and that layering.py finds.
    """
    listing = _run("objdump", "-dr", "--no-show-raw-insn", str(need.archive))
    offenders, function, member = [], "", ""
    for line in listing.splitlines():
        if head := re.match(r"(\S+):\s+file format", line):
            member = head.group(1)
        elif head := re.match(r"[0-9a-f]+ <(.+)>:", line):
            function = head.group(1)
        elif (member == need.member and re.search(rf"\bR_\w+\s+{re.escape(need.symbol)}\b", line)
              and not _DELETING_DESTRUCTOR.match(function)):
            offenders.append(function)
    return offenders


def reason(symbol: str) -> str:
    for pattern, sentence in _REASONS:
        if re.match(rf"(?:{pattern})$", symbol) or (pattern.startswith("rte_") and re.match(pattern, symbol)):
            return sentence
    return "nothing pure needs it so far: avoid it, or argue for it in tests/lint/purity.py"


def demangled(symbol: str) -> str:
    return _run("c++filt", symbol).strip()


def violations(build: Path, archives: list[Path]) -> Iterator[Violation]:
    defined: set[str] = set()
    needs: list[Need] = []
    for archive in archives:
        ours, theirs = symbols(archive)
        defined |= ours
        needs += theirs
    seen: set[Need] = set()
    for need in needs:
        if need in seen or need.symbol in defined or _ALLOWED.fullmatch(need.symbol):
            continue
        seen.add(need)
        where = ""
        if _DELETE.fullmatch(need.symbol):
            callers = deletes_outside_destructors(need)
            if not callers:
                continue
            where = f" (in {demangled(callers[0])})"
        name = f"{need.archive.relative_to(build)}({need.member.rpartition('/')[2]})"
        yield Violation(name, 0, f"needs {demangled(need.symbol)}{where}: {reason(need.symbol)}")


def main() -> int:
    parser = tree.arguments("Checks that the libraries of protocols/ need nothing impure.")
    parser.add_argument("build", type=Path, help="a build folder without sanitizers")
    options = parser.parse_args()
    archives = sorted((options.build / "protocols").glob("**/*.a"))
    if not archives:
        print(f"{options.build}: no static library below protocols/; build first: ./dev build")
        return 1
    return tree.report(violations(options.build, archives))


if __name__ == "__main__":
    sys.exit(main())
