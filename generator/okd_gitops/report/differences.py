"""Differences of rendered objects, folded: the same one over many clusters is shown once."""

import re
from collections.abc import Iterable

from okd_gitops.check.diff import ObjectChange, cluster_of
from okd_gitops.report.markdown import Block, code, fence, plural, printable_lines
from okd_gitops.report.words import clusters_words

_KIND = re.compile(r"[A-Za-z][A-Za-z0-9]{0,60}")
# Forges make links of names like gh-12 and www.example.org.
_NAME = re.compile(r"(?!gh-\d|www\.)[a-z0-9][a-z0-9.-]{0,60}")
# A changed object wants reading; one that is added or removed is named above.
_VERBS = ("changed", "removed", "added")
_HEAD = "### Differences of objects\n\n"


def differences_block(changes: Iterable[ObjectChange]) -> Block:
    """Return each difference, folded, with all of its clusters."""
    in_order = sorted(changes, key=_order)

    return Block("differences", _HEAD, [_difference(change) for change in in_order])


def _order(change: ObjectChange) -> tuple[bool, int, tuple[str, ...], str]:
    return _is_derived(change), _VERBS.index(change.verb), change.overlays, str(change.object)


def _is_derived(change: ObjectChange) -> bool:
    """Whether it follows from the changes of clusters: Argo CD's own objects do."""
    return change.overlays == ("argocd",)


def _difference(change: ObjectChange) -> str:
    text = printable_lines(change.diff)
    ticks = fence(text)
    added, removed = _changed_lines(text, "+"), _changed_lines(text, "-")
    clusters = [cluster_of(overlay) for overlay in change.overlays]

    place = "in Argo CD" if _is_derived(change) else f"on {len(clusters)} {plural('cluster', clusters)}"
    summary = f"{_called(change)} {change.verb} {place}, +{added} −{removed} lines"
    where = f"{code(str(change.object))}: {clusters_words(clusters, 60)}"

    return (
        f"<details><summary>{summary}</summary>\n\n{where}\n\n{ticks}diff\n{text}\n{ticks}\n\n</details>\n\n"
    )


def _called(change: ObjectChange) -> str:
    """Return what a summary calls an object. It is HTML, in which Markdown's escapes have no effect, and a
    name that is more than letters, digits and dashes could be a mention or a link.
    """
    kind, name = change.object.kind, change.object.name

    if not _KIND.fullmatch(kind):
        return "object"

    return f"{kind} {name}" if _NAME.fullmatch(name) else kind


def _changed_lines(diff: str, sign: str) -> int:
    lines = diff.splitlines()

    return sum(line.startswith(sign) and not line.startswith(sign * 3) for line in lines)
