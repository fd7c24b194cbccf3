"""Runs of which nothing changed since an earlier one: their result is known without reading a cluster file.

What runs without an error found and counted is kept, by every byte that such a run reads: the repository's
files, the tool's own code and catalog, and what else the command names.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from okd_gitops.finding import Finding, Location, Severity
from okd_gitops.system.disk import CATALOG, FLEET, MAX_GENERATED, ROOTS, scan_tree
from okd_gitops.system.kept import Results, kept_folder, key_of
from okd_gitops.system.state import JOURNAL, STATE
from okd_gitops.tree import Tree

_PACKAGE = Path(__file__).resolve().parents[1]
# An emergency ends at an hour, and a run of the same day must then find it.
_ENDS_AT_AN_HOUR = b"emergency"

Counts = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Result:
    """What a run counted, by name, and its warnings."""

    counts: Counts
    warnings: tuple[Finding, ...] = ()


class Earlier:
    """The earlier run of a command on the same files, `more` being what it reads besides them."""

    def __init__(self, root: Path, cache: Path, command: str, *more: bytes) -> None:
        folder = kept_folder(cache)
        key = _key(root, command, *more) if folder else None
        self._results = Results(folder / "runs") if folder and key else None
        self._key = key or ""

    def result(self) -> Result | None:
        """Return the result of the earlier run, or None when there was none without an error."""
        data = self._results.read(self._key) if self._results else None

        if data is None:
            return None

        kept = json.loads(data)
        return Result(kept["counts"], tuple(map(_finding, kept["warnings"])))

    def keep(self, counts: Counts, findings: Iterable[Finding]) -> None:
        """Keep the result of a run, unless it found an error: that may have been one of the machine."""
        warnings = list(findings)

        if self._results is None or any(item.severity == Severity.ERROR for item in warnings):
            return

        kept = {"counts": dict(counts), "warnings": [finding.as_json() for finding in warnings]}
        self._results.keep(self._key, json.dumps(kept).encode())
        self._results.prune()


def _finding(kept: Mapping[str, Any]) -> Finding:
    """Return a finding as `Finding.as_json` has written it, in which secrets are masked already."""
    return Finding(
        **{
            **kept,
            "location": Location(**kept["location"]),
            "clusters": tuple(kept["clusters"]),
            "severity": Severity(kept["severity"]),
        }
    )


def tools_in(cache: Path) -> bytes:
    """Return the recorded hashes of the tools and schemas; empty where there are none."""
    files = (cache / "bin" / "sha256sums", cache / "schemas" / "index.json")

    try:
        return b"".join(file.read_bytes() for file in files)
    except OSError:
        return b""


def _key(root: Path, command: str, *more: bytes) -> str | None:
    """Return a hash of everything that decides a run, or None when only a whole run can tell."""
    if (root / STATE / JOURNAL).exists():
        return None

    files, findings = scan_tree(root, *ROOTS, "clusters", CATALOG, FLEET, max_file=MAX_GENERATED)
    is_timed = any(_ENDS_AT_AN_HOUR in data for path, data in files.items() if path.startswith("clusters/"))

    if findings or is_timed:
        return None

    return key_of(command.encode(), *more, *_parts(_own_code()), b"/", *_parts(files))


def _own_code() -> Tree:
    files = (path for path in _PACKAGE.rglob("*") if path.suffix in (".py", ".yaml", ".json"))
    return Tree({path.relative_to(_PACKAGE).as_posix(): path.read_bytes() for path in files})


def _parts(files: Tree) -> list[bytes]:
    return [part for path in files for part in (path.encode(), files[path])]
