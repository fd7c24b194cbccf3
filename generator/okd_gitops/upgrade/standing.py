"""Where a cluster stands before anything is planned: questions about the release in its file.

A cluster is done only when nothing newer is accepted, nobody withdrew its release, and its digest is the one
that the sources know.
"""

from collections.abc import Collection

from okd_gitops.redaction import one_line
from okd_gitops.releases.version import Version
from okd_gitops.upgrade.edges import NOTHING_NEWER, SAME
from okd_gitops.upgrade.path import NoPath
from okd_gitops.upgrade.question import Answer, Question

_SHOWN_RELEASES = 3


def digest_is_another(question: Question) -> Answer | None:
    """Ask it of the release that the cluster has; a registry has one digest of a version."""
    cluster = question.cluster
    known_images = _other_digests(cluster.image, question.images)

    if not known_images:
        return None

    return _about_own_release(question, f"({cluster.version.text} is {', '.join(known_images)})")


def digest_is_not_confirmed(question: Question) -> Answer | None:
    """Without a way on, the cluster keeps its image: then somebody must know that it is the release."""
    image = question.cluster.image

    if not _is_at_rest(question) or _at_registry_of(image, question.images):
        return None

    return _about_own_release(question, f"({question.cluster.version.text} at {image.partition('@')[0]})")


def release_is_withdrawn(question: Question) -> Answer | None:
    """A cluster that runs a withdrawn release and has no way on; one that has a way is upgraded."""
    if not _is_at_rest(question) or not question.withdrawn:
        return None

    return Answer(f"({question.cluster.version.text}: {one_line(question.withdrawn, 300)})")


def newer_cannot_be_reached(question: Question) -> Answer | None:
    path = question.path

    if not isinstance(path, NoPath) or path.name != NOTHING_NEWER or not question.newer:
        return None

    newest = _newest(question.newer)
    start = question.cluster.version.text

    if path.refused:
        return Answer(f"({newest}); no edge from {start} may be taken")

    accepted_edge = f"{{name: no-path, from: {start}, to: {question.newer[0].text}, reason: …}}"
    detail = f"({newest}); no edge that was tested with success leads on from {start}"

    return Answer(f"{detail}; `upgrades.accept: [{accepted_edge}]` accepts the newest")


def _about_own_release(question: Question, detail: str) -> Answer:
    return Answer(detail, values=(("VERSION", question.cluster.version.text),))


def _newest(versions: tuple[Version, ...]) -> str:
    """Return the first versions as text, and how many more there are."""
    shown = [version.text for version in versions[:_SHOWN_RELEASES]]
    more = len(versions) - len(shown)

    return ", ".join(shown) + (f" and {more} more" if more else "")


def _is_at_rest(question: Question) -> bool:
    """Whether the cluster keeps its release because it has the target, or nothing newer can be reached."""
    return isinstance(question.path, NoPath) and question.path.name in (SAME, NOTHING_NEWER)


def _other_digests(image: str, known_images: Collection[str]) -> list[str]:
    """Return what a release is at the registry of `image`, when that is known and is not this image.

    One registry has one digest for a version. Two registries may differ: stable streams build the mirrored
    image anew.
    """
    of_registry = _at_registry_of(image, known_images)

    return [] if image in of_registry else of_registry


def _at_registry_of(image: str, known_images: Collection[str]) -> list[str]:
    registry, _, _ = image.partition("@")

    return [known for known in known_images if known.partition("@")[0] == registry]
