"""Read YAML that a program of ours wrote or a test has read with all checks: the values alone, and fast."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import yaml

_STANDARD = "tag:yaml.org,2002:"
_TIMESTAMP = f"{_STANDARD}timestamp"
_STR, _MAP, _SEQ = (f"{_STANDARD}{name}" for name in ("str", "map", "seq"))


class _Loader(yaml.CSafeLoader):
    """Leaves a date the text that the API server will see."""

    def resolve(self, kind: type, value: Any, implicit: Any) -> str:
        """Return the tag of a node: most words occur many times, and are looked up in a table then."""
        if kind is yaml.ScalarNode and implicit[0]:
            return _tag_of(value)

        return str(super().resolve(kind, value, implicit))  # type: ignore[no-untyped-call]

    def build(self, node: yaml.Node) -> Any:
        """Return the value of a node, without the generic constructors as far as it is plain."""
        if node.tag == _STR and isinstance(node, yaml.ScalarNode):
            return node.value

        if node.tag == _SEQ and isinstance(node, yaml.SequenceNode):
            return [self.build(item) for item in node.value]

        if node.tag == _MAP and isinstance(node, yaml.MappingNode):
            if not _has_plain_keys(node):
                self.flatten_mapping(node)

            return {self.key(key): self.build(value) for key, value in node.value}

        return self.construct_object(node, deep=True)

    def key(self, node: yaml.Node) -> str:
        """Return a key as the API server reads it: a text (sigs.k8s.io/yaml, convertToJSONableObject)."""
        if node.tag == _STR and isinstance(node, yaml.ScalarNode):
            return str(node.value)

        value = self.construct_object(node, deep=True)
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, int | float):
            return str(value)

        reason = "a key must be a text or a number"
        raise yaml.constructor.ConstructorError(None, None, reason, node.start_mark)


def _has_plain_keys(node: yaml.MappingNode) -> bool:
    return all(key.tag == _STR and isinstance(key, yaml.ScalarNode) for key, _ in node.value)


@lru_cache(maxsize=65536)
def _tag_of(word: str) -> str:
    """Return what the resolvers of YAML make of a word without quotes."""
    resolve = yaml.resolver.BaseResolver.resolve
    return str(resolve(_RESOLVER, yaml.ScalarNode, word, (True, False)))  # type: ignore[no-untyped-call]


def _without_timestamp(resolvers: Iterable[tuple[str, Any]]) -> list[tuple[str, Any]]:
    return [(tag, pattern) for tag, pattern in resolvers if tag != _TIMESTAMP]


_Loader.yaml_implicit_resolvers = {
    first: _without_timestamp(resolvers)
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


_RESOLVER = _Loader(b"")


def plain_value(data: bytes) -> Any:
    """Return the value of the one document in `data`.

    Raises yaml.YAMLError, and ValueError or RecursionError for what no program of ours writes.
    """
    loader = _Loader(data)
    node = loader.get_single_node()
    return None if node is None else loader.build(node)


def plain_values(data: bytes) -> list[Any]:
    """Return the value of each document in `data`, as the API server would read it; raises as above."""
    loader = _Loader(data)
    values = []
    while loader.check_node():
        node = loader.get_node()
        values.append(None if node is None else loader.build(node))
    return values
