"""cluster-trials, rendered; its script runs with the real tool on a repository of such clusters.

The git remote requires the token. The API of the hub is a stand-in on loopback with TLS, because no
kube-apiserver can run here; its ClusterDeployment has the form of openshift/hive c02e517, apis/hive/v1.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import cluster_api
import git_server
import release_controller
from admission import refusal
from cluster_state import conditions, operator
from conftest import CACHE, ROOT, git
from okd_gitops.evidence.records import read_records
from okd_gitops.manifests.objects import Object
from okd_gitops.report.attention import attention
from okd_gitops.report.fleet_status import fleet_status
from release_controller import image
from release_fleet import NEW, OLD, Fleet
from rendered import invalid, objects, of_kind
from script_checks import shellchecked
from unattended_fleet import make_unattended

IMAGE = "registry.example.org/okd-gitops@sha256:" + "c" * 64
TOKEN = "s3cret-of-git"
FRESH = "try-4-21-0-scos-1"
PATH = f"/apis/hive.openshift.io/v1/namespaces/ephemeral-{FRESH}"
TRIALS = "{stream: 4-scos-stable, channel: stable-scos-4, provider: hive-openstack, expires: 1d}"


@pytest.fixture(scope="module")
def hub() -> tuple[Object, ...]:
    features = "".join(f"  {name}:\n    image: {IMAGE}\n" for name in ("cluster-register", "cluster-trials"))
    names = ("cluster-trials", "okd-gitops", "okd-unattended")
    return tuple(value for value in objects("okd", features) if value["metadata"]["name"] in names)


def pod(values: tuple[Object, ...]) -> Object:
    job = of_kind(values, "CronJob")["cluster-trials"]["spec"]["jobTemplate"]["spec"]
    spec = job["template"]["spec"]
    assert isinstance(spec, dict)
    return spec


def env(values: tuple[Object, ...]) -> dict[str, str]:
    return {item["name"]: item["value"] for item in pod(values)["containers"][0]["env"]}


def test_the_job_fits_its_schemas_and_reads_no_secret(hub: tuple[Object, ...]) -> None:
    assert invalid(hub) == []
    rules = of_kind(hub, "ClusterRole")["cluster-trials"]["rules"]
    rights = {(verb, name) for rule in rules for verb in rule["verbs"] for name in rule["resources"]}
    assert rights == {
        ("get", "clusterdeployments"),
        ("get", "clusterstates"),
        ("list", "clusterdeployments"),
        ("list", "hostedclusters"),
    }
    assert env(hub)["REPOSITORY"] == "https://git.example.org/trials.git"
    secrets = [volume["secret"]["secretName"] for volume in pod(hub)["volumes"] if "secret" in volume]
    assert secrets == ["cluster-trials-git"]


def test_the_script_is_shellcheck_clean_and_uses_only_what_it_is_given(hub: tuple[Object, ...]) -> None:
    text = pod(hub)["containers"][0]["command"][5]
    done = shellchecked(f"set -euo pipefail\n{text}", "--shell=bash")
    assert done.returncode == 0, done.stdout
    assert set(re.findall(r"\$\{([A-Z_]+)", text)) == {"REPOSITORY", "REVISION", "HUB"}


TRACKED = {"annotations": {"argocd.argoproj.io/tracking-id": "unattended-trial:x"}}
OURS = {"metadata": {"labels": {"okd-gitops.io/project": "unattended-guests"}}}
JOB = {"kind": "ServiceAccount", "name": "cluster-register", "namespace": "okd-gitops"}


def binding(role: str = "cluster-register", kind: str = "Role", **subject: str) -> Object:
    reference = {"kind": kind, "name": role}
    return {
        "kind": "RoleBinding",
        "metadata": TRACKED,
        "roleRef": reference,
        "subjects": [{**JOB, **subject}],
    }


def space(**labels: str) -> Object:
    project = {"okd-gitops.io/project": "unattended-guests"}
    return {"kind": "Namespace", "metadata": {**TRACKED, "labels": {**project, **labels}}}


@pytest.mark.parametrize(
    ("value", "namespace", "refused"),
    [
        (binding(), OURS, False),
        (binding("cluster-admin", "ClusterRole"), OURS, True),
        (binding(kind="User", name="system:unauthenticated"), OURS, True),
        (binding(), {"metadata": {"labels": {"okd-gitops.io/project": "moc-pr"}}}, True),
        ({"kind": "SyncSet", "metadata": TRACKED}, {"metadata": {}}, True),
        (space(), None, False),
        (space(**{"okd-gitops.io/project": "moc-pr"}), None, True),
        (space(**{"pod-security.kubernetes.io/enforce": "privileged"}), None, True),
        ({"kind": "RoleBinding", "metadata": {}}, {"metadata": {}}, False),
    ],
)
def test_what_nobody_reads_gets_no_rights_on_the_hub(
    hub: tuple[Object, ...], value: Object, namespace: Object | None, *, refused: bool
) -> None:
    policy = of_kind(hub, "ValidatingAdmissionPolicy")["okd-unattended"]["spec"]
    assert bool(refusal(policy, object=value, namespaceObject=namespace)) == refused


@dataclass
class Bench:
    """A repository of unattended clusters, the API of the hub, and the hub's Job."""

    values: tuple[Object, ...]
    folder: Path
    fleet: Fleet
    repository: str
    hive: cluster_api.Cluster

    def run(self) -> subprocess.CompletedProcess[str]:
        """Run the container of the CronJob once, in an empty /fleet-work."""
        for name in ("work", "bin", "git"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
            (self.folder / name).mkdir(parents=True)
        (self.folder / "git/token").write_text(f"{TOKEN}\n")
        program = self.folder / "bin/okd-gitops"
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m okd_gitops "$@"\n')
        program.chmod(0o755)
        given = {**env(self.values), "REPOSITORY": self.repository, "HUB": self.hive.url}
        given = {
            name: self.text(value.replace("$(REPOSITORY)", self.repository)) for name, value in given.items()
        }
        given |= {
            "PATH": f"{self.folder}/bin:/usr/bin:/bin",
            "PYTHONPATH": str(ROOT / "generator"),
            "OKD_GITOPS_CACHE": str(CACHE),
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_SYSTEM": "/dev/null",
        }
        command = [self.text(part) for part in pod(self.values)["containers"][0]["command"]]
        return subprocess.run(
            command, env=given, cwd=self.folder, capture_output=True, text=True, check=False
        )

    def text(self, value: str) -> str:
        """Put this pod's folders in the place of the real ones."""
        value = value.replace("/var/run/cluster-trials-git", str(self.folder / "git"))
        value = value.replace("/var/run/secrets/kubernetes.io/serviceaccount", str(self.hive.folder))
        return value.replace("/fleet-work", str(self.folder / "work"))

    def files(self, branch: str = "main") -> list[str]:
        return git(self.fleet.remote, "ls-tree", "-r", "--name-only", branch).split()


@pytest.fixture
def bench(hub: tuple[Object, ...], tmp_path: Path) -> Iterator[Bench]:
    own = tmp_path / "own"
    own.mkdir()
    cluster_api.make_authority(own)

    with release_controller.serving() as controller, cluster_api.api(tmp_path / "hive", own) as hive:
        controller.publish(OLD)
        fleet = Fleet(tmp_path, controller)
        controller.publish(NEW, before=(OLD,))

        with git_server.serving(fleet.remote, TOKEN) as remote:
            make_unattended(fleet, TRIALS)
            yield Bench(hub, tmp_path / "job", fleet, remote.url, hive)


def installed(version: str) -> tuple[dict[str, object], dict[str, object]]:
    """Return what Hive reports of a cluster that is well."""
    done = "2026-11-21T12:00:00Z"
    update = {"version": version, "image": image(version), "state": "Completed", "verified": False}
    status = {
        "observedGeneration": 2,
        "history": [{**update, "startedTime": done, "completionTime": done}],
        "conditions": conditions(Available="True", Failing="False", Progressing="False"),
    }
    deployment = {
        "spec": {"installed": True, "clusterMetadata": {"clusterID": "8c5e1d37-02bb-4f6a-8e49-51f0c3a7d926"}},
        "status": {"conditions": conditions(Unreachable="False"), "clusterVersionStatus": status},
    }
    etcd = operator("etcd")
    listed = {"name": "etcd", "conditions": etcd["status"]["conditions"]}
    return deployment, {"status": {"clusterOperators": [listed]}}


def test_a_release_is_tried_and_what_became_of_it_is_recorded_by_nobodys_hand(bench: Bench) -> None:
    first = bench.run()
    assert first.returncode == 0, first.stderr
    assert "pushed main" in first.stdout
    assert f"clusters/{FRESH}.yaml" in bench.files()
    assert f"clusters/{FRESH}-up.yaml" in bench.files()
    assert TOKEN not in first.stdout + first.stderr

    deployment, state = installed(NEW)
    bench.hive.answers |= {
        f"{PATH}/clusterdeployments/{FRESH}": deployment,
        f"{PATH}/clusterstates/{FRESH}": state,
    }
    second = bench.run()
    assert second.returncode == 0, second.stderr
    assert f"evidence/{FRESH}/{NEW}.yaml: recorded" in second.stdout
    assert f"evidence/{FRESH}/{NEW}.yaml" in bench.files("records")
    assert "nothing to try" in second.stdout
    assert "nothing to remove" in second.stdout


def test_a_cluster_that_left_git_and_is_still_there_is_told(bench: Bench) -> None:
    def made(name: str, project: str) -> dict[str, object]:
        labels = {"okd-gitops.io/cluster": name, "okd-gitops.io/project": project}
        return {"metadata": {"name": name, "labels": labels}}

    guests = "unattended-guests"
    listed = [made("gone", guests), made(FRESH, guests), made("moc-pr", "moc-pr"), {"metadata": {}}]
    bench.hive.answers["/apis/hive.openshift.io/v1/clusterdeployments"] = {"items": listed}
    bench.run()
    done = bench.run()
    assert done.returncode == 0, done.stderr
    runs = git(bench.fleet.remote, "show", "records:runs.yaml")
    assert "leftOver:\n- gone\n" in runs
    assert FRESH not in runs

    git(bench.fleet.root, "fetch", "-q", "origin", "main", "records:refs/remotes/origin/records")
    git(bench.fleet.root, "reset", "-q", "--hard", "origin/main")
    root = bench.fleet.root
    lines = attention(fleet_status(root, read_records(root), [], bench.fleet.now))
    assert [line for line in lines if line.startswith("gone: the hub has it, and git does not")]


def test_a_hub_that_is_away_keeps_nothing_else_from_being_done(bench: Bench) -> None:
    bench.run()
    bench.hive.answers[f"{PATH}/clusterdeployments/{FRESH}"] = 503
    done = bench.run()
    assert done.returncode == 6, done.stderr
    assert "nothing to remove" in done.stdout
