"""The rule moving-tag: findings.yaml states and explains it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from okd_gitops.check.moving_tags import Pinned, moves, moving_images, pinned_images, tag_in_comment
from okd_gitops.check.overlay import as_list, as_map, per_overlay
from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.finding import Location
from okd_gitops.manifests.nested import Path
from okd_gitops.manifests.objects import Object, ObjectId, per_object, texts_within
from okd_gitops.manifests.values import values_within

# Its schemas hold no image that runs.
_NOT_SEARCHED = "CustomResourceDefinition"


@dataclass(slots=True)
class _Uses:
    """Where an image is used: the tag that it had, the first place, all objects and clusters in order."""

    tag: str
    place: Location | None
    objects: dict[ObjectId, None] = field(default_factory=dict)
    clusters: dict[str, None] = field(default_factory=dict)


def check_repository(repository: Repository) -> Iterator[Fault]:
    """Look at every text of every object: an image may be an argument, or the base in a Containerfile."""
    uses: dict[str, _Uses] = {}
    for overlay in repository.overlays:
        for image, tag, listed, place in _moving_in(overlay, repository.files):
            used = uses.setdefault(image, _Uses(tag, Location(**place) if place else None))
            used.objects[ObjectId(*listed)] = None
            used.clusters[overlay.name] = None

    for image, used in uses.items():
        objects = list(used.objects)
        moved = f"{_short(image)} has the digest of the tag {used.tag}, which moves"
        yield Fault(
            reason=f"{moved}; {_users(objects)}",
            remedy="take a tag that stays, or copy the image and name the copy, see docs/images.md",
            object=objects[0],
            location=used.place,
            clusters=tuple(used.clusters),
        )


def _short(image: str) -> str:
    # The place has the whole of it.
    name, _, digits = image.partition("@sha256:")
    return f"{name}@sha256:{digits[:12]}…"


def _users(objects: Sequence[ObjectId]) -> str:
    first, others = objects[0], len(objects) - 1
    if not others:
        return f"{first} uses it"

    return f"{first} and {others} other {'object' if others == 1 else 'objects'} use it"


@per_overlay
def _moving_in(overlay: Overlay, _: Mapping[str, bytes]) -> list[tuple[str, str, list[str], object]]:
    """Return the image, the tag, the object and the place of each use of a moving tag."""
    found: list[tuple[str, str, list[str], object]] = []
    for value in overlay.objects:
        identity = ObjectId.of(value)

        for path, pinned in _pinned_in(value):
            written = overlay.graph.objects.get(identity)
            place = written.at(path) if written else None
            tag = _moving_tag(pinned, place.text if place else "")
            if tag:
                found.append((pinned.image, tag, as_list(identity), as_map(place)))
    return found


def _moving_tag(pinned: Pinned, line: str) -> str:
    """Return the tag of an image if it moves: from the table, the image itself, or the comment after it."""
    known = moving_images().get(pinned.image, "")
    tag = known or pinned.tag or tag_in_comment(line, pinned.image)
    return tag if known or moves(tag) else ""


@per_object
def _pinned_in(value: Object) -> tuple[tuple[Path, Pinned], ...]:
    """Return each image that an object names by digest, with the path of the text that names it."""
    if value.get("kind") == _NOT_SEARCHED or not any("@sha256:" in text for text in texts_within(value)):
        return ()

    return tuple(
        (path, pinned)
        for path, text in values_within(value)
        if isinstance(text, str) and "@sha256:" in text
        for pinned in pinned_images(text)
    )
