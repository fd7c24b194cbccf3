"""The Go modules whose CRDs we read: downloaded at the versions of crds/go.mod, compared with crds/go.sum."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from failure import SetupError
from golang import HERE, Go

# Where each module keeps its CRDs.
FOLDERS = {
    "github.com/argoproj-labs/argocd-operator": "config/crd/bases/argoproj.io_argocds.yaml",
    "github.com/argoproj/argo-cd/v3": "manifests/crds/*.yaml",
    "github.com/external-secrets/external-secrets": "config/crds/bases/*.yaml",
    "github.com/openshift/api": "*/*/zz_generated.crd-manifests/*.yaml",
    "github.com/operator-framework/api": "crds/*.yaml",
    "github.com/tektoncd/operator": "config/base/300-*.yaml",
    "github.com/tektoncd/pipeline": "config/300-crds/*.yaml",
}
OPENSHIFT = "github.com/openshift/api"
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
    found: dict[str, str] = dict(re.findall(r"^\t(\S+) (v\S+)(?: // indirect)?$", text, re.MULTILINE))
    named = re.findall(r"^\t(\S+)$", text, re.MULTILINE)
    # Where packages are named, their modules are the sources; the others are what those import.
    return {
        module: found[module]
        for module in found
        if not named or any(package.startswith(f"{module}/") for package in named)
    }


def download(go: Go) -> dict[str, Path]:
    """Return module to folder of its files; raises SetupError when a download is not what go.sum says."""
    sums = set((HERE / "crds" / "go.sum").read_text("utf-8").splitlines())
    folders = {}
    for module, version in required("crds").items():
        found: dict[str, str] = json.loads(
            go.run("mod", "download", "-json", f"{module}@{version}", cwd=HERE / "crds")
        )
        if f"{module} {version} {found['Sum']}" not in sums:
            raise SetupError(
                f"{module} {version} is not what tools/crds/go.sum says: "
                "it was replaced, or the download is broken"
            )
        folders[module] = Path(found["Dir"])
    return folders


def crds(folders: dict[str, Path]) -> Iterator[tuple[str, Any]]:
    """Yield (module, CRD) for each kind; where openshift/api has variants, the one that an OKD cluster
    serves.
    """
    for module, folder in sorted(folders.items()):
        chosen: dict[tuple[str, str], tuple[int, Any]] = {}
        files = [path for path in sorted(folder.glob(FOLDERS[module])) if "Hypershift" not in path.name]
        for path in files:
            for value in yaml.load_all(path.read_bytes(), yaml.CSafeLoader):
                if isinstance(value, dict) and value.get("kind") == "CustomResourceDefinition":
                    key = (value["spec"]["group"], value["spec"]["names"]["kind"])
                    rank = _rank(path.name) if module == OPENSHIFT else 0
                    if key not in chosen or rank < chosen[key][0]:
                        chosen[key] = rank, value
        yield from ((module, value) for _, (_, value) in sorted(chosen.items()))


def typed_crds(go: Go, cache: Path, target: Path) -> Iterator[tuple[str, Any]]:
    """Yield (package, CRD) for what controller-gen makes of Go types: Hive has no CRDs in its module,
    those of Triggers leave every field open.
    """
    go.run("mod", "download", cwd=HERE / "types")
    environment = {**go.environment, "PATH": f"{Path(go.command).parent}:/usr/bin:/bin"}
    for package in re.findall(r"^\t(\S+)$", (HERE / "types" / "go.mod").read_text("utf-8"), re.MULTILINE):
        folder = target / package.replace("/", "_")
        options = [
            "crd:maxDescLen=0,allowDangerousTypes=true",
            f"paths={package}",
            f"output:crd:dir={folder}",
        ]
        command = [str(cache / "bin" / "controller-gen"), *options]
        done = subprocess.run(
            command,
            cwd=HERE / "types",
            env=environment,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        told = [line for line in done.stderr.splitlines() if line.startswith(package)]
        # Triggers' types do not mark which version is stored; that is no matter for a schema.
        if done.returncode and (not told or not all("has no storage version" in line for line in told)):
            raise SetupError(f"controller-gen failed on {package}: {done.stderr.strip()[-600:]}")
        for path in sorted(folder.glob("*.yaml")):
            yield package, yaml.load(path.read_bytes(), yaml.CSafeLoader)


def _rank(name: str) -> int:
    match = re.search(r"_[a-z]+-([A-Za-z-]+)\.crd\.yaml$", name)
    variant = match[1] if match else ""
    return _FEATURE_SETS.index(variant) if variant in _FEATURE_SETS else len(_FEATURE_SETS)
