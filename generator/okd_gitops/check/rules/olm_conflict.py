"""The rule olm-conflict: findings.yaml states and explains it."""

import re
from collections.abc import Iterator

from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.check.synced_objects import Synced, synced_objects
from okd_gitops.finding import Severity, nearest
from okd_gitops.manifests.objects import Object, ObjectId, Same, at, strings

# The catalogs that OpenShift, OKD and OLM bring.
_BUILT_IN = re.compile(
    r"(redhat|certified|community)-operators|redhat-marketplace|operatorhubio-catalog|okd-.*"
)

_GROUP = "OperatorGroup.operators.coreos.com"
_SUBSCRIPTION = "Subscription.operators.coreos.com"
# Where OpenShift and OLM have a group of their own.
_GROUPED_BY_PLATFORM = {"openshift-monitoring", "openshift-operator-lifecycle-manager"} | {
    "openshift-operators",
    "operators",
    "olm",
}


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Look at the OperatorGroups and the Subscriptions of each namespace."""
    groups: dict[str, list[Object]] = {}
    subscriptions: dict[str, list[Object]] = {}
    for value in overlay.objects:
        identity = ObjectId.of(value)
        if identity.group == "operators.coreos.com" and identity.namespace:
            found = {"OperatorGroup": groups, "Subscription": subscriptions}.get(identity.kind)
            if found is not None:
                found.setdefault(identity.namespace, []).append(value)

    for namespace, values in groups.items():
        if len(values) > 1:
            names = ", ".join(sorted(ObjectId.of(value).name for value in values))
            yield Fault(
                reason=f"{namespace} has {len(values)} OperatorGroups ({names}): OLM installs nothing there",
                remedy="keep one of them",
                object=ObjectId.of(values[1]),
            )

    for namespace, values in subscriptions.items():
        modes = {str(at(value, "spec", "installPlanApproval") or "Automatic") for value in values}
        if len(modes) > 1:
            by_hand = [each for each in values if at(each, "spec", "installPlanApproval") == "Manual"]
            shown = by_hand[0] if by_hand else values[0]
            yield Fault(
                reason=f"the Subscriptions of {namespace} have different installPlanApproval: OLM approves "
                "a namespace as a whole, so all of them wait",
                remedy="give all of a namespace the same approval, or a namespace of its own to one",
                object=ObjectId.of(shown),
                path=("spec", "installPlanApproval"),
                severity=Severity.WARNING,
            )


def check_repository(repository: Repository) -> Iterator[Fault]:
    """Look at a repository of others as a whole: what its roots have together on one cluster."""
    if not repository.destinations:
        yield from _groups_of_several_roots(repository)
        yield from _without_group(repository)
        yield from _missing_catalogs(repository)


def _groups_of_several_roots(repository: Repository) -> Iterator[Fault]:
    groups: dict[tuple[str, str], dict[str, Synced]] = {}
    for each in synced_objects(repository):
        if each.identity.group_kind == _GROUP:
            place = (each.cluster, each.identity.namespace)
            groups.setdefault(place, {}).setdefault(each.identity.name, each)

    for (_, namespace), found in groups.items():
        # Those of one root are told of that root, and one name twice is an object with two owners.
        if len({each.overlay.folder for each in found.values()}) > 1:
            names = ", ".join(f"{name} of {each.overlay.folder}" for name, each in sorted(found.items()))
            last = found[max(found)]
            yield Fault(
                reason=f"{namespace} has {len(found)} OperatorGroups ({names}): OLM installs nothing there",
                remedy="keep one of them",
                object=ObjectId.of(last.value),
                clusters=(last.overlay.name,),
            )


def _without_group(repository: Repository) -> Iterator[Fault]:
    """Yield the Subscriptions in a namespace that their own root makes, and for which nothing has a group."""
    if not any(overlay.of(_SUBSCRIPTION) for overlay in repository.overlays):
        return

    grouped = {ObjectId.of(value).namespace for value in repository.objects if _is_group(value)}
    # A group without a namespace may end up anywhere, and so may one in a file that nothing rendered.
    reached = {path for overlay in repository.overlays for path in overlay.graph.files}
    unread = (data for path, data in repository.files.items() if path not in reached)
    if not repository.is_whole or "" in grouped or any(b"OperatorGroup" in data for data in unread):
        return

    for overlay in repository.overlays:
        made = {ObjectId.of(value).name for value in overlay.of("Namespace.")}
        for value in overlay.of(_SUBSCRIPTION):
            namespace = ObjectId.of(value).namespace
            is_empty = namespace in made and namespace not in grouped | _GROUPED_BY_PLATFORM
            if is_empty and not _may_be_grouped(namespace, repository):
                yield Fault(
                    reason=f"{namespace} has no OperatorGroup: OLM installs nothing there",
                    remedy="add one OperatorGroup to the namespace",
                    object=ObjectId.of(value),
                    clusters=(overlay.name,),
                )


def _may_be_grouped(namespace: str, repository: Repository) -> bool:
    """Whether a chart, a plug-in or an object that makes others may have a group for a namespace."""
    for application in repository.applications:
        is_rendered = bool(repository.synced_by.get(Same(application)))
        if not is_rendered and at(application, "spec", "destination", "namespace") == namespace:
            return True

    others = (value for value in repository.objects if not _is_group(value))
    return any(text == "OperatorGroup" for value in others for _, text in strings(value))


def _is_group(value: Object) -> bool:
    return value.get("kind") == "OperatorGroup" and ObjectId.of(value).group_kind == _GROUP


def _missing_catalogs(repository: Repository) -> Iterator[Fault]:
    catalogs: dict[str, set[str]] = {}
    for value in repository.objects:
        identity = ObjectId.of(value)
        if identity.group_kind == "CatalogSource.operators.coreos.com":
            catalogs.setdefault(identity.namespace, set()).add(identity.name)

    missing: dict[tuple[ObjectId, str], list[str]] = {}
    for overlay in repository.overlays:
        for value in overlay.of(_SUBSCRIPTION):
            own = catalogs.get(str(at(value, "spec", "sourceNamespace") or ""), set())
            name = at(value, "spec", "source")
            if own and isinstance(name, str) and name not in own and not _BUILT_IN.fullmatch(name):
                missing.setdefault((ObjectId.of(value), name), []).append(overlay.name)

    for (identity, name), clusters in missing.items():
        place = {each for names in catalogs.values() for each in names}
        yield Fault(
            reason=f"its catalog {name} does not exist, while others are made beside it: "
            "OLM installs nothing",
            remedy=nearest(name, place) or "correct source and sourceNamespace, or make the catalog",
            object=identity,
            path=("spec", "source"),
            clusters=tuple(clusters),
            severity=Severity.WARNING,
        )
