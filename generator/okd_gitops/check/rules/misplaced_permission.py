"""The rule misplaced-permission: findings.yaml states and explains it."""

from collections.abc import Iterator
from typing import NamedTuple

from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.manifests.argocd import Project, of_kind
from okd_gitops.manifests.objects import Object, ObjectId, at, items
from okd_gitops.manifests.scopes import Scopes, defined_scopes, is_cluster_scoped


class _List(NamedTuple):
    """A list of kinds in an AppProject, the list for kinds of the other scope, and what an entry does."""

    key: str
    other_key: str
    verdict: str
    is_for_cluster: bool


_LISTS = (
    _List("clusterResourceWhitelist", "namespaceResourceWhitelist", "permitted", is_for_cluster=True),
    _List("namespaceResourceWhitelist", "clusterResourceWhitelist", "permitted", is_for_cluster=False),
    _List("clusterResourceBlacklist", "namespaceResourceBlacklist", "forbidden", is_for_cluster=True),
    _List("namespaceResourceBlacklist", "clusterResourceBlacklist", "forbidden", is_for_cluster=False),
)


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Look at the lists of kinds of each AppProject; CRDs anywhere in the repository decide about theirs."""
    projects = of_kind(overlay.objects, "AppProject")
    if not projects:
        return

    defined = defined_scopes(repository.definitions.values())
    for project in projects:
        for kinds in _LISTS:
            yield from _misplaced(project, kinds, defined)


def _misplaced(project: Object, kinds: _List, defined: Scopes) -> Iterator[Fault]:
    """Yield a fault for each entry of a list whose kind belongs in the other, which does not have it."""
    for index, entry in enumerate(items(project, "spec", kinds.key)):
        kind = ObjectId(str(at(entry, "group") or ""), "", str(at(entry, "kind") or ""), "", "")
        belongs_in_other = is_cluster_scoped(kind, defined) is (not kinds.is_for_cluster)

        if belongs_in_other and not Project(project).lists(kinds.other_key, kind):
            scope = "has a namespace" if kinds.is_for_cluster else "has no namespace"
            yield Fault(
                reason=f"{kind.group_kind} {scope}, so {kinds.key} does not make it {kinds.verdict}",
                remedy=f"move it to {kinds.other_key}",
                object=ObjectId.of(project),
                path=("spec", kinds.key, index),
            )
