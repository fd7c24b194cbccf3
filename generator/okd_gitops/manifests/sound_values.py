"""Build the values of YAML alone, fast, as long as nothing in them must be refused."""

from sys import intern
from typing import Any

import yaml

from okd_gitops.manifests import words
from okd_gitops.manifests.loader import STR

# Texts that occur many times are short: kinds, names, fields.
_SHORT = 64
# No word of letters that readers disagree about is longer: off, yes.
_LONGEST_ODD = 3
_NUMERIC = "+-.0123456789"


# The rights and kinds that each AppProject lists have as many fields.
_SMALL = 3
_MOST_MAPS = 512
_MAPS: dict[tuple[Any, ...], dict[str, Any]] = {}


class UnsureError(Exception):
    """Something is not certainly as it must be: only who builds with places can tell."""


class SoundValues:
    """Builds the values of one file that has no anchors, and sees whether there are dates without quotes.

    `exact` is that of its bounds. What many files have is one text in memory; where it `shares` maps, so is
    each small map of texts, which nobody may change then.
    """

    def __init__(self, *, exact: bool, shares: bool = False) -> None:
        self._exact, self._shares = exact, shares
        self.has_dates = False

    def build(self, node: yaml.Node) -> Any:
        """Return the value of a node; raises UnsureError."""
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)

        if isinstance(node, yaml.SequenceNode):
            return [self.build(item) for item in node.value]

        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise UnsureError

            key = intern(key_node.value)
            if key in result or key == "<<":
                raise UnsureError

            result[key] = self.build(value_node)

        return _shared(result) if self._shares and len(result) <= _SMALL else result

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        text = node.value
        is_text = node.style or (node.tag == STR and len(text) > _LONGEST_ODD and text[0] not in _NUMERIC)
        value = text if is_text else self._word(text, node.tag)

        return intern(value) if type(value) is str and len(value) <= _SHORT else value

    def _word(self, text: str, tag: str) -> Any:
        if words.AMBIGUOUS.fullmatch(text):
            if self._exact:
                raise UnsureError
            return text

        word = words.read(text, tag)
        if not word.is_sure:
            raise UnsureError

        self.has_dates = self.has_dates or word.is_date
        return word.value


def _shared(value: dict[str, Any]) -> dict[str, Any]:
    """Return a map of texts equal to another one in the place of that one."""
    if any(type(each) is not str for each in value.values()):
        return value
    if len(_MAPS) >= _MOST_MAPS:
        _MAPS.clear()

    return _MAPS.setdefault(tuple(value.items()), value)
