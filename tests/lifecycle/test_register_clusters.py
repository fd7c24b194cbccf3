"""cluster register against an API server on loopback: what it asks, what it changes, and what it never shows.

No kube-apiserver can run here: the stand-in keeps objects by path, and refuses as the real one does a create
of what exists, an update of another version and a deletion of another object of that name (409). Its paths
are those of the API conventions of Kubernetes.
"""

import base64
import json
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from cluster_state import pool, pools
from conftest import CACHE, ROOT
from hive_objects import SERVER, deployment, kubeconfig
from hypershift_objects import SERVER as HOSTED_SERVER
from hypershift_objects import hosted_cluster
from okd_gitops.evidence.noted_guest import (
    GUEST,
    NOT_READ,
    Conformance,
    Noted,
    completed_update,
    noted_of,
)
from okd_gitops.evidence.pools import Pools
from okd_gitops.lifecycle.guest import Guest, Told
from okd_gitops.lifecycle.register_clusters import register_clusters
from okd_gitops.system.address import NetworkError
from okd_gitops.system.http import Http
from okd_gitops.system.hub import Hub

NOW = datetime(2026, 12, 1, tzinfo=UTC)
SECRETS = "/api/v1/namespaces/argocd/secrets"
HIVE = "/apis/hive.openshift.io/v1"
HYPERSHIFT = "/apis/hypershift.openshift.io/v1beta1"


class Api:
    """The objects of the hub, and every request that changed something."""

    def __init__(self, server: HTTPServer) -> None:
        self.deployments = {"trial": deployment()}
        self.hosted: dict[str, dict[str, Any]] = {}
        # What the hub does not have is not found, as the API server answers for a group of no CRD.
        self.without: set[str] = {HYPERSHIFT}
        self.secrets: dict[str, dict[str, Any]] = {}
        self.changes: list[tuple[str, str]] = []
        self.asked: set[tuple[str, str]] = set()
        server.expect_request("/", method="GET")
        server.expect_request(re.compile("/.*")).respond_with_handler(self.answer)

    def answer(self, request: Request) -> Response:
        self.asked.add((request.method, request.path))
        if request.method != "GET":
            self.changes.append((request.method, request.path))
        code, body = self.answered(request.method, request.path, request.get_json(silent=True) or {})
        return Response(json.dumps(body), code, content_type="application/json")

    def answered(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if any(path.startswith(group) for group in self.without):
            return 404, {"message": "the server could not find the requested resource"}
        lists = {
            f"{HIVE}/clusterdeployments": self.deployments,
            f"{HYPERSHIFT}/hostedclusters": self.hosted,
            SECRETS: self.secrets,
        }
        if method == "GET" and path in lists:
            return 200, {"items": list(lists[path].values())}
        if path == SECRETS:
            name = body["metadata"]["name"]
            if name in self.secrets:
                return 409, {"message": "already exists"}
            self.secrets[name] = self.stored(body, "1")
            return 201, self.secrets[name]
        name = path.rpartition("/")[2]
        if path.startswith(f"{SECRETS}/"):
            return self.secret(method, name, body)
        if path.endswith("/trial-0-abc-admin-kubeconfig"):
            return 200, kubeconfig()
        if path == "/api/v1/namespaces/ephemeral-guest/secrets/guest-admin-kubeconfig":
            return 200, kubeconfig(HOSTED_SERVER)
        if method == "PUT" and path == f"{HIVE}/namespaces/ephemeral-trial/clusterdeployments/trial":
            self.deployments["trial"] = body
            return 200, body
        if method == "DELETE":
            objects = self.hosted if path.startswith(HYPERSHIFT) else self.deployments
            return self.deleted(objects, name, body)
        return 404, {"message": "not found"}

    def secret(self, method: str, name: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if name not in self.secrets:
            return 404, {"message": "not found"}
        if method == "DELETE":
            return self.deleted(self.secrets, name, body)
        version = self.secrets[name]["metadata"]["resourceVersion"]
        if body["metadata"].get("resourceVersion") != version:
            return 409, {"message": "the object has been modified"}
        self.secrets[name] = self.stored(body, f"{int(version) + 1}")
        return 200, self.secrets[name]

    def deleted(
        self, objects: dict[str, dict[str, Any]], name: str, body: dict[str, Any]
    ) -> tuple[int, dict[str, Any]]:
        assert body["propagationPolicy"] == "Background"
        if body["preconditions"]["uid"] != objects[name]["metadata"]["uid"]:
            return 409, {"message": "the UID in the precondition does not match"}
        return 200, objects.pop(name)

    @staticmethod
    def stored(body: dict[str, Any], version: str) -> dict[str, Any]:
        name = body["metadata"]["name"]
        return {**body, "metadata": {**body["metadata"], "resourceVersion": version, "uid": f"uid-{name}"}}


@pytest.fixture
def api(httpserver: HTTPServer) -> Api:
    return Api(httpserver)


@pytest.fixture
def hub(httpserver: HTTPServer, tmp_path: Path) -> Hub:
    address = httpserver.url_for("").rstrip("/").replace("localhost", "127.0.0.1")
    return Hub(api=address, http=Http(tmp_path / "answers", retries=0))


def no_pools(guest: Guest) -> Told:
    raise NetworkError(f"{guest.server} cannot be reached")


def names(values: Any) -> list[str]:
    return [value["metadata"]["name"] for value in values]


def test_a_cluster_is_registered_once_and_then_there_is_nothing_to_do(api: Api, hub: Hub) -> None:
    first = register_clusters(hub, no_pools, now=NOW, write=True)
    assert names(first.register) == ["ephemeral-trial"]
    data = api.secrets["ephemeral-trial"]["data"]
    assert base64.b64decode(data["server"]).decode() == "https://api.trial.fake.example.org:6443"

    before = len(api.changes)
    second = register_clusters(hub, no_pools, now=NOW, write=True)
    assert (second.register, second.forget, second.delete, len(api.changes)) == ((), (), (), before)


def test_without_write_nothing_changes(api: Api, hub: Hub) -> None:
    assert register_clusters(hub, no_pools, now=NOW, write=False).register
    assert api.changes == []


def test_at_its_end_a_cluster_is_forgotten_first_and_deleted_then(api: Api, hub: Hub) -> None:
    register_clusters(hub, no_pools, now=NOW, write=True)
    api.changes.clear()
    register_clusters(hub, no_pools, now=NOW + timedelta(days=4), write=True)
    assert api.changes == [
        ("DELETE", f"{SECRETS}/ephemeral-trial"),
        ("DELETE", f"{HIVE}/namespaces/ephemeral-trial/clusterdeployments/trial"),
    ]
    assert (api.secrets, api.deployments) == ({}, {})


@pytest.fixture
def both(api: Api) -> Api:
    """The hub has Hive and HyperShift, with a cluster of each."""
    api.hosted["guest"], api.without = hosted_cluster("guest"), set()
    return api


def test_clusters_of_both_providers_are_registered_and_deleted_at_their_end(both: Api, hub: Hub) -> None:
    first = register_clusters(hub, no_pools, now=NOW, write=True)
    assert names(first.register) == ["ephemeral-trial", "ephemeral-guest"]
    server = base64.b64decode(both.secrets["ephemeral-guest"]["data"]["server"]).decode()
    assert server == HOSTED_SERVER

    both.changes.clear()
    register_clusters(hub, no_pools, now=NOW + timedelta(days=4), write=True)
    assert both.changes[2:] == [
        ("DELETE", f"{HIVE}/namespaces/ephemeral-trial/clusterdeployments/trial"),
        ("DELETE", f"{HYPERSHIFT}/namespaces/ephemeral-guest/hostedclusters/guest"),
    ]
    assert (both.secrets, both.deployments, both.hosted) == ({}, {}, {})


def test_a_hub_without_hive_has_the_clusters_of_hypershift(both: Api, hub: Hub) -> None:
    both.without = {HIVE}
    assert names(register_clusters(hub, no_pools, now=NOW, write=True).register) == ["ephemeral-guest"]
    both.without = {HIVE, HYPERSHIFT}
    assert names(register_clusters(hub, no_pools, now=NOW, write=True).forget) == ["ephemeral-guest"]


@pytest.mark.parametrize("code", [401, 403, 500])
def test_an_api_that_refuses_or_fails_is_not_one_without_clusters(both: Api, hub: Hub, code: int) -> None:
    """Else Argo CD would forget them all."""
    register_clusters(hub, no_pools, now=NOW, write=True)
    both.changes.clear()
    real = both.answered
    both.answered = lambda method, path, body: (  # type: ignore[method-assign] # one path fails
        (code, {}) if path.startswith(HYPERSHIFT) else real(method, path, body)
    )
    with pytest.raises(NetworkError):
        register_clusters(hub, no_pools, now=NOW, write=True)
    assert both.changes == []


def test_what_somebody_else_changed_meanwhile_is_left_to_the_next_run(api: Api, hub: Hub) -> None:
    register_clusters(hub, no_pools, now=NOW, write=True)
    api.secrets["ephemeral-trial"]["data"]["server"] = ""
    stale = json.loads(json.dumps(api.secrets["ephemeral-trial"]))
    stale["metadata"]["resourceVersion"] = "0"
    real = api.answered
    api.answered = lambda method, path, body: (  # type: ignore[method-assign] # one answer is of earlier
        (200, {"items": [stale]}) if (method, path) == ("GET", SECRETS) else real(method, path, body)
    )
    register_clusters(hub, no_pools, now=NOW, write=True)
    assert api.secrets["ephemeral-trial"]["metadata"]["resourceVersion"] == "1"


def upgraded(completed: str = "2026-11-30T09:00:00Z") -> dict[str, Any]:
    """Status as Hive copies it: tests/lifecycle/recorded/ has what it wrote."""
    history = [
        {"state": "Completed", "completionTime": completed, "image": "quay.io/okd@sha256:2"},
        {"state": "Completed", "completionTime": "2026-11-30T06:00:00Z", "image": "quay.io/okd@sha256:1"},
    ]
    return {**deployment(), "status": {"clusterVersionStatus": {"history": history}}}


def test_which_nodes_run_the_release_is_noted_once_for_the_observer(api: Api, hub: Hub) -> None:
    api.deployments["trial"] = upgraded()
    asked: list[Guest] = []

    def ask(guest: Guest) -> Told:
        asked.append(guest)
        return Told(pools=pools(pool("worker", 2, updated=1)))

    register_clusters(hub, ask, now=NOW, write=True)
    assert asked[0].server == SERVER
    assert noted_of(api.deployments["trial"]).pools.unfinished == (
        "pool worker is not updated: 1 of 2 nodes have its latest configuration",
    )

    register_clusters(hub, lambda _: Told(pools=pools(pool("worker", 2))), now=NOW, write=True)
    assert noted_of(api.deployments["trial"]).pools == Pools()
    before = len(api.changes)
    register_clusters(hub, lambda _: Told(pools=pools(pool("worker", 2))), now=NOW, write=True)
    assert len(api.changes) == before


def test_what_was_noted_before_an_update_tells_nothing_after_it(api: Api, hub: Hub) -> None:
    api.deployments["trial"] = upgraded()
    register_clusters(hub, lambda _: Told(pools=pools(pool("worker", 2))), now=NOW, write=True)
    noted = api.deployments["trial"]

    later = upgraded("2026-11-30T12:00:00Z")["status"]
    assert noted_of({**noted, "status": later}).pools == Pools(unfinished=(NOT_READ,))


@pytest.mark.parametrize("note", ["", "no json", "[]", '{"after": "UPDATE", "faults": "none"}'])
def test_a_note_that_cannot_be_read_is_none(note: str) -> None:
    value = upgraded()
    update = completed_update(value)
    value["metadata"]["annotations"][GUEST] = note.replace("UPDATE", update)
    assert noted_of(value).pools == Pools(unfinished=(NOT_READ,))


REPORT = {
    "version": "4.22.0-okd-scos.1",
    "image": "quay.io/okd@sha256:2",
    "suite": "kubernetes/conformance",
    "result": "passed",
    "cases": "300",
    "ended": "",
    "failed": "",
}


@pytest.mark.parametrize(
    ("report", "noted"),
    [
        (REPORT, Conformance(suite="kubernetes/conformance", passed=True)),
        (
            {**REPORT, "result": "failed", "ended": "it did not end in time", "failed": f"a\n{'b' * 900}"},
            Conformance(
                suite="kubernetes/conformance",
                passed=False,
                words=f"it did not end in time; failed: a {'b' * 265}…",
            ),
        ),
        # Of the release before, of no release, and what is no report.
        ({**REPORT, "image": "quay.io/okd@sha256:1"}, None),
        ({**REPORT, "result": "PASSED"}, None),
        ({**REPORT, "result": ["passed"]}, None),
        ({key: value for key, value in REPORT.items() if key != "image"}, None),
        ("passed", None),
    ],
)
def test_what_the_suite_says_of_the_release_is_noted_too(
    api: Api, hub: Hub, report: Any, noted: Conformance | None
) -> None:
    api.deployments["trial"] = upgraded()
    told = Told(pools=pools(pool("worker", 2)), conformance={"kind": "ConfigMap", "data": report})
    register_clusters(hub, lambda _: told, now=NOW, write=True)
    assert noted_of(api.deployments["trial"]) == Noted(pools=Pools(), conformance=noted)


def test_while_an_update_is_under_way_nobody_is_asked(api: Api, hub: Hub) -> None:
    api.deployments["trial"] = upgraded()
    api.deployments["trial"]["status"]["clusterVersionStatus"]["history"][0]["state"] = "Partial"
    register_clusters(hub, lambda _: pytest.fail("asked"), now=NOW, write=True)


def test_a_cluster_that_does_not_answer_stops_no_registration(api: Api, hub: Hub) -> None:
    api.deployments["trial"] = upgraded()
    done = register_clusters(hub, no_pools, now=NOW, write=True)
    assert names(done.register) == ["ephemeral-trial"]
    assert [(item.name, item.severity) for item in done.findings] == [("guest-not-noted", "warning")]
    assert noted_of(api.deployments["trial"]).pools == Pools(unfinished=(NOT_READ,))


def test_the_account_of_the_feature_may_do_what_is_asked_and_no_more(both: Api, hub: Hub) -> None:
    both.deployments["trial"] = upgraded()
    register_clusters(hub, lambda _: Told(pools=pools(pool("worker", 2))), now=NOW, write=True)
    both.secrets["ephemeral-trial"]["data"]["server"] = ""
    register_clusters(hub, no_pools, now=NOW, write=True)
    register_clusters(hub, no_pools, now=NOW + timedelta(days=4), write=True)

    verbs = {"GET": "list", "POST": "create", "PUT": "update", "DELETE": "delete"}
    asked = {(verbs[method], path) for method, path in both.asked}
    folder = ROOT / "generator/okd_gitops/catalog/features/cluster-register/hub"

    def permitted(file: str) -> dict[str, set[str]]:
        rules = yaml.safe_load((folder / file).read_text())["rules"]
        return {f"{rule['apiGroups'][0]}/{rule['resources'][0]}": set(rule["verbs"]) for rule in rules}

    of_argocd = {verb for verb, path in asked if path.startswith(SECRETS)}
    assert permitted("role-cluster-register.yaml") == {"/secrets": of_argocd}
    assert permitted("clusterrole-cluster-register.yaml") == {
        "hive.openshift.io/clusterdeployments": {verb for verb, path in asked if HIVE in path} - {"update"},
        "hypershift.openshift.io/hostedclusters": {verb for verb, path in asked if HYPERSHIFT in path},
    }


def test_the_command_prints_names_and_no_secret(api: Api, hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cr3t")
    (tmp_path / "ca.crt").write_text("")
    command = [sys.executable, "-I", str(ROOT / "generator"), "--cache", str(CACHE), "cluster", "register"]
    options = ["--account", str(tmp_path), "--api", hub.api, "--at", "2026-12-01T00:00:00Z"]
    done = subprocess.run([*command, *options], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "trial: registered\n")
    for secret in ("s3cr3t", "Y2VydA", "a2V5"):
        assert secret not in done.stdout + done.stderr
