"""Read a fleet, once: fleet.yaml, clusters/ and the catalog with the repository's own changes.

Everything after this takes the value: generation plans it, an upgrade decides on it, and neither reads again.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from okd_gitops.finding import Finding, Findings, FindingsError
from okd_gitops.fleet.cluster import Cluster, ClusterFile, parse_cluster
from okd_gitops.fleet.collisions import alike_but_for_case, report_collisions
from okd_gitops.fleet.feature import Catalog
from okd_gitops.fleet.feature import load_catalog as parse_catalog
from okd_gitops.fleet.fleet_file import FleetSpec
from okd_gitops.fleet.kept_documents import KeptDocuments
from okd_gitops.fleet.names import name_fault, reserved
from okd_gitops.fleet.tool_version import refuse_older_than
from okd_gitops.manifests.model import parse
from okd_gitops.manifests.objects import at
from okd_gitops.manifests.read import Document, read
from okd_gitops.system.disk import CATALOG, FLEET, entries, read_catalog, read_file, read_tree, scan_tree
from okd_gitops.tree import Tree

_CLUSTERS = "clusters"
# The catalog of the tool, once it is read.
_OWN: list[Catalog] = []
_LIKE_YAML = re.compile(r"(?i)\.(yaml|yml|json)$")
# What editors, patch and git leave beside x.yaml: x.yaml~, .x.yaml.swp, .#x.yaml, #x.yaml#, x.yaml.orig,
# x.yaml.bak, and its like.
_LEFTOVER = re.compile(r"(?is)\.#.*|#.*#|.*\.(yaml|yml|json)(~|[.~_-].+)")


@dataclass(frozen=True, slots=True)
class Fleet:
    """What people wrote: fleet.yaml and its document, the catalog as changed, and the clusters by name.

    `notes` are warnings about files that were passed over.
    """

    spec: FleetSpec
    document: Document
    catalog: Catalog
    clusters: tuple[Cluster, ...]
    notes: tuple[Finding, ...] = ()

    @property
    def documents(self) -> tuple[Document, ...]:
        """fleet.yaml and the cluster files, as people wrote them."""
        return (self.document, *(cluster.document for cluster in self.clusters))

    def cluster(self, name: str) -> Cluster | None:
        """Return the cluster of a name."""
        return next((cluster for cluster in self.clusters if cluster.name == name), None)

    def with_cluster_files(self, files: Mapping[str, bytes | None]) -> "Fleet":
        """Return the fleet in which the files of those clusters contain this data; without data, the cluster
        is gone. Nothing else is read, and what two files must not share is not looked for.

        Raises FindingsError with all faults of the new files.
        """
        findings = Findings(self.document)
        clusters = {cluster.name: cluster for cluster in self.clusters if cluster.name not in files}

        for name, data in files.items():
            old = self.cluster(name)
            extras = old.extras if old else Tree()

            if data is not None:
                with findings.collecting():
                    new_file = parse_cluster(name, read(_path(name), data), extras)
                    clusters[name] = _resolved(new_file, self.spec, self.catalog)

        findings.raise_errors()
        in_order = sorted(clusters.values(), key=lambda cluster: cluster.name)

        return replace(self, clusters=tuple(in_order))


def load(
    root: Path,
    edited: Collection[str] = (),
    documents: KeptDocuments | None = None,
    files: Tree | None = None,
) -> Fleet:
    """Read everything that people wrote; raises FindingsError with all faults of all files.

    Of two cluster files that must not share something, the fault is in the one that is among the `edited`.
    `documents` are those that an earlier run has read. `files` are all of the repository, if none of them is
    one that must not be read.
    """
    reading = documents or KeptDocuments()
    findings = Findings()
    document: Document | None = None
    spec: FleetSpec | None = None
    catalog: Catalog | None = None

    with findings.collecting():
        document = read(FLEET, files[FLEET] if files and FLEET in files else read_file(root, FLEET))

    if document:
        _refuse_older_tool(document)
        with findings.collecting():
            spec = parse(FleetSpec, document)

    clusters = _cluster_files(root, files, findings, reading, may_be_empty=bool(spec and spec.unattended))

    with findings.collecting():
        catalog = load_catalog(root, reading, files)

    if spec is not None:
        report_collisions(clusters, spec, findings, edited)

    findings.raise_errors()
    assert document is not None
    assert spec is not None
    assert catalog is not None
    reading.keep()
    return fleet_of(spec, document, clusters, catalog, notes=findings.warnings)


def _refuse_older_tool(document: Document) -> None:
    """Raise FindingsError (exit 4) when fleet.yaml requires a newer okd-gitops than this one.

    This comes before its keys are judged: it may have some that only the newer one knows.
    """
    required = at(document.value, "requires")
    if required:
        refuse_older_than(str(required), document.at(("requires",)), "this fleet requires")


def load_catalog(
    root: Path | None, documents: KeptDocuments | None = None, files: Tree | None = None
) -> Catalog:
    """Read the catalog that comes with the tool, and what the repository at `root` adds and changes, `files`
    being all that it has, if they were found already.

    Raises FindingsError.
    """
    catalog = _own_catalog(documents or KeptDocuments())
    if files is None:
        files = read_tree(root, CATALOG) if root else Tree()

    changes = files.below(CATALOG)
    if not changes:
        return catalog

    # Its models take longer to build than a small fleet takes to plan, and most fleets change nothing.
    from okd_gitops.fleet.apply_changes import apply_changes

    return replace(apply_changes(catalog, changes), changes=changes)


def _own_catalog(documents: KeptDocuments) -> Catalog:
    """Return the catalog of the tool: values that nothing changes, so each side of a change shares them."""
    if not _OWN:
        tree = read_catalog()
        is_sound = documents.know(data for path, data in tree.items() if path.endswith("/feature.yaml"))
        _OWN.append(parse_catalog(tree, documents.read, documents.read_object, is_sound=is_sound))

    return _OWN[0]


def forget_catalog() -> None:
    """Forget the catalog of the tool: some megabytes, which are read again if somebody asks for them."""
    _OWN.clear()
    read_catalog.cache_clear()


def fleet_of(
    spec: FleetSpec,
    document: Document,
    files: Iterable[ClusterFile],
    catalog: Catalog,
    *,
    notes: Iterable[Finding] = (),
) -> Fleet:
    """Return a fleet of parsed files, in which each cluster has its purpose, wave and owners."""
    by_name = sorted(files, key=lambda file: file.name)
    clusters = tuple(_resolved(file, spec, catalog) for file in by_name)

    return Fleet(spec, document, catalog, clusters, tuple(notes))


def _resolved(file: ClusterFile, fleet: FleetSpec, catalog: Catalog) -> Cluster:
    purpose = catalog.purposes[file.spec.purpose]

    return Cluster(
        name=file.name,
        spec=file.spec,
        document=file.document,
        extras=file.extras,
        purpose=purpose,
        wave=purpose.wave if file.spec.wave is None else file.spec.wave,
        owners=file.spec.owners or fleet.owners,
    )


def _cluster_files(
    root: Path, files: Tree | None, findings: Findings, documents: KeptDocuments, *, may_be_empty: bool
) -> list[ClusterFile]:
    """Read clusters/: the files of clusters, and the folders of their extras.

    Where clusters come and go, there may be none for a while; a folder that is not there, or that holds
    nothing that keeps it in git, is another matter.
    """
    try:
        is_folder = entries(root, _CLUSTERS)
    except FindingsError as error:
        findings.extend(error.findings)
        return []

    names = _considered(is_folder, findings)
    tree = _below(root, set(names), files, findings)

    # Also a file that is not readable or has a wrong name: its extras are not without a cluster.
    described = {
        name.removesuffix(".yaml") for name in names if name.endswith(".yaml") and not is_folder[name]
    }
    _report_lonely_extras(tree, described, findings)

    if not described and not (may_be_empty and is_folder):
        reason = "clusters/ contains no cluster file: every generated file would be deleted"
        findings.add("empty-fleet", _CLUSTERS, reason, "write clusters/NAME.yaml")

    parsed = []
    extras = tree.by_folder()

    for path in tree:
        if "/" not in path and _is_cluster_file(path):
            name = path.removesuffix(".yaml")

            with findings.collecting():
                document = documents.read(_path(name), tree.files[path])
                parsed.append(parse_cluster(name, document, extras.get(name, Tree())))

    return parsed


def _below(root: Path, names: Collection[str], files: Tree | None, findings: Findings) -> Tree:
    """Return the files of these names in clusters/, and of these folders."""
    if files is None:
        tree, unread = scan_tree(root, *(f"{_CLUSTERS}/{name}" for name in names))
        findings.extend(unread)
        return tree.below(_CLUSTERS)

    return files.below(_CLUSTERS).at_top(names)


def _considered(is_folder: dict[str, bool], findings: Findings) -> list[str]:
    """Return the entries of clusters/ without leftovers, and report what cannot be a cluster's file."""
    considered = []

    for name in sorted(is_folder):
        place = f"{_CLUSTERS}/{name}"

        if not is_folder[name] and _is_cluster_file(name):
            considered.append(name)
            continue

        if _LEFTOVER.fullmatch(name):
            reason = "this looks like a leftover of an editor or a merge; it is ignored"
            findings.add("leftover-file", place, reason, "remove it, or name it NAME.yaml")
            continue

        considered.append(name)

        if _LIKE_YAML.search(name):
            reason = _name_fault(name, is_folder)
            remedy = "name it like clusters/moc-test.yaml: lower-case letters, digits and dashes"
            findings.add("invalid-name", place, reason, remedy)

    return considered


def _name_fault(name: str, names: Iterable[str]) -> str:
    """Return why an entry of clusters/ is not the file of a cluster."""
    other = alike_but_for_case(name, names)
    if other:
        return f'"{name}" differs only by case from clusters/{other}: on many disks both are one file'

    is_reserved = reserved(name.removesuffix(".yaml"))
    return is_reserved or f'"{name}" is not the name of a cluster file, or not a file'


def _report_lonely_extras(tree: Tree, clusters: set[str], findings: Findings) -> None:
    """Report each file in a folder of extras whose cluster has no file."""
    for path in tree:
        folder, _, below = path.partition("/")

        if below and folder not in clusters and not _LIKE_YAML.search(folder):
            reason = f"these extras belong to no cluster: there is no clusters/{folder}.yaml"
            findings.add("incomplete-extras", f"{_CLUSTERS}/{path}", reason, "add it, or remove the folder")


@cache
def _is_cluster_file(name: str) -> bool:
    # Such a name has one dot, so it is not that of a leftover.
    return name.endswith(".yaml") and not name_fault(name.removesuffix(".yaml"))


def _path(name: str) -> str:
    return f"{_CLUSTERS}/{name}.yaml"
