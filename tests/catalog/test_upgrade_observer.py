"""upgrade-reader and upgrade-observer, rendered; the script of the observer runs with the real tool.

On loopback answer the API servers of clusters, each with a certificate by an authority of its own, and a git
remote that requires the token.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import git_server
import release_controller
from cluster_api import ACCOUNT, OPERATORS, POOLS, VERSION, Cluster, api, make_authority
from conftest import ROOT, git
from frozen import CLOCK
from okd_gitops.evidence.records import Records, read_records
from okd_gitops.evidence.report import Evidence
from okd_gitops.evidence.state import Runs
from okd_gitops.evidence.trial_names import fresh_cluster
from okd_gitops.evidence.write_records import write_records
from okd_gitops.finding import FindingsError
from okd_gitops.fleet.feature import load_catalog
from okd_gitops.fleet.load import load
from okd_gitops.generate.generate import generate
from okd_gitops.manifests.objects import Object
from okd_gitops.releases.record import ReleaseRecord
from okd_gitops.system.disk import read_catalog
from release_fleet import NEW, OLD, PROMOTE, PUSH, PUSH_ON, Fleet, wave
from rendered import invalid, objects, of_kind
from script_checks import shellchecked

IMAGE = "registry.example.org/okd-gitops@sha256:" + "c" * 64
PLAIN = f"  upgrade-observer:\n    image: {IMAGE}\n"
FULL = PLAIN + "    patience: 90m\n    schedule: 7 * * * *\n    watch-age: 2h\n"
TOKEN = "s3cret-of-git"
TRIALS = "trials: [{stream: 4-scos-stable, channel: stable-scos-4, provider: hive-openstack}]\n"


@pytest.fixture(scope="module")
def hub() -> tuple[Object, ...]:
    names = ("upgrade-observer", "okd-gitops")
    return tuple(value for value in objects("okd", FULL) if value["metadata"]["name"] in names)


def pod(values: tuple[Object, ...]) -> Object:
    spec = of_kind(values, "CronJob")["upgrade-observer"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert isinstance(spec, dict)
    return spec


def env(values: tuple[Object, ...]) -> dict[str, str]:
    return {item["name"]: item["value"] for item in pod(values)["containers"][0]["env"]}


def test_the_observer_fits_its_schemas_and_knows_its_fleet(hub: tuple[Object, ...]) -> None:
    assert invalid(hub) == []
    assert {value["kind"] for value in hub} == {"Namespace", "ServiceAccount", "CronJob"}
    given = env(hub)
    assert (given["REPOSITORY"], given["REVISION"]) == ("https://git.example.org/fleet.git", "main")
    assert (given["PATIENCE"], given["WATCH_AGE"]) == ("90m", "2h")
    assert pod(hub)["containers"][0]["image"] == IMAGE
    assert of_kind(hub, "CronJob")["upgrade-observer"]["spec"]["schedule"] == "7 * * * *"
    plain = env(objects("kubernetes", PLAIN))
    assert (plain["PATIENCE"], plain["WATCH_AGE"]) == ("4h", "6h")


@pytest.mark.parametrize("line", ["patience: 0h", "watch-age: soon", "tests: [a]"])
def test_its_parameters_have_a_form(line: str) -> None:
    with pytest.raises(FindingsError):
        objects("okd", f"{PLAIN}    {line}\n")


def test_the_account_on_a_cluster_may_only_read_what_the_observer_asks_for() -> None:
    every = objects("okd", "  upgrade-reader:\n")
    values = tuple(value for value in every if value["metadata"]["name"] == "upgrade-reader")
    assert invalid(values) == []
    assert {value["kind"] for value in values} == {"ServiceAccount", "ClusterRole", "ClusterRoleBinding"}
    (role,) = of_kind(values, "ClusterRole").values()
    config = {"apiGroups": ["config.openshift.io"]}
    assert role["rules"] == [
        {**config, "resources": ["clusterversions"], "resourceNames": ["version"], "verbs": ["get"]},
        {**config, "resources": ["clusteroperators"], "verbs": ["list"]},
        {
            "apiGroups": ["machineconfiguration.openshift.io"],
            "resources": ["machineconfigpools"],
            "verbs": ["list"],
        },
    ]
    (binding,) = of_kind(values, "ClusterRoleBinding").values()
    subject = {"kind": "ServiceAccount", "name": "upgrade-reader", "namespace": "okd-gitops"}
    assert binding["subjects"] == [subject]
    assert of_kind(values, "ServiceAccount")["upgrade-reader"]["automountServiceAccountToken"] is False
    assert "Secret" not in {value["kind"] for value in objects("okd", "  upgrade-reader:\n")}


def test_the_account_is_for_okd_alone() -> None:
    with pytest.raises(FindingsError) as error:
        objects("kubernetes", "  upgrade-reader:\n")
    assert "unsuitable-feature" in {finding.name for finding in error.value.findings}


def test_the_cronjob_keeps_limits_and_a_drained_node_is_no_failure(hub: tuple[Object, ...]) -> None:
    spec = of_kind(hub, "CronJob")["upgrade-observer"]["spec"]
    assert spec["concurrencyPolicy"] == "Forbid"
    assert {"startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"} <= spec.keys()
    assert "timeZone" not in spec
    job = spec["jobTemplate"]["spec"]
    assert job["podFailurePolicy"]["rules"] == [
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    ]
    assert pod(hub)["securityContext"]["runAsNonRoot"]
    assert pod(hub)["containers"][0]["securityContext"]["readOnlyRootFilesystem"]
    assert pod(hub)["automountServiceAccountToken"] is False


def test_t03_tokens_are_files_from_secrets_of_the_table_and_never_in_the_environment(
    hub: tuple[Object, ...],
) -> None:
    table = load_catalog(read_catalog()).features["upgrade-observer"].spec.secrets
    named = set(re.findall(r'"secretName": "([a-z-]+)"', json.dumps(hub)))
    assert named == set(table) == {"upgrade-observer-git", "upgrade-observer-accounts"}
    assert (table["upgrade-observer-git"].keys, table["upgrade-observer-accounts"].keys) == (("token",), ())
    assert "secretKeyRef" not in json.dumps(hub)
    assert "envFrom" not in json.dumps(hub)


def test_a_store_gives_the_accounts_of_all_clusters_whatever_they_are_called() -> None:
    server = '"https://vault.example.org:8200"'
    vault = f"{{name: vault, server: {server}, mount: kv, auth-mount: okd-x, role: okd-x}}"
    store = f"  secrets:\n    prefix: okd/x\n    vault:\n    - {vault}\n"
    found = of_kind(objects("okd", PLAIN + store), "ExternalSecret")
    accounts, token = found["upgrade-observer-accounts"]["spec"], found["upgrade-observer-git"]["spec"]
    assert accounts["dataFrom"] == [{"extract": {"key": "okd/x/okd-gitops/upgrade-observer-accounts"}}]
    assert "data" not in accounts
    assert [entry["secretKey"] for entry in token["data"]] == ["token"]


def script(values: tuple[Object, ...]) -> list[str]:
    (container,) = pod(values)["containers"]
    assert container["command"][:4] == ["/usr/bin/env", "bash", "-euo", "pipefail"]
    return [str(part) for part in container["command"]]


def test_the_script_is_shellcheck_clean_and_uses_only_what_it_is_given(hub: tuple[Object, ...]) -> None:
    text = script(hub)[5]
    done = shellchecked(f"set -euo pipefail\n{text}", "--shell=bash")
    assert done.returncode == 0, done.stdout
    assert set(re.findall(r"\$\{([A-Z_]+)", text)) == {
        "REPOSITORY",
        "REVISION",
        "PATIENCE",
        "WATCH_AGE",
        "TRIALS",
    }


@pytest.fixture(scope="module")
def authorities(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Those of two clusters."""
    made = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("other")
    for folder in made:
        make_authority(folder)
    return made


@dataclass
class Bench:
    """A fleet whose first wave has a new release in git, the APIs of its clusters, and the hub's Job."""

    values: tuple[Object, ...]
    folder: Path
    fleet: Fleet
    clusters: dict[str, Cluster]
    repository: str
    trials: str = ""

    @property
    def canary(self) -> Cluster:
        return self.clusters["canary"]

    def upgraded(self, **unwell: str) -> None:
        """Let the clusters of the first wave have completed the new release."""
        for name in ("canary", "probe"):
            self.clusters[name].runs(NEW, finished=self.fleet.now - timedelta(hours=5), **unwell)

    def run(self, *, at: str = "") -> subprocess.CompletedProcess[str]:
        """Run the container of the CronJob once, in an empty /fleet-work."""
        for name in ("work", "bin", "git", "cache"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
            (self.folder / name).mkdir(parents=True)
        (self.folder / "git/token").write_text(f"{TOKEN}\n")
        program = self.folder / "bin/okd-gitops"
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m okd_gitops "$@"\n')
        program.chmod(0o755)
        given = {**env(self.values), "REPOSITORY": self.repository, "PATIENCE": "4h", "TRIALS": self.trials}
        given = {
            name: self.text(value.replace("$(REPOSITORY)", self.repository)) for name, value in given.items()
        }
        given |= {
            "PATH": f"{self.folder}/bin:/usr/bin:/bin",
            "PYTHONPATH": str(ROOT / "generator"),
            "OKD_GITOPS_CACHE": str(self.folder / "cache"),
            **CLOCK,
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_SYSTEM": "/dev/null",
            "OKD_GITOPS_RELEASE_OBSERVE_AT": at or f"{self.fleet.now:%Y-%m-%dT%H:%M:%SZ}",
        }
        command = [self.text(part) for part in script(self.values)]
        return subprocess.run(
            command, env=given, cwd=self.folder, capture_output=True, text=True, check=False
        )

    def text(self, value: str) -> str:
        """Put this pod's folders in the place of the real ones."""
        for mounted, name in (("git", "git"), ("accounts", "accounts")):
            value = value.replace(f"/var/run/upgrade-observer-{mounted}", str(self.folder / name))
        return value.replace("/fleet-work", str(self.folder / "work"))

    def account(self, name: str, cluster: Cluster) -> None:
        """Put the account of a cluster where the Secret is mounted."""
        folder = self.folder / "accounts"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(cluster.folder / "token", folder / f"{name}.token")
        shutil.copy(cluster.folder / "ca.crt", folder / f"{name}.ca.crt")

    def records(self) -> Records:
        """Return what is on the branch of the remote."""
        git(self.fleet.root, "fetch", "-q", "origin")
        return read_records(self.fleet.root)

    def reported(self) -> list[str]:
        """Return which clusters reported on the new release."""
        return [report.cluster for report in self.records().evidence if report.version == NEW]

    def commits(self) -> int:
        """Return how many commits of the branch are the observer's; others note what is proposed."""
        count = git(self.fleet.remote, "rev-list", "--count", "records", "--", "evidence", "runs.yaml")
        return int(count)


@pytest.fixture
def bench(hub: tuple[Object, ...], authorities: tuple[Path, Path], tmp_path: Path) -> Iterator[Bench]:
    with (
        release_controller.serving() as controller,
        api(tmp_path / "one", authorities[0]) as canary,
        api(tmp_path / "other", authorities[1]) as probe,
        api(tmp_path / "third", authorities[0]) as hub_api,
        api(tmp_path / "fourth", authorities[1]) as prod,
    ):
        clusters = {"canary": canary, "hub": hub_api, "probe": probe, "prod": prod}
        controller.publish(OLD)
        fleet = Fleet(tmp_path, controller)
        for name, cluster in clusters.items():
            path = fleet.root / f"clusters/{name}.yaml"
            text = re.sub(r"(?m)^server:.*$", f"server: {cluster.url}", path.read_text())
            path.write_text(text)
        generate(fleet.root)
        git(fleet.root, "add", "-A")
        git(fleet.root, "commit", "-qm", "where the clusters are")
        git(fleet.root, "push", "-q", "origin", "main")
        controller.publish(NEW, before=(OLD,))
        fleet.merge(fleet.run(PUSH).branches[0].name)
        of_fleet = load(fleet.root)
        with git_server.serving(fleet.remote, TOKEN) as remote:
            bench = Bench(hub, tmp_path / "job", fleet, clusters, remote.url)
            for name, cluster in clusters.items():
                found = of_fleet.cluster(name)
                assert found
                cluster.cluster_id = str(found.spec.cluster_id)
                cluster.runs(OLD, finished=fleet.now - timedelta(days=9))
                bench.account(name, cluster)
            yield bench


PATH = f"evidence/canary/{NEW}.yaml"


def test_all_clusters_are_observed_in_one_commit_and_the_next_wave_starts_after_the_soak(
    bench: Bench,
) -> None:
    bench.upgraded()
    done = bench.run()
    assert done.returncode == 0, done.stderr
    assert f"{PATH}: recorded" in done.stdout

    records = bench.records()
    new = [report for report in records.evidence if report.version == NEW]
    assert [(report.cluster, report.passed, report.seen) for report in new] == [
        ("canary", True, bench.fleet.now),
        ("probe", True, bench.fleet.now),
    ]
    assert [state.cluster for state in records.clusters] == ["canary", "hub", "probe", "prod"]
    assert (records.runs.observer, bench.commits()) == (bench.fleet.now, 1)

    # Nothing changed: nothing is committed, but once an hour that somebody looks.
    bench.fleet.now += timedelta(minutes=15)
    assert bench.run().returncode == 0
    assert bench.commits() == 1
    bench.fleet.now += timedelta(hours=1)
    assert bench.run().returncode == 0
    assert bench.commits() == 2

    bench.fleet.now += timedelta(days=4)
    assert bench.run().returncode == 0
    bench.records()
    (branch,) = bench.fleet.run(PUSH_ON).branches
    assert branch.name == wave(NEW, 3)


def test_reports_of_trials_are_taken_over_from_the_records_of_another_repository(
    bench: Bench, tmp_path: Path
) -> None:
    bench.upgraded()
    fleet_file = bench.fleet.root / "fleet.yaml"
    fleet_file.write_text(f"{fleet_file.read_text()}{TRIALS}")
    git(bench.fleet.root, "commit", "-qam", "trials")
    git(bench.fleet.root, "push", "-q", "origin", "HEAD:main")
    known = ReleaseRecord(version=NEW, streams={"4-scos-stable": "Accepted"}, seen=bench.fleet.now)
    remote = str(bench.fleet.remote)
    write_records(bench.fleet.root, remote, "record", lambda _: {known.path: known.text().encode()})
    bench.trials = str(tmp_path / "trials")
    without = bench.run()
    assert (without.returncode, "trials are not looked at" in without.stderr) == (0, True)

    tried = Evidence(
        cluster=fresh_cluster(NEW),
        version=NEW,
        image=release_controller.image(NEW),
        finished=bench.fleet.now,
        passed=True,
    )
    git(tmp_path, "init", "-q", "trials")
    root = tmp_path / "trials"
    git(root, "commit", "-q", "--allow-empty", "-m", "start")
    write_records(root, "", "record", lambda _: {tried.path: tried.text().encode()})
    done = bench.run()
    assert done.returncode == 0, done.stderr
    assert bench.reported() == ["canary", "probe", tried.cluster]
    assert f"{tried.path}: taken over, passed" in done.stdout
    before = bench.commits()
    assert bench.run().returncode == 0
    assert bench.commits() == before


def test_each_token_goes_to_its_own_api_server_alone_and_nothing_secret_is_printed(bench: Bench) -> None:
    (bench.clusters["probe"].folder / "token").write_text("s3cret-of-probe\n")
    bench.account("probe", bench.clusters["probe"])
    bench.upgraded()
    done = bench.run()
    paths = (VERSION, OPERATORS, POOLS, "/readyz")
    assert dict(bench.canary.asked) == dict.fromkeys(paths, f"Bearer {ACCOUNT}")
    assert dict(bench.clusters["probe"].asked) == dict.fromkeys(paths, "Bearer s3cret-of-probe")
    kept = b"".join(path.read_bytes() for path in (bench.folder / "work").rglob("*") if path.is_file())
    assert "s3cret" not in f"{done.stdout}{done.stderr}{kept!r}"


def test_c14_of_a_cluster_with_another_id_nothing_more_is_asked_and_nothing_is_recorded(bench: Bench) -> None:
    bench.upgraded()
    bench.canary.answers[VERSION]["spec"]["clusterID"] = "5a7e90c2-4d13-4b88-b6f5-e21c07d9384a"
    done = bench.run()
    assert done.returncode == 1
    assert "another-cluster" in done.stderr
    assert [path for path, _ in bench.canary.asked] == [VERSION]
    assert bench.reported() == ["probe"]
    assert [state.cluster for state in bench.records().clusters] == ["hub", "probe", "prod"]


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (lambda b: b.canary.answers.clear(), 6, "answers with status 404"),
        (lambda b: b.canary.answers.update({OPERATORS: 403}), 8, "account-refused"),
        (lambda b: b.canary.answers.update({VERSION: 401}), 8, "oc create token"),
        (lambda b: b.account("canary", b.clusters["probe"]), 6, "cannot be reached: SSL"),
        (lambda b: (b.folder / "accounts/canary.token").unlink(), 2, "there is no canary.token"),
    ],
    ids=["no such path", "forbidden", "unauthorized", "another authority", "no account"],
)
def test_a_cluster_that_cannot_be_read_stops_no_other_one_and_fails_the_job(
    bench: Bench, change: Any, code: int, words: str
) -> None:
    bench.upgraded()
    change(bench)
    done = bench.run()
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert "s3cret" not in done.stderr
    assert bench.reported() == ["probe"]


def test_a_cluster_that_sickens_after_its_report_stops_the_next_wave_until_it_is_well(bench: Bench) -> None:
    bench.upgraded()
    assert bench.run().returncode == 0
    bench.fleet.now += timedelta(days=4)
    bench.upgraded(Available="False")
    done = bench.run()
    assert done.returncode == 1
    assert "no-longer-healthy" in done.stderr
    bench.records()
    assert bench.fleet.codes()["prod"] == "earlier-cluster-unhealthy"
    assert bench.fleet.run(PROMOTE).branches == ()

    bench.upgraded()
    assert bench.run().returncode == 0
    bench.records()
    assert bench.fleet.codes()["prod"] == "upgrade"


def test_hosted_control_planes_without_pools_are_told_and_not_passed(bench: Bench) -> None:
    bench.upgraded()
    del bench.canary.answers[POOLS]
    done = bench.run()
    assert done.returncode == 0, done.stderr
    assert "no MachineConfigPools" in done.stdout
    assert bench.reported() == ["probe"]


@pytest.mark.parametrize(("hours", "code"), [(1, 0), (2, 0), (3, 1)])
def test_a_watch_that_stopped_is_told_by_the_observer(bench: Bench, hours: int, code: int) -> None:
    bench.upgraded()
    runs = Runs(watch=bench.fleet.now - timedelta(hours=hours)).text().encode()
    write_records(bench.fleet.root, str(bench.fleet.remote), "watch", lambda _: {"runs.yaml": runs})
    done = bench.run()
    assert done.returncode == code, done.stderr
    assert ("watch-dead" in done.stderr) is (code == 1)
    assert bench.records().runs.watch == bench.fleet.now - timedelta(hours=hours)


def test_a_remote_that_refuses_the_push_is_told_beside_what_was_found(bench: Bench) -> None:
    bench.upgraded()
    bench.canary.answers[VERSION]["spec"]["clusterID"] = "5a7e90c2-4d13-4b88-b6f5-e21c07d9384a"
    hook = bench.fleet.remote / "hooks/pre-receive"
    hook.write_text("#!/bin/sh\necho protected >&2\nexit 1\n")
    hook.chmod(0o755)
    done = bench.run()
    assert done.returncode == 8, done.stderr
    assert "another-cluster" in done.stderr
    assert "probe: " in done.stdout
