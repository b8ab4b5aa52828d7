"""What every test here has: an address family, a namespace, and daemons that must end well."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from netns import Namespace
from smold import Smold, configuration, write_configuration

_DAEMONS: pytest.StashKey[list[Smold]] = pytest.StashKey()


@dataclass(frozen=True)
class Family:
    """What differs between IPv4 and IPv6 for who uses the daemon."""

    name: str
    address: str  # the daemon's
    host: str  # the kernel's, on the other side
    digit: str  # as ping, nc and socat name it
    headers: int  # octets of IP and TCP headers without options

    @property
    def url(self) -> str:
        """Of the web server, without a slash at the end."""
        return f"http://{self.bracketed}"

    @property
    def bracketed(self) -> str:
        return f"[{self.address}]" if self.digit == "6" else self.address

    def socat(self, port: int, kind: str = "tcp") -> str:
        return f"{kind}{self.digit}-connect:{self.bracketed}:{port}"


IPV4 = Family("ipv4", "192.168.69.1", "192.168.69.100", "4", 40)
IPV6 = Family("ipv6", "fdaa::1", "fdaa::100", "6", 60)


@pytest.fixture(params=[IPV4, IPV6], ids=lambda family: family.name)
def family(request: pytest.FixtureRequest) -> Family:
    return request.param


@pytest.fixture
def net() -> Iterator[Namespace]:
    namespace = Namespace()
    try:
        yield namespace
    finally:
        namespace.remove()


@pytest.fixture
def smold(request: pytest.FixtureRequest, net: Namespace, tmp_path: Path) -> Iterator[Callable[..., Smold]]:
    """Starts daemons: smold("--pcap", file, tcp={"time_wait": "1s"}). Each must run and be well at the end, and every
    packet accounted for."""
    daemons: list[Smold] = request.node.stash.setdefault(_DAEMONS, [])

    def start(*arguments: object, **changes: Any) -> Smold:
        if changes:
            what = ("--config", write_configuration(tmp_path, configuration(**changes)))
        else:
            what = ("--demo",)
        daemon = Smold(net, *what, *arguments)
        daemons.append(daemon)
        return daemon.start()

    yield start
    try:
        for daemon in daemons:
            if daemon.process is not None and daemon.process.returncode is None:
                daemon.wait_for_books()
                daemon.stop()
    finally:
        for daemon in daemons:
            daemon.kill()


@pytest.fixture
def daemon(smold: Callable[..., Smold]) -> Smold:
    """The demo."""
    return smold()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """A failure comes with the logs of its daemons."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for daemon in item.stash.get(_DAEMONS, []):
            report.sections.append(("smold", daemon.log[-20000:]))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "tsan: runs in the build with ThreadSanitizer as well")
