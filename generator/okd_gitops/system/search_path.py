"""The folders in which programs are found: none of the repository that is worked on may name one."""

from collections.abc import Iterator
from pathlib import Path


def program_folders(search_path: str, *, outside: Path | None) -> Iterator[Path]:
    """Yield the folders of a PATH that are named from the root and do not lie in `outside`, in order."""
    for entry in search_path.split(":"):
        folder = Path(entry)
        if not folder.is_absolute():
            continue

        if outside is None or not folder.resolve().is_relative_to(outside):
            yield folder
