"""Values in fleet.yaml and cluster files that stand for others: what `init` writes, and examples."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache

from okd_gitops.finding import Finding, Severity, finding_of
from okd_gitops.manifests.read import Document
from okd_gitops.manifests.values import values_within

# What `init` and `import` write, and what people write in its place.
_WORD = re.compile(
    r"(?<![A-Za-z0-9])"
    r"(EXAMPLE|FILL[_ -]?IN|REPLACE[_ -]?(ME|THIS)|CHANGE[_ -]?ME|PLACEHOLDER|TODO|TBD|FIXME)"
    r"(?![A-Za-z0-9])"
    # Not the (?P<name>…) of a regular expression.
    r"|(?<!\?P)(?<!\?)<[A-Za-z][A-Za-z0-9 _-]*>"
)
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
# RFC 2606 and RFC 6761 keep these names for examples and tests: no real cluster has one.
_RESERVED = re.compile(r"(.*\.)?(example\.(com|net|org)|example|invalid|test)", re.IGNORECASE)
# An ID or a digest of one repeated digit was typed, not copied.
_ONE_DIGIT = re.compile(r"sha256:([0-9a-f])\1{63}|([0-9a-f])\2{7}-\2{4}-4\2{3}-[89ab]\2{3}-\2{12}")


def placeholders(documents: Iterable[Document]) -> list[Finding]:
    """Return a finding for each value that is, or contains, a placeholder."""
    return [finding for document in documents for finding in _in_document(document)]


def placeholder_warnings(documents: Iterable[Document]) -> list[Finding]:
    """Return the same as warnings, for work that placeholders do not stop."""
    return as_warnings(placeholders(documents))


def as_warnings(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings as warnings."""
    return [replace(finding, severity=Severity.WARNING) for finding in findings]


def _in_document(document: Document) -> Iterator[Finding]:
    for path, text in values_within(document.value):
        fault = _fault_of(text) if isinstance(text, str) else None
        if fault:
            name, reason = fault
            yield finding_of(name, document.at(path), reason)


# Clusters have most of their values in common.
@lru_cache(maxsize=4096)
def _fault_of(text: str) -> tuple[str, str] | None:
    """Return the finding's name and the reason for a text that is, or contains, a placeholder."""
    # A text of several lines is a file, which may speak about what is to be done.
    word = _WORD.search(text) if "\n" not in text else None
    if word:
        return "placeholder-value", f'"{word[0]}" is a placeholder'

    host = _reserved_host(text)
    if host:
        return "example-value", f"{host} is a name that is kept for examples"

    if _ONE_DIGIT.search(text):
        return "example-value", "one digit is repeated, so this is not a real value"

    return None


def _reserved_host(text: str) -> str:
    """Return the first host in a text that is kept for examples, or nothing; a plain word is no host."""
    hosts = (name for name in _HOST.findall(text) if "." in name)
    return next((host for host in hosts if _RESERVED.fullmatch(host)), "")
