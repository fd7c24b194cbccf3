"""tool-update: what another version of okd-gitops would change in this fleet, before it is installed."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from okd_gitops.check.diff import FOLDERS, Difference, diff
from okd_gitops.generate.generate import drift_error, generate
from okd_gitops.system.disk import (
    CATALOG,
    FLEET,
    MAX_GENERATED,
    read_tree,
    scan_tree,
    scratch_folder,
    write_files,
)
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

        return ToolUpdate(tool.version, files, diff(copy, cache, generated, say=say))
