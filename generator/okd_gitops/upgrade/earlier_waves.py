"""What the clusters before one have shown of a release: questions about their reports and their soak.

A report that is missing, failed, of another image or of an impossible time never counts. The time that counts
is the hub's: when it saw the report.
"""

from collections.abc import Callable, Iterator

from okd_gitops.evidence.report import Evidence
from okd_gitops.releases.version import outside_channel
from okd_gitops.upgrade.edges import kind
from okd_gitops.upgrade.question import Answer, Follower, Question, clusters_before


def long_term_cluster_would_be_first(question: Question) -> Answer | None:
    """A long-term cluster whose stream no other cluster tries first."""
    if not question.cluster.guarded or clusters_before(question.cluster, question.fleet):
        return None

    return Answer(f"(no cluster of an earlier wave follows {question.cluster.stream})")


def every_earlier_cluster_is_held(question: Question) -> Answer | None:
    before = clusters_before(question.cluster, question.fleet)

    if not question.cluster.guarded or not before or question.earlier:
        return None

    return Answer(f"({', '.join(f'{other.name}: {other.hold}' for other in before)})")


def earlier_cluster_failed(question: Question) -> Answer | None:
    return _earlier_report(question, lambda report: not report.passed)


def earlier_cluster_ran_another_image(question: Question) -> Answer | None:
    return _earlier_report(question, lambda report: report.image != question.image)


def evidence_is_from_the_future(question: Question) -> Answer | None:
    return _earlier_report(question, lambda report: report.counted_from > question.now)


def evidence_is_older_than_the_release(question: Question) -> Answer | None:
    published = question.published

    if published is None:
        return None

    answer = _earlier_report(question, lambda report: report.finished < published)

    return Answer(f"{answer.detail}, published {published:%Y-%m-%d %H:%M}") if answer else None


def earlier_cluster_cannot_report(question: Question) -> Answer | None:
    """Only a person can go on when a cluster never comes to the release that is waited for."""
    for earlier in _without_evidence(question):
        reason = _why_it_never_reports(earlier, question)

        if reason:
            return Answer(f"({reason})")

    return None


def earlier_cluster_has_no_evidence(question: Question) -> Answer | None:
    if question.release is None:
        return None

    version = question.release.version

    for earlier in _without_evidence(question):
        if _why_it_never_reports(earlier, question):
            continue

        if earlier.version == version:
            return Answer(f"({earlier.name} runs {version.text} and has not reported on it)")

        return Answer(f"({earlier.name} must take {version.text} and report on it)")

    return None


def earlier_cluster_still_soaks(question: Question) -> Answer | None:
    for earlier in question.earlier:
        reports = question.reports(earlier)

        if not reports or _is_behind(earlier, question):
            continue

        soaked = max(report.counted_from for report in reports) + question.soak(earlier.wave)

        if question.now < soaked:
            return Answer(f"({earlier.name})", until=soaked)

    return None


def _earlier_report(question: Question, matches: Callable[[Evidence], bool]) -> Answer | None:
    """Name the first cluster of an earlier wave with a report of the release that matches."""
    for earlier in question.earlier:
        for report in question.reports(earlier):
            if matches(report):
                return Answer(f"({earlier.name}: finished {report.finished:%Y-%m-%d %H:%M})")

    return None


def _is_behind(cluster: Follower, question: Question) -> bool:
    """Whether the pin of a cluster in git is behind the release.

    One that has gone on to a newer release may still confirm this one.
    """
    return question.release is None or cluster.version < question.release.version


def _without_evidence(question: Question) -> Iterator[Follower]:
    """Yield the earlier clusters that are behind the release or have not reported on it."""
    for earlier in question.earlier:
        if _is_behind(earlier, question) or not question.reports(earlier):
            yield earlier


def _why_it_never_reports(cluster: Follower, question: Question) -> str:
    """Return why a cluster cannot report on the release any more, or not before a person changes its file."""
    if question.release is None:
        return ""

    version = question.release.version

    if cluster.version > version:
        return f"{cluster.name} has {cluster.version.text} already and never goes back to {version.text}"

    if kind(version) not in cluster.takes:
        return f"{cluster.name} takes no release of kind {kind(version)}, such as {version.text}"

    if cluster.version < version and outside_channel(version.text, cluster.channel):
        return f"{cluster.name} stays in channel {cluster.channel}, without {version.text}"

    return ""
