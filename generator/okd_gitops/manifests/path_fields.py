"""Every field in which a kustomization, or the configuration of a built-in plug-in, names files.

The tables follow api/types/kustomization.go and api/internal/builtins of kustomize v5. Go's JSON decoder
takes keys without regard to case, so they are compared folded; a character that only Unicode folds ("ſ" for
"s") is folded as well.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from okd_gitops.manifests.objects import Object, per_object

Where = tuple[str | int, ...]


class Use(Enum):
    """What kustomize does with what stands at a field."""

    BASE = "resources: a file of objects, or a folder"
    PART = "a folder with a kustomization"
    PLUGIN = "the configuration of plug-ins: a file, or the text itself"
    PATCH = "a patch: a file, or the text itself"
    TEXT = "YAML as text"
    YAML = "a file that is read as YAML"
    DATA = "a file that is taken as it is"
    KEYED = "a file that is taken as it is, maybe with a key before it: key=file"


_PATCH = {"path": Use.YAML, "patch": Use.TEXT}
_GENERATOR = {"files[]": Use.KEYED, "envs[]": Use.DATA, "env": Use.DATA}


def _in_each(field: str, fields: Mapping[str, Use]) -> dict[str, Use]:
    """Return the fields of the items of a list."""
    return {f"{field}[].{key}": use for key, use in fields.items()}


KUSTOMIZATION: Mapping[str, Use] = {
    "resources[]": Use.BASE,
    "bases[]": Use.BASE,
    "components[]": Use.PART,
    "generators[]": Use.PLUGIN,
    "transformers[]": Use.PLUGIN,
    "validators[]": Use.PLUGIN,
    "crds[]": Use.YAML,
    "configurations[]": Use.YAML,
    "openapi.path": Use.YAML,
    "replacements[].path": Use.YAML,
    "patchesStrategicMerge[]": Use.PATCH,
    **_in_each("patches", _PATCH),
    **_in_each("patchesJson6902", _PATCH),
    **_in_each("configMapGenerator", _GENERATOR),
    **_in_each("secretGenerator", _GENERATOR),
}
# All other fields of a kustomization. One that kustomize does not know makes it fail before it reads anything
# else.
_OTHERS = (
    "apiVersion",
    "kind",
    "metadata",
    "namePrefix",
    "nameSuffix",
    "namespace",
    "commonLabels",
    "labels",
    "commonAnnotations",
    "images",
    "imageTags",
    "replicas",
    "vars",
    "sortOptions",
    "generatorOptions",
    "buildMetadata",
)
# They run programs or fetch charts. (kustomize itself needs flags for some of these; a check refuses all.)
RUNS = ("helmCharts", "helmChartInflationGenerator", "helmGlobals")
_PATHLESS = (
    "AnnotationsTransformer",
    "HashTransformer",
    "IAMPolicyGenerator",
    "ImageTagTransformer",
    "LabelTransformer",
    "NamespaceTransformer",
    "PrefixTransformer",
    "PrefixSuffixTransformer",
    "ReplicaCountTransformer",
    "SuffixTransformer",
)
# The plug-ins that are part of kustomize and run nothing: the fields of each that name files. Any other is a
# program.
PLUGINS: Mapping[str, Mapping[str, Use]] = {
    "ConfigMapGenerator": _GENERATOR,
    "SecretGenerator": _GENERATOR,
    "PatchTransformer": {"path": Use.YAML, "patch": Use.TEXT},
    "PatchJson6902Transformer": {"path": Use.YAML, "jsonOp": Use.TEXT},
    "PatchStrategicMergeTransformer": {"paths[]": Use.PATCH, "patches": Use.TEXT},
    "ReplacementTransformer": {"replacements[].path": Use.YAML},
    "ValueAddTransformer": {"targetFilePath": Use.YAML},
    **{name: {} for name in _PATHLESS},
}
_WITH_FILES = tuple(pattern.partition("[")[0].partition(".")[0] for pattern in KUSTOMIZATION)
_NAMES = {name.casefold(): name for name in (*_OTHERS, *RUNS, *_WITH_FILES)}


@dataclass(frozen=True, slots=True)
class Entry:
    """One value at a field that names a file; it may be of any type."""

    where: Where
    use: Use
    value: Any


# Of a map, the places of repeated keys and the entries that name files.
Uses = tuple[tuple[Where, ...], tuple[Entry, ...]]


def canonical(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return a kustomization with its fields spelled as kustomize documents them."""
    return {_NAMES.get(key.casefold(), key): item for key, item in value.items()}


canonical_once = per_object(canonical)


def uses(value: Object, fields: Mapping[str, Use]) -> Uses:
    """Return the places of repeated keys, and the entries that name files; of a kustomization read once."""
    return _uses_of_kustomization(value) if fields is KUSTOMIZATION else _uses_of(value, fields)


@per_object
def _uses_of_kustomization(value: Object) -> Uses:
    return _uses_of(value, KUSTOMIZATION)


def _uses_of(value: Object, fields: Mapping[str, Use]) -> Uses:
    return tuple(repeated(value, fields)), tuple(entries(value, fields))


def entries(value: Mapping[str, Any], fields: Mapping[str, Use]) -> Iterator[Entry]:
    """Yield the value at each of `fields` in a kustomization, or in the configuration of a plug-in."""
    for pattern, use in fields.items():
        steps = pattern.replace("[]", ".[]").split(".")

        for where, item in _values_at(value, steps, ()):
            # In a list, nothing is an entry as well; elsewhere it is as good as no field.
            if item is not None or isinstance(where[-1], int):
                yield Entry(where, use, item)


def repeated(value: Mapping[str, Any], fields: Mapping[str, Use]) -> Iterator[Where]:
    """Yield the places of keys that kustomize takes for an earlier one, which it would drop silently."""
    yield from _repeated_keys(value, ())
    lists = {pattern.partition("[")[0].casefold() for pattern in fields if "[]." in pattern}

    for key, items in value.items():
        if key.casefold() in lists and isinstance(items, list):
            for index, item in enumerate(items):
                yield from _repeated_keys(item, (key, index))


def _repeated_keys(value: Any, where: Where) -> Iterator[Where]:
    seen: set[str] = set()

    for key in value if isinstance(value, dict) else ():
        if key.casefold() in seen:
            yield (*where, key)
        seen.add(key.casefold())


def _values_at(value: Any, steps: list[str], where: Where) -> Iterator[tuple[Where, Any]]:
    if not steps:
        yield where, value
    elif steps[0] == "[]":
        for index, item in enumerate(value if isinstance(value, list) else ()):
            yield from _values_at(item, steps[1:], (*where, index))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if key.casefold() == steps[0].casefold():
                yield from _values_at(item, steps[1:], (*where, key))
