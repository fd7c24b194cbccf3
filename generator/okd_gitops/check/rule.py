"""What a rule is given and what it says: rendered overlays in, faults out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from okd_gitops.finding import Location, Severity
from okd_gitops.manifests.argocd import Project, folder, of_kind, own_urls, same_url, sources
from okd_gitops.manifests.kustomization import Graph
from okd_gitops.manifests.objects import Object, ObjectId, at


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What a rule says: why, how to mend it, and the object or file that it is about.

    `severity` stands in place of the rule's; `clusters` names the overlays that a fault of the whole
    repository concerns.
    """

    reason: str
    remedy: str
    object: ObjectId | None = None
    location: Location | None = None
    severity: Severity | None = None
    clusters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """An overlay as kustomize renders it. `purpose` and `environment` are empty for an overlay that no
    cluster file describes.
    """

    name: str
    folder: str
    objects: tuple[Object, ...]
    graph: Graph
    purpose: str = ""
    environment: str = ""
    # `Kind/name` of what is used here and made by somebody else, as the features say.
    declared: frozenset[str] = frozenset()
    expires: date | None = None


# Without slots: what every overlay's turn needs is found once.
@dataclass(frozen=True, kw_only=True)
class Repository:
    """All that is known of a repository: its files, its overlays, and the day (for what expires)."""

    files: Mapping[str, bytes]
    overlays: tuple[Rendered, ...]
    today: date
    # Names of clusters, and the name by which the hub's Argo CD knows each.
    destinations: Mapping[str, str] = field(default_factory=dict)
    url: str = ""
    # Words of the built-in catalog: in what is rendered, nobody can tell a cluster of such a name from them.
    common: frozenset[str] = frozenset()

    @cached_property
    def applications(self) -> tuple[Object, ...]:
        """Every Application of Argo CD, whichever overlay holds it."""
        return tuple(
            of_kind((value for overlay in self.overlays for value in overlay.objects), "Application")
        )

    @cached_property
    def projects(self) -> Mapping[str, Project]:
        """Every AppProject by its name."""
        found = of_kind((value for overlay in self.overlays for value in overlay.objects), "AppProject")
        return {ObjectId.of(value).name: Project(value) for value in found}

    @cached_property
    def synced(self) -> Mapping[str, tuple[Object, ...]]:
        """The Applications that sync each folder of this repository."""
        urls = own_urls(self.applications, {overlay.folder for overlay in self.overlays}, self.url)
        found: dict[str, tuple[Object, ...]] = {}
        for application in self.applications:
            for path in {
                folder(source) for source in sources(application) if same_url(at(source, "repoURL")) in urls
            }:
                if path is not None:
                    found[path] = (*found.get(path, ()), application)
        return found
