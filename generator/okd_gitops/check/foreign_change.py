"""check FOLDER --base: which findings of a repository a change brought or touched, and which were there.

A finding was there before if the base has it too and the object that it is about is the same, byte for byte.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from okd_gitops.check.outcome import Report
from okd_gitops.check.same_finding import key_of
from okd_gitops.finding import Finding
from okd_gitops.system import git
from okd_gitops.system.draft import drafted
from okd_gitops.system.foreign_files import read_repository

_SEPARATOR = re.compile(rb"^---(?=\s|$)", re.MULTILINE)


def findings_before(
    report: Report, root: Path, base: str, judge: Callable[[Path], Report]
) -> tuple[str, tuple[Finding, ...]]:
    """Return the commit that `base` names, and the findings of a report that were there before the change.

    `judge` checks a folder. Raises UsageError for a folder outside git, or a commit that is not there.
    """
    commit = git.resolve(root, base)
    if not report.findings:
        return commit, ()

    with drafted(root, commit) as draft:
        known = Counter(key_of(finding) for finding in judge(draft.folder).findings)
        old_files = read_repository(draft.folder)

    new_files = read_repository(root)
    older: list[Finding] = []
    for finding in report.findings:
        key = key_of(finding)
        # Each one at the base excuses one now.
        if known[key] and not _is_touched(finding, old_files, new_files):
            known[key] -= 1
            older.append(finding)

    return commit, tuple(older)


def _is_touched(finding: Finding, old: Mapping[str, bytes], new: Mapping[str, bytes]) -> bool:
    """Whether the change edited the object of a finding; without a line, its whole file."""
    path, line = finding.location.file, finding.location.line
    if path not in new:
        return path in old
    if old.get(path) == new[path]:
        return False
    if path not in old or not line:
        return True

    return _object_at(new[path], line) not in map(bytes.strip, _SEPARATOR.split(old[path]))


def _object_at(data: bytes, line: int) -> bytes:
    """Return the document of a file that a line is in."""
    start = sum(map(len, data.splitlines(keepends=True)[:line]))
    number = len(_SEPARATOR.findall(data[:start]))

    return _SEPARATOR.split(data)[number].strip()
