"""The table of the fleet: where each cluster is, what it reported, and what comes next."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from okd_gitops.report.fleet_status import ClusterStatus, FleetStatus
from okd_gitops.report.markdown import plural
from okd_gitops.upgrade.refusals import Verdict

# What a verdict is called here, in the order of the sentence.
VERDICTS = {
    Verdict.DONE: "done",
    Verdict.UPGRADE: "can go on now",
    Verdict.WAIT: "waits",
    Verdict.REFUSE: "refused",
}


@dataclass(frozen=True, slots=True)
class Life:
    """How many days a cluster has been in Git (None: unknown), and its last day (None: it has no end)."""

    age: int | None
    end: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetRow:
    """A row of the table. `tone` is how it is coloured; `notes` are what is not as it should be.

    `same_as` is the first cluster for which the same stands in the table, word for word.
    """

    status: ClusterStatus
    age: str
    end: str
    evidence: str
    evidence_tone: str
    failure: str
    verdict: str
    tone: str
    target: str
    until: str
    why: str
    command: str
    notes: tuple[str, ...]
    same_as: str = ""

    @property
    def channel(self) -> str:
        """Its update channel."""
        release = self.status.cluster.spec.release

        return release.channel if release else "—"


def fleet_rows(status: FleetStatus, lives: Mapping[str, Life]) -> list[FleetRow]:
    """Return a row for each cluster, by wave and name."""
    rows = [_row(cluster, lives.get(cluster.name, Life(None, None))) for cluster in status.clusters]
    first: dict[tuple[str, str, str], str] = {}

    for row in rows:
        first.setdefault((row.verdict, row.target, row.why), row.status.name)

    said = [(row, first[row.verdict, row.target, row.why]) for row in rows]

    return [replace(row, same_as=name if row.why and name != row.status.name else "") for row, name in said]


def status_sentence(status: FleetStatus) -> str:
    """Return in one sentence where the fleet stands."""
    verdicts = Counter(cluster.decision.verdict for cluster in status.clusters if cluster.decision)
    counts = [f"{verdicts[verdict]} {words}" for verdict, words in VERDICTS.items() if verdicts[verdict]]
    others = len(status.clusters) - verdicts.total()

    if others and counts:
        counts.append(f"{others} without a decision")

    clusters = f"{len(status.clusters)} {plural('cluster', status.clusters)}"

    return f"{clusters}: {', '.join(counts)}." if counts else f"{clusters}."


def tone_of(cluster: ClusterStatus) -> str:
    """Return how a cluster is coloured: by what happens to it now."""
    return str(cluster.decision.verdict) if cluster.decision else "none"


def _row(cluster: ClusterStatus, life: Life) -> FleetRow:
    decision = cluster.decision
    evidence, evidence_tone = _evidence(cluster)
    moves = decision is not None and decision.verdict != Verdict.DONE

    return FleetRow(
        status=cluster,
        age=f"{life.age} d" if life.age is not None else "—",
        end=_end(cluster, life),
        evidence=evidence,
        evidence_tone=evidence_tone,
        failure=cluster.evidence.reason if cluster.evidence and not cluster.evidence.passed else "",
        verdict=VERDICTS[decision.verdict] if decision else "—",
        tone=tone_of(cluster),
        target=cluster.target if moves else "",
        until=f"{decision.until:%Y-%m-%d %H:%M} UTC" if decision and decision.until else "",
        why=decision.reason if decision and moves else "",
        command=f"okd-gitops release {cluster.command}" if decision and not decision.name and moves else "",
        notes=(*cluster.states, *(what for what, _ in cluster.differences)),
    )


def _evidence(cluster: ClusterStatus) -> tuple[str, str]:
    """Return what a cluster reported of its release, and how that is coloured."""
    evidence = cluster.evidence

    if evidence is None:
        return ("none" if cluster.cluster.spec.release else "—"), "none"

    result, tone = ("passed", "done") if evidence.passed else ("failed", "refuse")

    return f"{result} {evidence.finished:%Y-%m-%d}", tone


def _end(cluster: ClusterStatus, life: Life) -> str:
    end = cluster.cluster.spec.expires or life.end

    if cluster.cluster.spec.decommission:
        return "removal announced"

    if end is None:
        return "—"

    return f"{end} (over)" if cluster.expired else str(end)
