"""The rule broken-application-reference: findings.yaml states and explains it."""

from collections.abc import Iterator, Set

from okd_gitops.check.rule import ARGOCD, Fault, Overlay, Repository
from okd_gitops.finding import nearest
from okd_gitops.manifests.argocd import (
    IN_CLUSTER,
    at_head,
    folder,
    of_kind,
    project_name,
    same_url,
    sources,
)
from okd_gitops.manifests.objects import Object, ObjectId, at

_STALE = "run `okd-gitops generate`, which removes the Application of a cluster that has no file"
# Each fault is a reason, a remedy, and the path of the field in what stands in a file.
_Faults = Iterator[tuple[str, str, tuple[str | int, ...]]]


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Look at the Applications of an overlay; their projects may be in any overlay."""
    made = [
        application
        for one in repository.sets
        if any(one.value is value for value in overlay.objects)
        for application in one.expansion.applications
    ]
    for application in (*of_kind(overlay.objects, "Application"), *made):
        faults = [
            *_missing_paths(application, repository.folders, repository.own_urls, repository),
            *_unknown_destination(application, overlay, repository),
            *_forbidden_by_project(application, repository),
        ]
        for reason, remedy, path in faults:
            name = f"{ObjectId.of(application).name}: " if id(application) in repository.makers else ""
            yield Fault(
                reason=f"{name}{reason}", remedy=remedy, object=repository.written(application), path=path
            )


def _missing_paths(application: Object, folders: Set[str], urls: Set[str], repository: Repository) -> _Faults:
    for source in sources(application):
        path = folder(source)
        # Where the URL is guessed, another branch may have other files.
        has_these_files = bool(repository.url) or at_head(source)
        is_here = same_url(at(source, "repoURL")) in urls and has_these_files

        if is_here and path is not None and path not in folders:
            advice = "run okd-gitops generate, or correct" if repository.destinations else "correct"
            where = (*repository.source_path(application, source), "path")
            yield f"its path {path} does not exist", f"{advice} the path", where


def _unknown_destination(application: Object, overlay: Overlay, repository: Repository) -> _Faults:
    name = at(application, "spec", "destination", "name")
    known = repository.destinations.values()

    if known and name and name not in (IN_CLUSTER, *known):
        reason = f'its destination "{name}" is not a cluster of this repository'
        nearest_name = nearest(str(name), known) or "name a cluster of this repository"
        # Nobody misspells a name in a generated file: its cluster has left the fleet.
        where = (*_spec(application, repository), "destination", "name")
        yield reason, _STALE if overlay.name == ARGOCD else nearest_name, where


def _spec(application: Object, repository: Repository) -> tuple[str, ...]:
    return ("spec", "template", "spec") if id(application) in repository.makers else ("spec",)


def _forbidden_by_project(application: Object, repository: Repository) -> _Faults:
    name = project_name(application)
    project = repository.projects.get(name)
    spec = _spec(application, repository)

    if project is None:
        # A foreign repository may keep its projects elsewhere; "default" always exists.
        if repository.destinations and name != "default":
            remedy = nearest(name, repository.projects) or "name a project that exists"
            yield f'its project "{name}" does not exist', remedy, (*spec, "project")
        return

    for source in sources(application):
        url = at(source, "repoURL")
        if not project.permits_source(url):
            where = (*repository.source_path(application, source), "repoURL")
            yield f"its project {name} does not permit the repository {url}", "add it to sourceRepos", where

    destination = at(application, "spec", "destination")
    if not project.permits_destination(destination, at(destination, "namespace")):
        reason = f"its project {name} does not permit the destination"
        yield reason, "add it to destinations", (*spec, "destination")
