"""Conclude from one cluster's answer and the records: its evidence, its state, and what is wrong with it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from okd_gitops.evidence.acceptance import Wanted, refusal_of, refused_since
from okd_gitops.evidence.answers import Seen, newest_update
from okd_gitops.evidence.ask_cluster import Answer
from okd_gitops.evidence.describe_state import Verdicts, difference, state_of
from okd_gitops.evidence.health import Observation, health_of, judge
from okd_gitops.evidence.records import Records
from okd_gitops.evidence.report import Evidence
from okd_gitops.evidence.state import ClusterState, Refused, Withdrawn
from okd_gitops.finding import Finding, Location, finding_of
from okd_gitops.fleet.cluster import Cluster
from okd_gitops.manifests.objects import at
from okd_gitops.system.address import NetworkError

_REFUSING_STATUS = (401, 403)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What is known of one cluster now.

    `reason` is a sentence; `evidence` its report about the release of Git, `is_new` one that is not recorded
    yet; `state` None when nothing was read of this cluster.
    """

    cluster: str
    reason: str
    findings: tuple[Finding, ...] = ()
    evidence: Evidence | None = None
    is_new: bool = False
    state: ClusterState | None = None


def conclude(
    cluster: Cluster, api: str, answer: Answer, records: Records, *, now: datetime, patience: timedelta
) -> Result:
    """Judge one answer; nothing is recorded of a cluster that is away, or is another one."""
    if answer.waiting:
        return Result(cluster=cluster.name, reason=answer.waiting)

    if answer.not_installed:
        return _not_installed(cluster, answer.not_installed, records, now)

    if answer.seen is None:
        finding = _unread(cluster, api, answer)

        return Result(cluster=cluster.name, reason=finding.reason, findings=(finding,))

    cluster = _identified(cluster, answer.seen)
    earlier = _state_of_this_cluster(cluster, records)
    reported = report_of_this_cluster(cluster, records)
    wanted = wanted_of(cluster)
    refused = _refused(answer.seen, wanted, earlier, now)
    observation = judge(
        answer.seen,
        wanted,
        refused=refused,
        now=now,
        patience=patience,
        known_no_evidence=_known_no_evidence(answer.seen, earlier),
    )

    differs = difference(answer.seen.version, wanted, is_reported=bool(reported and reported.passed))
    sick = _sick(observation, reported)
    withdrawn = _withdrawn(wanted, reported, differs or sick, earlier, now)
    cluster_id = str(cluster.spec.cluster_id)
    verdicts = Verdicts(refused=refused, no_evidence=observation.no_evidence, withdrawn=withdrawn)
    health = health_of(answer.seen)
    state = state_of(answer.seen, health, verdicts, cluster=cluster.name, cluster_id=cluster_id, now=now)

    evidence = None if differs else observation.evidence
    new = evidence.model_copy(update={"cluster_id": cluster_id, "seen": now}) if evidence else None

    return Result(
        cluster=cluster.name,
        reason=differs or observation.reason,
        findings=tuple(_findings(cluster, differs, sick)),
        evidence=reported or new,
        is_new=reported is None and new is not None,
        state=state,
    )


def _identified(cluster: Cluster, seen: Seen) -> Cluster:
    """Return a cluster with the ID that it got from its installer, where its file cannot have one."""
    if cluster.spec.cluster_id or not cluster.spec.provider:
        return cluster

    cluster_id = str(at(seen.version, "spec", "clusterID") or "")
    spec = cluster.spec.model_copy(update={"cluster_id": cluster_id or None})

    return replace(cluster, spec=spec)


def _not_installed(cluster: Cluster, why: str, records: Records, now: datetime) -> Result:
    """Return the report that a release could not be installed; none of an upgrade that did not begin."""
    wanted = wanted_of(cluster)
    installs = cluster.spec.installs

    if installs:
        return Result(cluster=cluster.name, reason=f"{installs.version} was not installed: {why}"[:500])

    reason = f"{wanted.version} was not installed: {why}"[:500]
    reported = report_of_this_cluster(cluster, records)
    new = Evidence(
        cluster=cluster.name,
        version=wanted.version,
        image=wanted.image,
        finished=now,
        seen=now,
        passed=False,
        operators="unknown",
        tests={"install": "failed"},
        reason=reason,
    )

    return Result(cluster=cluster.name, reason=reason, evidence=reported or new, is_new=reported is None)


def wanted_of(cluster: Cluster) -> Wanted:
    """Return what the file of a cluster wants of it."""
    spec = cluster.spec
    assert spec.release is not None  # only clusters with a release are asked
    emergency = spec.emergency
    image = spec.release.image

    return Wanted(
        cluster=cluster.name,
        version=spec.release.version,
        image=image,
        accepted_risks=frozenset(spec.upgrades.accept_risks),
        is_emergency=emergency is not None and emergency.image == image,
    )


def report_of_this_cluster(cluster: Cluster, records: Records) -> Evidence | None:
    """Return what a cluster reported about the release of its file.

    A cluster that was installed anew under its old name has another clusterID, and has reported nothing.
    """
    assert cluster.spec.release is not None
    place = (cluster.name, cluster.spec.release.version)
    same_id = (None, cluster.spec.cluster_id)
    reports = [item for item in records.evidence if (item.cluster, item.version) == place]

    return next((item for item in reports if item.cluster_id in same_id), None)


def _state_of_this_cluster(cluster: Cluster, records: Records) -> ClusterState | None:
    state = records.cluster(cluster.name)

    return state if state and state.cluster_id == cluster.spec.cluster_id else None


def _refused(seen: Seen, wanted: Wanted, earlier: ClusterState | None, now: datetime) -> Refused | None:
    found = refusal_of(seen.version, wanted)

    return refused_since(seen.version, found, wanted, before=earlier, now=now) if found else None


def _known_no_evidence(seen: Seen, earlier: ClusterState | None) -> str:
    """Return what was seen of the newest update before."""
    is_same = earlier is not None and newest_update(seen.version).get("image") == earlier.image

    return earlier.no_evidence if earlier and is_same else ""


def _sick(observation: Observation, reported: Evidence | None) -> str:
    """Return why a cluster that passed is not healthy any more.

    While nodes restart, much is unhealthy: only what would have failed the release counts.
    """
    if reported is None or not reported.passed or observation.evidence is None:
        return ""

    return "" if observation.evidence.passed else observation.reason


def _withdrawn(
    wanted: Wanted, reported: Evidence | None, why: str, earlier: ClusterState | None, now: datetime
) -> Withdrawn | None:
    """Return that a report that passed no longer holds, and since when."""
    if not why or reported is None or not reported.passed:
        return None

    before = earlier.withdrawn if earlier else None
    since = before.since if before and before.version == wanted.version else now

    return Withdrawn(version=wanted.version, reason=why[:500], since=since)


def _findings(cluster: Cluster, differs: str, sick: str) -> list[Finding]:
    findings = []

    if differs:
        place = cluster.document.at(["release", "version"])
        findings.append(finding_of("cluster-differs", place, differs, clusters=[cluster.name]))

    if sick:
        place = Location(file=f"clusters/{cluster.name}.yaml")
        findings.append(finding_of("no-longer-healthy", place, sick, clusters=[cluster.name]))

    return findings


def _unread(cluster: Cluster, api: str, answer: Answer) -> Finding:
    """Return why nothing was read of a cluster."""
    if answer.error:
        return _away(cluster, answer.error)

    own_id = cluster.spec.cluster_id
    in_file = f"the file has clusterID {own_id}" if own_id else "the file has no clusterID"
    reason = f"the cluster at {api} has clusterID {answer.other_id}, and {in_file}"
    place = cluster.document.at(["clusterID"]) if own_id else Location(file=cluster.document.file)

    return finding_of("another-cluster", place, reason, clusters=[cluster.name])


def _away(cluster: Cluster, error: NetworkError) -> Finding:
    is_refused = error.status in _REFUSING_STATUS
    name = "account-refused" if is_refused else "cluster-away"
    place = Location(file=cluster.document.file)

    return finding_of(name, place, f"{cluster.name}: {error.reason}", clusters=[cluster.name])
