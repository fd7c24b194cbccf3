"""What Flux deploys: its Kustomizations, the repositories that they read, and the variables that they fill.

Fields were read in fluxcd/kustomize-controller v1.6, api/v1/kustomization_types.go, and
fluxcd/source-controller v1.6, api/v1/gitrepository_types.go.
"""

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from okd_gitops.manifests.objects import Object, ObjectId, at, items, strings
from okd_gitops.manifests.plain import plain_value

KUSTOMIZATION = "Kustomization.kustomize.toolkit.fluxcd.io"
_SOURCES = "source.toolkit.fluxcd.io"
# ${name}, ${name:=default}, ${name:-default}; $${name} is left as it is (fluxcd/pkg/envsubst).
_DEFAULT = re.compile(r":?[-=](.*)", re.DOTALL)
VARIABLE = re.compile(r"(?<!\$)\$\{([A-Za-z_][A-Za-z0-9_]*)([^{}]*)\}")
SUBSTITUTE = "kustomize.toolkit.fluxcd.io/substitute"


def kustomizations(objects: Iterable[Object]) -> Iterator[Object]:
    """Yield the Kustomizations of Flux among objects."""
    for value in objects:
        if value.get("kind") == "Kustomization" and ObjectId.of(value).group_kind == KUSTOMIZATION:
            yield value


def folder_of(kustomization: Object) -> str:
    """Return the folder that a Kustomization deploys; `.` is the repository itself."""
    path = at(kustomization, "spec", "path")
    return posixpath.normpath(path.strip("/") or ".") if isinstance(path, str) else "."


def is_remote(kustomization: Object) -> bool:
    """Whether it applies to another cluster than the one that it lies in."""
    return at(kustomization, "spec", "kubeConfig") is not None


def source_of(kustomization: Object) -> tuple[str, str, str]:
    """Return kind, namespace and name of what a Kustomization reads."""
    reference = at(kustomization, "spec", "sourceRef")
    namespace = at(reference, "namespace") or ObjectId.of(kustomization).namespace
    return str(at(reference, "kind") or ""), str(namespace), str(at(reference, "name") or "")


def source_objects(objects: Iterable[Object]) -> dict[tuple[str, str, str], Object]:
    """Return the sources of Flux among objects by kind, namespace and name."""
    found = {}
    for value in objects:
        identity = ObjectId.of(value)
        if identity.group == _SOURCES:
            found[identity.kind, identity.namespace, identity.name] = value
    return found


def filled_variables(kustomization: Object) -> set[str] | None:
    """Return the variables that a Kustomization fills; None when an object of the cluster has some."""
    build = at(kustomization, "spec", "postBuild")
    if items(build, "substituteFrom"):
        return None

    substitute = at(build, "substitute")
    return set(substitute) if isinstance(substitute, dict) else set()


def substitutes(kustomization: Object) -> bool:
    """Whether a Kustomization fills variables at all: without any it leaves ${…} as it is."""
    build = at(kustomization, "spec", "postBuild")
    return bool(at(build, "substitute") or items(build, "substituteFrom"))


@dataclass(frozen=True, slots=True)
class Variables:
    """What fills the variables of a folder; `is_open` where it may have other values than are stated."""

    values: Mapping[str, str] = field(default_factory=dict)
    is_open: bool = True

    @classmethod
    def of(cls, kustomization: Object) -> "Variables":
        """Return those of a Kustomization, as far as it states them itself."""
        stated = at(kustomization, "spec", "postBuild", "substitute")
        known = stated.items() if isinstance(stated, dict) else ()
        values = {str(name): str(value) for name, value in known}
        return cls(values, is_open=bool(items(kustomization, "spec", "postBuild", "substituteFrom")))

    def fill(self, value: Any) -> Any:
        """Return a rendered value with each variable that is known in its place.

        Flux fills the text of what kustomize renders, in which needless quotes are gone: `"${port}"` becomes
        a number, and a text of JSON a list.
        """
        if isinstance(value, dict):
            return {self.fill(key): self.fill(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.fill(inner) for inner in value]
        if not isinstance(value, str) or "${" not in value:
            return value

        text = VARIABLE.sub(self._filled, value)
        return _read(text) if text != value and _read(value) == value else text

    def _filled(self, variable: re.Match[str]) -> str:
        name, rest = variable[1], variable[2]
        default = _DEFAULT.fullmatch(rest)
        if not rest or default:
            known = self.values.get(name, "")
            # A default does not hold where the cluster has a value.
            return known or (default[1] if default and not self.is_open else "") or variable[0]
        return variable[0]


def filled_object(value: Object, variables: Variables | None) -> Object:
    """Return a rendered object with its variables filled; itself where there is none to fill."""
    if variables is None or not has_variable(value) or _is_left_alone(value):
        return value

    filled: Object = variables.fill(value)
    return filled


def _read(text: str) -> object:
    """Return what a YAML reader takes a text for; itself where it is none."""
    try:
        return plain_value(text.encode())
    except (yaml.YAMLError, ValueError, RecursionError):
        return text


def has_variable(value: object) -> bool:
    """Whether a variable is left in a text, or somewhere inside a value."""
    return any(VARIABLE.search(text) for _, text in strings(value))


def _is_left_alone(value: Object) -> bool:
    places = ("annotations", "labels")
    return any(at(value, "metadata", place, SUBSTITUTE) == "disabled" for place in places)
