"""The rule placeholder: findings.yaml states and explains it."""

import re
from collections.abc import Iterator
from functools import lru_cache

from okd_gitops.check.rule import Fault
from okd_gitops.manifests.objects import Object, ObjectId, at, strings, texts_within

_WORDS = re.compile(
    r"(?<![A-Za-z0-9])"
    r"(REPLACE[_ -]?(ME|IN[_ -]OVERLAY)|SET[_ -]IN[_ -]OVERLAY|CHANGE[_-]?ME|FILL[_ -]IN|PLACEHOLDER)"
    r"(?![A-Za-z0-9])"
    # In angle brackets: <your-domain>, <CLUSTER_NAME>; but not the (?P<NAME>…) of a regular expression.
    r"|(?i:<(your|insert|replace|enter)[ _-][^<>]*>)|(?<!\?)(?<!\?P)<[A-Z][A-Z0-9_-]{2,}>"
)
_WHOLE = re.compile(r"(TODO|FIXME|XXX|TBD)[.:]?|(?i:(change|replace)[_-]?me)")
_VARIABLE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")
# Text for people may show what to fill in.
_PROSE = re.compile(r"(^|\.)description(\.|$)", re.IGNORECASE)
_LONG = 200
# A shell replaces ${variables} here.
_SHELL = re.compile(r"(^|\.)(script|(command|args)\[\d+\])$")
# Whoever instantiates a Template or draws a dashboard replaces them here.
_KINDS_WITH_VARIABLES = ("GrafanaDashboard", "Template")


def check_object(value: Object) -> Iterator[Fault]:
    """Look at every string of one line; scripts and files in a ConfigMap may use ${variables}."""
    yield from _in_object(value, may_have_variables=False)


def check_others_object(value: Object) -> Iterator[Fault]:
    """Leave ${variables} alone: Flux, a plug-in or a program fills them in."""
    yield from _in_object(value, may_have_variables=True)


def _in_object(value: Object, *, may_have_variables: bool) -> Iterator[Fault]:
    identity = ObjectId.of(value)
    annotations = at(value, "metadata", "annotations")
    # Argo CD's vault plug-in fills in <names>.
    is_filled = isinstance(annotations, dict) and any("avp.kubernetes.io" in str(key) for key in annotations)
    if identity.kind == "CustomResourceDefinition" or is_filled:
        return

    # Most objects have none, so paths are looked for in the others alone.
    if not any(len(text) >= _LONG or _may_be_in(text) for text in texts_within(value)):
        return

    for path, text in strings(value):
        if _PROSE.search(path):
            continue

        placeholder = _placeholder(text, path, identity.kind, may_have_variables=may_have_variables)
        if placeholder:
            yield Fault(
                reason=f'{path} contains the placeholder "{placeholder[0]}"',
                remedy="give the value, or remove the field",
                object=identity,
            )


# Clusters have most short texts in common.
@lru_cache(maxsize=4096)
def _may_be_in(text: str) -> bool:
    """Whether a text has a placeholder, or a variable that may be none."""
    return bool(_WHOLE.fullmatch(text) or _WORDS.search(text) or _VARIABLE.search(text))


def _placeholder(text: str, path: str, kind: str, *, may_have_variables: bool) -> re.Match[str] | None:
    whole = _WHOLE.fullmatch(text)
    if whole or "\n" in text:
        return whole

    # A data: URL holds a file.
    may_have_variables = (
        may_have_variables
        or kind in _KINDS_WITH_VARIABLES
        or _SHELL.search(path) is not None
        or text.startswith("data:")
    )
    word = _WORDS.search(text)
    return word or (None if may_have_variables else _VARIABLE.search(text))
