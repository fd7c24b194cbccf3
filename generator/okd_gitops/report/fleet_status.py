"""The state of the whole fleet, from Git alone: the files of the work tree and the records of the hub."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from okd_gitops.errors import OkdGitopsError
from okd_gitops.evidence.records import Records, remedy_without_records
from okd_gitops.evidence.report import Evidence
from okd_gitops.evidence.state import ClusterState
from okd_gitops.explanation import explanation_of
from okd_gitops.finding import FindingsError
from okd_gitops.fleet.cluster import Cluster
from okd_gitops.fleet.load import Fleet, load
from okd_gitops.report.announced_removals import AnnouncedRemoval
from okd_gitops.report.cluster_state_words import differences, state_words
from okd_gitops.times import time_text
from okd_gitops.upgrade.decide import Upgrade
from okd_gitops.upgrade.path import Path as UpgradePath
from okd_gitops.upgrade.plan import Outlook, outlook
from okd_gitops.upgrade.question import earlier_clusters
from okd_gitops.upgrade.recorded import Recorded
from okd_gitops.upgrade.refusals import Decision, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterStatus:
    """One cluster: its file, what the hub saw of it, and what comes next.

    `runs` is its release in words, for a cluster without one its Kubernetes. `differences` are pairs: how it
    differs from its file, and what to do. Without a `decision`, it follows no stream or nothing could be
    decided. `command` of `okd-gitops release` moves it. `waits_for` are the clusters that must pass `target`
    first.
    """

    cluster: Cluster
    runs: str
    expired: bool
    evidence: Evidence | None
    state: ClusterState | None
    differences: tuple[tuple[str, str], ...] = ()
    decision: Decision | None = None
    target: str = ""
    command: str = ""
    waits_for: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of the cluster."""
        return self.cluster.name

    @property
    def states(self) -> tuple[str, ...]:
        """What in its last answer is not as it should be."""
        return tuple(state_words(self.state)) if self.state else ()

    def as_json(self) -> dict[str, Any]:
        """Return the form that `--output json` prints; the keys are always the same."""
        spec, release = self.cluster.spec, self.cluster.spec.release

        return {
            "name": self.name,
            "purpose": str(spec.purpose),
            "environment": str(spec.environment),
            "wave": self.cluster.wave,
            "stream": release.stream if release else None,
            "version": release.version if release else None,
            "image": release.image if release else None,
            "kubernetes": spec.kubernetes,
            "expires": spec.expires.isoformat() if spec.expires else None,
            "expired": self.expired,
            "evidence": _evidence_as_json(self.evidence),
            "seen": _state_as_json(self.state),
            "states": list(self.states),
            "differences": [{"what": what, "remedy": remedy} for what, remedy in self.differences],
            "next": _decision_as_json(self.decision, self.target),
            "waitsFor": list(self.waits_for),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetStatus:
    """All clusters by wave and name, open branches, what is missing with the command that helps, and the
    removals that are announced; `outlook` is what the decisions rest on, where there are any.
    """

    fleet: Fleet
    records: Records
    now: datetime
    clusters: tuple[ClusterStatus, ...]
    branches: tuple[str, ...] = ()
    missing: tuple[tuple[str, str], ...] = ()
    removals: tuple[AnnouncedRemoval, ...] = ()
    outlook: Outlook | None = None


def fleet_status(
    root: Path, records: Records, branches: Sequence[str], now: datetime, fleet: Fleet | None = None
) -> FleetStatus:
    """Return the state of the fleet below `root`, which is `fleet` if that was read already; nothing but its
    files and `records` is asked.

    Raises FindingsError for files that cannot be read. What cannot be decided is said, and is no error.
    """
    fleet = fleet or load(root)
    seen, missing = _decided(root, fleet, records, now)
    ordered = sorted(fleet.clusters, key=lambda cluster: (cluster.wave, cluster.name))

    return FleetStatus(
        fleet=fleet,
        records=records,
        now=now,
        clusters=tuple(_status(cluster, records, seen, now) for cluster in ordered),
        branches=tuple(sorted(branches)),
        missing=tuple(missing),
        outlook=seen,
    )


def _decided(
    root: Path, fleet: Fleet, records: Records, now: datetime
) -> tuple[Outlook | None, list[tuple[str, str]]]:
    """Return the decisions, as far as the records allow them, and what is missing for them."""
    missing = []

    if not records.commit:
        what = "there are no records: what the hub has seen is not known here"
        missing.append((what, remedy_without_records()))

    try:
        return outlook(root, Recorded(records, now), records, now=now, fleet=fleet), missing
    except FindingsError as error:
        # The first line about missing records says it already.
        findings = [
            finding for finding in error.findings if records.commit or finding.name != "records-missing"
        ]
        missing += [(finding.reason, finding.remedy) for finding in findings]
    except OkdGitopsError as error:
        missing.append((error.reason, error.remedy))

    return None, missing


def _status(cluster: Cluster, records: Records, seen: Outlook | None, now: datetime) -> ClusterStatus:
    state = records.cluster(cluster.name)
    upgrades = seen.upgrades if seen else ()
    upgrade = next((item for item in upgrades if item.cluster.name == cluster.name), None)
    last_day = cluster.spec.expires

    return ClusterStatus(
        cluster=cluster,
        runs=_runs(cluster),
        expired=_is_over(last_day, now),
        evidence=_evidence(cluster, records),
        state=state,
        differences=tuple(differences(cluster.name, cluster.spec, state)) if state else (),
        decision=upgrade.decision if upgrade else None,
        target=_target(upgrade),
        command=_command(seen, upgrade) if seen and upgrade else "",
        waits_for=_waits_for(upgrade, upgrades, records) if upgrade else (),
    )


def _runs(cluster: Cluster) -> str:
    release = cluster.spec.release

    return release.version if release else f"{cluster.spec.environment} {cluster.kubernetes}"


def _is_over(last_day: date | None, now: datetime) -> bool:
    return last_day is not None and last_day < now.date()


def _evidence(cluster: Cluster, records: Records) -> Evidence | None:
    """Return what the cluster reported of exactly the release that its file names."""
    release = cluster.spec.release

    if release is None:
        return None

    wanted = (cluster.name, release.version, release.image)
    matching = (item for item in records.evidence if (item.cluster, item.version, item.image) == wanted)

    return next(matching, None)


def _target(upgrade: Upgrade | None) -> str:
    if upgrade is None or not isinstance(upgrade.path, UpgradePath):
        return ""

    return upgrade.first_hop.to.text


def _command(seen: Outlook, upgrade: Upgrade) -> str:
    """Return the command of `okd-gitops release` that moves a cluster."""
    return "update" if seen.first(upgrade) else "promote"


def _waits_for(upgrade: Upgrade, others: Iterable[Upgrade], records: Records) -> tuple[str, ...]:
    """Return the clusters of earlier waves that have not passed the release that comes next."""
    target = _target(upgrade)
    is_waiting = upgrade.decision.verdict == Verdict.WAIT

    if not target or not is_waiting:
        return ()

    passed = {report.cluster for report in records.evidence if report.version == target and report.passed}
    earlier = earlier_clusters(upgrade.cluster, [other.cluster for other in others])

    return tuple(sorted(cluster.name for cluster in earlier if cluster.name not in passed))


def _evidence_as_json(evidence: Evidence | None) -> dict[str, Any] | None:
    if evidence is None:
        return None

    return {
        "passed": evidence.passed,
        "finished": time_text(evidence.finished),
        "operators": evidence.operators,
        "reason": evidence.reason,
    }


def _state_as_json(state: ClusterState | None) -> dict[str, Any] | None:
    if state is None:
        return None

    return {
        "at": time_text(state.seen),
        "clusterID": state.cluster_id,
        "version": state.version,
        "image": state.image,
        "updating": state.updating,
    }


def _decision_as_json(decision: Decision | None, target: str) -> dict[str, Any] | None:
    if decision is None:
        return None

    return {
        "version": target or None,
        "verdict": str(decision.verdict),
        "name": decision.name,
        "reason": decision.reason or (explanation_of(decision.name).statement if decision.name else ""),
        "remedy": decision.remedy,
        "until": time_text(decision.until) if decision.until else None,
    }
