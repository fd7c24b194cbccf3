"""No placeholder is left in what is rendered.

A text that somebody was to replace syncs as well as any other, and fails on the cluster.

Give the value, or remove the field.
"""

import re
from collections.abc import Iterator

from okd_gitops.finding import Severity
from okd_gitops.objects import Object, ObjectId, strings
from okd_gitops.rule import Fault

CODE = "GR007"
SEVERITY = Severity.ERROR

_WORDS = re.compile(
    r"REPLACE[_ -]?(ME|IN[_ -]OVERLAY)|SET IN OVERLAY|CHANGE[_-]?ME|FILL[_-]IN|PLACEHOLDER|<(your|insert|replace)[ _-][^>]*>"
    r"|\$\{[A-Za-z_][A-Za-z0-9_]*\}"
)
_WHOLE = re.compile(r"(TODO|FIXME|XXX|TBD)[.:]?")


def check_object(value: Object) -> Iterator[Fault]:
    """Look at every string of one line: scripts and files inside a ConfigMap have a right to their own ${variables}."""
    identity = ObjectId.of(value)
    if identity.kind == "CustomResourceDefinition":
        return
    for path, text in strings(value):
        found = _WHOLE.fullmatch(text) or (None if "\n" in text else _WORDS.search(text))
        if found:
            yield Fault(reason=f'{path} holds the placeholder "{found[0]}"', remedy="give the value, or remove the field", object=identity)
