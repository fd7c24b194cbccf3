"""The multi-arch gate as a real interceptor: a process on this machine, by its own ServiceAccount, behind
a Service that leads here.
"""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import urllib3

from calls import event, listener, runs, waited
from conftest import ROOT
from examples import TOKEN
from kubectl import Kubectl
from trial import PREFIX, UNDERSTOOD, condition

NAMESPACE = f"{PREFIX}okd-coreos"
HOST = f"multi-arch-gate.{NAMESPACE}.svc"
COMMIT = "5d0cf8e3a1b24f6d9c7e80f1a2b3c4d5e6f70819"


def report(arch: str, digit: str) -> bytes:
    """Return what a build of one architecture says after its push."""
    told = {
        "key": f"4.22-next-{COMMIT}-20261121",
        "version": "4.22",
        "release-stream": "next",
        "source-commit": COMMIT,
        "arch": arch,
        "image": "quay.io/okd/stream-coreos",
        "digest": f"sha256:{digit * 64}",
        "pipelineRun": f"okd-coreos-4.22-{arch}",
    }
    return json.dumps(told).encode()


def compose(cluster: Kubectl, address: str) -> list[str]:
    """Let two architectures report, one of them twice, and who has no token too; return a line that says
    what became of it.
    """
    with (
        TemporaryDirectory() as name,
        gate(cluster, address, Path(name)) as log,
        listener(cluster, NAMESPACE, "okd-coreos-multi-arch") as url,
    ):
        proof = {"X-Okd-Token": TOKEN}
        # A report without fields is refused by the gate: so it is known that the listener has learned of the
        # gate's CA.
        until = time.monotonic() + 120
        while not decisions(log):
            if time.monotonic() > until:
                return [
                    f"REFUSED multi-arch: the gate heard of no report; its log: {log.read_text()[-1500:]}"
                ]
            event(url, json.dumps({"pipelineRun": "probe"}).encode(), proof)
            time.sleep(1)
        strangers = [event(url, report(arch, digit), {}) for arch, digit in (("amd64", "a"), ("arm64", "b"))]
        sent = []
        for number, (arch, digit) in enumerate(
            (("amd64", "a"), ("amd64", "a"), ("arm64", "b"), ("arm64", "b")), 1
        ):
            sent.append(event(url, report(arch, digit), proof))
            while len(told(log)) < number and time.monotonic() < until + 60:
                time.sleep(0.1)
        verdicts = [line["gate"] for line in told(log)]
        started = waited(cluster, NAMESPACE, sent[2])
        others = [
            run
            for identifier in (sent[0], sent[1], sent[3], *strangers)
            for run in runs(cluster, NAMESPACE, identifier)
        ]
        everything = cluster.get("pipelineruns.tekton.dev", "--namespace", NAMESPACE)
        named = [run for run in everything if "compose-manifest-list-" in run["metadata"]["name"]]
        strange = len(told(log)) - len(sent)
    fine = (
        verdicts == ["closed", "closed", "opened", "opened again"]
        and [run["metadata"]["name"] for run in started] == [run["metadata"]["name"] for run in named]
        and len(named) == 1
        and condition(named[0])[0] in UNDERSTOOD
        and strange == 0
        and not others
    )
    made = ", ".join(f"{run['metadata']['name']} {condition(run)[0]}" for run in named)
    said = f"amd64, amd64, arm64, arm64 signed: {', '.join(verdicts)}; 2 unsigned: {strange} decisions"
    line = f"multi-arch gate: {said}; {len(named)} run ({made})"
    return [line if fine else f"REFUSED {line}; others: {len(others)}"]


def decisions(log: Path) -> list[dict[str, Any]]:
    """Return what the gate said of reports."""
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    return [line for line in lines if "event" in line]


def told(log: Path) -> list[dict[str, Any]]:
    """Return what the gate said of reports that it could read."""
    return [line for line in decisions(log) if "arch" in line]


@contextmanager
def gate(cluster: Kubectl, address: str, folder: Path) -> Iterator[Path]:
    """Serve the gate until the end of the block, and give its log."""
    subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "1",
                "-subj",
                f"/CN={HOST[:64]}",
            ),
            *(
                "-addext",
                f"subjectAltName=DNS:{HOST}",
                "-keyout",
                str(folder / "tls.key"),
                "-out",
                str(folder / "tls.crt"),
            ),
        ],
        check=True,
        capture_output=True,
    )
    (folder / "kubeconfig").write_text(json.dumps(account(cluster, "multi-arch-gate")))
    port = free(address)
    cluster.make(service(address, port))
    options: dict[str, object] = {
        "arches": "amd64,arm64",
        "registry": "quay.io/okd",
        "interceptor": "multi-arch-gate",
        "namespace": NAMESPACE,
    }
    options |= {
        "listen": address,
        "port": port,
        "tls-cert": folder / "tls.crt",
        "tls-key": folder / "tls.key",
        "tls-ca": folder / "tls.crt",
    }
    command = [
        sys.executable,
        "-m",
        "okd_gitops",
        "serve",
        "gate",
        *(f"--{key}={value}" for key, value in options.items()),
    ]
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "generator"),
        "KUBECONFIG": str(folder / "kubeconfig"),
        "PYTHONWARNINGS": "ignore",
    }
    log = folder / "log"
    with log.open("wb") as stream, subprocess.Popen(command, stderr=stream, env=environment) as process:
        try:
            ready(f"https://{address}:{port}/readyz", folder / "tls.crt", log)
            yield log
        finally:
            process.terminate()


def ready(url: str, authority: Path, log: Path) -> None:
    """Ask until the gate is ready, as kubelet does: that is what publishes its CA."""
    pool = urllib3.PoolManager(
        ca_certs=str(authority), assert_hostname=HOST, server_hostname=HOST, retries=False
    )
    for _ in range(60):
        try:
            if pool.request("GET", url, timeout=5).status == 200:
                return
        except urllib3.exceptions.HTTPError:
            pass
        time.sleep(0.5)
    raise SystemExit(f"the gate is not ready: {log.read_text()[-1500:]}")


def account(cluster: Kubectl, name: str) -> dict[str, Any]:
    """Return a kubeconfig with the token of a ServiceAccount: the gate may do what its Role says and no
    more.
    """
    config = json.loads(cluster.run("config", "view", "--raw", "--minify", "--output=json").stdout)
    token = cluster.run("--namespace", NAMESPACE, "create", "token", name).stdout.strip()
    return {**config, "users": [{"name": config["contexts"][0]["context"]["user"], "user": {"token": token}}]}


def service(address: str, port: int) -> list[dict[str, Any]]:
    """Return the gate's Service without its pods: an EndpointSlice leads to this machine."""
    metadata = {"name": "multi-arch-gate", "namespace": NAMESPACE}
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata,
            "spec": {"ports": [{"name": "https", "port": 8443, "protocol": "TCP"}]},
        },
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {**metadata, "labels": {"kubernetes.io/service-name": "multi-arch-gate"}},
            "addressType": "IPv4",
            "ports": [{"name": "https", "port": port, "protocol": "TCP"}],
            "endpoints": [{"addresses": [address]}],
        },
    ]


def free(address: str) -> int:
    """Return a port that nobody uses."""
    with socket.create_server((address, 0)) as found:
        return int(found.getsockname()[1])
