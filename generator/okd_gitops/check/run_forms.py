"""The runs inside TriggerTemplates as documents of their own, to be validated like every other one.

The API server takes what is inside for opaque: a field that Tekton does not know is found by an event.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from okd_gitops.manifests.nested import Path
from okd_gitops.manifests.objects import Object, ObjectId, at, items, per_object
from okd_gitops.manifests.tekton import named
from okd_gitops.manifests.write import dump

_TEMPLATE = "TriggerTemplate.triggers.tekton.dev"
_HEAD, _TAIL = "$(tt.params.", ")"


@per_object
def run_forms(value: Object) -> tuple[tuple[Path, ObjectId, bytes], ...]:
    """Return the path, the identity and the text of each object that a TriggerTemplate makes; variables have
    their defaults.
    """
    return tuple(_run_forms(value))


def _run_forms(value: Object) -> Iterator[tuple[Path, ObjectId, bytes]]:
    if value.get("kind") != "TriggerTemplate" or ObjectId.of(value).group_kind != _TEMPLATE:
        return

    parameters = named(value, "spec", "params")
    defaults = {name: str(at(each, "default")) for name, each in parameters.items() if "default" in each}
    for index, made in enumerate(items(value, "spec", "resourcetemplates")):
        if isinstance(made, dict) and made.get("kind") and isinstance(made.get("metadata"), dict):
            filled = _filled(made, defaults)
            # kubeconform tells documents apart by their names.
            generated = filled["metadata"].pop("generateName", None)
            filled["metadata"].setdefault("name", str(generated or "run"))
            path = ("spec", "resourcetemplates", index)
            yield path, ObjectId.of(filled), dump(filled).encode()


def has_variable(text: str) -> bool:
    """Whether a reason of the validator is about a value that only an event gives."""
    return "$(" in text


def _filled(value: Any, defaults: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        for name, default in defaults.items():
            value = value.replace(f"{_HEAD}{name}{_TAIL}", default)
        return value
    if isinstance(value, dict):
        return {key: _filled(inner, defaults) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, defaults) for inner in value]
    return value
