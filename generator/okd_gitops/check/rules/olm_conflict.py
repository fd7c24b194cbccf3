"""The rule olm-conflict: findings.yaml states and explains it."""

import re
from collections.abc import Iterator

from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.finding import Severity, nearest
from okd_gitops.manifests.objects import Object, ObjectId, at

# The catalogs that OpenShift, OKD and OLM bring.
_BUILT_IN = re.compile(
    r"(redhat|certified|community)-operators|redhat-marketplace|operatorhubio-catalog|okd-.*"
)


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
    """Look at the catalogs of Subscriptions in a repository of others that has catalogs of its own."""
    if repository.destinations:
        return

    catalogs: dict[str, set[str]] = {}
    for value in repository.objects:
        identity = ObjectId.of(value)
        if identity.group_kind == "CatalogSource.operators.coreos.com":
            catalogs.setdefault(identity.namespace, set()).add(identity.name)

    missing: dict[tuple[ObjectId, str], list[str]] = {}
    for overlay in repository.overlays:
        for value in overlay.of("Subscription.operators.coreos.com"):
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
