"""The rule lost-reference: findings.yaml states and explains it."""

import re
from collections.abc import Iterator

from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.manifests.objects import Object, ObjectId, at, items
from okd_gitops.manifests.values import values_within

# What kustomize puts behind a generated name.
_HASH = re.compile(r"-[a-z0-9]{10}")
# How fields that name a ConfigMap or a Secret are called, themselves or the map around `name`.
_FIELD = re.compile(r"(?i)config-?map|secret|ca$|ca-?bundle|certificate|credentials|ref$")
_KINDS = {"configMapGenerator": "ConfigMap", "secretGenerator": "Secret"}


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Look for short names of generated objects in fields that kustomize does not follow."""
    names = {ObjectId.of(value).name for value in overlay.objects}
    lost = {name: full for name in _generated(overlay) for full in names if _is_hashed(full, name)}
    lost = {name: full for name, full in lost.items() if name not in names}

    for value in overlay.objects if lost else ():
        for path, text in values_within(value.get("spec"), ("spec",)):
            if isinstance(text, str) and text in lost and _refers(path):
                place = ".".join(map(str, path))
                yield Fault(
                    reason=f"{place} names {text}, which kustomize has renamed {lost[text]}",
                    remedy="set generatorOptions.disableNameSuffixHash, or add a nameReference to "
                    "the configurations",
                    object=ObjectId.of(value),
                    path=path,
                )


def _refers(path: tuple[str | int, ...]) -> bool:
    words = [step for step in path if isinstance(step, str)]
    is_name = words[-1] == "name" and len(words) > 2
    return bool(_FIELD.search(words[-2] if is_name else words[-1]))


def _generated(overlay: Overlay) -> set[str]:
    names: set[str] = set()
    for document in overlay.graph.kustomizations.values():
        for key in _KINDS:
            generators: list[Object] = [each for each in items(document.value, key) if isinstance(each, dict)]
            names |= {str(at(each, "name")) for each in generators}
    return names


def _is_hashed(full: str, name: str) -> bool:
    head, tail = full[: -len("-0123456789")], full[-len("-0123456789") :]
    return bool(_HASH.fullmatch(tail)) and head.endswith(name)
