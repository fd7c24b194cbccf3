"""What the pull request of a wave is about: what to look at and why, and what each upgrade rests on."""

from collections.abc import Iterable, Sequence

from okd_gitops import __version__
from okd_gitops.check.diff import Difference
from okd_gitops.evidence.report import Evidence
from okd_gitops.releases.json_answer import FORM, UNREADABLE
from okd_gitops.releases.sources.answer import AWAY, PAGES
from okd_gitops.report.clusters import ClusterRow, age, evidence_words, path_words
from okd_gitops.report.pull_request_text import PullRequest
from okd_gitops.report.reasons import reasons_of_hop, reasons_of_later_hops
from okd_gitops.report.risks import RiskEntry, forced_risk, risks_of_hop
from okd_gitops.report.verdict import Attention
from okd_gitops.rollout.open_branches import Standing
from okd_gitops.upgrade.decide import Upgrade
from okd_gitops.upgrade.path import Path
from okd_gitops.upgrade.plan import Outlook
from okd_gitops.upgrade.question import Follower, earlier_clusters

# Findings after which a part of what a source knows is missing.
_NOT_READ = (AWAY, FORM, UNREADABLE, PAGES)
_MANY_LINKS = 3


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

    sources_away = _sources_away(seen)
    reasons = {reason for upgrade in going for reason in _reasons(seen, upgrade)}
    reasons |= {f"a source did not answer: {source}" for source in sources_away}

    if rehearsal:
        reasons.add(f"a rehearsal: decided as if it were {rehearsal}")

    names = ",".join(upgrade.cluster.name for upgrade in going)

    return PullRequest(
        attention=Attention.LOOK if reasons else Attention.ROUTINE,
        target=release.version.text,
        rows=tuple(_row(seen, upgrade) for upgrade in going),
        now=seen.now,
        reasons=tuple(sorted(reasons)),
        risks=tuple(_risks(seen, going)),
        evidence=tuple(_earlier_reports(seen, going)),
        changes=difference.changes,
        sources_away=sources_away,
        notes=release.notes,
        waves=len(seen.waves),
        untouched=len(seen.fleet.clusters) - len(going),
        facts=tuple(_facts(seen, going[0], documents)),
        links=_links(seen, going),
        reproduce=(
            f"git fetch origin {branch} && git switch --detach FETCH_HEAD",
            f"make check ARGS='--base {base[:12]}'",
            f"make diff ARGS='--base {base[:12]}'",
            f"okd-gitops release plan --to {release.version.text}",
        ),
        made_by=(
            ("version", __version__),
            ("base", base[:12]),
            ("records", seen.records.commit[:12]),
            ("clusters", names),
        ),
    )


def halted(seen: Outlook, standing: Standing) -> PullRequest:
    """Return the pull request of an open branch that must not be merged now."""
    upgrades = standing.upgrades(seen.fleet)

    return PullRequest(
        attention=Attention.BLOCKED,
        target=standing.release.text,
        rows=tuple(_halted_row(upgrade) for upgrade in upgrades),
        now=seen.now,
        reasons=("do not merge this now", *standing.reasons(seen)),
        sources_away=_sources_away(seen),
        waves=len(seen.waves),
        untouched=len(seen.fleet.clusters) - len(upgrades),
        reproduce=("okd-gitops status",),
        made_by=(("version", __version__),),
    )


def _row(seen: Outlook, upgrade: Upgrade) -> ClusterRow:
    cluster, path = upgrade.cluster, upgrade.path
    assert isinstance(path, Path)
    followers = [other.cluster for other in seen.upgrades]
    earlier = _names(earlier_clusters(cluster, followers))
    later = [other for other in followers if cluster in earlier_clusters(other, followers)]

    return ClusterRow(
        name=cluster.name,
        purpose=cluster.purpose,
        wave=cluster.wave,
        old=cluster.version.text,
        new=upgrade.first_hop.to.text,
        how=path_words(path, cluster.channel),
        evidence=evidence_words(_earlier_reports(seen, [upgrade]), earlier, seen.now),
        waits_for=earlier,
        followed_by=_names(later),
    )


def _halted_row(upgrade: Upgrade) -> ClusterRow:
    cluster = upgrade.cluster

    return ClusterRow(
        name=cluster.name,
        purpose=cluster.purpose,
        wave=cluster.wave,
        old=cluster.version.text,
        new=upgrade.first_hop.to.text,
        refused=True,
    )


def _names(clusters: Iterable[Follower]) -> tuple[str, ...]:
    return tuple(sorted(cluster.name for cluster in clusters))


def _facts(seen: Outlook, upgrade: Upgrade, documents: int) -> list[str]:
    release = upgrade.release
    assert release is not None
    trust = seen.trust.get(release.version.text)
    facts = [f"checks passed: {documents} documents, 0 errors"]

    if trust and trust.verified:
        facts.append(f"signature verified ({trust.fingerprint[-16:]})")
    else:
        facts.append("signature NOT verified")

    # A release of unknown age was taken to be as young as can be.
    if release.published and release.published < seen.now:
        facts.append(f"release is {age(release.published, seen.now)} old")
    else:
        facts.append("the age of the release is unknown")

    return facts


def _sources_away(seen: Outlook) -> tuple[str, ...]:
    """Return the sources of which a part could not be read."""
    places = [finding.location.file for finding in seen.learned.findings if finding.name in _NOT_READ]

    return tuple(sorted(set(places)))


def _reasons(seen: Outlook, upgrade: Upgrade) -> list[str]:
    """Return why this is more than a routine update."""
    hops = upgrade.path.hops if isinstance(upgrade.path, Path) else ()
    name = upgrade.cluster.name

    return [
        *_reasons_of_adoption(upgrade),
        *reasons_of_hop(name, upgrade.first_hop, forced=upgrade.forced),
        *reasons_of_later_hops(name, hops),
        *_reasons_of_signature(seen, upgrade),
        *_disagreements(seen, upgrade),
    ]


def _reasons_of_adoption(upgrade: Upgrade) -> list[str]:
    if not upgrade.adopted:
        return []

    version = upgrade.first_hop.to.text
    return [f"{upgrade.cluster.name} was upgraded by hand and runs {version} already: Git follows it"]


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


def _risks(seen: Outlook, going: Sequence[Upgrade]) -> list[tuple[str, RiskEntry]]:
    """Return each risk of the first hops, with its cluster; one that is forced has no other one."""
    risks = []

    for upgrade in going:
        hop = upgrade.first_hop
        conditional = seen.learned.graph.conditional.get((hop.source.text, hop.to.text), ())
        of_cluster = [forced_risk()] if upgrade.forced else risks_of_hop(hop, conditional)
        risks += [(upgrade.cluster.name, risk) for risk in of_cluster]

    return risks


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


def _links(seen: Outlook, going: Sequence[Upgrade]) -> tuple[tuple[str, str], ...]:
    """Return where the release, its changes since the older versions, and its notes are."""
    releases, release = seen.fleet.spec.releases, going[0].release
    assert releases is not None
    assert release is not None

    version = release.version.text
    page = f"{releases.controller}/releasestream/{going[0].cluster.stream}/release/{version}"
    older = sorted({upgrade.cluster.version for upgrade in going})
    links = [("release", release.url or page)]
    links += [(f"changes since {start.text}", f"{page}?from={start.text}") for start in older[:_MANY_LINKS]]

    if releases.github:
        links.append(("release notes", f"https://github.com/{releases.github}/releases/tag/{version}"))

    return tuple(links)
