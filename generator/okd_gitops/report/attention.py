"""What in a fleet needs a person: one line for each thing, nothing when all goes its way."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from okd_gitops.evidence.records import remedy_without_records
from okd_gitops.evidence.report import Evidence
from okd_gitops.evidence.trial_names import trial_clusters
from okd_gitops.fleet.providers import PREFIX
from okd_gitops.redaction import one_line, redacted
from okd_gitops.releases.version import Version
from okd_gitops.report.cluster_state_words import foreign, state_words
from okd_gitops.report.fleet_status import ClusterStatus, FleetStatus
from okd_gitops.times import time_text
from okd_gitops.upgrade.refusals import Verdict

_LONGEST = 600


@dataclass(frozen=True, slots=True)
class Job:
    """A job on the hub: its word, the feature that a fleet has it by, and after what time it is dead."""

    name: str
    feature: str
    patience: timedelta


# Both run at least once an hour unless a cluster file says otherwise, and write down that they ran.
JOBS = (
    Job("watch", "release-watch", timedelta(hours=6)),
    Job("observer", "upgrade-observer", timedelta(hours=6)),
)
# The observer sees every cluster each time; one that is away for so long is away.
_UNSEEN = timedelta(days=1)


def attention(status: FleetStatus) -> list[str]:
    """Return one line for each thing that needs a person: dead jobs first, then by cluster."""
    lines = [*_without_records(status), *_dead_jobs(status)]

    for cluster in status.clusters:
        lines += [f"{cluster.name}: {text}" for text in _of_cluster(cluster, status)]

    lines += [*_failed_trials(status), *_forgotten_removals(status), *_left_over(status)]

    return [one_line(redacted(line), _LONGEST) for line in lines]


def job_words(status: FleetStatus, job: Job) -> str:
    """Return when a job ran last, and that it is too long ago."""
    ran = last_run(status, job)
    dead = " (too long ago)" if is_dead(status, job) and ran else ""

    if ran:
        return f"ran last at {time_text(ran)}{dead}"

    return "has not run yet" if has_job(status, job) else f"no cluster has the feature {job.feature}"


def last_run(status: FleetStatus, job: Job) -> datetime | None:
    """Return when a job wrote its records last."""
    runs = status.records.runs

    return {"watch": runs.watch, "observer": runs.observer}[job.name]


def has_job(status: FleetStatus, job: Job) -> bool:
    """Whether a cluster of the fleet has the feature of a job."""
    return any(job.feature in cluster.spec.features for cluster in status.fleet.clusters)


def is_dead(status: FleetStatus, job: Job) -> bool:
    """Whether a job that ran, or that the fleet has, has not run for too long."""
    ran = last_run(status, job)

    if ran is None:
        return has_job(status, job)

    return status.now - ran > job.patience


def _without_records(status: FleetStatus) -> Iterator[str]:
    """Yield that nothing is known of a fleet that has releases: silence would pass for health."""
    if status.fleet.spec.releases and not status.records.commit:
        yield f"there are no records: what the hub has seen is not known here: {remedy_without_records()}"


def _forgotten_removals(status: FleetStatus) -> Iterator[str]:
    """Yield the announcements that nobody followed up: while one stands, one mistake removes a cluster."""
    for removal in status.removals:
        if removal.is_forgotten(status.now):
            remedy = f"remove clusters/{removal.cluster}.yaml, or take `decommission: true` out of it"
            yield f"{removal.cluster}: {removal.words(status.now)}: {remedy}"


def _left_over(status: FleetStatus) -> Iterator[str]:
    """Yield the clusters that the hub still had, and git does not: their provider must end them."""
    known = {cluster.name for cluster in status.fleet.clusters}

    for name in status.records.runs.left_over:
        if name not in known:
            remedy = f"look at what keeps it: oc --namespace {PREFIX}{name} get all,clusterdeployments"
            yield f"{name}: the hub has it, and git does not: {remedy}"


def _failed_trials(status: FleetStatus) -> Iterator[str]:
    """Yield the releases that failed on a cluster for tests and that a long-term cluster may still take."""
    releases = [each.cluster.spec.release for each in status.clusters if each.cluster.purpose.guarded]
    running = [Version.parse(release.version) for release in releases if release]

    for report in status.records.evidence:
        is_trial = report.cluster in trial_clusters(report.version)
        is_ahead = any(version < Version.parse(report.version) for version in running)

        if is_trial and is_ahead and not report.passed:
            yield f"{report.cluster}: {_failure(report)}"


def _failure(report: Evidence) -> str:
    why = foreign(report.reason) or "it gives no reason"

    return f"{report.version} failed at {time_text(report.finished)}: {why}"


def _dead_jobs(status: FleetStatus) -> Iterator[str]:
    for job in JOBS:
        if is_dead(status, job):
            ran = last_run(status, job)
            since = f"since {time_text(ran)}" if ran else "yet"
            yield f"the {job.name} has not run {since}: look at its Job on the hub ({job.feature})"


def _of_cluster(cluster: ClusterStatus, status: FleetStatus) -> Iterator[str]:
    state, evidence, decision = cluster.state, cluster.evidence, cluster.decision

    if cluster.expired:
        yield f"its last day was {cluster.cluster.spec.expires}: remove it, or set expires: anew"

    yield from (f"{what}: {remedy}" for what, remedy in cluster.differences if remedy)

    if state and (state.refused or state.paused_pools or state.unhealthy or state.forced):
        usual = state.model_copy(update={"updating": False, "not_upgradeable": "", "max_line": ""})
        yield from state_words(usual)

    if state and status.now - state.seen > _UNSEEN:
        yield f"the observer has not seen it since {time_text(state.seen)}"

    if evidence and not evidence.passed:
        yield _failure(evidence)

    if decision and decision.verdict == Verdict.REFUSE:
        target = f"the upgrade to {cluster.target}" if cluster.target else "its next upgrade"
        yield f"{target} is refused: {decision.reason} [{decision.name}] {decision.remedy}"
