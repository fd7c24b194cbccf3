"""The rule broken-application-reference; findings.yaml says what it demands and why."""

import posixpath
from collections.abc import Iterator

from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.finding import nearest
from okd_gitops.manifests.argocd import at_head, folder, of_kind, own_urls, project_name, same_url, sources
from okd_gitops.manifests.objects import Object, ObjectId, at


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Look at the Applications of an overlay; projects may stand in any overlay."""
    applications = of_kind(overlay.objects, "Application")
    if not applications:
        return
    folders = _folders(repository)
    urls = own_urls(repository.applications, folders, repository.url)
    for value in applications:
        found = [
            *_missing(value, folders, urls, repository),
            *_unknown(value, repository),
            *_forbidden(value, repository),
        ]
        yield from (
            Fault(reason=reason, remedy=remedy, object=ObjectId.of(value)) for reason, remedy in found
        )


def _folders(repository: Repository) -> set[str]:
    """Return every folder that holds something to deploy, at whatever depth: Argo CD can read folders
    recursively.
    """
    found = {"."}
    for path in repository.files:
        parent = (
            posixpath.dirname(path)
            if path.endswith((".yaml", ".yml", ".json", ".jsonnet", "Kustomization"))
            else ""
        )
        while parent and parent not in found:
            found.add(parent)
            parent = posixpath.dirname(parent)
    return found


def _missing(
    value: Object, folders: set[str], urls: set[str], repository: Repository
) -> Iterator[tuple[str, str]]:
    for source in sources(value):
        path = folder(source)
        # Whose URL is guessed may have other files on another branch.
        here = same_url(at(source, "repoURL")) in urls and (bool(repository.url) or at_head(source))
        if here and path is not None and path not in folders:
            yield f"its path {path} does not exist", "okd-gitops generate writes it, or mend the path"


def _unknown(value: Object, repository: Repository) -> Iterator[tuple[str, str]]:
    name = at(value, "spec", "destination", "name")
    if repository.destinations and name and name not in ("in-cluster", *repository.destinations.values()):
        yield (
            f'its destination "{name}" is no cluster of this repository',
            nearest(str(name), repository.destinations.values()) or "name one that is",
        )


def _forbidden(value: Object, repository: Repository) -> Iterator[tuple[str, str]]:
    projects, name, destination = repository.projects, project_name(value), at(value, "spec", "destination")
    if name not in projects:
        # A repository of others may keep its projects elsewhere; "default" is always there.
        if repository.destinations and name != "default":
            yield (
                f'its project "{name}" does not exist',
                nearest(str(name), projects) or "name a project that is there",
            )
        return
    for source in sources(value):
        if not projects[name].permits_source(at(source, "repoURL")):
            yield (
                f"its project {name} does not permit the repository {at(source, 'repoURL')}",
                "add it to sourceRepos",
            )
    if not projects[name].permits_destination(destination, at(destination, "namespace")):
        yield f"its project {name} does not permit the destination", "add it to destinations"
