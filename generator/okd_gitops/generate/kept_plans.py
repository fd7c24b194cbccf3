"""What an earlier run planned for clusters whose plan would be the same, and whose files are as they were.

A plan is made of the cluster's file and extras, fleet.yaml, the catalog and the tool, and of no other
cluster. Of its files only a hash is kept: those that are there take their place while they have it.
"""

import json
from collections.abc import Collection, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from okd_gitops.fleet.cluster import Cluster
from okd_gitops.fleet.load import Fleet
from okd_gitops.generate.plan import Brief, Plan
from okd_gitops.system.kept import Results, kept_folder, key_of
from okd_gitops.system.unchanged import hash_of_code
from okd_gitops.tree import MANIFEST, without_version

# The folders of generated files that are one cluster's own, by its name.
_OWN = ("argocd", "overlays")
# The files of each cluster, by its name.
_Files = Mapping[str, Mapping[str, bytes]]


class KeptPlans:
    """The plans that are kept for the fleet at a root, beside the generated files that are there."""

    def __init__(self, folder: Path, root: Path, fleet: Fleet, actual: Mapping[str, bytes]) -> None:
        self._results, self._place = Results(folder / "plans"), key_of(bytes(root))
        changes = fleet.catalog.changes
        parts = [part for path in changes for part in (path.encode(), changes[path])]
        self._common = key_of(hash_of_code().encode(), _text(fleet.document.lines), *parts)

        kept = json.loads(self._results.read(self._place) or b"{}")
        self._known: dict[str, Any] = kept["plans"] if kept.get("common") == self._common else {}
        self._actual = files_of_clusters(actual)
        self.briefs = {
            cluster.name: _brief(cluster, self._known[cluster.name])
            for cluster in fleet.clusters
            if self._is_kept(cluster)
        }

    @classmethod
    def of(cls, root: Path, cache: Path, fleet: Fleet, actual: Mapping[str, bytes]) -> "KeptPlans | None":
        """Return what is kept, or None where nothing may be."""
        folder = kept_folder(cache)
        return cls(folder, root, fleet, actual) if folder else None

    def files(self) -> dict[str, bytes]:
        """Return the generated files of the clusters in `briefs`."""
        return {path: data for name in self.briefs for path, data in self._actual.get(name, {}).items()}

    def keep(self, plan: Plan, wanted: Mapping[str, bytes]) -> None:
        """Keep a plan with the hashes of the files that follow from it."""
        planned = {cluster.cluster.name for cluster in plan.clusters}
        files = files_of_clusters(wanted, planned)
        plans = {
            brief.cluster.name: _record(brief, files.get(brief.cluster.name, {}))
            if brief.cluster.name in planned
            else self._known[brief.cluster.name]
            for brief in plan.briefs
        }

        if plans != self._known:
            self._results.keep(self._place, json.dumps({"common": self._common, "plans": plans}).encode())

    def _is_kept(self, cluster: Cluster) -> bool:
        # What a guarded cluster would get without its extras is asked of its plan.
        if cluster.name not in self._known or (cluster.extras and cluster.purpose.guarded):
            return False

        record = self._known[cluster.name]
        files = self._actual.get(cluster.name, {})
        return bool(record["key"] == _key(cluster) and record["files"] == _hash(files))


def files_of_clusters(files: Mapping[str, bytes], names: Collection[str] | None = None) -> _Files:
    """Return the files of each cluster by its name, or of those of some names."""
    own: dict[str, dict[str, bytes]] = {}
    for path, data in files.items():
        top, _, below = path.partition("/")
        name = below.partition("/")[0]
        if top in _OWN and (names is None or name in names):
            own.setdefault(name, {})[path] = data

    return own


def _key(cluster: Cluster) -> str:
    extras = (part for path in cluster.extras for part in (path.encode(), cluster.extras[path]))
    return key_of(_text(cluster.document.lines), *extras)


def _record(brief: Brief, files: Mapping[str, bytes]) -> dict[str, Any]:
    return {
        "key": _key(brief.cluster),
        "files": _hash(files),
        "parts": brief.parts,
        "provided": brief.is_provided,
    }


def _brief(cluster: Cluster, record: Mapping[str, Any]) -> Brief:
    parts = tuple((feature, part) for feature, part in record["parts"])
    return Brief(cluster, parts, is_provided=record["provided"])


def _hash(files: Mapping[str, bytes]) -> str:
    """Return a hash of files; which version of the tool wrote a list of them is no difference."""
    whole = sha256()
    for path in sorted(files):
        data = without_version(files[path]) if path.endswith(f"/{MANIFEST}") else files[path]
        whole.update(f"{path}\0{len(data)}\0".encode() + data)

    return whole.hexdigest()


def _text(lines: Collection[str]) -> bytes:
    return "\n".join(lines).encode()
