"""A git server on loopback that asks for a password: the real git-http-backend(1) behind Basic
authentication.
"""

import base64
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from conftest import git


@dataclass
class GitServer:
    """A served repository, the password for it, and what was asked: (method, whether a password came,
    path). With `elsewhere` it redirects.
    """

    url: str
    token: str
    asked: list[tuple[str, bool, str]] = field(default_factory=list)
    elsewhere: str = ""


@contextmanager
def serving(repository: Path, token: str) -> Iterator[GitServer]:
    """Serve a bare repository on a free port as /okd/fleet.git."""
    backend = Path(git(repository.parent, "--exec-path").strip()) / "git-http-backend"
    wanted = "Basic " + base64.b64encode(f"x-access-token:{token}".encode()).decode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            given = self.headers.get("Authorization", "")
            path, _, query = self.path.partition("?")
            server.asked.append((self.command, bool(given), path))
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if server.elsewhere:
                self.answer(302, {"Location": server.elsewhere + self.path}, b"")
                return
            if given != wanted:
                self.answer(401, {"WWW-Authenticate": 'Basic realm="git"'}, b"")
                return
            environment = {
                "GIT_PROJECT_ROOT": str(repository),
                "GIT_HTTP_EXPORT_ALL": "1",
                "REMOTE_USER": "x-access-token",
                "REQUEST_METHOD": self.command,
                "PATH_INFO": path.removeprefix("/okd/fleet.git"),
                "QUERY_STRING": query,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            }
            made = subprocess.run(
                [str(backend)], env=environment, input=body, capture_output=True, check=True
            ).stdout
            head, _, content = made.partition(b"\r\n\r\n")
            headers = {
                name: value.strip()
                for name, _, value in (line.partition(":") for line in head.decode().splitlines())
            }
            self.answer(int(headers.pop("Status", "200").split()[0]), headers, content)

        def do_POST(self) -> None:
            self.do_GET()

        def answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        server = GitServer(f"http://127.0.0.1:{listener.server_address[1]}/okd/fleet.git", token)
        threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield server
        finally:
            listener.shutdown()
