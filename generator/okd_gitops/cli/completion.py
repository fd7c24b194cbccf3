"""What a shell completes: clusters, recorded versions, findings, and what git calls a commit.

A shell asks at each press of the key and shows no errors: what cannot be read completes to nothing.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from pathlib import Path

import click

Completion = Callable[[click.Context, click.Parameter, str], list[str]]


def _names(list_names: Callable[[Path, click.Context], Iterable[str]]) -> Completion:
    """Return the completion of names that are listed for a repository and what was typed before."""

    @wraps(list_names)
    def complete(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
        from okd_gitops.errors import OkdGitopsError

        try:
            names = sorted(set(list_names(_repository(context), context)))
        except (OkdGitopsError, OSError):
            return []

        return [name for name in names if name.startswith(incomplete)]

    return complete


def _repository(context: click.Context) -> Path:
    """Return the folder of --root, or the nearest one with clusters/."""
    root: Path | None = context.find_root().params.get("root")
    here = root or Path.cwd()

    return next((folder for folder in (here, *here.parents) if (folder / "clusters").is_dir()), here)


@_names
def cluster_names(repository: Path, _context: click.Context) -> Iterator[str]:
    """Complete the names of clusters."""
    return (path.stem for path in (repository / "clusters").glob("*.yaml"))


@_names
def recorded_versions(repository: Path, context: click.Context) -> list[str]:
    """Complete the versions that the hub has recorded, at the commit of --records if that was typed."""
    from okd_gitops.evidence.records import recorded_versions as recorded

    return recorded(repository, context.params.get("records") or "")


@_names
def references(repository: Path, _context: click.Context) -> list[str]:
    """Complete HEAD, branches, fetched branches and tags."""
    from okd_gitops.system.git import short_references

    return ["HEAD", *short_references(repository)]


@_names
def finding_names(_repository: Path, _context: click.Context) -> Iterable[str]:
    """Complete the names of findings."""
    from okd_gitops.explanation import explanations

    return explanations()


@_names
def explained_names(repository: Path, _context: click.Context) -> list[str]:
    """Complete everything that can be explained; without a readable catalog, clusters and findings."""
    from okd_gitops.cli.explain import explained_names as names
    from okd_gitops.errors import OkdGitopsError
    from okd_gitops.fleet.load import load_catalog

    try:
        catalog = load_catalog(repository)
    except OkdGitopsError:
        catalog = None

    return [*names(catalog), *(path.stem for path in (repository / "clusters").glob("*.yaml"))]
