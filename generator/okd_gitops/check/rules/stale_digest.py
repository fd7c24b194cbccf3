"""The rule stale-digest: findings.yaml states and explains it."""

import re
from collections.abc import Iterator, Mapping

from okd_gitops.check.overlay import per_overlay
from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.manifests.objects import Object, ObjectId, containers, per_object

_IMAGE = re.compile(
    r"(?P<name>[^@\s]+):(?P<tag>v?[0-9]+(?:\.[0-9]+)+[^@\s:/]*)@(?P<digest>sha256:[0-9a-f]{64})"
)


def check_repository(repository: Repository) -> Iterator[Fault]:
    """Look for a digest that the repository calls by two versions, in files and in what is rendered."""
    tags: dict[tuple[str, str], set[str]] = {}
    for overlay in repository.overlays:
        for name, digest, tag in _versions_in(overlay, repository.files):
            tags.setdefault((name, digest), set()).add(tag)

    if all(len(of_digest) == 1 for of_digest in tags.values()):
        return

    seen: dict[tuple[str, ObjectId], list[str]] = {}
    for image, value, cluster in _users(repository):
        others = {
            tag
            for tag in tags[image["name"], image["digest"]] - {image["tag"]}
            if not tag.startswith(f"{image['tag']}.") and not image["tag"].startswith(f"{tag}.")
        }
        if others and image["tag"] == max({*others, image["tag"]}):
            seen.setdefault((f"{image[0]}\0{min(others)}", ObjectId.of(value)), []).append(cluster)

    for (text, identity), clusters in seen.items():
        full, _, other = text.partition("\0")
        name, _, digest = full.partition("@")
        yield Fault(
            reason=f"{name} has the digest {digest[:19]}… of {other}: the old image runs under the new name",
            remedy="write the digest of that version",
            object=identity,
            clusters=tuple(dict.fromkeys(clusters)),
        )


@per_overlay
def _versions_in(overlay: Overlay, _: Mapping[str, bytes]) -> list[tuple[str, str, str]]:
    values = [*(written.value for written in overlay.graph.objects.values()), *overlay.objects]
    return sorted(
        {(each["name"], each["digest"], each["tag"]) for value in values for each in _images(value)}
    )


def _users(repository: Repository) -> Iterator[tuple[re.Match[str], Object, str]]:
    """Yield each image of a rendered object with the object and the overlay that has it."""
    for overlay in repository.overlays:
        for value in overlay.objects:
            yield from ((image, value, overlay.name) for image in _images(value))


@per_object
def _images(value: Object) -> tuple[re.Match[str], ...]:
    """Return the images of an object that have a version and a digest."""
    found = (_IMAGE.fullmatch(container["image"]) for container in containers(value))
    return tuple(image for image in found if image)
