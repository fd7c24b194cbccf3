"""The rule operator-deadlock: findings.yaml states and explains it."""

import re
from collections.abc import Iterator

from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.manifests.argocd import OPTIONS
from okd_gitops.manifests.objects import Object, ObjectId, at, items
from okd_gitops.manifests.scopes import defined_scopes

_OPTION = "SkipDryRunOnMissingResource=true"
# Packages whose names do not tell the groups that their operators bring: of OperatorHub's bundles.
_GROUPS = {
    "openshift-pipelines-operator-rh": "tekton.dev",
    "advanced-cluster-management": "open-cluster-management.io",
    "multicluster-engine": "multicluster.openshift.io",
    "odf-operator": "ocs.openshift.io",
    "kubevirt-hyperconverged": "kubevirt.io",
    "serverless-operator": "knative.dev",
    "servicemeshoperator": "maistra.io",
    "rhods-operator": "opendatahub.io",
    "nfd": "nfd.openshift.io",
    "gpu-operator-certified": "nvidia.com",
    "external-secrets-operator": "external-secrets.io",
}
_WORD = re.compile(r"[a-z0-9]{4,}")
_COMMON = frozenset({"operator", "openshift", "community", "certified", "cluster", "io", "com"})


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Look at Subscriptions beside objects of the kinds that their operators bring."""
    subscriptions = [
        value
        for value in overlay.objects
        if ObjectId.of(value).group_kind == "Subscription.operators.coreos.com"
    ]
    applications = [
        each
        for each in repository.synced.get(overlay.folder, ())
        if _OPTION not in items(each, "spec", "syncPolicy", "syncOptions")
    ]
    if not subscriptions or not applications:
        return

    defined = defined_scopes(overlay.objects)
    for value in overlay.objects:
        identity = ObjectId.of(value)
        is_skipped = _OPTION in str(at(value, "metadata", "annotations", OPTIONS) or "")
        if is_skipped or identity.group_kind in defined:
            continue

        bringing = next((each for each in subscriptions if _brings(each, identity.group)), None)
        if bringing is not None:
            yield Fault(
                reason=f"its kind comes with {ObjectId.of(bringing)} of the same sync: on a new cluster the "
                "dry run fails, and nothing is ever installed",
                remedy=f"add the annotation {OPTIONS}: {_OPTION}",
                object=identity,
            )


def _brings(subscription: Object, group: str) -> bool:
    package = str(at(subscription, "spec", "name") or "")
    known = _GROUPS.get(package)
    if known:
        return group == known or group.endswith(f".{known}")

    # What OKD serves by itself; and an Argo CD that syncs this knows its own kinds.
    is_served = group.endswith((".k8s.io", "config.openshift.io")) or group.startswith("operators.coreos")
    if not group or is_served or group == "argoproj.io":
        return False
    return bool((set(_WORD.findall(package)) - _COMMON) & (set(_WORD.findall(group)) - _COMMON))
