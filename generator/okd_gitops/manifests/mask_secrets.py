"""Objects fit to be shown beside each other: of a secret value only that it is there, and that it changed."""

from okd_gitops.manifests.objects import Object
from okd_gitops.manifests.secrets import Path, secret_values

SAME, OLD, NEW = "***", "*** (the old value)", "*** (the new value)"


def mask_secrets(old: Object, new: Object) -> tuple[Object, Object]:
    """Return both sides of a change without the secret values in them; the same objects if there are none."""
    paths = {found.path for value in (old, new) for found in secret_values(value)}
    if not paths:
        return old, new

    unchanged = {path for path in paths if _value_at(old, path) == _value_at(new, path)}
    changed = paths - unchanged
    old_signs = dict.fromkeys(unchanged, SAME) | dict.fromkeys(changed, OLD)
    new_signs = dict.fromkeys(unchanged, SAME) | dict.fromkeys(changed, NEW)
    return _replaced(old, old_signs), _replaced(new, new_signs)


def _replaced(value: Object, signs: dict[Path, str]) -> Object:
    copy = _copy(value, (), signs)
    assert isinstance(copy, dict)
    return copy


def _copy(value: object, path: Path, signs: dict[Path, str]) -> object:
    if path in signs:
        return signs[path]
    if isinstance(value, dict):
        return {key: _copy(inner, (*path, key), signs) for key, inner in value.items()}
    if isinstance(value, list):
        return [_copy(inner, (*path, index), signs) for index, inner in enumerate(value)]
    return value


def _value_at(value: object, path: Path) -> object:
    """Return the value at a path of keys and indices, or None."""
    for key in path:
        is_there = isinstance(value, dict) and key in value
        is_item = isinstance(value, list) and isinstance(key, int) and key < len(value)
        if not (is_there or is_item):
            return None
        value = value[key]  # type: ignore[index]
    return value
