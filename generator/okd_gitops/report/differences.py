"""Differences of rendered objects, folded: the same one over many clusters is shown once."""

from collections.abc import Iterable

from okd_gitops.check.diff import ObjectChange
from okd_gitops.report.markdown import Block, code, fence, names_list, plural, printable_lines
from okd_gitops.report.words import cluster_of, kind_words

_HEAD = "### Differences of objects\n\n"


def differences_block(changes: Iterable[ObjectChange]) -> Block:
    """Return each difference, folded, with all of its clusters."""
    return Block("differences", _HEAD, [_difference(change) for change in changes])


def _difference(change: ObjectChange) -> str:
    text = printable_lines(change.diff)
    ticks = fence(text)
    added, removed = _changed_lines(text, "+"), _changed_lines(text, "-")
    clusters = [cluster_of(overlay) for overlay in change.overlays]

    # A summary is HTML: Markdown's escapes have no effect in it, and names in it would still be mentions.
    kind = kind_words(change.object.kind, 1)
    what = f"{kind} {change.verb}" if kind.isalnum() else f"object {change.verb}"
    summary = f"{what} on {len(clusters)} {plural('cluster', clusters)}, +{added} −{removed} lines"

    where = f"{code(str(change.object))} on {names_list(clusters, 60)}"

    return (
        f"<details><summary>{summary}</summary>\n\n{where}\n\n{ticks}diff\n{text}\n{ticks}\n\n</details>\n\n"
    )


def _changed_lines(diff: str, sign: str) -> int:
    lines = diff.splitlines()

    return sum(line.startswith(sign) and not line.startswith(sign * 3) for line in lines)
