"""What controllers make in each namespace: an object may name it, although it is not in Git."""

import re

from okd_gitops.check.rule import Overlay
from okd_gitops.manifests.objects import Object, ObjectId, at
from okd_gitops.manifests.tekton import named

# OpenShift's controllers make these, as well as `default`.
_ON_OKD = frozenset({"ServiceAccount/builder", "ServiceAccount/deployer"})
# What the Tekton operator makes on OpenShift unless a parameter of the TektonConfig is "false". Read in
# tektoncd/operator v0.77.0, pkg/reconciler/openshift/tektonconfig/rbac.go.
_BY_TEKTON = {
    "createRbacResource": ("ServiceAccount/pipeline",),
    "createCABundleConfigMaps": ("ConfigMap/config-service-cabundle", "ConfigMap/config-trusted-cabundle"),
}
# The namespaces that the operator leaves alone.
_LEFT_ALONE = re.compile(r"(openshift|kube)-")


def made_in(overlay: Overlay, namespace: str) -> frozenset[str]:
    """Return `Kind/name` of what controllers make in a namespace of a cluster."""
    if overlay.environment != "okd":
        return frozenset()

    if _LEFT_ALONE.match(namespace):
        return _ON_OKD

    by_tekton = (name for value in overlay.objects if _is_config(value) for name in _of_config(value))
    return _ON_OKD.union(by_tekton)


def _is_config(value: Object) -> bool:
    return ObjectId.of(value).group_kind == "TektonConfig.operator.tekton.dev"


def _of_config(config: Object) -> list[str]:
    parameters = named(config, "spec", "params")
    return [
        name
        for parameter, names in _BY_TEKTON.items()
        if at(parameters.get(parameter), "value") != "false"
        for name in names
    ]
