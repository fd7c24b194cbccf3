"""Read folders of the repository into Trees. Nothing here follows a symlink, and nothing outside the root is read."""

import os
import stat
from pathlib import Path

from okd_gitops.errors import UsageError
from okd_gitops.finding import Finding, FindingsError, Location
from okd_gitops.tree import Tree

FLEET = "fleet.yaml"
ROOTS = ("argocd", "bases", "overlays")
# A repository's own features and changes, beside clusters/.
CATALOG = "catalog"
MAX_FILE = 1 << 20
# A generated CRD, or a manifest that somebody rendered: larger than what people write by hand.
MAX_GENERATED = 16 << 20
_CATALOG = Path(__file__).parent / "catalog"


def find_root(start: Path) -> Path:
    """Return the nearest folder at or above `start` that holds fleet.yaml; raises UsageError when there is none."""
    for folder in (start, *start.parents):
        if (folder / FLEET).is_file():
            return folder
    raise UsageError(f"there is no {FLEET} here or in a folder above", "run okd-gitops init in a new repository, or cd into one")


def read_tree(root: Path, *folders: str, max_file: int = MAX_FILE) -> Tree:
    """Read every file below `folders` of `root`; an absent folder is empty.

    Raises FindingsError (GI001) for symlinks, devices, unreadable and too large files, all of them at once.
    """
    tree, findings = scan_tree(root, *folders, max_file=max_file)
    if findings:
        raise FindingsError(findings)
    return tree


def scan_tree(root: Path, *folders: str, max_file: int = MAX_FILE, names: tuple[str, ...] = ("",)) -> tuple[Tree, list[Finding]]:
    """Read the files below `folders` whose names end like one of `names`, and return them with what was not read and why."""
    files: dict[str, bytes] = {}
    findings: list[Finding] = []
    pending = [folder for folder in folders if os.path.lexists(root / folder)]
    while pending:
        path = pending.pop()
        mode = (root / path).lstat().st_mode
        if stat.S_ISDIR(mode):
            pending += [f"{path}/{entry.name}" for entry in (root / path).iterdir()]
            continue
        if not path.endswith(names):
            continue
        try:
            files[path] = read_file(root, path, max_file=max_file)
        except FindingsError as error:
            findings += error.findings
    return Tree(files), findings


def read_file(root: Path, path: str, *, max_file: int = MAX_FILE) -> bytes:
    """Read one regular file below `root`; raises FindingsError (GI001) for anything else, before its content is read."""
    place = Location(file=path)
    try:
        for parent in Path(path).parents:
            if (root / parent).is_symlink() and parent.name:
                raise _refused(place, f"{parent} is a symlink", "put the files themselves there")
        descriptor = os.open(root / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise _refused(place, "this is not a regular file", "remove it")
            if status.st_size > max_file:
                raise _refused(place, f"{status.st_size:,} bytes are more than the {max_file:,} that are read", "split the file")
            return file.read(max_file)
    except FileNotFoundError:
        raise _refused(place, "the file does not exist", "create it, or run okd-gitops init") from None
    except OSError as error:
        link = (root / path).is_symlink()
        reason = "this is a symlink: it could lead out of the repository" if link else f"it cannot be read: {error.strerror}"
        raise _refused(place, reason, "put the file itself there" if link else "look at its permissions") from None


def read_catalog() -> Tree:
    """Read the catalog that comes with the package."""
    return Tree({path.relative_to(_CATALOG).as_posix(): path.read_bytes() for path in _CATALOG.rglob("*.yaml")})


def _refused(place: Location, reason: str, remedy: str) -> FindingsError:
    return FindingsError([Finding(code="GI001", location=place, reason=reason, remedy=remedy)])
