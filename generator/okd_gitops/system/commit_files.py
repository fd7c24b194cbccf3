"""The files of a commit beside those of the work tree: what both have is not read for the commit.

git names a content by a hash of its own. Which SHA-256 that content has is kept from an earlier run, so two
files are compared without reading them.
"""

from collections.abc import Iterable
from pathlib import Path

from okd_gitops.system.git_objects import blobs_at, contents, tree_at
from okd_gitops.system.kept import Results, kept_folder, key_of
from okd_gitops.system.unchanged import hash_of_code
from okd_gitops.tree import Tree, digest


def files_at(root: Path, ref: str, folders: Iterable[str], beside: Tree | None, cache: Path) -> Tree:
    """Return the files below `folders` as they are at a commit; one that `beside` has with the same content
    is that one.

    Raises UsageError for an unknown ref.
    """
    folder = kept_folder(cache)
    if beside is None or folder is None:
        return tree_at(root, ref, folders)

    blobs = blobs_at(root, ref, folders)
    results, common, place = Results(folder / "blobs"), hash_of_code(), key_of(bytes(root))
    known = _digests(results.read_of(common, place))
    read = contents(root, blobs.values() - known.keys())
    digests = known | {sha: digest(data) for sha, data in read.items()}
    if read:
        lines = (f"{sha} {digests[sha]}\n" for sha in sorted(set(blobs.values())))
        results.keep_of(common, place, "".join(lines).encode())

    same = {path for path, sha in blobs.items() if path in beside and beside.digest(path) == digests[sha]}
    read |= contents(root, {sha for path, sha in blobs.items() if path not in same} - read.keys())

    return Tree({path: beside.files[path] if path in same else read[sha] for path, sha in blobs.items()})


def _digests(data: bytes | None) -> dict[str, str]:
    """Return the SHA-256 of contents by the hashes that git has for them, as `files_at` keeps them."""
    words = (data or b"").decode().split()

    return dict(zip(words[::2], words[1::2], strict=True))
