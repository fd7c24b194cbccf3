"""The cluster files that HEAD has: what a removal is judged by, and since when each cluster is in git."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from okd_gitops.errors import UsageError
from okd_gitops.finding import FindingsError
from okd_gitops.fleet.cluster import Cluster, Purpose
from okd_gitops.lifecycle.quotas import Use
from okd_gitops.manifests.bounds import FOREIGN
from okd_gitops.manifests.objects import at
from okd_gitops.manifests.read import read
from okd_gitops.system.file_dates import FileDates, file_dates
from okd_gitops.system.git_objects import tree_at
from okd_gitops.tree import Tree

_FOLDER = "clusters"
_WEEK = timedelta(days=7)
# What makes a cluster another one, though it has the same name.
_IDENTITY = ("purpose", "server", "clusterID")


@dataclass(frozen=True, slots=True)
class Committed:
    """The files of clusters/ as HEAD has them, and since when; both are empty without a commit."""

    files: Tree
    dates: tuple[FileDates, ...] = ()

    @property
    def added(self) -> dict[str, datetime]:
        """Since when git has the file of each cluster."""
        return {_name(dates.path): dates.added for dates in self.dates if not dates.deleted}

    @property
    def authors(self) -> dict[str, str]:
        """Who wrote the commit that added the file of each cluster."""
        return {_name(dates.path): dates.author for dates in self.dates if not dates.deleted}

    @property
    def ever(self) -> frozenset[str]:
        """The names of all clusters that the history of HEAD has, also of those that are gone."""
        return frozenset(_name(dates.path) for dates in self.dates)

    def value(self, name: str) -> object:
        """Return the content of a cluster's file; None where HEAD has none that can be read."""
        path = f"{_FOLDER}/{name}.yaml"

        with suppress(FindingsError):
            return read(path, self.files[path], bounds=FOREIGN).value if path in self.files else None

        return None

    def purpose(self, name: str) -> str:
        """Return the purpose that HEAD's file of a cluster has; empty without a file."""
        return str(at(self.value(name), "purpose") or "")

    def other_identity(self, cluster: Cluster) -> list[str]:
        """Return the fields by which HEAD's file of that name is for another cluster; none without a file."""
        old, new = self.value(cluster.name), cluster.document.value

        return [] if old is None else [key for key in _IDENTITY if at(old, key) != at(new, key)]

    def has_announced(self, cluster: Cluster) -> bool:
        """Whether HEAD announces the removal of this very cluster."""
        is_announced = at(self.value(cluster.name), "decommission") is True

        return is_announced and not self.other_identity(cluster)


def read_committed(root: Path) -> Committed:
    """Read the cluster files of HEAD."""
    try:
        files = tree_at(root, "HEAD", [_FOLDER])
    except UsageError:
        return Committed(Tree())

    dates = [dates for dates in file_dates(root, _FOLDER) if _is_cluster_file(dates.path)]

    return Committed(files, tuple(dates))


def past_uses(root: Path, committed: Committed, now: datetime) -> Iterator[Use]:
    """Yield the ephemeral clusters that were removed in the last seven days."""
    for dates in committed.dates:
        if dates.deleted and now - dates.deleted <= _WEEK:
            before = Committed(tree_at(root, f"{dates.deleted_by}^", [dates.path]))
            name = _name(dates.path)

            if before.purpose(name) == Purpose.EPHEMERAL:
                yield Use(name, dates.added, dates.deleted)


def _is_cluster_file(path: str) -> bool:
    return path.count("/") == 1 and path.endswith(".yaml")


def _name(path: str) -> str:
    return path.removeprefix(f"{_FOLDER}/").removesuffix(".yaml")
