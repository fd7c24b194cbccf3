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
from functools import cache
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
# A wheel of the tool has 5 MB.
MAX_WHEEL = 64 << 20
_CHUNK = 1 << 20
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
# Such a name would break the lines of a list of files.
UNWRITABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
PACKAGE = Path(__file__).resolve().parents[1]
CODE = (".py", ".yaml", ".json")


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
    findings = Findings()
    scan = _Scan(findings, max_file, names)

    for folder in folders:
        with findings.collecting():
            try:
                is_folder = stat.S_ISDIR(os.lstat(root / folder).st_mode)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise unreadable(Location(file=folder), error) from None

            if is_folder:
                _refuse_links_above(root, folder)
                scan.folder(str(root / folder), folder)
            elif folder.endswith(names):
                scan.files[folder] = read_file(root, folder, max_file=max_file)

    return Tree(scan.files), findings


class _Scan:
    """Reads folders by their descriptors: no path is looked up from the root for each of its files."""

    def __init__(self, findings: Findings, max_file: int, names: tuple[str, ...]) -> None:
        self.findings, self.max_file, self.names = findings, max_file, names
        self.files: dict[str, bytes] = {}

    def folder(self, name: str, path: str, parent: int | None = None) -> None:
        """Read everything below a folder: `name` below the descriptor `parent`, `path` below the root."""
        with self.findings.collecting():
            try:
                descriptor = os.open(name, _FOLDER, dir_fd=parent)
            except OSError as error:
                raise unreadable(Location(file=path), error) from None

            try:
                with os.scandir(descriptor) as listed:
                    found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in listed]

                for entry, is_folder in found:
                    if is_folder:
                        self.folder(entry, f"{path}/{entry}", descriptor)
                    elif entry.endswith(self.names):
                        self.file(entry, f"{path}/{entry}", descriptor)
            finally:
                os.close(descriptor)

    def file(self, name: str, path: str, parent: int) -> None:
        """Read a file, of which the folder is known to be none of somebody else's."""
        with self.findings.collecting():
            self.files[path] = _content(name, path, self.max_file, parent)


def entries(root: Path, folder: str) -> dict[str, bool]:
    """Return the names in a folder below `root`, and whether each is a folder; an absent folder is empty.

    Raises FindingsError (unreadable-file).
    """
    place = Location(file=folder)
    try:
        descriptor = os.open(root / folder, _FOLDER)
    except FileNotFoundError:
        return {}
    except NotADirectoryError:
        raise _refused(
            place, "this is a file or a symlink, and a folder is expected", "put the folder itself there"
        ) from None
    except OSError as error:
        raise unreadable(place, error) from None

    try:
        with os.scandir(descriptor) as listed:
            return {entry.name: entry.is_dir(follow_symlinks=False) for entry in listed}
    finally:
        os.close(descriptor)


def read_file(root: Path, path: str, *, max_file: int = MAX_FILE) -> bytes:
    """Read one regular file below `root`.

    Raises FindingsError (unreadable-file) for anything else, before its content is read.
    """
    if not UNWRITABLE.search(path):
        _refuse_links_above(root, path)

    return _content(str(root / path), path, max_file)


def _refuse_links_above(root: Path, path: str) -> None:
    """Raise FindingsError when a folder that leads to a path is a symlink: it could lead anywhere."""
    for parent in Path(path).parents:
        if parent.name and (root / parent).is_symlink():
            reason = f"{parent} is a symlink"
            raise _refused(Location(file=path), reason, "put the files themselves there")


def _content(name: str, path: str, max_file: int, parent: int | None = None) -> bytes:
    """Return the content of a regular file: `name` below the folder `parent`, `path` below the root."""
    place = Location(file=path)

    if UNWRITABLE.search(path):
        raise _refused(place, "its name holds control characters, or is not UTF-8", "rename it")

    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=parent)

        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise _refused(place, "this is not a regular file", "remove it")

            data = _up_to(descriptor, max_file, status.st_size) if status.st_size <= max_file else b""
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        raise _refused(place, "the file does not exist", "create it, or run okd-gitops init") from None
    except OSError as error:
        raise unreadable(place, error) from None

    # It may have grown since it was opened.
    size = max(status.st_size, len(data))
    if size > max_file:
        raise _refused(place, f"{size:,} bytes are more than the limit of {max_file:,}", "split the file")

    return data


def _up_to(descriptor: int, limit: int, expected: int) -> bytes:
    """Read a file to its end, or to one byte more than the limit; `expected` is its probable size."""
    data = os.read(descriptor, expected + 1)
    last = data if len(data) != expected else b""

    while last and len(data) <= limit:
        last = os.read(descriptor, min(limit + 1 - len(data), _CHUNK))
        data += last

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


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that a person named, whole or not at all; raises OSError."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")

    try:
        partial.write_bytes(data)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def read_package(folder: Path) -> Tree:
    """Read the files of a folder that comes with the package, also hidden ones."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())

    return Tree({path.relative_to(folder).as_posix(): path.read_bytes() for path in files})


@cache
def read_catalog() -> Tree:
    """Read the catalog that comes with the package."""
    return scan_tree(PACKAGE, CATALOG, max_file=MAX_GENERATED, names=(".yaml",))[0].below(CATALOG)


def _refused(place: Location, reason: str, remedy: str) -> FindingsError:
    return refused("unreadable-file", place, reason, remedy)


def unreadable(place: Location, error: OSError) -> FindingsError:
    """Return the error for a file or folder that the system does not let the user read."""
    if error.errno == errno.ELOOP:
        return _refused(
            place, "this is a symlink: it could lead out of the repository", "put the file itself there"
        )

    return _refused(place, f"it cannot be read: {error.strerror}", "look at its permissions")
