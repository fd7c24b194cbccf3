"""The rule lost-list-entries: findings.yaml states and explains it."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial

from okd_gitops.check.overlay import as_list, as_map, per_overlay
from okd_gitops.check.replaced_lists import losses
from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.finding import FindingsError, Location, Severity
from okd_gitops.manifests.bounds import OTHERS
from okd_gitops.manifests.objects import Object, ObjectId, at, items
from okd_gitops.manifests.path_below import OutsideError, path_below
from okd_gitops.manifests.read import Document
from okd_gitops.manifests.read_once import read_all_once

_SHOWN = 4
_Target = object


def check_repository(repository: Repository) -> Iterator[Fault]:
    """Look at merge patches of objects whose lists kustomize replaces as a whole."""
    seen: set[tuple[str, str]] = set()
    for overlay in repository.overlays:
        for written, listed, path, lost, is_sure in _replaced_lists(overlay, repository.files):
            place, identity = Location(**written), ObjectId(*listed)
            if (str(place), path) in seen:
                continue

            seen.add((str(place), path))
            more = f" and {len(lost) - _SHOWN} more" if len(lost) > _SHOWN else ""
            yield Fault(
                reason=f"the patch replaces the whole list {path} of {identity}: "
                f"{', '.join(lost[:_SHOWN])}{more} of the base vanishes",
                remedy="write a JSON patch (op: add, replace), or repeat every entry",
                location=place,
                clusters=(overlay.name,),
                severity=None if is_sure else Severity.WARNING,
            )


@per_overlay
def _replaced_lists(
    overlay: Overlay, files: Mapping[str, bytes]
) -> list[tuple[object, list[str], str, tuple[str, ...], bool]]:
    """Return for each patch that replaces a list its place, the object, the list, what vanishes, and whether
    the patch was meant to change an entry.
    """
    # With a schema of its own a kustomization may merge what is replaced elsewhere.
    if any("openapi" in document.value for document in overlay.graph.kustomizations.values()):
        return []

    return [
        (as_map(place_of()), as_list(identity), loss.path, loss.lost, loss.is_sure)
        for path, document in overlay.graph.kustomizations.items()
        for patch, target, place_of in _patches(document, path, files)
        for identity, base in _bases(patch, target, overlay)
        for loss in losses(base, patch, identity.group)
    ]


def _patches(
    document: Document, path: str, files: Mapping[str, bytes]
) -> Iterator[tuple[Object, _Target, Callable[[], Location]]]:
    """Yield each merge patch of a kustomization with its target, if it has one, and what tells its place."""
    folder = path.rpartition("/")[0]
    listed, others = items(document.value, "patchesStrategicMerge"), items(document.value, "patches")
    entries: list[tuple[object, _Target, tuple[str | int, ...]]] = [
        (each, None, ("patchesStrategicMerge", index)) for index, each in enumerate(listed)
    ]
    entries += [
        (at(each, "path") or at(each, "patch"), at(each, "target"), ("patches", index))
        for index, each in enumerate(others)
    ]
    for entry, target, where in entries:
        text, place_of = str(entry or ""), partial(document.at, where)
        try:
            if "\n" in text:
                found = read_all_once(path, text.encode(), OTHERS)
            else:
                file = path_below(folder, text, keyed=False)
                found = read_all_once(file, files[file], OTHERS)
                place_of = partial(Location, file=file, line=1, column=1)
        except (FindingsError, OutsideError, KeyError):
            continue

        for each in found:
            if isinstance(each.value, dict) and each.value.get("kind"):
                yield each.value, target, place_of


def _bases(patch: Object, target: _Target, overlay: Overlay) -> Iterator[tuple[ObjectId, Object]]:
    """Yield the objects that a patch changes: those of its target, or the one of its name."""
    identity = ObjectId.of(patch)
    for each, written in overlay.graph.objects.items():
        if target:
            is_meant = all(
                _fits(at(target, key), text) for key, text in (("kind", each.kind), ("name", each.name))
            )
        else:
            is_meant = each.group_kind == identity.group_kind and each.name == identity.name
        if is_meant:
            yield each, written.value


def _fits(pattern: object, text: str) -> bool:
    """Whether a text fits an anchored expression of a target; one that is not there fits all."""
    try:
        return not pattern or re.fullmatch(str(pattern), text) is not None
    except re.error:
        return False
