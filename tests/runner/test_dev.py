"""./dev: what it says, what it installs, and that its demo comes up and goes away whole."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
DEV = REPOSITORY / "dev"
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")


def dev(*arguments: str, folder: Path = REPOSITORY, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(DEV), *arguments], capture_output=True, text=True, cwd=folder,
                          env={**os.environ, "SMOL_NO_INSTALL": "", **environment})


# --- words ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [[], ["help"], ["-h"], ["--help"]])
def test_help_names_every_command(arguments: list[str]) -> None:
    done = dev(*arguments)
    assert done.returncode == 0
    for command in ("run", "test", "build", "lint", "format", "bench", "fuzz", "clean", "help"):
        assert f"\n  {command}" in done.stdout


@pytest.mark.parametrize(("arguments", "line"), [
    (["biuld"], "dev: no command 'biuld'; ./dev help lists them\n"),
    (["build", "--sanitize", "memory"], "dev: no sanitizer 'memory': address or thread\n"),
    (["build", "--sanitize"], "dev: --sanitize needs a word: address or thread\n"),
    (["build", "--fast"], "dev: build has no option '--fast'; ./dev help lists them\n"),
])
def test_what_it_does_not_know_is_one_line_and_status_2(arguments: list[str], line: str) -> None:
    done = dev(*arguments)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", line)


def test_it_works_from_anywhere_and_through_a_link(tmp_path: Path) -> None:
    link = tmp_path / "d"
    link.symlink_to(DEV)
    done = subprocess.run([str(link), "clean"], cwd=tmp_path, capture_output=True, text=True,
                          env={**os.environ, "SMOL_BUILD_ROOT": "build"})
    assert done.returncode == 0


def test_clean_removes_build_folders_only(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("")
    done = dev("clean", SMOL_BUILD_ROOT=str(tmp_path))
    assert done.returncode == 1
    assert "does not look like a build folder" in done.stderr
    assert (tmp_path / "thesis.txt").exists()
    (tmp_path / "log").mkdir()
    assert dev("clean", SMOL_BUILD_ROOT=str(tmp_path)).returncode == 0
    assert not tmp_path.exists()


# --- packages ---------------------------------------------------------------------------------------


class Machine:
    """A machine with commands of the test's own in front of the real ones; each leaves its words in `calls`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.calls = folder / "calls"

    def command(self, name: str, script: str) -> None:
        file = self.bin / name
        file.write_text(f'#!/bin/sh\necho "{name} $*" >>"{self.calls}"\n{script}\n')
        file.chmod(0o755)

    def dev(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return dev(*arguments, SMOL_BUILD_ROOT=str(self.folder / "build"), PATH=f"{self.bin}:{os.environ['PATH']}",
                   **environment)

    def called(self, name: str) -> list[str]:
        lines = self.calls.read_text().splitlines() if self.calls.exists() else []
        return [line for line in lines if line.startswith(f"{name} ")]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path)
    machine.command("meson", "exit 1")
    return machine


@needs_root
def test_only_what_is_missing_is_installed(machine: Machine) -> None:
    machine.command("dpkg-query", "for p; do case $p in -*|meson|g++) ;; *) echo \"ii $p\";; esac; done")
    machine.command("apt-get", "exit 0")
    done = machine.dev("build")
    install = [line for line in machine.called("apt-get") if " install " in line]
    assert len(install) == 1
    assert install[0].endswith("install -y --no-install-recommends g++ meson")
    assert "installing 2 packages" in done.stderr


@needs_root
def test_nothing_missing_means_no_apt(machine: Machine) -> None:
    machine.command("dpkg-query", "for p; do echo \"ii $p\"; done")
    machine.command("apt-get", "exit 0")
    machine.dev("build")
    assert machine.called("apt-get") == []


@needs_root
def test_a_failing_install_is_tried_again_with_new_lists_and_then_explained(machine: Machine) -> None:
    machine.command("dpkg-query", "exit 1")
    machine.command("apt-get", 'case "$*" in *update*) exit 0;; esac; echo "E: Unable to fetch" >&2; exit 100')
    done = machine.dev("build")
    assert done.returncode == 1
    assert "E: Unable to fetch" in done.stderr
    assert "installing failed: is there a network" in done.stderr
    last = [line.split()[4] for line in machine.called("apt-get")[-3:]]
    assert last == ["install", "update", "install"]


def test_apt_is_left_alone_where_that_is_asked_for(machine: Machine) -> None:
    machine.command("dpkg-query", "exit 1")
    machine.command("apt-get", "exit 0")
    machine.dev("build", SMOL_NO_INSTALL="1")
    assert machine.called("apt-get") == []


def test_a_tree_that_cannot_be_configured_says_why(machine: Machine) -> None:
    machine.command("meson", 'echo "meson.build:1:0: ERROR: no such thing"; exit 1')
    done = machine.dev("build", SMOL_NO_INSTALL="1")
    assert done.returncode == 1
    assert "meson.build:1:0: ERROR: no such thing" in done.stderr
    assert "meson could not configure" in done.stderr


# --- without root -----------------------------------------------------------------------------------

NOBODY = 65534


@pytest.fixture
def built_machine() -> Iterator[Machine]:
    """All is installed and built, and anyone may look and write: a folder of pytest's is root's alone."""
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(Path(folder))
        machine.command("dpkg-query", "for p; do echo \"ii $p\"; done")
        machine.command("meson", "exit 0")
        machine.command("ninja", "echo 'ninja: no work to do.'")
        smold = machine.folder / "build/bin/smold"
        smold.parent.mkdir(parents=True)
        smold.write_text("#!/bin/sh\n")
        (machine.folder / "build/meson-private").mkdir()
        subprocess.run(["chmod", "-R", "a+rwX", folder], check=True)
        yield machine


def as_nobody(machine: Machine, path: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(DEV), *arguments], capture_output=True, text=True, user=NOBODY, group=NOBODY,
                          extra_groups=[], env={"PATH": path, "SMOL_BUILD_ROOT": str(machine.folder / "build")})


@needs_root
@pytest.mark.parametrize("arguments", [["run", "--workers", "2"], ["test", "-k", "name"]])
def test_what_needs_root_asks_sudo(built_machine: Machine, arguments: list[str]) -> None:
    built_machine.command("sudo", "exit 0")
    done = as_nobody(built_machine, f"{built_machine.bin}:/usr/bin:/bin", *arguments)
    assert done.returncode == 0, done.stderr
    command = "run-built --workers 2" if arguments[0] == "run" else "test -k name"
    call = built_machine.called("sudo")[-1]
    assert call.startswith(f"sudo -- env SMOL_BUILD_ROOT={built_machine.folder}/build ")
    assert call.endswith(f" {DEV} {command}")


@needs_root
@pytest.mark.parametrize(("arguments", "line"), [
    (["run"], "dev: the demo makes a network interface: run as root, or install sudo"),
    (["test"], "dev: interop tests make network namespaces: run as root, or install sudo; "
               "without either: ./dev test --only lint,unit,fuzz"),
])
def test_what_needs_root_says_so_without_sudo(built_machine: Machine, arguments: list[str], line: str) -> None:
    for tool in ("bash", "sh", "dirname", "readlink", "sed", "sort", "comm", "mkdir", "cat", "grep", "ln", "env"):
        (built_machine.bin / tool).symlink_to(f"/usr/bin/{tool}")
    (built_machine.bin / "apt-get").symlink_to("/usr/bin/apt-get")
    done = as_nobody(built_machine, str(built_machine.bin), *arguments)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (1, line)


# --- the demo ---------------------------------------------------------------------------------------

DAEMON = """#!/bin/sh
echo "$*" >"$MARK/arguments"
ip tuntap add dev smol0 mode tap || exit 1
trap 'echo ended by TERM >"$MARK/ended"; ip link delete smol0; exit 0' TERM
trap 'echo ended by INT >"$MARK/ended"; ip link delete smol0; exit 1' INT
while :; do sleep 0.05; done
"""


class Demo:
    """A network namespace and a build folder whose smold is a script."""

    def __init__(self, folder: Path, namespace: str) -> None:
        self.folder = folder
        self.namespace = namespace
        self.daemon(DAEMON)

    def daemon(self, script: str) -> None:
        file = self.folder / "build/bin/smold"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(script)
        file.chmod(0o755)

    def ip(self, *words: str) -> str:
        return subprocess.run(["ip", "-n", self.namespace, *words], capture_output=True, text=True).stdout

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["ip", "netns", "exec", self.namespace, str(DEV), "run-built", *arguments], stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, process_group=0,
            env={**os.environ, "SMOL_BUILD_ROOT": str(self.folder / "build"), "MARK": str(self.folder)})


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    namespace = f"smoltest-{os.environ.get('SMOL_TEST_RUN', 'by-hand')}-dev"
    subprocess.run(["ip", "netns", "add", namespace], check=True)
    yield Demo(tmp_path, namespace)
    try:
        wait_for_none_in(namespace)
    finally:
        subprocess.run(["ip", "netns", "delete", namespace], check=True)


def wait_for_none_in(namespace: str) -> None:
    deadline = time.monotonic() + 2
    while pids := subprocess.run(["ip", "netns", "pids", namespace], capture_output=True, text=True).stdout.split():
        if time.monotonic() > deadline:
            for pid in pids:
                os.kill(int(pid), signal.SIGKILL)
            raise AssertionError(f"left in the namespace: {pids}")
        time.sleep(0.02)


def wait_for_line(child: subprocess.Popen[str], words: str) -> str:
    assert child.stdout
    text = ""
    deadline = time.monotonic() + 20
    while words not in text:
        line = child.stdout.readline()
        assert line and time.monotonic() < deadline, text
        text += line
    return text


@needs_root
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_demo_comes_up_and_goes_away_whole(demo: Demo, number: signal.Signals) -> None:
    child = demo.start()
    text = wait_for_line(child, "head -c 1G | wc")
    assert "ping 192.168.69.1" in text
    addresses = demo.ip("address", "show", "dev", "smol0")
    for address in ("inet 192.168.69.100/24", "inet6 fdaa::100/64", "inet6 fe80::100/64"):
        assert address in addresses
    assert "UP" in addresses
    os.killpg(child.pid, number)  # as a terminal does it: to the whole group
    assert child.wait(timeout=20) == 0
    assert (demo.folder / "ended").read_text() == "ended by TERM\n"
    assert demo.ip("link", "show", "dev", "smol0") == ""


@needs_root
@pytest.mark.parametrize(("given", "got"), [
    ([], "--demo"), (["--workers", "2"], "--demo --workers 2"),
])
def test_arguments_go_to_the_daemon(demo: Demo, given: list[str], got: str) -> None:
    child = demo.start(*given)
    wait_for_line(child, "ping 192.168.69.1")
    child.terminate()
    child.wait(timeout=20)
    assert (demo.folder / "arguments").read_text().strip() == got


@needs_root
@pytest.mark.parametrize("given", [["--config", "a.yaml"], ["--config=a.yaml"], ["--print-demo-config"], ["--help"]])
def test_with_a_configuration_there_is_no_demo(demo: Demo, given: list[str]) -> None:
    demo.daemon('#!/bin/sh\necho "smold $*"\n')
    child = demo.start(*given)
    output, _ = child.communicate(timeout=20)
    assert (child.returncode, output) == (0, f"smold {' '.join(given)}\n")


@needs_root
def test_a_daemon_that_does_not_drain_is_killed_at_the_second_signal(demo: Demo) -> None:
    demo.daemon(DAEMON.replace("trap '", "trap '' TERM; : '"))
    child = demo.start()
    wait_for_line(child, "head -c 1G | wc")
    child.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        child.wait(timeout=0.5)
    child.send_signal(signal.SIGINT)
    assert child.wait(timeout=20) == 128 + signal.SIGKILL
    demo.ip("link", "delete", "smol0")


@needs_root
def test_a_daemon_that_does_not_start_gives_its_own_status(demo: Demo) -> None:
    demo.daemon("#!/bin/sh\necho 'smold: no /dev/net/tun' >&2\nexit 3\n")
    child = demo.start()
    output, _ = child.communicate(timeout=20)
    assert (child.returncode, output) == (3, "smold: no /dev/net/tun\n")


@needs_root
def test_an_interface_of_someone_else_is_left_alone(demo: Demo) -> None:
    demo.ip("tuntap", "add", "dev", "smol0", "mode", "tap")
    child = demo.start()
    output, _ = child.communicate(timeout=20)
    assert child.returncode == 1
    assert output.startswith("dev: interface smol0 exists already")
    assert "inet" not in demo.ip("address", "show", "dev", "smol0")
