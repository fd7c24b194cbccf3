"""The Go modules whose CRDs we read: downloaded at the versions of crds/go.mod, compared with crds/go.sum."""

import json
import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from failure import SetupError
from golang import HERE, Go
from scopes import CLUSTER, marked_scopes

# Where each module that has CRDs keeps them.
FOLDERS = {
    "github.com/argoproj-labs/argocd-operator": "config/crd/bases/argoproj.io_argocds.yaml",
    "github.com/argoproj/argo-cd/v3": "manifests/crds/*.yaml",
    "github.com/external-secrets/external-secrets": "config/crds/bases/*.yaml",
    "github.com/openshift/api": "*/*/zz_generated.crd-manifests/*.yaml",
    # What its operator installs; the sets of previews are in files of their own.
    "github.com/openshift/hypershift": (
        "cmd/install/assets/crds/hypershift-operator/zz_generated.crd-manifests/*-Default.crd.yaml"
    ),
    "github.com/operator-framework/api": "crds/*.yaml",
    "github.com/tektoncd/operator": "config/base/300-*.yaml",
    "github.com/tektoncd/pipeline": "config/300-crds/*.yaml",
}
OPENSHIFT = "github.com/openshift/api"
# CRDs that are written here, because no proxy serves the modules that have them.
WRITTEN = tuple(sorted((HERE / "written").glob("*.yaml")))
# openshift/api has a file for each feature set. OKD's set has what Default has (config/v1/types_feature.go);
# what exists in a preview only is better known than unknown. HyperShift's variants are for hosted control
# planes.
_FEATURE_SETS = (
    "OKD",
    "SelfManagedHA-Default",
    "SelfManagedHA-OKD",
    "Default",
    "",
    "TechPreviewNoUpgrade",
    "CustomNoUpgrade",
    "DevPreviewNoUpgrade",
)


def required(folder: str) -> dict[str, str]:
    """Return module to version as a go.mod below tools/ requires them."""
    text = (HERE / folder / "go.mod").read_text("utf-8")
    versions: dict[str, str] = dict(re.findall(r"^\t(\S+) (v\S+)(?: // indirect)?$", text, re.MULTILINE))

    # Where packages are named, their modules are the sources; the others are what those import.
    packages = _packages(text)
    if not packages:
        return versions

    return {module: version for module, version in versions.items() if _has_one_of(module, packages)}


def _packages(text: str) -> list[str]:
    """Return the packages that a go.mod names as tools."""
    return re.findall(r"^\t(\S+)$", text, re.MULTILINE)


def _has_one_of(module: str, packages: Iterable[str]) -> bool:
    return any(package.startswith(f"{module}/") for package in packages)


def download(go: Go) -> dict[str, Path]:
    """Return module to folder of its files; raises SetupError when a download is not what go.sum says."""
    sums = set((HERE / "crds" / "go.sum").read_text("utf-8").splitlines())
    folders = {}

    for module, version in required("crds").items():
        answer = go.run("mod", "download", "-json", f"{module}@{version}", cwd=HERE / "crds")
        downloaded: dict[str, str] = json.loads(answer)
        if f"{module} {version} {downloaded['Sum']}" not in sums:
            raise SetupError(
                f"{module} {version} is not what tools/crds/go.sum says: "
                "it was replaced, or the download is broken"
            )
        folders[module] = Path(downloaded["Dir"])

    return folders


def crds(folders: dict[str, Path]) -> Iterator[tuple[str, Any]]:
    """Yield (module, CRD) for each kind of the modules, in order."""
    for module in sorted(FOLDERS):
        for _, crd in sorted(_crds_by_kind(module, folders[module]).items()):
            yield module, crd


def _crds_by_kind(module: str, folder: Path) -> dict[tuple[str, str], Any]:
    """Return the CRD of each kind; where openshift/api has variants, the one that an OKD cluster serves."""
    ranks: dict[tuple[str, str], int] = {}
    chosen: dict[tuple[str, str], Any] = {}

    for path in sorted(folder.glob(FOLDERS[module])):
        if module == OPENSHIFT and "Hypershift" in path.name:
            continue
        rank = _rank(path.name) if module == OPENSHIFT else 0
        for crd in _crds_in(path):
            kind = (crd["spec"]["group"], crd["spec"]["names"]["kind"])
            if kind not in ranks or rank < ranks[kind]:
                ranks[kind], chosen[kind] = rank, crd

    return chosen


def _crds_in(path: Path) -> Iterator[Any]:
    for document in yaml.load_all(path.read_bytes(), yaml.CSafeLoader):
        if isinstance(document, dict) and document.get("kind") == "CustomResourceDefinition":
            yield document


def written_crds() -> Iterator[tuple[str, Any]]:
    """Yield (file, CRD) for each kind whose module no proxy serves: its CRD is written in this repository."""
    for path in WRITTEN:
        for crd in _crds_in(path):
            yield path.name, crd


def typed_crds(go: Go, cache: Path, target: Path) -> Iterator[tuple[str, Any]]:
    """Yield (package, CRD) for what controller-gen makes of Go types.

    The module of Hive has no CRDs, and those of Triggers leave every field open.
    """
    go.run("mod", "download", cwd=HERE / "types")

    for package in _packages((HERE / "types" / "go.mod").read_text("utf-8")):
        folder = target / package.replace("/", "_")
        _generate(package, go, cache / "bin" / "controller-gen", folder)
        types = Path(go.run("list", "-f", "{{.Dir}}", package, cwd=HERE / "types").strip())
        scope_of = marked_scopes(types)

        for path in sorted(folder.glob("*.yaml")):
            crd = yaml.load(path.read_bytes(), yaml.CSafeLoader)
            # controller-gen reads markers of its own; Triggers has client-gen's alone.
            if scope_of.get(crd["spec"]["names"]["kind"]) == CLUSTER:
                crd["spec"]["scope"] = CLUSTER
            yield package, crd


def _generate(package: str, go: Go, controller_gen: Path, folder: Path) -> None:
    """Write the CRDs of a package of Go types to a folder; raises SetupError."""
    completed = subprocess.run(
        [
            str(controller_gen),
            "crd:maxDescLen=0,allowDangerousTypes=true",
            f"paths={package}",
            f"output:crd:dir={folder}",
        ],
        cwd=HERE / "types",
        env={**go.environment, "PATH": f"{Path(go.command).parent}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    if completed.returncode == 0:
        return

    # Triggers' types do not mark which version is stored; that is no matter for a schema.
    faults = [line for line in completed.stderr.splitlines() if line.startswith(package)]
    if not faults or not all("has no storage version" in fault for fault in faults):
        raise SetupError(f"controller-gen failed on {package}: {completed.stderr.strip()[-600:]}")


def _rank(name: str) -> int:
    match = re.search(r"_[a-z]+-([A-Za-z-]+)\.crd\.yaml$", name)
    variant = match[1] if match else ""
    return _FEATURE_SETS.index(variant) if variant in _FEATURE_SETS else len(_FEATURE_SETS)
