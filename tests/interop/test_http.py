"""The web server, as curl, wrk and a client made by hand use it."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable

import pytest
from conftest import Family
from netns import DIVISOR, PATIENCE, Done, Namespace
from smold import INTERFACE, Smold


def curl(net: Namespace, *words: object, check: bool = True) -> Done:
    return net.run("curl", "-sS", "-g", "-m", 10 * PATIENCE, *words, limit=20, check=check)


def status_of(net: Namespace, *words: object) -> int:
    return int(curl(net, "-o", "/dev/null", "-w", "%{http_code}", *words).out)


class Client:
    """A connection that says what it is told to, and reads answers as RFC 9112 has it."""

    def __init__(self, net: Namespace, family: Family) -> None:
        with net.inside():
            self.sock = socket.create_connection((family.address, 80), timeout=5 * PATIENCE)
        self.stream = self.sock.makefile("rb")

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.close()
        self.sock.close()

    def say(self, text: str | bytes) -> None:
        self.sock.sendall(text.encode() if isinstance(text, str) else text)

    def answer(self, head: bool = False) -> tuple[int, dict[str, str], bytes]:
        """The next one: status, header fields in lower case, content."""
        version, status, _ = self.stream.readline().decode().split(" ", 2)
        assert version == "HTTP/1.1"
        fields = {}
        while line := self.stream.readline().decode().strip():
            name, _, value = line.partition(":")
            fields[name.lower()] = value.strip()
        return int(status), fields, b"" if head else self.stream.read(int(fields["content-length"]))

    def ended(self) -> bool:
        """True once the server has closed, with nothing before."""
        return self.stream.read(1) == b""


# --- curl ---------------------------------------------------------------------------------------------


def test_the_page(net: Namespace, daemon: Smold, family: Family) -> None:
    done = curl(net, f"{family.url}/", "-w", "%{http_code} %{content_type} %{size_download}")
    page, _, words = done.out.rpartition("\n")
    assert "<h1>It works</h1>" in page
    assert words == f"200 text/html; charset=utf-8 {len(page) + 1}"


def test_the_page_on_the_link_local_address(net: Namespace, daemon: Smold) -> None:
    assert curl(net, f"http://[fe80::1%25{INTERFACE}]/hello").out == "hello\n"


def test_a_connection_is_kept_for_further_requests(net: Namespace, daemon: Smold, family: Family) -> None:
    urls = [f"{family.url}{path}" for path in ("/", "/hello", "/", "/nowhere", "/hello")]
    done = curl(net, *(word for url in urls for word in (url, "-o", "/dev/null")),
                "-w", "%{http_code} %{num_connects}\n")
    assert done.out.split("\n")[:-1] == ["200 1", "200 0", "200 0", "404 0", "200 0"]


def test_head_says_what_get_would_and_sends_no_content(net: Namespace, daemon: Smold, family: Family) -> None:
    page = curl(net, f"{family.url}/").out
    done = curl(net, "-I", f"{family.url}/")
    assert done.out.startswith("HTTP/1.1 200 OK\r\n")
    assert f"Content-Length: {len(page)}\r\n" in done.out
    assert "<h1>" not in done.out


def test_what_is_not_there_is_404(net: Namespace, daemon: Smold, family: Family) -> None:
    assert status_of(net, f"{family.url}/nowhere") == 404


def test_other_methods_are_405_and_the_right_ones_are_named(
        net: Namespace, daemon: Smold, family: Family) -> None:
    done = curl(net, "-i", "-X", "DELETE", f"{family.url}/")
    assert done.out.startswith("HTTP/1.1 405 ")
    assert "Allow: GET, HEAD, OPTIONS\r\n" in done.out


@pytest.mark.parametrize("transfer", ["length", "chunked"])
def test_content_is_read_before_the_next_request(
        net: Namespace, daemon: Smold, family: Family, transfer: str) -> None:
    fields = ["-H", "Transfer-Encoding: chunked"] if transfer == "chunked" else []
    done = net.run("curl", "-sS", "-g", "-o", "/dev/null", *fields, "--data-binary", "@-", f"{family.url}/hello",
                   "-w", "%{http_code} %{num_connects}\n", "--next", "-sS", "-g", "-o", "/dev/null",
                   f"{family.url}/hello", "-w", "%{http_code} %{num_connects}\n", stdin=b"x" * 300_000)
    assert done.out == "405 1\n200 0\n"


def test_content_beyond_the_limit_is_413(net: Namespace, daemon: Smold, family: Family) -> None:
    with Client(net, family) as client:
        client.say("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n")
        assert client.answer()[0] == 413


def test_header_fields_beyond_the_limit_are_431(net: Namespace, daemon: Smold, family: Family) -> None:
    assert status_of(net, "-H", f"X-Long: {'x' * 8000}", f"{family.url}/") == 200
    assert status_of(net, "-H", f"X-Long: {'x' * 8192}", f"{family.url}/") == 431


def test_a_request_line_beyond_the_limit_is_414(net: Namespace, daemon: Smold, family: Family) -> None:
    assert status_of(net, f"{family.url}/{'x' * 8000}") == 414


def test_http_1_0_is_answered_and_closed(net: Namespace, daemon: Smold, family: Family) -> None:
    done = curl(net, "-0", "-i", f"{family.url}/hello")
    assert done.out.startswith("HTTP/1.1 200 OK\r\n")
    assert done.out.endswith("\r\n\r\nhello\n")
    with Client(net, family) as client:
        client.say("GET /hello HTTP/1.0\r\n\r\n")
        assert client.answer()[0] == 200
        assert client.ended()


def test_http_1_0_is_kept_when_it_asks_to_be(net: Namespace, daemon: Smold, family: Family) -> None:
    with Client(net, family) as client:
        for _ in range(3):
            client.say("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            status, fields, _ = client.answer()
            assert (status, fields["connection"]) == (200, "keep-alive")


# --- by hand ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [
    "complete nonsense\r\n\r\n",
    "GET  / HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET / HTTP/1.1\r\n\r\n",  # without Host
    "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "GET / HTTP/1.1\r\nHost : x\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
])
def test_what_is_no_request_is_400_and_the_end(
        net: Namespace, daemon: Smold, family: Family, text: str) -> None:
    with Client(net, family) as client:
        client.say(text)
        status, fields, _ = client.answer()
        assert (status, fields["connection"]) == (400, "close")
        assert client.ended()


def test_pipelined_requests_are_answered_in_order(net: Namespace, daemon: Smold, family: Family) -> None:
    paths = ["/", "/hello", "/nowhere", "/hello", "/hello"] * 60
    with Client(net, family) as client:
        client.say("".join(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n" for path in paths))
        for path in paths:
            status, _, content = client.answer()
            assert status == (404 if path == "/nowhere" else 200)
            assert (content == b"hello\n") == (path == "/hello")
        client.say("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert client.answer()[0] == 200
        assert client.ended()


def test_a_request_may_come_octet_by_octet(net: Namespace, daemon: Smold, family: Family) -> None:
    with Client(net, family) as client:
        client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for octet in b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n":
            client.say(bytes([octet]))
        assert client.answer()[2] == b"hello\n"


def test_answers_wait_for_a_client_that_reads_late(net: Namespace, daemon: Smold, family: Family) -> None:
    """More answers than both sides' buffers hold: the server stops reading, and goes on when the client does."""
    count = 20_000
    with Client(net, family) as client:
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        client.sock.setblocking(False)
        request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
        waiting = request * count
        # Until nothing more goes in for a while: buffers and windows on the way are full.
        last = time.monotonic()
        while waiting and time.monotonic() - last < 0.5:
            try:
                waiting = waiting[client.sock.send(waiting[:65536]):]
                last = time.monotonic()
            except BlockingIOError:
                time.sleep(0.01)
        assert waiting, "a client that does not read was answered without end"
        client.sock.settimeout(5 * PATIENCE)
        answered = count - -(-len(waiting) // len(request))
        for _ in range(answered):
            assert client.answer()[0] == 200


def test_a_head_that_does_not_come_is_408(net: Namespace, smold: Callable[..., Smold], family: Family) -> None:
    smold(apps={"http": {"header_timeout": "300ms"}})
    with Client(net, family) as client:
        client.say("GET / HTTP/1.1\r\nHost:")
        assert client.answer()[0] == 408
        assert client.ended()


def test_an_idle_connection_is_closed(net: Namespace, smold: Callable[..., Smold], family: Family) -> None:
    smold(apps={"http": {"idle_timeout": "300ms"}})
    with Client(net, family) as client:
        client.say("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.answer()[0] == 200
        assert client.ended()


# --- wrk ----------------------------------------------------------------------------------------------


@pytest.mark.tsan
def test_wrk_finds_nothing_wrong(net: Namespace, daemon: Smold, family: Family) -> None:
    seconds = max(1, 5 // DIVISOR)
    done = net.run("wrk", "-t2", "-c200", f"-d{seconds}", f"{family.url}/", limit=seconds + 10)
    print(done.out)
    requests = re.search(r"(\d+) requests in", done.out)
    assert requests and int(requests[1]) > 200, str(done)
    assert "Socket errors" not in done.out, str(done)
    assert "Non-2xx" not in done.out, str(done)
