"""Results of earlier runs, kept by a hash of everything that they were made of.

To delete them is always safe: what is damaged, missing or unreadable is made anew. Whoever can write there
can forge a result, as they can forge the tools beside them. So a folder under check is never asked for its
own, and CI, whose cache may come from the change that it judges, uses none.
"""

import os
import stat
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

# Set to use no result of an earlier run; forges set the second one.
EXACT = "OKD_GITOPS_EXACT"
_SWITCHES = (EXACT, "CI")
_HEX = 64
_MODE = 0o700
# The results of some thousand overlays; beyond that, the half that was asked for last stays.
_MOST_RESULTS = 8_000
# A record has a key, a space, the hash of the key and an end of line.
_RECORD = 2 * _HEX + 2
_MOST_RECORDS = 500_000


def is_exact() -> bool:
    """Whether this run was asked to do everything anew, with the programs themselves."""
    return bool(os.environ.get(EXACT))


def kept_folder(cache: Path) -> Path | None:
    """Return where results are kept, or None when none must be used or others could change them."""
    if any(os.environ.get(switch) for switch in _SWITCHES):
        return None

    folder = cache / "kept"

    with suppress(OSError):
        folder.mkdir(mode=_MODE, parents=True, exist_ok=True)
        status = folder.lstat()
        is_own = stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid()

        # git gives no folder this mode, so one that somebody has committed is not taken.
        if is_own and stat.S_IMODE(status.st_mode) == _MODE:
            return folder

    return None


def key_of(*parts: bytes) -> str:
    """Return the key of a result that was made of `parts`, in this order."""
    whole = sha256()

    for part in parts:
        whole.update(len(part).to_bytes(8) + part)

    return whole.hexdigest()


class Results:
    """Results as bytes, each in a file with a hash of its key and of itself in front."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._has_new = False

    def read(self, key: str) -> bytes | None:
        """Return a result, or None where there is none that is whole."""
        try:
            descriptor = os.open(self._folder / key, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(descriptor, "rb") as file:
                content = file.read()
                # What is in use stays when old results are removed.
                os.utime(descriptor)
        except OSError:
            return None

        recorded, data = content[:_HEX], content[_HEX:]
        return data if recorded == _hash(key.encode(), data) else None

    def keep(self, key: str, *parts: bytes | memoryview) -> None:
        """Keep a result, of parts one after another, as a whole or not at all, such as on a full disk."""
        self._has_new = True

        with suppress(OSError):
            self._folder.mkdir(mode=_MODE, parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(dir=self._folder)

            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.writelines((_hash(key.encode(), *parts), *parts))
                Path(name).replace(self._folder / key)
            except OSError:
                Path(name).unlink()

    def read_of(self, common: str, key: str) -> bytes | None:
        """Return a result that `keep_of` has kept with the same `common`, a hash of what it depends on.

        Another version of the tool has another one: a result of another form is never taken apart.
        """
        first, _, data = (self.read(key) or b"").partition(b"\n")
        return data if first == common.encode() else None

    def keep_of(self, common: str, key: str, *parts: bytes | memoryview) -> None:
        """Keep a result, of parts, with what it depends on in common with others."""
        self.keep(key, f"{common}\n".encode(), *parts)

    def prune(self) -> None:
        """Remove the results that were asked for longest ago when there are too many; once after new ones."""
        if not self._has_new:
            return

        with suppress(OSError):
            results = list(os.scandir(self._folder))
            if len(results) <= _MOST_RESULTS:
                return

            times = {entry.path: entry.stat().st_mtime for entry in results}
            oldest = sorted(times, key=times.__getitem__)[: -_MOST_RESULTS // 2]

            for path in oldest:
                Path(path).unlink()


@dataclass(frozen=True, slots=True)
class Kept:
    """Where results about a repository are kept, one of each kind, below the name `place`."""

    folder: Path
    place: str
    is_only_read: bool = False

    @classmethod
    def of(cls, root: Path, cache: Path) -> "Kept | None":
        """Return where those of the repository at a root are, or None where nothing may be kept or used."""
        folder = kept_folder(cache)
        return cls(folder, key_of(bytes(root))) if folder else None

    @classmethod
    def for_draft(cls, root: Path, cache: Path) -> "Kept | None":
        """Return the same for a draft of that repository: what is found of one is no use to later runs."""
        kept = cls.of(root, cache)
        return kept.only_read() if kept else None

    def only_read(self) -> "Kept":
        """Return the same for a run that reads them and leaves them as they are."""
        return replace(self, is_only_read=True)

    def read(self, kind: str, common: str) -> bytes | None:
        """Return the result of a kind that was kept with the same `common`, a hash of what it depends on."""
        return Results(self.folder / kind).read_of(common, self.place)

    def keep(self, kind: str, common: str, *parts: bytes | memoryview) -> None:
        """Keep a result of a kind, of parts one after another, in the place of an earlier one."""
        if not self.is_only_read:
            results = Results(self.folder / kind)
            results.keep_of(common, self.place, *parts)
            results.prune()


class Keys:
    """Keys whose result is known to be good, in a file that only grows: one record a line, with its hash."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._keys: frozenset[str] | None = None

    def __contains__(self, key: str) -> bool:
        if self._keys is None:
            self._keys = self._read()

        return key in self._keys

    def add(self, keys: Iterable[str]) -> None:
        """Add keys for later runs, in one write, so that two runs at once do not mix theirs."""
        records = b"".join(_record(key) for key in keys)

        if not records:
            return

        with suppress(OSError):
            is_full = self._file.exists() and self._file.stat().st_size > _MOST_RECORDS * _RECORD
            flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | (os.O_TRUNC if is_full else os.O_APPEND)
            descriptor = os.open(self._file, flags, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(records)

    def _read(self) -> frozenset[str]:
        try:
            descriptor = os.open(self._file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(descriptor, "rb") as file:
                lines = file.read().splitlines(keepends=True)
        except OSError:
            return frozenset()

        keys = (line[:_HEX].decode("ascii", "replace") for line in lines)
        return frozenset(key for key, line in zip(keys, lines, strict=True) if line == _record(key))


def _record(key: str) -> bytes:
    return f"{key} ".encode() + _hash(key.encode()) + b"\n"


def _hash(*parts: bytes | memoryview) -> bytes:
    whole = sha256()
    for part in parts:
        whole.update(part)

    return whole.hexdigest().encode()
