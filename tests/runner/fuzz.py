#!/usr/bin/env python3
"""Fuzzes one target, or all in turn, for as long as one likes. `./dev fuzz` calls it.

What a run finds stays in the build folder and is where the next one starts.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path
from types import FrameType

from fuzzers import Fuzzers
from processes import Supervisor, new_run_id
from results import Results, Status
from screen import Screen
from variants import FUZZ, REPOSITORY, Variant


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev fuzz", description=__doc__)
    parser.add_argument("target", nargs="?", help="a target of tests/fuzz")
    parser.add_argument("--all", action="store_true", help="every target")
    parser.add_argument("--seconds", type=int, default=60, help="for each target (60)")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="targets at a time (one a core)")
    parser.add_argument("--build-root", type=Path, default=REPOSITORY / "build", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if bool(options.target) == options.all:
        parser.error("name a target, or say --all")
    return options


def main() -> int:
    options = _parse()
    screen, results, supervisor = Screen(), Results(), Supervisor(new_run_id())

    def interrupt(number: int, _: FrameType | None) -> None:
        supervisor.stop()
        sys.exit(128 + number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    variant = Variant(FUZZ, options.build_root, supervisor, screen)
    if variant.configure():
        return 1
    fuzzers = Fuzzers(variant, supervisor, screen, options.jobs)
    targets = fuzzers.targets("")
    if options.target:
        chosen = [t for t in targets if t.name in (options.target, f"{options.target}_fuzz")]
        if not chosen:
            print(f"no fuzz target {options.target!r}; there are: {', '.join(t.name for t in targets) or 'none'}")
            return 2
        targets = chosen
    if not targets:
        print("no fuzz targets are defined in tests/fuzz")
        return 1
    results.add(variant.build(target.target for target in targets))
    screen.heading(f"{', '.join(target.name for target in targets)}: {options.seconds} s each")
    fuzzers.run(targets, options.seconds, results)
    screen.summary(results)
    return 1 if results.with_status(Status.FAILED) else 0


if __name__ == "__main__":
    sys.exit(main())
