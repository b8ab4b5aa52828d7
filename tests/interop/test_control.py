"""A running daemon is asked and told: over gRPC, and by smolctl."""

from __future__ import annotations

import re
import select
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator

import grpc
import pytest
from api import SMOLCTL, Api, asked, messages, refused, smolctl, told
from conftest import IPV4, Family
from netns import PATIENCE, Namespace, scaled, wait_until
from peer import PROGRAM as PEER
from smold import INTERFACE, Smold


@pytest.fixture
def api(daemon: Smold) -> Iterator[Api]:
    out = Api(daemon)
    yield out
    out.close()


# --- changes under traffic ----------------------------------------------------------------------------

ADDRESSES = {"ipv4": ("10.9.0.1/24", "10.9.0.100/24"), "ipv6": ("fdbb::1/64", "fdbb::100/64")}


@pytest.mark.tsan
def test_addresses_come_and_go_and_other_connections_do_not_notice(
        net: Namespace, daemon: Smold, family: Family) -> None:
    own, host = ADDRESSES[family.name]
    net.ip("address", "add", host, "dev", INTERFACE, *(["nodad"] if ":" in host else []))
    ping = ("ping", "-n", "-q", "-i", 0.01, "-c", 3, "-W", 5 * PATIENCE, own.partition("/")[0])
    octets = scaled(1 << 30)
    receiver = net.start(PEER, "receive", family.address, 6972, octets)
    rounds = 0
    while rounds < 2 or (receiver.poll() is None and rounds < 20):
        rounds += 1
        told(daemon, "addr", "add", own, "dev", INTERFACE)
        assert own in shown_addresses(daemon)
        net.run(*ping)
        told(daemon, "addr", "del", own, "dev", INTERFACE)
        assert own not in shown_addresses(daemon)
        assert net.run("ping", "-n", "-q", "-c", 1, "-W", 0.1, own.partition("/")[0], check=False).status != 0
    _, err = receiver.communicate(timeout=50 * PATIENCE)
    assert receiver.returncode == 0, err.decode()
    daemon.wait_for_books()


def shown_addresses(daemon: Smold) -> set[str]:
    return {f"{one['local']}/{one['prefixlen']}" for one in asked(daemon, "addr")[0]["addr_info"]}


@pytest.mark.tsan
def test_a_route_takes_effect_at_once(net: Namespace, daemon: Smold) -> None:
    net.ip("address", "add", "10.9.0.1/32", "dev", INTERFACE)
    with net.inside():
        before = socket.create_connection((IPV4.address, 6970), timeout=5 * PATIENCE)

    def reaches() -> bool:
        return net.run("ping", "-n", "-q", "-c", 1, "-W", 0.2 * PATIENCE, "-I", "10.9.0.1", IPV4.address,
                       check=False).status == 0

    assert reaches(), "by the default route"
    told(daemon, "route", "del", "default")
    assert not reaches()
    assert refused(daemon, "route", "get", "10.9.0.1") == "address: there is no route to 10.9.0.1"
    told(daemon, "route", "add", "10.9.0.0/24", "via", IPV4.host)
    assert reaches()
    assert asked(daemon, "route", "get", "10.9.0.1") == [
        {"dst": "10.9.0.1", "gateway": IPV4.host, "dev": INTERFACE, "prefsrc": IPV4.address}]
    told(daemon, "route", "replace", "10.9.0.0/24", "via", "192.168.69.77")
    assert not reaches()
    told(daemon, "route", "replace", "10.9.0.0/24", "via", IPV4.host, "mtu", 1400)
    assert asked(daemon, "route", "get", "10.9.0.1") == [
        {"dst": "10.9.0.1", "gateway": IPV4.host, "dev": INTERFACE, "prefsrc": IPV4.address, "mtu": 1400}]
    assert {"dst": "10.9.0.0/24", "gateway": IPV4.host, "dev": INTERFACE, "protocol": "static",
            "mtu": 1400} in asked(daemon, "-4", "route")
    told(daemon, "route", "del", "10.9.0.0/24")
    told(daemon, "route", "add", "default", "via", IPV4.host, "metric", 5)
    assert reaches()
    assert {"dst": "default", "gateway": IPV4.host, "dev": INTERFACE, "protocol": "static",
            "metric": 5} in asked(daemon, "-4", "route")
    with before:
        before.sendall(b"abc\n")
        assert before.recv(10) == b"cba\n"
    daemon.wait_for_books()


def test_what_listens_and_what_waits_is_shown(net: Namespace, daemon: Smold) -> None:
    (listener,) = [one for one in asked(daemon, "-4", "ss", "-tl") if one["local"]["port"] == 6970]
    assert (listener["half_open"], listener["syn_backlog"]) == (0, 1024)
    assert re.search(r"6970 .*half_open:0/1024", smolctl(daemon, "-4", "ss", "-tli").out)
    # Whoever closes first waits: the service that says hello.
    assert net.run("socat", "-u", IPV4.socat(6969), "-").out == "hello\n"
    (waiting,) = asked(daemon, "-4", "ss", "-t", "state", "time-wait")
    assert 50 <= waiting["expires"] <= 60
    assert re.search(r"timer:\(timewait,5\dsec,0\)", smolctl(daemon, "ss", "-to", "state", "time-wait").out)


@pytest.fixture
def far(net: Namespace) -> Iterator[str]:
    """A host 10.9.0.9 behind the other one, by a link of 1300 octets; its namespace."""
    name = f"{net.name}-far"
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        net.ip("link", "add", "far", "mtu", 1300, "type", "veth", "peer", "name", "near", "netns", name)
        net.ip("addr", "add", "10.9.0.1/24", "dev", "far")
        net.ip("link", "set", "far", "up")
        net.sysctl(ip_forward=1)
        for words in ("addr add 10.9.0.9/24 dev near", "link set near mtu 1500 up", "route add default via 10.9.0.1"):
            subprocess.run(["ip", "-n", name, *words.split()], check=True)
        yield name
    finally:
        subprocess.run(["ip", "netns", "del", name], check=True)


def test_the_path_that_a_router_tells_of_is_shown(net: Namespace, daemon: Smold, far: str) -> None:
    assert asked(daemon, "route", "show", "cache") == []
    server = subprocess.Popen(["ip", "netns", "exec", far, "socat", "-u", "TCP-LISTEN:9000", "OPEN:/dev/null"])
    try:
        deadline = time.monotonic() + 10 * PATIENCE
        while True:
            done = subprocess.run([SMOLCTL, "--server", daemon.server, "tcp", "connect", "10.9.0.9:9000"],
                                  input=b"x" * 200_000, capture_output=True, timeout=20 * PATIENCE)
            if done.returncode == 0 or time.monotonic() > deadline:
                break  # socat listens by then
        assert (done.returncode, done.stderr) == (0, b"")
    finally:
        server.kill()
        server.wait()
    (path,) = asked(daemon, "route", "show", "cache")
    expires = path.pop("expires")
    assert path == {"dst": "10.9.0.9", "mtu": 1300, "worker": 0}
    assert 500 < expires < 600
    assert re.fullmatch(r"10\.9\.0\.9 expires \d+sec mtu 1300\n", smolctl(daemon, "route", "show", "cache").out)
    assert asked(daemon, "-6", "route", "show", "cache") == []


def test_a_permanent_neighbour_is_believed_until_it_is_deleted(net: Namespace, daemon: Smold) -> None:
    def reaches() -> bool:
        return net.run("ping", "-n", "-q", "-c", 1, "-W", 0.5 * PATIENCE, IPV4.address, check=False).status == 0

    assert reaches()
    assert refused(daemon, "neigh", "add", IPV4.host, "lladdr", "02:00:00:00:00:99", "dev", INTERFACE) == \
        f"address: {IPV4.host} has an entry already"
    told(daemon, "neigh", "replace", IPV4.host, "lladdr", "02:00:00:00:00:99", "dev", INTERFACE)
    assert not reaches()
    told(daemon, "neigh", "flush")
    entries = {one["dst"]: one for one in asked(daemon, "-4", "neigh")}
    assert entries == {IPV4.host: {"dst": IPV4.host, "dev": INTERFACE, "lladdr": "02:00:00:00:00:99",
                                   "state": ["PERMANENT"], "worker": 0}}
    told(daemon, "neigh", "del", IPV4.host, "dev", INTERFACE)
    assert reaches()
    assert refused(daemon, "neigh", "del", "192.168.69.9", "dev", INTERFACE) == \
        "address: there is no entry of 192.168.69.9"
    daemon.wait_for_books()


# --- sockets ------------------------------------------------------------------------------------------


@pytest.mark.tsan
def test_a_connection_is_shown_as_ss_shows_it_and_ended(net: Namespace, daemon: Smold, family: Family) -> None:
    with net.inside():
        sock = socket.create_connection((family.address, 6970), timeout=5 * PATIENCE)
    with sock:
        sock.sendall(b"abc\n")
        assert sock.recv(10) == b"cba\n"
        mine = sock.getsockname()[1]
        found = asked(daemon, "ss", "-ti", "dport", "=", f":{mine}")
        assert len(found) == 1
        assert (found[0]["state"], found[0]["owner"], found[0]["netid"]) == ("ESTAB", "reverse", "tcp")
        assert found[0]["local"] == {"address": family.address, "port": 6970}
        assert found[0]["remote"] == {"address": family.host, "port": mine}
        assert found[0]["tcp_info"]["bytes_received"] == 4
        assert found[0]["tcp_info"]["bytes_acked"] == 4
        assert found[0]["tcp_info"]["waits_for"] == "application"
        text = smolctl(daemon, "ss", "-ti", f"dport = :{mine}").out
        assert re.search(rf"tcp +ESTAB +0 +0 +\S+:6970 +\S+:{mine} +owner:reverse\n\t.*bytes_acked:4 ", text), text
        assert asked(daemon, "ss", "state", "listening", "dport", "=", f":{mine}") == []
        smolctl(daemon, "ss", "-K", f"dport = :{mine}")
        with pytest.raises(ConnectionResetError):
            while sock.recv(10):
                pass
    daemon.wait_for_counters(5, tcp_curr_estab=0)
    assert asked(daemon, "ss", "dport", "=", f":{mine}") == []


def test_many_connections_are_listed_once_each(net: Namespace, daemon: Smold) -> None:
    with net.inside():
        socks = [socket.create_connection((IPV4.address, 6970), timeout=5 * PATIENCE) for _ in range(scaled(1000))]
    daemon.wait_for_counters(5, tcp_curr_estab=len(socks))
    found = asked(daemon, "ss", "-t")
    assert {one["remote"]["port"] for one in found} == {sock.getsockname()[1] for sock in socks}
    assert len({one["id"] for one in found}) == len(found) == len(socks)
    for sock in socks:
        sock.close()


def test_listeners_and_udp_sockets_are_shown_when_asked_for(daemon: Smold) -> None:
    def ports(*options: str) -> set[tuple[str, int]]:
        return {(one["netid"], one["local"]["port"]) for one in asked(daemon, "ss", *options)}

    assert ports() == set()
    assert ports("-tl") == {("tcp", port) for port in (80, 6969, 6970, 6971, 6972)}
    assert ports("-ul") == ports("-ua") == {("udp", 6969)}
    assert ports("-l") == ports("-a") == ports("-tl") | ports("-ul")
    assert {one["local"]["address"] for one in asked(daemon, "ss", "-l6")} == {"::"}


# --- questions ----------------------------------------------------------------------------------------


@pytest.mark.tsan
def test_every_question_is_answered_in_json(net: Namespace, daemon: Smold) -> None:
    net.run("ping", "-n", "-q", "-c", 1, "-W", 5 * PATIENCE, IPV4.address)
    info = asked(daemon, "info")
    assert info["pid"] == daemon.pid
    assert len(info["workers"]) == 1
    assert not info["draining"]
    link, = asked(daemon, "link")
    assert (link["ifname"], link["mtu"], link["driver"]) == (INTERFACE, 1500, "net_tap")
    assert link["stats64"]["rx"]["packets"] > 0
    assert shown_addresses(daemon) == {"192.168.69.1/24", "fdaa::1/64", "fe80::1/64"}
    assert {one["dst"] for one in asked(daemon, "-4", "route")} == {"default", "192.168.69.0/24"}
    assert IPV4.host in {one["dst"] for one in asked(daemon, "neigh")}
    counters = asked(daemon, "nstat", "-z")
    assert set(counters) == set(daemon.counters()) | {"remote.listen_token_expired"}
    assert asked(daemon, "nstat", "icmp_in_echos") == {"icmp_in_echos": 1}
    reasons = {one["reason"]: one["count"] for one in asked(daemon, "drops", "-a")}
    assert {f"drop.{name}" for name in reasons} == {name for name in counters if name.startswith("drop.")}
    # And for people, each in words that are there.
    for words, expected in ((("info",), "smold "), (("addr",), "inet 192.168.69.1/24 scope global"),
                            (("link",), "RX: "), (("route",), "default via 192.168.69.100 dev smol0"),
                            (("neigh",), f"{IPV4.host} dev smol0 lladdr "), (("nstat",), "icmp_in_echos"),
                            (("drops", "-a"), "tcp_bad_checksum"), (("ss", "-a"), "LISTEN")):
        done = smolctl(daemon, *words)
        assert done.status == 0 and expected in done.out, done


def test_drops_are_watched_as_they_happen(net: Namespace, daemon: Smold) -> None:
    told(daemon, "route", "del", "default")  # any command: the daemon listens by then
    watcher = subprocess.Popen([SMOLCTL, "--server", daemon.server, "drops", "--watch"], stdout=subprocess.PIPE,
                               text=True)
    try:
        def drop_some() -> bool:
            net.run("ping", "-n", "-q", "-c", 1, "-W", 0.1, "-I", IPV4.host, "-b", "192.168.69.255", check=False)
            with net.inside(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.sendto(b"x", (IPV4.address, 9))
            return asked(daemon, "nstat", "drop.udp_port_unreachable") != {}

        assert watcher.stdout is not None

        def told_of_them() -> bool:
            drop_some()
            return bool(select.select([watcher.stdout], [], [], 0.1)[0])

        wait_until(drop_some, 5, "no drop")
        wait_until(told_of_them, 10, "the watcher says nothing")
        assert re.match(r"\w+  \+\d+  total \d+\n", watcher.stdout.readline())
    finally:
        watcher.kill()
        watcher.communicate()
    assert asked(daemon, "info")["pid"] == daemon.pid, "a watcher that is killed disturbs nobody"


# --- what is wrong is named ---------------------------------------------------------------------------


def error_info(error: grpc.RpcError) -> object:
    """smol.v1.ErrorInfo, out of google.rpc.Status in the trailer."""
    trailer = dict(error.trailing_metadata())["grpc-status-details-bin"]
    info = messages("types").ErrorInfo()
    marker = b"type.googleapis.com/smol.v1.ErrorInfo"
    value = trailer[trailer.index(marker) + len(marker):]
    assert value[0] == 0x12  # Any.value, of less than 128 octets
    info.ParseFromString(value[2:2 + value[1]])
    return info


MALFORMED = [
    ("interface", "AddAddress", {}, "interface"),
    ("interface", "AddAddress", {"interface": "smol0"}, "address.address"),
    ("interface", "AddAddress", {"interface": "smol0", "address": {"address": {"v6": b"short"}}}, "address.address.v6"),
    ("interface", "AddAddress", {"interface": "smol0", "address": {"address": {"v4": 1}, "length": 33}},
     "address.length"),
    ("interface", "DeleteAddress", {"interface": "smol0", "address": {"address": {"v4": 0}, "length": 24}}, "address"),
    ("route", "AddRoute", {}, "route"),
    ("route", "AddRoute", {"route": {"interface": "smol0"}}, "route.destination"),
    ("route", "AddRoute", {"route": {"destination": {"address": {"v4": 0}}}}, "route.interface"),
    ("route", "AddRoute", {"route": {"destination": {"address": {"v4": 0}}, "gateway": {}}}, "route.gateway"),
    ("route", "LookupRoute", {}, "address"),
    ("neighbor", "AddNeighbor", {"interface": "smol0", "address": {"v4": 0xc0a84509}}, "mac"),
    ("neighbor", "AddNeighbor", {"interface": "smol0", "address": {"v4": 0xe0000001}}, "address"),
    ("socket", "GetSocket", {}, "id"),
]


def test_a_malformed_request_names_its_field_and_changes_nothing(daemon: Smold, api: Api) -> None:
    before = (asked(daemon, "addr"), asked(daemon, "route"), asked(daemon, "neigh"))
    for service, method, fields, field in MALFORMED:
        request = getattr(messages(service), f"{method}Request")(**fields)
        with pytest.raises(grpc.RpcError) as caught:
            getattr(getattr(api, service), method)(request, timeout=5 * PATIENCE)
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT, (method, fields, caught.value.details())
        assert caught.value.details().startswith(f"{field}: "), (method, fields)
        info = error_info(caught.value)
        assert (info.name, info.errno_number, info.field) == ("EINVAL", 22, field)
    assert (asked(daemon, "addr"), asked(daemon, "route"), asked(daemon, "neigh")) == before


def test_octets_that_are_no_request_are_survived(daemon: Smold, api: Api) -> None:
    for octets in (b"\xff" * 100, b"\x0a\xff\xff\xff\x0f", b"\x0a" * 5000):
        with pytest.raises(grpc.RpcError) as caught:
            api.channel.unary_unary("/smol.v1.RouteService/AddRoute")(octets, timeout=5 * PATIENCE)
        assert caught.value.code() is not grpc.StatusCode.UNAVAILABLE
    with pytest.raises(grpc.RpcError) as caught:
        api.channel.unary_unary("/smol.v1.RouteService/AddRoute")(b"x" * (3 << 20), timeout=5 * PATIENCE)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert api.health() == "SERVING"


@pytest.mark.parametrize(("words", "line"), [
    (("x",), "'x' is no command: info, addr, link, route, neigh, ss, bridge, drops, nstat, tcp, udp, ping, drain"),
    (("d",), "'d' is more than one command: drops, drain"),
    (("addr", "add", "1.2.3.4/24"), "dev and the name of an interface are missing"),
    (("addr", "add", "1.2.3/24", "dev", "smol0"),
     "'1.2.3/24' is no address with a prefix length: write one such as 192.0.2.1/24 or fdaa::1/64"),
    (("addr", "add", "1.2.3.4/24", "dev", "x"), "interface: there is no interface 'x'"),
    (("route", "add", "10.0.0.0/8", "by", "x"), "'by' is no part of a route: via, dev, metric, mtu"),
    (("route", "add", "10.0.0.0/8", "via", "1.1.1.1"),
     "route.gateway: 1.1.1.1 is in no subnet of any interface: a gateway must be on the link"),
    (("neigh", "add", "192.168.69.9", "lladdr", "x", "dev", "smol0"),
     "'x' is no MAC address: write one such as 02:00:00:00:00:01"),
    (("ss", "state", "asleep"), None),
    (("ss", "dport != :80"), "'!=' is no comparison of a filter: ="),
    (("--timeout", "soon", "info"), "'soon' is no time (500ms, 10s): a whole number up to 86400000"),
    (("--colour", "info"), "there is no option --colour (smolctl --help lists them)"),
    ((), "a command is missing (smolctl --help lists them)"),
    (("info", "please"), "'please' is one word too many"),
])
def test_smolctl_says_what_is_wrong_in_one_line(daemon: Smold, words: tuple[str, ...], line: str | None) -> None:
    said = refused(daemon, *words)
    assert line is None or said == line


def test_smolctl_without_a_daemon(daemon: Smold, net: Namespace) -> None:
    server = daemon.server
    assert refused("unix:///nonexistent/ctl.sock", "info", status=2) == (
        "cannot reach the daemon at unix:///nonexistent/ctl.sock: no such socket; is smold running?")
    daemon.wait_for_line("component=grpc msg=\"listens", 10)
    daemon.folder.chmod(0o711)
    assert refused(server, "info", status=4, prefix=("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")
                   ) == f"cannot reach the daemon at {server}: permission denied; be root, or in the socket's group"
    daemon.process.send_signal(signal.SIGSTOP)
    try:
        assert refused(daemon, "--timeout", "300ms", "info", status=2) == (
            f"the daemon at {server} did not answer within 300 ms (--timeout)")
    finally:
        daemon.process.send_signal(signal.SIGCONT)
    path = daemon.folder / "ctl.sock"
    assert oct(path.stat().st_mode & 0o777) == "0o660"


def test_smolctl_helps() -> None:
    done = smolctl("unix:///none", "--help")
    assert done.status == 0
    assert {"info", "addr", "link", "route", "neigh", "ss", "drops", "nstat", "tcp", "udp", "ping", "drain"} <= set(done.out.split())
    assert re.fullmatch(r"smolctl \d+\.\d+\.\d+\n", smolctl("unix:///none", "--version").out)


# --- the end ------------------------------------------------------------------------------------------


@pytest.mark.tsan
def test_drain_ends_the_daemon_in_order(net: Namespace, daemon: Smold) -> None:
    with net.inside():
        sock = socket.create_connection((IPV4.address, 6970), timeout=5 * PATIENCE)
    with sock:
        sock.sendall(b"ab\n")
        assert sock.recv(10) == b"ba\n"  # the daemon has its end of it as well
        begin = time.monotonic()
        told(daemon, "drain")
        assert daemon.wait() == 0
        assert time.monotonic() - begin < 2.0 * PATIENCE
        assert sock.recv(10) == b""
    daemon.assert_well()


@pytest.mark.tsan
def test_the_end_is_told_to_who_watches_and_waits_for_nobody(smold: Callable[..., Smold], net: Namespace) -> None:
    daemon = smold(drain="1s")
    api = Api(daemon)
    assert api.health() == "SERVING"
    stats = messages("stats")
    readers = [api.stats.WatchStats(stats.WatchStatsRequest()) for _ in range(20)]
    for reader in readers:
        assert len(next(reader).stats.counters) > 50
    with net.inside():
        sock = socket.create_connection((IPV4.address, 6972), timeout=5 * PATIENCE)  # never ends by itself
    with sock:
        assert sock.recv(1) == b"\0"  # the daemon has its end of it as well
        begin = time.monotonic()
        daemon.process.send_signal(signal.SIGTERM)
        wait_until(lambda: api.health() == "NOT_SERVING", 1, "health")
        assert daemon.wait() == 0
        assert time.monotonic() - begin < 2.0 * PATIENCE
    for reader in readers:
        with pytest.raises(grpc.RpcError) as caught:
            for _ in reader:
                pass
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    api.close()
    daemon.assert_well()


def test_without_grpc_there_is_no_socket(smold: Callable[..., Smold]) -> None:
    daemon = smold("--grpc", "off")
    daemon.wait_for_line("msg=\"ready in", 10)
    assert list(daemon.folder.iterdir()) == []
