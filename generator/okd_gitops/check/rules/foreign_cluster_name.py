"""The rule foreign-cluster-name: findings.yaml states and explains it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from okd_gitops.check.cluster_marks import SECRET, ZONE, Mark, Path, marks, zone_of
from okd_gitops.check.clusters import overlays_of_clusters, zone_of_server
from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.finding import Severity
from okd_gitops.manifests.objects import Object, ObjectId, at

# So many clusters that name one and the same share what it serves.
_SHARED_BY = 2
# Kind and name of an object, and the path in it.
_Place = tuple[str, str, Path]


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Look for names of other clusters of a fleet as whole words in short strings.

    The files for Argo CD and for the hub rightly name every cluster.
    """
    if overlay.purpose in ("", "hub"):
        return

    for value in overlay.objects:
        for path, names in repository.clusters_named_in(value):
            others = [name for name in names if name != overlay.name]

            if others:
                yield Fault(
                    reason=f'{path} names the cluster "{others[0]}"',
                    remedy=f"name {overlay.name}, whose output this is, or make the name a parameter",
                    object=ObjectId.of(value),
                )


def check_repository(repository: Repository) -> Iterator[Fault]:
    """Look in a repository of others for marks of a cluster in the output of another one.

    A mark is that of a cluster if its own output has it too, or its API server or its configuration is there.
    """
    if repository.destinations:
        return

    clusters = overlays_of_clusters(repository)
    known = _Known.of(clusters, repository)
    named = Counter(
        (place, other)
        for overlay, name in clusters
        for place, other in {
            (_place(value, mark), other) for value, mark, other in known.others(overlay, name)
        }
    )

    for overlay, name in clusters:
        for value, mark, other in known.others(overlay, name):
            place = _place(value, mark)
            has_counterpart = (place, other) in known.places
            is_shared = mark.kind == ZONE and not mark.is_own
            if is_shared and not (has_counterpart and known.has_its_own(place, mark, name, other)):
                continue
            if (mark.kind == SECRET or not mark.is_own) and named[place, other] >= _SHARED_BY:
                continue

            # A cluster may read what is another's on purpose, unless its own paths have its name.
            has_paths = has_counterpart and name in known.naming.get(SECRET, ())
            is_sure = mark.is_own and (mark.kind != SECRET or has_paths)
            yield Fault(
                reason=f"the {mark.kind} {mark.text} is of the cluster {other}, "
                f"and this is deployed to {name}",
                remedy=f"name {name}, or set the value in the overlay of each cluster",
                object=ObjectId.of(value),
                path=mark.path,
                clusters=(overlay.name,),
                severity=None if is_sure else Severity.WARNING,
            )


@dataclass(slots=True)
class _Known:
    """What tells clusters: zones with the clusters that have them, clusters that name themselves in a kind
    of mark, and the places at which each does.
    """

    zones: dict[str, set[str]] = field(default_factory=dict)
    naming: dict[str, set[str]] = field(default_factory=dict)
    places: set[tuple[_Place, str]] = field(default_factory=set)
    # Clusters with what stands before their own zone in their DNS names.
    heads: set[tuple[str, str]] = field(default_factory=set)

    @classmethod
    def of(cls, clusters: Sequence[tuple[Overlay, str]], repository: Repository) -> "_Known":
        known = cls()
        for overlay, name in clusters:
            for application in repository.synced.get(overlay.folder, ()):
                server = str(at(application, "spec", "destination", "server") or "")
                known.add_zone(zone_of_server(server), name)

            for value in overlay.objects:
                known.add_zone(zone_of(value), name)
                for mark in marks(value):
                    known.add(mark, name)

        # A place counts only once the zones of all clusters are known.
        for overlay, name in clusters:
            own = [
                (each, mark) for each in overlay.objects for mark in marks(each) if name in known.named(mark)
            ]
            known.places |= {(_place(value, mark), name) for value, mark in own}
            known.heads |= {(name, known.head(mark)) for _, mark in own if mark.kind == ZONE}
        return known

    def has_its_own(self, place: _Place, mark: Mark, name: str, other: str) -> bool:
        """Whether a cluster could have its own name where it has that of another one.

        Others have their own at that place, or it has the same name in its own zone.
        """
        is_each = any(where == place and each not in (name, other) for where, each in self.places)
        return is_each or (name, self.head(mark)) in self.heads

    def head(self, mark: Mark) -> str:
        """Return what stands before the zone in a DNS name."""
        suffixes = [".".join(mark.words[index:]) for index in range(len(mark.words))]
        zone = next((suffix for suffix in suffixes if suffix in self.zones), "")
        return mark.text.lower().removesuffix(zone)

    def add_zone(self, zone: str, name: str) -> None:
        if zone:
            self.zones.setdefault(zone.lower(), set()).add(name)

    def add(self, mark: Mark, name: str) -> None:
        if mark.kind == ZONE and name in mark.words[:-1]:
            self.add_zone(".".join(mark.words[mark.words.index(name) :]), name)
        elif mark.kind != ZONE and name in mark.words:
            self.naming.setdefault(mark.kind, set()).add(name)

    def named(self, mark: Mark) -> set[str]:
        """Return the clusters that a mark names, of a DNS name by the longest zone that is known."""
        if mark.kind != ZONE:
            return set(mark.words) & self.naming.get(mark.kind, set())

        suffixes = (".".join(mark.words[index:]) for index in range(len(mark.words)))
        return next((self.zones[suffix] for suffix in suffixes if suffix in self.zones), set())

    def others(self, overlay: Overlay, name: str) -> Iterator[tuple[Object, Mark, str]]:
        """Yield the marks in an overlay whose text names one other cluster, and not its own."""
        for value in overlay.objects:
            texts: dict[Path, list[Mark]] = {}
            for mark in marks(value):
                texts.setdefault(mark.path, []).append(mark)

            for same_text in texts.values():
                found = {each for mark in same_text for each in self.named(mark)}
                is_own = name in found or any(name in mark.words for mark in same_text)
                if len(found) == 1 and not is_own:
                    yield value, next(mark for mark in same_text if self.named(mark)), found.pop()


def _place(value: Object, mark: Mark) -> _Place:
    identity = ObjectId.of(value)
    return identity.group_kind, identity.name, mark.path
