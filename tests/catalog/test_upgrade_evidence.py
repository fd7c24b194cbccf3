"""upgrade-evidence, rendered; its script runs with the real tool.

On loopback answer an API server, whose certificate is by an authority of its own, and a git remote that
requires the token.
"""

import json
import re
import shutil
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import git_server
import release_controller
from cluster_state import conditions, operator
from conftest import ROOT, git
from frozen import CLOCK
from okd_gitops.evidence.report import Evidence
from okd_gitops.finding import FindingsError
from okd_gitops.fleet.feature import load_catalog
from okd_gitops.manifests.model import parse
from okd_gitops.manifests.read import read
from okd_gitops.system.disk import read_catalog
from release_fleet import NEW, OLD, PUSH, PUSH_ON, Fleet, wave
from rendered import invalid, objects, of_kind
from script_checks import shellchecked

Object = dict[str, Any]
IMAGE = "registry.example.org/okd-gitops@sha256:" + "c" * 64
PLAIN = f"  upgrade-evidence:\n    image: {IMAGE}\n"
FULL = (
    PLAIN
    + "    patience: 90m\n    schedule: 7 * * * *\n    tests: [console=https://console.openshift-console.svc/health]\n"
)
CONFIG = "/apis/config.openshift.io/v1"
TOKEN, ACCOUNT = "s3cret-of-git", "s3cret-of-the-account"


@pytest.fixture(scope="module")
def okd() -> tuple[Object, ...]:
    return tuple(
        value
        for value in objects("okd", FULL)
        if value["metadata"]["name"] in ("upgrade-evidence", "okd-gitops")
    )


def pod(values: tuple[Object, ...]) -> Object:
    spec = of_kind(values, "CronJob")["upgrade-evidence"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert isinstance(spec, dict)
    return spec


def env(values: tuple[Object, ...]) -> dict[str, str]:
    return {item["name"]: item["value"] for item in pod(values)["containers"][0]["env"]}


def test_it_fits_its_schemas_and_knows_its_cluster_and_its_fleet(okd: tuple[Object, ...]) -> None:
    assert invalid(okd) == []
    assert {value["kind"] for value in okd} == {
        "Namespace",
        "ServiceAccount",
        "ClusterRole",
        "ClusterRoleBinding",
        "CronJob",
    }
    given = env(okd)
    assert (given["CLUSTER"], given["REPOSITORY"], given["REVISION"], given["PATIENCE"]) == (
        "x",
        "https://git.example.org/fleet.git",
        "main",
        "90m",
    )
    (container,) = pod(okd)["containers"]
    assert (container["image"], container["args"]) == (
        IMAGE,
        ["console=https://console.openshift-console.svc/health"],
    )
    assert of_kind(okd, "CronJob")["upgrade-evidence"]["spec"]["schedule"] == "7 * * * *"
    assert (pod(objects("okd", PLAIN))["containers"][0]["args"], env(objects("okd", PLAIN))["PATIENCE"]) == (
        [],
        "4h",
    )


@pytest.mark.parametrize(
    "text",
    [
        PLAIN + "    patience: 0h\n",
        PLAIN + "    tests: [x=https://example.org/]\n",
        PLAIN + "    tests: [a]\n",
    ],
)
def test_bounds_and_tests_have_a_form(text: str) -> None:
    with pytest.raises(FindingsError) as error:
        objects("okd", text)
    assert [finding.name for finding in error.value.findings] == ["invalid-value"]


def test_it_is_for_okd_alone() -> None:
    with pytest.raises(FindingsError) as error:
        objects("kubernetes", PLAIN)
    assert "unsuitable-feature" in {finding.name for finding in error.value.findings}


def test_its_account_may_only_read_the_state_of_the_cluster(okd: tuple[Object, ...]) -> None:
    (role,) = of_kind(okd, "ClusterRole").values()
    group = {"apiGroups": ["config.openshift.io"]}
    assert role["rules"] == [
        {**group, "resources": ["clusterversions"], "resourceNames": ["version"], "verbs": ["get"]},
        {**group, "resources": ["clusteroperators"], "verbs": ["list"]},
    ]
    (binding,) = of_kind(okd, "ClusterRoleBinding").values()
    assert binding["subjects"] == [
        {"kind": "ServiceAccount", "name": pod(okd)["serviceAccountName"], "namespace": "okd-gitops"}
    ]


def test_the_cronjob_keeps_limits_and_a_drained_node_is_no_failure(okd: tuple[Object, ...]) -> None:
    spec = of_kind(okd, "CronJob")["upgrade-evidence"]["spec"]
    assert spec["concurrencyPolicy"] == "Forbid"
    assert {"startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"} <= spec.keys()
    assert "timeZone" not in spec
    job = spec["jobTemplate"]["spec"]
    assert job["podFailurePolicy"]["rules"] == [
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    ]
    assert pod(okd)["securityContext"]["runAsNonRoot"]
    assert pod(okd)["containers"][0]["securityContext"]["readOnlyRootFilesystem"]


def test_the_token_is_a_file_from_a_secret_of_the_table(okd: tuple[Object, ...]) -> None:
    table = load_catalog(read_catalog()).features["upgrade-evidence"].spec.secrets
    assert (
        set(re.findall(r'"secretName": "([a-z-]+)"', json.dumps(okd)))
        == set(table)
        == {"upgrade-evidence-git"}
    )
    assert (table["upgrade-evidence-git"].namespace, table["upgrade-evidence-git"].keys) == (
        "okd-gitops",
        ("token",),
    )
    assert "secretKeyRef" not in json.dumps(okd)


def script(values: tuple[Object, ...]) -> list[str]:
    (container,) = pod(values)["containers"]
    assert container["command"][:4] == ["/usr/bin/env", "bash", "-euo", "pipefail"]
    return [*container["command"], *container["args"]]


def test_the_script_is_shellcheck_clean_and_uses_only_what_it_is_given(okd: tuple[Object, ...]) -> None:
    text = script(okd)[5]
    done = shellchecked(f"set -euo pipefail\n{text}", "--shell=bash")
    assert done.returncode == 0, done.stdout
    assert set(re.findall(r"\$\{([A-Z_]+)", text)) == {"CLUSTER", "REPOSITORY", "REVISION", "PATIENCE"}


@dataclass
class Cluster:
    """What an API server answers, by path: a value, or a status. `asked` has each path and the token that
    came with it.
    """

    url: str
    folder: Path
    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)

    def runs(self, version: str, *, finished: datetime | None, **operators: str) -> None:
        """Let it be at a version, complete or not, with an operator that is well but for `operators`."""
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
        self.answers[f"{CONFIG}/clusterversions/version"] = {
            "kind": "ClusterVersion",
            "metadata": {"generation": 2},
            "status": status,
        }
        items = [operator("etcd", **operators), operator("machine-config")]
        self.answers[f"{CONFIG}/clusteroperators"] = {
            "kind": "ClusterOperatorList",
            "metadata": {},
            "items": items,
        }


def authority(folder: Path) -> None:
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


@pytest.fixture(scope="module")
def authorities(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two of them: the cluster's, and one that has nothing to do with it."""
    made = tmp_path_factory.mktemp("own"), tmp_path_factory.mktemp("other")
    for folder in made:
        authority(folder)
    return made


@contextmanager
def api(folder: Path, own: Path) -> Iterator[Cluster]:
    """Serve a cluster's API by TLS on localhost, and give the folder of an account of it."""
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
        server.socket = context.wrap_socket(server.socket, server_side=True)
        cluster = Cluster(f"https://localhost:{server.server_address[1]}", folder, {"/readyz": 200})
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield cluster
        finally:
            server.shutdown()


@dataclass
class Job:
    """Runs the container of the CronJob as a pod of `cluster` would."""

    values: tuple[Object, ...]
    folder: Path
    cluster: Cluster
    repository: str
    name: str = "canary"
    tests: tuple[str, ...] = ()

    def run(self, *, at: str = "") -> subprocess.CompletedProcess[str]:
        """Run it once, in an empty /fleet-work."""
        for name in ("work", "bin", "git", "cache"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
            (self.folder / name).mkdir(parents=True)
        (self.folder / "git/token").write_text(f"{TOKEN}\n")
        (self.folder / "bin/okd-gitops").write_text(
            f'#!/bin/sh\nexec "{sys.executable}" -m okd_gitops "$@"\n'
        )
        (self.folder / "bin/okd-gitops").chmod(0o755)
        given = {**env(self.values), "CLUSTER": self.name, "REPOSITORY": self.repository, "PATIENCE": "4h"}
        given = {
            name: self.text(value.replace("$(REPOSITORY)", self.repository)) for name, value in given.items()
        }
        given |= {
            "PATH": f"{self.folder}/bin:/usr/bin:/bin",
            "PYTHONPATH": str(ROOT / "generator"),
            "OKD_GITOPS_CACHE": str(self.folder / "cache"),
        }
        given |= {**CLOCK, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
        # In a cluster both are the defaults; the script says neither.
        given |= {
            "OKD_GITOPS_RELEASE_OBSERVE_API": self.cluster.url,
            "OKD_GITOPS_RELEASE_OBSERVE_ACCOUNT": str(self.cluster.folder),
        }
        given |= {"OKD_GITOPS_RELEASE_OBSERVE_AT": at} if at else {}
        command = [
            self.text(part) for part in script(self.values)[: -len(pod(self.values)["containers"][0]["args"])]
        ]
        return subprocess.run(
            [*command, *self.tests], env=given, cwd=self.folder, capture_output=True, text=True, check=False
        )

    def text(self, value: str) -> str:
        """Put this pod's folders in the place of the real ones."""
        return value.replace("/var/run/upgrade-evidence-git", str(self.folder / "git")).replace(
            "/fleet-work", str(self.folder / "work")
        )


@dataclass
class Bench:
    """A fleet whose first wave has a new release in git, the API of one of its clusters, and the Job
    there.
    """

    fleet: Fleet
    cluster: Cluster
    job: Job

    def reports(self) -> dict[str, Evidence]:
        """Return what is on the remote."""
        names = git(
            self.fleet.root,
            "--git-dir",
            str(self.fleet.remote),
            "ls-tree",
            "-r",
            "--name-only",
            "main",
            "evidence",
        ).split()
        shown = {
            name: git(self.fleet.root, "--git-dir", str(self.fleet.remote), "show", f"main:{name}")
            for name in names
        }
        return {name: parse(Evidence, read(name, text.encode())) for name, text in shown.items()}


@pytest.fixture
def bench(okd: tuple[Object, ...], authorities: tuple[Path, Path], tmp_path: Path) -> Iterator[Bench]:
    with release_controller.serving() as controller, api(tmp_path / "api", authorities[0]) as cluster:
        shutil.copy(authorities[1] / "ca.crt", cluster.folder / "other.crt")
        controller.publish(OLD)
        fleet = Fleet(tmp_path, controller)
        controller.publish(NEW, before=(OLD,))
        fleet.merge(fleet.run(PUSH).branches[0].name)
        with git_server.serving(fleet.remote, TOKEN) as remote:
            yield Bench(fleet, cluster, Job(okd, tmp_path / "job", cluster, remote.url))


PATH = f"evidence/canary/{NEW}.yaml"


def test_a_cluster_reports_once_when_it_is_complete_and_well_and_the_next_wave_starts(bench: Bench) -> None:
    finished = bench.fleet.now - timedelta(days=4)
    bench.cluster.runs(OLD, finished=finished)
    assert "the newest update of the cluster is" in bench.job.run().stdout
    bench.cluster.runs(NEW, finished=None)
    done = bench.job.run()
    assert (done.returncode, done.stdout, bench.reports()) == (0, f"canary: {NEW} is under way\n", {})
    bench.cluster.runs(NEW, finished=finished)
    done = bench.job.run()
    assert done.returncode == 0, done.stderr
    assert f"{PATH}: recorded, pushed as " in done.stdout
    (report,) = bench.reports().values()
    assert (report.passed, report.finished, report.operators, report.tests) == (
        True,
        finished,
        "healthy",
        {"api-ready": "passed"},
    )
    assert (report.image, report.path) == (release_controller.image(NEW), PATH)
    assert (
        git(bench.fleet.root, "--git-dir", str(bench.fleet.remote), "log", "-1", "--format=%s", "main")
        == f"evidence(canary): {NEW} passed\n"
    )
    tip = git(bench.fleet.root, "ls-remote", "origin", "main")
    assert f"{PATH}: already recorded" in bench.job.run().stdout
    assert git(bench.fleet.root, "ls-remote", "origin", "main") == tip
    # The other cluster of the wave, by itself: then the wave has soaked, by the clusters' own clocks.
    bench.job.name = "probe"
    assert bench.job.run().returncode == 0
    (branch,) = bench.fleet.run(PUSH_ON).branches
    assert branch.name == wave(NEW, 3)


def test_the_token_of_the_account_goes_to_the_api_alone_and_nothing_secret_is_printed(bench: Bench) -> None:
    bench.cluster.runs(NEW, finished=bench.fleet.now - timedelta(hours=1))
    done = bench.job.run()
    assert dict(bench.cluster.asked) == {
        f"{CONFIG}/clusterversions/version": f"Bearer {ACCOUNT}",
        f"{CONFIG}/clusteroperators": f"Bearer {ACCOUNT}",
        "/readyz": f"Bearer {ACCOUNT}",
    }
    kept = b"".join(path.read_bytes() for path in (bench.job.folder / "work").rglob("*") if path.is_file())
    assert "s3cret" not in f"{done.stdout}{done.stderr}{kept!r}"


@pytest.mark.clock
def test_an_operator_that_stays_degraded_fails_the_release_for_the_whole_fleet(bench: Bench) -> None:
    finished = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    bench.cluster.runs(NEW, finished=finished, Degraded="True")
    done = bench.job.run()
    assert (done.returncode, bench.reports()) == (0, {})
    assert "but operator etcd is not Degraded=False" in done.stdout
    assert bench.job.run(at=f"{finished + timedelta(hours=4, seconds=1):%Y-%m-%dT%H:%M:%SZ}").returncode == 0
    report = bench.reports()[PATH]
    assert (report.passed, report.operators) == (False, "degraded")
    git(bench.fleet.root, "pull", "-q", "--ff-only", "origin", "main")
    bench.fleet.now += timedelta(days=9)
    assert bench.fleet.codes()["prod"] == "earlier-wave-failed"


def test_a_cluster_that_passed_and_is_not_well_now_fails_its_job_and_nothing_is_rewritten(
    bench: Bench,
) -> None:
    bench.cluster.runs(NEW, finished=bench.fleet.now - timedelta(hours=5))
    assert bench.job.run().returncode == 0
    before = bench.reports()
    bench.cluster.runs(NEW, finished=bench.fleet.now - timedelta(hours=5), Available="False")
    done = bench.job.run()
    assert done.returncode == 1
    assert "no-longer-healthy" in done.stderr
    assert "operator etcd is not Available=True" in done.stderr
    # Nodes that restart are not a fault.
    bench.cluster.runs(
        NEW, finished=bench.fleet.now - timedelta(hours=5), Available="False", Progressing="True"
    )
    assert bench.job.run().returncode == 0
    assert bench.reports() == before


def test_tests_of_services_count(bench: Bench) -> None:
    finished = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=5)
    bench.cluster.runs(NEW, finished=finished)
    bench.cluster.answers["/health"] = 200
    bench.job.tests = (f"console={bench.cluster.url}/health", f"shop={bench.cluster.url}/none")
    assert bench.job.run().returncode == 0
    report = bench.reports()[PATH]
    assert (report.passed, report.operators) == (False, "healthy")
    assert report.tests == {"api-ready": "passed", "console": "passed", "shop": "failed"}


def test_services_have_an_authority_of_their_own_and_see_no_token(
    bench: Bench, authorities: tuple[Path, Path], tmp_path: Path
) -> None:
    bench.cluster.runs(NEW, finished=bench.fleet.now - timedelta(hours=1))
    with api(tmp_path / "service", authorities[1]) as service:
        bench.job.tests = (f"console={service.url.replace('localhost', '127.0.0.1')}/readyz",)
        assert "but test console failed" in bench.job.run().stdout
        # As OpenShift mounts it beside the authority of the API server.
        (bench.cluster.folder / "other.crt").replace(bench.cluster.folder / "service-ca.crt")
        assert bench.job.run().returncode == 0
        assert service.asked == [("/readyz", "")]
    assert bench.reports()[PATH].tests == {"api-ready": "passed", "console": "passed"}


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (lambda b: b.cluster.answers.clear(), 6, "answers with status 404"),
        (
            lambda b: b.cluster.answers.update({f"{CONFIG}/clusteroperators": 403}),
            6,
            "the token may not do this",
        ),
        (
            lambda b: (b.cluster.folder / "other.crt").replace(b.cluster.folder / "ca.crt"),
            6,
            "cannot be reached: SSL",
        ),
        (lambda b: (b.cluster.folder / "token").unlink(), 2, "there is no service account"),
        (lambda b: setattr(b.job, "name", "canari"), 2, 'did you mean "canary"?'),
        (lambda b: setattr(b.job, "tests", ("console",)), 2, "is not a test"),
    ],
    ids=["no such path", "forbidden", "another authority", "no account", "no cluster", "no address"],
)
def test_an_unanswered_request_fails_the_job_without_a_report(
    bench: Bench, change: Any, code: int, words: str
) -> None:
    bench.cluster.runs(NEW, finished=bench.fleet.now - timedelta(hours=1))
    change(bench)
    done = bench.job.run()
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert "s3cret" not in done.stderr
    assert bench.reports() == {}
