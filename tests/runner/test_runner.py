"""The test runner counts right, ends what hangs, and leaves nothing behind: not even when it is interrupted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")


class Runner:
    """run.py over a folder of interop tests of its own, in no build at all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.interop = folder / "interop"
        self.interop.mkdir()

    def write(self, name: str, text: str) -> None:
        (self.interop / name).write_text(f"import os, pathlib, subprocess, time\nimport pytest\n{text}")

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, str(REPOSITORY / "tests" / "run.py"), "--no-build", "--only", "interop",
                   "--build-root", str(self.folder / "build"), "--interop-folder", str(self.interop), *arguments]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                env={**os.environ, "MARK": str(self.folder), "NO_COLOR": "1"})

    def run(self, *arguments: str) -> tuple[int, list[str]]:
        child = self.start(*arguments)
        output, _ = child.communicate(timeout=60)
        return child.returncode, output.splitlines()


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


def marked(folder: Path) -> list[int]:
    """The processes that carry the folder in their environment: what the inner run started."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if f"MARK={folder}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:
                pass
    return found


def is_alive(pid: str) -> bool:
    """Not gone, and not merely waiting for init to take note."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def namespaces(run_id: str) -> list[str]:
    folder = Path("/run/netns")
    return [name for name in (os.listdir(folder) if folder.exists() else []) if f"-{run_id}-" in name]


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


# --- counting ---------------------------------------------------------------------------------------


def test_the_last_line_counts_and_the_status_tells(runner: Runner) -> None:
    runner.write("test_a.py", """
def test_good(): pass
def test_bad(): print("said before"); assert 1 == 2
@pytest.mark.skip(reason="no such hardware")
def test_skipped(): pass
@pytest.mark.parametrize("n", [1, 2])
def test_many(n): pass
""")
    status, lines = runner.run()
    assert status == 1
    assert lines[-1] == "3 passed, 1 failed, 1 skipped"
    text = "\n".join(lines)
    assert "---- interop/test_a.py::test_bad ----" in text
    assert "assert 1 == 2" in text
    assert "said before" in text
    assert "skipped: interop/test_a.py::test_skipped: no such hardware" in text
    assert "One alone: ./dev test -k 'interop/test_a.py::test_bad'" in text


def test_all_well_is_status_0_and_no_word_of_skips(runner: Runner) -> None:
    runner.write("test_a.py", "def test_good(): pass\n")
    status, lines = runner.run()
    assert (status, lines[-1]) == (0, "1 passed, 0 failed")


@pytest.mark.parametrize(("name", "last"), [
    ("test_b", "2 passed, 0 failed"), ("many[2]", "1 passed, 0 failed"),
    ("interop/test_a.py::test_many", "2 passed, 0 failed"),
    ("interop/test_a.py", "3 passed, 0 failed"),
])
def test_k_chooses_by_the_full_name(runner: Runner, name: str, last: str) -> None:
    runner.write("test_a.py", "def test_b1(): pass\n@pytest.mark.parametrize('n', [1, 2])\ndef test_many(n): pass\n")
    runner.write("test_c.py", "def test_b2(): pass\n")
    status, lines = runner.run("-k", name)
    assert (status, lines[-1]) == (0, last)


def test_k_that_fits_nothing_is_an_error(runner: Runner) -> None:
    runner.write("test_a.py", "def test_a(): pass\n")
    status, lines = runner.run("-k", "nonesuch")
    assert status == 1
    assert "no test's name contains 'nonesuch'" in lines
    assert lines[-1] == "0 passed, 0 failed"


def test_an_unknown_suite_is_refused(runner: Runner) -> None:
    status, lines = runner.run("--only", "units")
    assert status == 2
    assert "no suite 'units'; there are: lint, unit, interop, asan, tsan, fuzz, sanitize" in lines[-1]


def test_a_file_that_does_not_load_fails(runner: Runner) -> None:
    runner.write("test_a.py", "import nonesuch\n")
    runner.write("test_b.py", "def test_good(): pass\n")
    status, lines = runner.run()
    assert (status, lines[-1]) == (1, "1 passed, 1 failed")
    assert any("No module named 'nonesuch'" in line for line in lines)


def test_a_broken_fixture_fails_the_test_wherever_it_breaks(runner: Runner) -> None:
    runner.write("test_a.py", """
@pytest.fixture
def before(): assert False
@pytest.fixture
def after(): yield; assert False
def test_a(before): pass
def test_b(after): pass
""")
    assert runner.run()[1][-1] == "0 passed, 2 failed"


def test_the_tests_know_where_they_are(runner: Runner) -> None:
    runner.write("test_a.py", """
def test_environment():
    assert os.environ["SMOL_BUILD"].startswith(os.environ["MARK"])
    assert os.environ["SMOL_TEST_RUN"].startswith("r")
    assert os.environ["SMOL_TEST_DIVISOR"] == "1"
""")
    assert runner.run()[1][-1] == "1 passed, 0 failed"


def test_under_a_sanitizer_only_its_marked_tests_run_scaled_down(runner: Runner) -> None:
    runner.write("test_a.py", """
def test_unmarked(): assert False
@pytest.mark.tsan
def test_marked():
    assert os.environ["SMOL_TEST_DIVISOR"] == "10"
    assert os.environ["SMOL_BUILD"].endswith("/tsan")
    assert "halt_on_error=1" in os.environ["TSAN_OPTIONS"]
""")
    child = subprocess.run(
        [sys.executable, str(REPOSITORY / "tests" / "run.py"), "--no-build", "--only", "tsan", "--build-root",
         str(runner.folder / "build"), "--interop-folder", str(runner.interop)],
        capture_output=True, text=True, env={**os.environ, "MARK": str(runner.folder)})
    assert child.stdout.splitlines()[-1] == "1 passed, 0 failed"


# --- ending -----------------------------------------------------------------------------------------


def test_a_test_that_hangs_is_ended_and_named_and_the_others_go_on(runner: Runner) -> None:
    runner.write("test_a.py", """
def test_1(): pass
def test_2(): subprocess.run(["sleep", "1000"])
def test_3(): pass
""")
    status, lines = runner.run("--test-limit", "2")
    assert (status, lines[-1]) == (1, "2 passed, 1 failed")
    assert "  interop/test_a.py::test_2" in lines
    assert any("took longer than it may, and was ended" in line for line in lines)
    assert marked(runner.folder) == []


def test_a_test_that_kills_pytest_is_named_and_the_others_go_on(runner: Runner) -> None:
    runner.write("test_a.py", "def test_1(): pass\ndef test_2(): os._exit(3)\ndef test_3(): pass\n")
    status, lines = runner.run()
    assert (status, lines[-1]) == (1, "2 passed, 1 failed")
    assert "  interop/test_a.py::test_2" in lines
    assert any("pytest ended with status 3" in line for line in lines)


def test_a_process_left_behind_is_ended_and_a_failure(runner: Runner) -> None:
    runner.write("test_a.py", "def test_a(): subprocess.Popen(['sleep', '1000'], start_new_session=True)\n")
    status, lines = runner.run()
    assert (status, lines[-1]) == (1, "1 passed, 1 failed")
    assert any("left behind: process" in line and "(sleep)" in line for line in lines)
    assert marked(runner.folder) == []


@needs_root
def test_a_namespace_left_behind_is_removed_and_a_failure(runner: Runner) -> None:
    runner.write("test_a.py", """
def test_a(): subprocess.run(["ip", "netns", "add", f"smoltest-{os.environ['SMOL_TEST_RUN']}-a"], check=True)
""")
    child = runner.start()
    output, _ = child.communicate(timeout=60)
    assert child.returncode == 1
    assert f"left behind: network namespace smoltest-r{child.pid}-a" in output
    assert namespaces(f"r{child.pid}") == []


@pytest.fixture
def busy(runner: Runner) -> Iterator[subprocess.Popen[str]]:
    """A run in the middle of a test that has a namespace, and a process in it that nobody waits for."""
    runner.write("test_a.py", """
@pytest.fixture
def careful():
    yield
    pathlib.Path(os.environ["MARK"], "fixture-ended").write_text("")
def test_a(careful):
    name = f"smoltest-{os.environ['SMOL_TEST_RUN']}-a"
    subprocess.run(["ip", "netns", "add", name], check=True)
    subprocess.Popen(["setsid", "ip", "netns", "exec", name, "env", "-i", "sleep", "1000"])
    subprocess.Popen(["sleep", "1000"], start_new_session=True)
    while not subprocess.run(["ip", "netns", "pids", name], capture_output=True).stdout: time.sleep(0.01)
    pathlib.Path(os.environ["MARK"], "busy").write_text("")
    time.sleep(1000)
""")
    child = runner.start()
    wait_for((runner.folder / "busy").exists)
    yield child
    if child.poll() is None:
        child.kill()
        child.wait()


@needs_root
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run_leaves_nothing_behind(runner: Runner, busy: subprocess.Popen[str],
                                                  number: signal.Signals) -> None:
    name = f"smoltest-r{busy.pid}-a"
    inside = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True).stdout.split()
    assert inside
    busy.send_signal(number)
    output, _ = busy.communicate(timeout=30)
    assert busy.returncode == 128 + number
    assert output.splitlines()[-1] == f"interrupted by {number.name}; everything that was started has been ended"
    assert (runner.folder / "fixture-ended").exists()  # pytest was asked first
    assert namespaces(f"r{busy.pid}") == []
    assert marked(runner.folder) == []
    assert not any(is_alive(pid) for pid in inside)


@needs_root
def test_the_next_run_clears_up_after_one_that_was_killed(runner: Runner, busy: subprocess.Popen[str]) -> None:
    busy.kill()
    busy.wait()
    assert namespaces(f"r{busy.pid}") == [f"smoltest-r{busy.pid}-a"]
    other = Runner(runner.folder / "interop")
    other.write("test_b.py", "def test_b(): pass\n")
    assert other.run()[0] == 0
    assert namespaces(f"r{busy.pid}") == []
    for pid in marked(runner.folder):  # what carries only the dead run's mark is not ours to judge, but the test's
        os.kill(pid, signal.SIGKILL)
