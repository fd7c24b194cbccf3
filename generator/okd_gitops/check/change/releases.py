"""The releases that a change gives to clusters, judged by the one table of refusals."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from okd_gitops.check.change.change import ClusterChange, JudgedRelease
from okd_gitops.check.change.sides import Side
from okd_gitops.evidence.records import FETCH, Records, remedy_without_records
from okd_gitops.finding import Finding, Severity, finding_of, nearest
from okd_gitops.fleet.cluster import Cluster, Purpose
from okd_gitops.fleet.fleet_file import NO_SOURCES
from okd_gitops.fleet.release import Release
from okd_gitops.releases.version import Version
from okd_gitops.times import time_text
from okd_gitops.upgrade.adoption import adopts
from okd_gitops.upgrade.propose import Proposal, path_of, refusals_of
from okd_gitops.upgrade.question import Follower, Way, earlier_clusters
from okd_gitops.upgrade.refusals import Decision

# Refusals that are about the image; the others are about the version.
_ABOUT_IMAGE = frozenset(
    {
        "digest-differs",
        "image-of-another-release",
        "key-for-other-clusters",
        "signature-not-verified",
        "signed-digest-unknown",
    }
)
# The change may be merged now; Argo CD holds it back until the window opens.
_WARNINGS = frozenset({"outside-window"})
_RECORD = "okd-gitops release record --push"


@dataclass(frozen=True, slots=True)
class _Asked:
    """What one side answered about a release."""

    proposal: Proposal
    decisions: Sequence[Decision]


def judge_release(change: ClusterChange, base: Side, now: Side) -> tuple[ClusterChange, list[Finding]]:
    """Return a change of a cluster with what is decided about its release, and the findings about that.

    A release that did not change is not judged, nor that of an ephemeral cluster that follows no stream.
    """
    if not change.release_changed or _is_free(change):
        return change, []

    missing = _missing_sources(base, now)

    if missing:
        return change, missing

    release = change.new_release
    assert release is not None
    way = way_of(change, now.records)
    # A new cluster has no release before this one.
    start = change.old_release or release
    answers = [_asked(cluster, start, release, way, side) for cluster, side in _sides(change, base, now)]
    judged = _judged(answers, release, now)
    findings = [
        *_unrecorded(change, release, now),
        *_without_signature(change, release, way, now),
        *_findings(change, answers),
    ]

    return replace(change, judged=judged), findings


def _missing_sources(base: Side, now: Side) -> list[Finding]:
    """Return a finding when a side has no `releases:`, because a release is judged by both sides."""
    if now.fleet.spec.releases is None:
        reason = "a release changes, and fleet.yaml does not say where releases are found"
        return [finding_of("sources-missing", NO_SOURCES, reason)]

    if base.fleet.spec.releases is None:
        place = now.fleet.document.at(("releases",), key=True)
        reason = "a release changes, and fleet.yaml of the base does not say where releases are found"
        remedy = "merge `releases:` in a change of its own, and the release after it"
        return [finding_of("sources-missing", place, reason, remedy)]

    return []


def way_of(change: ClusterChange, records: Records) -> Way:
    """Return how a change gives a cluster its release; `records` have what the cluster runs."""
    assert change.new is not None
    spec = change.new.spec

    if change.old_release is None:
        return Way.INSTALLATION

    if spec.emergency and change.old and not change.old.spec.emergency:
        return Way.EMERGENCY

    if change.old and adopts(change.old.spec, spec, records.cluster(change.name)):
        return Way.ADOPTION

    return Way.FORCE if spec.release and spec.release.force else Way.ORDINARY


def unrecorded_pins(changes: Sequence[ClusterChange], now: Side) -> list[Finding]:
    """Return a warning for each release that did not change and has no record."""
    changed = {change.name for change in changes if change.release_changed}
    findings = []

    for cluster in now.fleet.clusters:
        release = cluster.spec.release

        if release and cluster.name not in changed and not now.records.release(release.version):
            reason = f"{cluster.name} has {release.version} as before, and the hub has no record of it"
            findings.append(_no_record(cluster, reason, now, Severity.WARNING))

    return findings


def unknown_streams(changes: Sequence[ClusterChange], now: Side) -> list[Finding]:
    """Return a finding for each stream that a change names and no recorded release is in."""
    known = {stream for record in now.records.releases for stream in record.streams}
    findings = []

    for change in changes:
        release, old = change.new_release, change.old_release
        stream = release.stream if release else None

        if change.new is None or stream is None or (old and old.stream == stream) or stream in known:
            continue

        place = change.new.document.at(("release", "stream"))
        streams = ", ".join(sorted(known)) or "none"
        reason = f'{change.name}: no recorded release is in a stream "{stream}" (known: {streams})'
        remedy = nearest(stream, known) if now.records.commit else remedy_without_records()
        findings.append(finding_of("unknown-stream", place, reason, remedy or None, clusters=(change.name,)))

    return findings


def _without_signature(change: ClusterChange, release: Release, way: Way, now: Side) -> Iterator[Finding]:
    """Yield a finding for an update to a release of one's own whose signature the cluster would not get."""
    assert change.new is not None
    record = now.records.release(release.version)

    if way in (Way.ORDINARY, Way.EMERGENCY) and record and record.is_own and not release.signature:
        place = change.new.document.at(("release", "image"))
        reason = f"{change.name}: {release.version} is of one's own stream, and its signature is in no store"
        yield finding_of("own-signature-missing", place, reason, clusters=(change.name,))


def _is_free(change: ClusterChange) -> bool:
    """Whether a cluster may take any release: it is ephemeral, was so before, and nobody relies on it."""
    clusters = [cluster for cluster in (change.old, change.new) if cluster]
    streams = [cluster.spec.release.stream for cluster in clusters if cluster.spec.release]

    return all(cluster.spec.purpose == Purpose.EPHEMERAL for cluster in clusters) and not any(streams)


def _sides(change: ClusterChange, base: Side, now: Side) -> Iterator[tuple[Cluster, Side]]:
    """Yield the cluster as each side has it; a new cluster is only on one, but the base's keys hold too."""
    assert change.new is not None
    old = change.old if change.old_release else change.new
    assert old is not None

    yield old, base
    yield change.new, now


def _asked(cluster: Cluster, start: Release, release: Release, way: Way, side: Side) -> _Asked:
    """Ask the table whether a cluster, as one side has it, goes from a release to another one."""
    follower = side.follower_to(cluster, release.version)
    known = side.known
    proposal = Proposal(
        cluster=replace(follower, version=Version.parse(start.version), image=start.image),
        fleet=side.followers,
        version=Version.parse(release.version),
        image=release.image,
        trust=side.trust(release.image, release.version),
        acks=frozenset(release.acks),
        way=way,
    )

    return _Asked(proposal, refusals_of(proposal, known, side.now))


def _judged(answers: Sequence[_Asked], release: Release, now: Side) -> JudgedRelease:
    """Return what both sides decided; the stricter one counts, so it is every decision of either."""
    proposal = answers[-1].proposal
    cluster = proposal.cluster
    earlier = [follower.name for follower in earlier_clusters(cluster, now.followers)]
    evidence = [
        report
        for report in now.records.evidence
        if report.version == release.version and report.cluster in earlier
    ]
    decisions = dict.fromkeys(decision for answer in answers for decision in answer.decisions)
    paths = path_of(proposal, now.known)

    return JudgedRelease(
        path=None if proposal.way == Way.INSTALLATION else paths[0],
        way=proposal.way,
        record=now.records.release(release.version),
        verified=all(answer.proposal.trust.verified for answer in answers),
        fingerprint=proposal.trust.fingerprint,
        evidence=tuple(evidence),
        waits_for=tuple(earlier),
        followed_by=tuple(_followers_after(cluster, now)),
        decisions=tuple(decisions),
    )


def _followers_after(cluster: Follower, now: Side) -> list[str]:
    """Return the clusters that take a release after this one."""
    fleet = now.followers

    return [
        follower.name
        for follower in fleet
        if cluster.name in {earlier.name for earlier in earlier_clusters(follower, fleet)}
    ]


def _findings(change: ClusterChange, answers: Sequence[_Asked]) -> Iterator[Finding]:
    """Yield each decision of either side once, as a finding."""
    new_rules = {(decision.name, decision.reason) for decision in answers[-1].decisions}
    told: set[tuple[str, str]] = set()

    for answer in reversed(answers):
        for decision in answer.decisions:
            if (decision.name, decision.reason) not in told:
                told.add((decision.name, decision.reason))
                is_old = (decision.name, decision.reason) not in new_rules
                yield _finding(change, decision, by_old_rules=is_old)


def _finding(change: ClusterChange, decision: Decision, *, by_old_rules: bool) -> Finding:
    assert change.new is not None
    old, new = change.old_release, change.new_release
    assert new is not None
    step = f"{old.version} → {new.version}" if old else new.version
    until = f"; until {time_text(decision.until)}" if decision.until else ""
    rules = " (by what the base has; the change edits that)" if by_old_rules else ""
    field = "image" if decision.name in _ABOUT_IMAGE else "version"

    return finding_of(
        decision.name,
        change.new.document.at(("release", field)),
        f"{change.name}, {step}: {decision.reason}{until}{rules}",
        decision.remedy,
        clusters=(change.name,),
        severity=Severity.WARNING if decision.name in _WARNINGS else Severity.ERROR,
    )


def _unrecorded(change: ClusterChange, release: Release, now: Side) -> list[Finding]:
    assert change.new is not None

    if now.records.release(release.version):
        return []

    return [_no_record(change.new, f"the hub has no record of {release.version}", now, Severity.ERROR)]


def _no_record(cluster: Cluster, reason: str, now: Side, severity: Severity) -> Finding:
    """Return the finding about a release without a record, with the command that gets one."""
    place = cluster.document.at(("release", "version"))
    remedy = f"on the hub: {_RECORD}; then {FETCH}" if now.records.commit else remedy_without_records()

    return finding_of(
        "release-not-recorded", place, reason, remedy, clusters=(cluster.name,), severity=severity
    )


def force_without_signature(change: ClusterChange, sides: Sequence[Side]) -> list[Finding]:
    """Return a finding for an emergency that is forced although a side finds no good signature.

    The signature counts also where the release stays: the force is what is new.
    """
    emergency = change.new.spec.emergency if change.new else None
    is_same = change.old is not None and change.old.spec.emergency == emergency

    if change.new is None or emergency is None or not emergency.force or is_same:
        return []

    if all(side.trust(emergency.image, emergency.version).verified for side in sides):
        return []

    place = change.new.document.at(("emergency", "force"))
    reason = f"{change.name}: the signature of {emergency.version} is not good by the keys of the fleet"

    return [finding_of("emergency-unsigned", place, reason, clusters=(change.name,))]
