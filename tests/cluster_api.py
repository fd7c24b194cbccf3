"""The API server of a cluster on loopback, by TLS with an authority of its own, as a cluster has."""

import json
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import release_controller
from cluster_state import conditions, operator, operators, pools

VERSION = "/apis/config.openshift.io/v1/clusterversions/version"
OPERATORS = "/apis/config.openshift.io/v1/clusteroperators"
POOLS = "/apis/machineconfiguration.openshift.io/v1/machineconfigpools"
ACCOUNT = "s3cret-of-the-account"


@dataclass
class Cluster:
    """What an API server answers, by path: a value, or a status. `asked` has each path and the token that
    came with it.
    """

    url: str
    folder: Path
    cluster_id: str = ""
    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)

    def runs(self, version: str, *, finished: datetime | None, **unwell: str) -> None:
        """Let it be at a version, complete or not, with an operator that is well but for `unwell`."""
        of = release_controller.image(version)
        newest = {"version": version, "image": of, "startedTime": "2026-11-21T00:00:00Z", "verified": True}
        newest |= (
            {"state": "Completed", "completionTime": f"{finished:%Y-%m-%dT%H:%M:%SZ}"}
            if finished
            else {"state": "Partial", "completionTime": None}
        )
        status = {"observedGeneration": 2, "history": [newest]}
        status["conditions"] = conditions(
            Available="True", Failing="False", Progressing="False" if finished else "True"
        )
        self.answers[VERSION] = {
            "kind": "ClusterVersion",
            "metadata": {"generation": 2},
            "spec": {"clusterID": self.cluster_id, "desiredUpdate": {"version": version, "image": of}},
            "status": status,
        }
        items = [operator("etcd", **unwell), operator("machine-config")]
        self.answers[OPERATORS] = operators(*items)
        self.answers[POOLS] = pools()


def make_authority(folder: Path) -> None:
    """Make an authority and a certificate of it for localhost, as a cluster has its own."""
    openssl = shutil.which("openssl")
    assert openssl, "openssl is needed to make a certificate"
    new = [openssl, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    made = ["-x509", "-days", "2", "-subj", "/CN=authority", "-keyout", "ca.key", "-out", "ca.crt"]
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    sign = [
        openssl,
        "x509",
        "-req",
        "-days",
        "2",
        "-in",
        "api.csr",
        "-CA",
        "ca.crt",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
        "-extfile",
        "names",
    ]
    for command in (
        [*new, *made],
        [*new, "-subj", "/CN=api", "-keyout", "api.key", "-out", "api.csr"],
        [*sign, "-out", "api.crt"],
    ):
        subprocess.run(command, cwd=folder, check=True, capture_output=True)


@contextmanager
def api(folder: Path, own: Path, *, by_certificate: bool = False) -> Iterator[Cluster]:
    """Serve a cluster's API by TLS on localhost, and give the folder of an account of it.

    With `by_certificate` it answers only who shows a certificate of its authority.
    """
    shutil.copytree(own, folder)
    (folder / "token").write_text(f"{ACCOUNT}\n")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            cluster.asked.append((self.path, self.headers.get("Authorization", "")))
            answer = cluster.answers.get(self.path, 404)
            body = (
                b"ok"
                if answer == 200
                else json.dumps(
                    answer if not isinstance(answer, int) else {"kind": "Status", "message": "no"}
                ).encode()
            )
            self.send_response(answer if isinstance(answer, int) else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "api.crt", folder / "api.key")
        if by_certificate:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(folder / "ca.crt")
        server.socket = context.wrap_socket(server.socket, server_side=True)
        cluster = Cluster(f"https://localhost:{server.server_address[1]}", folder, answers={"/readyz": 200})
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield cluster
        finally:
            server.shutdown()
