"""The rule lost-list-entries: findings.yaml states and explains it."""

from collections.abc import Iterator, Mapping

from okd_gitops.check.overlay import as_map, per_overlay
from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.finding import FindingsError, Location
from okd_gitops.manifests.objects import Object, ObjectId, at, items
from okd_gitops.manifests.path_below import OutsideError, path_below
from okd_gitops.manifests.read import OTHERS, Document
from okd_gitops.manifests.read_once import read_all_once

# Groups in which lists have keys by which kustomize merges: x-kubernetes-patch-merge-key in kubernetes v1.35,
# api/openapi-spec. In every other group, such as that of RoleBindings, a patch replaces a list.
_MERGED = ("", "admissionregistration.k8s.io", "apps", "autoscaling", "batch", "policy", "storage.k8s.io")


def check_repository(repository: Repository) -> Iterator[Fault]:
    """Look at merge patches of objects whose lists kustomize replaces as a whole."""
    seen: set[tuple[str, str]] = set()
    for overlay in repository.overlays:
        for written, key, name, lost in _replaced_lists(overlay, repository.files):
            place = Location(**written)
            if (str(place), key) not in seen:
                seen.add((str(place), key))
                yield Fault(
                    reason=f"the patch replaces the whole list {key} of {name}: "
                    f"{', '.join(lost)} of the base vanishes",
                    remedy="write a JSON patch (op: add, replace), or repeat every entry",
                    location=place,
                    clusters=(overlay.name,),
                )


@per_overlay
def _replaced_lists(overlay: Overlay, files: Mapping[str, bytes]) -> list[tuple[object, str, str, list[str]]]:
    """Return the place of each patch that replaces a list, the list, its object, and what vanishes."""
    found: list[tuple[object, str, str, list[str]]] = []
    for path, document in overlay.graph.kustomizations.items():
        for patch, place in _patches(document, path, files):
            identity = ObjectId.of(patch)
            base = _base(identity, overlay)
            is_replaced = identity.group not in _MERGED
            for key, lost in _lost(base, patch) if base and is_replaced else ():
                found.append((as_map(place), key, str(identity), lost))
    return found


def _patches(document: Document, path: str, files: Mapping[str, bytes]) -> Iterator[tuple[Object, Location]]:
    folder = path.rpartition("/")[0]
    listed, others = items(document.value, "patchesStrategicMerge"), items(document.value, "patches")
    entries: list[tuple[object, tuple[str | int, ...]]] = [
        (each, ("patchesStrategicMerge", index)) for index, each in enumerate(listed)
    ]
    entries += [
        (at(each, "path") or at(each, "patch"), ("patches", index)) for index, each in enumerate(others)
    ]
    for entry, where in entries:
        text, place = str(entry or ""), document.at(where)
        try:
            if "\n" in text:
                found = read_all_once(path, text.encode(), OTHERS)
            else:
                file = path_below(folder, text, keyed=False)
                found = read_all_once(file, files[file], OTHERS)
                place = Location(file=file, line=1, column=1)
        except (FindingsError, OutsideError, KeyError):
            continue

        for each in found:
            if isinstance(each.value, dict) and each.value.get("kind"):
                yield each.value, place


def _base(identity: ObjectId, overlay: Overlay) -> Object | None:
    for each, written in overlay.graph.objects.items():
        if each.group_kind == identity.group_kind and each.name == identity.name:
            return written.value
    return None


def _lost(base: object, patch: object, path: str = "") -> Iterator[tuple[str, list[str]]]:
    if not isinstance(base, dict) or not isinstance(patch, dict):
        return

    for key, inner in patch.items():
        place = f"{path}.{key}".lstrip(".")
        if isinstance(inner, list) and isinstance(base.get(key), list):
            before, after = (_names(each) for each in (base[key], inner))
            # A patch that names one of them was meant to change that one.
            if before and after and set(before) & set(after) and set(before) - set(after):
                yield place, sorted(set(before) - set(after))
        else:
            yield from _lost(base.get(key), inner, place)


def _names(entries: list[object]) -> list[str]:
    names = [at(entry, "name") for entry in entries]
    return [str(name) for name in names] if all(isinstance(name, str) for name in names) else []
