"""Features: folders of complete YAML that a cluster file switches on. `docs/catalog.md` describes the
format.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from okd_gitops.finding import nearest
from okd_gitops.fleet.cluster import Environment, Minor
from okd_gitops.fleet.purpose import PurposeSpec
from okd_gitops.manifests.model import FileModel, Name, parse
from okd_gitops.manifests.objects import Object
from okd_gitops.manifests.pattern import matches
from okd_gitops.manifests.read import FOREIGN, read
from okd_gitops.releases.fields import Pattern, fault
from okd_gitops.releases.version import image_fault
from okd_gitops.tree import Tree

# Part of a name on a cluster; keys of `each` may hold dots (4.20).
_KEY = re.compile(r"[a-z0-9]([a-z0-9.-]{0,38}[a-z0-9])?")
_CRON = re.compile(r"(\S+) (\S+) (\S+) (\S+) (\S+)")
_CRON_FIELD = re.compile(r"(\*|[0-9]+(-[0-9]+)?)(/[0-9]+)?(,(\*|[0-9]+(-[0-9]+)?)(/[0-9]+)?)*")


class Set(FileModel):
    """Where a parameter's value goes: `Kind/name` of an object of the feature, or of one that it requires,
    and a path in it.

    With `text`, only the place of that text in the string there.
    """

    object: str = Field(pattern=r"^[A-Z][A-Za-z]+/[a-z0-9.-]+$")
    path: str = Field(min_length=1)
    text: str = ""


class Parameter(FileModel):
    """One value that may vary."""

    summary: str
    type: Literal[
        "string", "text", "integer", "boolean", "image", "cron", "minor", "list", "set", "entries"
    ] = "string"
    default: Any = None
    optional: bool = False
    pattern: Pattern | None = None
    enum: tuple[str, ...] | None = Field(None, strict=False)
    source: str | None = Field(None, alias="from")
    sets: tuple[Set, ...] = Field((), strict=False)

    def fault(self, value: object) -> str:
        """Return why `value` is not of this parameter's type, or nothing."""
        if self.type in ("list", "set", "entries"):
            if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
                return "a list of strings is expected"
            return next((f'"{item}": {fault}' for item in value if (fault := self._form(item))), "")
        wanted = {"integer": int, "boolean": bool}.get(self.type, str)
        if not isinstance(value, wanted) or isinstance(value, bool) != (wanted is bool):
            quoted = " (write it in quotes)" if wanted is str and isinstance(value, int | float) else ""
            return f"{self.type} is expected, this is {type(value).__name__}{quoted}"
        text = str(value)
        if self.type == "image":
            return image_fault(text)
        if self.type == "minor" and not re.fullmatch(r"[1-9][0-9]*\.(0|[1-9][0-9]*)", text):
            return 'a minor looks like "4.20"'
        if self.type == "cron" and not (
            _CRON.fullmatch(text) and all(_CRON_FIELD.fullmatch(part) for part in text.split(" "))
        ):
            return 'a schedule has five fields, like "30 6 * * *" (UTC)'
        return self._form(text)

    def in_object(self, value: Any) -> Any:
        """Return a value of this parameter's type in the form that an object gets it."""
        if self.type == "entries":
            return " ".join(value)
        if self.type == "text":
            # kustomize trims the text of a patch: at its end a line feed would go, elsewhere it would stay.
            return value.rstrip("\n")
        if self.type == "set":
            return dict.fromkeys(value, "true")
        if self.type == "list":
            return list(value)
        return value

    def _form(self, text: str) -> str:
        if self.enum and text not in self.enum:
            return f"one of {', '.join(self.enum)} is expected"
        if self.pattern and not matches(self.pattern, text):
            return f"it does not match {self.pattern}"
        lines = text.split("\n") if self.type == "text" else [text]
        return "" if all(line.isprintable() for line in lines) else "it holds control characters"


class Derive(FileModel):
    """A row of values that follow from an entry's key: for the keys named, or for the minors from `since`
    on.
    """

    keys: tuple[str, ...] = Field((), strict=False)
    since: Minor | None = None
    values: dict[str, str | int | bool] = Field(alias="set")

    def matches(self, key: str) -> bool:
        """Whether this row is for `key`."""
        return key in self.keys or (self.since is not None and _minor(key) >= _minor(self.since))


class Each(FileModel):
    """A list parameter: its part is written once for each entry, under the entry's key."""

    summary: str
    part: Name
    key: str
    optional: bool = False
    # Whether the key is added to the names of the part's objects, or is their name.
    names: Literal["suffix", "key"] = "suffix"
    fields: dict[str, Parameter]
    derive: tuple[Derive, ...] = Field((), strict=False)

    @model_validator(mode="after")
    def _keyed(self) -> "Each":
        if self.key not in self.fields:
            raise fault(
                f'the key "{self.key}" is none of the fields', nearest(self.key, self.fields), field="key"
            )
        return self

    def entry(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return an entry with the values that follow from its key; its own win."""
        key = str(given.get(self.key, ""))
        row = next((row.values for row in self.derive if row.matches(key)), {})
        derived = {
            name: value.replace("{key}", key) if isinstance(value, str) else value
            for name, value in row.items()
        }
        return {**derived, **given}


class NamespaceSpec(FileModel):
    """Labels and annotations of a Namespace that a feature needs."""

    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class SecretNeed(FileModel):
    """A Secret that must exist on the cluster and never in git."""

    namespace: Name
    type: str = "Opaque"
    keys: tuple[str, ...] = Field(strict=False)
    used: str
    # The parameter or list of the feature that asks for it; without one it is always needed.
    when: Name | None = None


class ExternalSecrets(FileModel):
    """The parameters that say from which store the Secrets of a cluster's features come; `externalsecret`
    makes the objects.
    """

    store: Name
    kind: Name
    prefix: Name


class Ignored(FileModel):
    """Fields that another controller owns, in the form of an Application's `ignoreDifferences`."""

    group: str = ""
    kind: str
    name: str
    namespace: str = ""
    json_pointers: tuple[str, ...] = Field((), strict=False, alias="jsonPointers")
    jq_path_expressions: tuple[str, ...] = Field((), strict=False, alias="jqPathExpressions")


class FeatureSpec(FileModel):
    """`feature.yaml`."""

    summary: str
    requires: tuple[Name, ...] = Field((), strict=False)
    environments: dict[
        Annotated[Environment, Field(strict=False)], Annotated[tuple[Name, ...], Field(strict=False)]
    ]
    namespaces: dict[Name, NamespaceSpec] = {}
    secrets: dict[str, SecretNeed] = {}
    external_secrets: ExternalSecrets | None = Field(None, alias="externalSecrets")
    external: tuple[str, ...] = Field((), strict=False)
    ignore_differences: tuple[Ignored, ...] = Field((), strict=False, alias="ignoreDifferences")
    parameters: dict[Name, Parameter] = {}
    each: dict[Name, Each] = {}

    @model_validator(mode="after")
    def _names(self) -> "FeatureSpec":
        twice = sorted(self.parameters.keys() & self.each.keys())
        if twice:
            raise fault(f"{twice[0]} is a parameter and a list", "rename one", field="each")
        for name, need in self.secrets.items():
            if need.when and need.when not in self.parameters.keys() | self.each.keys():
                raise fault(
                    f"{name} depends on {need.when}, which is no parameter", "mend it", field="secrets"
                )
        return self


@dataclass(frozen=True, eq=False)
class Feature:
    """A feature of the catalog: its `feature.yaml`, and the files of its parts with the object in each.

    The objects are read once, when the first of them is asked for: reading those of the whole catalog takes
    longer than most commands, which use a few features or none. `known` are objects that were read before.
    """

    name: str
    spec: FeatureSpec
    files: Tree
    known: Mapping[str, Object] = field(default_factory=dict, repr=False)

    @cached_property
    def objects_by_path(self) -> Mapping[str, Object]:
        """The objects by the paths of their files, PART/KIND-NAME.yaml."""
        return {path: self.known.get(path) or self._read(path) for path in self.files}

    def objects(self, part: str) -> tuple[Object, ...]:
        """Return the objects of a part, in the order of its files."""
        return tuple(value for path, value in self.objects_by_path.items() if path.startswith(f"{part}/"))

    def part(self, name: str) -> Mapping[str, bytes]:
        """Return the files of a part by name."""
        return self.files.below(name)

    def with_spec(self, spec: FeatureSpec) -> "Feature":
        """Return this feature with another `feature.yaml`."""
        return replace(self, spec=spec, known=self.objects_by_path)

    def with_file(self, path: str, data: bytes, value: Object) -> "Feature":
        """Return this feature with a file more, or another one in its place; `value` is the object in it."""
        files = Tree({**self.files, path: data})
        return replace(self, files=files, known={**self.objects_by_path, path: value})

    def _read(self, path: str) -> Object:
        # A CRD of the upstream controllers is larger than anything that people write.
        value: Object = read(f"catalog/features/{self.name}/{path}", self.files[path], bounds=FOREIGN).value
        return value


@dataclass(frozen=True, slots=True)
class Catalog:
    """All features and purposes by name."""

    features: Mapping[str, Feature]
    purposes: Mapping[str, PurposeSpec]


def load_catalog(tree: Tree) -> Catalog:
    """Read a catalog from its files; raises FindingsError for what is wrong in a feature.yaml or a
    purpose.
    """
    features, purposes = {}, {}
    for path in tree:
        parts = path.split("/")
        if parts[0] == "features" and parts[2:] == ["feature.yaml"]:
            spec = parse(FeatureSpec, read(f"catalog/{path}", tree[path]))
            folder = tree.below(f"features/{parts[1]}")
            features[parts[1]] = Feature(
                parts[1], spec, Tree({name: folder[name] for name in folder if name != "feature.yaml"})
            )
        elif parts[0] == "purposes" and len(parts) == 2:
            purposes[parts[1].removesuffix(".yaml")] = parse(PurposeSpec, read(f"catalog/{path}", tree[path]))
    return Catalog(features, purposes)


def valid_key(key: str) -> bool:
    """Whether an entry's key may become part of an object's name and of a folder's."""
    return bool(_KEY.fullmatch(key))


def _minor(text: str) -> tuple[int, ...]:
    return (
        tuple(int(part) for part in text.split("."))
        if re.fullmatch(r"[0-9]{1,4}\.[0-9]{1,4}", text)
        else (0, 0)
    )
