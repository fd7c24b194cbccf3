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
        return (folder / SUMS).read_text("utf-8") == _sums(folder)
    except (OSError, UnicodeDecodeError):
        return False


def build(cache: Path) -> None:
    """Build all tools, and put them in place together; raises SetupError."""
    go = find_go(cache)
    with aside(cache, "bin") as folder:
        for name, package in TOOLS.items():
            with progress(f"building {name}"):
                go.run("build", "-trimpath", "-ldflags=-s -w", "-o", str(folder / name), package, cwd=HERE)
        (folder / SUMS).write_text(_sums(folder), "utf-8")


def _sums(folder: Path) -> str:
    """Return the record of the tools in a folder and of what they are built from, for `sha256sum -c`."""
    files = {name: folder / name for name in TOOLS} | {name: HERE / name for name in ("go.mod", "go.sum")}
    return "".join(f"{_hash(path)}  {name}\n" for name, path in files.items())


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
