"""Adoption: Git follows a cluster that a person upgraded by hand, because no cluster goes back.

What the hub saw the cluster run is the only ground: neither the change nor the person says so.
"""

from dataclasses import replace

from okd_gitops.evidence.state import ClusterState
from okd_gitops.fleet.cluster import ClusterSpec
from okd_gitops.releases.cross_check import Release
from okd_gitops.releases.version import Version
from okd_gitops.upgrade.edges import LOWER, SAME, step_kind
from okd_gitops.upgrade.path import Hop, NoPath, Path, moved
from okd_gitops.upgrade.question import Follower, Question, Way


def adopts(old: ClusterSpec, new: ClusterSpec, state: ClusterState | None) -> bool:
    """Whether a change of a cluster's file only follows what the hub saw this cluster run.

    `state` is what the cluster reported last. One that is on its way to another release is not followed:
    Git would stop it half way.
    """
    if state is None or old.release is None or new.release is None:
        return False

    is_changed = (old.release.version, old.release.image) != (new.release.version, new.release.image)
    is_same_cluster = old.cluster_id == new.cluster_id == state.cluster_id
    runs_it = (state.version, state.image) == (new.release.version, new.release.image)

    return is_changed and is_same_cluster and runs_it and is_settled(state)


def is_settled(state: ClusterState) -> bool:
    """Whether a cluster wants no other release than the one that it runs."""
    return not state.updating and state.wanted_image in ("", state.image)


def adopted(question: Question, release: Release, image: str) -> Question:
    """Return the question whether Git may follow the cluster to a release that it runs as `image`.

    Nobody looks for a path: the cluster has gone it.
    """
    path = adopted_path(question.cluster, release.version)

    return replace(question, path=path, release=release, image=image, way=Way.ADOPTION)


def adopted_path(cluster: Follower, end: Version) -> Path | NoPath:
    """Return the hop that a cluster has made from the release in Git, or why Git must not follow it."""
    start = cluster.version

    if start == end:
        return NoPath(SAME, f"Git already names {end.text}")

    if end < start:
        return NoPath(LOWER, f"{end.text} is lower than {start.text}")

    return Path((Hop(start, end, step_kind(start, end), (), moved(cluster.channel, end), ()),))
