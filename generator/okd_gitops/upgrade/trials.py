"""What clusters for tests have shown of a release before a long-term cluster takes it."""

from collections.abc import Iterator

from okd_gitops.evidence.report import Evidence
from okd_gitops.evidence.trial_names import trial_clusters
from okd_gitops.releases.cross_check import Learned
from okd_gitops.releases.version import Version
from okd_gitops.upgrade.question import Answer, Question


def release_before(version: Version, learned: Learned) -> Version | None:
    """Return the newest release from which an edge without a risk leads to one; None without such an edge."""
    sources = [Version.parse(source) for source, target in learned.graph.edges if target == version.text]
    known = [source for source in sources if (release := learned.known(source)) and release.signed]

    return max(known, default=None)


def needed_trials(version: Version, learned: Learned) -> tuple[str, ...]:
    """Return the names of the clusters that must have passed a release."""
    fresh, upgrading = trial_clusters(version.text)

    return (fresh, upgrading) if release_before(version, learned) else (fresh,)


def trial_failed(question: Question) -> Answer | None:
    """A long-term cluster takes no release that has failed on a cluster for tests.

    It has failed also where nobody would try the upgrade any more: upstream withdraws the edge for that.
    """
    failed = [report for report in _reports(question) if not report.passed]

    return Answer(f"({failed[0].cluster}: {failed[0].reason})") if failed else None


def trial_is_missing(question: Question) -> Answer | None:
    passed = {report.cluster for report in _reports(question) if _counts(report, question)}
    missing = [name for name in question.needed_trials if name not in passed]

    return Answer(f"({', '.join(missing)})") if missing else None


def _reports(question: Question) -> Iterator[Evidence]:
    """Yield what was reported of this image; what another image of the version has shown is nothing."""
    if question.release is None or not question.needed_trials:
        return

    version = question.release.version.text
    names = trial_clusters(version)

    for report in question.evidence:
        if report.cluster in names and (report.version, report.image) == (version, question.image):
            yield report


def _counts(report: Evidence, question: Question) -> bool:
    """Whether a report shows something: none of an emergency does, none of an impossible time, and where a
    suite must pass, none without one.
    """
    published = question.published
    is_older = published is not None and report.finished < published

    return report.shows(suite=bool(question.suite)) and not is_older and report.counted_from <= question.now
