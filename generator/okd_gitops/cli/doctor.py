"""doctor: find what the other commands need and is missing, and the command that fixes it."""

import json
import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from okd_gitops import __version__
from okd_gitops.errors import OkdGitopsError, UsageError
from okd_gitops.system.git import resolve, status
from okd_gitops.system.recovery import pending
from okd_gitops.system.tools import REMEDY, tool


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that was inspected; `remedy` is empty when nothing is wrong with it."""

    name: str
    value: str
    remedy: str = ""


def doctor(root: Path, cache: Path) -> list[Fact]:
    """Return what was found; nothing is changed and nothing is fetched."""
    return [
        Fact("okd-gitops", __version__),
        Fact("python", platform.python_version()),
        Fact("repository", str(root)),
        *_git(root),
        *(_tool(cache, name) for name in ("kustomize", "kustomize-in-turn", "kubeconform")),
        _schemas(cache),
        _writable(root),
        _interrupted_run(root),
    ]


def _writable(root: Path) -> Fact:
    if os.access(root, os.W_OK):
        return Fact("writable", "yes")

    return Fact("writable", "no", "chown or chmod the folder")


def _interrupted_run(root: Path) -> Fact:
    if pending(root):
        return Fact("interrupted run", "yes", "okd-gitops generate finishes it")

    return Fact("interrupted run", "no")


def _git(root: Path) -> Iterator[Fact]:
    try:
        # A literal "." matches nothing; no name matches all.
        changed = len(status(root, [""]).paths)
    except OkdGitopsError as error:
        yield Fact("git", error.reason, error.remedy)
        return

    try:
        resolve(root, "HEAD")
    except UsageError:
        yield Fact("git", f"no commit yet, {changed} paths to commit")
    else:
        yield Fact("git", f"{changed} paths differ from HEAD")


def _tool(cache: Path, name: str) -> Fact:
    try:
        return Fact(name, f"verified, {tool(cache, name).stat().st_size >> 20} MiB")
    except OkdGitopsError as error:
        return Fact(name, error.reason, error.remedy)


def _schemas(cache: Path) -> Fact:
    try:
        index = json.loads((cache / "schemas" / "index.json").read_text("utf-8"))
    except (OSError, ValueError):
        return Fact("schemas", "missing", REMEDY)

    minors = sorted(index["kubernetes"], key=lambda minor: int(minor.partition(".")[2]))
    kinds = len(index["crds"])

    return Fact("schemas", f"Kubernetes {minors[0]} to {minors[-1]}, {kinds} kinds of CRDs")
