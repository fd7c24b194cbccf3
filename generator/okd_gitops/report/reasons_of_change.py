"""Why a change of any kind needs more than a glance, as sentences."""

from collections.abc import Mapping, Sequence

from okd_gitops.check.change.change import ClusterChange, JudgedRelease, Status
from okd_gitops.check.change.judge_change import JudgedChange
from okd_gitops.check.change.removals import replaced_fields
from okd_gitops.check.diff import Difference
from okd_gitops.finding import Finding, Severity
from okd_gitops.report.clusters import ANNOUNCED
from okd_gitops.report.leaving import Fate, removal_words
from okd_gitops.report.markdown import plural
from okd_gitops.report.reasons import reasons_of_hop, reasons_of_objects
from okd_gitops.upgrade.question import Way


def reasons_of_change(
    judged: JudgedChange,
    difference: Difference | None,
    findings: Sequence[Finding],
    fates: Mapping[str, Fate],
) -> list[str]:
    """Return why a reviewer has to look at the change, each reason once.

    `difference` is that of its objects, or None when they do not build; `findings` are those that are new,
    `fates` what happens to objects that leave Git, by cluster.
    """
    change = judged.change
    reasons = [reason for item in change.clusters for reason in _reasons_of_cluster(item)]

    if change.trust_edits:
        fields = ", ".join(edit.field for edit in change.trust_edits)
        reasons.append(f"it edits whom the fleet trusts: {fields}")

    trusted = {edit.field for edit in change.trust_edits}
    other_fields = [field for field in change.fleet_fields if field not in trusted]

    if other_fields:
        reasons.append(f"it edits fleet.yaml: {', '.join(other_fields)}")

    if not change.records and any(item.release_changed for item in change.clusters):
        reasons.append("there are no records of the hub: what they would say of the release is unknown")

    if difference is None:
        reasons.append("the objects could not be compared: they do not build")
    else:
        reasons += reasons_of_objects(difference.changes, fates)

    warnings = sum(finding.severity == Severity.WARNING for finding in findings)

    if warnings:
        reasons.append(f"{warnings} {plural('warning', range(warnings))}, listed below")

    return list(dict.fromkeys(reasons))


def is_announced(item: ClusterChange) -> bool:
    """Whether a change announces that a cluster leaves the fleet, which the next change may do then."""
    was_announced = item.old is not None and item.old.spec.decommission

    return item.new is not None and item.new.spec.decommission and not was_announced


def _reasons_of_cluster(item: ClusterChange) -> list[str]:
    reasons = []

    if item.status == Status.ADDED:
        provider = item.cluster.spec.provider
        reasons.append(f"{item.name} is added" + (f": {provider} installs the cluster" if provider else ""))

    if item.status == Status.REMOVED:
        reasons.append(f"{item.name} is removed: {removal_words(item.cluster)}")

    reasons += _reasons_of_provider(item)
    reasons += _reasons_of_replacement(item)

    if is_announced(item):
        reasons.append(f"🔴 {item.name} is {ANNOUNCED}")
    elif item.status == Status.CHANGED and item.cluster.purpose.guarded and not item.release_changed:
        reasons.append(f"{item.name} is a long-term cluster")

    if item.judged:
        reasons += _reasons_of_release(item.name, item.judged)
    elif item.release_changed:
        reasons.append(f"nothing judged the release of {item.name}")

    return reasons


def _reasons_of_provider(item: ClusterChange) -> list[str]:
    """Return that a cluster is deleted although its file stays, or installed for a file that was there."""
    if item.old is None or item.new is None or item.old.spec.provider == item.new.spec.provider:
        return []

    old, new = item.old.spec.provider, item.new.spec.provider
    reasons = [f"🔴 {item.name} leaves {old}, which deletes the cluster"] if old else []

    return reasons + ([f"{new} installs {item.name}"] if new else [])


def _reasons_of_replacement(item: ClusterChange) -> list[str]:
    """Return what removes a long-term cluster although its file stays, also when it was announced."""
    if item.old is None or not item.old.purpose.guarded:
        return []

    reasons = []

    for field, old, new in replaced(item):
        if field == "purpose":
            text = f"leaves purpose {old} for {new}: Argo CD may delete what it guarded"
        else:
            text = f"gets another {field}: {old} → {new}"

        reasons.append(f"🔴 {item.name} {text}")

    return reasons


def _reasons_of_release(name: str, judged: JudgedRelease) -> list[str]:
    reasons = []
    hop = judged.first_hop

    if hop:
        reasons += reasons_of_hop(name, hop, forced=judged.way == Way.FORCE)

    if judged.way in (Way.EMERGENCY, Way.ADOPTION):
        reasons.append(f"{name} takes it as {judged.way}: it waits for nothing")

    if not judged.verified:
        reasons.append("the signature of the release is not verified")

    return reasons


def replaced(item: ClusterChange) -> list[tuple[str, str, str]]:
    """Return the fields that make another cluster of one that stays in the fleet."""
    return replaced_fields(item.old, item.new) if item.old and item.new else []
