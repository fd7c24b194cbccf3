"""What two runs must have in common for a finding to be the same one: all but where its lines have moved."""

import re
from typing import NamedTuple

from okd_gitops.finding import Finding, Severity
from okd_gitops.redaction import redacted

# Lines and columns after the name of a file, and indices of lists, which an edit above them moves.
_POSITIONS = re.compile(r"(?<=\.yaml)(:\d+)+|(?<=\.yml)(:\d+)+|\[\d+\]|\blines? \d+")


class Key(NamedTuple):
    """A finding without lines and clusters; its reason is redacted, because it may be kept in a file."""

    name: str
    file: str
    object: str
    reason: str
    severity: Severity


def key_of(finding: Finding) -> Key:
    """Return by what a finding is known again."""
    reason = redacted(_POSITIONS.sub("", finding.reason))
    return Key(finding.name, finding.location.file, finding.object, reason, finding.severity)
