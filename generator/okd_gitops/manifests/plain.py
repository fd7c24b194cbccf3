"""Read YAML that a program of ours wrote or a test has read with all checks: the values alone, and fast."""

from collections.abc import Iterable
from typing import Any

import yaml

_TIMESTAMP = "tag:yaml.org,2002:timestamp"


class _Loader(yaml.CSafeLoader):
    """Leaves a date the text that the API server will see."""


def _without_timestamp(resolvers: Iterable[tuple[str, Any]]) -> list[tuple[str, Any]]:
    return [(tag, pattern) for tag, pattern in resolvers if tag != _TIMESTAMP]


_Loader.yaml_implicit_resolvers = {
    first: _without_timestamp(resolvers)
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def plain_value(data: bytes) -> Any:
    """Return the value of the one document in `data`.

    Raises yaml.YAMLError, and ValueError or RecursionError for what no program of ours writes.
    """
    return _Loader(data).get_single_data()
