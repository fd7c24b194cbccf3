"""The rule excluded-kind: findings.yaml states and explains it."""

from collections.abc import Iterator, Mapping, Sequence

from okd_gitops.check.overlay import as_list, per_overlay
from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.manifests.argocd_filters import Filters, filters_of
from okd_gitops.manifests.objects import Object, ObjectId

# The filters that exclude a kind, by group and kind.
_ByKind = dict[tuple[str, str], Filters | None]


def check_repository(repository: Repository) -> Iterator[Fault]:
    """Look at the objects of each overlay with the configuration of the Argo CD that syncs it."""
    all_filters = [
        Filters(ObjectId(*owner), tuple(exclusions), tuple(inclusions))
        for overlay in repository.overlays
        for owner, exclusions, inclusions in _filters_in(overlay, repository.files)
    ]

    by_kind: dict[tuple[int, ...], _ByKind] = {}
    for overlay in repository.overlays:
        applications = repository.synced.get(overlay.folder, ())
        namespaces = {ObjectId.of(application).namespace for application in applications}
        syncing = [filters for filters in all_filters if _is_in_one_of(filters, namespaces)]
        if syncing:
            # Most overlays are synced by the same Argo CD, and share their kinds.
            known = by_kind.setdefault(tuple(map(id, syncing)), {})
            yield from _excluded(overlay, syncing, known)


@per_overlay
def _filters_in(
    overlay: Overlay, _: Mapping[str, bytes]
) -> list[tuple[list[str], Sequence[Object], Sequence[Object]]]:
    return [(as_list(each.owner), each.exclusions, each.inclusions) for each in filters_of(overlay.objects)]


def _is_in_one_of(filters: Filters, namespaces: set[str]) -> bool:
    """Whether an Argo CD looks into one of the namespaces; an object without one may be in any."""
    return bool(namespaces) and (
        not filters.owner.namespace or bool({filters.owner.namespace, ""} & namespaces)
    )


def _excluded(overlay: Overlay, syncing: list[Filters], by_kind: _ByKind) -> Iterator[Fault]:
    for value in overlay.outlines:
        identity = ObjectId.of(value)
        kind = identity.group, identity.kind

        if kind not in by_kind:
            by_kind[kind] = next((filters for filters in syncing if filters.leaves_alone(identity)), None)

        excluding = by_kind[kind]
        if excluding:
            yield Fault(
                reason=f"{excluding.owner} makes Argo CD leave every {identity.kind} alone, "
                "so this one is never applied",
                remedy=_remedy(identity, excluding),
                object=identity,
                clusters=(overlay.name,),
            )


def _remedy(identity: ObjectId, filters: Filters) -> str:
    if identity.kind in ("PipelineRun", "TaskRun"):
        return "start it by a CronJob and a TriggerTemplate, or by hand with kubectl create; remove it here"

    return f"remove it here, or the kind from the exclusions of {filters.owner}"
