"""The table of the fleet: where each cluster is, what it reported, and what comes next."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date

from okd_gitops.report.fleet_status import ClusterStatus, FleetStatus
from okd_gitops.report.markdown import plural
from okd_gitops.upgrade.refusals import Verdict

# What a verdict is called here.
_VERDICTS = {
    Verdict.DONE: "done",
    Verdict.UPGRADE: "can go on now",
    Verdict.WAIT: "waits",
    Verdict.REFUSE: "refused",
}
_TOLD, _FAILED = "told to run it, no report yet", "ran it, and failed"
# In the order of the sentence, what is said of several clusters.
_OF_SEVERAL = {
    "done": "done",
    _TOLD: _TOLD,
    _FAILED: _FAILED,
    "can go on now": "can go on now",
    "waits": "wait",
    "refused": "refused",
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


def fleet_rows(
    status: FleetStatus, lives: Mapping[str, Life], refused: Collection[str] = ()
) -> list[FleetRow]:
    """Return a row for each cluster, by wave and name; `refused` are those of a change that is shown too."""
    rows = [_row(cluster, lives.get(cluster.name, Life(None, None)), refused) for cluster in status.clusters]
    first: dict[tuple[str, str, str], str] = {}

    for row in rows:
        first.setdefault((row.verdict, row.target, row.why), row.status.name)

    said = [(row, first[row.verdict, row.target, row.why]) for row in rows]

    return [replace(row, same_as=name if row.why and name != row.status.name else "") for row, name in said]


def status_sentence(status: FleetStatus, refused: Collection[str] = ()) -> str:
    """Return in one sentence where the fleet stands."""
    decided = [cluster for cluster in status.clusters if cluster.decision]
    verdicts = Counter(shown_verdict(cluster, refused)[0] for cluster in decided)
    counts = [
        f"{verdicts[words]} {words if verdicts[words] == 1 else of_several}"
        for words, of_several in _OF_SEVERAL.items()
        if verdicts[words]
    ]
    others = len(status.clusters) - verdicts.total()

    if others and counts:
        counts.append(f"{others} without a decision")

    clusters = f"{len(status.clusters)} {plural('cluster', status.clusters)}"

    return f"{clusters}: {', '.join(counts)}." if counts else f"{clusters}."


def shown_verdict(cluster: ClusterStatus, refused: Collection[str] = ()) -> tuple[str, str]:
    """Return what is said of a cluster in short, and how it is coloured: by what happens to it now.

    `refused` are the clusters for which the change that is shown must not be merged.
    """
    decision = cluster.decision

    if decision is None:
        return "—", "none"

    if cluster.name in refused:
        return "refused", str(Verdict.REFUSE)

    # That its file names a release says what it was told, and no more.
    if decision.verdict == Verdict.DONE and cluster.evidence is None:
        return _TOLD, str(Verdict.WAIT)

    if decision.verdict == Verdict.DONE and cluster.evidence and not cluster.evidence.passed:
        return _FAILED, str(Verdict.REFUSE)

    return _VERDICTS[decision.verdict], str(decision.verdict)


def _row(cluster: ClusterStatus, life: Life, refused: Collection[str]) -> FleetRow:
    decision = cluster.decision
    evidence, evidence_tone = _evidence(cluster)
    verdict, tone = shown_verdict(cluster, refused)
    moves = decision is not None and decision.verdict != Verdict.DONE

    return FleetRow(
        status=cluster,
        age=f"{life.age} d" if life.age is not None else "—",
        end=_end(cluster, life),
        evidence=evidence,
        evidence_tone=evidence_tone,
        failure=cluster.evidence.reason if cluster.evidence and not cluster.evidence.passed else "",
        verdict=verdict,
        tone=tone,
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
