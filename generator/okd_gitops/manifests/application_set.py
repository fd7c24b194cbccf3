"""The Applications that an ApplicationSet makes, as far as files tell.

Generators were read in argo-cd v3.3, applicationset/generators. What asks a forge, a cluster or a plug-in is
unknown here: it gives an open row, of which only some parameters are known, and the reason.
"""

import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from okd_gitops.manifests.argocd import IN_CLUSTER
from okd_gitops.manifests.git_generator import (
    file_rows,
    matches,
    matching_files,
    matching_folders,
    path_parameters,
)
from okd_gitops.manifests.objects import Object, at, items
from okd_gitops.manifests.template_fields import Parameters, UnknownError, as_pattern, filled, partly_filled

_HERE = "https://kubernetes.default.svc"
_MAX_APPLICATIONS = 2_000
# Two lists of a small file, one in the other, are a large product; a selector may leave nothing of it.
_MAX_ROWS = 50_000
# The key of an open row under which the reason stands; no parameter is called so.
_OPEN = "\0"
Where = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Nothing:
    """A generator that finds nothing in this repository: its place, and what it looks for."""

    where: Where
    pattern: str


@dataclass(slots=True)
class Expansion:
    """What an ApplicationSet makes; `unknown` says why there may be more.

    `partial` are Applications in which {{names}} are left, because not all of their parameters are known.
    """

    applications: list[Object] = field(default_factory=list)
    partial: list[Object] = field(default_factory=list)
    nothing: list[Nothing] = field(default_factory=list)
    unknown: str = ""
    rows: int = 0


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
    is_cut = False
    template = at(application_set, "spec", "template")

    for index, generator in enumerate(items(application_set, "spec", "generators")):
        where: Where = ("spec", "generators", index)
        left = _MAX_APPLICATIONS - len(expansion.applications) - len(expansion.partial)
        try:
            rows = list(islice(_rows(generator, where, {}, world, expansion, is_go=is_go), left + 1))
        except UnknownError as unknown:
            rows = [{_OPEN: str(unknown)}]

        for row in rows[:left]:
            _make(application_set, template, row, expansion, is_go=is_go)
        is_cut = is_cut or len(rows) > left

    if is_cut:
        expansion.unknown = (
            f"it makes more than {_MAX_APPLICATIONS:,} Applications, of which these are judged"
        )
    if at(application_set, "spec", "templatePatch"):
        expansion.unknown = "its templatePatch is not rendered"
    return expansion


def _make(
    application_set: Object, template: object, row: Parameters, expansion: Expansion, *, is_go: bool
) -> None:
    """Add what a row makes of a template."""
    reason = str(row.get(_OPEN, ""))
    if not reason:
        try:
            _add(expansion.applications, application_set, filled(template, row, is_go=is_go))
            return
        except UnknownError as unknown:
            reason = str(unknown)

    expansion.unknown = reason
    _add(expansion.partial, application_set, partly_filled(template, row, is_go=is_go))


def _add(applications: list[Object], application_set: Object, made: Any) -> None:
    metadata = at(made, "metadata")
    if isinstance(made, dict) and isinstance(metadata, dict) and isinstance(made.get("spec"), dict):
        namespace = at(application_set, "metadata", "namespace")
        place = {"namespace": namespace} if namespace else {}
        applications.append(
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
    """Yield the parameters that a generator gives and its selector leaves; `given` are those of the one
    before it in a matrix.
    """
    selector = at(generator, "selector")
    for row in _all_rows(generator, where, given, world, expansion, is_go=is_go):
        expansion.rows += 1
        if expansion.rows > _MAX_ROWS:
            raise UnknownError(f"its generators make more than {_MAX_ROWS:,} rows")
        if not selector or _OPEN in row or _is_selected(_flat(row), selector):
            yield row


def _all_rows(
    generator: object, where: Where, given: Parameters, world: World, expansion: Expansion, *, is_go: bool
) -> Iterator[Parameters]:
    if at(generator, "list") is not None:
        elements = at(generator, "list", "elements")
        if not isinstance(elements, list):
            raise UnknownError("its list is a template")
        yield from (dict(filled(each, given, is_go=is_go)) for each in elements if isinstance(each, dict))
    elif at(generator, "git") is not None:
        yield from _git_rows(generator, where, given, world, expansion, is_go=is_go)
    elif isinstance(generator, dict) and "clusters" in generator:
        yield from _cluster_rows(at(generator, "clusters"), given, world, is_go=is_go)
    elif at(generator, "matrix") is not None:
        yield from _matrix_rows(generator, where, given, world, expansion, is_go=is_go)
    elif at(generator, "merge") is not None:
        yield from _merged_rows(generator, where, given, world, expansion, is_go=is_go)
    else:
        kinds = [key for key in generator if key != "selector"] if isinstance(generator, dict) else []
        yield {**given, _OPEN: f"what its generator {next(iter(kinds), 'none')} finds is not in files"}


def _is_selected(labels: Mapping[str, Any], selector: object) -> bool:
    """Whether labels fit a selector of Kubernetes."""
    wanted = at(selector, "matchLabels") or {}
    if isinstance(wanted, dict) and any(str(labels.get(key)) != str(value) for key, value in wanted.items()):
        return False

    return all(_fits(labels, each) for each in items(selector, "matchExpressions"))


def _fits(labels: Mapping[str, Any], expression: object) -> bool:
    key, values = str(at(expression, "key")), [str(value) for value in items(expression, "values")]
    match at(expression, "operator"):
        case "In":
            return key in labels and str(labels[key]) in values
        case "NotIn":
            return key not in labels or str(labels[key]) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
    raise UnknownError("its selector has an operator that is not known")


def _flat(row: Parameters, head: str = "") -> Parameters:
    """Return parameters by their dotted paths."""
    flat: Parameters = {}
    for key, value in row.items():
        flat |= _flat(value, f"{head}{key}.") if isinstance(value, dict) else {f"{head}{key}": value}
    return flat


def _git_rows(
    generator: object, where: Where, given: Parameters, world: World, expansion: Expansion, *, is_go: bool
) -> Iterator[Parameters]:
    is_open = _OPEN in given
    fill = partly_filled if is_open else filled
    git = fill(at(generator, "git"), given, is_go=is_go)
    if not world.is_own(at(git, "repoURL")):
        raise UnknownError(f"{at(git, 'repoURL')} is another repository")

    values = at(git, "values")
    prefix = str(at(git, "pathParamPrefix") or "")
    for key in ("directories", "files"):
        entries = items(git, key)
        excluded = [as_pattern(str(at(entry, "path"))) for entry in entries if at(entry, "exclude") is True]

        for index, entry in enumerate(entries):
            pattern = as_pattern(str(at(entry, "path") or ""))
            if at(entry, "exclude") is True:
                continue

            found = (
                matching_folders(pattern, world.files)
                if key == "directories"
                else matching_files(pattern, world.files)
            )
            paths = [path for path in found if not any(matches(path, other) for other in excluded)]
            if not paths and not is_open:
                expansion.nothing.append(Nothing((*where, "git", key, index, "path"), pattern))

            for path in paths:
                for row in [{}] if key == "directories" else file_rows(path, world.files):
                    place = path if key == "directories" else posixpath.dirname(path)
                    named = path_parameters(place, path, prefix, is_go=is_go)
                    row = {**given, **row, **named}
                    yield {**row, **_values(values, row, is_go=is_go)}


def _cluster_rows(clusters: object, given: Parameters, world: World, *, is_go: bool) -> Iterator[Parameters]:
    selector = at(clusters, "selector")
    if not world.clusters:
        yield {**given, _OPEN: "no file registers a cluster"}
        return

    for secret in world.clusters:
        labels = at(secret, "metadata", "labels") or {}
        if not _is_selected(labels, selector):
            continue

        name = str(at(secret, "stringData", "name") or at(secret, "metadata", "name") or "")
        server = str(at(secret, "stringData", "server") or "")
        annotations = at(secret, "metadata", "annotations") or {}
        row: Parameters = {**given, "name": name, "nameNormalized": name.lower(), "server": server}
        row["metadata"] = {"labels": labels, "annotations": annotations}
        row |= {f"metadata.labels.{key}": value for key, value in labels.items()}
        row |= {f"metadata.annotations.{key}": value for key, value in annotations.items()}
        yield {**row, **_values(at(clusters, "values"), row, is_go=is_go)}

    if not selector:
        yield {**given, "name": IN_CLUSTER, "nameNormalized": IN_CLUSTER, "server": _HERE}


def _values(values: object, row: Parameters, *, is_go: bool) -> Parameters:
    if not isinstance(values, dict):
        return {}

    given = filled(values, row, is_go=is_go)
    return {"values": given} if is_go else {f"values.{key}": value for key, value in given.items()}


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
    found = [
        list(_rows(inner, (*where, "merge", "generators", index), given, world, expansion, is_go=is_go))
        for index, inner in enumerate(items(generator, "merge", "generators"))
    ]
    base, others = (found[0], found[1:]) if found else ([], [])
    for row in base:
        for override in (each for other in others for each in other):
            if all(override.get(key) == row.get(key) for key in keys):
                row = {**row, **override}
            elif _OPEN in override:
                row = {**row, _OPEN: override[_OPEN]}
        yield row
