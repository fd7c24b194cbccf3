"""The folders in which programs are found: none of the repository that is worked on may name one."""

import os
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


def program_outside(name: str, top: Path) -> str:
    """Return the absolute path of a program on PATH that is no file below `top`; empty when there is none."""
    for folder in program_folders(os.environ.get("PATH", os.defpath), outside=top):
        program = folder / name
        is_program = program.is_file() and os.access(program, os.X_OK)
        # Not a link from elsewhere into the repository either.
        if is_program and not program.resolve().is_relative_to(top):
            return str(program)

    return ""
