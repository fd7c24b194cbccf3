"""How an update was let in: verified, forced, past a risk, or refused, in the cluster's own words.

Fields as in openshift/api, config/v1/types_cluster_version.go (UpdateHistory, 2a3d739 of 2026-08-22). What
the cluster-version operator writes there was recorded from the real one: tests/evidence/recorded/README.md.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from okd_gitops.evidence.answers import condition, maps, newest_update, text_of, time_of, words
from okd_gitops.evidence.state import ClusterState, Refused
from okd_gitops.manifests.objects import at
from okd_gitops.redaction import one_line

_RISK = re.compile(r'failed because of "(?P<name>[^"]*)"')
_RECOMMENDED = 'Precondition "ClusterVersionRecommendedUpdate" failed because of '


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What Git wants of a cluster: a release by image, and which risks its file accepts by name.

    `is_emergency` says that a person named exactly this image in `emergency:`.
    """

    cluster: str
    version: str
    image: str
    accepted_risks: frozenset[str] = frozenset()
    is_emergency: bool = False


def why_no_evidence(cluster_version: object, wanted: Wanted) -> str:
    """Return what of the newest update makes it no evidence for other clusters; empty when nothing does.

    The first entry of a history is the installation, which nobody verified.
    """
    history = list(maps(cluster_version, "status", "history"))
    newest = newest_update(cluster_version)
    risks = newest.get("acceptedRisks") or ""

    if at(cluster_version, "spec", "desiredUpdate", "force") is True:
        return "its ClusterVersion has force: true, which goes past every check"

    if len(history) > 1 and newest.get("verified") is not True:
        return one_line(f"the cluster did not verify the release before it took it: {risks}", 500)

    if risks and not _is_accepted(str(risks), wanted.accepted_risks):
        return one_line(f"the cluster went past a risk: {risks}", 500)

    return ""


def _is_accepted(risks: str, accepted: Collection[str]) -> bool:
    """Whether the only thing that was passed is a conditional edge whose risk the cluster's file accepts."""
    names = _RISK.findall(risks)

    return risks.startswith(_RECOMMENDED) and len(names) == 1 and names[0] in accepted


def refusal_of(cluster_version: object, wanted: Wanted) -> Mapping[str, Any] | None:
    """Return the condition by which a cluster refuses the release that Git wants; None when it does not.

    ReleaseAccepted=False may be about the target before: while a payload is retrieved, a new desiredUpdate
    changes nothing for minutes. So it counts only when it names this image.
    """
    status = at(cluster_version, "status")

    if newest_update(cluster_version).get("image") == wanted.image or not _asks_for(cluster_version, wanted):
        return None

    not_accepted = condition(status, "ReleaseAccepted")

    if not_accepted.get("status") == "False" and wanted.image in str(not_accepted.get("message")):
        return not_accepted

    invalid = condition(status, "Invalid")

    if invalid.get("status") == "True":
        return invalid

    not_upgradeable = condition(status, "Upgradeable")
    is_refused = not_upgradeable.get("status") == "False" and _enters_a_line(cluster_version, wanted)

    return not_upgradeable if is_refused else None


def _asks_for(cluster_version: object, wanted: Wanted) -> bool:
    """Whether the ClusterVersion asks for the release of Git: by image, or by version alone."""
    update = at(cluster_version, "spec", "desiredUpdate")
    image, version = at(update, "image"), at(update, "version")

    return image == wanted.image or (not image and version == wanted.version)


def _enters_a_line(cluster_version: object, wanted: Wanted) -> bool:
    """Whether the release is of another minor than the one that the cluster runs."""
    current = text_of(newest_update(cluster_version), "version")

    return current.split(".")[:2] != wanted.version.split(".")[:2]


def refused_since(
    cluster_version: object,
    found: Mapping[str, Any],
    wanted: Wanted,
    *,
    before: ClusterState | None,
    now: datetime,
) -> Refused:
    """Return the refusal with the time since which it holds.

    A condition that goes from one refused release to the next keeps its time. So a refusal is as old as the
    hub first saw it. It is never older than the newest update, nor than the state `before`, if the cluster
    did not refuse this release then.
    """
    reason = text_of(found, "reason")
    message = one_line(str(found.get("message") or ""), 500) or reason

    earlier = before.refused if before else None

    if earlier and (earlier.version, earlier.image) == (wanted.version, wanted.image):
        since = earlier.since
    else:
        floor = min(before.seen, now) if before else None
        newest = newest_update(cluster_version)
        times = (found.get("lastTransitionTime"), newest.get("startedTime"), newest.get("completionTime"))
        known_times = [time for time in (floor, *map(time_of, times)) if time]
        since = max(known_times, default=now)

    return Refused(
        version=wanted.version,
        image=wanted.image,
        reason=reason or words(found) or "refused",
        message=message,
        since=since,
    )
