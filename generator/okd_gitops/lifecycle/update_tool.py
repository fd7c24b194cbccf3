"""tool-update: what another version of okd-gitops would change in this fleet, before it is installed."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from okd_gitops.check.diff import FOLDERS, Difference, diff
from okd_gitops.errors import UsageError
from okd_gitops.generate.generate import drift_error, generate
from okd_gitops.lifecycle.pinned_tool import FOLDER, REQUIREMENTS, is_pinned, pinned_tool
from okd_gitops.system.disk import (
    CATALOG,
    FLEET,
    MAX_GENERATED,
    MAX_WHEEL,
    read_tree,
    scan_tree,
    scratch_folder,
    write_files,
)
from okd_gitops.system.journal import saving
from okd_gitops.system.newer_tool import other_tool


@dataclass(frozen=True, slots=True)
class ToolUpdate:
    """The version of the other tool, the files that it would change, and what that does to clusters."""

    version: str
    files: tuple[str, ...]
    difference: Difference


def update_tool(root: Path, cache: Path, other: Path, *, say: Callable[[str], None]) -> ToolUpdate:
    """Let another okd-gitops generate a copy of the fleet at `root`, and compare; nothing in `root` changes.

    `other` is a wheel or a program. Raises FindingsError (exit 3) for a fleet that this version has to
    generate first, UsageError for what is no okd-gitops, and ToolError where it refuses this fleet.
    """
    drift = generate(root, write=False).drift
    if drift.refused or drift.changes:
        raise drift_error(drift)

    generated = read_tree(root, *FOLDERS, max_file=MAX_GENERATED)
    written, _ = scan_tree(root, FLEET, CATALOG)

    with scratch_folder() as copy, other_tool(other) as tool:
        write_files(copy, {**generated, **written})
        say(f"generating a copy with okd-gitops {tool.version}")
        tool.generate(copy)

        after = read_tree(copy, *FOLDERS, max_file=MAX_GENERATED)
        files = tuple(path for path in sorted({*generated, *after}) if generated.get(path) != after.get(path))

        return ToolUpdate(tool.version, files, diff(copy, cache, generated, say=say, files=after))


def pin_tool(root: Path, wheel: Path) -> list[str]:
    """Let the fleet at `root` name another okd-gitops: write requirements.txt and, beside it, the wheel.

    The wheel that it had there goes. Returns the paths. Raises UsageError for what is no wheel, and for a
    requirements.txt that `init` did not write.
    """
    if wheel.suffix != ".whl":
        raise UsageError("a program cannot be pinned: no hash tells what it installs", "name its wheel")

    new = pinned_tool(str(wheel))
    old = {
        path: data
        for path, data in read_tree(root, FOLDER, REQUIREMENTS, max_file=MAX_WHEEL).items()
        if path == REQUIREMENTS or path.endswith(".whl")
    }

    if REQUIREMENTS in old and not is_pinned(old[REQUIREMENTS]):
        raise UsageError(
            f"{REQUIREMENTS} is not the one that okd-gitops init writes",
            "move it away, then run the same again",
        )

    with saving(root) as save:
        save(new, [path for path in old if path not in new], before=old)

    return sorted(new)
