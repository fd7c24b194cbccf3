"""What a change does to each cluster, in words: the first thing that a page with a change says."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from okd_gitops.check.rule import ARGOCD
from okd_gitops.finding import Finding
from okd_gitops.fleet.cluster import Purpose
from okd_gitops.report.clusters import ANNOUNCED, ClusterRow
from okd_gitops.report.guidance import REBOOT
from okd_gitops.report.markdown import code, names_list
from okd_gitops.report.pull_request_text import PullRequest
from okd_gitops.report.words import sentences_by_cluster


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happens to some clusters: a headline and sentences, both as Markdown.

    `refused` are the reasons for which the change must not be merged, as text.
    """

    clusters: tuple[str, ...]
    headline: str
    sentences: tuple[str, ...]
    refused: tuple[str, ...]


def outcomes(pull: PullRequest) -> list[Outcome]:
    """Return what the change does, clusters with the same fate together: refused ones first, then those with
    a long-term cluster, then by wave.
    """
    sentences = sentences_by_cluster(pull.changes, pull.fates)
    rows = {row.name: row for row in sorted(pull.rows, key=_order)}
    # Argo CD's own objects follow from those of the clusters.
    others = [name for name in sentences if name not in rows]
    groups: dict[tuple[str, tuple[str, ...], tuple[str, ...]], list[str]] = {}

    for name in (*rows, *others):
        fate = _fate(name, rows, sentences.get(name, ()), pull.refusals)
        groups.setdefault(fate, []).append(name)

    return [Outcome(tuple(names), *fate) for fate, names in groups.items()]


def _order(row: ClusterRow) -> tuple[bool, bool, int, str]:
    # Nobody must look for a long-term cluster.
    return not row.refused, not _is_long_term(row), row.wave, row.name


def _is_long_term(row: ClusterRow) -> bool:
    return row.purpose.rpartition(" ")[2] in (Purpose.CD, Purpose.HUB)


def _fate(
    name: str, rows: Mapping[str, ClusterRow], changes: tuple[str, ...], refusals: Sequence[Finding]
) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    # The name of the only cluster that a reason is about stands in front of the reason already.
    reasons = [finding.reason for finding in refusals if name in finding.clusters]
    refused = tuple(reason.removeprefix(f"{name}: ").removeprefix(f"{name}, ") for reason in reasons)

    if name == ARGOCD:
        return "on the hub", changes, refused

    row = rows.get(name)

    if row is None:
        return "no edit of its own file", changes, refused

    return _headline(row), (*_facts(row), *changes), refused


def _headline(row: ClusterRow) -> str:
    if row.another and row.new:
        return f"{code(row.new)} 🔴 {row.another}"

    if row.status == "removed":
        return f"🔴 leaves the fleet{f', with {code(row.old)}' if row.old else ''}"

    if row.announced:
        return f"🔴 {ANNOUNCED}{f'; until then it stays at {code(row.new)}' if row.new else ''}"

    if not row.new and not row.old:
        return "joins the fleet" if row.status == "added" else "its file changes"

    if not row.old:
        return f"joins the fleet, with {code(row.new)}"

    return f"stays at {code(row.new)}" if row.old == row.new else f"from {code(row.old)} to {code(row.new)}"


def _facts(row: ClusterRow) -> Iterator[str]:
    if row.how:
        yield row.how

    if not row.new or row.old == row.new:
        return

    if row.old:
        yield REBOOT.strip().removesuffix(".")

    if row.evidence:
        yield f"reports of earlier waves: {row.evidence}"

    if row.followed_by:
        yield f"after it come {names_list(row.followed_by, 6)}"
