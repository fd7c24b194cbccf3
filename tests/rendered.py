"""What a cluster file renders to with the real kustomize: the objects that tests of the catalog judge."""

from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import yaml

from conftest import CACHE, git
from okd_gitops.check.check import check
from okd_gitops.check.kubeconform import validate
from okd_gitops.check.outcome import Report
from okd_gitops.finding import Finding
from okd_gitops.fleet.cluster import parse_cluster
from okd_gitops.fleet.feature import load_catalog
from okd_gitops.fleet.fleet_file import FleetSpec
from okd_gitops.fleet.load import fleet_of
from okd_gitops.generate.generate import generate
from okd_gitops.generate.plan import Plan, plan
from okd_gitops.manifests.model import parse
from okd_gitops.manifests.objects import ObjectId
from okd_gitops.manifests.read import read
from okd_gitops.render import kustomize
from okd_gitops.system.tools import tool
from okd_gitops.tree import Tree

FLEET = (
    "repository: https://git.example.org/fleet.git\n"
    "hub: hub\n"
    "owners: [okd-wg]\n"
    "upstream: https://graph.example.org/graph\n"
    "unattendedRepository: {repository: https://git.example.org/trials.git}\n"
)
OKD = """\
server: https://api.example.org:6443
clusterID: 8c5e1d37-02bb-4f6a-8e49-51f0c3a70001
release:
  channel: stable-scos-4
  version: 4.22.0-okd-scos.0
  image: registry.example.org/release@sha256:018b65c9bd7fb045c7557e46665dacfa979ebe31d112c82b7c551ffe04e7f70f
"""
# The hub of a fleet in which another cluster is looked at.
HUB = OKD.replace("api.", "api.hub.").replace("51f0c3a70001", "e21c07d9384a")
ENVIRONMENTS = {
    "okd": OKD,
    "kubernetes": 'environment: kubernetes\nkubernetes: "1.35"\n',
    "kind": 'environment: kind\nkubernetes: "1.35"\n',
}


def own_cluster(name: str, environment: str) -> str:
    """Return what a cluster file needs beside its purpose, with a server and an ID that no other has."""
    own_id = UUID(bytes=sha256(name.encode()).digest()[:16], version=4)
    text = ENVIRONMENTS[environment].replace("//api.", f"//api.{name}.")
    return text.replace("8c5e1d37-02bb-4f6a-8e49-51f0c3a70001", str(own_id))


def commit_fleet(root: Path) -> None:
    """Make a git repository of a generated fleet of three clusters, in a new folder."""
    (root / "clusters").mkdir(parents=True)
    (root / "fleet.yaml").write_text(FLEET)
    for name in ("hub", "moon", "star"):
        purpose = "hub" if name == "hub" else "test"
        text = f"purpose: {purpose}\n{own_cluster(name, 'okd')}features:\n  kvm-device-plugin:\n"
        (root / f"clusters/{name}.yaml").write_text(text)

    generate(root)
    git(root, "init", "--quiet")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message=start")


def _generated(root: Path, environment: str, features: str, extras: Mapping[str, str] | None = None) -> None:
    (root / "clusters/x").mkdir(parents=True)
    for name, text in (extras or {}).items():
        (root / "clusters/x" / name).write_text(text)
    (root / "fleet.yaml").write_text(FLEET)
    (root / "clusters/hub.yaml").write_text(f"purpose: hub\n{HUB}")
    (root / "clusters/x.yaml").write_text(f"purpose: test\n{ENVIRONMENTS[environment]}features:\n{features}")
    generate(root)


def report(environment: str, features: str, extras: Mapping[str, str] | None = None) -> Report:
    """Return what `check` says about such a cluster, which may have hand-written extras: builds, schemas
    and rules.
    """
    with TemporaryDirectory() as folder:
        _generated(Path(folder), environment, features, extras)
        return check(Path(folder), CACHE, today=date(2026, 11, 21), say=lambda _: None)


def faults(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings but for those that all clusters of tests have: warnings about example.org, and about
    images of the catalog whose tag moves.
    """
    return [finding for finding in findings if finding.name not in ("example-value", "moving-tag")]


def planned(catalog: Tree, features: str, environment: str = "okd") -> Plan:
    """Return the plan for a hub with `features` (YAML below `features:`) of a catalog."""
    document = read("fleet.yaml", FLEET.encode())
    where = (
        OKD if environment == "okd" else f"server: https://api.example.org:6443\n{ENVIRONMENTS[environment]}"
    )
    hub = read("clusters/hub.yaml", f"purpose: hub\n{where}features:\n{features}".encode())
    file = parse_cluster("hub", hub, Tree({}))
    return plan(fleet_of(parse(FleetSpec, document), document, [file], load_catalog(catalog)))


@cache
def objects(environment: str, features: str) -> tuple[dict[str, Any], ...]:
    """Return what a cluster with `features` (YAML below `features:`) renders to in an environment."""
    with TemporaryDirectory() as folder:
        root = Path(folder)
        _generated(root, environment, features)
        rendering = kustomize.render(root, {"overlays/x": "x"}, tool(CACHE, "kustomize"), workers=1)
        assert not rendering.findings
        return tuple(document.value for document in rendering.documents["overlays/x"])


def of_kind(values: tuple[dict[str, Any], ...], kind: str) -> dict[str, dict[str, Any]]:
    """Return the objects of a kind by name."""
    return {value["metadata"]["name"]: value for value in values if value["kind"] == kind}


def invalid(values: tuple[dict[str, Any], ...]) -> list[str]:
    """Return why objects do not fit the schemas of their kinds; a kind without a schema is a reason too."""
    documents = {yaml.safe_dump(value).encode(): ObjectId.of(value) for value in values}
    found = validate(documents, CACHE / "schemas", tool(CACHE, "kubeconform"), kubernetes="1.35", workers=2)
    return [reason for verdict in found for reason in verdict.reasons]
