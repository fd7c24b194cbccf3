"""The rule stale-digest: findings.yaml states and explains it."""

import re
from collections.abc import Iterator

from okd_gitops.check.rule import Fault, Repository
from okd_gitops.manifests.objects import Object, ObjectId, containers

_IMAGE = re.compile(
    r"(?P<name>[^@\s]+):(?P<tag>v?[0-9]+(?:\.[0-9]+)+[^@\s:/]*)@(?P<digest>sha256:[0-9a-f]{64})"
)


def check_repository(repository: Repository) -> Iterator[Fault]:
    """Look for a digest that the repository calls by two versions, in files and in what is rendered."""
    tags: dict[tuple[str, str], set[str]] = {}
    users: list[tuple[re.Match[str], Object, str]] = []

    for overlay in repository.overlays:
        written = [each.value for each in overlay.graph.objects.values()]
        for value, is_rendered in [*((v, False) for v in written), *((v, True) for v in overlay.objects)]:
            for container in containers(value):
                image = _IMAGE.fullmatch(container["image"])
                if image:
                    tags.setdefault((image["name"], image["digest"]), set()).add(image["tag"])
                    if is_rendered:
                        users.append((image, value, overlay.name))

    seen: dict[tuple[str, ObjectId], list[str]] = {}
    for image, value, cluster in users:
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
