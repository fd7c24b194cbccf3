"""Build the schema bundle: one strict JSON Schema for each kind, offline, with an index of what is there
and where it came from.
"""

import hashlib
import json
from importlib.metadata import version as package_version
from importlib.resources import files
from pathlib import Path
from typing import Any

from aside import aside
from crd import Schema, crd_schemas
from golang import HERE, find_go
from modules import OPENSHIFT, crds, download, required, typed_crds
from openapi import openshift_schemas, self_contained
from progress import progress

# Kubernetes minors of the OKD releases that are alive, and what kind offers.
MINORS = ("1.29", "1.30", "1.31", "1.32", "1.33", "1.34", "1.35", "1.36", "1.37")
# What decides how a schema comes out; the other modules only fetch and place.
_CONVERTERS = ("crd.py", "modules.py", "openapi.py", "schemas.py")
Kind = tuple[str, str, str]


def inputs_digest() -> str:
    """Return a digest of all that the bundle depends on: pins, converter, and the package with the core
    schemas.
    """
    pinned = [
        HERE / name
        for name in (
            "go.mod",
            "go.sum",
            *(f"{folder}/{name}" for folder in ("crds", "types") for name in ("go.mod", "go.sum")),
        )
    ]
    parts = [path.read_bytes() for path in (*pinned, *(HERE / name for name in _CONVERTERS))]
    return hashlib.sha256(b"\0".join([*parts, package_version("kubernetes-validate").encode()])).hexdigest()


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
        progress("building the schemas of core Kubernetes, OpenShift, Tekton, Argo CD and Hive"),
        aside(cache, "schemas") as target,
    ):
        kinds: set[Kind] = set()
        openapi = json.loads((folders[OPENSHIFT] / "openapi" / "openapi.json").read_text("utf-8"))
        for kind, schema in openshift_schemas(openapi["definitions"]):
            kinds.add(_write_crd(target, kind, schema))
        for _, value in (*crds(folders), *typed_crds(go, cache, cache / "go" / "types")):
            for kind, schema in crd_schemas(value):
                kinds.add(_write_crd(target, kind, schema))
        core = {minor: sorted(_core(target, minor)) for minor in MINORS}
        sources = {
            **required("crds"),
            **required("types"),
            "kubernetes-validate": package_version("kubernetes-validate"),
        }
        index = {
            "inputs": inputs_digest(),
            "files": _hashes(target),
            "sources": sources,
            "kubernetes": core,
            "crds": sorted(kinds),
        }
        (target / "index.json").write_text(json.dumps(index, indent=1, sort_keys=True) + "\n", "utf-8")


def _write_crd(target: Path, kind: Kind, schema: Schema) -> Kind:
    group, version, name = kind
    _write(target / "crds" / group / f"{name.lower()}_{version}.json", schema)
    return kind


def _core(target: Path, minor: str) -> list[Kind]:
    source = Path(str(files("kubernetes_validate") / "kubernetes-json-schema" / f"v{minor}.0-local-strict"))
    definitions: dict[str, Any] = json.loads((source / "_definitions.json").read_text("utf-8"))["$defs"]
    kinds = []
    for name, definition in definitions.items():
        for served in definition.get("x-kubernetes-group-version-kind", []):
            fields = definition.get("properties", {})
            if (
                {"apiVersion", "kind", "metadata"} <= fields.keys()
                and not served["kind"].endswith("List")
                and served["kind"] != "DeleteOptions"
            ):
                kinds.append(_write_core(target / f"kubernetes-{minor}", name, definitions, served))
    return kinds


def _write_core(folder: Path, name: str, definitions: dict[str, Any], served: dict[str, str]) -> Kind:
    group, version, kind = served["group"], served["version"], served["kind"]
    named = {"apiVersion": {"enum": [f"{group}/{version}" if group else version]}, "kind": {"enum": [kind]}}
    definition = definitions[name]
    # A kind that refers to itself keeps its own definition among the shared ones.
    schema = {
        **definition,
        "properties": {**definition["properties"], **named},
        "required": sorted({*definition.get("required", []), *named}),
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
