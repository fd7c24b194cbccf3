"""What a rule is given and what it says: rendered overlays in, faults out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from okd_gitops.finding import Location
from okd_gitops.kustomization import Graph
from okd_gitops.objects import Object, ObjectId


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What a rule says: why, how to mend it, and the object or file that it is about."""

    reason: str
    remedy: str
    object: ObjectId | None = None
    location: Location | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """An overlay as kustomize renders it. `purpose` and `environment` are empty for an overlay that no cluster file describes."""

    name: str
    folder: str
    objects: tuple[Object, ...]
    graph: Graph
    purpose: str = ""
    environment: str = ""
    # `Kind/name` of what is used here and made by somebody else, as the features say.
    declared: frozenset[str] = frozenset()
    expires: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """All that is known of a repository: its files, its overlays, and the day (for what expires)."""

    files: Mapping[str, bytes]
    overlays: tuple[Rendered, ...]
    today: date
    # Names of clusters, and the name by which the hub's Argo CD knows each.
    destinations: Mapping[str, str] = field(default_factory=dict)
    url: str = ""
