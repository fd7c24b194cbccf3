"""Another version of okd-gitops, run on a copy: an installed program, or a wheel that a person names.

A wheel is unpacked and runs with the packages of this installation; what needs others must be installed.
"""

import re
import sys
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from okd_gitops.errors import ToolError, UsageError
from okd_gitops.system.disk import scratch_folder
from okd_gitops.system.process import run
from okd_gitops.system.wheel import wheel_version

_START = "import sys; sys.path.insert(0, sys.argv.pop(1)); from okd_gitops.__main__ import main; main()"
_INSTALL = "install it in an environment of its own, and name its program: VENV/bin/okd-gitops"
# A wheel has 5 MB; unpacked, no more than this is written.
_MAX_UNPACKED = 256 << 20
_SECONDS = 600.0
_VERSION = re.compile(r"okd-gitops, version ([0-9]+(\.[0-9A-Za-z+-]+)*)")


class OtherTool:
    """A version of okd-gitops by the words that start it."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        said = _VERSION.fullmatch(self._run("--version", cwd=Path("/")))

        if said is None:
            raise UsageError(f"{command[0]} is no okd-gitops: it does not tell a version", _INSTALL)

        self.version = said[1]

    def generate(self, root: Path) -> None:
        """Generate the fleet at `root`; raises ToolError where it refuses that."""
        with scratch_folder() as cache:
            self._run("--cache", str(cache), "generate", cwd=root)

    def _run(self, *arguments: str, cwd: Path) -> str:
        """Run it without network, and return what it prints."""
        done = run([*self._command, *arguments], cwd=cwd, timeout=_SECONDS)

        if done.code:
            said = done.err.strip()[-4000:]
            raise ToolError(
                f"the other okd-gitops ended with {done.code} at {arguments[-1]}:\n{said}", _INSTALL
            )

        return done.text


@contextmanager
def other_tool(path: Path) -> Iterator[OtherTool]:
    """Lend another okd-gitops for as long as the block runs; raises UsageError for what is none."""
    if path.suffix != ".whl":
        yield OtherTool([str(path.absolute())])
        return

    with scratch_folder() as folder:
        _unpack(path, folder)
        tool = OtherTool([sys.executable, "-I", "-c", _START, str(folder)])

        # Requirements and hashes are written by the name, and what runs is the content.
        if tool.version != wheel_version(path.name):
            reason = f"{path.name} is named otherwise than what is in it: okd-gitops {tool.version}"
            raise UsageError(reason, "name the wheel as it was built")

        yield tool


def _unpack(wheel: Path, folder: Path) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _MAX_UNPACKED:
                raise UsageError(f"{wheel} is larger than any okd-gitops", "name another file")

            # It drops what would lead out of the folder.
            archive.extractall(folder)
    except (OSError, zipfile.BadZipFile) as error:
        raise UsageError(f"{wheel} cannot be read as a wheel: {error}", "name a file .whl") from None

    if not (folder / "okd_gitops").is_dir():
        raise UsageError(f"{wheel} has no okd-gitops in it", "name the wheel of okd-gitops")
