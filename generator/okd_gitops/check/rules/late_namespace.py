"""The rule late-namespace: findings.yaml states and explains it."""

from collections.abc import Iterator

from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.manifests.argocd import WAVE
from okd_gitops.manifests.objects import Object, ObjectId, at, per_object

_HOOK = "argocd.argoproj.io/hook"
_DEFINITION = "CustomResourceDefinition"


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Look at the waves of what an Application syncs, beside those of namespaces and definitions."""
    if not repository.synced.get(overlay.folder):
        return

    namespaces = {
        ObjectId.of(value).name: _wave(value)
        for value in overlay.objects
        if ObjectId.of(value).group_kind == "Namespace."
    }
    kinds = {
        f"{at(value, 'spec', 'names', 'kind')}.{at(value, 'spec', 'group')}": _wave(value)
        for value in overlay.objects
        if value.get("kind") == _DEFINITION
    }

    for value in overlay.objects:
        identity, wave = ObjectId.of(value), _wave(value)
        if at(value, "metadata", "annotations", _HOOK) or wave is None:
            continue

        for needed, at_wave in (
            (f"Namespace {identity.namespace}", namespaces.get(identity.namespace)),
            (f"the definition of {identity.kind}", kinds.get(identity.group_kind)),
        ):
            if at_wave is not None and wave < at_wave:
                yield Fault(
                    reason=f"it is applied in wave {wave}, and {needed} in wave {at_wave}: "
                    "a first sync never gets past it",
                    remedy=f"give what is needed first the lower {WAVE}",
                    object=identity,
                    path=("metadata", "annotations", WAVE),
                )


@per_object
def _wave(value: Object) -> int | None:
    text = str(at(value, "metadata", "annotations", WAVE) or "0")
    try:
        return int(text)
    except ValueError:
        return None
