"""A wheel of okd-gitops that has no more in it than what tells which packages it was locked with."""

from pathlib import Path
from zipfile import ZipFile

from conftest import ROOT
from okd_gitops import __version__

LOCK = "okd_gitops/setup/requirements/generate.txt"


def small_wheel(folder: Path, version: str = __version__) -> Path:
    """Write a wheel into a folder, and return its path."""
    path = folder / f"okd_gitops-{version}-py3-none-any.whl"

    with ZipFile(path, "w") as archive:
        archive.write(ROOT / "requirements/generate.txt", LOCK)

    return path
