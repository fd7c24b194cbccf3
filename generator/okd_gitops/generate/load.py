"""Load a repository: fleet.yaml, clusters/ and the catalog into a Plan, and the Plan into the Tree that
should be on disk.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from okd_gitops.finding import Finding, FindingsError, Location, Severity, ordered
from okd_gitops.fleet.apply_changes import apply_changes
from okd_gitops.fleet.cluster import Cluster, FleetSpec, parse_cluster
from okd_gitops.fleet.feature import Catalog, load_catalog
from okd_gitops.generate.overlays import render
from okd_gitops.generate.plan import Plan, plan
from okd_gitops.manifests.model import NAME_PATTERN, parse
from okd_gitops.manifests.read import read
from okd_gitops.system.disk import CATALOG, FLEET, entries, read_catalog, read_file, read_tree, scan_tree
from okd_gitops.tree import Tree

# Names that a cluster cannot have, and why; and how such names may begin.
RESERVED = {
    "in-cluster": "Argo CD calls its own cluster so",
    "fleet": "the root Application is called so",
    "root": "the root Application could be meant",
    "default": "every cluster has a namespace of that name",
    "openshift": "every cluster has a namespace of that name",
}
RESERVED_BEGINNINGS = {
    "kube-": "namespaces of Kubernetes begin so",
    "openshift-": "namespaces of OKD begin so",
}

_LIKE_YAML = re.compile(r"(?i)\.(yaml|yml|json)$")
# What editors, patch and git leave beside x.yaml: x.yaml~, .x.yaml.swp, .#x.yaml, #x.yaml#, x.yaml.orig,
# x.yaml.bak, and its like.
_LEFTOVER = re.compile(r"(?is)\.#.*|#.*#|.*\.(yaml|yml|json)(~|[.~_-].+)")


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository as its people's files describe it; `notes` are warnings about what was passed over."""

    root: Path
    catalog: Catalog
    plan: Plan
    wanted: Tree
    notes: tuple[Finding, ...] = ()


def load(root: Path) -> Repository:
    """Read everything that people write and decide what follows; raises FindingsError with all faults of
    all files.
    """
    findings: list[Finding] = []
    fleet: tuple[FleetSpec, object] | None = None
    try:
        document = read(FLEET, read_file(root, FLEET))
        fleet = parse(FleetSpec, document), document
    except FindingsError as error:
        findings += error.findings
    clusters, faults = _clusters(root)
    findings += faults
    try:
        catalog = load_repository_catalog(root)
    except FindingsError as error:
        findings += error.findings
    notes = tuple(finding for finding in findings if finding.severity == Severity.WARNING)
    if len(findings) > len(notes) or fleet is None:
        raise FindingsError(ordered(findings))
    planned = plan(fleet[0], document, clusters, catalog)
    return Repository(root, catalog, planned, render(planned), notes)


def load_repository_catalog(root: Path | None) -> Catalog:
    """Read the catalog that comes with the tool, and what the repository at `root` adds and changes;
    raises FindingsError.
    """
    builtin = load_catalog(read_catalog())
    local = read_tree(root, CATALOG).below(CATALOG) if root else Tree()
    return apply_changes(builtin, local) if local else builtin


def name_fault(name: str) -> str:
    """Return why a cluster cannot be called `name`, or nothing."""
    return _reserved(name) if re.fullmatch(NAME_PATTERN, name) else f'"{name}" is not a name for a cluster'


def _reserved(name: str) -> str:
    beginnings = (reason for beginning, reason in RESERVED_BEGINNINGS.items() if name.startswith(beginning))
    reason = RESERVED.get(name) or next(beginnings, "")
    return f'"{name}" is reserved: {reason}' if reason else ""


def _clusters(root: Path) -> tuple[list[Cluster], list[Finding]]:
    findings: list[Finding] = []
    try:
        there = entries(root, "clusters")
    except FindingsError as error:
        return [], list(error.findings)

    leftovers = sorted(name for name in there if _LEFTOVER.fullmatch(name))
    findings += [_note(name) for name in leftovers]
    kept = sorted(there.keys() - set(leftovers))
    findings += [
        _misnamed(name)
        for name in kept
        if _LIKE_YAML.search(name) and not _is_cluster(name, folder=there[name])
    ]

    tree, unread = scan_tree(root, *(f"clusters/{name}" for name in kept))
    tree, findings = tree.below("clusters"), findings + unread
    clusters = []
    named = {name.removesuffix(".yaml") for name in kept if name.endswith(".yaml") and not there[name]}
    for path in tree:
        folder, below, _ = path.partition("/")
        if below and folder not in named and not _LIKE_YAML.search(folder):
            reason, remedy = (
                f"these extras belong to no cluster: there is no clusters/{folder}.yaml",
                "add it, or remove the folder",
            )
            findings.append(
                Finding(
                    name="incomplete-extras",
                    location=Location(file=f"clusters/{path}"),
                    reason=reason,
                    remedy=remedy,
                )
            )
        elif not below and _is_cluster(path, folder=False):
            name = path.removesuffix(".yaml")
            try:
                clusters.append(parse_cluster(name, read(f"clusters/{path}", tree[path]), tree.below(name)))
            except FindingsError as error:
                findings += error.findings

    if not named:
        reason, remedy = (
            "there is no cluster: nothing would be left of the generated folders",
            "write clusters/NAME.yaml",
        )
        findings.append(
            Finding(name="empty-fleet", location=Location(file="clusters"), reason=reason, remedy=remedy)
        )
    return clusters, findings


def _is_cluster(path: str, *, folder: bool) -> bool:
    """Whether an entry of clusters/ is a cluster's file."""
    return not folder and path.endswith(".yaml") and not name_fault(path.removesuffix(".yaml"))


def _misnamed(path: str) -> Finding:
    reserved = _reserved(path.removesuffix(".yaml"))
    reason = reserved or f'"{path}" is not the name of a cluster file, or not a file'
    remedy = "name it like clusters/moc-test.yaml: lower-case letters, digits and dashes"
    return Finding(
        name="invalid-name", location=Location(file=f"clusters/{path}"), reason=reason, remedy=remedy
    )


def _note(name: str) -> Finding:
    place, reason = (
        Location(file=f"clusters/{name}"),
        "this looks like what an editor or a merge left: it is no cluster",
    )
    return Finding(
        name="leftover-file",
        location=place,
        reason=reason,
        remedy="remove it, or name it NAME.yaml",
        severity=Severity.WARNING,
    )
