"""The rule fruitless-entry: findings.yaml states and explains it."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from okd_gitops.check.overlay import as_map, per_overlay
from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.finding import FindingsError, Location, nearest
from okd_gitops.manifests.bounds import OTHERS
from okd_gitops.manifests.graph import NAMES
from okd_gitops.manifests.objects import Object, ObjectId, at, items, per_object, strings
from okd_gitops.manifests.path_below import OutsideError, path_below
from okd_gitops.manifests.read import Document, read_all
from okd_gitops.manifests.scopes import known_kinds

# Nearer than the kinds of one family, such as TCPRoute and HTTPRoute.
_MISSPELT = 0.9
# A name without the signs of a regular expression, which a target may be.
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:-]*")

_RENAMING = (
    *("namePrefix", "nameSuffix", "configMapGenerator", "secretGenerator", "generators"),
    *("transformers", "configurations", "replacements", "vars"),
)


@dataclass(frozen=True, slots=True)
class _Entry:
    """An entry of a kustomization that is meant for something: its place, and what it is meant for."""

    document: Document
    path: tuple[str | int, ...]
    what: str
    target: Mapping[str, object]


def check_repository(repository: Repository) -> Iterator[Fault]:
    """Look at each kustomization with all roots that use it: it may fit nothing in some of them."""
    users: dict[str, list[Overlay]] = {}
    unfit: dict[tuple[str, str, str, str, bool], list[Overlay]] = {}
    components: set[str] = set()
    for overlay in repository.overlays:
        for path, is_component, misfits in _misfits(overlay, repository.files):
            users.setdefault(path, []).append(overlay)
            if is_component:
                components.add(path)
            for place, what, wanted, is_kind in misfits:
                unfit.setdefault((path, json.dumps(place), what, wanted, is_kind), []).append(overlay)

    for (path, place, what, wanted, is_kind), misfits in unfit.items():
        # Other roots, which could not be built, may use a component.
        if len(misfits) < len(users[path]) or (not repository.is_whole and path in components):
            continue

        written = {name for overlay in misfits for name in _names(overlay, repository.files)}
        names = known_kinds() if is_kind else written
        # The name is right, so it is the group, the kind or the namespace that differs.
        is_there = wanted in names
        same_name = f"an object is called {wanted}: compare its group, kind and namespace" if is_there else ""
        yield Fault(
            reason=f"{what} fits nothing, so it changes nothing",
            remedy=same_name or nearest(wanted, names) or "correct the name, or remove the entry",
            location=Location(**json.loads(place)),
            clusters=tuple(one.name for one in misfits),
        )


@per_overlay
def _misfits(
    overlay: Overlay, files: Mapping[str, bytes]
) -> list[tuple[str, bool, list[tuple[object, str, str, bool]]]]:
    """Return each kustomization that an overlay uses, whether it is a component, and of its entries that fit
    nothing there the place, what each is, and the name, or the kind, that it wants.
    """
    return [
        (
            path,
            document.value.get("kind") == "Component",
            [
                (
                    as_map(each.document.at(each.path)),
                    f"{each.what} {_words(each.target)}",
                    _wanted(each),
                    "name" not in each.target,
                )
                for each in _entries(document, path, files)
                if not _fits(each, overlay)
            ],
        )
        for path, document in overlay.graph.kustomizations.items()
    ]


@per_overlay
def _names(overlay: Overlay, _: Mapping[str, bytes]) -> list[str]:
    """Return the names of what is written in files, asked of an overlay with an entry that fits nothing."""
    return sorted({each.name for each in overlay.graph.objects})


def _wanted(entry: _Entry) -> str:
    return str(entry.target.get("name", entry.target.get("kind")))


def _words(target: Mapping[str, object]) -> str:
    return " ".join(str(target[key]) for key in ("kind", "namespace", "name") if target.get(key))


def _entries(document: Document, path: str, files: Mapping[str, bytes]) -> Iterator[_Entry]:
    value = document.value
    for key in ("patches", "patchesJson6902"):
        for index, patch in enumerate(items(value, key)):
            target = at(patch, "target")
            if _is_plain(target) or _is_misspelt_kind(target):
                yield _Entry(document, (key, index, "target"), "the patch for", target)

    # Settings of its own say where else images are.
    has_settings = value.get("configurations") or value.get("transformers")
    for index, image in enumerate([] if has_settings else items(value, "images")):
        if _is_plain(image):
            yield _Entry(document, ("images", index), "the image", {"image": True, **image})

    for index, replica in enumerate(items(value, "replicas")):
        if _is_plain(replica):
            yield _Entry(document, ("replicas", index), "replicas of", {"name": replica["name"]})

    for index, replacement in enumerate(items(value, "replacements")):
        yield from _replacements(document, index, replacement, path, files)


def _replacements(
    document: Document, index: int, replacement: object, path: str, files: Mapping[str, bytes]
) -> Iterator[_Entry]:
    """Yield the targets of a replacement, which may stand in a file of its own, one or several."""
    place: tuple[str | int, ...] = ("replacements", index)
    bodies = [replacement]

    if isinstance(at(replacement, "path"), str):
        found = _read(path, str(at(replacement, "path")), files)
        if found is None:
            return
        document, place = found, ()
        bodies = found.value if isinstance(found.value, list) else [found.value]

    for body in bodies:
        for number, target in enumerate(items(body, "targets")):
            select = at(target, "select")
            if _is_plain(select) or _is_misspelt_kind(select):
                yield _Entry(document, (*place, "targets", number, "select"), "the replacement for", select)


def _read(kustomization: str, name: str, files: Mapping[str, bytes]) -> Document | None:
    folder, _, file = kustomization.rpartition("/")
    assert file in NAMES
    try:
        path = path_below(folder, name, keyed=False)
        return read_all(path, files[path], bounds=OTHERS)[0]
    except (OutsideError, FindingsError, KeyError, IndexError):
        return None


def _is_plain(target: object) -> bool:
    """Whether a target names one object: no pattern, and no choice by labels."""
    name, kind = at(target, "name"), at(target, "kind")
    chooses = at(target, "labelSelector") or at(target, "annotationSelector")
    is_name = isinstance(name, str) and bool(_PLAIN.fullmatch(name.replace("/", "-").replace("_", "-")))
    return is_name and not chooses and (kind is None or bool(_PLAIN.fullmatch(str(kind))))


def _is_misspelt_kind(target: object) -> bool:
    """Whether a target names a kind alone, which no API has and which is nearly one that an API has."""
    kind = at(target, "kind")
    if not isinstance(target, dict) or set(target) != {"kind"} or kind in known_kinds():
        return False

    return (
        isinstance(kind, str)
        and kind.isalnum()
        and bool(get_close_matches(kind, known_kinds(), n=1, cutoff=_MISSPELT))
    )


def _fits(entry: _Entry, overlay: Overlay) -> bool:
    target, name = entry.target, str(entry.target.get("name"))
    if "name" not in target:
        # A definition of its own may have a kind that is nearly another.
        kinds = {str(value.get("kind")) for value in overlay.objects}
        return target["kind"] in kinds or any(each.kind == target["kind"] for each in overlay.graph.objects)

    if target.get("image"):
        names = {name, str(target.get("newName") or name)}
        values = [*overlay.objects, *(written.value for written in overlay.graph.objects.values())]
        return any(text.startswith(tuple(names)) for value in values for text in _texts(value))

    kind = target.get("kind")
    ids = [*map(ObjectId.of, overlay.objects), *overlay.graph.objects]
    alike = [each for each in ids if (not kind or each.kind == kind) and name in each.name]
    if not _renames(overlay):
        alike = [each for each in alike if each.name == name]
    # A name of a generator, or one with something around it, belongs to another name in the output.
    if not alike:
        return _is_generated(name, overlay)

    namespace = str(target.get("namespace") or "")
    return not namespace or any(each.namespace in (namespace, "") for each in alike)


@per_object
def _texts(value: Object) -> tuple[str, ...]:
    return tuple(text for _, text in strings(value))


def _renames(overlay: Overlay) -> bool:
    """Whether an object may be called otherwise in the middle of the build than in files and at its end."""
    used = [document.value for document in overlay.graph.kustomizations.values()]
    return any(each.get(key) for each in used for key in _RENAMING) or "allowNameChange" in str(used)


def _is_generated(name: str, overlay: Overlay) -> bool:
    generators: list[Object] = [
        each
        for document in overlay.graph.kustomizations.values()
        for key in ("configMapGenerator", "secretGenerator")
        for each in items(document.value, key)
        if isinstance(each, dict)
    ]
    has_plugins = any(items(each.value, "generators") for each in overlay.graph.kustomizations.values())
    return has_plugins or any(each.get("name") == name for each in generators)
