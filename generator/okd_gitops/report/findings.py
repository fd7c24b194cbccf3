"""Findings in the text of a pull request: what is refused, what is new, and how many are older."""

from collections.abc import Iterable

from okd_gitops.finding import Finding, Severity
from okd_gitops.report.markdown import Block, code, names_list, prose

_MARKS = {Severity.ERROR: "🔴", Severity.WARNING: "🟡"}
_REFUSED = "### Refused\n\n"
_FOUND = "### Findings\n\n"


def refusals_block(refusals: Iterable[Finding]) -> Block:
    """Return why the change must not be merged, with the way out of each reason."""
    return Block("refusals", _REFUSED, [_finding(finding) for finding in refusals], share=0.5)


def findings_block(findings: Iterable[Finding]) -> Block:
    """Return the findings that the change brings, errors first."""
    in_order = sorted(findings, key=lambda finding: (finding.severity, finding.location, finding.name))

    return Block("findings", _FOUND, [_finding(finding) for finding in in_order], share=0.4)


def older_words(count: int) -> str:
    """Return one line about the findings that the base has too."""
    if not count:
        return ""

    findings = "1 finding is" if count == 1 else f"{count} findings are"

    return f"{findings} older than this change: `okd-gitops check` lists them.\n\n"


def _finding(finding: Finding) -> str:
    where = code(str(finding.location), 200)
    clusters = f" on {names_list(finding.clusters, 6)}" if finding.clusters else ""
    fix = f" **Fix:** {_sentence(finding.remedy, 400)}" if finding.remedy else ""
    reason = _sentence(finding.reason, 600)

    return f"- {_MARKS[finding.severity]} **{finding.name}** {where}{clusters}: {reason}{fix}\n"


def _sentence(text: str, longest: int) -> str:
    """Return a foreign sentence with a full stop."""
    shown = prose(text, longest)

    return shown if shown.endswith((".", "…")) else f"{shown}."
