"""The pinned tools: binaries built from tools/go.sum, verified by hash before each run.

The hashes lie beside the binaries, in a folder that nobody else may write to. Whoever can write there as the
user who runs this can forge both; that is why a folder under check is never asked for its tools.
"""

import hashlib
import os
import stat
from functools import cache
from pathlib import Path

from okd_gitops.errors import ToolError

REMEDY = "run make check in the repository of okd-gitops: it builds the tools"
# For tools that are written in Go. A larger heap before collecting: a quarter less CPU for the same bytes
# (measured; off without a limit is slower than the default).
GO_ENVIRONMENT = {"GOGC": "400"}
_CHECKOUT = Path(__file__).resolve().parents[3]
_PINS = ("go.mod", "go.sum")


def own_cache() -> Path:
    """Return where the tools are unless somebody says otherwise: in the checkout that this runs from, or
    in the user's cache.
    """
    if (_CHECKOUT / "tools" / "go.sum").is_file():
        return _CHECKOUT / ".cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "okd-gitops"


@cache
def tool(cache_folder: Path, name: str) -> Path:
    """Return the path of a pinned tool; raises ToolError when it is missing or is not the binary that was
    built.
    """
    folder = cache_folder / "bin"
    path = folder / name
    try:
        lines = (folder / "sha256sums").read_text("utf-8").splitlines()
        recorded = {file: value for value, _, file in (line.partition("  ") for line in lines)}
        # The folder may be a link to where the tools lie; what is in it may not.
        modes = {folder: folder.stat(), **{file: file.lstat() for file in (path, folder / "sha256sums")}}
        actual = sha256_of(path)
    except (OSError, ValueError):
        raise ToolError(f"{name} is not there, so nothing can be judged", REMEDY) from None
    if recorded.get(name) != actual:
        raise ToolError(
            f"{name} is not the binary that was built: its hash is {actual}, not that in sha256sums",
            f"remove {path}, then {REMEDY}",
        )
    for each, status in modes.items():
        if (
            not (stat.S_ISREG(status.st_mode) or each == folder)
            or status.st_uid not in (0, os.getuid())
            or status.st_mode & 0o002
        ):
            raise ToolError(
                f"{each} could be changed by others, so {name} is not run",
                f"chmod o-w {each}, or remove {folder}; then {REMEDY}",
            )
    if not os.access(path, os.X_OK):
        raise ToolError(f"{name} is not executable", f"remove {path}, then {REMEDY}")
    _compare_pins(recorded, name)
    return path


def _compare_pins(recorded: dict[str, str], name: str) -> None:
    """Compare what a tool was built from with what this checkout says, where there is one."""
    for pin in _PINS:
        file = _CHECKOUT / "tools" / pin
        if file.is_file() and recorded.get(pin) != sha256_of(file):
            raise ToolError(f"{name} was not built from today's tools/{pin}", REMEDY)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal; raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
