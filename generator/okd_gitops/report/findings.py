"""Findings in the text of a pull request: what is refused, what is new, and how many are older."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from okd_gitops.finding import Finding, Location, Severity
from okd_gitops.report.causes import common_reason
from okd_gitops.report.markdown import Block, code, names_list, sentence

_MARKS = {Severity.ERROR: "🔴", Severity.WARNING: "🟡"}
_REFUSED = "### Refused\n\n"
_FOUND = "### Findings\n\n"


def refusals_block(refusals: Iterable[Finding]) -> Block:
    """Return why the change must not be merged, with the way out of each reason."""
    return Block("refusals", _REFUSED, _entries(refusals), share=0.5)


def findings_block(findings: Iterable[Finding]) -> Block:
    """Return the findings that the change brings, errors first."""
    in_order = sorted(findings, key=lambda finding: (finding.severity, finding.location, finding.name))

    return Block("findings", _FOUND, _entries(in_order), share=0.4)


def older_words(count: int) -> str:
    """Return one line about the findings that the base has too."""
    if not count:
        return ""

    findings = "1 finding is" if count == 1 else f"{count} findings are"

    return f"{findings} older than this change: `okd-gitops check` lists them.\n\n"


def _entries(findings: Iterable[Finding]) -> list[str]:
    """Return each finding, and one that many clusters have once, with all of them."""
    groups: dict[Finding, list[Finding]] = {}

    for finding in findings:
        groups.setdefault(_without_cluster(finding), []).append(finding)

    return [_entry(common, group) for common, group in groups.items()]


def _without_cluster(finding: Finding) -> Finding:
    """Return a finding of one cluster without its name, by which it is the same as that of another one."""
    if len(finding.clusters) != 1:
        return finding

    return replace(finding, clusters=(), reason=common_reason(finding), location=Location(file=""))


def _entry(common: Finding, group: Sequence[Finding]) -> str:
    clusters = sorted({cluster for finding in group for cluster in finding.clusters})
    more = f" and {len(group) - 1} more places" if len(group) > 1 else ""
    where = f"{code(str(group[0].location), 200)}{more}"
    concerned = f" on {names_list(clusters, 6)}" if clusters else ""
    fix = f" **Fix:** {_sentence(common.remedy, 400)}" if common.remedy else ""
    reason = _sentence(common.reason, 600)

    return f"- {_MARKS[common.severity]} **{common.name}** {where}{concerned}: {reason}{fix}\n"


def _sentence(text: str, longest: int) -> str:
    """Return a foreign sentence with a full stop."""
    shown = sentence(text, longest)

    return shown if shown.endswith((".", "…")) else f"{shown}."
