"""A change as a value: which clusters it adds, removes and edits, their releases, and edits of trust.

`judge_change` fills in what the table of refusals says about each release; a report renders it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from okd_gitops.evidence.report import Evidence
from okd_gitops.finding import Finding, Location, Severity, ordered
from okd_gitops.fleet.cluster import Cluster
from okd_gitops.fleet.release import Release
from okd_gitops.releases.record import ReleaseRecord
from okd_gitops.upgrade.path import Hop, NoPath, Path, first_hop
from okd_gitops.upgrade.question import Way
from okd_gitops.upgrade.refusals import Decision


class Status(StrEnum):
    """What a change does to a cluster."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedRelease:
    """What the table of refusals says about the release that a change gives to a cluster.

    `path` is the one hop from the old release (a new cluster has none), `record` what the hub has recorded of
    the new one, `evidence` what the clusters of earlier waves reported of it. `waits_for` are the clusters
    that run it first, `followed_by` those that go after this one. `decisions` are all reasons against it.
    """

    path: Path | NoPath | None
    way: Way
    record: ReleaseRecord | None
    verified: bool
    fingerprint: str = ""
    evidence: tuple[Evidence, ...] = ()
    waits_for: tuple[str, ...] = ()
    followed_by: tuple[str, ...] = ()
    decisions: tuple[Decision, ...] = ()

    @property
    def first_hop(self) -> Hop | None:
        """The first hop, where there is a path."""
        return first_hop(self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterChange:
    """One cluster that differs from the base: `old` and `new` are it before and after (None: not there).

    `fields` are the keys of its file that differ, such as release.version; `extras` are its other files.
    """

    name: str
    status: Status
    old: Cluster | None
    new: Cluster | None
    fields: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    judged: JudgedRelease | None = None

    @property
    def cluster(self) -> Cluster:
        """The cluster after the change, or the one that is gone."""
        cluster = self.new or self.old
        assert cluster is not None
        return cluster

    @property
    def old_release(self) -> Release | None:
        """The release before the change."""
        return self.old.spec.release if self.old else None

    @property
    def new_release(self) -> Release | None:
        """The release after the change."""
        return self.new.spec.release if self.new else None

    @property
    def release_changed(self) -> bool:
        """Whether the cluster gets another version or image, also a new cluster its first one."""
        old, new = self.old_release, self.new_release

        if new is None:
            return False

        return old is None or (old.version, old.image) != (new.version, new.image)

    def as_json(self) -> dict[str, Any]:
        """Return the form that `--output json` prints."""
        old, new, judged = self.old_release, self.new_release, self.judged

        return {
            "cluster": self.name,
            "status": str(self.status),
            "purpose": str(self.cluster.spec.purpose),
            "wave": self.cluster.wave,
            "fields": list(self.fields),
            "extras": list(self.extras),
            "from": old.version if old else "",
            "to": new.version if new else "",
            "image": new.image if new else "",
            "way": str(judged.way) if judged else "",
            "verified": judged.verified if judged else None,
            "waitsFor": list(judged.waits_for) if judged else [],
            "followedBy": list(judged.followed_by) if judged else [],
            "decisions": [_decision_as_json(decision) for decision in judged.decisions] if judged else [],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustEdit:
    """An edit of what decides whom the fleet trusts: the field or file, where it is, both values as text."""

    field: str
    place: Location
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Everything between the commit `base` and the tree that is checked out, judged.

    `findings` are those about the change; `records` is the commit of the records that were asked (empty:
    there are none).
    """

    base: str
    clusters: tuple[ClusterChange, ...] = ()
    fleet_fields: tuple[str, ...] = ()
    trust_edits: tuple[TrustEdit, ...] = ()
    findings: tuple[Finding, ...] = ()
    records: str = ""

    @property
    def refusals(self) -> tuple[Finding, ...]:
        """The findings that keep the change from being merged."""
        return tuple(finding for finding in self.findings if finding.severity == Severity.ERROR)

    def with_findings(self, more: Iterable[Finding]) -> "Change":
        """Return this change with more that was found about it, in order."""
        return replace(self, findings=tuple(ordered((*self.findings, *more))))

    def as_json(self) -> dict[str, Any]:
        """Return the form that `--output json` prints; the findings are listed with all others."""
        return {
            "base": self.base,
            "records": self.records,
            "clusters": [cluster.as_json() for cluster in self.clusters],
            "fleetFields": list(self.fleet_fields),
            "trustEdits": [_trust_edit_as_json(edit) for edit in self.trust_edits],
            "refused": len(self.refusals),
        }


def _trust_edit_as_json(edit: TrustEdit) -> dict[str, str]:
    return {"field": edit.field, "place": str(edit.place), "old": edit.old, "new": edit.new}


def _decision_as_json(decision: Decision) -> dict[str, Any]:
    return {
        "name": decision.name,
        "verdict": str(decision.verdict),
        "reason": decision.reason,
        "until": decision.until.isoformat() if decision.until else None,
    }
