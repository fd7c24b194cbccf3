"""The form in which a document is validated: as the API server would see it after the readers before it."""

from collections.abc import Mapping
from typing import Any

from okd_gitops.manifests.objects import Object
from okd_gitops.manifests.write import dump


def schema_form(data: bytes, value: Object) -> bytes | None:
    """Return what is validated in the place of a document; None where its values are encrypted.

    The API server drops a field without a value before it validates (structural schemas, "Defaulting and
    Nullable"; Go's decoder does the same for built-in kinds). SOPS leaves its own block behind, which goes
    away with the encryption; the values of other kinds than Secrets have any type under it.
    """
    is_encrypted = "sops" in value and b"sops:" in data
    if is_encrypted and value.get("kind") != "Secret":
        return None

    if not is_encrypted and b": null" not in data:
        return data

    kept = {key: inner for key, inner in value.items() if not (is_encrypted and key == "sops")}
    return dump(_without_nulls(kept)).encode()


def _without_nulls(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_without_nulls(inner) for inner in value]
    return value
