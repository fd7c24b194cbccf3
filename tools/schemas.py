"""Build the schema bundle: one strict JSON Schema for each kind, offline, with an index of its sources."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from importlib.metadata import version as package_version
from importlib.resources import files
from pathlib import Path
from typing import Any

from aside import aside
from crd import Schema, crd_schemas
from golang import HERE, find_go
from modules import OPENSHIFT, WRITTEN, crds, download, required, typed_crds, written_crds
from openapi import is_object, openshift_schemas, self_contained
from progress import progress
from scopes import scopes

# Kubernetes minors of the OKD releases that are alive, and what kind offers.
MINORS = ("1.29", "1.30", "1.31", "1.32", "1.33", "1.34", "1.35", "1.36", "1.37")
_PINS = ("go.mod", "go.sum", "crds/go.mod", "crds/go.sum", "types/go.mod", "types/go.sum")
# What decides how a schema comes out; the other modules only fetch and place.
_CONVERTERS = ("crd.py", "modules.py", "openapi.py", "schemas.py", "scopes.py")
Kind = tuple[str, str, str]


def inputs_digest() -> str:
    """Return a digest of all that the bundle depends on: pins, converters, and the core schemas' package."""
    inputs = [path.read_bytes() for path in (*(HERE / name for name in (*_PINS, *_CONVERTERS)), *WRITTEN)]
    core_schemas = package_version("kubernetes-validate").encode()

    return hashlib.sha256(b"\0".join([*inputs, core_schemas])).hexdigest()


def verified(folder: Path) -> bool:
    """Whether the bundle is complete, unchanged, and built from today's inputs."""
    try:
        index = json.loads((folder / "index.json").read_text("utf-8"))
        return bool(index["inputs"] == inputs_digest() and index["files"] == _hashes(folder))
    except (OSError, ValueError, KeyError):
        return False


def build(cache: Path) -> None:
    """Build the bundle and put it in place whole; raises SetupError."""
    go = find_go(cache)
    with progress("downloading the modules with CRDs"):
        folders = download(go)

    with (
        progress("building the schemas of core Kubernetes, OpenShift, Tekton, Argo CD, Hive and HyperShift"),
        aside(cache, "schemas") as target,
    ):
        typed = typed_crds(go, cache, cache / "go" / "types")
        definitions = [crd for _, crd in (*crds(folders), *typed, *written_crds())]
        kinds = {_write_crd(target, kind, schema) for kind, schema in _served_kinds(definitions, folders)}
        core_kinds = {minor: sorted(_core(target, minor)) for minor in MINORS}
        sources = {
            **required("crds"),
            **required("types"),
            "kubernetes-validate": package_version("kubernetes-validate"),
        }

        index = {
            "inputs": inputs_digest(),
            "files": _hashes(target),
            "sources": sources,
            "kubernetes": core_kinds,
            "crds": sorted(kinds),
            "scopes": scopes(definitions, folders),
        }
        (target / "index.json").write_text(json.dumps(index, indent=1, sort_keys=True) + "\n", "utf-8")


def _served_kinds(definitions: Iterable[Any], folders: dict[str, Path]) -> Iterator[tuple[Kind, Schema]]:
    """Yield each kind beside core Kubernetes, with its schema; of two for one kind, the last counts."""
    openapi = json.loads((folders[OPENSHIFT] / "openapi" / "openapi.json").read_text("utf-8"))
    yield from openshift_schemas(openapi["definitions"])

    for crd in definitions:
        yield from crd_schemas(crd)


def _write_crd(target: Path, kind: Kind, schema: Schema) -> Kind:
    group, version, name = kind
    _write(target / "crds" / group / f"{name.lower()}_{version}.json", schema)
    return kind


def _core(target: Path, minor: str) -> list[Kind]:
    """Write the schemas of a Kubernetes minor, and return its kinds."""
    source = Path(str(files("kubernetes_validate") / "kubernetes-json-schema" / f"v{minor}.0-local-strict"))
    definitions: dict[str, Any] = json.loads((source / "_definitions.json").read_text("utf-8"))["$defs"]
    kinds = []

    for name, definition in definitions.items():
        for served in definition.get("x-kubernetes-group-version-kind", []):
            if is_object(served["kind"], definition) and served["kind"] != "DeleteOptions":
                kinds.append(_write_core(target / f"kubernetes-{minor}", name, definitions, served))

    return kinds


def _write_core(folder: Path, name: str, definitions: dict[str, Any], served: dict[str, str]) -> Kind:
    group, version, kind = served["group"], served["version"], served["kind"]
    api_version = f"{group}/{version}" if group else version
    identity = {"apiVersion": {"enum": [api_version]}, "kind": {"enum": [kind]}}

    definition = definitions[name]
    # A kind that refers to itself keeps its own definition among the shared ones.
    schema = {
        **definition,
        "properties": {**definition["properties"], **identity},
        "required": sorted({*definition.get("required", []), *identity}),
    }

    # kubeconform's KindSuffix: the first label of the group, then the version.
    suffix = f"-{group.partition('.')[0]}-{version}" if group else f"-{version}"
    _write(folder / f"{kind.lower()}{suffix}.json", self_contained(schema, definitions))
    return group, version, kind


def _write(path: Path, schema: Schema) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(schema, separators=(",", ":"), sort_keys=True), "utf-8")


def _hashes(folder: Path) -> dict[str, str]:
    paths = sorted(path for path in folder.rglob("*.json") if path.name != "index.json")
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths
    }
