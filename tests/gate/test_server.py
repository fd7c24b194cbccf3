"""The gate over real TLS, as Tekton Triggers speaks to it (tektoncd/triggers v0.35.0,
pkg/interceptors/interceptors.go), and as a process.
"""

import base64
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

import pytest
import yaml

from build_reports import NOW, report, text
from configmaps import NAMESPACE, Api, serving
from conftest import ROOT, Run
from okd_gitops.errors import ToolError, UsageError
from okd_gitops.gate import server as interceptor
from okd_gitops.gate.certificates import Certificates
from okd_gitops.gate.decide import Expectation
from okd_gitops.gate.server import MAX_BYTES, GateServer
from okd_gitops.gate.store import Ledger
from programs import program

TOKEN = "s3cret-token"
EXPECTED = Expectation(("amd64", "arm64"), timedelta(hours=24), "quay.io/okd")


def certificate(folder: Path, name: str = "multi-arch-gate.okd-coreos.svc") -> Path:
    """Make a certificate that signs itself."""
    new = [
        program("openssl"),
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
        "-subj",
        f"/CN={name}",
    ]
    names = ["-addext", f"subjectAltName=DNS:{name},IP:127.0.0.1"]
    subprocess.run(
        [*new, *names, "-keyout", str(folder / "tls.key"), "-out", str(folder / "tls.crt")],
        check=True,
        capture_output=True,
    )
    return folder


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def api() -> Iterator[Api]:
    with serving() as server:
        server.interceptors["multi-arch-gate"] = {
            "metadata": {"name": "multi-arch-gate", "labels": {"app.kubernetes.io/part-of": "multi-arch"}},
            "spec": {
                "clientConfig": {"service": {"name": "multi-arch-gate", "namespace": NAMESPACE, "port": 8443}}
            },
        }
        yield server


@contextmanager
def running(api: Api, tls: Path, expected: Expectation = EXPECTED) -> Iterator[GateServer]:
    trust = Certificates(tls / "tls.crt", tls / "tls.key", [tls / "none", tls / "tls.crt"])
    ledger = Ledger(api.client(), NAMESPACE)
    server = GateServer(
        ("127.0.0.1", 0), trust, ledger, expected, interceptor="multi-arch-gate", clock=lambda: NOW
    )
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def gate(api: Api, tls: Path) -> Iterator[GateServer]:
    with running(api, tls) as server:
        yield server


def event(body: str, event_id: str = "5f0c-77") -> bytes:
    """Return an InterceptorRequest as the EventListener writes it: with the token in the headers, as the
    sender gave it.
    """
    context = {
        "event_url": "/",
        "event_id": event_id,
        "trigger_id": "namespaces/okd-coreos/triggers/compose-manifest-list",
    }
    headers = {"Content-Type": ["application/json"], "X-Okd-Token": [TOKEN]}
    return json.dumps(
        {"body": body, "header": headers, "extensions": {}, "interceptor_params": {}, "context": context}
    ).encode()


def ask(
    port: int, tls: Path, body: bytes | None, path: str = "/", headers: dict[str, str] | None = None
) -> tuple[int, Any]:
    trusted = ssl.create_default_context(cafile=str(tls / "tls.crt"))
    connection = HTTPSConnection("127.0.0.1", port, context=trusted, timeout=60)
    try:
        connection.request("GET" if body is None else "POST", path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def eventually(action: Callable[[], Any]) -> Any:
    """Do it again until it succeeds: the other side takes its own time. The limit of a test is the limit
    here.
    """
    while True:
        try:
            return action()
        except OSError:
            time.sleep(0.05)


def refuses(port: int) -> None:
    """Raise OSError while the port still takes connections."""
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return
    raise OSError("it is still open")


def test_a_set_of_reports_opens_once(gate: GateServer, tls: Path, capfd: pytest.CaptureFixture[str]) -> None:
    answers = [ask(gate.server_port, tls, event(text(arch))) for arch in ("arm64", "arm64", "amd64", "arm64")]
    assert [status for status, _ in answers] == [200] * 4
    waiting = {"code": 9, "message": "waiting for amd64 until 2026-11-22 08:00 UTC"}
    assert answers[0][1] == {"continue": False, "status": waiting} == answers[1][1]
    opened = answers[2][1]
    assert (opened["continue"], opened["status"]) == (True, {"code": 0, "message": "complete: amd64, arm64"})
    assert [image["image"] for image in opened["extensions"]["images"]] == [
        f"quay.io/okd/stream-coreos@sha256:{1:064x}"
    ] * 2
    assert answers[3][1]["continue"] is False
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert [line["gate"] for line in lines] == ["closed", "closed", "opened", "closed"]
    assert lines[2] | {"event": "5f0c-77", "arch": "amd64", "run": "okd-coreos-4.22-x7k2p"} == lines[2]
    assert TOKEN not in str(lines)


@pytest.mark.parametrize(
    "body", ["", "{}", "[]", "null", text(arch="x86_64"), text(key="latest"), text() + " x", "\ud800"]
)
def test_what_is_no_report_is_a_decision_too(
    gate: GateServer, api: Api, tls: Path, body: str, capfd: pytest.CaptureFixture[str]
) -> None:
    status, answer = ask(gate.server_port, tls, event(body))
    if body == "\ud800":
        assert status == 400
        return
    assert (status, answer["continue"], answer["status"]["code"]) == (200, False, 3)
    assert answer["status"]["message"]
    assert api.maps == {}
    assert json.loads(capfd.readouterr().err)["gate"] == "refused"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"body": 7}', b"\xff", b"[" * 5000])
def test_what_is_no_interceptor_request_is_an_error(gate: GateServer, tls: Path, body: bytes) -> None:
    assert ask(gate.server_port, tls, body)[0] == 400


def test_requests_have_a_length_and_it_is_limited(gate: GateServer, api: Api, tls: Path) -> None:
    assert ask(gate.server_port, tls, b"", headers={"Content-Length": str(MAX_BYTES + 1)})[0] == 413
    assert ask(gate.server_port, tls, b"", headers={"Content-Length": "-1"})[0] == 411
    assert ask(gate.server_port, tls, b"", headers={"Content-Length": "1" * 5000})[0] == 413
    assert ask(gate.server_port, tls, None, "/sets")[0] == 404
    assert api.log == []


def test_an_undecided_report_is_no_answer_of_200(
    gate: GateServer, api: Api, tls: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    api.before = lambda method, _path: 500 if method == "POST" else None
    status, answer = ask(gate.server_port, tls, event(text()))
    assert status == 503
    assert "continue" not in answer
    assert json.loads(capfd.readouterr().err)["gate"] == "undecided"


def test_readiness_lets_event_listeners_trust_the_gate_once(gate: GateServer, api: Api, tls: Path) -> None:
    assert ask(gate.server_port, tls, None, "/healthz") == (200, {"status": "ok"})
    assert api.log == []
    assert [ask(gate.server_port, tls, None, "/readyz")[0] for _ in range(2)] == [200, 200]
    held = api.interceptors["multi-arch-gate"]
    assert base64.b64decode(held["spec"]["clientConfig"]["caBundle"]) == (tls / "tls.crt").read_bytes()
    assert held["metadata"]["labels"] == {"app.kubernetes.io/part-of": "multi-arch", "server/type": "https"}
    assert held["spec"]["clientConfig"]["service"]["port"] == 8443
    assert api.log == ["GET multi-arch-gate", "PATCH multi-arch-gate", "GET multi-arch-gate"]
    api.before = lambda _method, _path: 403
    status, answer = ask(gate.server_port, tls, None, "/readyz")
    assert (status, answer["status"]) == (503, "the API answers 403 Forbidden")


def test_an_unsigned_bundle_is_never_published(api: Api, tls: Path, tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text("-----BEGIN NOTHING-----\n")
    trust = Certificates(tls / "tls.crt", tls / "tls.key", [tmp_path / "ca.crt"])
    with pytest.raises(ToolError, match="is no certificate"):
        trust.bundle()
    assert api.log == []
    with pytest.raises(ToolError, match="is not there"):
        Certificates(tls / "tls.crt", tls / "tls.key", [tmp_path / "none"]).bundle()
    assert Certificates(tls / "tls.crt", tls / "tls.key").bundle() == ""


def test_a_new_certificate_is_served_without_a_restart(api: Api, tmp_path: Path) -> None:
    certificate(tmp_path, "old.okd-coreos.svc")
    with running(api, tmp_path) as server:
        assert ask(server.server_port, tmp_path, None, "/healthz")[0] == 200
        (tmp_path / "tls.crt").write_text("half of a file")
        old = ssl.get_server_certificate(("127.0.0.1", server.server_port))
        certificate(tmp_path, "new.okd-coreos.svc")
        assert ask(server.server_port, tmp_path, None, "/healthz")[0] == 200
        assert ssl.get_server_certificate(("127.0.0.1", server.server_port)) != old


def test_plain_http_old_tls_and_silent_clients_disturb_nobody(
    gate: GateServer, tls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody is let go while this lasts.
    monkeypatch.setattr(interceptor, "_SECONDS", 3600)
    with ExitStack() as silent:
        for _ in range(5):
            silent.enter_context(socket.create_connection(("127.0.0.1", gate.server_port)))
        _disturb(gate.server_port)
        assert ask(gate.server_port, tls, None, "/healthz")[0] == 200


def _disturb(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as plain:
        plain.sendall(b"GET /healthz HTTP/1.1\r\n\r\n")
        answer = b""
        with suppress(ConnectionResetError):
            answer = plain.recv(100)
        assert b"HTTP" not in answer
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", port)) as raw, pytest.raises((ssl.SSLError, OSError)):
        old.wrap_socket(raw)


def test_a_connection_does_not_last(api: Api, tls: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interceptor, "_LONGEST", 0.2)
    # What each single read may take ends nothing here.
    monkeypatch.setattr(interceptor, "_SECONDS", 3600)
    monkeypatch.setattr(interceptor._Handler, "timeout", 3600)
    trusted = ssl.create_default_context(cafile=str(tls / "tls.crt"))
    with ExitStack() as stack:
        server = stack.enter_context(running(api, tls))
        raw = stack.enter_context(socket.create_connection(("127.0.0.1", server.server_port)))
        slow = stack.enter_context(trusted.wrap_socket(raw, server_hostname="127.0.0.1"))
        slow.sendall(b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n")
        assert slow.recv(1) == b""


def test_too_many_connections_are_turned_away(api: Api, tls: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interceptor, "MAX_CONNECTIONS", 2)
    with running(api, tls) as server:
        held = [socket.create_connection(("127.0.0.1", server.server_port)) for _ in range(2)]
        with pytest.raises(OSError, match=r"EOF|reset|closed"):
            ask(server.server_port, tls, None, "/healthz")
        for each in held:
            each.close()
        assert eventually(lambda: ask(server.server_port, tls, None, "/healthz"))[0] == 200


# The process.


@pytest.fixture
def kubeconfig(api: Api, tmp_path: Path) -> Path:
    named = {
        "clusters": [{"name": "x", "cluster": {"server": api.url}}],
        "users": [{"name": "x", "user": {}}],
    }
    contexts = [{"name": "x", "context": {"cluster": "x", "user": "x"}}]
    path = tmp_path / "kubeconfig"
    path.write_text(
        yaml.safe_dump(
            {"apiVersion": "v1", "kind": "Config", "current-context": "x", **named, "contexts": contexts}
        )
    )
    return path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_a_stop_answers_what_has_arrived_and_is_exit_0(api: Api, tls: Path, kubeconfig: Path) -> None:
    port, asked, answer = free_port(), threading.Event(), threading.Event()

    def before(method: str, _path: str) -> int | None:
        if method == "POST":
            asked.set()
            answer.wait()
        return None

    api.before = before
    files = ["--tls-cert", str(tls / "tls.crt"), "--tls-key", str(tls / "tls.key")]
    command = [
        sys.executable,
        "-m",
        "okd_gitops",
        "serve",
        "gate",
        *files,
        "--arches",
        "amd64,arm64",
        "--namespace",
        NAMESPACE,
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "generator"), "KUBECONFIG": str(kubeconfig)}
    process = subprocess.Popen(
        [*command, "--listen", "127.0.0.1", "--port", str(port)], env=environment, stderr=-1, text=True
    )
    try:
        assert process.stderr
        assert json.loads(process.stderr.readline())["gate"] == "serving"
        answers: list[tuple[int, Any]] = []
        client = threading.Thread(target=lambda: answers.append(ask(port, tls, event(text()))))
        client.start()
        assert asked.wait(60)
        process.send_signal(signal.SIGTERM)
        # The answer comes after the stop began: the port is closed by then.
        eventually(lambda: refuses(port))
        answer.set()
        client.join()
        assert process.wait() == 0
        assert answers[0][0] == 200
        assert [json.loads(line)["gate"] for line in process.stderr] == ["closed", "stopped"]
    finally:
        answer.set()
        process.kill()
        process.wait()
        process.stderr.close()  # type: ignore[union-attr]


def test_a_sweep_names_what_expired_once_and_exits_1(api: Api, kubeconfig: Path, okd_gitops: Run) -> None:
    ledger = Ledger(api.client(), NAMESPACE)
    ledger.record(report("arm64"), EXPECTED, NOW - timedelta(days=300))
    sweep = ("serve", "gate", "--sweep", "--namespace", NAMESPACE)
    first = okd_gitops(*sweep, KUBECONFIG=str(kubeconfig))
    assert (first.returncode, first.stderr) == (1, "")
    assert first.stdout.startswith(f"expired: {report().key} quay.io/okd/stream-coreos: amd64 missing since")
    assert first.stdout.endswith("here: arm64 (okd-coreos-4.22-x7k2p)\n")
    again = okd_gitops(*sweep, "--output", "json", KUBECONFIG=str(kubeconfig))
    assert (again.returncode, json.loads(again.stdout)["expired"]) == (0, [])


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ((), 2, "--arches, --tls-cert and --tls-key are required"),
        (("--arches", "amd64"), 2, "two or more"),
        (("--arches", "amd64,amd64"), 2, "two or more"),
        (("--arches", "x86_64,arm64"), 2, "GOARCH"),
        (("--arches", "amd64,arm64", "--expire", "soon"), 2, "24h"),
        (("--arches", "amd64,arm64", "--expire", "0h"), 2, "24h"),
        (("--arches", "amd64,arm64", "--port", "0"), 2, "--port"),
        (("--arches", "amd64,arm64"), 4, "cannot be read"),
    ],
)
def test_wrong_options_and_missing_files_have_their_exit_codes(
    okd_gitops: Run, arguments: tuple[str, ...], code: int, says: str
) -> None:
    files = ("--tls-cert", "/nonexistent/tls.crt", "--tls-key", "/nonexistent/tls.key") if arguments else ()
    result = okd_gitops("serve", "gate", "--namespace", NAMESPACE, *files, *arguments)
    assert (result.returncode, says in result.stderr) == (code, True), result.stderr
    assert "Traceback" not in result.stderr


def test_without_a_cluster_it_says_so(okd_gitops: Run, tmp_path: Path) -> None:
    result = okd_gitops("serve", "gate", "--sweep", "--namespace", "x", KUBECONFIG=str(tmp_path / "none"))
    assert (result.returncode, "there is no cluster to ask" in result.stderr) == (4, True), result.stderr


def test_the_namespace_is_the_pods_own() -> None:
    from okd_gitops.cli.serve import own_namespace

    with pytest.raises(UsageError, match="outside of a pod"):
        own_namespace()
