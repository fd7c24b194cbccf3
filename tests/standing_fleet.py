"""A fleet with every kind of cluster, and what the hub recorded of it: for the tests of `status`."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from okd_gitops.evidence.records import Records
from okd_gitops.evidence.report import Evidence
from okd_gitops.evidence.state import ClusterState, Runs
from okd_gitops.releases.record import ReleaseRecord

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
OLD, NEW = "4.22.0-okd-scos.7", "4.22.0-okd-scos.9"
IMAGES = {
    version: f"registry.ci.openshift.org/origin/release-scos@sha256:{letter * 64}"
    for version, letter in ((OLD, "a"), (NEW, "b"))
}
FLEET = """\
repository: https://git.example.org/okd/fleet.git
hub: hub
owners: [ops]
upstream: https://amd64.origin.releases.ci.openshift.org/graph
"""
RELEASES = "releases: {controller: https://amd64.origin.releases.ci.openshift.org, forge: forgejo}\n"
_NUMBERS = {"hub": 1, "canary": 2, "prod": 3, "old": 4, "still": 5}


def cluster_id(name: str) -> str:
    """Return the clusterID of a cluster."""
    return f"8c5e1d37-02bb-4f6a-8e49-{_NUMBERS[name]:012d}"


def okd(name: str, purpose: str, version: str = OLD, *, stream: bool = True, more: str = "") -> str:
    """Return the file of an OKD cluster."""
    follows = "  stream: 4-scos-stable\n" if stream else ""

    return (
        f"purpose: {purpose}\n"
        f"server: https://api.{name}.example.org:6443\n"
        f"clusterID: {cluster_id(name)}\n"
        f"release:\n{follows}  channel: stable-scos-4\n  version: {version}\n  image: {IMAGES[version]}\n"
        f"{more}"
    )


FILES = {
    "hub": okd("hub", "hub", stream=False),
    "canary": okd("canary", "test", NEW),
    "prod": okd("prod", "cd"),
    "still": okd("still", "test", stream=False),
    "old": okd("old", "ephemeral", more="expires: 2026-11-20\n"),
    "laptop": 'purpose: test\nenvironment: kind\nkubernetes: "1.35"\n',
}


def write_fleet(root: Path, *, releases: str = RELEASES, **changed: str) -> Path:
    """Write the fleet's files below `root`, some of them changed."""
    (root / "clusters").mkdir(parents=True, exist_ok=True)
    (root / "fleet.yaml").write_text(FLEET + releases)

    for name, text in {**FILES, **changed}.items():
        (root / f"clusters/{name}.yaml").write_text(text)

    return root


def state(name: str, version: str, **changes: Any) -> ClusterState:
    """Return what a cluster reported last, as it should be."""
    value = {
        "cluster": name,
        "clusterID": cluster_id(name),
        "seen": NOW - timedelta(minutes=10),
        "version": version,
        "image": IMAGES[version],
        "wantedVersion": version,
        "wantedImage": IMAGES[version],
    }

    return ClusterState.model_validate({**value, **changes})


def evidence(name: str, *, passed: bool = True, version: str = NEW, hours: int = 1) -> Evidence:
    """Return a report."""
    return Evidence(
        cluster=name,
        version=version,
        image=IMAGES[version],
        finished=NOW - timedelta(hours=hours),
        passed=passed,
        operators="healthy" if passed else "degraded",
        reason="" if passed else "operator dns is not Available=True",
    )


def release_record(version: str, *sources: str) -> ReleaseRecord:
    """Return what the watch recorded of an accepted release."""
    value = {
        "version": version,
        "images": [{"image": IMAGES[version]}],
        "published": NOW - timedelta(days=9),
        "streams": {"4-scos-stable": "Accepted"},
        "edges": [{"from": source} for source in sources],
        "node": True,
        "seen": NOW - timedelta(days=9),
    }

    return ReleaseRecord.model_validate(value)


def records(**changes: Any) -> Records:
    """Return the records of a fleet in which the first wave passed and soaks."""
    value: dict[str, Any] = {
        "commit": "c" * 40,
        "releases": (release_record(OLD), release_record(NEW, OLD)),
        "evidence": (evidence("canary"),),
        "clusters": (state("canary", NEW), state("prod", OLD)),
        "runs": Runs(watch=NOW - timedelta(minutes=40), observer=NOW - timedelta(minutes=10)),
    }

    return Records(**{**value, **changes})
