"""Which path of the repository an entry of a kustomization stands for."""

import posixpath
import re

# A path within a repository, in a form that no version of kustomize takes for an address: a scheme, git::,
# scp's form and a query need one of the characters that are left out; the others begin with a user or with a
# forge.
_PLAIN = re.compile(r"[^:?*\\\x00-\x1f\x7f]+")
_ADDRESS = re.compile(
    r"[a-z][a-z0-9-]*@|(www\.)?(github|gitlab|bitbucket)\.[a-z]+(/|$)|.*\.git(/|$)|(.*/)?_git/", re.IGNORECASE
)


class OutsideError(ValueError):
    """An entry leads out of the repository: the reason, the remedy, and whether it is fetched."""

    def __init__(self, reason: str, remedy: str, *, is_remote: bool = False) -> None:
        super().__init__(reason)
        self.remedy, self.is_remote = remedy, is_remote


def path_below(folder: str, entry: str, *, keyed: bool) -> str:
    """Return the path that an entry of a kustomization in `folder` names; it is empty for the repository
    itself. An entry may be `key=path` if `keyed`. Raises OutsideError.
    """
    name = entry.rpartition("=")[2] if keyed else entry

    # Go folds the dotted capital I into an i; Python does not.
    if not _PLAIN.fullmatch(entry) or _ADDRESS.match(name.replace("\u0130", "i")):
        reason = f'"{entry}" is fetched from elsewhere: the build could differ from the review'
        remedy = "copy it into the repository, under a name without : ? * @"
        raise OutsideError(reason, remedy, is_remote=True)

    path = posixpath.normpath(posixpath.join(folder, name))

    if path == ".." or path.startswith(("../", "/")):
        raise OutsideError(f'"{name}" is outside the repository', "copy it in")

    return "" if path == "." else path
