"""What a rule takes and returns: a repository with its rendered overlays in, faults out."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import NamedTuple

from okd_gitops.check.argocd_lookup import ApplicationsByFolder, ProjectsByName
from okd_gitops.check.noted_objects import OF_ARGOCD, UnreadObject, noted_unread
from okd_gitops.check.overlay import Overlay as Overlay
from okd_gitops.check.overlay import written_as as written_as
from okd_gitops.finding import Location, Severity
from okd_gitops.manifests.application_set import Expansion
from okd_gitops.manifests.argocd import (
    Project,
    folders_of,
    of_kind,
    own_urls,
    same_url,
)
from okd_gitops.manifests.objects import Object, ObjectId, Same, at, items, per_object, strings

# The generated folder of the Applications, and the purposes of long-term clusters.
ARGOCD = "argocd"
LONG_TERM = ("cd", "hub")
# A name of a cluster, as it occurs in a text.
WORD = re.compile(r"[A-Za-z0-9-]+")
_ARGOPROJ = "argoproj.io"
# Longer strings are scripts and files, not names.
_LONGEST_NAMING = 2000
# The path of a text in an object, and the clusters that it names.
_Named = tuple[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What a rule objects to: the reason, the remedy, and the object or file that is concerned.

    `path` leads to the value in the object. `severity` takes the place of the rule's own; `clusters` names
    the overlays that a fault of the whole repository concerns. Of a secret only the place is shown.
    """

    reason: str
    remedy: str
    object: ObjectId | None = None
    location: Location | None = None
    path: tuple[str | int, ...] = ()
    severity: Severity | None = None
    clusters: tuple[str, ...] = ()
    is_secret: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """What a namespace of a cluster may have at most, as quantities of Kubernetes; empty is without limit."""

    cluster: str
    namespace: str
    cpu: str = ""
    memory: str = ""
    storage: str = ""


class Description(NamedTuple):
    """What the fleet says of an overlay, which other overlays may know."""

    name: str
    folder: str
    purpose: str
    server: str


@dataclass(frozen=True, slots=True)
class ExpandedSet:
    """An ApplicationSet, and what it makes."""

    value: Object
    expansion: Expansion


# Without slots, because a cached property needs a dictionary.
@dataclass(frozen=True, kw_only=True)
class Repository:
    """A repository under check: its files, its overlays, and the day for everything that expires."""

    files: Mapping[str, bytes]
    overlays: tuple[Overlay, ...]
    today: date
    # Each cluster of the fleet, with the name under which the hub's Argo CD knows it.
    destinations: Mapping[str, str] = field(default_factory=dict)
    url: str = ""
    # Words of the built-in catalog: a cluster with such a name cannot be told from them in rendered text.
    common: frozenset[str] = frozenset()
    # Acknowledgements that fleet.yaml adds to those of the table of lines.
    gates: frozenset[str] = frozenset()
    # What fleet.yaml states of namespaces.
    quotas: tuple[Quota, ...] = ()
    # Whether every overlay could be read and built: `overlays` has only those.
    is_whole: bool = True
    # Of a repository that others wrote: the addresses that are known to be its own, the ApplicationSets with
    # what they make, and what Flux deploys.
    urls: frozenset[str] = frozenset()
    sets: tuple[ExpandedSet, ...] = ()
    # Whether house rules hold, such as a digest on every image.
    has_house_rules: bool = True

    @property
    def objects(self) -> Iterator[Object]:
        """Every object of every overlay."""
        for overlay in self.overlays:
            yield from overlay.objects

    def noted_of(self, *kinds: str) -> Iterator[Object]:
        """Yield every object of some kinds in any overlay, as `Overlay.noted_of` does."""
        for overlay in self.overlays:
            yield from overlay.noted_of(*kinds)

    @cached_property
    def descriptions(self) -> tuple[Description, ...]:
        """What the fleet says of each overlay."""
        return tuple(Description(each.name, each.folder, each.purpose, each.server) for each in self.overlays)

    @cached_property
    def applications(self) -> tuple[Object, ...]:
        """Every Application of Argo CD, in any overlay, and those that ApplicationSets make."""
        made = (application for one in self.sets for application in one.expansion.applications)
        return (*of_kind(self.noted_of("Application"), "Application"), *made)

    @cached_property
    def kinds(self) -> frozenset[str]:
        """The kinds of all objects."""
        return frozenset(str(value.get("kind")) for each in self.overlays for value in each.outlines)

    @cached_property
    def definitions(self) -> Mapping[tuple[str, str], Object]:
        """Every CustomResourceDefinition in any overlay, by the group and kind that it defines."""
        return {
            (str(at(value, "spec", "group")), str(at(value, "spec", "names", "kind"))): value
            for value in self.noted_of("CustomResourceDefinition")
        }

    @cached_property
    def makers(self) -> Mapping[int, Object]:
        """The ApplicationSet of each Application that one makes, by its id()."""
        return {id(made): one.value for one in self.sets for made in one.expansion.applications}

    def written(self, application: Object) -> ObjectId:
        """Return the object that stands in a file for an Application: itself, or the set that makes it."""
        return ObjectId.of(self.makers.get(id(application), application))

    def declared_in(self, application: Object) -> tuple[str, ...]:
        """Return the names of the overlays that have an Application, or the set that makes it."""
        written = self.makers.get(id(application), application)
        return tuple(self._names_by_noted.get(Same(written), ()))

    @cached_property
    def _names_by_noted(self) -> Mapping[Same[Object], Mapping[str, None]]:
        """The names of the overlays that have an Application or a set, by that."""
        names: dict[Same[Object], dict[str, None]] = {}
        for overlay in self.overlays:
            for value in overlay.noted_of("Application", "ApplicationSet"):
                names.setdefault(Same(value), {})[overlay.name] = None

        return names

    def source_path(self, application: Object, source: Object) -> tuple[str | int, ...]:
        """Return the path of a source in the object that stands in a file for an Application."""
        template = ("spec", "template") if id(application) in self.makers else ()
        listed = items(application, "spec", "sources")
        index = next((index for index, each in enumerate(listed) if each is source), None)

        return (*template, "spec", "source") if index is None else (*template, "spec", "sources", index)

    @cached_property
    def own_urls(self) -> frozenset[str]:
        """The addresses of this repository, in the form of `same_url`."""
        # The folders are asked for only where the address is not known.
        if self.url:
            return self.urls | {same_url(self.url)}

        return self.urls | own_urls(self.applications, self.folders)

    @cached_property
    def folders(self) -> frozenset[str]:
        """Every folder with something to deploy below it: Argo CD can read folders recursively."""
        return frozenset(folders_of(self.files))

    @cached_property
    def clusters_named_in(self) -> Callable[[Object], tuple[_Named, ...]]:
        """A function that returns the texts of an object that name clusters of the fleet, as whole words."""
        names = self.destinations.keys() - self.common
        return per_object(lambda value: tuple(_naming(value, names)))

    @cached_property
    def in_argocd(self) -> frozenset[tuple[str, str, str]]:
        """Kind, namespace and name of every object that `argocd/` has for Argo CD itself."""
        overlays = (overlay for overlay in self.overlays if overlay.folder == ARGOCD)
        identities = (each.identity for overlay in overlays for each in overlay.noted_unread(*OF_ARGOCD))
        return frozenset(
            (identity.kind, identity.namespace, identity.name)
            for identity in identities
            if identity.group == _ARGOPROJ
        )

    @cached_property
    def bound(self) -> tuple[Set[tuple[str, str]], Set[str]]:
        """Namespace and name of everything that a binding gives rights to, and the names of the groups."""
        bindings = self.noted_of("RoleBinding", "ClusterRoleBinding")
        distinct = {id(binding): binding for binding in bindings}.values()
        bound: set[tuple[str, str]] = set()
        groups: set[str] = set()

        for binding in distinct:
            for subject in items(binding, "subjects"):
                name = str(at(subject, "name"))
                namespace = str(at(subject, "namespace") or ObjectId.of(binding).namespace)
                bound.add((namespace, name))
                if at(subject, "kind") == "Group":
                    groups.add(name)

        return bound, groups

    @cached_property
    def projects(self) -> Mapping[str, Project]:
        """Every AppProject by its name."""
        return ProjectsByName({each.identity.name: each for each in self._noted_unread("AppProject")})

    def _noted_unread(self, kind: str) -> Iterator[UnreadObject]:
        """Yield every object of a kind of Argo CD in any overlay."""
        for overlay in self.overlays:
            yield from (each for each in overlay.noted_unread(kind) if each.identity.group == _ARGOPROJ)

    @cached_property
    def synced(self) -> Mapping[str, tuple[Object, ...]]:
        """The Applications that sync each folder of this repository."""
        made = [noted_unread(application) for one in self.sets for application in one.expansion.applications]
        return ApplicationsByFolder([*self._noted_unread("Application"), *made], self.own_urls)

    def outlines_synced_by(self, application: Object) -> Iterator[Object]:
        """Yield the outline of each object that an Application syncs."""
        for overlay in self.synced_by.get(Same(application), ()):
            yield from overlay.outlines

    @cached_property
    def synced_by(self) -> Mapping[Same[Object], Sequence[Overlay]]:
        """The overlays that an Application syncs, by its object."""
        overlays: dict[Same[Object], list[Overlay]] = {}

        for overlay in self.overlays:
            for application in self.synced.get(overlay.folder, ()):
                overlays.setdefault(Same(application), []).append(overlay)

        return overlays


def _naming(value: Object, names: Set[str]) -> Iterator[_Named]:
    for path, text in strings(value):
        # Looked up word by word: a search for each of a thousand names in every string takes seconds.
        words = WORD.findall(text) if len(text) < _LONGEST_NAMING else []
        named = tuple(word for word in words if word in names)

        if named:
            yield path, named


def of_argocd(objects: Iterable[Object]) -> Iterator[Object]:
    """Yield the objects that tell Argo CD what to sync and what is permitted."""
    for value in objects:
        if value.get("kind") in OF_ARGOCD and ObjectId.of(value).group == _ARGOPROJ:
            yield value
