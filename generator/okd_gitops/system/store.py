"""A bare repository of our own upon the objects of a clone: no configuration, hook or reference of the clone
is in use there.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from okd_gitops.system.git import Clone
from okd_gitops.system.git_program import must_run

# A redirect would carry a push to an address that fleet.yaml does not name.
_SETTINGS = """\
[http]
	followRedirects = false
[push]
	gpgSign = false
	followTags = false
[fetch]
	writeCommitGraph = false
"""


@dataclass(frozen=True, slots=True)
class Store:
    """A bare repository of our own upon the objects of a clone.

    No configuration, no hook and no reference of the clone is in use there.
    """

    folder: Path
    environment: dict[str, str]


@contextmanager
def bare(clone: Clone) -> Iterator[Store]:
    """Make a bare repository upon the objects and references of a clone, for as long as the block runs."""
    result = must_run("for-each-ref", "--format=%(objectname) %(refname)", cwd=clone.root)
    with tempfile.TemporaryDirectory(prefix="okd-gitops-") as name:
        folder = Path(name)
        make_repository(folder, clone, bare=True)
        (folder / "packed-refs").write_bytes(result.out)
        with suppress(FileNotFoundError):
            shutil.copyfile(clone.common / "shallow", folder / "shallow")
        yield Store(folder, {"GIT_DIR": str(folder), "GIT_OBJECT_DIRECTORY": str(clone.objects)})


def make_repository(folder: Path, clone: Clone, *, bare: bool) -> None:
    """Make the least that git takes for a repository, with objects like the clone's and our settings."""
    version, extension = "0", ""
    if clone.hash != "sha1":
        version, extension = "1", f"[extensions]\n\tobjectFormat = {clone.hash}\n"

    core = f"[core]\n\trepositoryFormatVersion = {version}\n\tbare = {str(bare).lower()}\n"
    (folder / "refs").mkdir(parents=True)
    (folder / "HEAD").write_text("ref: refs/heads/none\n")
    (folder / "config").write_text(f"{core}{extension}{_SETTINGS}")
