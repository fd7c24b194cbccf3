"""Files and folders that the Git generator of an ApplicationSet finds, and its parameters.

Read in argo-cd v3.3, applicationset/generators/git.go.
"""

import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from itertools import islice

import yaml

from okd_gitops.manifests.plain import plain_value
from okd_gitops.manifests.template_fields import Parameters, UnknownError

_BRACES = re.compile(r"\{([^{}]*)\}")
# So many globs are tried for one with several braces in it.
_MOST = 64


def matching_folders(pattern: str, files: Mapping[str, bytes]) -> list[str]:
    """Return the folders that match a pattern and are not hidden."""
    folders = {""}
    for path in files:
        parent = posixpath.dirname(path)
        while parent and parent not in folders:
            folders.add(parent)
            parent = posixpath.dirname(parent)

    return sorted(folder for folder in folders - {""} if matches(folder, pattern) and not _is_hidden(folder))


def _is_hidden(path: str) -> bool:
    return any(part.startswith(".") for part in path.split("/"))


def matches(path: str, pattern: str) -> bool:
    """Whether a folder matches as Go's path.Match does: a star stays within its part of the path."""
    parts, wanted = path.split("/"), pattern.strip("/").removeprefix("./").split("/")
    return len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted))


def matching_files(pattern: str, files: Mapping[str, bytes]) -> list[str]:
    """Return the files that match a glob in one of Argo CD's two readings, of which a setting of it decides.

    One is that of `git ls-files`, where a star crosses folders and the name of a folder means all in it; the
    other knows {alternatives}, and ** may stand for no folder.
    """
    wanted = pattern.strip("/").removeprefix("./").replace("[^", "[!")
    globs = {
        each
        for choice in islice(_alternatives(wanted), _MOST)
        for each in (choice, choice.replace("**/", ""))
    }
    globs |= {wanted, f"{wanted}/*"}
    return [path for path in files if any(fnmatchcase(path, glob) for glob in globs)]


def _alternatives(glob: str) -> Iterator[str]:
    """Yield a glob for each of the alternatives in its braces."""
    braces = _BRACES.search(glob)
    if not braces:
        yield glob
        return

    for choice in braces[1].split(","):
        yield from _alternatives(f"{glob[: braces.start()]}{choice}{glob[braces.end() :]}")


def file_rows(path: str, files: Mapping[str, bytes]) -> list[Parameters]:
    """Return the parameters in a file; raises UnknownError for one that cannot be read."""
    try:
        value = json.loads(files[path]) if path.endswith(".json") else plain_value(files[path])
    except (ValueError, yaml.YAMLError, RecursionError):
        raise UnknownError(f"{path} cannot be read") from None

    rows = value if isinstance(value, list) else [value]
    return [row for row in rows if isinstance(row, dict)]


def path_parameters(folder: str, path: str, prefix: str, *, is_go: bool) -> Parameters:
    """Return the parameters that a folder gives, or a file in it."""
    name = posixpath.basename(folder)
    segments = folder.split("/")
    normalized = re.sub(r"[^a-z0-9.-]", "-", name.lower()).strip("-.")
    filename = posixpath.basename(path)

    if is_go:
        inner = {
            "path": folder,
            "basename": name,
            "basenameNormalized": normalized,
            "segments": segments,
            "filename": filename,
            "filenameNormalized": re.sub(r"[^a-z0-9.-]", "-", filename.lower()).strip("-."),
        }
        return {prefix: {"path": inner}} if prefix else {"path": inner}

    head = f"{prefix}.path" if prefix else "path"
    plain = {head: folder, f"{head}.basename": name, f"{head}.basenameNormalized": normalized}
    plain[f"{head}.filename"] = filename
    return {**plain, **{f"{head}[{index}]": part for index, part in enumerate(segments)}}
