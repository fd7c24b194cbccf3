"""Every object of an overlay is permitted by the AppProject that syncs it.

Argo CD refuses the whole sync of an Application because of one object whose kind or namespace its project does not list.

okd-gitops derives the lists; extras that a generator or transformer makes are not seen there: write them as plain files.
"""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from okd_gitops.finding import Severity
from okd_gitops.objects import Object, ObjectId, at
from okd_gitops.rule import Fault, Rendered, Repository

CODE = "GR010"
SEVERITY = Severity.ERROR


def check_cluster(overlay: Rendered, repository: Repository) -> Iterator[Fault]:
    """Look at the overlay that an Application names, with the project of that Application."""
    everything = [value for other in repository.overlays for value in other.objects]
    projects = {ObjectId.of(value).name: value for value in everything if ObjectId.of(value).group_kind == "AppProject.argoproj.io"}
    for application in everything:
        if ObjectId.of(application).group_kind != "Application.argoproj.io" or at(application, "spec", "source", "path") != overlay.folder:
            continue
        project = projects.get(str(at(application, "spec", "project")))
        for value in overlay.objects if project else ():
            identity = ObjectId.of(value)
            if not _permitted(identity, project or {}):
                reason = f"the project {at(application, 'spec', 'project')} does not permit it, so nothing of {overlay.name} would be synced"
                yield Fault(reason=reason, remedy="okd-gitops generate derives what a project permits", object=identity)


def _permitted(identity: ObjectId, project: Object) -> bool:
    kinds = at(project, "spec", "clusterResourceWhitelist" if identity.cluster_scoped else "namespaceResourceWhitelist")
    listed = any(_matches(at(entry, "group"), identity.group) and _matches(at(entry, "kind"), identity.kind) for entry in _list(kinds))
    if identity.cluster_scoped:
        return listed
    # Without a list every namespaced kind is permitted; an object without a namespace goes where the Application says.
    places = [at(entry, "namespace") for entry in _list(at(project, "spec", "destinations"))]
    return (listed or kinds is None) and (not identity.namespace or any(_matches(place, identity.namespace) for place in places))


def _matches(pattern: Any, text: str) -> bool:
    return fnmatchcase(text, str(pattern if pattern is not None else ""))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
