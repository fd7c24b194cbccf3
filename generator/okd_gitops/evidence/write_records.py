"""Write to the branch `records`: a commit upon what is there, pushed without force, again after a race."""

from collections.abc import Callable, Mapping
from pathlib import Path

from okd_gitops import __version__
from okd_gitops.evidence.records import BRANCH, Records, newest_commit, read_records
from okd_gitops.system import branches
from okd_gitops.system.commit import GENERATED_BY
from okd_gitops.system.git import opened
from okd_gitops.system.make_commit import make_commit

# Each lost race is a commit of somebody else that landed: eight writers of five commits each need 36 at most.
_ATTEMPTS = 40
# Path to content on the branch (None: the file goes), for what is known there now.
RecordsEdit = Callable[[Records], Mapping[str, bytes | None]]


def write_records(root: Path, url: str, subject: str, change: RecordsEdit) -> str:
    """Commit what `change` returns on the branch `records` and return the hash; "" when it returns nothing.

    With a `url` the branch of that remote is read and pushed, else the one of this clone is moved, which
    begins where the fetched one is. When
    somebody else writes in between, `change` is asked again about what is there then. Raises RemoteError
    when the remote cannot be reached, RaceError when somebody was faster every time.
    """
    return branches.repeated(lambda: _once(root, url, subject, change), attempts=_ATTEMPTS)


def _once(root: Path, url: str, subject: str, change: RecordsEdit) -> str:
    tip = branches.heads(root, url, BRANCH).get(BRANCH, "")

    if tip and url:
        branches.fetch(root, url, BRANCH)

    parent = tip or ("" if url else newest_commit(root))
    records = read_records(root, parent) if parent else Records()
    files = change(records)

    if not files:
        return ""

    message = f"{subject}\n\n{GENERATED_BY}: okd-gitops {__version__}\n"
    sha = make_commit(opened(root), parent, files, message)

    if url:
        # None permits only to move the branch forward; the first commit must find no branch.
        branches.push(root, url, sha, BRANCH, None if tip else "")
    else:
        branches.set_branch(root, BRANCH, sha, tip)

    return sha
