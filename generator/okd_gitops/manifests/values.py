"""Every value inside a value, with its path."""

from collections.abc import Iterable, Iterator
from typing import Any

from okd_gitops.manifests.nested import Path


def values_within(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield a value with its path, and then every value inside it, however deep."""
    yield path, value

    entries: Iterable[tuple[str | int, Any]] = ()
    if isinstance(value, dict):
        entries = value.items()
    elif isinstance(value, list):
        entries = enumerate(value)

    for key, inner in entries:
        yield from values_within(inner, (*path, key))
