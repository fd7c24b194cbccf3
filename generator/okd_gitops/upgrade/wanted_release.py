"""What of the release itself keeps a cluster from it: its image, its signature, its age."""

from datetime import UTC, datetime

from okd_gitops.releases.lines import kubernetes_of
from okd_gitops.releases.version import digest_of
from okd_gitops.upgrade.question import Answer, Question

# Sources may name any day, and no calendar goes beyond the year 9999.
_LAST = datetime(9900, 1, 1, tzinfo=UTC)


def digest_is_not_known(question: Question) -> Answer | None:
    return None if question.release and question.release.signed else Answer()


def image_is_of_another_release(question: Question) -> Answer | None:
    """A registry has one image of a version; one that nobody recorded counts if it mirrors such a digest."""
    release = question.release
    repository, _, digest = question.image.partition("@")

    if release is None or not release.images or not question.image:
        return None

    of_repository = [image for image in release.images if image.partition("@")[0] == repository]
    known_images = of_repository or list(release.images)
    digests = {digest_of(image) for image in known_images}

    return None if digest in digests else Answer(f"({release.version.text} is {', '.join(known_images)})")


def kubernetes_is_not_known(question: Question) -> Answer | None:
    if question.hop is None or kubernetes_of(question.hop.to.line) or question.cluster.kubernetes:
        return None

    return Answer(f"({question.hop.to.line})")


def long_term_cluster_lacks_signature(question: Question) -> Answer | None:
    return Answer() if question.cluster.guarded and not question.verified else None


def key_is_for_other_clusters(question: Question) -> Answer | None:
    return Answer(f"({question.key_fault})") if question.cluster.guarded and question.key_fault else None


def newest_release_vanished(question: Question) -> Answer | None:
    """A test cluster may go on; a long-term one waits until people know why."""
    if not question.cluster.guarded or not question.vanished:
        return None

    return Answer(f"({', '.join(question.vanished)})")


def release_age_is_not_known(question: Question) -> Answer | None:
    """A time that moves on with the clock would never come."""
    if question.release is None or not question.minimum_age or _oldest_trace(question):
        return None

    return Answer(f"({question.release.version.text})")


def release_is_too_young(question: Question) -> Answer | None:
    known_since = _oldest_trace(question)

    if known_since is None:
        return None

    old_enough = min(known_since, _LAST) + question.minimum_age

    return Answer(until=old_enough) if question.now < old_enough else None


def _oldest_trace(question: Question) -> datetime | None:
    """Return when the release was published; where no source tells that, when the hub saw it first."""
    return question.published or (question.record.seen if question.record else None)
