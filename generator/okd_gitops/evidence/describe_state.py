"""What a cluster's answers mean for its state, and where it differs from Git."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from okd_gitops.evidence.acceptance import Wanted
from okd_gitops.evidence.answers import Seen, condition, maps, newest_update, text_of, words
from okd_gitops.evidence.health import Health
from okd_gitops.evidence.state import ClusterState, Refused, Withdrawn
from okd_gitops.manifests.objects import at
from okd_gitops.releases.version import Version

_OLM = "operator-lifecycle-manager"
_INCOMPATIBLE = "IncompatibleOperatorsInstalled"
# The two wordings of operator-framework/operator-lifecycle-manager, pkg/controller/operators/openshift/
# helpers.go (skew.String): up to 4.22 of 2025, and since (992bb09 of 2026-08-19).
_MAXIMUM = re.compile(
    r"(?:is incompatible with OpenShift minor versions greater than|maximum supported OCP version for \S+ is)"
    r" (?P<line>[1-9][0-9]*\.[0-9]+)"
)
# The cluster holds minor updates back while it updates, and says nothing about itself by that.
_UPDATING = "ClusterVersionUpdating"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    """What was concluded from the answers: the refusal, why there is no evidence, why a report no longer
    holds.
    """

    refused: Refused | None
    no_evidence: str
    withdrawn: Withdrawn | None


def state_of(
    seen: Seen, health: Health, verdicts: Verdicts, *, cluster: str, cluster_id: str, now: datetime
) -> ClusterState:
    """Return the state of a cluster as its answers describe it."""
    newest = newest_update(seen.version)
    current = current_update(seen.version)
    asked = at(seen.version, "spec", "desiredUpdate")
    wanted = asked if isinstance(asked, dict) else {}

    state: dict[str, Any] = {
        "cluster": cluster,
        "clusterID": cluster_id,
        "seen": now,
        "version": text_of(current, "version"),
        "image": text_of(current, "image"),
        "wantedVersion": text_of(wanted, "version"),
        "wantedImage": text_of(wanted, "image"),
        "updating": newest.get("state") == "Partial",
        "forced": wanted.get("force") is True,
        "notUpgradeable": _not_upgradeable(seen.version),
        "maxLine": max_line(seen.operators),
        "pausedPools": health.pools.paused,
        "unhealthy": health.faults,
        "noEvidence": verdicts.no_evidence,
    }
    state |= {"refused": verdicts.refused} if verdicts.refused else {}
    state |= {"withdrawn": verdicts.withdrawn} if verdicts.withdrawn else {}

    return ClusterState.model_validate(state)


def current_update(version: object) -> Mapping[str, Any]:
    """Return the newest update that was completed: what a cluster runs."""
    updates = maps(version, "status", "history")

    return next((update for update in updates if update.get("state") == "Completed"), {})


def max_line(operators: object) -> str:
    """Return the highest line that the operators of OLM allow, such as 4.22; empty when they set no limit.

    OLM reads `olm.maxOpenShiftVersion` of all ClusterServiceVersions and names them in Upgradeable of its
    ClusterOperator, as soon as they would not go along with the next minor. So no account needs to read
    ClusterServiceVersions.
    """
    limits = []

    for operator in maps(operators, "items"):
        found = condition(at(operator, "status"), "Upgradeable")

        if at(operator, "metadata", "name") == _OLM and found.get("reason") == _INCOMPATIBLE:
            limits += [match["line"] for match in _MAXIMUM.finditer(str(found.get("message")))]

    return min(limits, key=_line_number, default="")


def difference(version: object, wanted: Wanted, *, is_reported: bool) -> str:
    """Return where a cluster differs from Git by what somebody did to it; empty when nothing differs.

    A cluster that has not begun the release of Git yet does not differ: Argo CD needs a while. `is_reported`
    says that it has reported on that release before.
    """
    newest = newest_update(version)
    runs, asks_for = text_of(newest, "image"), _asked_image(version)
    shown = text_of(newest, "version") or runs

    if not runs:
        return ""

    if runs != wanted.image and (is_reported or _has_had(version, wanted) or _is_later(newest, wanted)):
        return f"it runs {shown}, and git has {wanted.version}"

    if asks_for not in ("", runs, wanted.image):
        asked = at(version, "spec", "desiredUpdate", "version") or asks_for
        return f"its ClusterVersion asks for {asked}, and git has {wanted.version}"

    return ""


def _asked_image(version: object) -> str:
    update = at(version, "spec", "desiredUpdate")

    return text_of(update, "image") if isinstance(update, dict) else ""


def _has_had(version: object, wanted: Wanted) -> bool:
    """Whether the cluster has left the release that Git wants."""
    return any(update.get("image") == wanted.image for update in maps(version, "status", "history"))


def _is_later(newest: Mapping[str, Any], wanted: Wanted) -> bool:
    """Whether a cluster runs a release that comes after the one that Git wants."""
    try:
        return Version.parse(text_of(newest, "version")) > Version.parse(wanted.version)
    except ValueError:
        return False


def _not_upgradeable(version: object) -> str:
    found = condition(at(version, "status"), "Upgradeable")
    is_held = found.get("status") == "False" and found.get("reason") != _UPDATING

    return words(found) if is_held else ""


def _line_number(line: str) -> tuple[int, int]:
    major, _, minor = line.partition(".")

    return int(major), int(minor)
