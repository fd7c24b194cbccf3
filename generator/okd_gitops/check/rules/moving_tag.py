"""The rule moving-tag: findings.yaml states and explains it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from okd_gitops.check.moving_tags import Pinned, moves, moving_images, pinned_images, tag_in_comment
from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.finding import Location
from okd_gitops.manifests.nested import Path
from okd_gitops.manifests.objects import Object, ObjectId
from okd_gitops.manifests.values import values_within

# Its schemas hold no image that runs.
_NOT_SEARCHED = "CustomResourceDefinition"


@dataclass(slots=True)
class _Uses:
    """Where an image is used: the tag that it had, the first place, all objects and clusters."""

    tag: str
    place: Location | None
    objects: list[ObjectId] = field(default_factory=list)
    clusters: list[str] = field(default_factory=list)


def check_repository(repository: Repository) -> Iterator[Fault]:
    """Look at every text of every object: an image may be an argument, or the base in a Containerfile."""
    uses: dict[str, _Uses] = {}
    # Clusters share most objects.
    searched: dict[int, list[tuple[Path, Pinned]]] = {}
    for overlay in repository.overlays:
        for value in overlay.objects:
            if id(value) not in searched:
                searched[id(value)] = list(_pinned_in(value))

            _collect(value, searched[id(value)], overlay, uses)

    for image, used in uses.items():
        moved = f"{_short(image)} has the digest of the tag {used.tag}, which moves"
        yield Fault(
            reason=f"{moved}; {_users(used.objects)}",
            remedy="take a tag that stays, or copy the image and name the copy, see docs/images.md",
            object=used.objects[0],
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


def _collect(
    value: Object, images: Iterable[tuple[Path, Pinned]], overlay: Overlay, uses: dict[str, _Uses]
) -> None:
    identity = ObjectId.of(value)
    written = overlay.graph.objects.get(identity)

    for path, pinned in images:
        place = written.at(path) if written else None
        tag = _moving_tag(pinned, place.text if place else "")
        if tag:
            used = uses.setdefault(pinned.image, _Uses(tag, place))
            _add(used.objects, identity)
            _add(used.clusters, overlay.name)


def _moving_tag(pinned: Pinned, line: str) -> str:
    """Return the tag of an image if it moves: from the table, the image itself, or the comment after it."""
    known = moving_images().get(pinned.image, "")
    tag = known or pinned.tag or tag_in_comment(line, pinned.image)
    return tag if known or moves(tag) else ""


def _add(entries: list[Any], entry: object) -> None:
    if entry not in entries:
        entries.append(entry)


def _pinned_in(value: Object) -> Iterator[tuple[Path, Pinned]]:
    """Yield each image that an object names by digest, with the path of the text that names it."""
    if value.get("kind") == _NOT_SEARCHED:
        return

    for path, text in values_within(value):
        if isinstance(text, str) and "@sha256:" in text:
            yield from ((path, pinned) for pinned in pinned_images(text))
