"""Read YAML that a program of ours wrote or a test has read with all checks: the values alone, and fast."""

from sys import intern
from typing import Any

import yaml

from okd_gitops.manifests.loader import MAP, SEQ, STANDARD, STR, Loader

_TIMESTAMP = f"{STANDARD}timestamp"


class _Loader(Loader):
    """Leaves a date the text that the API server will see."""

    def resolve(self, kind: type, value: Any, implicit: Any) -> str:
        """Return the tag of a node."""
        tag = super().resolve(kind, value, implicit)
        return STR if tag == _TIMESTAMP else tag

    def build(self, node: yaml.Node) -> Any:
        """Return the value of a node, without the generic constructors as far as it is plain."""
        if node.tag == STR and isinstance(node, yaml.ScalarNode):
            return node.value

        if node.tag == SEQ and isinstance(node, yaml.SequenceNode):
            return [self.build(item) for item in node.value]

        if node.tag == MAP and isinstance(node, yaml.MappingNode):
            if not _has_plain_keys(node):
                self.flatten_mapping(node)

            return {self.key(key): self.build(value) for key, value in node.value}

        return self.construct_object(node, deep=True)

    def key(self, node: yaml.Node) -> str:
        """Return a key as the API server reads it: a text (sigs.k8s.io/yaml, convertToJSONableObject)."""
        if node.tag == STR and isinstance(node, yaml.ScalarNode):
            return intern(node.value)

        value = self.construct_object(node, deep=True)
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, int | float):
            return str(value)

        reason = "a key must be a text or a number"
        raise yaml.constructor.ConstructorError(None, None, reason, node.start_mark)


def _has_plain_keys(node: yaml.MappingNode) -> bool:
    return all(key.tag == STR and isinstance(key, yaml.ScalarNode) for key, _ in node.value)


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
