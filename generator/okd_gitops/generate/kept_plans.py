"""What an earlier run planned for clusters whose plan would be the same, and whose files are as they were.

A plan is made of the cluster's file and extras, fleet.yaml, the catalog and the tool, and of no other
cluster. Of its files only a hash is kept: those that are there are as planned while they have it.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from hashlib import sha256
from typing import Any

from okd_gitops.fleet.cluster import Cluster
from okd_gitops.fleet.load import Fleet
from okd_gitops.generate.plan import Brief, Plan
from okd_gitops.system.files_on_disk import is_same_file
from okd_gitops.system.kept import Kept, key_of
from okd_gitops.system.unchanged import hash_of_code
from okd_gitops.tree import Tree

_KIND = "plans"
# The folders of generated files that are one cluster's own, by its name.
_OWN = ("argocd", "overlays")


class KeptPlans:
    """The plans that are kept for a fleet, beside the generated files that are there."""

    def __init__(self, kept: Kept, fleet: Fleet, actual: Tree) -> None:
        self._kept = kept
        changes = fleet.catalog.changes
        parts = [part for path in changes for part in (path.encode(), changes[path])]
        self._common = key_of(hash_of_code().encode(), fleet.document.digest.encode(), *parts)

        known = json.loads(kept.read(_KIND, self._common) or b'{"parts": [], "plans": {}}')
        self._known: dict[str, Any] = known["plans"]
        # Most clusters have the same ones.
        self._parts = [tuple((feature, part) for feature, part in parts) for parts in known["parts"]]
        self._actual = paths_of_clusters(actual)
        self._files = actual
        self.briefs = {
            cluster.name: self._brief(cluster, self._known[cluster.name])
            for cluster in fleet.clusters
            if self._is_kept(cluster)
        }

    def paths(self) -> set[str]:
        """Return the generated files of the clusters in `briefs`, which are as planned."""
        return {path for name in self.briefs for path in self._actual.get(name, ())}

    def keep(self, plan: Plan, made: Tree) -> None:
        """Keep a plan, and a hash of the files that were made of it."""
        paths = paths_of_clusters(made)
        numbers = {
            parts: number for number, parts in enumerate(dict.fromkeys(brief.parts for brief in plan.briefs))
        }
        plans = {brief.cluster.name: self._record(brief, paths, made, numbers) for brief in plan.briefs}

        if plans != self._known or list(numbers) != self._parts:
            new = {"parts": list(numbers), "plans": plans}
            self._kept.keep(_KIND, self._common, json.dumps(new).encode())

    def _record(
        self,
        brief: Brief,
        paths: Mapping[str, Collection[str]],
        made: Tree,
        numbers: Mapping[tuple[tuple[str, str], ...], int],
    ) -> dict[str, Any]:
        """Return what is kept of a cluster: all but its parts, of which it has the number."""
        name = brief.cluster.name
        known = self._known[name] if name in self.briefs else None

        return {
            "key": known["key"] if known else _key(brief.cluster),
            "files": known["files"] if known else _hash_of(paths.get(name, ()), made),
            "parts": numbers[brief.parts],
            "provided": brief.is_provided,
        }

    def _brief(self, cluster: Cluster, record: Mapping[str, Any]) -> Brief:
        return Brief(cluster, self._parts[record["parts"]], is_provided=record["provided"])

    def _is_kept(self, cluster: Cluster) -> bool:
        # What a guarded cluster would get without its extras is asked of its plan.
        if cluster.name not in self._known or (cluster.extras and cluster.purpose.guarded):
            return False

        record = self._known[cluster.name]
        if record["key"] != _key(cluster):
            return False

        paths = self._actual.get(cluster.name, ())
        return bool(record["files"] == _hash_of(paths, self._files))


class EarlierPlans:
    """The plans of the step before in one run, in which some cluster files were edited since: `wanted` are
    the files that it has left, `actual` those that are there now.
    """

    def __init__(self, fleet: Fleet, plan: Plan, wanted: Tree, actual: Tree) -> None:
        self._paths, left = paths_of_clusters(actual), paths_of_clusters(wanted)
        clusters = {cluster.name: cluster for cluster in fleet.clusters}

        def is_as_left(name: str) -> bool:
            paths = {*self._paths.get(name, ()), *left.get(name, ())}
            return all(is_same_file(actual.files.get(path), wanted.files.get(path)) for path in paths)

        self.briefs = {
            brief.cluster.name: brief
            for brief in plan.briefs
            if clusters.get(brief.cluster.name) is brief.cluster and is_as_left(brief.cluster.name)
        }

    def paths(self) -> set[str]:
        """Return the generated files of the clusters in `briefs`, which are as planned."""
        return {path for name in self.briefs for path in self._paths.get(name, ())}

    def keep(self, plan: Plan, made: Tree) -> None:
        """Keep nothing: it is of one run."""


def paths_of_clusters(files: Iterable[str]) -> dict[str, list[str]]:
    """Return the paths of the generated files of each cluster, by its name."""
    own: dict[str, list[str]] = {}
    for path in files:
        top, _, below = path.partition("/")
        if top in _OWN:
            own.setdefault(below.partition("/")[0], []).append(path)

    return own


def _key(cluster: Cluster) -> str:
    extras = (part.encode() for path in cluster.extras for part in (path, cluster.extras.digest(path)))
    return key_of(cluster.document.digest.encode(), *extras)


def _hash_of(paths: Iterable[str], files: Tree) -> str:
    """Return a hash of some files."""
    return sha256("\n".join(f"{files.digest(path)} {path}" for path in sorted(paths)).encode()).hexdigest()
