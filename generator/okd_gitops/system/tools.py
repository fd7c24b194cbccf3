"""The pinned tools: binaries built from tools/go.sum, verified by hash before each run.

The hash of one that did not change since it was computed is known by its status; CI and --exact compute it.

The hashes lie beside the binaries, in a folder that nobody else may write to. Whoever can write there as the
user who runs this can forge both; that is why a folder under check is never asked for its tools.
"""

import hashlib
import os
import stat
from functools import cache
from pathlib import Path

from okd_gitops.errors import ToolError
from okd_gitops.system.file_status import Walk, walk
from okd_gitops.system.kept import Results, kept_folder, key_of

REMEDY = "okd-gitops tools: it gets them, once, in some minutes"
# For tools that are written in Go. A larger heap before collecting: a quarter less CPU for the same bytes
# (measured; off without a limit is slower than the default).
GO_ENVIRONMENT = {"GOGC": "400"}
# For a program that is started once for each core: a collector on other cores than its own takes a seventh
# more CPU (measured).
ONE_CORE = {**GO_ENVIRONMENT, "GOMAXPROCS": "1"}
_CHECKOUT = Path(__file__).resolve().parents[3]
# In a wheel, the program that sets up the tools lies in the package.
_PACKAGED = Path(__file__).resolve().parents[1] / "setup"
# What the tools are built from: their pins, and the sources of the one that is our own.
PINS = ("go.mod", "go.sum", "in_turn/main.go", "in_turn/plain_bases.go")


def setup_program() -> Path:
    """Return the folder of the program that sets up the tools: this checkout's, or else the package's."""
    in_checkout = _CHECKOUT / "tools"

    return in_checkout if (in_checkout / "go.sum").is_file() else _PACKAGED / "tools"


def own_cache() -> Path:
    """Return the default folder of the tools: in this checkout, or else in the user's cache."""
    if (_CHECKOUT / "tools" / "go.sum").is_file():
        return _CHECKOUT / ".cache"

    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "okd-gitops"


@cache
def tool(cache_folder: Path, name: str) -> Path:
    """Return the path of a pinned tool; raises ToolError unless it is the binary that was built."""
    folder = cache_folder / "bin"
    path = folder / name
    hashes = folder / "sha256sums"
    try:
        recorded = _recorded_hashes(hashes)
        # The folder may be a link to where the tools lie; the files in it may not.
        statuses = {folder: folder.stat(), path: path.lstat(), hashes: hashes.lstat()}
        actual = _hash_by_status(path)
    except (OSError, ValueError):
        raise ToolError(f"{name} is not there, so nothing can be judged", REMEDY) from None

    if recorded.get(name) != actual:
        raise ToolError(
            f"{name} is not the binary that was built: its hash is {actual}, not that in sha256sums",
            f"remove {path}, then {REMEDY}",
        )

    for checked, status in statuses.items():
        is_expected_kind = checked == folder or stat.S_ISREG(status.st_mode)
        if not is_expected_kind or _others_may_change(status):
            raise ToolError(
                f"{checked} could be changed by others, so {name} is not run",
                f"chmod o-w {checked}, or remove {folder}; then {REMEDY}",
            )

    if not os.access(path, os.X_OK):
        raise ToolError(f"{name} is not executable", f"remove {path}, then {REMEDY}")

    _compare_pins(recorded, name)
    return path


def _recorded_hashes(file: Path) -> dict[str, str]:
    """Read a file in the format of sha256sum(1); raises OSError and ValueError."""
    recorded = {}
    for line in file.read_text("utf-8").splitlines():
        sha256, _, name = line.partition("  ")
        recorded[name] = sha256

    return recorded


def _others_may_change(status: os.stat_result) -> bool:
    return status.st_uid not in (0, os.getuid()) or bool(status.st_mode & 0o002)


def _compare_pins(recorded: dict[str, str], name: str) -> None:
    """Raise ToolError unless a tool was built from the pins that come with this program."""
    for pin in PINS:
        file = setup_program() / pin
        if file.is_file() and recorded.get(pin) != sha256_of(file):
            raise ToolError(f"{name} was not built from today's tools/{pin}", REMEDY)


@cache
def hash_of(tool_path: Path) -> str:
    """Return the SHA-256 of a tool that `tool` has returned, which nobody changes during a run."""
    return _hash_by_status(tool_path)


def _hash_by_status(tool_path: Path) -> str:
    """Return the SHA-256 of a tool; of an earlier run, if the file system records no change since.

    Raises OSError.
    """
    folder = kept_folder(tool_path.parent.parent)
    status = _status(tool_path)
    if folder is None or status is None or not status.all_settled:
        return sha256_of(tool_path)

    hashes = Results(folder / "hashes")
    place = key_of(bytes(tool_path), status.digest().encode())
    known = hashes.read(place)
    if known is not None:
        return known.decode()

    actual = sha256_of(tool_path)
    if _status(tool_path) == status:
        hashes.keep(place, actual.encode())
        hashes.prune()

    return actual


def _status(tool_path: Path) -> Walk | None:
    return walk(tool_path.parent, tool_path.name)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal; raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
