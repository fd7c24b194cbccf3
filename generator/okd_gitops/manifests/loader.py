"""The C reader of YAML, which knows without a search that most words without quotes are texts.

The pure Python one is ten times slower.
"""

from functools import lru_cache
from typing import Any

import yaml

STANDARD = "tag:yaml.org,2002:"
STR, MAP, SEQ = (f"{STANDARD}{name}" for name in ("str", "map", "seq"))
# More than the odd words of a fleet; what is told apart by a version or an address is seldom asked for again.
_KEPT = 4096
# No word that begins with a letter is longer, of those that are no text: false.
_LONGEST_WORD = 5


class Loader(yaml.CSafeLoader):
    """Gives the nodes that PyYAML's reader gives."""

    def resolve(self, kind: type, value: Any, implicit: Any) -> str:
        """Return the tag of a node that has none of its own."""
        if kind is not yaml.ScalarNode:
            return SEQ if kind is yaml.SequenceNode else MAP

        is_quoted = not implicit[0]
        if is_quoted or (len(value) > _LONGEST_WORD and value[0] not in _ODD):
            return STR

        return _tag_of(value)


# What begins a number, a date, or another word that is no text, beside letters.
_ODD = frozenset(first for first in Loader.yaml_implicit_resolvers if first and not first.isalpha())


@lru_cache(maxsize=_KEPT)
def _tag_of(word: str) -> str:
    """Return what the resolvers of YAML make of a word without quotes."""
    resolve = yaml.resolver.BaseResolver.resolve
    return str(resolve(_RESOLVER, yaml.ScalarNode, word, (True, False)))  # type: ignore[no-untyped-call]


_RESOLVER = Loader(b"")
