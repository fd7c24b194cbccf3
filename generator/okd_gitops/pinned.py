"""The pinned tools: binaries built from tools/go.sum, verified by hash before each run."""

import hashlib
from functools import cache
from pathlib import Path

from okd_gitops.errors import ToolError

REMEDY = "run make check in the repository of okd-gitops: it builds the tools"


@cache
def tool(cache_folder: Path, name: str) -> Path:
    """Return the path of a pinned tool; raises ToolError when it is missing or is not the binary that was built."""
    path = cache_folder / "bin" / name
    try:
        lines = (cache_folder / "bin" / "sha256sums").read_text("utf-8").splitlines()
        recorded = {file: value for value, _, file in (line.partition("  ") for line in lines)}
        with path.open("rb") as file:
            actual = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        raise ToolError(f"{name} is not there, so nothing can be judged", REMEDY) from None
    if recorded.get(name) != actual:
        raise ToolError(f"{name} is not the binary that was built: its hash differs from sha256sums", f"remove {path}, then {REMEDY}")
    return path
