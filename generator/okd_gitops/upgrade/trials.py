"""What clusters for tests have shown of a release before a long-term cluster takes it."""

from collections.abc import Iterator

from okd_gitops.evidence.report import TRIAL, Evidence
from okd_gitops.releases.cross_check import Learned
from okd_gitops.releases.version import Version
from okd_gitops.upgrade.question import Answer, Question

# How the name of the cluster ends that upgrades to the release.
_UPGRADES = "-up"


def fresh_cluster(version: Version) -> str:
    """Return the name of the cluster that is installed with a release."""
    return f"{TRIAL}{version.text.replace('.', '-')}"


def upgrading_cluster(version: Version) -> str:
    """Return the name of the cluster that is installed with the release before, and upgrades."""
    return f"{fresh_cluster(version)}{_UPGRADES}"


def release_before(version: Version, learned: Learned) -> Version | None:
    """Return the newest release from which an edge without a risk leads to one; None without such an edge."""
    sources = [Version.parse(source) for source, target in learned.graph.edges if target == version.text]
    known = [source for source in sources if (release := learned.known(source)) and release.signed]

    return max(known, default=None)


def needed_trials(version: Version, learned: Learned) -> tuple[str, ...]:
    """Return the names of the clusters that must have passed a release."""
    fresh = fresh_cluster(version)

    return (fresh, upgrading_cluster(version)) if release_before(version, learned) else (fresh,)


def trial_failed(question: Question) -> Answer | None:
    """A long-term cluster takes no release that has failed on a cluster for tests."""
    failed = [report for report in _reports(question) if not report.passed]

    return Answer(f"({failed[0].cluster}: {failed[0].reason})") if failed else None


def trial_is_missing(question: Question) -> Answer | None:
    passed = {report.cluster for report in _reports(question)}
    missing = [name for name in question.trials if name not in passed]

    return Answer(f"({', '.join(missing)})") if missing else None


def _reports(question: Question) -> Iterator[Evidence]:
    """Yield what was reported of this image; what another image of the version has shown is nothing."""
    release = question.release
    wanted = (release.version.text if release else "", question.image)

    for report in question.evidence:
        if report.cluster in question.trials and (report.version, report.image) == wanted:
            yield report
