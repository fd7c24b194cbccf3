"""Clones of foreign repositories, of which facts are read."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

_MODULE = re.compile(r"^module github\.com/(\S+)$", re.MULTILINE)


class ChangedError(Exception):
    """What a clone does not say any more, or says in another way."""


@dataclass(frozen=True)
class Clone:
    """A clone with the branches of a repository, its own or those of its remote."""

    root: Path

    def git(self, *arguments: str) -> str:
        """Return what git prints; raises ChangedError with its own words when it fails."""
        run = subprocess.run(["git", "-C", self.root, *arguments], capture_output=True, text=True)
        if run.returncode:
            raise ChangedError(run.stderr.strip() or f"git {' '.join(arguments)} found nothing")
        return run.stdout

    def commit(self, branch: str) -> str:
        """Return the newest commit of a branch."""
        for ref in (f"refs/heads/{branch}", f"refs/remotes/origin/{branch}"):
            found = self.git("for-each-ref", "--format=%(objectname)", ref).strip()
            if found:
                return found

        raise ChangedError(f"there is no branch {branch}")

    def repository(self) -> str:
        """Return `owner/name`, as the module is called."""
        match = _MODULE.search(self.git("show", "HEAD:go.mod"))
        if not match:
            raise ChangedError("go.mod names no module of github.com")
        return match[1]
