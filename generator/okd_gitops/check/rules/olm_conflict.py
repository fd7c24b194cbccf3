"""The rule olm-conflict: findings.yaml states and explains it."""

from collections.abc import Iterator

from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.finding import Severity
from okd_gitops.manifests.objects import Object, ObjectId, at


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
