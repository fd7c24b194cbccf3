"""The edge to the network, against a real server on loopback that behaves well and badly."""

import gzip
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import ROOT
from okd_gitops.system import address
from okd_gitops.system.address import NetworkError
from okd_gitops.system.http import MAX_BYTES, Http
from okd_gitops.system.remembered_answers import recall, remember

Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Answers each path by a function of the test and keeps what was asked."""

    protocol_version = "HTTP/1.1"
    server: "Server"

    def do_GET(self) -> None:
        self.server.asked.append((self.path, dict(self.headers)))
        try:
            self.server.answers[self.path.partition("?")[0]](self)
        except OSError:
            self.close_connection = True

    def log_message(self, *args: object) -> None:
        """Print nothing."""

    def reply(self, body: bytes = b"", status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)


class Server(ThreadingHTTPServer):
    """A server on a free port of loopback."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, Answer] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is what the test wants."""

    def at(self, path: str, answer: Answer) -> str:
        self.answers[path] = answer
        return f"http://127.0.0.1:{self.server_address[1]}{path}"


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def in_turn(*answers: Answer) -> Answer:
    """Give each answer once, in order."""
    left = list(answers)
    return lambda handler: left.pop(0)(handler)


def refused(client: Http, url: str) -> NetworkError:
    with pytest.raises(NetworkError) as caught:
        client.get(url)
    assert caught.value.exit_code == 6
    assert caught.value.remedy
    return caught.value


def kept(folder: Path, url: str, max_bytes: int = MAX_BYTES) -> bytes | None:
    answer = recall(folder, url, max_bytes)
    return answer.body if answer else None


def test_an_answer_is_kept_under_its_address(server: Server, tmp_path: Path) -> None:
    url = server.at("/a", lambda h: h.reply(b"body"))
    assert Http(tmp_path).get(url + "?page=1") == b"body"
    assert kept(tmp_path, url + "?page=1") == b"body"
    assert kept(tmp_path, url + "?page=2") is None
    assert not list(tmp_path.glob(".*"))


def test_etag(server: Server, tmp_path: Path) -> None:
    def answer(handler: Handler) -> None:
        if handler.headers.get("If-None-Match") == '"1"':
            handler.reply(status=304, ETag='"1"')
        else:
            handler.reply(b"first", ETag='"1"')

    url = server.at("/a", answer)
    assert [Http(tmp_path).get(url) for _ in range(3)] == [b"first"] * 3
    assert ["If-None-Match" in headers for _, headers in server.asked] == [False, True, True]
    assert refused(Http(tmp_path / "other"), server.at("/b", lambda h: h.reply(status=304))).status == 304


@pytest.mark.parametrize("damage", [b"", b"{}\n", b"null\nfirst", b'{"url": 1', b"[" * 60_000, b"\xff\xfe"])
def test_damaged_cache_is_no_cache(server: Server, tmp_path: Path, damage: bytes) -> None:
    url = server.at("/a", lambda h: h.reply(b"first", ETag='"1"'))
    Http(tmp_path).get(url)
    (entry,) = tmp_path.iterdir()
    entry.write_bytes(damage)
    assert kept(tmp_path, url) is None
    assert Http(tmp_path).get(url) == b"first"
    assert "If-None-Match" not in server.asked[-1][1]
    entry.write_bytes(entry.read_bytes()[:-1])
    assert kept(tmp_path, url) is None


def test_entry_of_another_address(server: Server, tmp_path: Path) -> None:
    url, other = (server.at(path, lambda h: h.reply(b"x")) for path in ("/a", "/b"))
    Http(tmp_path).get(url)
    (entry,) = tmp_path.iterdir()
    remember(tmp_path, other, b"y")
    (moved,) = set(tmp_path.iterdir()) - {entry}
    moved.write_bytes(entry.read_bytes())
    assert kept(tmp_path, other) is None


def test_cache_that_cannot_be_written(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert Http(tmp_path / "file").get(server.at("/a", lambda h: h.reply(b"x"))) == b"x"


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What was waited for, in seconds, without waiting."""
    found: list[float] = []
    monkeypatch.setattr(time, "sleep", found.append)
    return found


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after(server: Server, tmp_path: Path, waits: list[float], status: int) -> None:
    url = server.at(
        "/a", in_turn(lambda h: h.reply(status=status, Retry_After="1"), lambda h: h.reply(b"ok"))
    )
    assert Http(tmp_path).get(url) == b"ok"
    assert waits == [1]


def test_a_server_with_a_long_retry_after_is_given_up_at_once(
    server: Server, tmp_path: Path, waits: list[float]
) -> None:
    url = server.at("/a", lambda h: h.reply(status=429, Retry_After="99999"))
    assert refused(Http(tmp_path), url).status == 429
    assert waits == []
    assert len(server.asked) == 1


def test_headers_without_end_meet_the_deadline_and_the_server_is_not_asked_again(
    server: Server, tmp_path: Path
) -> None:
    gave_up = threading.Event()

    def endless(handler: Handler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not gave_up.wait(0.02):
            with suppress(OSError):
                handler.wfile.write(b"X-One-More: x\r\n"[:3])

    http = Http(tmp_path, timeout=0.3)
    url = server.at("/a", endless)
    assert "within 0.3 s" in refused(http, url).reason
    assert "not asked" in refused(http, url).reason
    gave_up.set()


@pytest.mark.parametrize("status", [204, 400, 401, 403, 404, 500, 502])
def test_status(server: Server, tmp_path: Path, status: int) -> None:
    error = refused(Http(tmp_path), server.at("/a", lambda h: h.reply(status=status)) + "?secret=hidden")
    assert error.status == status
    assert str(status) in error.reason
    assert "hidden" not in error.reason
    assert len(server.asked) == 1


def test_too_slow_to_begin(server: Server, tmp_path: Path) -> None:
    gave_up = threading.Event()

    def silent(_: Handler) -> None:
        gave_up.wait()

    refused(Http(tmp_path, timeout=0.2, retries=0), server.at("/a", silent))
    gave_up.set()


def test_byte_by_byte(server: Server, tmp_path: Path) -> None:
    def drip(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        # An hour and more, unless the other side hangs up.
        for _ in range(100_000):
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(0.05)

    assert "0.5 s" in refused(Http(tmp_path, timeout=0.5), server.at("/a", drip)).reason


def test_too_large(server: Server, tmp_path: Path) -> None:
    url = server.at("/a", lambda h: h.reply(b"x" * 1001))
    assert "more than 1,000 bytes" in refused(Http(tmp_path, max_bytes=1000), url).reason
    assert Http(tmp_path, max_bytes=1001).get(url) == b"x" * 1001
    assert kept(tmp_path, url, 1000) is None


def test_gzip(server: Server, tmp_path: Path) -> None:
    assert (
        Http(tmp_path).get(
            server.at("/a", lambda h: h.reply(gzip.compress(b"text"), Content_Encoding="gzip"))
        )
        == b"text"
    )
    assert (
        "broke off"
        in refused(
            Http(tmp_path), server.at("/b", lambda h: h.reply(b"no gzip", Content_Encoding="gzip"))
        ).reason
    )


def test_gzip_bomb(server: Server, tmp_path: Path) -> None:
    import tracemalloc

    bomb = gzip.compress(gzip.compress(bytes(100 << 20), 1), 9)
    url = server.at("/a", lambda h: h.reply(bomb, Content_Encoding="gzip, gzip"))
    tracemalloc.start()
    try:
        assert "more than" in refused(Http(tmp_path), url).reason
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()


def test_answer_that_breaks_off(server: Server, tmp_path: Path) -> None:
    def short(handler: Handler) -> None:
        handler.reply(b"half", Content_Length="8")
        handler.close_connection = True

    def reset(handler: Handler) -> None:
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # The socket closes when its last reader does: the loop that waits for the next request must end too.
        handler.connection.close()
        handler.close_connection = True

    assert "broke off" in refused(Http(tmp_path), server.at("/a", short)).reason
    assert "cannot be reached" in refused(Http(tmp_path, retries=1), server.at("/b", reset)).reason
    assert Http(tmp_path).get(server.at("/c", in_turn(reset, lambda h: h.reply(b"ok")))) == b"ok"
    assert not [entry for entry in tmp_path.iterdir() if b"half" in entry.read_bytes()]


def test_answer_that_is_not_http(server: Server, tmp_path: Path) -> None:
    def noise(handler: Handler) -> None:
        handler.wfile.write(b"SSH-2.0-x\r\n\r\n")
        handler.close_connection = True

    refused(Http(tmp_path, retries=0), server.at("/a", noise))


def test_redirects(server: Server, tmp_path: Path) -> None:
    server.at("/end", lambda h: h.reply(b"there"))
    for count in range(5):
        server.at(
            f"/{count}", partial(Handler.reply, status=302, Location=f"/{count - 1}" if count else "/end")
        )
    base = server.at("/2", server.answers["/2"])
    assert Http(tmp_path).get(base) == b"there"
    assert "more than 3 times" in refused(Http(tmp_path), base.replace("/2", "/3")).reason


@pytest.mark.parametrize(
    "to",
    [
        "http://example.org/x",
        "ftp://127.0.0.1/x",
        "file:///etc/passwd",
        "https://user:pw@example.org/",
        "https://[x",
        "",
    ],
)
def test_redirect_refused(server: Server, tmp_path: Path, to: str) -> None:
    error = refused(Http(tmp_path), server.at("/a", lambda h: h.reply(status=301, Location=to)))
    assert "redirects" in error.reason
    assert "pw" not in error.reason


def test_redirect_to_this_machine() -> None:
    with pytest.raises(NetworkError, match="this machine"):
        address.redirected(address.allowed("https://example.org/a"), "http://127.0.0.1:8080/admin")
    assert (
        address.redirected(address.allowed("https://example.org/a/b"), "c").url == "https://example.org/a/c"
    )


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/x",
        "http://127.0.0.1.example.org/",
        "ftp://example.org",
        "x",
        "",
        "https://",
        "//h/x",
        "https://a b/",
    ],
)
def test_address_refused(tmp_path: Path, url: str) -> None:
    refused(Http(tmp_path), url)


# The second thread asks when the first one has loaded half of urllib3.
ASK_WHILE_HALF_IS_LOADED = """
import sys
from importlib.abc import MetaPathFinder
from threading import Event, Thread, get_ident

sys.path.insert(0, sys.argv[1])
from okd_gitops.system.address import allowed

class Half(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "urllib3._base_connection":
            second.start()
            second_loads_a_part.wait(1)
        elif name.startswith("urllib3.") and get_ident() == second.ident:
            second_loads_a_part.set()

def ask():
    print(allowed("https://example.org/").host)

second, second_loads_a_part = Thread(target=ask), Event()
sys.meta_path.insert(0, Half())
ask()
second.join()
print(second_loads_a_part.is_set())
"""


def test_two_threads_never_load_different_parts_of_urllib3() -> None:
    """Seen in CI: they then wait for each other, and Python ends one of them by a _DeadlockError."""
    command = [sys.executable, "-I", "-c", ASK_WHILE_HALF_IS_LOADED, str(ROOT / "generator")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    expected = ["example.org", "example.org", "False"]
    assert (done.returncode, done.stdout.split()) == (0, expected), done.stderr


def test_no_credentials_in_addresses(tmp_path: Path) -> None:
    assert "hunter2" not in str(refused(Http(tmp_path), "https://user:hunter2@example.org/x"))


@given(st.text())
def test_any_text_as_address(text: str) -> None:
    for url in (text, f"https://{text}", f"https://example.org/{text}"):
        with suppress(NetworkError):
            assert address.allowed(url).host


def test_token(server: Server, tmp_path: Path) -> None:
    url = server.at("/a", lambda h: h.reply(status=401))
    error = refused(Http(tmp_path, tokens={"127.0.0.1": "ghp_secret"}), url)
    assert server.asked[-1][1]["Authorization"] == "Bearer ghp_secret"
    assert "ghp_secret" not in f"{error} {error.reason} {error.remedy} {error.__cause__}"
    refused(Http(tmp_path, tokens={"api.github.com": "ghp_secret"}), url)
    assert "Authorization" not in server.asked[-1][1]
    moved = server.at("/b", lambda h: h.reply(status=302, Location=url.replace("127.0.0.1", "localhost")))
    refused(Http(tmp_path, tokens={"127.0.0.1": "ghp_secret"}), moved)
    assert "Authorization" not in server.asked[-1][1]
    with pytest.raises(NetworkError) as caught:
        Http(tmp_path, tokens={"127.0.0.1": "ghp_secret\n"})
    assert "ghp_secret" not in str(caught.value)


def test_a_closed_port_is_reported_as_unreachable(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert "cannot be reached" in refused(Http(tmp_path, retries=0), f"http://127.0.0.1:{port}/").reason
