"""Reports of clusters that try releases in a repository of their own, taken over into the fleet's records."""

from collections.abc import Collection
from datetime import datetime

from okd_gitops.evidence.records import Records
from okd_gitops.evidence.report import TRIAL, Evidence


def new_trials(trials: Records, records: Records, clusters: Collection[str], now: datetime) -> list[Evidence]:
    """Return the reports of another repository that are not recorded yet, as seen now.

    Only clusters that try releases count, and none that has the name of a cluster of this fleet; a report
    that is recorded already is never exchanged.
    """
    known = {report.path for report in records.evidence}
    of_trials = [report for report in trials.evidence if report.cluster.startswith(TRIAL)]
    new = [report for report in of_trials if report.path not in known and report.cluster not in clusters]

    return [report.model_copy(update={"seen": now}) for report in new]
