"""A release controller with a signature store on loopback, and a fleet that follows it.

The answers have the form of openshift/release-controller (cmd/release-controller-api/http.go: apiReleaseTags,
http_upgrade_graph.go) and signatures that of containers/image ("atomic container signature"), signed with a
key made here.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from pysequoia import Tsk, sign

REPOSITORY = "registry.ci.openshift.org/origin/release-scos"


def image(version: str) -> str:
    """Return the made-up digest of a version."""
    return f"{REPOSITORY}@sha256:{sha256(version.encode()).hexdigest()}"


@dataclass
class Controller:
    """What is published. `paths` overrides answers by path: a body, or a status."""

    tags: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    images: dict[str, str] = field(default_factory=dict)
    edges: list[tuple[str, str]] = field(default_factory=list)
    conditional: list[dict[str, Any]] = field(default_factory=list)
    signatures: dict[str, bytes] = field(default_factory=dict)
    paths: dict[str, bytes | int] = field(default_factory=dict)
    url: str = ""

    def __post_init__(self) -> None:
        self.key = Tsk.generate("OKD test <test@example.org>")

    @property
    def fingerprint(self) -> str:
        """The fingerprint that a fleet pins."""
        return str(self.key.extract_certificate().fingerprint).upper()

    def public_key(self) -> bytes:
        """Return the key file."""
        return str(self.key.extract_certificate()).encode()

    def publish(
        self,
        version: str,
        stream: str = "4-scos-stable",
        *,
        phase: str = "Accepted",
        before: tuple[str, ...] = (),
        signed: bool = True,
    ) -> str:
        """Publish a release with edges to it, and return its image."""
        of = self.images.setdefault(version, image(version))
        pull = f"registry.ci.openshift.org/origin/release-scos:{version}"
        self.tags.setdefault(stream, []).insert(
            0, {"name": version, "phase": phase, "pullSpec": pull, "downloadURL": ""}
        )
        self.edges += [(start, version) for start in before]
        if signed:
            self.sign(of)
        return of

    def sign(self, of: str, *, digest: str = "", reference: str = "") -> None:
        """Sign an image, or with its digest or name exchanged."""
        repository, _, own = of.partition("@")
        critical = {"type": "atomic container signature", "image": {"docker-manifest-digest": digest or own}}
        text = json.dumps(
            {
                "critical": {**critical, "identity": {"docker-reference": reference or repository}},
                "optional": {"creator": "test"},
            }
        )
        self.signatures[own] = sign(self.key.signer(), text.encode(), armor=False)

    def answer(self, path: str) -> bytes | int:
        """Return the body for a path, or a status."""
        if path in self.paths:
            return self.paths[path]
        parts = path.strip("/").split("/")
        if parts[:3] == ["api", "v1", "releasestream"] and parts[4:] == ["tags"]:
            return (
                json.dumps({"name": parts[3], "tags": self.tags[parts[3]]}).encode()
                if parts[3] in self.tags
                else 404
            )
        if parts == ["graph"]:
            names = sorted(self.images)
            nodes = [{"version": name, "payload": self.images[name]} for name in names]
            edges = [
                [names.index(start), names.index(end)]
                for start, end in self.edges
                if start in names and end in names
            ]
            return json.dumps({"nodes": nodes, "edges": edges, "conditionalEdges": self.conditional}).encode()
        if parts[0] == "signatures" and parts[-1] == "signature-1":
            return self.signatures.get(parts[1].replace("=", ":"), 404)
        return 404

    def fleet(self) -> str:
        """Return the `releases:` of a fleet that follows this controller, with its key in keys/test.asc."""
        return f"""\
releases:
  controller: {self.url}
  graph: {self.url}/graph
  signatures:
    store: {self.url}/signatures
    keys: [keys/test.asc]
    fingerprints: [{self.fingerprint}]
  minimumAge: 0d
"""

    def follow(self, root: Path) -> None:
        """Let the fleet in `root` follow this controller."""
        fleet = root / "fleet.yaml"
        fleet.write_text(fleet.read_text().partition("releases:\n")[0] + self.fleet())
        (root / "keys").mkdir(exist_ok=True)
        (root / "keys/test.asc").write_bytes(self.public_key())


@contextmanager
def serving() -> Iterator[Controller]:
    """Serve a controller on a free port of loopback."""
    controller = Controller()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = controller.answer(self.path.partition("?")[0])
            status, body = (answer, b"") if isinstance(answer, int) else (200, answer)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        controller.url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield controller
        finally:
            server.shutdown()
