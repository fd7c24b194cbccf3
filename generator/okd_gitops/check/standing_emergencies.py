"""Emergencies that stand in cluster files: a forced one and one that has ended are shown until they go."""

from datetime import datetime

from okd_gitops.finding import Finding, Severity, finding_of
from okd_gitops.fleet.load import Fleet
from okd_gitops.times import time_text


def standing_emergencies(fleet: Fleet, now: datetime) -> list[Finding]:
    """Return a warning for each emergency that forces its release, and for each that is left behind."""
    findings = []

    for cluster in fleet.clusters:
        emergency = cluster.spec.emergency

        if emergency and emergency.until < now:
            place = cluster.document.at(("emergency", "until"))
            reason = f"the emergency of {cluster.name} ended at {time_text(emergency.until)}"
            findings.append(finding_of("emergency-left-behind", place, reason, clusters=(cluster.name,)))

        if emergency and emergency.force:
            place = cluster.document.at(("emergency", "force"))
            reason = (
                f"the emergency of {cluster.name} forces {emergency.version} past the cluster's own check of "
                f"the signature: {emergency.reason}"
            )
            remedy = (
                f"compare the digest with okd-gitops release show {emergency.version}; remove emergency from "
                f"{cluster.document.file} when the cluster runs it"
            )
            findings.append(
                finding_of(
                    "forced-update",
                    place,
                    reason,
                    remedy,
                    clusters=(cluster.name,),
                    severity=Severity.WARNING,
                )
            )

    return findings
