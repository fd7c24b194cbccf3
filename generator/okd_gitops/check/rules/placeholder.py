"""The rule placeholder; findings.yaml says what it demands and why."""

import re
from collections.abc import Iterator

from okd_gitops.check.rule import Fault
from okd_gitops.manifests.objects import Object, ObjectId, strings

_WORDS = re.compile(
    r"(?<![A-Za-z0-9])(REPLACE[_ -]?(ME|IN[_ -]OVERLAY)|SET[_ -]IN[_ -]OVERLAY|CHANGE[_-]?ME|FILL[_ -]IN|PLACEHOLDER)(?![A-Za-z0-9])"
    # In angle brackets: <your-domain>, <CLUSTER_NAME>; but not the (?P<NAME>…) of a regular expression.
    r"|(?i:<(your|insert|replace|enter)[ _-][^<>]*>)|(?<!\?)(?<!\?P)<[A-Z][A-Z0-9_-]{2,}>"
)
_WHOLE = re.compile(r"(TODO|FIXME|XXX|TBD)[.:]?|(?i:(change|replace)[_-]?me)")
_VARIABLE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")
# Text for people may show what to fill in.
_PROSE = re.compile(r"(^|\.)description(\.|$)", re.IGNORECASE)
# A shell gives these ${variables} their values; data: URLs hold files.
_SHELL = re.compile(r"(^|\.)(script|(command|args)\[\d+\])$")
# So does whoever instantiates a Template or draws a dashboard.
_OWN_VARIABLES = ("GrafanaDashboard", "Template")


def check_object(value: Object) -> Iterator[Fault]:
    """Look at every string of one line: scripts and files inside a ConfigMap have a right to their own
    ${variables}.
    """
    identity = ObjectId.of(value)
    if identity.kind == "CustomResourceDefinition":
        return
    for path, text in strings(value):
        if _PROSE.search(path):
            continue
        found = _WHOLE.fullmatch(text)
        if not found and "\n" not in text:
            expanded = identity.kind in _OWN_VARIABLES or _SHELL.search(path) or text.startswith("data:")
            found = _WORDS.search(text) or (None if expanded else _VARIABLE.search(text))
        if found:
            yield Fault(
                reason=f'{path} holds the placeholder "{found[0]}"',
                remedy="give the value, or remove the field",
                object=identity,
            )
