"""The rule object-with-two-owners: findings.yaml states and explains it."""

from collections.abc import Iterator

from okd_gitops.check.rule import Fault, Repository
from okd_gitops.check.synced_objects import Synced, synced_objects
from okd_gitops.finding import Severity
from okd_gitops.manifests.objects import Object, ObjectId

_SHOWN = 3
_Owners = dict[int, Synced]


def check_repository(repository: Repository) -> Iterator[Fault]:
    """Look at what Applications have in common on one cluster: a fault for each pair of them."""
    owned: dict[tuple[str, str, str, str], _Owners] = {}
    for each in synced_objects(repository):
        identity = each.identity
        place = (each.cluster, identity.group_kind, identity.namespace, identity.name)
        owned.setdefault(place, {}).setdefault(id(each.application), each)

    pairs: dict[tuple[int, int], list[tuple[Synced, Synced]]] = {}
    for owners in owned.values():
        first, *others = owners.values()
        for other in others:
            if _name(first.application) != _name(other.application):
                pairs.setdefault((id(first.application), id(other.application)), []).append((first, other))

    for common in pairs.values():
        yield _fault(common, repository)


def _fault(common: list[tuple[Synced, Synced]], repository: Repository) -> Fault:
    first, other = common[0]
    names = [str(mine.identity) for mine, _ in common]
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    # An object that both have alike is still taken from one another, and gone with the first of the two.
    is_same = all(mine.value == theirs.value for mine, theirs in common)

    return Fault(
        reason=f"the Applications {_name(first.application)} ({first.overlay.folder}) and "
        f"{_name(other.application)} ({other.overlay.folder}) both own {', '.join(names[:_SHOWN])}{more}",
        remedy="leave it in one of them",
        object=repository.written(other.application),
        severity=Severity.WARNING if is_same else None,
        clusters=repository.declared_in(other.application),
    )


def _name(application: Object) -> str:
    return ObjectId.of(application).name
