"""The rule unsafe-cron-job: findings.yaml states and explains it."""

from collections.abc import Iterator

from okd_gitops.check.rule import Fault
from okd_gitops.manifests.objects import Object, ObjectId, at

_REQUIRED = (
    "concurrencyPolicy",
    "startingDeadlineSeconds",
    "successfulJobsHistoryLimit",
    "failedJobsHistoryLimit",
    "jobTemplate.spec.backoffLimit",
)
# It holds in our own fleets; others have their own way.
IS_HOUSE_RULE = True


def check_object(value: Object) -> Iterator[Fault]:
    """Look at CronJobs."""
    identity = ObjectId.of(value)
    if identity.group_kind == "CronJob.batch":
        for reason, remedy in _faults(at(value, "spec")):
            yield Fault(reason=reason, remedy=remedy, object=identity)


def _faults(spec: object) -> Iterator[tuple[str, str]]:
    missing = [name for name in _REQUIRED if at(spec, *name.split(".")) is None]
    if missing:
        yield f"the CronJob does not set {', '.join(missing)}", "set it explicitly; the default is unsafe"

    if at(spec, "concurrencyPolicy") == "Allow":
        yield "its runs may overlap", "write concurrencyPolicy: Forbid"

    if at(spec, "timeZone") or "TZ=" in str(at(spec, "schedule")):
        yield "its schedule follows a time zone", "write the schedule in UTC, without timeZone"
