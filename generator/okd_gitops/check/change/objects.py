"""What the overlays of long-term clusters render no longer since the base."""

from pathlib import Path

from okd_gitops.check.diff import Rendered, render_both
from okd_gitops.check.edited_overlays import Sides, is_edited
from okd_gitops.check.lost_objects import RenderedChange, lost_objects
from okd_gitops.finding import Finding, FindingsError, Location
from okd_gitops.fleet.cluster import Cluster
from okd_gitops.fleet.load import Fleet
from okd_gitops.manifests.objects import Object


def lost_object_findings(root: Path, cache: Path, sides: Sides, base: Fleet, now: Fleet) -> list[Finding]:
    """Return a finding for each object with data that a cluster of both sides loses.

    The files of today are in `root`. What does not build is found by the check.
    """
    names = {cluster.name for cluster in now.clusters}
    clusters = {f"overlays/{cluster.name}": cluster for cluster in base.clusters if cluster.name in names}
    edited = [folder for folder in clusters if is_edited(folder, sides)]
    findings = []

    for folder in edited:
        before, after = _rendered(root, cache, sides, folder)

        if folder in before:
            findings += lost_objects(_rendered_change(clusters[folder], folder, before, after))

    return findings


def _rendered(root: Path, cache: Path, sides: Sides, folder: str) -> tuple[Rendered, Rendered]:
    """Return what a folder renders before and after; one that does not build hides no other."""
    try:
        return render_both(root, cache, sides, [folder])
    except FindingsError:
        return {}, {}


def _rendered_change(cluster: Cluster, folder: str, before: Rendered, after: Rendered) -> RenderedChange:
    return RenderedChange(
        cluster=cluster.name,
        place=Location(file=f"clusters/{cluster.name}.yaml"),
        before=_objects(before, folder),
        after=_objects(after, folder),
        is_long_term=cluster.purpose.guarded,
        is_leaving=cluster.spec.decommission,
    )


def _objects(rendered: Rendered, folder: str) -> tuple[Object, ...]:
    return tuple(document.value for document in rendered.get(folder, {}).values())
