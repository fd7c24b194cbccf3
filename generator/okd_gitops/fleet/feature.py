"""Features: folders of complete YAML that a cluster file switches on, as `docs/catalog.md` describes them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import Annotated

from pydantic import Field, model_validator

from okd_gitops.finding import nearest
from okd_gitops.fleet.cluster import Environment
from okd_gitops.fleet.fields import Minor
from okd_gitops.fleet.parameter import Each, Parameter
from okd_gitops.fleet.purpose import PurposeSpec
from okd_gitops.manifests.model import FileModel, Name, parse
from okd_gitops.manifests.objects import Object
from okd_gitops.manifests.plain import plain_value
from okd_gitops.manifests.read import Document, read
from okd_gitops.releases.fields import fault
from okd_gitops.tree import Tree

_FILE = "feature.yaml"


class NamespaceSpec(FileModel):
    """Labels and annotations of a Namespace that a feature needs."""

    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class Origin(StrEnum):
    """Where a person who makes a Secret gets its values from."""

    FILE = "file"
    TYPED = "typed"
    # Any long text: nobody outside of the cluster has to know it.
    RANDOM = "random"


class SecretNeed(FileModel):
    """A Secret that must exist on the cluster, and must never be in git."""

    namespace: Name
    type: str = "Opaque"
    # Empty: their names follow from the fleet, such as one for each cluster.
    keys: tuple[str, ...] = Field(strict=False)
    used: str
    # The parameter, the list or the field of its entries that needs it; without one it is always needed.
    when: Name | None = None
    # Where it is needed; empty: in every environment of the feature.
    environments: tuple[Annotated[Environment, Field(strict=False)], ...] = Field((), strict=False)
    origin: Origin = Field(Origin.FILE, strict=False)


class ExternalSecrets(FileModel):
    """The parameters with the store from which the Secrets of a cluster's features come."""

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
    # The first Kubernetes that serves the APIs of its objects.
    minimum_kubernetes: Minor = Field("1.0", alias="minimumKubernetes")
    namespaces: dict[Name, NamespaceSpec] = {}
    secrets: dict[str, SecretNeed] = {}
    external_secrets: ExternalSecrets | None = Field(None, alias="externalSecrets")
    external: tuple[str, ...] = Field((), strict=False)
    ignore_differences: tuple[Ignored, ...] = Field((), strict=False, alias="ignoreDifferences")
    parameters: dict[Name, Parameter] = {}
    each: dict[Name, Each] = {}

    @model_validator(mode="after")
    def _names(self) -> "FeatureSpec":
        in_both = sorted(self.parameters.keys() & self.each.keys())
        if in_both:
            raise fault(f"{in_both[0]} is a parameter and a list", "rename one", field="each")

        fields = {field for each in self.each.values() for field in each.fields}
        known = self.parameters.keys() | self.each.keys() | fields
        for name, need in self.secrets.items():
            if need.when and need.when not in known:
                reason = f"{name} depends on {need.when}, which is no parameter"
                raise fault(reason, nearest(need.when, known) or "remove when:", field="secrets")
        return self

    @property
    def copied_parts(self) -> dict[str, str]:
        """The parts that are written once for each entry of a list, or for some, each with its list."""
        return {part: name for name, each in self.each.items() for part in each.parts}

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """What parameters and fields of lists take their values from, if not from what a cluster gives."""
        parameters = [*self.parameters.values()]
        parameters += [field for each in self.each.values() for field in each.fields.values()]
        return tuple(sorted({parameter.source for parameter in parameters if parameter.source}))

    def list_with_namespace(self, name: str) -> str:
        """Return the list whose entries each have a namespace like `name`; empty without one."""
        return next((key for key, each in self.each.items() if each.namespace == name), "")

    def shown_namespace(self, name: str) -> str:
        """Return how a namespace is called where no entry is known, such as `okd-stream-NAME`."""
        list_name = self.list_with_namespace(name)
        return f"{name}-{self.each[list_name].key.upper()}" if list_name else name

    def is_served_by(self, kubernetes: str) -> bool:
        """Whether a minor of Kubernetes, such as `1.30`, serves the APIs of the feature."""
        return _numbers(kubernetes) >= _numbers(self.minimum_kubernetes)


@dataclass(frozen=True, eq=False)
class Feature:
    """A feature of the catalog: its `feature.yaml`, and the files of its parts with the object in each.

    An object is read once, when its part is asked for: reading those of the whole catalog takes longer than
    most commands, which use a few parts or none. `known` are objects that were read before, as those of a
    repository are; the others come with the tool.
    """

    name: str
    spec: FeatureSpec
    files: Tree
    known: Mapping[str, Object] = field(default_factory=dict, repr=False)
    read_object: Callable[[bytes], Object] = field(default=plain_value, repr=False)

    @cached_property
    def objects_by_path(self) -> Mapping[str, Object]:
        """The objects by the paths of their files, PART/KIND-NAME.yaml."""
        return {path: self._object(path) for path in self.files}

    def objects(self, part: str) -> tuple[Object, ...]:
        """Return the objects of a part, in the order of its files."""
        if part not in self._parts:
            paths = [path for path in self.files if path.startswith(f"{part}/")]
            self._parts[part] = tuple(map(self._object, paths))

        return self._parts[part]

    @cached_property
    def _parts(self) -> dict[str, tuple[Object, ...]]:
        return {}

    @cached_property
    def _read(self) -> dict[str, Object]:
        return dict(self.known)

    def _object(self, path: str) -> Object:
        if path not in self._read:
            self._read[path] = self.read_object(self.files[path])

        return self._read[path]

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


@dataclass(frozen=True, slots=True)
class Catalog:
    """All features and purposes by name, and the files by which a fleet changes those of the tool."""

    features: Mapping[str, Feature]
    purposes: Mapping[str, PurposeSpec]
    changes: Tree = field(default_factory=Tree, compare=False, repr=False)


def load_catalog(
    tree: Tree,
    read: Callable[[str, bytes], Document] = read,
    read_object: Callable[[bytes], Object] = plain_value,
    *,
    is_sound: bool = False,
) -> Catalog:
    """Read a catalog from its files; raises FindingsError for what is wrong in a feature.yaml or a purpose.

    The features of one that is known to be sound are read when they are asked for.
    """
    parts: dict[str, dict[str, bytes]] = {}
    purposes: dict[str, PurposeSpec] = {}

    for path in tree:
        folder, _, rest = path.partition("/")
        name, _, file = rest.partition("/")

        if folder == "features" and file:
            parts.setdefault(name, {})[file] = tree[path]
        elif folder == "purposes" and not file:
            purpose = parse(PurposeSpec, read(f"catalog/{path}", tree[path]))
            purposes[name.removesuffix(".yaml")] = purpose

    whole = {name: files for name, files in parts.items() if _FILE in files}
    features = _Features(whole, read, read_object)

    return Catalog(features if is_sound else dict(features), purposes)


class _Features(Mapping[str, Feature]):
    """Features by name, each read when it is asked for first; `files` are those of each feature."""

    def __init__(
        self,
        files: Mapping[str, Mapping[str, bytes]],
        read: Callable[[str, bytes], Document],
        read_object: Callable[[bytes], Object],
    ) -> None:
        self._files, self._read, self._read_object = files, read, read_object
        self._known: dict[str, Feature] = {}

    def __getitem__(self, name: str) -> Feature:
        if name not in self._known:
            files = dict(self._files[name])
            spec = parse(FeatureSpec, self._read(f"catalog/features/{name}/{_FILE}", files.pop(_FILE)))
            self._known[name] = Feature(name, spec, Tree(files), read_object=self._read_object)

        return self._known[name]

    def __contains__(self, name: object) -> bool:
        return name in self._files

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


def _numbers(minor: str) -> tuple[int, ...]:
    return tuple(int(number) for number in minor.split("."))
