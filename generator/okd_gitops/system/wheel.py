"""A wheel of okd-gitops as data: its version, its hash, and the packages that it was locked with."""

import re
import zipfile
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path

from okd_gitops.errors import UsageError
from okd_gitops.system.disk import MAX_WHEEL
from okd_gitops.system.tools import setup_program

_NAME = re.compile(r"okd_gitops-(?P<version>[0-9]+(\.[0-9A-Za-z+]+)*)-py3-none-any\.whl")
_LOCK = "okd_gitops/setup/requirements/generate.txt"
_LARGEST_LOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel: the name of its file, its version, SHA-256 and bytes, and the text of its lock file."""

    name: str
    version: str
    sha256: str
    data: bytes
    lock: str


def wheel_version(name: str) -> str:
    """Return the version in the name of a wheel; raises UsageError for another name."""
    match = _NAME.fullmatch(name)

    if match is None:
        raise UsageError(f"{name} is not the name of a wheel of okd-gitops", "make release builds one")

    return match["version"]


def read_wheel(file: Path) -> Wheel:
    """Read a wheel; raises UsageError for a file that is none of okd-gitops."""
    version = wheel_version(file.name)

    try:
        if file.stat().st_size > MAX_WHEEL:
            raise UsageError(f"{file} is larger than any okd-gitops", "name another file")

        data = file.read_bytes()
        lock = _lock_in(data)
    except (OSError, KeyError, UnicodeDecodeError, zipfile.BadZipFile) as error:
        raise UsageError(
            f"{file} cannot be read as a wheel of okd-gitops: {error}", "name another file"
        ) from None

    return Wheel(file.name, version, sha256(data).hexdigest(), data, lock)


def own_lock() -> str:
    """Return the list of packages, with hashes, that this okd-gitops is locked with."""
    return (setup_program().parent / "requirements/generate.txt").read_text("utf-8")


def _lock_in(data: bytes) -> str:
    with zipfile.ZipFile(BytesIO(data)) as archive, archive.open(_LOCK) as file:
        return file.read(_LARGEST_LOCK).decode()
