"""Read folders of the repository into Trees.

Nothing here follows a symlink, and nothing outside the root is read.
"""

import errno
import os
import re
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from okd_gitops.errors import UsageError
from okd_gitops.finding import Findings, FindingsError, Location, refused
from okd_gitops.tree import Tree

FLEET = "fleet.yaml"
ROOTS = ("argocd", "bases", "overlays")
# A repository's own features and changes, beside clusters/.
CATALOG = "catalog"
MAX_FILE = 1 << 20
# A generated CRD, or a manifest that somebody rendered: larger than what people write by hand.
MAX_GENERATED = 16 << 20
# Such a name would break the lines of a list of files.
_UNWRITABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_CATALOG = Path(__file__).parent.parent / "catalog"


def find_root(start: Path) -> Path:
    """Return the nearest folder at or above `start` with fleet.yaml; raises UsageError without one."""
    for folder in (start, *start.parents):
        if _has_fleet(folder):
            return folder

    raise UsageError(
        f"there is no {FLEET} here or in a folder above",
        "run okd-gitops init in a new repository, or cd into one",
    )


def root_at(folder: Path) -> Path:
    """Return a folder that a person named as the repository; raises UsageError where it has no fleet.yaml."""
    if _has_fleet(folder):
        return folder

    raise UsageError(
        f"there is no {FLEET} in {folder}", "name the folder of a fleet, or run okd-gitops init there"
    )


def _has_fleet(folder: Path) -> bool:
    return os.path.isfile(folder / FLEET)  # noqa: PTH113 - Path.is_file raises where a folder cannot be read


def read_tree(root: Path, *folders: str, max_file: int = MAX_FILE) -> Tree:
    """Read every file below `folders` of `root`; an absent folder is empty.

    Raises FindingsError (unreadable-file) for symlinks, devices, unreadable and too large files, all of them
    at once.
    """
    tree, findings = scan_tree(root, *folders, max_file=max_file)
    findings.raise_errors()
    return tree


def scan_tree(
    root: Path, *folders: str, max_file: int = MAX_FILE, names: tuple[str, ...] = ("",)
) -> tuple[Tree, Findings]:
    """Read the files below `folders` whose names end with one of `names`.

    Each that cannot be read is a finding.
    """
    files: dict[str, bytes] = {}
    findings = Findings()
    pending = list(folders)

    while pending:
        path = pending.pop()

        with findings.collecting():
            try:
                if stat.S_ISDIR(os.lstat(root / path).st_mode):
                    pending += [f"{path}/{entry.name}" for entry in (root / path).iterdir()]
                elif path.endswith(names):
                    files[path] = read_file(root, path, max_file=max_file)
            except OSError as error:
                if path not in folders or not isinstance(error, FileNotFoundError):
                    raise _unreadable(Location(file=path), error) from None

    return Tree(files), findings


def entries(root: Path, folder: str) -> dict[str, bool]:
    """Return the names in a folder below `root`, and whether each is a folder; an absent folder is empty.

    Raises FindingsError (unreadable-file).
    """
    place = Location(file=folder)
    try:
        descriptor = os.open(root / folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return {}
    except NotADirectoryError:
        raise _refused(
            place, "this is a file or a symlink, and a folder is expected", "put the folder itself there"
        ) from None
    except OSError as error:
        raise _unreadable(place, error) from None

    try:
        with os.scandir(descriptor) as listed:
            return {entry.name: entry.is_dir(follow_symlinks=False) for entry in listed}
    finally:
        os.close(descriptor)


def read_file(root: Path, path: str, *, max_file: int = MAX_FILE) -> bytes:
    """Read one regular file below `root`.

    Raises FindingsError (unreadable-file) for anything else, before its content is read.
    """
    place = Location(file=path)
    if _UNWRITABLE.search(path):
        raise _refused(place, "its name holds control characters, or is not UTF-8", "rename it")

    try:
        for parent in Path(path).parents:
            if (root / parent).is_symlink() and parent.name:
                raise _refused(place, f"{parent} is a symlink", "put the files themselves there")

        descriptor = os.open(root / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise _refused(place, "this is not a regular file", "remove it")
            data = file.read(max_file + 1) if status.st_size <= max_file else b""
    except FileNotFoundError:
        raise _refused(place, "the file does not exist", "create it, or run okd-gitops init") from None
    except OSError as error:
        raise _unreadable(place, error) from None

    # It may have grown since it was opened.
    size = max(status.st_size, len(data))
    if size > max_file:
        raise _refused(place, f"{size:,} bytes are more than the limit of {max_file:,}", "split the file")

    return data


def leave_out(folder: Path, path: str) -> None:
    """Remove a file of a folder of our own, such as that of a draft."""
    (folder / path).unlink(missing_ok=True)


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Lend a folder of the machine's temporary files, which is gone when the block ends."""
    with tempfile.TemporaryDirectory(prefix="okd-gitops-") as folder:
        yield Path(folder)


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files below a folder that belongs to this run alone; generated files go through the journal."""
    for path, data in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def read_catalog() -> Tree:
    """Read the catalog that comes with the package."""
    files = {path.relative_to(_CATALOG).as_posix(): path.read_bytes() for path in _CATALOG.rglob("*.yaml")}
    return Tree(files)


def _refused(place: Location, reason: str, remedy: str) -> FindingsError:
    return refused("unreadable-file", place, reason, remedy)


def _unreadable(place: Location, error: OSError) -> FindingsError:
    if error.errno == errno.ELOOP:
        return _refused(
            place, "this is a symlink: it could lead out of the repository", "put the file itself there"
        )

    return _refused(place, f"it cannot be read: {error.strerror}", "look at its permissions")
