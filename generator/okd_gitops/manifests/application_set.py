"""The Applications that an ApplicationSet makes, as far as files tell.

Generators, parameters and templates were read in argo-cd v3.3, applicationset/generators and
applicationset/utils. What asks a forge, a cluster or a plug-in is unknown here, and says so.
"""

import json
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import yaml

from okd_gitops.manifests.argocd import IN_CLUSTER
from okd_gitops.manifests.objects import Object, at, items
from okd_gitops.manifests.plain import plain_value

_HERE = "https://kubernetes.default.svc"
_ACTION = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}")
_FIELD = re.compile(r"\.?[A-Za-z_][A-Za-z0-9_./-]*(?:\[[0-9]+\])?")
_INDEX = re.compile(r"index\s+\.([A-Za-z0-9_.]+)\s+(?:([0-9]+)|\"([^\"]+)\")")
_SEGMENT = re.compile(r"(.+)\[([0-9]+)\]")
_MAX_APPLICATIONS = 2_000
Where = tuple[str | int, ...]
Parameters = dict[str, Any]


class UnknownError(Exception):
    """What a generator finds, or a template becomes, is not known from files."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """A generator that finds nothing in this repository: its place, and what it looks for."""

    where: Where
    pattern: str


@dataclass(slots=True)
class Expansion:
    """What an ApplicationSet makes; `unknown` says why there may be more."""

    applications: list[Object] = field(default_factory=list)
    nothing: list[Nothing] = field(default_factory=list)
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class World:
    """What generators may ask: files, which URL is theirs, and the Secrets that register clusters."""

    files: Mapping[str, bytes]
    is_own: Callable[[object], bool]
    clusters: Sequence[Object] = ()


def expand(application_set: Object, world: World) -> Expansion:
    """Return the Applications of an ApplicationSet, and what of it finds nothing or is unknown."""
    expansion = Expansion()
    is_go = at(application_set, "spec", "goTemplate") is True
    template = at(application_set, "spec", "template")

    for index, generator in enumerate(items(application_set, "spec", "generators")):
        where: Where = ("spec", "generators", index)
        try:
            rows = list(_rows(generator, where, {}, world, expansion, is_go=is_go))
        except UnknownError as unknown:
            expansion.unknown = str(unknown)
            continue

        for row in rows[:_MAX_APPLICATIONS]:
            try:
                made = _filled(template, row, is_go=is_go)
            except UnknownError as unknown:
                expansion.unknown = str(unknown)
                continue
            _add(expansion, application_set, made)

    if at(application_set, "spec", "templatePatch"):
        expansion.unknown = "its templatePatch is not rendered"
    return expansion


def _add(expansion: Expansion, application_set: Object, made: Any) -> None:
    metadata = at(made, "metadata")
    if isinstance(made, dict) and isinstance(metadata, dict) and isinstance(made.get("spec"), dict):
        namespace = at(application_set, "metadata", "namespace")
        place = {"namespace": namespace} if namespace else {}
        expansion.applications.append(
            {
                "apiVersion": "argoproj.io/v1alpha1",
                "kind": "Application",
                "metadata": {**place, **metadata},
                "spec": made["spec"],
            }
        )


def _rows(
    generator: object, where: Where, given: Parameters, world: World, expansion: Expansion, *, is_go: bool
) -> Iterator[Parameters]:
    """Yield the parameters that a generator gives; `given` are those of the one before it in a matrix."""
    if at(generator, "selector"):
        raise UnknownError("a selector filters what its generator finds")

    if at(generator, "list") is not None:
        elements = at(generator, "list", "elements")
        if not isinstance(elements, list):
            raise UnknownError("its list is a template")
        yield from (dict(_filled(each, given, is_go=is_go)) for each in elements if isinstance(each, dict))
    elif at(generator, "git") is not None:
        yield from _git_rows(generator, where, given, world, expansion, is_go=is_go)
    elif isinstance(generator, dict) and "clusters" in generator:
        yield from _cluster_rows(at(generator, "clusters"), given, world, is_go=is_go)
    elif at(generator, "matrix") is not None:
        yield from _matrix_rows(generator, where, given, world, expansion, is_go=is_go)
    elif at(generator, "merge") is not None:
        yield from _merged_rows(generator, where, given, world, expansion, is_go=is_go)
    else:
        kind = next(iter(generator), "none") if isinstance(generator, dict) else "none"
        raise UnknownError(f"what its generator {kind} finds is not in files")


def _git_rows(
    generator: object, where: Where, given: Parameters, world: World, expansion: Expansion, *, is_go: bool
) -> Iterator[Parameters]:
    git = _filled(at(generator, "git"), given, is_go=is_go)
    if not world.is_own(at(git, "repoURL")):
        raise UnknownError(f"{at(git, 'repoURL')} is another repository")

    values = at(git, "values")
    prefix = str(at(git, "pathParamPrefix") or "")
    for key in ("directories", "files"):
        entries = items(git, key)
        excluded = [str(at(entry, "path")) for entry in entries if at(entry, "exclude") is True]

        for index, entry in enumerate(entries):
            pattern = str(at(entry, "path") or "")
            if at(entry, "exclude") is True:
                continue

            found = _folders(pattern, world.files) if key == "directories" else _files(pattern, world.files)
            paths = [path for path in found if not any(_matches(path, other) for other in excluded)]
            if not paths:
                expansion.nothing.append(Nothing((*where, "git", key, index, "path"), pattern))

            for path in paths:
                for row in [{}] if key == "directories" else _file_rows(path, world.files):
                    place = path if key == "directories" else posixpath.dirname(path)
                    named = _path_parameters(place, path, prefix, is_go=is_go)
                    row = {**given, **row, **named}
                    yield {**row, **_values(values, row, is_go=is_go)}


def _folders(pattern: str, files: Mapping[str, bytes]) -> list[str]:
    folders = {""}
    for path in files:
        parent = posixpath.dirname(path)
        while parent and parent not in folders:
            folders.add(parent)
            parent = posixpath.dirname(parent)

    return sorted(folder for folder in folders - {""} if _matches(folder, pattern) and not _is_hidden(folder))


def _is_hidden(path: str) -> bool:
    return any(part.startswith(".") for part in path.split("/"))


def _matches(path: str, pattern: str) -> bool:
    """Whether a folder matches as Go's path.Match does: a star stays within its part of the path."""
    parts, wanted = path.split("/"), pattern.strip("/").removeprefix("./").split("/")
    return len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted))


def _files(pattern: str, files: Mapping[str, bytes]) -> list[str]:
    """Return the files that match a glob, in which ** crosses folders."""
    text = re.escape(pattern.strip("/").removeprefix("./"))
    text = text.replace(r"\*\*/", "(?:.*/)?").replace(r"\*\*", ".*").replace(r"\*", "[^/]*")
    form = re.compile(text.replace(r"\?", "[^/]"))
    return [path for path in files if form.fullmatch(path)]


def _file_rows(path: str, files: Mapping[str, bytes]) -> list[Parameters]:
    try:
        value = json.loads(files[path]) if path.endswith(".json") else plain_value(files[path])
    except (ValueError, yaml.YAMLError, RecursionError):
        raise UnknownError(f"{path} cannot be read") from None

    rows = value if isinstance(value, list) else [value]
    return [row for row in rows if isinstance(row, dict)]


def _path_parameters(folder: str, path: str, prefix: str, *, is_go: bool) -> Parameters:
    name = posixpath.basename(folder)
    segments = folder.split("/")
    normalized = re.sub(r"[^a-z0-9.-]", "-", name.lower()).strip("-.")
    filename = posixpath.basename(path)

    if is_go:
        inner = {
            "path": folder,
            "basename": name,
            "basenameNormalized": normalized,
            "segments": segments,
            "filename": filename,
            "filenameNormalized": re.sub(r"[^a-z0-9.-]", "-", filename.lower()).strip("-."),
        }
        return {prefix: {"path": inner}} if prefix else {"path": inner}

    head = f"{prefix}.path" if prefix else "path"
    plain = {head: folder, f"{head}.basename": name, f"{head}.basenameNormalized": normalized}
    plain[f"{head}.filename"] = filename
    return {**plain, **{f"{head}[{index}]": part for index, part in enumerate(segments)}}


def _cluster_rows(clusters: object, given: Parameters, world: World, *, is_go: bool) -> Iterator[Parameters]:
    wanted = at(clusters, "selector", "matchLabels") or {}
    if at(clusters, "selector", "matchExpressions"):
        raise UnknownError("its clusters are chosen by expressions")
    if not world.clusters:
        raise UnknownError("no file registers a cluster")

    for secret in world.clusters:
        labels = at(secret, "metadata", "labels") or {}
        if any(labels.get(key) != value for key, value in wanted.items()):
            continue

        name = str(at(secret, "stringData", "name") or at(secret, "metadata", "name") or "")
        server = str(at(secret, "stringData", "server") or "")
        annotations = at(secret, "metadata", "annotations") or {}
        row: Parameters = {**given, "name": name, "nameNormalized": name.lower(), "server": server}
        row["metadata"] = {"labels": labels, "annotations": annotations}
        row |= {f"metadata.labels.{key}": value for key, value in labels.items()}
        row |= {f"metadata.annotations.{key}": value for key, value in annotations.items()}
        yield {**row, **_values(at(clusters, "values"), row, is_go=is_go)}

    if not wanted:
        yield {**given, "name": IN_CLUSTER, "nameNormalized": IN_CLUSTER, "server": _HERE}


def _values(values: object, row: Parameters, *, is_go: bool) -> Parameters:
    if not isinstance(values, dict):
        return {}

    filled = _filled(values, row, is_go=is_go)
    return {"values": filled} if is_go else {f"values.{key}": value for key, value in filled.items()}


def _matrix_rows(
    generator: object, where: Where, given: Parameters, world: World, expansion: Expansion, *, is_go: bool
) -> Iterator[Parameters]:
    inner = items(generator, "matrix", "generators")
    if len(inner) != 2:
        raise UnknownError("a matrix must have two generators")

    place: Where = (*where, "matrix", "generators")
    for row in list(_rows(inner[0], (*place, 0), given, world, expansion, is_go=is_go)):
        for other in _rows(inner[1], (*place, 1), {**given, **row}, world, expansion, is_go=is_go):
            yield {**row, **other}


def _merged_rows(
    generator: object, where: Where, given: Parameters, world: World, expansion: Expansion, *, is_go: bool
) -> Iterator[Parameters]:
    keys = [str(key) for key in items(generator, "merge", "mergeKeys")]
    base, *others = (
        list(_rows(inner, (*where, "merge", "generators", index), given, world, expansion, is_go=is_go))
        for index, inner in enumerate(items(generator, "merge", "generators"))
    )
    for row in base:
        for other in others:
            for override in other:
                if all(override.get(key) == row.get(key) for key in keys):
                    row = {**row, **override}
        yield row


def _filled(value: Any, row: Parameters, *, is_go: bool) -> Any:
    """Return a value with parameters in the place of their names; raises UnknownError."""
    if isinstance(value, str):
        return _ACTION.sub(lambda action: _parameter(action[1], action[0], row, is_go=is_go), value)
    if isinstance(value, dict):
        return {
            _filled(key, row, is_go=is_go): _filled(inner, row, is_go=is_go) for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_filled(inner, row, is_go=is_go) for inner in value]
    return value


def _parameter(name: str, text: str, row: Parameters, *, is_go: bool) -> str:
    if not is_go:
        # An unknown parameter stays as it is written.
        found = row.get(name, _nested(row, name.split(".")))
        return text if found is None else str(found)

    indexed = _INDEX.fullmatch(name)
    if indexed:
        holder = _nested(row, indexed[1].split("."))
        key: Any = int(indexed[2]) if indexed[2] else indexed[3]
        found = _part(holder, key)
    elif _FIELD.fullmatch(name) and name.startswith("."):
        found = _nested(row, name[1:].split("."))
    else:
        found = None

    if found is None or isinstance(found, dict | list):
        raise UnknownError(f"{text} is not known from files")
    return str(found)


def _nested(row: Any, path: Sequence[str]) -> Any:
    for index, key in enumerate(path):
        segment = _SEGMENT.fullmatch(key)
        if isinstance(row, dict) and ".".join(path[index:]) in row:
            return row[".".join(path[index:])]
        row = _part(_part(row, segment[1]), int(segment[2])) if segment else _part(row, key)
    return row


def _part(holder: Any, key: Any) -> Any:
    if isinstance(holder, dict):
        return holder.get(key)
    if isinstance(holder, list) and isinstance(key, int) and key < len(holder):
        return holder[key]
    return None
