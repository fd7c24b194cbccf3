"""The rule half-registered-cluster: findings.yaml states and explains it."""

import posixpath
import re
from collections.abc import Iterator, Set
from fnmatch import fnmatchcase

from okd_gitops.check.clusters import NO_CLUSTER
from okd_gitops.check.rule import Fault, Repository
from okd_gitops.finding import Location, nearest
from okd_gitops.manifests import flux
from okd_gitops.manifests.argocd import IN_CLUSTER, REGISTERS, folder, sources
from okd_gitops.manifests.objects import Object, ObjectId, at

# The paths of folders in which each folder is a cluster; deeper, overlays are variants to choose from.
_CLUSTERS = re.compile(r"(.*/)?(clusters?|sites)|overlays")
_FILLED_IN = re.compile(r"\{\{.*?\}\}")
# With fewer siblings nothing tells that a folder is a cluster.
_FEWEST = 2
_MANAGED = "ManagedCluster.cluster.open-cluster-management.io"


def check_repository(repository: Repository) -> Iterator[Fault]:
    """Look at folders of clusters beside those that are deployed, and at clusters that are registered."""
    if repository.destinations:
        return

    deployed = {path for path in repository.synced if path in repository.folders} | _by_flux(repository)
    families = _families(deployed)
    for (parent, rest), names in families.items():
        yield from _undeployed(repository, parent, rest, names, deployed)

    yield from _without_folder(repository, families)
    yield from _not_registered(repository)


def _families(deployed: Set[str]) -> dict[tuple[str, str], set[str]]:
    """Return the clusters that are deployed from PARENT/CLUSTER/REST, by parent and rest."""
    families: dict[tuple[str, str], set[str]] = {}
    for path in deployed:
        steps = path.split("/")
        for index in range(1, len(steps)):
            parent, rest = "/".join(steps[:index]), "/".join(steps[index + 1 :])
            if _CLUSTERS.fullmatch(parent):
                families.setdefault((parent, rest), set()).add(steps[index])

    return {place: names for place, names in families.items() if len(names) >= _FEWEST}


def _undeployed(
    repository: Repository, parent: str, rest: str, names: Set[str], deployed: Set[str]
) -> Iterator[Fault]:
    paths = {
        name: posixpath.join(parent, name, rest).rstrip("/")
        for name in sorted(_names_below(repository, parent) - names)
        if not NO_CLUSTER.fullmatch(name)
    }
    alone = [
        path
        for path in paths.values()
        if path in repository.folders and not _may_be_deployed(repository, path, deployed)
    ]
    # Where most are not deployed, they are a choice and no clusters.
    if len(alone) >= len(names):
        return

    siblings = " and ".join(sorted(names)[:_FEWEST])
    for path in alone:
        yield Fault(
            reason=f"nothing deploys {path}, while {siblings} beside it are deployed",
            remedy="deploy it as the others are, or remove it",
            location=Location(file=path),
        )


def _names_below(repository: Repository, parent: str) -> set[str]:
    start = f"{parent}/"
    return {path[len(start) :].split("/")[0] for path in repository.folders if path.startswith(start)}


def _may_be_deployed(repository: Repository, path: str, deployed: Set[str]) -> bool:
    """Whether something may reach a folder: an overlay, a folder above or below, or a set that is unknown."""
    if any(path.startswith(f"{other}/") or other.startswith(f"{path}/") for other in deployed):
        return True

    users = (
        overlay
        for overlay in repository.overlays
        if overlay.folder != path and not overlay.folder.startswith(f"{path}/")
    )
    if any(file.startswith(f"{path}/") for overlay in users for file in overlay.graph.files):
        return True

    return any(
        fnmatchcase(path, _FILLED_IN.sub("*", pattern))
        for one in repository.sets
        if one.expansion.unknown
        for pattern in _patterns(one.value)
    )


def _patterns(application_set: Object) -> Iterator[str]:
    template = at(application_set, "spec", "template")
    for source in sources(template) if isinstance(template, dict) else ():
        yield folder(source) or ""

    if at(application_set, "spec", "templatePatch"):
        yield "*"


def _by_flux(repository: Repository) -> set[str]:
    found = {flux.folder_of(value) for value in flux.kustomizations(repository.objects)}
    return found & repository.folders


def _without_folder(repository: Repository, families: dict[tuple[str, str], set[str]]) -> Iterator[Fault]:
    """Yield clusters that are registered, in Argo CD or as a managed one, and have no folder, where the
    others have one.
    """
    registered = _registered(repository)

    for (parent, _), names in families.items():
        if len(names & registered.keys()) < _FEWEST:
            continue

        there = _names_below(repository, parent)
        for name in sorted(registered.keys() - there - {IN_CLUSTER, ""}):
            yield Fault(
                reason=f"the cluster {name} is registered, and {parent}/{name} is not there, as others are",
                remedy="write its folder, or remove what registers it",
                object=ObjectId.of(registered[name]),
            )


def _not_registered(repository: Repository) -> Iterator[Fault]:
    """Yield clusters to which Applications write, and that nothing registers in Argo CD as others."""
    secrets = [value for value in repository.objects if _registers(value)]
    known = {IN_CLUSTER, *(_cluster(value) for value in secrets)}
    written: dict[str, list[Object]] = {}
    for application in repository.applications:
        name = str(at(application, "spec", "destination", "name") or "")
        if name and "{{" not in name:
            written.setdefault(name, []).append(application)

    if len(written.keys() & (known - {IN_CLUSTER})) < _FEWEST or not repository.is_whole:
        return
    for name in sorted(written.keys() - known):
        application = written[name][0]
        own = ObjectId.of(application).name
        yield Fault(
            reason=f"{own}: its destination {name} is not registered, as others are",
            remedy=nearest(name, known) or "register the cluster, or remove what is deployed to it",
            object=repository.written(application),
            clusters=repository.declared_in(application),
        )


def _registered(repository: Repository) -> dict[str, Object]:
    return {_cluster(value): value for value in repository.objects if _registers(value) or _is_managed(value)}


def _registers(value: Object) -> bool:
    return str(at(value, "metadata", "labels", REGISTERS)) == "cluster"


def _is_managed(value: Object) -> bool:
    return ObjectId.of(value).group_kind == _MANAGED and ObjectId.of(value).name != "local-cluster"


def _cluster(value: Object) -> str:
    return str(at(value, "stringData", "name") or ObjectId.of(value).name)
