"""cluster remove: take a cluster out of the fleet, a long-term one in two merged steps."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from okd_gitops.errors import UsageError
from okd_gitops.finding import Finding, Location, finding_of, nearest, refused
from okd_gitops.fleet.cluster import Cluster
from okd_gitops.fleet.load import Fleet
from okd_gitops.generate.applications import application_folder, unannounced_removal
from okd_gitops.generate.generate import Edit
from okd_gitops.generate.plan import plan
from okd_gitops.lifecycle.committed import Committed
from okd_gitops.manifests.argocd import NAMESPACE
from okd_gitops.manifests.set_values import assign
from okd_gitops.upgrade.followers import followers
from okd_gitops.upgrade.question import Follower

# Lines whose words are never names of clusters: one may be called `test`.
_OTHER_WORDS = re.compile(r"(purpose|environment|owners):")


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """What vanishes with a cluster.

    `objects` counts its objects by kind, `on_hub` those that the hub has for its sake, `application` is the
    folder of its Application (empty without one), `is_emptied` tells whether Argo CD deletes those objects
    from the cluster, `commands` are what a person must type after the merge, `provider` deletes the cluster
    itself (empty: nobody does), and `waiting` are the clusters that wait for it before they take a release.
    """

    name: str
    objects: dict[str, int]
    on_hub: dict[str, int]
    application: str
    is_emptied: bool
    commands: tuple[str, ...]
    provider: str
    waiting: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Removal:
    """The edit that removes clusters, or announces that one will be removed, and what vanishes then."""

    edit: Edit
    leaving: tuple[Leaving, ...] = ()
    is_announced_only: bool = False
    findings: tuple[Finding, ...] = ()


def remove_cluster(fleet: Fleet, name: str, committed: Committed) -> Removal:
    """Return the removal of a cluster; of a long-term one only its announcement, unless HEAD has that.

    Raises UsageError for a name that is not there, FindingsError (exit 1) where the removal is refused.
    """
    cluster = fleet.cluster(name)

    if cluster is None:
        names = [cluster.name for cluster in fleet.clusters]
        raise UsageError(f'there is no cluster "{name}"', nearest(name, names))

    if name == fleet.spec.hub:
        place = fleet.document.at(("hub",))
        raise refused("hub-removal", place, f"{name} is the hub of this fleet", exit_code=1)

    if not cluster.purpose.guarded:
        _refuse_left_guard(fleet, cluster, committed)
    elif not cluster.spec.decommission:
        return Removal(_announcement(fleet, cluster), tuple(_leaving(fleet, [name])), is_announced_only=True)
    elif not committed.has_announced(cluster):
        place = cluster.document.at(("decommission",))
        reason = f"HEAD does not announce the removal of {name}, as this file does"
        raise refused("removal-not-merged", place, reason, exit_code=1)

    return remove_clusters(fleet, [cluster])


def remove_clusters(fleet: Fleet, clusters: Collection[Cluster]) -> Removal:
    """Return the removal of clusters with their files, their extras, and all that was generated for them."""
    names = [cluster.name for cluster in clusters]
    files = [f"clusters/{cluster.name}.yaml" for cluster in clusters]
    extras = [f"clusters/{cluster.name}/{path}" for cluster in clusters for path in cluster.extras]

    new_fleet = fleet.with_cluster_files(dict.fromkeys(names))
    edit = Edit(fleet=new_fleet, delete=(*files, *extras))

    return Removal(edit, tuple(_leaving(fleet, names)), findings=tuple(_still_named(new_fleet, names)))


def _refuse_left_guard(fleet: Fleet, cluster: Cluster, committed: Committed) -> None:
    """Refuse to remove in one step what is a long-term cluster in HEAD: to leave that is a removal too."""
    old = committed.purpose(cluster.name)
    purpose = fleet.catalog.purposes.get(old)

    if purpose and purpose.guarded:
        place = cluster.document.at(("purpose",))
        error = unannounced_removal(cluster.name, place, f"HEAD has it with purpose: {old}")
        raise refused(error.name, place, error.reason, error.remedy, exit_code=1)


def _announcement(fleet: Fleet, cluster: Cluster) -> Edit:
    try:
        data = assign(cluster.document, {("decommission",): True})
    except ValueError as error:
        reason = f"clusters/{cluster.name}.yaml cannot be changed in place: {error}"
        raise UsageError(reason, "write decommission: true into it, and run okd-gitops generate") from None

    new_fleet = fleet.with_cluster_files({cluster.name: data})

    return Edit(fleet=new_fleet, put={f"clusters/{cluster.name}.yaml": data})


def _leaving(fleet: Fleet, names: Collection[str]) -> Iterator[Leaving]:
    """Yield what vanishes with each of those clusters."""
    followers_of_streams = followers(fleet)

    for planned in plan(fleet).clusters:
        name = planned.cluster.name

        if name in names:
            folder = "" if fleet.spec.unattended else application_folder(planned.cluster)
            yield Leaving(
                name=name,
                objects=_counted(identity.kind for identity in planned.objects),
                on_hub=_counted(str(value["kind"]) for value in planned.provided),
                application=folder,
                is_emptied=bool(folder) and planned.cluster.purpose.sync.finalizer,
                commands=_deletions(planned.cluster) if folder else (),
                provider=str(planned.cluster.spec.provider or ""),
                waiting=_waiting(name, followers_of_streams),
            )


def _deletions(cluster: Cluster) -> tuple[str, ...]:
    """Return the commands that delete what Argo CD keeps of a long-term cluster, in their order: without its
    AppProject an Application cannot be deleted.
    """
    if not cluster.purpose.guarded:
        return ()

    kinds = ("application", "appproject")
    return tuple(f"oc --namespace {NAMESPACE} delete {kind} {cluster.name}" for kind in kinds)


def _counted(kinds: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(kinds).items()))


def _waiting(name: str, fleet: Iterable[Follower]) -> tuple[str, ...]:
    by_name = {follower.name: follower for follower in fleet}
    leaving = by_name.get(name)

    return tuple(other.name for other in by_name.values() if leaving and leaving.comes_before(other))


def _still_named(fleet: Fleet, names: Collection[str]) -> Iterator[Finding]:
    """Yield a warning for each line of what people write that names a cluster that is gone, also comments."""
    words = re.compile(rf"(?<![A-Za-z0-9-])({'|'.join(names)})(?![A-Za-z0-9-])")

    for file, lines in _written_lines(fleet):
        for number, line in enumerate(lines, start=1):
            match = None if _OTHER_WORDS.match(line) else words.search(line)

            if match:
                name, column = match[1], match.start() + 1
                place = Location(file=file, line=number, column=column, length=len(name), text=line)
                reason = f"{name} leaves the fleet, and this line names it"
                yield finding_of("removed-cluster-named", place, reason, clusters=(name,))


def _written_lines(fleet: Fleet) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield each file that people write, with its lines: fleet.yaml, cluster files and their extras."""
    for document in fleet.documents:
        yield document.file, document.lines

    for cluster in fleet.clusters:
        for path, data in cluster.extras.items():
            yield f"clusters/{cluster.name}/{path}", data.decode("utf-8", "replace").splitlines()
