"""Load a repository: fleet.yaml, clusters/ and the catalog into a Plan, and the Plan into the Tree that should be on disk."""

import re
from dataclasses import dataclass
from pathlib import Path

from okd_gitops.cluster import Cluster, Fleet, parse_cluster
from okd_gitops.disk import CATALOG, FLEET, read_catalog, read_file, read_tree
from okd_gitops.exchange import exchange
from okd_gitops.feature import Catalog, load_catalog
from okd_gitops.filemodel import NAME_PATTERN, parse
from okd_gitops.finding import Finding, FindingsError, Location, ordered
from okd_gitops.plan import Plan, plan
from okd_gitops.render import render
from okd_gitops.tree import Tree
from okd_gitops.yamltext import read

# Names that a cluster cannot have, and why; and how such names may begin.
RESERVED = {
    "in-cluster": "Argo CD calls its own cluster so",
    "fleet": "the root Application is called so",
    "root": "the root Application could be meant",
    "default": "every cluster has a namespace of that name",
    "openshift": "every cluster has a namespace of that name",
}
RESERVED_BEGINNINGS = {"kube-": "namespaces of Kubernetes begin so", "openshift-": "namespaces of OKD begin so"}


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository as its people's files describe it."""

    root: Path
    catalog: Catalog
    plan: Plan
    wanted: Tree


def load(root: Path) -> Repository:
    """Read everything that people write and decide what follows; raises FindingsError with all faults of all files."""
    findings: list[Finding] = []
    fleet: tuple[Fleet, object] | None = None
    try:
        document = read(FLEET, read_file(root, FLEET))
        fleet = parse(Fleet, document), document
    except FindingsError as error:
        findings += error.findings
    clusters, faults = _clusters(root)
    findings += faults
    try:
        catalog = load_repository_catalog(root)
    except FindingsError as error:
        findings += error.findings
    if findings or fleet is None:
        raise FindingsError(ordered(findings))
    planned = plan(fleet[0], document, clusters, catalog)
    return Repository(root, catalog, planned, render(planned))


def load_repository_catalog(root: Path | None) -> Catalog:
    """Read the catalog that comes with the tool, and what the repository at `root` adds and changes; raises FindingsError."""
    builtin = load_catalog(read_catalog())
    local = read_tree(root, CATALOG).below(CATALOG) if root else Tree()
    return exchange(builtin, local) if local else builtin


def name_fault(name: str) -> str:
    """Return why a cluster cannot be called `name`, or nothing."""
    if not re.fullmatch(NAME_PATTERN, name):
        return f'"{name}" is not a name for a cluster'
    beginnings = (reason for beginning, reason in RESERVED_BEGINNINGS.items() if name.startswith(beginning))
    reserved = RESERVED.get(name) or next(beginnings, "")
    return f'"{name}" is reserved: {reserved}' if reserved else ""


def _clusters(root: Path) -> tuple[list[Cluster], list[Finding]]:
    findings: list[Finding] = []
    try:
        tree = read_tree(root, "clusters").below("clusters")
    except FindingsError as error:
        return [], list(error.findings)
    clusters = []
    named = {path.removesuffix(".yaml") for path in tree if "/" not in path and path.endswith(".yaml")}
    for path in tree:
        if "/" in path:
            if path.split("/")[0] not in named:
                reason, remedy = f"these extras belong to no cluster: there is no clusters/{path.split('/')[0]}.yaml", "add it, or remove the folder"
                findings.append(Finding(code="GI019", location=Location(file=f"clusters/{path}"), reason=reason, remedy=remedy))
            continue
        name = path.removesuffix(".yaml")
        reason = f'"{path}" is not the name of a cluster file' if path.endswith((".yml", ".json")) else ""
        reason = name_fault(name) if path.endswith(".yaml") else reason
        if reason:
            remedy = "name it like clusters/moc-test.yaml: lower-case letters, digits and dashes"
            findings.append(Finding(code="GI013", location=Location(file=f"clusters/{path}"), reason=reason, remedy=remedy))
        elif path.endswith(".yaml"):
            try:
                clusters.append(parse_cluster(name, read(f"clusters/{path}", tree[path]), tree.below(name)))
            except FindingsError as error:
                findings += error.findings
    if not named:
        reason, remedy = "there is no cluster: nothing would be left of the generated folders", "write clusters/NAME.yaml"
        findings.append(Finding(code="GI017", location=Location(file="clusters"), reason=reason, remedy=remedy))
    return clusters, findings
