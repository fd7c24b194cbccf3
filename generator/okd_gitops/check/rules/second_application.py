"""The rule second-application: findings.yaml states and explains it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial

from okd_gitops.check.rule import ARGOCD, LONG_TERM, Fault, Overlay, Repository
from okd_gitops.manifests.argocd import (
    IN_CLUSTER,
    NAMESPACE,
    REGISTERS,
    folder,
    of_kind,
    same_repository,
    server_address,
)
from okd_gitops.manifests.nested import NestedObject, Path, objects_within
from okd_gitops.manifests.objects import Object, ObjectId, at, per_object
from okd_gitops.manifests.values import values_within

# What Argo CD fills in when an ApplicationSet makes its Applications.
_FILLED_IN = "{{"
_KINDS = ("Application", "ApplicationSet")
_HUB = "hub"
# The names of clusters by each key and value of a `destination` that leads to them.
_LongTerm = Mapping[tuple[str, str], str]
_VERSION = ObjectId.of({"apiVersion": "config.openshift.io/v1", "kind": "ClusterVersion"})
# Where a Secret has its labels, and where an ExternalSecret and a SealedSecret have those of theirs.
_LABELS = (
    ("metadata", "labels"),
    ("spec", "target", "template", "metadata", "labels"),
    ("spec", "template", "metadata", "labels"),
)


@dataclass(frozen=True, slots=True)
class _Reach:
    """Something that an extra reads or writes to and must not, where it says so, and what to do."""

    path: Path
    reason: str
    remedy: str


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Look for Applications in the overlays of a fleet that go round those in `argocd/`, by any name."""
    if not overlay.purpose:
        return

    # Asked for only where there is such an Application: with n clusters, it costs n looks.
    others = cache(partial(_other_long_term, overlay, repository))

    for value in overlay.objects:
        if any(at(value, *path, REGISTERS) == "cluster" for path in _LABELS):
            reason = "it registers a cluster in Argo CD, perhaps one of the fleet under a second name"
            remedy = "remove it; what registers clusters is not part of the extras"
            yield Fault(reason=reason, remedy=remedy, object=ObjectId.of(value))

        for nested in _applications_within(value):
            for reach in _reached(nested.value, overlay, others, repository):
                path = (*nested.path, *reach.path)
                yield Fault(reason=reach.reason, remedy=reach.remedy, object=ObjectId.of(value), path=path)


@per_object
def _applications_within(value: Object) -> tuple[NestedObject, ...]:
    return tuple(
        nested for nested in objects_within(value) if any(of_kind([nested.value], kind) for kind in _KINDS)
    )


def _other_long_term(overlay: Overlay, repository: Repository) -> _LongTerm:
    """Return the other long-term clusters by each key and value of a `destination` that leads to them."""
    others: dict[tuple[str, str], str] = {}

    for other in repository.descriptions:
        if other.folder == overlay.folder or other.purpose not in LONG_TERM:
            continue

        name = repository.destinations.get(other.name)
        # Every Argo CD calls its own cluster so.
        if name and name != IN_CLUSTER:
            others["name", name] = other.name

        if other.server:
            others["server", server_address(other.server)] = other.name

    return others


def _reached(
    application: Object, overlay: Overlay, others: Callable[[], _LongTerm], repository: Repository
) -> Iterator[_Reach]:
    """Yield what an Application, or any that an ApplicationSet makes, must not read or write to."""
    for path, value in values_within(application.get("spec"), ("spec",)):
        if not isinstance(value, dict):
            continue

        if path[-1] == "destination":
            yield from _written_to(value, path, others(), overlay)

        if "destination" in value and overlay.purpose == _HUB:
            yield from _permitted(value, path, repository)

        if "repoURL" in value:
            yield from _read(value, path, overlay, repository)

    patch = str(at(application, "spec", "templatePatch") or "")
    if any(word in patch for word in ("destination", "source", "repoURL")):
        reason = "its templatePatch decides what the Applications read or where they write"
        yield _Reach(("spec", "templatePatch"), reason, "write it in spec.template")


def _written_to(destination: Object, path: Path, others: _LongTerm, overlay: Overlay) -> Iterator[_Reach]:
    remedy = f"remove it from clusters/{overlay.name}/, or let it write to {overlay.name} itself"

    for key, form in (("name", str), ("server", server_address)):
        text = str(destination.get(key) or "")
        cluster = others.get((key, form(text)))

        if cluster:
            reason = f"it writes to {cluster}, a long-term cluster, past its own overlay"
            yield _Reach((*path, key), reason, remedy)
        elif _FILLED_IN in text and others:
            reason = f"{text} can become a long-term cluster, such as {min(others.values())}"
            yield _Reach((*path, key), reason, "write the name of one cluster there")


def _permitted(spec: Object, path: Path, repository: Repository) -> Iterator[_Reach]:
    """Yield a project that lets an Application on the hub make Applications, or change the hub's release.

    What others write to their repository then decides about clusters, and no change here shows it.
    """
    name = str(spec.get("project") or "default")
    project = repository.projects.get(name)
    remedy = f"name an AppProject of this repository that permits neither {NAMESPACE} nor ClusterVersions"

    if project is None:
        reason = f"its project {name} is not in this repository, so it may permit anything on the hub"
        yield _Reach((*path, "project"), reason, remedy)
    elif project.permits_destination({"name": IN_CLUSTER}, NAMESPACE):
        reason = f"its project {name} permits {NAMESPACE} on the hub, where Applications are made"
        yield _Reach((*path, "project"), reason, remedy)
    elif project.permits_kind(_VERSION, cluster_scoped=True):
        reason = f"its project {name} permits to change the hub's ClusterVersion"
        yield _Reach((*path, "project"), reason, remedy)


def _read(source: Object, path: Path, overlay: Overlay, repository: Repository) -> Iterator[_Reach]:
    """Yield the fleet's own repository: what it reads there `argocd/` deploys, or nobody judges."""
    text = str(source["repoURL"] or "")

    if same_repository(text, repository.url):
        read = folder(source) or "."
        generated = {ARGOCD, *(other.folder for other in repository.descriptions if other.purpose)}

        if read in generated:
            reason = f"it syncs {read}, which {ARGOCD}/ deploys already"
        else:
            place = "the fleet's own repository" if read == "." else f"{read} of the fleet's own repository"
            reason = f"it reads {place}, which only {ARGOCD}/ may deploy"

        remedy = f"remove it, and write what is to be deployed among the extras in clusters/{overlay.name}/"
        yield _Reach((*path, "repoURL"), reason, remedy)
    elif _FILLED_IN in text:
        reason = f"{text} can become the fleet's own repository"
        yield _Reach((*path, "repoURL"), reason, "write the address of one repository there")
