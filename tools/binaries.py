"""Build the pinned Go tools into the cache, with a record of their hashes."""

import hashlib
from pathlib import Path

from aside import aside
from golang import HERE, find_go
from progress import progress

TOOLS = {
    "kustomize": "sigs.k8s.io/kustomize/kustomize/v5",
    "kubeconform": "github.com/yannh/kubeconform/cmd/kubeconform",
    "controller-gen": "sigs.k8s.io/controller-tools/cmd/controller-gen",
}
SUMS = "sha256sums"


def verified(folder: Path) -> bool:
    """Whether every tool is there and is the binary that was recorded, built from today's go.sum."""
    try:
        lines = (folder / SUMS).read_text("utf-8").splitlines()
        recorded = {name: value for value, _, name in (line.partition("  ") for line in lines)}
        actual = {name: _hash(folder / name) for name in TOOLS}
        return recorded == {**actual, "go.sum": _hash(HERE / "go.sum"), "go.mod": _hash(HERE / "go.mod")}
    except OSError:
        return False


def build(cache: Path) -> None:
    """Build all tools, and put them in place together; raises SetupError."""
    go = find_go(cache)
    with aside(cache, "bin") as folder:
        for name, package in TOOLS.items():
            with progress(f"building {name}"):
                go.run("build", "-trimpath", "-ldflags=-s -w", "-o", str(folder / name), package, cwd=HERE)
        sums = {name: _hash(folder / name) for name in TOOLS} | {
            name: _hash(HERE / name) for name in ("go.mod", "go.sum")
        }
        (folder / SUMS).write_text("".join(f"{value}  {name}\n" for name, value in sums.items()), "utf-8")


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
