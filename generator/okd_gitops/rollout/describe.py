"""What the pull request of a wave is about: what to look at and why, and what each upgrade rests on."""

from collections.abc import Sequence

from okd_gitops import __version__
from okd_gitops.check.diff import Difference
from okd_gitops.evidence.report import Evidence
from okd_gitops.report.pull_request_text import Attention, PullRequest
from okd_gitops.rollout.open_branches import Standing
from okd_gitops.upgrade.decide import Upgrade
from okd_gitops.upgrade.edges import kind
from okd_gitops.upgrade.path import Path
from okd_gitops.upgrade.plan import Outlook


def proposal(
    seen: Outlook,
    going: Sequence[Upgrade],
    difference: Difference,
    *,
    documents: int,
    base: str,
    branch: str,
    rehearsal: str = "",
) -> PullRequest:
    """Return the pull request of the upgrades of one wave; `documents` were checked without an error, `base`
    is the commit it starts from.
    """
    release = going[0].release
    assert release is not None

    reasons = {reason for upgrade in going for reason in _reasons(seen, upgrade)}

    if rehearsal:
        reasons.add(f"a rehearsal: decided as if it were {rehearsal}")

    names = ",".join(upgrade.cluster.name for upgrade in going)

    return PullRequest(
        attention=Attention.LOOK if reasons else Attention.ROUTINE,
        target=release.version.text,
        upgrades=tuple(going),
        now=seen.now,
        reasons=tuple(sorted(reasons)),
        basis={upgrade.cluster.name: _basis(seen, upgrade) for upgrade in going},
        conditional=seen.learned.graph.conditional,
        evidence=tuple(_earlier_reports(seen, going)),
        changes=difference.changes,
        waves=len(seen.waves),
        untouched=len(seen.fleet.clusters) - len(going),
        facts=tuple(_facts(seen, going[0], difference, documents)),
        links=_links(seen, release.version.text, going[0].cluster.stream),
        reproduce=(
            f"git fetch origin {branch} && git switch --detach FETCH_HEAD",
            "make check",
            f"make diff ARGS='--from {base[:12]}'",
        ),
        made_by=(("version", __version__), ("base", base[:12]), ("clusters", names)),
    )


def halted(seen: Outlook, standing: Standing) -> PullRequest:
    """Return the pull request of an open branch that must not be merged now."""
    upgrades = standing.upgrades(seen.fleet)

    return PullRequest(
        attention=Attention.BLOCKED,
        target=standing.release.text,
        upgrades=tuple(upgrades),
        now=seen.now,
        reasons=("do not merge this now", *standing.reasons(seen)),
        waves=len(seen.waves),
        untouched=len(seen.fleet.clusters) - len(upgrades),
        reproduce=("okd-gitops release status",),
        made_by=(("version", __version__),),
    )


def _facts(seen: Outlook, upgrade: Upgrade, difference: Difference, documents: int) -> list[str]:
    release = upgrade.release
    assert release is not None
    trust = seen.trust.get(release.version.text)
    count = len(difference.changes)

    facts = [
        f"{count} distinct object change{'' if count == 1 else 's'}",
        f"checks passed: {documents} documents, 0 errors",
    ]

    if trust and trust.verified:
        facts.append(f"signature verified ({trust.fingerprint[-16:]})")
    else:
        facts.append("signature NOT verified")

    # A release of unknown age was taken to be as young as can be.
    if release.published and release.published < seen.now:
        facts.append(f"release is {(seen.now - release.published).days} days old")

    return facts


def _reasons(seen: Outlook, upgrade: Upgrade) -> list[str]:
    """Return why this is more than a routine update."""
    return [*_reasons_of_path(upgrade), *_reasons_of_signature(seen, upgrade), *_disagreements(seen, upgrade)]


def _reasons_of_path(upgrade: Upgrade) -> list[str]:
    return [*_reasons_of_hop(upgrade), *_reasons_of_later_hops(upgrade)]


def _reasons_of_later_hops(upgrade: Upgrade) -> list[str]:
    hops = upgrade.path.hops if isinstance(upgrade.path, Path) else ()
    if len(hops) <= 1:
        return []

    stops = " → ".join(hop.to.text for hop in hops)
    return [f"not the last hop of {upgrade.cluster.name}: {stops}"]


def _reasons_of_hop(upgrade: Upgrade) -> list[str]:
    hop, name = upgrade.first_hop, upgrade.cluster.name
    release_kind = kind(hop.to)
    reasons = []

    if upgrade.forced:
        reasons.append(f"{name} is FORCED: neither its signature nor its preconditions count")

    if hop.kind in ("minor", "major"):
        reasons.append(f"a {hop.kind} update: {hop.source.line} → {hop.to.line}")

    if release_kind != "release":
        reasons.append(f"{hop.to.text} is a preview ({release_kind})")

    if hop.risks:
        reasons.append(f"accepted risks of a conditional edge: {', '.join(hop.risks)}")

    if hop.acks:
        reasons.append(f"an administrator acknowledges: {', '.join(hop.acks)}")

    if hop.barriers:
        reasons.append(f"work by hand on {name}: {', '.join(barrier.name for barrier in hop.barriers)}")

    return reasons


def _reasons_of_signature(seen: Outlook, upgrade: Upgrade) -> list[str]:
    trust = seen.trust.get(upgrade.release.version.text) if upgrade.release else None

    if trust is None or not trust.verified:
        return ["the signature of the release is not verified"]

    return [f"signature: {finding.reason}" for finding in trust.findings]


def _disagreements(seen: Outlook, upgrade: Upgrade) -> list[str]:
    version = upgrade.release.version.text if upgrade.release else ""

    if not version:
        return []

    reasons = [finding.reason for finding in seen.learned.findings if version in finding.reason]
    return [f"sources disagree: {reason}" for reason in reasons]


def _basis(seen: Outlook, upgrade: Upgrade) -> str:
    """Return why a cluster may go now."""
    reports = _earlier_reports(seen, [upgrade])

    if reports:
        return f"{len(reports)} clusters passed it"

    return "first wave" if seen.first(upgrade) else ""


def _earlier_reports(seen: Outlook, going: Sequence[Upgrade]) -> list[Evidence]:
    """Return what the waves before reported of the release, by cluster."""
    reports = {}

    for upgrade in going:
        cluster, version = upgrade.cluster, upgrade.first_hop.to.text
        of_stream = [other.cluster for other in seen.upgrades if other.cluster.stream == cluster.stream]
        earlier = {other.name for other in of_stream if other.wave < cluster.wave}

        for report in seen.records.evidence:
            if report.cluster in earlier and report.version == version:
                reports[report.cluster] = report

    return [reports[name] for name in sorted(reports)]


def _links(seen: Outlook, version: str, stream: str) -> tuple[tuple[str, str], ...]:
    releases = seen.fleet.spec.releases
    assert releases is not None
    links = [("release controller", f"{releases.controller}/releasestream/{stream}/release/{version}")]

    if releases.github:
        links.append(("release notes", f"https://github.com/{releases.github}/releases/tag/{version}"))

    return tuple(links)
