"""Files and folders that the Git generator of an ApplicationSet finds, and its parameters.

Read in argo-cd v3.3, applicationset/generators/git.go.
"""

import json
import posixpath
import re
from collections.abc import Mapping
from fnmatch import fnmatchcase

import yaml

from okd_gitops.manifests.plain import plain_value
from okd_gitops.manifests.template_fields import Parameters, UnknownError


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
    """Return the files that match a glob, in which ** crosses folders."""
    text = re.escape(pattern.strip("/").removeprefix("./"))
    text = text.replace(r"\*\*/", "(?:.*/)?").replace(r"\*\*", ".*").replace(r"\*", "[^/]*")
    form = re.compile(text.replace(r"\?", "[^/]"))
    return [path for path in files if form.fullmatch(path)]


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
