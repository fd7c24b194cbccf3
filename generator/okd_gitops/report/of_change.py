"""The pull request of any change, a person's too: what `check --base` judged, as the text's parts."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from okd_gitops import __version__
from okd_gitops.check.change.change import Change, ClusterChange, JudgedRelease, Status
from okd_gitops.check.change.judge_change import JudgedChange
from okd_gitops.check.change.removals import NONE
from okd_gitops.check.diff import Difference, ObjectChange
from okd_gitops.evidence.report import Evidence
from okd_gitops.finding import Finding, Severity, ordered
from okd_gitops.releases.record import ReleaseRecord
from okd_gitops.report.clusters import ClusterRow, age, evidence_words, path_words
from okd_gitops.report.leaving import Fate, fate_when_it_stays, fate_when_removed, removal_words
from okd_gitops.report.markdown import code
from okd_gitops.report.pull_request_text import PullRequest
from okd_gitops.report.reasons_of_change import is_announced, reasons_of_change, replaced
from okd_gitops.report.risks import RiskEntry, forced_risk, risks_of_hop
from okd_gitops.report.verdict import Attention
from okd_gitops.upgrade.path import Hop, NoPath, Path
from okd_gitops.upgrade.question import Way

# Ways past what keeps others from a release.
_RED_WAYS = (Way.FORCE, Way.EMERGENCY, Way.ADOPTION)
_MANY_FIELDS = 5
# With another one of these, a cluster file is about another cluster.
_ADDRESS = ("server", "clusterID")
_TRUST_EDIT = "trust-edit"


def pull_request_of(judged: JudgedChange, difference: Difference | None, now: datetime) -> PullRequest:
    """Return what the text of a change's pull request is made of.

    `difference` is that of its objects, or None when they do not build.
    """
    change = judged.change
    changes = difference.changes if difference else ()
    findings = _findings(judged)
    fates = _fates(judged)
    reasons = reasons_of_change(judged, difference, findings, fates)
    rows = tuple(_row(item, change, now) for item in change.clusters)
    waves = {cluster.wave for cluster in judged.fleet.clusters} | {row.wave for row in rows}
    targets = {
        item.new_release.version for item in change.clusters if item.release_changed and item.new_release
    }

    return PullRequest(
        attention=_attention(judged, reasons),
        rows=rows,
        now=now,
        target=targets.pop() if len(targets) == 1 else "",
        reasons=tuple(reasons),
        refusals=change.refusals,
        trust_edits=change.trust_edits,
        risks=tuple(_risks(change.clusters)),
        evidence=tuple(_evidence(change.clusters)),
        changes=changes,
        fates=fates,
        findings=tuple(findings),
        older=len(judged.older),
        waves=len(waves),
        untouched=_untouched(judged),
        facts=tuple(_facts(judged, changes, now)),
        links=tuple(_links(change.clusters)),
        reproduce=_reproduce(change.base),
        made_by=_made_by(change.base, change.records),
    )


def unreadable_pull_request(
    findings: Sequence[Finding], base: str, records: str, now: datetime
) -> PullRequest:
    """Return what the text of a change is made of whose files are no fleet: `findings` are all that is known.

    `base` and `records` are commits.
    """
    in_order = ordered(findings)

    return PullRequest(
        attention=Attention.BLOCKED,
        rows=(),
        now=now,
        is_readable=False,
        refusals=tuple(finding for finding in in_order if finding.severity == Severity.ERROR),
        findings=tuple(finding for finding in in_order if finding.severity != Severity.ERROR),
        reproduce=_reproduce(base),
        made_by=_made_by(base, records),
    )


def _fates(judged: JudgedChange) -> dict[str, Fate]:
    """Return what happens to objects that leave Git, for each cluster that is there or was."""
    stays = {cluster.name: fate_when_it_stays(cluster) for cluster in judged.fleet.clusters}
    gone = {
        item.name: fate_when_removed(item.old) for item in judged.change.clusters if item.old and not item.new
    }

    return {**stays, **gone}


def _attention(judged: JudgedChange, reasons: Sequence[str]) -> Attention:
    if any(finding.severity == Severity.ERROR for finding in judged.findings):
        return Attention.BLOCKED

    return Attention.LOOK if reasons else Attention.ROUTINE


def _findings(judged: JudgedChange) -> list[Finding]:
    """Return the new findings besides the refusals; edits of trust have a place of their own."""
    of_change = [finding for finding in judged.change.findings if finding.severity != Severity.ERROR]

    return [*(finding for finding in of_change if finding.name != _TRUST_EDIT), *judged.report.findings]


def _row(item: ClusterChange, change: Change, now: datetime) -> ClusterRow:
    judged = item.judged
    old, new = item.old_release, item.new_release
    return ClusterRow(
        name=item.name,
        status=str(item.status),
        purpose=_purpose(item),
        # Where it goes with the change does not say how far the change reaches.
        wave=item.old.wave if item.old else item.cluster.wave,
        old=old.version if old else "",
        new=new.version if new else "",
        another=_another(item),
        how=removal_words(item.cluster) if item.status == Status.REMOVED else _how(item),
        evidence=evidence_words(judged.evidence, judged.waits_for, now) if judged else "",
        waits_for=judged.waits_for if judged else (),
        followed_by=judged.followed_by if judged else (),
        refused=any(item.name in finding.clusters for finding in change.refusals),
        announced=is_announced(item),
    )


def _another(item: ClusterChange) -> str:
    """Return where the release runs after the change, if that is not where it ran before."""
    addresses = [(field, new) for field, _, new in replaced(item) if field in _ADDRESS]

    if not addresses:
        return ""

    return "where Argo CD does not deploy" if addresses == [("server", NONE)] else "on another cluster"


def _purpose(item: ClusterChange) -> str:
    purposes = [cluster.spec.purpose for cluster in (item.old, item.new) if cluster]

    return " → ".join(dict.fromkeys(map(str, purposes)))


def _how(item: ClusterChange) -> str:
    """Return the path of another release, and which other keys of the cluster's file change."""
    words = []

    if item.judged:
        words.append(_path_words(item, item.judged))

    if item.status == Status.ADDED and not item.cluster.spec.server and not item.cluster.spec.provider:
        words.append("without a server: nobody syncs it")

    edits = [field for field in item.fields if not field.startswith("release.")]
    edits += ["extras"] if item.extras else []

    if edits:
        more = f" and {len(edits) - _MANY_FIELDS} more" if len(edits) > _MANY_FIELDS else ""
        words.append(f"edits {', '.join(map(code, edits[:_MANY_FIELDS]))}{more}")

    return "; ".join(word for word in words if word)


def _path_words(item: ClusterChange, judged: JudgedRelease) -> str:
    way = f"🔴 **{judged.way}**; " if judged.way in _RED_WAYS else ""
    channel = item.old_release.channel if item.old_release else ""

    if isinstance(judged.path, Path):
        return way + path_words(judged.path, channel)

    if not isinstance(judged.path, NoPath):
        return way.rstrip("; ")

    # Where nothing is known of the release, nothing is known of a path to it.
    return f"{way}🔴 no path" if judged.record else f"{way}🔴 its path is unknown: nothing of it is recorded"


def _risks(clusters: Iterable[ClusterChange]) -> list[tuple[str, RiskEntry]]:
    risks = []

    for item in clusters:
        judged = item.judged

        if judged is None:
            continue

        if judged.way == Way.FORCE:
            risks.append((item.name, forced_risk()))
            continue

        hop = judged.first_hop
        risks += [(item.name, risk) for risk in _risks_of_path(judged, hop)] if hop else []

    return risks


def _risks_of_path(judged: JudgedRelease, hop: Hop) -> list[RiskEntry]:
    edges = judged.record.edges if judged.record else ()
    conditional = [risk for edge in edges if edge.source == hop.source.text for risk in edge.risks]

    return risks_of_hop(hop, conditional)


def _evidence(clusters: Iterable[ClusterChange]) -> list[Evidence]:
    """Return each report once: several clusters rest on the same ones."""
    reports = {}

    for item in clusters:
        for report in item.judged.evidence if item.judged else ():
            reports[report.cluster, report.version] = report

    return list(reports.values())


def _untouched(judged: JudgedChange) -> int:
    changed = {item.name for item in judged.change.clusters}

    return sum(cluster.name not in changed for cluster in judged.fleet.clusters)


def _facts(judged: JudgedChange, changes: Sequence[ObjectChange], now: datetime) -> list[str]:
    verbs = [item.verb for item in changes]
    counts = ", ".join(f"{verbs.count(verb)} {verb}" for verb in ("added", "changed", "removed"))
    facts = [f"distinct changes of objects in Git: {counts}", f"{judged.report.documents} documents checked"]
    releases = [item.judged for item in judged.change.clusters if item.judged]

    if releases:
        are_verified = all(release.verified for release in releases)
        facts.append("signature verified" if are_verified else "signature NOT verified")

    for record in _records(judged.change.clusters):
        if record.published:
            facts.append(f"{record.version} is {age(record.published, now)} old")

    return facts


def _records(clusters: Iterable[ClusterChange]) -> list[ReleaseRecord]:
    """Return what is recorded of the releases that clusters go to, each once."""
    records = [item.judged.record for item in clusters if item.judged]
    by_version = {record.version: record for record in records if record}

    return [by_version[version] for version in sorted(by_version)]


def _links(clusters: Iterable[ClusterChange]) -> list[tuple[str, str]]:
    return [(f"release {record.version}", record.url) for record in _records(clusters) if record.url]


def _made_by(base: str, records: str) -> tuple[tuple[str, str], ...]:
    return ("version", __version__), ("base", base[:12]), ("records", records[:12])


def _reproduce(base: str) -> tuple[str, ...]:
    return (
        "git fetch origin",
        f"okd-gitops check --base {base[:12]}",
        f"okd-gitops report --base {base[:12]}",
        f"okd-gitops diff --base {base[:12]}",
    )
