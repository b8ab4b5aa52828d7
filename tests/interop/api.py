"""The API as Python sees it: modules made from proto/, and smolctl."""

from __future__ import annotations

import atexit
import functools
import importlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

# Tests start programs beside open channels.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

import grpc
from netns import PATIENCE, Done
from smold import BUILD, Smold

REPOSITORY = Path(__file__).resolve().parents[2]
SMOLCTL = BUILD / "tools" / "ctl" / "smolctl"


@functools.cache
def _generated() -> None:
    """Puts what protoc makes of the API where Python finds it, for as long as this process runs."""
    folder = tempfile.mkdtemp(prefix="smol-api-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    proto = REPOSITORY / "proto"
    files = [*proto.glob("smol/v1/*.proto"), *proto.glob("google/rpc/*.proto")]
    plugin = shutil.which("grpc_python_plugin")
    assert plugin, "apt-get install protobuf-compiler-grpc"
    subprocess.run(["protoc", f"-I{proto}", f"--python_out={folder}", f"--grpc_out={folder}",
                    f"--plugin=protoc-gen-grpc={plugin}", *files], check=True)
    sys.path.insert(0, folder)
    # The plain packages google and google.rpc belong to somebody else: only smol is ours to import.
    importlib.invalidate_caches()


def messages(name: str) -> ModuleType:
    """messages("route"): smol/v1/route.proto."""
    _generated()
    return importlib.import_module(f"smol.v1.{name}_pb2")


class Api:
    """Stubs of a daemon's services: api.route.AddRoute(...)."""

    def __init__(self, daemon: Smold) -> None:
        daemon.wait_for_line("component=grpc msg=\"listens", 10)
        self.channel = grpc.insecure_channel(daemon.server)

    def __getattr__(self, name: str) -> Any:
        _generated()
        module = importlib.import_module(f"smol.v1.{name}_pb2_grpc")
        return getattr(module, f"{name.title()}ServiceStub")(self.channel)

    def health(self) -> str:
        """grpc.health.v1: no package of Debian has its messages; they are two octets."""
        check = self.channel.unary_unary("/grpc.health.v1.Health/Check")
        return {b"\x08\x01": "SERVING", b"\x08\x02": "NOT_SERVING"}[check(b"", timeout=5 * PATIENCE)]

    def close(self) -> None:
        self.channel.close()


def smolctl(daemon: Smold | str, *words: object, prefix: tuple[str, ...] = ()) -> Done:
    """Runs it to its end, whatever that is."""
    assert SMOLCTL.exists(), f"{SMOLCTL} is not built: ninja -C {BUILD} tools/ctl/smolctl"
    if isinstance(daemon, Smold):
        daemon.wait_for_line("component=grpc msg=\"listens", 10)
    server = daemon if isinstance(daemon, str) else daemon.server
    command = [*prefix, str(SMOLCTL), *map(str, words)]
    done = subprocess.run(command, env={**os.environ, "SMOL_SERVER": server}, capture_output=True, text=True,
                          timeout=20 * PATIENCE)
    return Done(command, done.returncode, done.stdout, done.stderr, 0.0)


def asked(daemon: Smold, *words: object) -> Any:
    """smolctl -j, which must be well."""
    done = smolctl(daemon, "-j", *words)
    assert (done.status, done.err) == (0, ""), done
    return json.loads(done.out)


def told(daemon: Smold, *words: object) -> None:
    """A command that says nothing when all is well."""
    done = smolctl(daemon, *words)
    assert (done.status, done.out, done.err) == (0, "", ""), done


def refused(daemon: Smold | str, *words: object, status: int = 1, prefix: tuple[str, ...] = ()) -> str:
    """The one line that it is refused with."""
    done = smolctl(daemon, *words, prefix=prefix)
    assert (done.status, done.out) == (status, ""), done
    assert done.err.startswith("smolctl: ") and done.err.count("\n") == 1, done
    return done.err.removeprefix("smolctl: ").rstrip("\n")
