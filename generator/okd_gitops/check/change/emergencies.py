"""`emergency:` in a change: alone, short, for the release of the same change, and never widened."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from okd_gitops.check.change.change import ClusterChange
from okd_gitops.finding import Finding, finding_of
from okd_gitops.fleet.cluster import Cluster
from okd_gitops.fleet.emergency import LONGEST, Emergency
from okd_gitops.times import time_text

# What a change with a new emergency may edit in that cluster's file.
_ITS_FIELDS = frozenset({"emergency", "release.version", "release.image", "release.channel", "release.acks"})


def emergency_findings(
    changes: Sequence[ClusterChange], fleet_fields: Sequence[str], other_edits: Sequence[str], now: datetime
) -> list[Finding]:
    """Return what is wrong with the emergencies that a change adds or edits.

    `fleet_fields` are the fields of fleet.yaml, `other_edits` the other files, that the change edits.
    """
    findings: list[Finding] = []

    for change in changes:
        old = change.old.spec.emergency if change.old else None
        new = change.new.spec.emergency if change.new else None

        if change.new is None or new is None or new == old:
            continue

        if old is None:
            others = [other.name for other in changes if other is not change]
            besides = [*others, *fleet_fields, *other_edits, *_other_fields(change)]
            findings += _new_emergency(change, change.new, new, besides, now)
        elif wider_fields := new.widened(old):
            place = change.new.document.at(("emergency",), key=True)
            reason = (
                f"{change.name}: {', '.join(wider_fields)} of the emergency until {time_text(old.until)} is "
                "changed while it stands"
            )
            findings.append(finding_of("emergency-widened", place, reason, clusters=(change.name,)))

    return findings


def _other_fields(change: ClusterChange) -> list[str]:
    fields = [field for field in change.fields if field not in _ITS_FIELDS]
    edits = [field for field in fields if not field.startswith("emergency.")]

    return [f"{change.name}: {field}" for field in (*edits, *change.extras)]


def _new_emergency(
    change: ClusterChange, cluster: Cluster, emergency: Emergency, besides: Sequence[str], now: datetime
) -> Iterator[Finding]:
    place = cluster.document.at(("emergency",), key=True)

    if besides:
        reason = f"the emergency of {change.name} comes together with {', '.join(besides)}"
        yield finding_of("emergency-not-alone", place, reason, clusters=(change.name,))

    if not now < emergency.until <= now + LONGEST:
        limit = f"{time_text(now)} and {time_text(now + LONGEST)}"
        reason = f"the emergency of {change.name} ends at {time_text(emergency.until)}, not between {limit}"
        until = cluster.document.at(("emergency", "until"))
        yield finding_of("emergency-too-long", until, reason, clusters=(change.name,))
