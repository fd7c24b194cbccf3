"""The rule floating-bundle: findings.yaml states and explains it."""

from collections.abc import Iterator

from okd_gitops.check.rule import Fault
from okd_gitops.manifests.objects import Object, ObjectId, at, mappings
from okd_gitops.manifests.tekton import named


def check_object(value: Object) -> Iterator[Fault]:
    """Look at every reference that Tekton's resolver of bundles follows."""
    if "tekton.dev" not in ObjectId.of(value).group:
        return

    for reference in mappings(value.get("spec")):
        text = at(named(reference, "params").get("bundle"), "value")
        if reference.get("resolver") != "bundles" or not isinstance(text, str):
            continue
        if "$(" not in text and "@sha256:" not in text:
            yield Fault(
                reason=f"the bundle {text} is named by a tag, not by its digest: what runs can change",
                remedy="write name@sha256:…",
                object=ObjectId.of(value),
            )
