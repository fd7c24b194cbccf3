"""What an Application refers to exists and is permitted.

Argo CD says so only after the merge: a path that is not there, a project that does not permit the repository or the destination,
a cluster that it does not know.

Mend the name, or add what is missing.
"""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from okd_gitops.finding import Severity
from okd_gitops.objects import Object, ObjectId, at
from okd_gitops.rule import Fault, Rendered, Repository

CODE = "GR009"
SEVERITY = Severity.ERROR


def check_cluster(overlay: Rendered, repository: Repository) -> Iterator[Fault]:
    """Look at the Applications of an overlay; projects may stand in any overlay."""
    applications = [value for value in overlay.objects if ObjectId.of(value).group_kind == "Application.argoproj.io"]
    if not applications:
        return
    projects = {
        ObjectId.of(value).name: value
        for other in repository.overlays
        for value in other.objects
        if ObjectId.of(value).group_kind == "AppProject.argoproj.io"
    }
    for value in applications:
        for reason, remedy in _faults(value, projects, repository):
            yield Fault(reason=reason, remedy=remedy, object=ObjectId.of(value))


def _faults(value: Object, projects: dict[str, Object], repository: Repository) -> Iterator[tuple[str, str]]:
    source, destination, project = at(value, "spec", "source"), at(value, "spec", "destination"), at(value, "spec", "project")
    path, url = at(source, "path"), at(source, "repoURL")
    if isinstance(path, str) and url == repository.url and not any(file.startswith(f"{path.strip('/')}/") for file in repository.files):
        yield f"its path {path} does not exist", "okd-gitops generate writes it, or mend the path"
    name = at(destination, "name")
    if repository.destinations and name is not None and name not in repository.destinations.values():
        yield f'its destination "{name}" is no cluster of this repository', f"known: {', '.join(sorted(repository.destinations.values()))}"
    if project not in projects:
        # A repository of others may keep its projects elsewhere; "default" is always there.
        if repository.destinations and project != "default":
            yield f'its project "{project}" does not exist', f"known: {', '.join(sorted(projects))}"
        return
    if not _any(at(projects[project], "spec", "sourceRepos"), url):
        yield f"its project {project} does not permit the repository {url}", "add it to sourceRepos"
    if not any(_permits(entry, destination) for entry in _list(at(projects[project], "spec", "destinations"))):
        yield f"its project {project} does not permit the destination", "add it to destinations"


def _permits(entry: Any, destination: Any) -> bool:
    where = [key for key in ("name", "server") if at(destination, key)]
    namespace = fnmatchcase(str(at(destination, "namespace") or ""), str(at(entry, "namespace") or ""))
    return namespace and any(fnmatchcase(str(at(destination, key)), str(at(entry, key) or "")) for key in where)


def _any(patterns: Any, text: Any) -> bool:
    return any(fnmatchcase(str(text), str(pattern)) for pattern in _list(patterns))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
