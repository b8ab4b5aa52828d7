"""deploy/: the unit is one that systemd takes, the container's recipe names what exists, smol-host tells the truth."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from conftest import REPOSITORY

DEPLOY = REPOSITORY / "deploy"


def run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          env={**os.environ, **environment})


# --- systemd ----------------------------------------------------------------------------------------


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit, pointed at a program that is there: verify wants to see it."""
    program = tmp_path / "smold"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    file = tmp_path / "smold.service"
    file.write_text((DEPLOY / "systemd/smold.service").read_text().replace("/usr/bin/smold", str(program)))
    return file


def test_systemd_takes_the_unit(unit: Path) -> None:
    done = run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", unit)
    assert done.returncode == 0, done.stderr
    assert "smold.service" not in done.stderr


def test_systemd_would_say_if_it_did_not(unit: Path) -> None:
    unit.write_text(unit.read_text().replace("RestrictRealtime=yes", "RestrictRealtimes=yes"))
    done = run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", unit)
    assert "RestrictRealtimes" in done.stderr


def test_the_unit_is_exposed_little(unit: Path) -> None:
    """systemd's own measure, 0 to 10 (shown times ten): what is left is network access and CAP_NET_ADMIN."""
    done = run("systemd-analyze", "security", "--offline=yes", "--no-pager", "--threshold=25", unit)
    assert done.returncode == 0, done.stdout + done.stderr


# --- container --------------------------------------------------------------------------------------

CONTAINERFILE = (DEPLOY / "container/Containerfile").read_text().replace("\\\n", " ")


def stages() -> list[str]:
    return re.split(r"^FROM ", CONTAINERFILE, flags=re.M)[1:]


def packages(stage: str) -> list[str]:
    words = re.search(r"--no-install-recommends([^&]*)", stage)
    assert words
    return words.group(1).split()


def copied() -> list[str]:
    return [word for line in re.findall(r"^COPY (?!--from)(.*)$", CONTAINERFILE, re.M) for word in line.split()[:-1]]


def test_the_containerfile_copies_what_exists() -> None:
    assert copied()
    for source in copied():
        assert (REPOSITORY / source).exists(), source


def test_the_containerfile_copies_every_folder_that_the_build_enters() -> None:
    always = (REPOSITORY / "meson.build").read_text().partition("if get_option('tests')")[0]
    entered = set(re.findall(r"^subdir\('([\w/]+)'\)", always, re.M))
    assert entered <= {source.rstrip("/") for source in copied()}


def test_debian_has_the_containers_packages() -> None:
    named = {package for stage in stages() for package in packages(stage)}
    done = run("apt-cache", "policy", *sorted(named))
    if "http" not in done.stdout:
        pytest.skip("apt has no package lists here: apt-get update")
    known = set(re.findall(r"^(\S+):\n(?:.*\n)\s+Candidate: (?!\(none\))", done.stdout, re.M))
    assert named - known == set()


@pytest.mark.parametrize("name", re.findall(r" /build/(\S+)", re.search(r"^COPY --from.*$", CONTAINERFILE, re.M)[0]))
def test_the_container_has_every_library_that_its_programs_need(name: str) -> None:
    program = Path(os.environ.get("SMOL_BUILD", REPOSITORY / "build")) / name
    if not program.exists():
        pytest.skip(f"{program} is not built")
    libraries = re.findall(r"=> (/\S+)", run("ldd", program).stdout)
    owners = {line.partition(":")[0] for library in libraries
              for line in run("dpkg-query", "-S", Path(library).resolve()).stdout.splitlines()}
    present = {"libc6", "libgcc-s1", "libstdc++6"}  # part of debian:12-slim
    queue = list(packages(stages()[-1]))
    while queue:
        package = queue.pop()
        if package not in present:
            present.add(package)
            depends = run("dpkg-query", "-W", "-f", "${Depends}, ${Pre-Depends}", package).stdout
            queue += [name for name in re.findall(r"(?:^|[,|] *)([a-z0-9][a-z0-9+.-]+)", depends)]
    assert owners - present == set()


def test_the_container_gets_one_capability_and_one_device() -> None:
    service = yaml.safe_load((DEPLOY / "container/compose.yaml").read_text())["services"]["smold"]
    assert service["cap_drop"] == ["ALL"]
    assert service["cap_add"] == ["NET_ADMIN"]
    assert service["devices"] == ["/dev/net/tun:/dev/net/tun"]
    assert "privileged" not in service
    context = (DEPLOY / "container" / service["build"]["context"]).resolve()
    assert context == REPOSITORY
    assert (context / service["build"]["dockerfile"]).is_file()


# --- smol-host --------------------------------------------------------------------------------------


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A machine, as a folder, on which smold can run and nothing is worth a note."""
    files = {
        "proc/sys/kernel/osrelease": "6.1.0-18-amd64\n",
        "proc/cpuinfo": "processor\t: 0\nflags\t\t: fpu sse4_2 avx2\n",
        "proc/meminfo": "MemTotal:  8000000 kB\nMemAvailable:  4000000 kB\n",
        "proc/self/status": "Name:\tsh\nCapEff:\t0000000000001000\n",
        "dev/net/tun": "",
        "usr/lib/x86_64-linux-gnu/librte_eal.so.23": "",
        "usr/lib/x86_64-linux-gnu/dpdk/pmds-23.0/librte_net_tap.so.23": "",
        "usr/lib/x86_64-linux-gnu/dpdk/pmds-23.0/librte_mempool_ring.so.23": "",
        "sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages": "512\n",
        "sys/class/iommu/dmar0/x": "",
        "sys/module/vfio_pci/x": "",
        "sys/devices/system/cpu/online": "0-7\n",
        "sys/devices/system/cpu/isolated": "2-7\n",
    }
    for path, text in files.items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path


def host(machine: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(DEPLOY / "smol-host", *arguments, SMOL_HOST_ROOT=str(machine))


def checks(machine: Path) -> dict[str, dict[str, str]]:
    done = host(machine, "check", "-j")
    answer = json.loads(done.stdout)
    assert answer["can_run"] == (done.returncode == 0)
    return {check["name"]: check for check in answer["checks"]}


def test_smol_host_finds_a_good_machine_good(machine: Path) -> None:
    found = checks(machine)
    assert {name for name, check in found.items() if check["state"] != "ok"} <= {"memlock"}
    done = host(machine, "check")
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "smold over net_tap can run here."


# (sentence, check, what becomes of the machine, what the fix must say)
MISSING = [
    ("an old kernel", "kernel", {"proc/sys/kernel/osrelease": "4.9.1-old\n"}, "4.14"),
    ("no SSE4.2", "sse4.2", {"proc/cpuinfo": "flags : fpu avx2\n"}, "CPU model"),
    ("little memory", "memory", {"proc/meminfo": "MemAvailable:  1000 kB\n"}, "256 MiB"),
    ("no tun device", "tun", {"dev/net/tun": None}, "modprobe tun"),
    ("no capability", "net_admin", {"proc/self/status": "CapEff:\t0000000000000fff\n"}, "NET_ADMIN"),
    ("no DPDK", "dpdk", {"usr": None}, "apt-get install librte-eal23 librte-net-tap23 librte-mempool-ring23"),
    ("no tap driver", "dpdk", {"usr/lib/x86_64-linux-gnu/dpdk/pmds-23.0/librte_net_tap.so.23": None},
     "apt-get install librte-net-tap23"),
]
NOTED = [
    ("no AVX2", "avx2", {"proc/cpuinfo": "flags : fpu sse4_2\n"}, "checksums"),
    ("no hugepages", "hugepages", {"sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages": "0\n"}, "nr_hugepages"),
    ("no hugepage support", "hugepages", {"sys/kernel": None}, "nr_hugepages"),
    ("no IOMMU", "iommu", {"sys/class/iommu": None}, "iommu=on"),
    ("no vfio", "vfio", {"sys/module": None}, "modprobe vfio-pci"),
    ("no isolated core", "cores", {"sys/devices/system/cpu/isolated": "\n"}, "isolcpus"),
    ("the demo's interface in use", "smol0", {"sys/class/net/smol0/x": ""}, "ip link delete smol0"),
]


def change(machine: Path, files: dict[str, str | None]) -> None:
    for path, text in files.items():
        file = machine / path
        if text is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        elif file.is_dir():
            shutil.rmtree(file)
        else:
            file.unlink()


@pytest.mark.parametrize(("name", "files", "fix"), [row[1:] for row in MISSING], ids=[row[0] for row in MISSING])
def test_smol_host_says_what_is_missing(machine: Path, name: str, files: dict[str, str | None], fix: str) -> None:
    change(machine, files)
    found = checks(machine)
    assert found[name]["state"] == "missing"
    assert fix in found[name]["fix"]
    assert host(machine, "check").stdout.splitlines()[-1] == (
        "smold over net_tap cannot run here: 1 of the above missing.")


@pytest.mark.parametrize(("name", "files", "fix"), [row[1:] for row in NOTED], ids=[row[0] for row in NOTED])
def test_smol_host_notes_what_is_no_obstacle(machine: Path, name: str, files: dict[str, str | None], fix: str) -> None:
    change(machine, files)
    found = checks(machine)
    assert found[name]["state"] == "note"
    assert fix in found[name]["fix"]
    assert host(machine, "check").returncode == 0


def test_smol_host_teaches() -> None:
    assert "usage: smol-host check" in run(DEPLOY / "smol-host", "--help").stdout
    wrong = run(DEPLOY / "smol-host", "chek")
    assert wrong.returncode == 2
    assert wrong.stderr == "smol-host: no argument 'chek'; smol-host --help lists them\n"
    assert run(DEPLOY / "smol-host").returncode == 2
