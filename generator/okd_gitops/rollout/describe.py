"""What the pull request of a wave says: its verdict and why, a row for each cluster, risks, evidence,
differences.
"""

from collections.abc import Sequence

from okd_gitops import __version__
from okd_gitops.check.diff import Difference
from okd_gitops.evidence.report import Evidence
from okd_gitops.rollout.open_branches import Standing
from okd_gitops.rollout.pull_request_text import Hunk, Proof, PullRequest, Risk, RiskKind, Row, Verdict
from okd_gitops.upgrade.decide import Upgrade
from okd_gitops.upgrade.path import Hop, Path, kind
from okd_gitops.upgrade.plan import Outlook


def proposal(
    seen: Outlook,
    going: Sequence[Upgrade],
    changes: Difference,
    *,
    documents: int,
    base: str,
    branch: str,
    rehearsal: str = "",
) -> PullRequest:
    """Return the pull request of the moves of one wave; `documents` were checked without an error, `base`
    is the commit it starts from.
    """
    found = {reason for upgrade in going for reason in _reasons(seen, upgrade)}
    found |= {f"a rehearsal: decided as if it were {rehearsal}"} if rehearsal else set()
    reasons = tuple(sorted(found))
    release = going[0].release
    assert release is not None
    trust = seen.trust.get(release.image)
    count = len(changes.changes)
    facts = [
        f"{count} distinct object change{'' if count == 1 else 's'}",
        f"checks passed: {documents} documents, 0 errors",
    ]
    facts.append(
        f"signature verified ({trust.fingerprint[-16:]})"
        if trust and trust.verified
        else "signature NOT verified"
    )
    # A release of unknown age was taken to be as young as can be.
    facts += (
        [f"release is {(seen.now - release.published).days} days old"] if release.published < seen.now else []
    )
    hunks = tuple(
        Hunk(text=change.diff, clusters=tuple(folder.removeprefix("overlays/") for folder in change.overlays))
        for change in changes.changes
    )
    names = ",".join(upgrade.cluster.name for upgrade in going)
    return PullRequest(
        verdict=Verdict.LOOK if reasons else Verdict.ROUTINE,
        target=release.version.text,
        rows=tuple(_row(seen, upgrade) for upgrade in going),
        reasons=reasons,
        waves=len(seen.waves),
        untouched=len(seen.fleet.clusters) - len(going),
        facts=tuple(facts),
        risks=tuple(risk for upgrade in going for risk in _risks(seen, upgrade)),
        evidence=tuple(_proof(seen, report) for report in _earlier(seen, going)),
        hunks=hunks,
        links=_links(seen, release.version.text, release.stream),
        reproduce=(
            f"git fetch origin {branch} && git switch --detach FETCH_HEAD",
            "make check",
            f"make diff ARGS='--from {base[:12]}'",
        ),
        made_by=(("version", __version__), ("base", base[:12]), ("clusters", names)),
    )


def halted(seen: Outlook, standing: Standing) -> PullRequest:
    """Return the pull request of an open branch that must not be merged now."""
    purposes = {cluster.name: str(cluster.spec.purpose) for cluster in seen.fleet.clusters}
    rows = [
        Row(
            cluster=name,
            purpose=purposes.get(name, ""),
            wave=standing.wave,
            start=start,
            target=standing.release.text,
        )
        for name, start in standing.clusters.items()
    ]
    return PullRequest(
        verdict=Verdict.BLOCKED,
        target=standing.release.text,
        rows=tuple(rows),
        reasons=("do not merge this now", *standing.reasons(seen)),
        waves=len(seen.waves),
        untouched=len(purposes) - len(rows),
        reproduce=("okd-gitops release status",),
        made_by=(("version", __version__),),
    )


def _hop(upgrade: Upgrade) -> Hop:
    assert isinstance(upgrade.path, Path)
    return upgrade.path.hops[0]


def _reasons(seen: Outlook, upgrade: Upgrade) -> list[str]:
    """Say what makes this more than a routine update."""
    hop, found = _hop(upgrade), []
    if upgrade.forced:
        found.append(f"{upgrade.cluster.name} is FORCED: neither its signature nor its preconditions count")
    if hop.kind in ("minor", "major"):
        found.append(f"a {hop.kind} update: {hop.source.line} → {hop.to.line}")
    if kind(hop.to) != "release":
        found.append(f"{hop.to.text} is a preview ({kind(hop.to)})")
    if hop.risks:
        found.append(f"accepted risks of a conditional edge: {', '.join(hop.risks)}")
    if hop.acks:
        found.append(f"an administrator acknowledges: {', '.join(hop.acks)}")
    if hop.barriers:
        found.append(f"work by hand on {upgrade.cluster.name}: {', '.join(one.name for one in hop.barriers)}")
    if isinstance(upgrade.path, Path) and len(upgrade.path.hops) > 1:
        stops = " → ".join(each.to.text for each in upgrade.path.hops)
        found.append(f"not the last hop of {upgrade.cluster.name}: {stops}")
    trust = seen.trust.get(upgrade.release.image) if upgrade.release else None
    if not (trust and trust.verified):
        found.append("the signature of the release is not verified")
    found += (
        [f"signature: {finding.reason}" for finding in trust.findings] if trust and trust.verified else []
    )
    version = upgrade.release.version.text if upgrade.release else ""
    disagreeing = [
        finding.reason for finding in seen.learned.findings if version and version in finding.reason
    ]

    return found + [f"sources disagree: {reason}" for reason in disagreeing]


def _row(seen: Outlook, upgrade: Upgrade) -> Row:
    hop, cluster = _hop(upgrade), upgrade.cluster
    hops = tuple(each.to.text for each in upgrade.path.hops) if isinstance(upgrade.path, Path) else ()
    proofs = _earlier(seen, [upgrade])
    evidence = (
        f"{len(proofs)} clusters passed it"
        if proofs
        else "it is among the first"
        if seen.first(upgrade)
        else ""
    )
    return Row(
        cluster=cluster.name,
        purpose=cluster.purpose,
        wave=cluster.wave,
        start=hop.source.text,
        target=hop.to.text,
        kind=hop.kind,
        hops=hops,
        old_channel=cluster.channel,
        new_channel=hop.channel,
        acks=hop.acks,
        evidence=evidence,
    )


def _earlier(seen: Outlook, going: Sequence[Upgrade]) -> list[Evidence]:
    """Return what the waves before reported of the release."""
    found = {}
    for upgrade in going:
        of_stream = [
            other.cluster for other in seen.upgrades if other.cluster.stream == upgrade.cluster.stream
        ]
        names = {cluster.name for cluster in of_stream if cluster.wave < upgrade.cluster.wave}

        for report in seen.evidence:
            if report.cluster in names and report.version == _hop(upgrade).to.text:
                found[report.cluster] = report
    return [found[name] for name in sorted(found)]


def _proof(seen: Outlook, report: Evidence) -> Proof:
    hours = int((seen.now - report.finished).total_seconds() // 3600)
    soaked = f"{hours // 24} d {hours % 24} h"
    return Proof(
        cluster=report.cluster,
        version=report.version,
        passed=report.passed,
        finished=f"{report.finished:%Y-%m-%d %H:%M}",
        soaked=soaked,
    )


def _risks(seen: Outlook, upgrade: Upgrade) -> list[Risk]:
    hop, name = _hop(upgrade), upgrade.cluster.name
    if upgrade.forced:
        reason = "The cluster takes the release whatever its signature and the preconditions say."
        return [Risk(kind=RiskKind.FORCED, name="force", message=reason, clusters=(name,))]
    listed = seen.learned.graph.conditional.get((hop.source.text, hop.to.text), ())
    found = [
        Risk(kind=RiskKind.BARRIER, name=one.name, message=one.message, url=one.url, clusters=(name,))
        for one in hop.barriers
    ]
    return found + [
        Risk(kind=RiskKind.CONDITIONAL, name=risk.name, message=risk.message, url=risk.url, clusters=(name,))
        for risk in listed
    ]


def _links(seen: Outlook, version: str, stream: str) -> tuple[tuple[str, str], ...]:
    releases = seen.fleet.spec.releases
    assert releases is not None
    links = [("release controller", f"{releases.controller}/releasestream/{stream}/release/{version}")]
    if releases.github:
        links.append(("release notes", f"https://github.com/{releases.github}/releases/tag/{version}"))
    return tuple(links)
