"""Two hosts and the bad link between them: `smold --bridge`, with Linux on the left, and Linux or a smold on the right.
What the link does is changed while it runs, so that one rig serves many tests."""

from __future__ import annotations

import json
import random
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from conftest import IPV4, IPV6, Family
from netns import PATIENCE, Namespace, wait_until
from peer import PROGRAM as PEER
from smold import BUILD, Smold, configuration, write_configuration

SMOLCTL = BUILD / "tools/ctl/smolctl"
LEFT = "left"
RIGHT = "right"
_READY = re.compile(r'component=smold msg="ready in ')


class Rig:
    """Addresses are those of smold's demo: .1 on the right, .100 on the left."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind = kind
        self.folder = folder
        self.middle = Namespace()
        self.left = Namespace()
        self.right = Namespace() if kind == "linux" else self.middle
        self.daemon: Smold | None = None
        socket_file = folder / "link.sock"
        far = (f"tap:{RIGHT}" if kind == "linux" else
               f"net_memif0,socket={socket_file},socket-abstract=no,role=server")
        self.bridge = Smold(self.middle, "--bridge", f"tap:{LEFT}", far, "--fault-seed", 1)
        try:
            self.bridge.launch()
            self.bridge.wait_for_line(_READY, 20)
            self._place(LEFT, self.left, 100)
            if kind == "linux":
                self._place(RIGHT, self.right, 1)
            else:
                self._start_smold(socket_file)
            self.defaults = self._settings()
            for family in (IPV4, IPV6):
                self._wait_for_answer(family)
        except BaseException:
            self.end()
            raise

    def _place(self, interface: str, where: Namespace, number: int) -> None:
        self.middle.ip("link", "set", interface, "netns", where.name)
        where.ip("address", "add", f"192.168.69.{number}/24", "dev", interface)
        where.ip("address", "add", f"fdaa::{number}/64", "dev", interface, "nodad")
        where.ip("link", "set", interface, "up")

    def _start_smold(self, socket_file: Path) -> None:
        config = configuration(apps={"sink": {"keep_alive": "off", "user_timeout": "off"}}, port={
            "device": f"net_memif0,socket={socket_file},socket-abstract=no,role=client"})
        self.daemon = Smold(self.middle, "--config", write_configuration(self.folder, config))
        self.daemon.launch()
        self.daemon.wait_for_line(_READY, 20)

    def _wait_for_answer(self, family: Family) -> None:
        ping = ["ping", "-n", "-q", "-c", 1, "-W", 1, family.address]
        wait_until(lambda: self.left.run(*ping, check=False).status == 0, 10, "no ping is answered")

    def stop(self) -> None:
        """As an operator would. They must have been well to the end."""
        for daemon in (self.daemon, self.bridge):
            if daemon is not None:
                daemon.stop()

    def end(self) -> None:
        """Nothing is left behind."""
        for daemon in (self.daemon, self.bridge):
            if daemon is not None:
                daemon.kill()
        for namespace in {self.left, self.middle, self.right}:
            namespace.remove()

    # --- the link ---------------------------------------------------------------------------------------

    def ctl(self, *words: str) -> str:
        return self.middle.run(SMOLCTL, "--server", self.bridge.server, *words).out

    def links(self) -> list[dict[str, Any]]:
        return json.loads(self.ctl("-j", "bridge"))

    def _settings(self) -> dict[str, str]:
        return self.links()[0]["settings"]

    def counters(self, way: str) -> dict[str, int]:
        return next(link["counters"] for link in self.links() if link["way"] == way)

    @contextmanager
    def link(self, way: str = "", **settings: object) -> Iterator[None]:
        """Both directions, or `way`, so; afterwards the link is as good as new."""
        words = [f"{key}={value}" for key, value in settings.items()]
        self.ctl("bridge", "set", *([way] if way else []), *words)
        try:
            yield
        finally:
            self.ctl("bridge", "set", *(f"{key}={value}" for key, value in self.defaults.items()))

    # --- transfers --------------------------------------------------------------------------------------

    def transfer(self, family: Family, direction: str, octets: int) -> None:
        """To the host on the right, or from it, over a connection that the left one opens. Fails unless every octet
        comes."""
        if self.daemon is None:
            self._between_kernels(family, direction, octets)
        elif direction == "to":
            done = self.left.run(PEER, "send", family.address, 6971, octets)
            sent = dict(re.findall(r"(\w+)=(\S+)", done.out))
            line = self.daemon.wait_for_line(rf':{sent["port"]} closed: (.+)"$', 10)
            assert line[1] == f"{sent['octets']} octets, crc32c {sent['crc32c']}"
        else:
            self.left.run(PEER, "receive", family.address, 6972, octets)

    def _between_kernels(self, family: Family, direction: str, octets: int) -> None:
        data = random.Random(octets).randbytes(octets)
        kind = socket.AF_INET6 if family.digit == "6" else socket.AF_INET
        with self.right.inside():
            listener = socket.create_server((family.address, 0), family=kind)
        with listener:
            with self.left.inside():
                client = socket.create_connection(listener.getsockname()[:2], timeout=20 * PATIENCE)
            server, _ = listener.accept()
            server.settimeout(20 * PATIENCE)
            with client, server:
                exchange(*((client, server) if direction == "to" else (server, client)), data)


def exchange(sender: socket.socket, receiver: socket.socket, data: bytes) -> None:
    """Sends all of it, which must come as it is, and the end after it."""

    def send() -> None:
        sender.sendall(data)
        sender.shutdown(socket.SHUT_WR)

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    assert b"".join(iter(lambda: receiver.recv(1 << 20), b"")) == data
    thread.join()
