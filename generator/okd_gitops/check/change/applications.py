"""The Applications of long-term clusters in `argocd/`, compared with what the base makes of them.

Whatever is edited by hand there, with or without its list of hashes, hands a cluster to somebody else: the
fields that decide what Argo CD reads, where it writes and what it deletes must be as the base generates them.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, replace

from okd_gitops.check.change.removals import becomes_announced_hub
from okd_gitops.finding import Finding, FindingsError, Location, finding_of
from okd_gitops.fleet.cluster import Cluster
from okd_gitops.fleet.load import Fleet
from okd_gitops.generate.applications import ROOT, argocd_files
from okd_gitops.generate.plan import Brief, plan
from okd_gitops.manifests.bounds import FOREIGN
from okd_gitops.manifests.objects import ObjectId, at
from okd_gitops.manifests.read import Document, read_all

_SYNC_OPTIONS = ("metadata", "annotations", "argocd.argoproj.io/sync-options")
# By kind: where each field is that must not change.
_GUARDED_FIELDS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "Application": (
        ("metadata", "namespace"),
        ("metadata", "finalizers"),
        _SYNC_OPTIONS,
        ("spec", "project"),
        ("spec", "source"),
        ("spec", "sources"),
        ("spec", "destination", "name"),
        ("spec", "destination", "server"),
        ("spec", "syncPolicy"),
    ),
    "AppProject": (
        ("metadata", "namespace"),
        ("metadata", "finalizers"),
        _SYNC_OPTIONS,
        ("spec", "sourceRepos"),
    ),
}
_WORD = re.compile(rb"[a-zA-Z0-9.-]+|\\")


@dataclass(frozen=True, slots=True)
class _Placed:
    """An object and the document that it is in."""

    identity: ObjectId
    document: Document


def application_findings(
    base: Fleet, now: Fleet, files: Mapping[str, bytes], *, removed: Iterable[str]
) -> list[Finding]:
    """Return a finding for each guarded field that differs between `files` (of `argocd/`) and the base.

    `removed` are clusters that this change removes or replaces, which has findings of its own; so has another
    repository, revision or hub.
    """
    expected = _expected(base, now)
    actual = _objects(_that_may_have({name for _, name in expected}, files))
    names = {cluster.name for cluster in base.clusters if cluster.purpose.guarded} - set(removed)
    projects = {
        at(placed.document.value, "spec", "project")
        for (_, name), written in expected.items()
        if name in names
        for placed in written
    }
    findings: list[Finding] = []

    for key, wanted in expected.items():
        kind, name = key
        is_guarded = name in names or name == ROOT or (kind == "AppProject" and name in projects)

        if is_guarded and key in actual:
            findings += [fault for placed in actual[key] for fault in _edited_fields(wanted[0], placed)]
        elif is_guarded:
            reason = f"{kind} {name} is not in argocd/ any more"
            findings.append(_finding("argocd", reason, wanted[0].identity))

    return findings


def _expected(base: Fleet, now: Fleet) -> dict[tuple[str, str], list[_Placed]]:
    """Return the objects that the base's guarded clusters have, in the repository, revision and hub of today.

    Announcing that a cluster goes is a step of its own, and so is becoming the announced hub. A base that
    cannot be planned has no objects.
    """
    clusters = tuple(_expected_cluster(cluster, base, now) for cluster in base.clusters)
    others = {
        cluster.name: Brief(cluster, parts=(), is_provided=False)
        for cluster in clusters
        if not cluster.purpose.guarded
    }
    moved = base.spec.model_copy(
        update={"repository": now.spec.repository, "revision": now.spec.revision, "hub": now.spec.hub}
    )

    try:
        return _objects(argocd_files(plan(replace(base, spec=moved, clusters=clusters), others)))
    except FindingsError:
        return {}


def _expected_cluster(cluster: Cluster, base: Fleet, now: Fleet) -> Cluster:
    """Return a cluster of the base with what the change may do to it in a step of its own."""
    changed = now.cluster(cluster.name)

    if changed and becomes_announced_hub(changed, base):
        return changed

    if changed and changed.spec.decommission:
        return replace(cluster, spec=cluster.spec.model_copy(update={"decommission": True}))

    return cluster


def _that_may_have(names: Set[str], files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files in which one of some names is written: to read all of a large fleet takes seconds."""
    # A backslash may hide a name.
    wanted = {name.encode() for name in names} | {b"\\"}
    return {path: data for path, data in files.items() if not wanted.isdisjoint(_WORD.findall(data))}


def _objects(files: Mapping[str, bytes]) -> dict[tuple[str, str], list[_Placed]]:
    """Return the guarded objects by kind and name; of two with one name, Argo CD takes either."""
    objects: dict[tuple[str, str], list[_Placed]] = {}

    for path in sorted(files):
        if not path.endswith((".yaml", ".yml", ".json")):
            continue

        for document in _documents(path, files[path]):
            identity = ObjectId.of(document.value)

            if identity.kind in _GUARDED_FIELDS:
                objects.setdefault((identity.kind, identity.name), []).append(_Placed(identity, document))

    return objects


def _documents(path: str, data: bytes) -> list[Document]:
    """Return the documents of a file; the build finds one that cannot be read."""
    try:
        return read_all(path, data, bounds=FOREIGN)
    except FindingsError:
        return []


def _edited_fields(wanted: _Placed, actual: _Placed) -> Iterator[Finding]:
    for path in _GUARDED_FIELDS[wanted.identity.kind]:
        old, new = at(wanted.document.value, *path), at(actual.document.value, *path)

        if old != new:
            reason = f"{wanted.identity.kind} {wanted.identity.name}: {'.'.join(path)} was edited"
            yield _finding(actual.document.at(path), reason, wanted.identity)


def _finding(place: Location | str, reason: str, identity: ObjectId) -> Finding:
    return finding_of(
        "guarded-application-edited",
        place,
        f"{reason}; the base generates it otherwise",
        of_object=str(identity),
    )
