"""The rule invalid-schedule: findings.yaml states and explains it."""

from collections.abc import Iterator

from okd_gitops.check.nested_faults import nested_fault
from okd_gitops.check.rule import Fault
from okd_gitops.finding import Severity
from okd_gitops.manifests.cron import CronError, parse_cron
from okd_gitops.manifests.nested import objects_within
from okd_gitops.manifests.objects import Object, ObjectId, at

# Kinds with a schedule that is, or becomes, that of a CronJob.
_PLACES = {
    "CronJob.batch": ("spec", "schedule"),
    "TektonConfig.operator.tekton.dev": ("spec", "pruner", "schedule"),
    "TektonPruner.operator.tekton.dev": ("spec", "schedule"),
}


def check_object(value: Object) -> Iterator[Fault]:
    """Look at the schedules of CronJobs and of the pruner, also inside other objects."""
    for nested in objects_within(value):
        path = _PLACES.get(ObjectId.of(nested.value).group_kind, ())
        schedule = at(nested.value, *path) if path else None

        # Whoever makes the object from a template replaces a variable.
        if isinstance(schedule, str) and "$" not in schedule and "{{" not in schedule:
            for fault in _faults(schedule):
                yield nested_fault(value, nested, fault.reason, fault.remedy, path, severity=fault.severity)


def _faults(schedule: str) -> Iterator[Fault]:
    try:
        parsed = parse_cron(schedule)
    except CronError as error:
        yield Fault(reason=f'schedule "{schedule}": {error}', remedy='write it like "30 6 * * *" (UTC)')
        return

    if parsed.never_runs:
        yield Fault(
            reason=f'schedule "{schedule}": no month has such a day, so it never runs',
            remedy="correct the day; a CronJob that must not run has suspend: true",
            severity=Severity.WARNING,
        )
