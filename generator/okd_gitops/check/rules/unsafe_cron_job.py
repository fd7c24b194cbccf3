"""The rule unsafe-cron-job; findings.yaml says what it demands and why."""

from collections.abc import Iterator

from okd_gitops.check.rule import Fault
from okd_gitops.manifests.objects import Object, ObjectId, at

_SPEC = (
    "concurrencyPolicy",
    "startingDeadlineSeconds",
    "successfulJobsHistoryLimit",
    "failedJobsHistoryLimit",
)


def check_object(value: Object) -> Iterator[Fault]:
    """Look at CronJobs."""
    identity = ObjectId.of(value)
    if identity.group_kind != "CronJob.batch":
        return
    missing = [name for name in _SPEC if at(value, "spec", name) is None]
    if at(value, "spec", "jobTemplate", "spec", "backoffLimit") is None:
        missing.append("jobTemplate.spec.backoffLimit")
    if missing:
        yield Fault(
            reason=f"{', '.join(missing)} of the CronJob is not set",
            remedy="set it: the defaults are for nobody",
            object=identity,
        )
    if at(value, "spec", "concurrencyPolicy") == "Allow":
        yield Fault(reason="its runs may overlap", remedy="write concurrencyPolicy: Forbid", object=identity)
    if at(value, "spec", "timeZone") or "TZ=" in str(at(value, "spec", "schedule")):
        yield Fault(
            reason="its schedule follows a time zone",
            remedy="write the schedule in UTC, without timeZone",
            object=identity,
        )
